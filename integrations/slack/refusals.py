"""What Slack's refusals mean, in words a person can act on; used by calls.py and chat.py.

The names are those of Slack's method reference (August 2026). A name that is missing here is a
permanent refusal and shown as it is, because Slack adds names without notice.
"""

from __future__ import annotations

# Slack asks for fewer calls: nothing happened, and asking again later is right.
SLOW_DOWN = frozenset({"ratelimited", "rate_limited", "too_many_requests", "message_limit_exceeded"})

# What people in the channel can mend; whatever else Slack refuses is for those who run Multivac.
PEOPLES_OWN = frozenset(
    {
        "cant_update_message",
        "channel_is_limited_access",
        "channel_not_found",
        "edit_window_closed",
        "invalid_link",
        "is_archived",
        "is_inactive",
        "message_not_found",
        "not_in_channel",
        "too_many_bookmarks",
        "too_many_pins",
    }
)

# Slack could not do it this time; whether it happened anyway is unknown.
PASSING = frozenset(
    {
        "accesslimited",
        "external_channel_migrating",
        "fatal_error",
        "fetch_members_failed",
        "internal_error",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
        "update_failed",
    }
)

_REINSTALL = "Install the Slack app again and give Multivac the new bot token."
_ASK_ADMIN = "Ask an admin of the workspace to allow this to the Multivac app."
_INVITE_BOT = "Invite the bot into the channel."
REPORT = "This is a fault of Multivac: please report it."
_NAMES = "Change how channels are named in Multivac's settings."

# Error name: what it means, and what to do about it.
MEANING: dict[str, tuple[str, str]] = {
    "access_denied": ("the bot may not do this in the channel", _ASK_ADMIN),
    "account_inactive": ("the bot's account is deactivated", _REINSTALL),
    "app_access_restricted": ("the workspace restricts the app", _ASK_ADMIN),
    "cannot_create_channel": ("this channel cannot be created", _NAMES),
    "cant_update_message": ("the message is not the bot's own", "Leave it as it is."),
    "channel_is_limited_access": ("the bot has no access to the channel", _INVITE_BOT),
    "channel_not_found": (
        "there is no such channel, or the bot cannot see it",
        "Check the name; if the channel is private, invite the bot into it.",
    ),
    "edit_window_closed": (
        "the workspace does not let messages of this age be edited",
        "Ask an admin of the workspace to allow edits at any time.",
    ),
    "ekm_access_denied": ("the workspace's admins have stopped messages to this channel", _ASK_ADMIN),
    "invalid_auth": ("Slack does not accept the bot's token", _REINSTALL),
    "invalid_blocks": ("Slack does not accept the layout of the message", REPORT),
    "invalid_blocks_format": ("Slack does not accept the layout of the message", REPORT),
    "invalid_link": ("Slack does not accept the link", "Give an address that begins with https://."),
    "invalid_name": ("Slack does not accept the channel's name", _NAMES),
    "invalid_name_maxlength": ("the channel's name is too long", _NAMES),
    "invalid_name_punctuation": ("the channel's name is only punctuation", _NAMES),
    "invalid_name_required": ("the channel's name is empty", _NAMES),
    "invalid_name_specials": ("the channel's name has characters that Slack does not allow", _NAMES),
    "is_archived": ("the channel is archived", "Unarchive the channel, or go on in another one."),
    "is_inactive": ("the channel is archived", "Unarchive the channel, or go on in another one."),
    "message_not_found": ("the message is gone", "Somebody deleted it: look at the channel."),
    "msg_blocks_too_long": ("the message is too long", REPORT),
    "msg_too_long": ("the message is too long", REPORT),
    "name_taken": ("a channel of that name exists already", "It may be archived or private."),
    "no_permission": ("the bot has no permission for this", _ASK_ADMIN),
    "no_such_subteam": ("there is no such user group", "Correct the group in the playbook."),
    "not_allowed_token_type": ("the token is of the wrong kind", "Give Multivac the bot token."),
    "not_authed": ("no token was sent", "Give Multivac the bot token."),
    "not_in_channel": ("the bot is not in the channel", _INVITE_BOT),
    "org_login_required": ("the workspace is moving to another organisation", _REINSTALL),
    "permission_denied": ("the bot has no permission for this", _ASK_ADMIN),
    "plan_upgrade_required": (
        "this Slack plan has no user groups",
        "Name people or on-call schedules in the playbook instead.",
    ),
    "restricted_action": ("a setting of the workspace forbids it", _ASK_ADMIN),
    "restricted_action_read_only_channel": ("nobody may write in this channel", _ASK_ADMIN),
    "restricted_action_thread_only_channel": ("only replies are allowed in this channel", _ASK_ADMIN),
    "team_access_not_granted": ("the app is not installed in this workspace", _REINSTALL),
    "token_expired": ("the bot's token has expired", _REINSTALL),
    "token_revoked": ("the bot's token is revoked", _REINSTALL),
    "too_many_bookmarks": ("the channel has as many bookmarks as Slack allows", "Remove a bookmark."),
    "too_many_pins": ("the channel has as many pins as Slack allows", "Unpin a message."),
    "user_is_restricted": ("the bot is a guest here", _ASK_ADMIN),
}

# Inviting these people is already done.
THERE_ALREADY = frozenset({"already_in_channel", "cant_invite_self"})

# Why one person could not be invited; the others are not concerned.
ABOUT_A_PERSON: dict[str, str] = {
    "cant_invite": "cannot be invited: perhaps deactivated",
    "invitee_cant_see_channel": "is in none of the workspaces that share the channel",
    "no_permission": "the bot may not invite them",
    "no_external_invite_permission": "is from outside and the bot may not invite them",
    "org_user_not_in_team": "is not in this workspace",
    "ura_max_channels": "is a guest who may not be in more channels",
    "user_disabled": "is deactivated",
    "user_is_restricted": "is a guest who may not be in this channel",
    "user_is_ultra_restricted": "is a guest who may not be in this channel",
    "user_not_found": "not found",
    "user_not_visible": "cannot be seen by the bot",
}
