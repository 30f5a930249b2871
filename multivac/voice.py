"""What may be said in an incident's channel, and when: the noise budget. Pure.

The response asks `weigh` for everything that it wants before it wants it, so no message comes into a
channel past this table. A message that stands already may always be edited: an edit notifies nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from multivac.incident import Severity
from multivac.store.cases import Case, StepRow

FIRST = timedelta(minutes=10)  # in which a channel gets four messages of ours at most, and two mentions
APART = timedelta(minutes=10)  # between two messages afterwards of which nobody needs to know at once
WRITING = "writing"  # the step that looks whether people are, before a message that yields to them
OFF_WORK = "off work"  # the step that looks whether somebody is, before a message that rests with them
_LULL = timedelta(minutes=1)  # until it is asked again; the step says itself when it looks again
NEVER_WAITS = 2  # sev1 and sev2, for the lead's night
_ONE_MORE = 1  # besides headline, lead call and first checklist


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How loud one kind of message is, and how long it may wait.

    `rank` decides between two that want to come first. One that is `core` always comes; the first of
    several, if it comes in several, or `each` of them, which leaves the others their room. One that
    `answers` comes of what people did: it is never held back, and does not count. One that `spaced` keeps
    its distance later too; one that `hushes` waits while people have asked for quiet, one that `yields`
    while they are writing or, where it is not bad, off work; one that `rests` waits at all but sev1 while
    whoever it asks is off work. One in a `thread` is no message in the channel, but it may mention.
    """

    rank: int = 1
    core: bool = False
    each: bool = False
    answers: bool = False
    spaced: bool = False
    hushes: bool = False
    yields: bool = False
    rests: bool = False
    mentions: bool = False
    thread: bool = False


KINDS: Mapping[str, Kind] = {
    "headline": Kind(rank=0, core=True),
    "lead told": Kind(rank=0, core=True, each=True),  # whoever is asked next must know at once
    "checklist": Kind(rank=3, core=True, hushes=True),
    "gaps": Kind(rank=1),
    "page failed": Kind(rank=0, answers=True),  # somebody is waited for who will not come
    "resolution": Kind(rank=1),
    "invites asked": Kind(rank=1),
    "update due": Kind(rank=2, hushes=True, yields=True),
    "update overdue": Kind(rank=2, hushes=True, yields=True, mentions=True, thread=True),
    "update": Kind(answers=True),
    "change line": Kind(answers=True),
    "end line": Kind(answers=True),
    "stale nudge": Kind(rank=4, hushes=True, mentions=True),
    "archive warning": Kind(rank=5, spaced=True),
    "alert line": Kind(rank=4, spaced=True),
    "tasks": Kind(answers=True),
    "reminder": Kind(answers=True, hushes=True, rests=True, mentions=True),
    "asked again": Kind(answers=True, hushes=True, rests=True, mentions=True),
}
# Steps that say nothing in the channel.
SILENT = frozenset(
    {
        *("channel", "topic", "purpose", "pin", "first bookmark", "bookmark", "invite"),
        *("service", "on call", "schedule", "who", "group", "chat ids", "lead", "role", "settle"),
        *("ticket", "account", "assignee", "comment", "note", "status update", "note passed on"),
        *("announcement", "thread"),
        *("stand-ins", "next lead", "page", "priority"),
        *("severity asked", "shut told", "on call now", "briefing", "capture", "memo"),
        *("approval", "approval told", "given", "writing", "off work", "page told", "unanswered"),
        "stakeholder told",
        *(
            "alert priority",
            "severity heard",
            "alert ack",
            "alert end",
            "ticket status",
            "ticket words",
            "follow-up",
            "follow-up link",
            "follow-up owner",
            "ticket label",
            "second look",
            "duplicate",
            "close",
            "stale",
            "archived",
        ),
    }
)
# They change the channel itself, which an archived one does not let anybody.
_IN_CHANNEL = frozenset({"topic", "purpose", "pin", "first bookmark", "bookmark", "invite"})
# What is begun anew where the incident goes on in another channel; other messages stay in the old one.
IN_NEW_CHANNEL = _IN_CHANNEL | {"channel", "headline", "gaps", "resolution", "invites asked", "tasks"}
_AWAY = "away"  # what the step "archived" has done while the channel is archived


@dataclass(frozen=True, slots=True)
class Heard:
    """What may be wanted now, what is held back, and when to ask again."""

    wanted: dict[str, str]
    held: tuple[str, ...]
    wakes: tuple[datetime, ...]


def weigh(case: Case, wanted: Mapping[str, str], *, now: datetime) -> Heard:
    """Of what the steps want, whatever may be said now; the most needed first."""
    wanted = _unless_away(case, wanted)
    budget = _Budget(case, now, frozenset(name for name in wanted if family(name) == WRITING))
    ranked = sorted((name for name in wanted if _is_new(case, name)), key=lambda name: _kind(name).rank)
    waits = {name: until for name in ranked if (until := budget.spend(name)) is not None}
    allowed = {name: mark for name, mark in wanted.items() if name not in waits}
    return Heard(allowed, tuple(waits), tuple(sorted(set(waits.values()))))


def _unless_away(case: Case, wanted: Mapping[str, str]) -> dict[str, str]:
    """What can be wanted of what is in an archived channel: it stays as it is, until that is back."""
    row = case.steps.get("archived")
    is_away = row is not None and row.done == _AWAY
    frozen = _IN_CHANNEL | set(KINDS) if is_away else frozenset()
    apart = {
        name: mark
        for name, mark in wanted.items()
        if family(name) not in frozen and not _is_left_behind(case, name)
    }
    stands = {name: case.steps[name].done for name in wanted if name not in apart and name in case.steps}
    return apart | {name: done for name, done in stands.items() if done is not None}


def _is_left_behind(case: Case, name: str) -> bool:
    """Whether it is a message in a channel in which the incident is no longer."""
    row = case.steps.get(name)
    posted = row.result.get("channel", case.channel_id) if row is not None else case.channel_id
    return family(name) in KINDS and posted != case.channel_id


def family(name: str) -> str:
    """The kind of message that a step's row is of."""
    return name.partition("/")[0]


def _kind(name: str) -> Kind:
    return KINDS[family(name)]


def _is_new(case: Case, name: str) -> bool:
    """Whether it would be a new message: what stands, or is on its way, may go on."""
    row = case.steps.get(name)
    return family(name) in KINDS and (row is None or not _is_there(row))


def _is_there(row: StepRow) -> bool:
    return row.was_done or row.wanted is not None


@dataclass(slots=True)
class _Budget:
    """What one look at an incident may still say."""

    case: Case
    now: datetime
    looks: frozenset[str] = frozenset()  # what is looked at before somebody is asked
    spent: list[str] = field(default_factory=list)  # in this look

    def spend(self, name: str) -> datetime | None:
        """None if it may be said now, and then it counts; else when to ask again."""
        until = max((at for at in self._reasons(name) if at > self.now), default=None)
        if until is None:
            self.spent.append(name)
        return until

    def _reasons(self, name: str) -> Iterator[datetime]:
        """Until when it has to wait, for each reason why."""
        kind = _kind(name)
        yield from self._for_people(name, kind)
        if not (kind.answers or self._is_core(name, kind)):
            yield from self._for_room(kind)

    def _for_people(self, name: str, kind: Kind) -> Iterator[datetime]:
        """What people are at: they asked for quiet, write, or are off work."""
        quiet = self.case.cadence.quiet_until
        if kind.hushes and quiet is not None and not (kind.rests and self.case.severity is Severity.SEV1):
            yield quiet
        if kind.rests:
            yield from self._while_they_are_off_work(name)
        if kind.yields:
            yield from self._while_they_write(name)
            yield from self._while_the_lead_is_away(name)

    def _for_room(self, kind: Kind) -> Iterator[datetime]:
        """What was said already: at first a few messages are all, later they keep their distance."""
        first_ends = self._begin() + FIRST
        if kind.mentions or (not kind.thread and self._extra() >= _ONE_MORE):
            yield first_ends
        if kind.spaced and self.now >= first_ends:
            last = self._last_at()
            yield last + APART if last is not None else self.now

    def _while_they_are_off_work(self, name: str) -> Iterator[datetime]:
        if self.case.severity is not Severity.SEV1:
            found = self.case.result(f"{OFF_WORK}/{name}").get("back_at")
            yield datetime.fromisoformat(found) if found else self.now

    def _while_they_write(self, name: str) -> Iterator[datetime]:
        look = f"{WRITING}/{name}"
        if look in self.looks and self.case.result(look).get("spoke"):
            yield self.now + _LULL

    def _while_the_lead_is_away(self, name: str) -> Iterator[datetime]:
        """Until the lead, who was found to be off work, is at it again."""
        away, lead = self.case.result(f"{WRITING}/{name}").get("away"), self.case.lead
        if away and self.case.severity.rank > NEVER_WAITS and lead is not None and lead.key == away["lead"]:
            yield datetime.fromisoformat(away["back_at"])

    def _is_core(self, name: str, kind: Kind) -> bool:
        return kind.core and (kind.each or family(name) not in {family(one) for one in self._said()})

    def _said(self) -> Iterator[str]:
        """Every message in the channel that was not of people's doing: there, or on its way."""
        here = ((name, row) for name, row in self.case.steps.items() if not _is_left_behind(self.case, name))
        yield from (name for name, row in here if _counts(name) and _is_there(row))
        yield from (name for name in self.spent if _counts(name))

    def _extra(self) -> int:
        """How many of them are more than the first of each core kind."""
        said = [name for name in self._said() if not _kind(name).each]
        core = {family(name) for name in said if _kind(name).core}
        return len(said) - len(core)

    def _begin(self) -> datetime:
        row = self.case.steps.get("channel")
        return row.done_at if row is not None and row.done_at is not None else self.case.declared_at

    def _last_at(self) -> datetime | None:
        """When the last of them came."""
        rows = (self.case.steps[name] for name in self._said() if name in self.case.steps)
        times = [at for row in rows if (at := _posted_at(row)) is not None]
        return self.now if self.spent else max(times, default=None)


def _counts(name: str) -> bool:
    kind = KINDS.get(family(name))
    return kind is not None and not kind.answers and not kind.thread


def _posted_at(row: StepRow) -> datetime | None:
    said = row.result.get("at")
    return datetime.fromisoformat(said) if said else row.wanted_at
