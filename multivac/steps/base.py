"""What a step is made of: what it wants, what it needs, what it does, what it leaves in the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from multivac.budget import Errand
from multivac.errors import GiveUp, TryAgain, sure
from multivac.incident import Person
from multivac.playbook import Playbook
from multivac.ports import Chat, Clock, Pager, Tracker, checking_before_sending
from multivac.store.cases import Case, Result, StepRow
from multivac.store.database import Database
from multivac.store.steps import Failed
from multivac.tongue import phrase

MENDED_WITHIN = timedelta(minutes=10)  # how often we look whether somebody mended what was given up


class NotYet(Exception):  # not an error: the step has only to wait
    """The step cannot be decided before `until`, or before the facts change."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The vendors that are switched on, and the few settings that steps need."""

    chat: Chat | None
    tracker: Tracker | None
    pager: Pager | None
    clock: Clock
    database: Database
    complete: Callable[[Person], Person]  # adds the identities that operators wrote down
    phone_of: Callable[[Person], str | None] = lambda _: None  # likewise
    mapped: tuple[Person, ...] = ()  # likewise: everybody
    # False once another replica may have taken over what we claimed at that time.
    is_still_ours: Callable[[float], bool] = lambda _: True
    announce_channel: str | None = None
    operators_channel: str | None = None
    public_url: str | None = None
    raises_alerts: bool = False  # whether people can be paged for what no alert has told of
    hears: bool = False  # whether people can answer: without it a button would lead nowhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of one step: the incident as it was claimed, and whether an earlier try may have worked.

    `claimed_at` is in monotonic seconds of this process.
    """

    case: Case
    name: str
    unknown: bool
    out: Outside
    claimed_at: float
    matters: int = 0

    @property
    def instance(self) -> str:
        """What follows the slash in the step's name: which checklist, which bookmark."""
        return self.name.partition("/")[2]

    @property
    def before(self) -> StepRow:
        """The step as it stood before this try."""
        return self.case.steps[self.name]

    @property
    def now(self) -> datetime:
        """The present."""
        return self.out.clock.now()

    def given_up(self, error: GiveUp) -> Failed:
        """How a failure for good is recorded: people are told, and it is looked at again now and then."""
        return Failed(
            why=error.why,
            fix=error.fix,
            next_try=None if error.in_vain else self.now + MENDED_WITHIN,
            unknown=self.unknown,  # an earlier try may have worked, also if this one never can
            gave_up=True,
            operators=error.operators,
        )

    def made(self, do: Do) -> Result:
        """What `do` makes. Once another replica may have taken over, nothing that it asks for is sent."""
        with checking_before_sending(self._still_ours):
            return do(self)

    def chat(self) -> Chat:
        """The chat, which is on: else the step would not be wanted. Its calls wait for our turn."""
        self._still_ours()
        return sure(self.out.chat).on_behalf(self._errand)

    def tracker(self) -> Tracker:
        """The tracker, which is on: else the step would not be wanted. Its calls wait for our turn."""
        self._still_ours()
        return sure(self.out.tracker).on_behalf(self._errand)

    def pager(self) -> Pager:
        """The pager, which is on: else the step would not be wanted. Its calls wait for our turn."""
        self._still_ours()
        return sure(self.out.pager).on_behalf(self._errand)

    @property
    def _errand(self) -> Errand:
        return Errand(
            who=f"{self.case.id} {self.name}",
            severity=self.case.severity.rank,
            matters=self.matters,
            since=self.before.wanted_at or self.case.declared_at,
        )

    def _still_ours(self) -> None:
        if not self.out.is_still_ours(self.claimed_at):
            raise TryAgain(phrase("another Multivac may have taken this over meanwhile"), reached=False)


@dataclass(slots=True, kw_only=True)
class View:
    """What planning sees: the incident now, the time, and which vendors are on. It makes no calls.

    `look_again` collects the times at which something may be wanted that is not yet.
    """

    case: Case
    now: datetime
    out: Outside
    wakes: list[datetime] = field(default_factory=list)

    @property
    def playbook(self) -> Playbook:
        """The policy the incident was declared with."""
        return self.case.playbook

    def look_again(self, at: datetime | None) -> None:
        """Ask for another look at that time, if it is still to come."""
        if at is not None and at > self.now:
            self.wakes.append(at)


Wants = Callable[[View], Mapping[str, str]]
Do = Callable[[Attempt], Result]


class Keep(Protocol):
    """Writes a step's result into other rows."""

    def __call__(self, tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
        """Called in the transaction that records the result; `case` is as it was when claimed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One part of the response.

    `wants` names what must be true now, by instance ("" for a step that exists once): a
    fingerprint, so that the step is due again whenever it changes. `needs` must have been done
    once. `waits` are waited for that long at most. `settles` delays a redraw, not the first
    drawing, until those are settled, so that ten changes make one edit. `keep` writes the result
    into other rows, in the transaction that records it. `matters`: 0 what people wait for,
    1 needed now, 2 useful, 3 can come late. One that needs the channel and speaks `elsewhere` goes on
    while nobody can write there.
    """

    name: str
    wants: Wants
    do: Do
    needs: tuple[str, ...] = ()
    waits: Mapping[str, timedelta] = field(default_factory=dict)
    settles: tuple[str, ...] = ()
    keep: Keep | None = None
    matters: int = 2
    vendor: str = ""
    elsewhere: bool = False

    @property
    def is_in_channel(self) -> bool:
        """Whether it does something in the incident's channel, and so waits while that is shut."""
        return not self.elsewhere and not {"channel", "headline"}.isdisjoint(self.needs)


NOTHING: Mapping[str, str] = {}
