"""Under which heading help shows each verb. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from multivac.tongue import mark
from multivac.verbs.table import VERBS
from multivac.verbs.verb import Verb

# Every verb stands under one.
_HEADINGS: tuple[tuple[str, str], ...] = (
    (mark("Begin and find"), "declare drill list search show join briefing oncall whoami prefs doctor help"),
    (mark("Who does it, and how bad it is"), "lead handover role roles severity impact page escalate invite"),
    (
        mark("Where it stands, and who is told"),
        "update snooze subscribe unsubscribe status mitigate note timeline export",
    ),
    (mark("What is to be done"), "task checklist followup remind reminders quiet retry"),
    (mark("What it is"), "rename services link ticket private"),
    (mark("The end"), "resolve close continue reopen dismiss merge split archive ask approve decline"),
)


def by_heading() -> Iterator[tuple[str, tuple[Verb, ...]]]:
    """The verbs as help shows them: each heading, in English, with those under it."""
    named = {verb.name: verb for verb in VERBS}
    for heading, names in _HEADINGS:
        yield heading, tuple(named[name] for name in names.split())
