"""What is told whoever settled how bad it is, or where it stands: what follows, and what to do next.

That it is so, they see where they said it: in the channel's headline, or in the question they answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from multivac.briefing import Press, clock_time
from multivac.desk.asking import Sitting
from multivac.incident import Status
from multivac.steps.base import View
from multivac.steps.cadence import next_update_due
from multivac.steps.channel import is_archived
from multivac.steps.words import OPEN_AGAIN
from multivac.store import members
from multivac.store.cases import Case
from multivac.store.sayings import SayingKind
from multivac.tongue import lasting, mark, phrase

Said = tuple[str, Press | None]  # a whole sentence, "" for a button that needs none, and what it advises
_NOW = {
    Status.ACTIVE: mark("INC-{number} is active now."),
    Status.MITIGATED: mark("INC-{number} is mitigated now."),
    Status.RESOLVED: mark("INC-{number} is resolved now."),
    Status.CLOSED: mark("INC-{number} is closed now."),
    Status.DISMISSED: mark("INC-{number} is dismissed now: it is no incident."),
    Status.TRIAGE: mark("INC-{number} is in triage again now."),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """Whole sentences, and buttons for what they advise."""

    said: str
    presses: tuple[Press, ...]


def after_severity(sitting: Sitting, case: Case, *, was: Status) -> Advice:
    """What follows since this severity was settled; `was` is the status before."""
    fact = phrase("INC-{number} is {severity} now.", number=case.id, severity=case.severity.upper())
    is_asked = f"severity asked/{sitting.ask.by}" in case.steps and sitting.ask.via == "button"
    told = [] if is_asked or _is_here(sitting, case) else [fact]
    told += [phrase("Triage is over.")] if case.status is not was else []
    return _together(told, list(_of_open(sitting, case)))


def after_status(sitting: Sitting, case: Case, *, was: Status) -> Advice:
    """What follows since it has this status; `was` is the one before."""
    told = [] if _is_here(sitting, case) else [phrase(_NOW[case.status], number=case.id)]
    is_back = case.status.is_open and not was.is_open
    if is_back and case.lead is not None and case.lead.key != sitting.person.key:
        told.append(phrase("{name} is asked to go on leading it.", name=case.lead.name))
    if is_back and (shut := _of_its_channel(case)):
        told.append(shut)
    return _together(told, list(_of_open(sitting, case) if case.status.is_open else _of_ended(case)))


def _of_its_channel(case: Case) -> str:
    """What becomes of a channel that was shut while it was over; "" if it was not."""
    if case.shut_how.startswith(members.UNARCHIVED):
        return phrase("The bot is not in its channel any more. Bring it back: mention it there.")
    if is_archived(case):
        return phrase(
            "Its channel is archived, and Slack lets no bot change that: it goes on in a new one, "
            "to which you and whoever was in it are invited."
        )
    return ""


def _is_here(sitting: Sitting, case: Case) -> bool:
    return case.channel_id is not None and sitting.ask.channel == case.channel_id


def _together(told: list[str], advised: list[Said]) -> Advice:
    presses = (press for _, press in advised if press is not None)
    return Advice(" ".join(filter(None, [*told, *(said for said, _ in advised)])), tuple(presses))


def _of_open(sitting: Sitting, case: Case) -> Iterator[Said]:
    """What it needs next, as far as rows can tell; at least when stakeholders are to hear of it."""
    about = f"INC-{case.id}"
    if case.lead is None:
        yield (
            phrase("No lead yet. Whoever leads presses Take the lead."),
            Press(label=phrase("Take the lead"), line=f"{about} lead it", stands_out=True),
        )
    if case.severity_by is None:
        yield (
            phrase("Nobody has settled the severity yet."),
            Press(label=phrase("Settle severity"), line=f"{about} severity"),
        )
    if case.status is Status.MITIGATED:
        yield (
            phrase("Resolve it once the cause is fixed."),
            Press(label=phrase("Resolve"), line=f"{about} resolve"),
        )
    if not case.impact:
        yield (
            phrase("Say what users notice; it stands in the headline."),
            Press(label=phrase("Impact"), line=f"{about} impact"),
        )
    yield _owed(sitting, case), Press(label=phrase("Update"), line=f"{about} update")


def _owed(sitting: Sitting, case: Case) -> str:
    due = next_update_due(View(case=case, now=sitting.now, out=sitting.house.out))
    if due is None:
        return phrase("No update is promised; write one when there is news.")
    if due <= sitting.now:
        return phrase("An update is due now.")
    return phrase("The next update is due at {time}.", time=clock_time(due))


def _of_ended(case: Case) -> Iterator[Said]:
    ends, about = case.playbook.end, f"INC-{case.id}"
    reopen = Press(label=phrase("Reopen"), line=f"{about} reopen", confirm=phrase(OPEN_AGAIN))
    if case.status is not Status.RESOLVED:
        span = lasting(ends.archive_after)
        yield phrase("Its channel is archived in {span}, and can be read then too.", span=span), reopen
        return
    if not case.said(SayingKind.FOLLOW_UP):
        yield (
            phrase("Write down what is left to do: `/incident {line}`.", line=f"{about} followup"),
            None,
        )
    close = Press(label=phrase("Close"), line=f"{about} close")
    yield phrase("In {span} it closes by itself.", span=lasting(ends.close_after)), close
    yield "", reopen
