"""Which scopes the Slack app needs and what for: one table, for the manifest and for the check."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType

from multivac.sections import SlackSettings


class Feature(StrEnum):
    """What of Slack is used; a scope of a feature that is off is not missed."""

    RESPONSE = "incidents have channels"
    ANNOUNCED = "a channel for announcements or for operators is set"
    PRIVATE = "a playbook, or whoever declares, opens private channels"
    GROUPS = "a playbook, or whoever asks, names a user group"
    HEARS = "people can ask in Slack"
    REACTIONS = "people do something by a reaction"


# Scope: the feature that needs it, and what for. The methods behind each are in integrations/slack.
SCOPES: Mapping[str, tuple[Feature, str]] = MappingProxyType(
    {
        "chat:write": (Feature.RESPONSE, "headline, announcement, checklists and reminders need it"),
        "chat:write.public": (
            Feature.ANNOUNCED,
            "announcing in a public channel that the bot has not joined needs it",
        ),
        "channels:manage": (
            Feature.RESPONSE,
            "opening an incident's channel, its topic and inviting people need it",
        ),
        "channels:read": (Feature.RESPONSE, "finding its own channel again after a crash needs it"),
        "channels:history": (
            Feature.RESPONSE,
            "finding its own message after a lost answer, and seeing whether people wrote, need it",
        ),
        "groups:write": (Feature.PRIVATE, "opening a private channel, its topic and inviting people need it"),
        "groups:read": (Feature.RESPONSE, "finding its own channel again, private ones included, needs it"),
        "groups:history": (Feature.PRIVATE, "finding its own message again in a private channel needs it"),
        "pins:write": (Feature.RESPONSE, "pinning the headline needs it"),
        "bookmarks:read": (Feature.RESPONSE, "adding no link twice to the channel's bar needs it"),
        "bookmarks:write": (Feature.RESPONSE, "links in the channel's bar need it"),
        "users:read": (
            Feature.RESPONSE,
            "looking people up needs it; Slack grants users:read.email only with it",
        ),
        "users:read.email": (Feature.RESPONSE, "finding the Slack user of whoever is on call needs it"),
        "usergroups:read": (Feature.GROUPS, "inviting a user group needs it"),
        "commands": (Feature.HEARS, "/incident needs it"),
        "app_mentions:read": (Feature.HEARS, "asking by a mention, also in a thread, needs it"),
        "im:history": (Feature.HEARS, "asking in a direct message needs it"),
        "reactions:read": (
            Feature.REACTIONS,
            "hearing of reactions, by which people keep messages, needs it",
        ),
        "reactions:write": (Feature.HEARS, "showing at a message that it is kept needs it"),
        "files:write": (Feature.HEARS, "exporting a timeline into the channel needs it"),
        "pins:read": (Feature.HEARS, "hearing what people pin and unpin needs it"),
    }
)

# Event: what it is heard for. `integrations/slack/inbound.py` hears them.
EVENTS: dict[str, str] = {
    "app_mention": "a mention is a command too",
    "message.im": "and so is a direct message",
    "app_home_opened": "its page shows each person what is open",
    "member_joined_channel": "whoever joins and is on call is told where things stand",
    "member_left_channel": "whoever left is not invited again",
    "message.channels": "whoever writes needs no briefing; a message that is kept may be edited or deleted",
    "message.groups": "the same in private channels",
    "pin_removed": "the timeline says who unpinned the headline",
    "channel_rename": "a channel keeps the name that people give it",
    "group_rename": "the same of private channels",
    "channel_archive": "while a channel is archived nothing is posted, and the lead is told",
    "group_archive": "the same of private channels",
    "channel_unarchive": "then the response goes on there",
    "group_unarchive": "the same of private channels",
    "channel_deleted": "the lead is told",
    "group_deleted": "the same of private channels",
    "channel_left": "the lead is told that the bot was removed",
    "group_left": "the same of private channels",
    "user_change": "a lead whose account is closed leaves a gap that is said",
    "reaction_added": "a pushpin keeps a message, a ticked box makes it a task, a megaphone publishes it",
    "reaction_removed": "within ten minutes that takes it back",
    "pin_added": "what people pin is kept in the timeline",
}

_OF_REACTIONS = frozenset({"reaction_added", "reaction_removed"})


def used(slack: SlackSettings, *, hears: bool, private: bool = False, groups: bool = False) -> set[Feature]:
    """What is used: `hears` if people can ask, `private` and `groups` if playbooks need these anyway."""
    emoji = (*slack.timeline_emoji, *slack.task_emoji, *slack.update_emoji, *slack.declare_emoji)
    is_used = {
        Feature.RESPONSE: True,
        Feature.ANNOUNCED: bool(slack.announce_channel or slack.operators_channel),
        Feature.PRIVATE: private or hears,
        Feature.GROUPS: groups or hears,
        Feature.HEARS: hears,
        Feature.REACTIONS: hears and bool(emoji),
    }
    return {feature for feature, is_so in is_used.items() if is_so}


def scopes_of(features: Collection[Feature]) -> Mapping[str, str]:
    """The scopes that these features need, each with its reason."""
    return {scope: why for scope, (feature, why) in SCOPES.items() if feature in features}


def events_of(features: Collection[Feature]) -> Mapping[str, str]:
    """The events that are heard for these features, each with its reason."""
    without = frozenset() if Feature.REACTIONS in features else _OF_REACTIONS
    return {event: why for event, why in EVENTS.items() if event not in without}


def missing(granted: Collection[str], features: Collection[Feature]) -> Mapping[str, str]:
    """The scopes that the features in use need and that are not granted, each with its reason."""
    return {scope: why for scope, why in scopes_of(features).items() if scope not in granted}
