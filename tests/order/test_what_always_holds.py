"""Whatever alerts tell and people do, in any order: only what may follow does, and what is to stay stays.

Cheap in every run; `make test ARGS="-k always --hypothesis-profile=thorough --timeout=900"` looks longer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from multivac.incident import LEAD, MAY_FOLLOW, OPEN, Person, Severity, Status
from multivac.store import incidents
from multivac.store.cases import Case
from multivac.store.incidents import Appointment
from multivac.store.tables import entry, incident
from tests.order.stage import Door
from tests.order.telling import ASIDE, LEAVES, PEOPLE, START, Told, tellings

EXAMPLES = max(settings().max_examples // 5, 1)
PEOPLES_OWN = frozenset({Status.MITIGATED, Status.RESOLVED, Status.CLOSED})  # no alert ever brings these
# The first few change most, so they come most often.
FIRST = Told(
    id="", type="", alert="A", at=START, by=None, title="It is slow", service="checkout", status="triggered"
)
KINDS: tuple[str, ...] = 3 * (
    "incident.triggered",
    "incident.resolved",
    "incident.reopened",
    "incident.priority_updated",
)
KINDS += (*LEAVES, *ASIDE)
Line = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """One incident after an act, to be held against the next."""

    case: Case
    lines: Sequence[Line]
    severity_by: str | None

    @property
    def stands(self) -> bool:
        """Whether it is proposed to resolve it."""
        return self.case.resolution_at is not None and not self.case.resolution_withdrawn

    @property
    def is_over(self) -> bool:
        """Whether each of its alerts is."""
        return all(one.facts.status == "resolved" for one in self.case.alerts.rows)


def _opens_one(first: Told) -> bool:
    return first.priority != "P5"


class Life(RuleBasedStateMachine):
    """Incidents to which everything happens that can."""

    door: ClassVar[Door]

    def __init__(self) -> None:
        super().__init__()
        self._happened: list[Told] = []
        self._on_the_way: list[Told] = []
        self._seen: dict[int, Picture] = {}
        self._by_a_person = False
        self._has_ended: set[int] = set()  # dismissed by a person

    @initialize(waits=st.booleans(), first=tellings(0, "incident.triggered").filter(_opens_one))
    def begin(self, *, waits: bool, first: Told) -> None:
        self.door.begin(waits=waits)
        self._waits = waits
        self._happened.append(first)
        self._deliver(first)

    # --- what alerts tell -------------------------------------------------------------------------

    @rule(data=st.data(), kind=st.sampled_from(KINDS), late=st.booleans())
    def something_happens(self, data: st.DataObject, kind: str, *, late: bool) -> None:
        event = data.draw(tellings(len(self._happened), kind))
        self._happened.append(event)
        if late:
            self._on_the_way.append(event)
        else:
            self._deliver(event)

    @precondition(lambda self: self._on_the_way)
    @rule(data=st.data())
    def it_is_told_late(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self._on_the_way))
        self._on_the_way.remove(event)
        self._deliver(event)

    @precondition(lambda self: self._happened)
    @rule(data=st.data())
    def it_is_told_again(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self._happened))
        if event in self._on_the_way:
            return
        before = self._pictures()
        self._deliver(event)
        assert self._pictures() == before

    @rule(spoke=st.booleans())
    def the_response_looks(self, *, spoke: bool) -> None:
        self.door.settle(spoke=spoke)

    def _deliver(self, event: Told) -> None:
        assert self.door.deliver(event) == 202

    # --- what people do ---------------------------------------------------------------------------

    @precondition(lambda self: self._seen)
    @rule(data=st.data(), status=st.sampled_from(Status))
    def somebody_sets_the_status(self, data: st.DataObject, status: Status) -> None:
        case = self._one(data).case
        with self.door.database.engine.begin() as tx:
            changed = incidents.set_status(tx, case.id, status, now=case.declared_at)
        assert changed == (status in MAY_FOLLOW[case.status])
        self._by_a_person = True
        if changed and status is Status.DISMISSED:
            self._has_ended.add(case.id)

    @precondition(lambda self: self._seen)
    @rule(data=st.data(), severity=st.sampled_from(Severity))
    def somebody_settles_the_severity(self, data: st.DataObject, severity: Severity) -> None:
        case = self._one(data).case
        settled = sa.update(incident).where(incident.c.id == case.id)
        with self.door.database.engine.begin() as tx:
            tx.execute(settled.values(severity=severity, severity_by="Ana"))
        self._by_a_person = True

    @precondition(lambda self: self._seen)
    @rule(data=st.data(), name=st.sampled_from(PEOPLE))
    def somebody_is_to_lead(self, data: st.DataObject, name: str) -> None:
        case = self._one(data).case
        given = Appointment(role=LEAD, person=Person(name=name), how="drawn")
        with self.door.database.engine.begin() as tx:
            became = incidents.appoint(tx, case.id, given, now=case.declared_at)
        assert became == (case.lead is None)

    def _one(self, data: st.DataObject) -> Picture:
        # By its place: numbers are never given twice, so they differ when a life is played again.
        return list(self._seen.values())[data.draw(st.integers(0, len(self._seen) - 1))]

    # --- what always holds ------------------------------------------------------------------------

    @invariant()
    def everything_follows_from_what_was(self) -> None:
        now = self._pictures()
        assert now.keys() >= self._seen.keys()
        for number, picture in now.items():
            if number in self._seen:
                self._follows(self._seen[number], picture)
            self._holds(picture)
        self._seen, self._by_a_person = now, False

    def _follows(self, before: Picture, after: Picture) -> None:
        was, now = before.case, after.case
        assert after.lines[: len(before.lines)] == before.lines, "the timeline only grows"
        assert {one.key for one in was.alerts.rows} <= {one.key for one in now.alerts.rows}
        assert now.version >= was.version
        assert was.lead is None or now.lead == was.lead
        assert (now.title, now.channel_name, now.declared_at) == (
            was.title,
            was.channel_name,
            was.declared_at,
        )
        assert now.status is was.status or now.status in MAY_FOLLOW[was.status]
        if not self._by_a_person:
            self._follows_from_alerts(before, after)
        if now.status is not Status.DISMISSED:
            self._has_ended.discard(now.id)

    def _follows_from_alerts(self, before: Picture, after: Picture) -> None:
        was, now = before.case, after.case
        if before.severity_by is not None:
            assert now.severity is was.severity, "a person settled it"
        if now.status is not was.status:
            assert now.status not in PEOPLES_OWN
            assert was.status is Status.TRIAGE or not was.status.is_open, "people are on it"
        if now.status is Status.DISMISSED and was.status is not Status.DISMISSED:
            assert after.is_over
            assert self._waits or not _was_handled(now)
        if was.id in self._has_ended and now.status is not was.status:
            assert not after.is_over, "what a person dismissed only comes back with its alert"
        if before.stands and not after.is_over:
            assert now.resolution_withdrawn
        if was.status in OPEN and now.status in OPEN and after.is_over and not before.is_over:
            assert after.stands

    def _holds(self, one: Picture) -> None:
        keys = [line[1] for line in one.lines]
        assert len(keys) == len(set(keys)), "each fact is told once"
        assert not one.stands or one.is_over, "nobody proposes to resolve what goes on"

    def _pictures(self) -> dict[int, Picture]:
        its = sa.select(entry.c.id, entry.c.key, entry.c.text, entry.c.at, entry.c.actor)
        found: dict[int, Picture] = {}
        for case in self.door.incidents():
            with self.door.database.read() as tx:
                lines = tx.execute(its.where(entry.c.incident == case.id).order_by(entry.c.id)).all()
                by = tx.scalar(sa.select(incident.c.severity_by).where(incident.c.id == case.id))
            found[case.id] = Picture(case, [tuple(line) for line in lines], by)
        return found


def _was_handled(case: Case) -> bool:
    acted: datetime | None = case.person_acted_at
    return acted is not None and case.resolution_at is not None and acted <= case.resolution_at


def test_what_an_incident_is_always_holds(door: Door) -> None:
    class LifeHere(Life):
        pass

    LifeHere.door = door
    run_state_machine_as_test(
        LifeHere,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=20 if EXAMPLES < 100 else 50,
            phases=[one for one in Phase if one is not Phase.explain],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_an_early_end_does_not_dismiss_what_people_have_made_active(door: Door) -> None:
    door.begin(waits=True)
    begun, ended = (replace(FIRST, id=kind, type=f"incident.{kind}") for kind in ("triggered", "resolved"))
    assert door.deliver(begun) == 202
    [case] = door.incidents()
    with door.database.engine.begin() as tx:
        incidents.set_status(tx, case.id, Status.ACTIVE, now=case.declared_at)
    assert door.deliver(replace(ended, status="resolved", at=ended.at + timedelta(seconds=1))) == 202
    [case] = door.incidents()
    assert case.status is Status.ACTIVE
    assert case.resolution_at is not None
    assert not [key for key in door.timeline(case.id) if key.startswith("dismissed")]


def test_whoever_works_on_it_in_the_chat_keeps_it_though_its_alerts_had_ended_before(door: Door) -> None:
    door.begin()
    begun, ended = (replace(FIRST, id=kind, type=f"incident.{kind}") for kind in ("triggered", "resolved"))
    assert door.deliver(begun) == 202
    [case] = door.incidents()
    with door.database.engine.begin() as tx:
        incidents.person_is_on_it(tx, case.id, now=case.declared_at)  # an hour after the end, as told now
    assert door.deliver(replace(ended, status="resolved", at=ended.at + timedelta(seconds=1))) == 202
    door.settle()
    [case] = door.incidents()
    assert case.status is Status.TRIAGE
    assert case.resolution_at is not None


def test_only_triage_can_be_dismissed_and_only_what_is_resolved_can_be_closed() -> None:
    before = {status: {one for one, after in MAY_FOLLOW.items() if status in after} for status in Status}
    assert MAY_FOLLOW.keys() == set(Status)
    assert before[Status.DISMISSED] == {Status.TRIAGE}
    assert before[Status.CLOSED] == {Status.RESOLVED}
    assert before[Status.RESOLVED] == OPEN
    assert all(status not in MAY_FOLLOW[status] for status in Status)
    assert all(MAY_FOLLOW[status] & OPEN for status in Status), "whatever ended can go on"
