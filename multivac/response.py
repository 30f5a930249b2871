"""The response as one visible table of steps, and `advance`, which does whatever is missing.

`advance` works in rounds, one transaction each: record what came in, look at the incident, plan
what must be true, claim what can be done now. The claimed steps run at once on threads; whoever
finishes one does the next round. It does not matter why, how often or where it was started.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random

import sqlalchemy as sa
import structlog

from multivac import voice
from multivac.errors import GiveUp, Paced, TryAgain
from multivac.incident import IncidentId
from multivac.jobs import StepPool
from multivac.steps.base import Attempt, NotYet, Outside, Step, View
from multivac.steps.readiness import Ready, readiness
from multivac.steps.table import STEPS
from multivac.store import cases, incidents, notices
from multivac.store import steps as progress
from multivac.store.cases import Case, StepRow
from multivac.store.steps import Claim, Done, Failed
from multivac.telemetry import Telemetry

log = structlog.get_logger()

_REDRAWN = 2
_REDRAW_FOLDED = timedelta(seconds=2)  # the headline then says what was held back
_UNKNOWN = Ready(now=False)  # a row of a step that this release no longer has
_MOST_DOUBLINGS = 6  # a failing step is tried again after 1, 2, 4, ... and at last each 64 seconds

_BY_NAME = {step.name: step for step in STEPS}


def step_of(name: str) -> Step | None:
    """The table's step for a row's name; None for one that this release no longer has."""
    return _BY_NAME.get(name.partition("/")[0])


# --- planning: pure -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """What one look at an incident says: what is wanted that was not, and when to look again."""

    changes: Mapping[str, str | None]
    wakes: tuple[datetime, ...]
    held: tuple[str, ...] = ()  # messages that are held back from now on


def plan(view: View) -> Plan:
    """Compare what should be true, as far as it may be said now, with what the rows want."""
    asked = {
        f"{step.name}/{one}" if one else step.name: mark
        for step in STEPS
        for one, mark in _wanted(step, view)
    }
    heard, rows = voice.weigh(view.case, asked, now=view.now), view.case.steps
    wanted, held = heard.wanted, tuple(name for name in heard.held if name not in rows)
    changes: dict[str, str | None] = {
        name: mark for name, mark in wanted.items() if name not in rows or rows[name].wanted != mark
    }
    changes |= {name: None for name, row in rows.items() if row.wanted is not None and name not in wanted}
    # A row without a want remembers that it was held back, so that it counts once.
    changes |= dict.fromkeys(held)
    folded = [view.now + _REDRAW_FOLDED] if held else []
    return Plan(changes, (*view.wakes, *heard.wakes, *folded), held)


def _wanted(step: Step, view: View) -> Iterator[tuple[str, str]]:
    # Before its declaration an incident is open: the clock was set back, and nothing may wait for it.
    if view.case.declared_at <= view.now < view.case.opens_at and step.name != "settle":
        view.look_again(view.case.opens_at)
        return
    if view.case.queued_at is not None and step.name != "settle":
        return  # in a storm: whoever lets it in touches it
    yield from step.wants(view).items()


# --- doing ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Flight:
    """A claimed step on its way, with the incident as it was claimed."""

    claim: Claim
    case: Case
    at: float  # monotonic seconds


_Came = list[tuple[_Flight, Done | Failed]]


@dataclass(frozen=True, slots=True)
class _Look:
    """What came of looking at an incident: steps to do now, when others may be due, when to look again."""

    flights: list[_Flight] = field(default_factory=list)
    later: list[datetime] = field(default_factory=list)
    wake: datetime | None = None
    held: tuple[str, ...] = ()


class Response:
    """Advances incidents: does what is missing, as much at once as can be."""

    def __init__(self, out: Outside, pool: StepPool, *, telemetry: Telemetry, chance: Random) -> None:
        self.out = out
        self._pool = pool
        self._telemetry = telemetry
        self._chance = chance
        self._draining = threading.Event()
        self._runs: dict[IncidentId, _Run] = {}
        self.wake_at: Callable[[IncidentId, datetime], None] | None = None
        self.restored_at: datetime | None = None  # when the rows were put back from a backup

    def advance(self, number: IncidentId, claimant: str) -> None:
        """Do all that can be done now for one incident, in the name of `claimant`, and return."""
        run = _Run(self, number, claimant)
        self._runs[number] = run
        try:
            run.go()
        finally:
            if self._runs.get(number) is run:  # else another has begun meanwhile
                del self._runs[number]

    def drain(self) -> None:
        """Claim nothing more: what is on its way ends, the rest waits for the next start."""
        self._draining.set()

    def nudge(self, number: IncidentId) -> bool:
        """Have the job that is advancing this incident look again; False if none of this process is."""
        run = self._runs.get(number)
        return run is not None and run.nudge()

    def round(self, run: _Run) -> Future[_Look]:
        """One transaction: record what arrived, look, plan, claim what can run now."""
        came: _Came = []

        def look(tx: sa.Connection) -> _Look:
            run.arrived.extendleft(reversed(came))  # a group of writes that fails is done again
            came.clear()
            return self._look(tx, run, came)

        looking = self.out.database.hand_in(look)
        looking.add_done_callback(lambda looked: run.arrived.extend(came) if looked.exception() else None)
        return looking

    def look_again_at(self, number: IncidentId, wake: datetime | None) -> None:
        """Have somebody look when the next thing falls due, if it is soon."""
        if wake is not None and self.wake_at is not None:
            self.wake_at(number, wake)

    def _look(self, tx: sa.Connection, run: _Run, came: _Came) -> _Look:
        incidents.lock(tx, run.number)
        came += run.take_arrived()
        now = self.out.clock.now()
        for flight, outcome in came:
            self._record(tx, flight, outcome, now=now)
        case = cases.load(tx, run.number)
        planned = plan(View(case=case, now=now, out=self.out))
        progress.want(tx, run.number, planned.changes, now=now)
        case = cases.with_wants(case, planned.changes, now)
        look = self._claim(tx, case, run.claimant, now=now)
        wake = min([*planned.wakes, *look.later], default=None)
        if self._draining.is_set():
            wake = now  # the next start looks at once
        incidents.planned(tx, run.number, version=case.version, wake_at=wake)
        return replace(look, wake=wake, held=planned.held)

    def _record(self, tx: sa.Connection, flight: _Flight, outcome: Done | Failed, *, now: datetime) -> None:
        if not progress.record(tx, flight.claim, outcome, now=now):
            log.info("late result refused", incident=flight.claim.incident, step=flight.claim.name)
            return
        step = step_of(flight.claim.name)
        if isinstance(outcome, Done) and step is not None and step.keep is not None:
            step.keep(tx, flight.case, dict(outcome.result), now=now)
        if isinstance(outcome, Failed) and outcome.operators:
            notices.raise_notice(tx, notices.to_mend(outcome.why, outcome.fix), now=now)

    def _claim(self, tx: sa.Connection, case: Case, claimant: str, *, now: datetime) -> _Look:
        look = _Look()
        for row in case.steps.values():
            step = step_of(row.name)
            ready = readiness(case, step, row, now=now) if step is not None else _UNKNOWN
            if ready.at is not None and not ready.now:
                look.later.append(ready.at)
            if not ready.now or self._draining.is_set():
                continue
            claim = Claim(
                incident=case.id,
                name=row.name,
                wanted=row.wanted or "",
                by=claimant,
                attempt=row.attempt + 1,
                unknown=row.unknown or self._is_doubtful(case, row),
            )
            look.flights.append(_Flight(claim, case, time.monotonic()))
        progress.take(tx, [flight.claim for flight in look.flights])
        return look

    def _is_doubtful(self, case: Case, row: StepRow) -> bool:
        """Whether the step may have been done by a life that restored rows know nothing of."""
        restored = self.restored_at
        return restored is not None and max(case.declared_at, row.done_at or case.declared_at) <= restored

    def perform(self, flight: _Flight) -> Done | Failed:
        """Do one claimed step and say what came of it; never raises."""
        claim = flight.claim
        step = step_of(claim.name)
        attempt = Attempt(
            case=flight.case,
            name=claim.name,
            unknown=claim.unknown,
            out=self.out,
            claimed_at=flight.at,
            matters=_matters(step, flight),
        )
        with self._telemetry.step(claim.name.partition("/")[0]) as told:
            try:
                outcome: Done | Failed = Done(attempt.made(step.do) if step is not None else {})
            except NotYet as wait:
                outcome = Failed(why="", next_try=wait.until, unknown=False, is_error=False)
            except Paced as wait:
                outcome = Failed(why="", next_try=wait.until, unknown=attempt.unknown, is_error=False)
            except TryAgain as error:
                outcome = self._again(attempt, error)
            except GiveUp as error:
                outcome = attempt.given_up(error)
            except Exception as error:  # boundary: a mistake of ours must not stop the rest
                log.exception("step failed", incident=claim.incident, step=claim.name)
                outcome = self._again(attempt, TryAgain(f"an error of our own ({type(error).__name__})"))
            told.append("done" if isinstance(outcome, Done) else "failed" if outcome.is_error else "waits")
        if isinstance(outcome, Failed) and outcome.is_error:
            log.warning("step not done", incident=claim.incident, step=claim.name, why=outcome.why)
        return outcome

    def _again(self, attempt: Attempt, error: TryAgain) -> Failed:
        backoff = timedelta(seconds=2.0 ** min(attempt.before.tries, _MOST_DOUBLINGS))
        wait = max(backoff * self._chance.uniform(0.5, 1.0), error.after or timedelta())
        return Failed(why=error.why, next_try=attempt.now + wait, unknown=error.reached or attempt.unknown)

    def count_held(self, names: Iterable[str]) -> None:
        """Count messages that are held back."""
        for name in names:
            self._telemetry.suppressed.labels(voice.family(name)).inc()

    def soon(self, work: Callable[[], None]) -> None:
        """Give a round to the threads, before any step."""
        self._pool.submit((-1,), work)

    def submit(self, flight: _Flight, work: Callable[[], None]) -> None:
        """Give a step to the threads: first what people wait for, of the worst incident first."""
        matters = _matters(step_of(flight.claim.name), flight)
        rank = (flight.case.severity.rank, matters)
        self._pool.submit(rank, work, later=matters >= _REDRAWN)


def _matters(step: Step | None, flight: _Flight) -> int:
    """How much a step matters: one that only redraws what is there can wait for what others lack."""
    again = flight.case.steps[flight.claim.name].was_done
    return step.matters if step is not None and not again else _REDRAWN


class _Run:
    """One job's work on one incident: rounds until nothing is in the air."""

    def __init__(self, response: Response, number: IncidentId, claimant: str) -> None:
        self.number = number
        self.claimant = claimant
        self.arrived: deque[tuple[_Flight, Done | Failed]] = deque()
        self._response = response
        self._in_the_air = 1  # the first round
        self._waiting = False  # a round that has not begun yet will take what arrives
        self._lock = threading.Lock()
        self._landed = threading.Event()

    def go(self) -> None:
        """The first round, then wait until the last step has done the last round."""
        self._round()
        self._landed.wait()

    def nudge(self) -> bool:
        """Do a round soon; False if the job is over."""
        with self._lock:
            if self._in_the_air == 0:
                return False
            self._in_the_air += 1
        self._response.soon(self._round)
        return True

    def take_arrived(self) -> _Came:
        """Everything that arrived since the last round; called by the round that records it."""
        with self._lock:
            self._waiting = False
            came = list(self.arrived)
            self.arrived.clear()
        return came

    def _fly(self, flight: _Flight) -> None:
        outcome = self._response.perform(flight)
        self.arrived.append((flight, outcome))
        self._round()

    def _round(self) -> None:
        """Have a round done, unless one that has not begun yet will do; lands once it is over."""
        with self._lock:
            if self._waiting:
                covered = True
            else:
                covered, self._waiting = False, True
        if covered:
            self._land()
        else:
            self._response.round(self).add_done_callback(self._go_on)

    def _go_on(self, looked: Future[_Look]) -> None:
        """After the commit: do what was claimed. The thread is the writer's, so this only hands over."""
        if (error := looked.exception()) is not None:
            # The claims stay, and the beat frees them once this job has ended.
            self._waiting = False
            mistake = None if isinstance(error, sa.exc.SQLAlchemyError) else error
            log.error("round failed", incident=self.number, error=repr(error), exc_info=mistake)
        else:
            look = looked.result()
            self._response.count_held(look.held)
            with self._lock:
                self._in_the_air += len(look.flights)
            for flight in look.flights:
                self._response.submit(flight, partial(self._fly, flight))
            self._response.look_again_at(self.number, look.wake)
        self._land()

    def _land(self) -> None:
        with self._lock:
            self._in_the_air -= 1
            if self._in_the_air == 0:
                self._landed.set()
