"""What the notice of an alert storm says. Pure; used by blocks.py."""

from __future__ import annotations

from datetime import datetime, timedelta

from integrations.slack.text import minutes, when, whole_hours
from multivac.briefing import StormNotice
from multivac.tongue import phrase, plural


def title_and_state(said: StormNotice) -> tuple[str, tuple[str, ...]]:
    """Its title, and its paragraphs as Slack's own markup."""
    return _is_over(said, said.over_at) if said.over_at is not None else _goes_on(said)


def _is_over(said: StormNotice, at: datetime) -> tuple[str, tuple[str, ...]]:
    title = plural(
        "Alert storm over: {count} new incident", "Alert storm over: {count} new incidents", said.incidents
    )
    state = phrase(
        "{since} to {over}. {severe} at SEV1 or SEV2, {ended} ended.",
        since=when(said.since),
        over=when(at),
        severe=said.severe,
        ended=said.ended,
    )
    return title, (state,)


def _goes_on(said: StormNotice) -> tuple[str, tuple[str, ...]]:
    title = plural(
        "Alert storm: {count} new incident, {waiting} waiting for a channel, worst first",
        "Alert storm: {count} new incidents, {waiting} waiting for a channel, worst first",
        said.incidents,
        waiting=said.waiting,
    )
    state = (
        phrase("Since {since}.", since=when(said.since)),
        _others_wait(said),
        phrase("This message stands for their announcements."),
    )
    advice = phrase(
        "*What to do:* in PagerDuty, resolve or merge what is no incident of its own: if it still waits, it "
        "gets no channel. Raise the priority of what cannot wait."
    )
    return title, (" ".join(state), advice)


def _others_wait(said: StormNotice) -> str:
    """Who waits how long for a channel; under two minutes is said in seconds."""
    if said.every < timedelta(minutes=2):
        return plural(
            "{severe} at SEV1 or SEV2, which get their channel at once; of the others one every "
            "{count} second.",
            "{severe} at SEV1 or SEV2, which get their channel at once; of the others one every "
            "{count} seconds.",
            round(said.every.total_seconds()),
            severe=said.severe,
        )
    if hours := whole_hours(said.every):
        return plural(
            "{severe} at SEV1 or SEV2, which get their channel at once; of the others one every hour.",
            "{severe} at SEV1 or SEV2, which get their channel at once; of the others one every "
            "{count} hours.",
            hours,
            severe=said.severe,
        )
    return plural(
        "{severe} at SEV1 or SEV2, which get their channel at once; of the others one every minute.",
        "{severe} at SEV1 or SEV2, which get their channel at once; of the others one every {count} minutes.",
        minutes(said.every),
        severe=said.severe,
    )
