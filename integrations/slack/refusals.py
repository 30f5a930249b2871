"""What Slack's refusals mean, in words a person can act on; used by calls.py and chat.py.

The names are those of Slack's method reference (August 2026). A name that is missing here is a
permanent refusal and shown as it is, because Slack adds names without notice.
"""

from __future__ import annotations

from multivac.tongue import mark

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

_REINSTALL = mark("Install the Slack app again and give Multivac the new bot token.")
_ASK_ADMIN = mark("Ask an admin of the workspace to allow this to the Multivac app.")
_INVITE_BOT = mark("Invite the bot into the channel.")
REPORT = mark("This is a fault of Multivac: please report it.")
_NAMES = mark("Change how channels are named in Multivac's settings.")

# Error name: what it means, and what to do about it.
MEANING: dict[str, tuple[str, str]] = {
    "access_denied": (mark("the bot may not do this in the channel"), _ASK_ADMIN),
    "account_inactive": (mark("the bot's account is deactivated"), _REINSTALL),
    "app_access_restricted": (mark("the workspace restricts the app"), _ASK_ADMIN),
    "cannot_create_channel": (mark("this channel cannot be created"), _NAMES),
    "cant_update_message": (mark("the message is not the bot's own"), mark("Leave it as it is.")),
    "channel_is_limited_access": (mark("the bot has no access to the channel"), _INVITE_BOT),
    "channel_not_found": (
        mark("there is no such channel, or the bot cannot see it"),
        mark("Check the name; if the channel is private, invite the bot into it."),
    ),
    "edit_window_closed": (
        mark("the workspace does not let messages of this age be edited"),
        mark("Ask an admin of the workspace to allow edits at any time."),
    ),
    "ekm_access_denied": (mark("the workspace's admins have stopped messages to this channel"), _ASK_ADMIN),
    "invalid_auth": (mark("Slack does not accept the bot's token"), _REINSTALL),
    "invalid_blocks": (mark("Slack does not accept the layout of the message"), REPORT),
    "invalid_blocks_format": (mark("Slack does not accept the layout of the message"), REPORT),
    "invalid_link": (
        mark("Slack does not accept the link"),
        mark("Give an address that begins with https://."),
    ),
    "invalid_name": (mark("Slack does not accept the channel's name"), _NAMES),
    "invalid_name_maxlength": (mark("the channel's name is too long"), _NAMES),
    "invalid_name_punctuation": (mark("the channel's name is only punctuation"), _NAMES),
    "invalid_name_required": (mark("the channel's name is empty"), _NAMES),
    "invalid_name_specials": (mark("the channel's name has characters that Slack does not allow"), _NAMES),
    "is_archived": (mark("the channel is archived"), mark("Unarchive the channel, or go on in another one.")),
    "is_inactive": (mark("the channel is archived"), mark("Unarchive the channel, or go on in another one.")),
    "message_not_found": (mark("the message is gone"), mark("Somebody deleted it: look at the channel.")),
    "msg_blocks_too_long": (mark("the message is too long"), REPORT),
    "msg_too_long": (mark("the message is too long"), REPORT),
    "name_taken": (mark("a channel of that name exists already"), mark("It may be archived or private.")),
    "no_permission": (mark("the bot has no permission for this"), _ASK_ADMIN),
    "no_such_subteam": (mark("there is no such user group"), mark("Correct the group in the playbook.")),
    "not_allowed_token_type": (mark("the token is of the wrong kind"), mark("Give Multivac the bot token.")),
    "not_authed": (mark("no token was sent"), mark("Give Multivac the bot token.")),
    "not_in_channel": (mark("the bot is not in the channel"), _INVITE_BOT),
    "org_login_required": (mark("the workspace is moving to another organisation"), _REINSTALL),
    "permission_denied": (mark("the bot has no permission for this"), _ASK_ADMIN),
    "plan_upgrade_required": (
        mark("this Slack plan has no user groups"),
        mark("Name people or on-call schedules in the playbook instead."),
    ),
    "restricted_action": (mark("a setting of the workspace forbids it"), _ASK_ADMIN),
    "restricted_action_read_only_channel": (mark("nobody may write in this channel"), _ASK_ADMIN),
    "restricted_action_thread_only_channel": (mark("only replies are allowed in this channel"), _ASK_ADMIN),
    "team_access_not_granted": (mark("the app is not installed in this workspace"), _REINSTALL),
    "token_expired": (mark("the bot's token has expired"), _REINSTALL),
    "token_revoked": (mark("the bot's token is revoked"), _REINSTALL),
    "too_many_bookmarks": (
        mark("the channel has as many bookmarks as Slack allows"),
        mark("Remove a bookmark."),
    ),
    "too_many_pins": (mark("the channel has as many pins as Slack allows"), mark("Unpin a message.")),
    "user_is_restricted": (mark("the bot is a guest here"), _ASK_ADMIN),
}

# Inviting these people is already done.
THERE_ALREADY = frozenset({"already_in_channel", "cant_invite_self"})

# Why one person could not be invited; the others are not concerned.
ABOUT_A_PERSON: dict[str, str] = {
    "cant_invite": mark("cannot be invited: perhaps deactivated"),
    "invitee_cant_see_channel": mark("is in none of the workspaces that share the channel"),
    "no_permission": mark("the bot may not invite them"),
    "no_external_invite_permission": mark("is from outside and the bot may not invite them"),
    "org_user_not_in_team": mark("is not in this workspace"),
    "ura_max_channels": mark("is a guest who may not be in more channels"),
    "user_disabled": mark("is deactivated"),
    "user_is_restricted": mark("is a guest who may not be in this channel"),
    "user_is_ultra_restricted": mark("is a guest who may not be in this channel"),
    "user_not_found": mark("not found"),
    "user_not_visible": mark("cannot be seen by the bot"),
}
