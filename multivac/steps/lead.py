"""The lead and the other roles: chosen by the playbook's strategies, in order, fairly over time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog

from multivac.briefing import fingerprint
from multivac.errors import GiveUp, TryAgain
from multivac.incident import LEAD, Entry, EntryKind, Person, role_name
from multivac.playbook import (
    ByAcker,
    ByComponent,
    ByLeastLoaded,
    ByName,
    ByOnCall,
    ByRoundRobin,
    LeadStrategy,
    OnCallOf,
    Pool,
    RoleRule,
)
from multivac.steps import oncall, people
from multivac.steps.base import NOTHING, Attempt, NotYet, View
from multivac.store import acts, incidents, summons, timeline
from multivac.store.cases import Case, Result
from multivac.store.facts import person_from, person_to
from multivac.store.incidents import Appointment
from multivac.tongue import phrase

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Choice:
    """Who could take a role and how they came to it; of several the fairest is taken when it is given."""

    people: tuple[Person, ...]
    how: str
    pool: str | None = None
    by_load: bool = False


def _one(person: Person | None, how: str) -> Choice | None:
    return Choice((person,), how) if person is not None else None


def wants_lead(view: View) -> Mapping[str, str]:
    """A lead; who has it keeps it, whatever the strategies would say later."""
    row = view.case.steps.get("lead")
    if view.case.lead is not None:
        return {"": row.done} if row is not None and row.done else NOTHING
    if not view.case.status.is_open or not view.playbook.lead:
        return NOTHING
    return {"": fingerprint(*grounds(view.case))}


def grounds(case: Case) -> tuple[object, ...]:
    """What a choice rests on: when any of it changes, the choice is made anew."""
    on_call = [row.result.get("on_call") for name, row in sorted(case.steps.items()) if _tells_on_call(name)]
    return case.severity, case.alerts.ackers, on_call


def _tells_on_call(name: str) -> bool:
    return name == "on call" or name.startswith(("schedule/", "who/"))


def choose_lead(attempt: Attempt) -> Result:
    """Try the strategies in order; the first that gives a person decides."""
    passed_over: list[str] = []
    for strategy in attempt.case.playbook.lead:
        try:
            choice = _by_strategy(attempt, strategy)
        except GiveUp as error:
            passed_over.append(error.why)
            continue
        if choice is not None:
            return _told(choice) | {"problems": passed_over}
    return {"problems": passed_over}


def _told(choice: Choice) -> Result:
    everybody = [person_to(person) for person in choice.people]
    return {"people": everybody, "how": choice.how, "pool": choice.pool, "by_load": choice.by_load}


def _by_strategy(attempt: Attempt, strategy: LeadStrategy) -> Choice | None:
    match strategy:
        case ByOnCall():
            return _by_on_call(attempt.case, strategy.on_call)
        case ByAcker():
            return _by_acker(attempt, strategy)
        case ByRoundRobin():
            return _from_pool(attempt, strategy.round_robin, by_load=False)
        case ByLeastLoaded():
            return _from_pool(attempt, strategy.least_loaded, by_load=True)
        case ByComponent():
            return _by_component(attempt, strategy)
        case ByName():
            email = strategy.fixed
            return _one(
                attempt.out.complete(Person(name=email, email=email)), phrase("named by the playbook")
            )


def _by_on_call(case: Case, rule: OnCallOf) -> Choice | None:
    first = next(_on_call(case, rule), None)
    if rule.schedule is None:
        return _one(first, phrase("on call for the alert"))
    return _one(first, phrase("on call for {schedule}", schedule=rule.schedule))


def _on_call(case: Case, rule: OnCallOf) -> Iterator[Person]:
    for level, person in oncall.on_call_of(case, schedule=rule.schedule, policy=rule.policy):
        if rule.schedule is not None or level == rule.level:
            yield person


def _by_acker(attempt: Attempt, strategy: ByAcker) -> Choice | None:
    case, until = attempt.case, attempt.case.declared_at + strategy.acker.within
    acked = [alert.facts for alert in case.alerts.rows if alert.facts.acknowledged_by]
    for facts in sorted(acked, key=lambda one: one.acknowledged_at or case.declared_at):
        if facts.acknowledged_by and (facts.acknowledged_at or case.declared_at) <= until:
            [acker] = people.identified(case, [facts.acknowledged_by])
            return _one(acker, phrase("acknowledged the alert"))
    if attempt.now < until:
        raise NotYet(until)
    return None


def _by_component(attempt: Attempt, strategy: ByComponent) -> Choice | None:
    names = [strategy.component_lead.component, *attempt.case.alerts.services]
    component = next((name for name in names if name), None)
    if component is None or attempt.out.tracker is None:
        return None
    found = attempt.tracker().component_lead(component)
    if found is None:
        return None
    return _one(attempt.out.complete(found), phrase("leads the component {component}", component=component))


def _from_pool(attempt: Attempt, pool: Pool, *, by_load: bool) -> Choice | None:
    members = tuple(_members(attempt, pool))
    if not members:
        return None
    name = f"{'least_loaded' if by_load else 'round_robin'}:{pool.jira_role or pool.jira_group or 'list'}"
    how = phrase("leads the fewest incidents") if by_load else phrase("their turn")
    return Choice(members, how, name, by_load)


def _members(attempt: Attempt, pool: Pool) -> Sequence[Person]:
    if pool.people:
        return [attempt.out.complete(Person(name=email, email=email)) for email in pool.people]
    if attempt.out.tracker is None:
        return ()
    tracker = attempt.tracker()
    role, group = pool.jira_role, pool.jira_group or ""
    found = tracker.role_members(role) if role else tracker.group_members(group)
    return [attempt.out.complete(person) for person in found]


def keep_lead(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Give them the role and count their turn."""
    if "people" not in made:
        return
    person = _fairest(tx, made)
    if not incidents.appoint(tx, case.id, Appointment(role=LEAD, person=person, how=made["how"]), now=now):
        return
    summons.begin(tx, case.id)
    if made["pool"]:
        incidents.take_turn(tx, case.id, made["pool"], person=person.key, now=now)
    moved = acts.Moved(key=f"{person.key}:{now}", verb="lead", before=None, after=person.key)
    acts.leave_trail_of(tx, case.id, moved, at=now)
    text = phrase("{name} is the lead ({how})", name=person.name, how=made["how"])
    entry = Entry(kind=EntryKind.LEAD, at=now, text=text, key=f"lead:{person.key}")
    timeline.note(tx, case.id, [entry], now=now)


# --- whoever else could lead ----------------------------------------------------------------------


def everybody(attempt: Attempt) -> tuple[Person, ...]:
    """All whom the strategies give, in their order, each once; one that fails now is passed over."""
    found: dict[str, Person] = {}
    for strategy in attempt.case.playbook.lead:
        try:
            given = tuple(_all_by(attempt, strategy))
        except (GiveUp, TryAgain) as error:
            log.info("strategy passed over", incident=attempt.case.id, why=error.why)
            continue
        for person in given:
            found.setdefault(person.key, person)
    return tuple(found.values())


def _all_by(attempt: Attempt, strategy: LeadStrategy) -> Iterable[Person]:
    match strategy:
        case ByOnCall():
            return _on_call(attempt.case, strategy.on_call)
        case ByAcker():
            return people.identified(attempt.case, attempt.case.alerts.ackers)
        case _:
            choice = _by_strategy(attempt, strategy)
            return () if choice is None else _fairest_first(attempt, choice)


def _fairest_first(attempt: Attempt, choice: Choice) -> Sequence[Person]:
    if choice.pool is None:
        return choice.people
    with attempt.out.database.read() as tx:
        fair = _fairness(tx, choice.pool, by_load=choice.by_load)
    return sorted(choice.people, key=fair)


def _fairest(tx: sa.Connection, made: Result) -> Person:
    """Of a pool, who is next by our own rows: decided here, so that two incidents of one moment differ."""
    chosen = [person_from(one) for one in made["people"]]
    if not made["pool"]:
        return chosen[0]
    return min(chosen, key=_fairness(tx, made["pool"], by_load=made["by_load"]))


def _fairness(tx: sa.Connection, pool: str, *, by_load: bool) -> Callable[[Person], tuple[object, ...]]:
    turns = incidents.turns(tx, pool)
    load = incidents.leading_now(tx) if by_load else {}
    never = (0, datetime.min.replace(tzinfo=UTC))
    return lambda one: (load.get(one.key, 0), *turns.get(one.key, never))  # else as the pool lists them


# --- other roles ----------------------------------------------------------------------------------


def wants_roles(view: View) -> Mapping[str, str]:
    """Each further role of this severity that nobody has yet."""
    case = view.case
    wanted: dict[str, str] = {}
    for name, rule in view.playbook.roles_for(case.severity).items():
        row = case.steps.get(f"role/{name}")
        if name in case.roles:
            wanted |= {name: row.done} if row is not None and row.done else {}
        elif case.status.is_open and not people.is_asked_first(case):
            wanted[name] = fingerprint(rule, *grounds(case), case.result(f"group/{rule.group}"))
    return wanted


def choose_role(attempt: Attempt) -> Result:
    """Who takes the role by its rule; nobody is a fine answer, said as a gap."""
    choice = _for_role(attempt, attempt.case.playbook.roles_for(attempt.case.severity)[attempt.instance])
    return {"role": attempt.instance} | (_told(choice) if choice is not None else {})


def _for_role(attempt: Attempt, rule: RoleRule) -> Choice | None:
    if rule.on_call is not None:
        return _by_on_call(attempt.case, rule.on_call)
    if rule.fixed is not None:
        email = rule.fixed
        return _one(attempt.out.complete(Person(name=email, email=email)), phrase("named by the playbook"))
    return _first_of(attempt, rule.group) if attempt.out.chat is not None and rule.group is not None else None


def _first_of(attempt: Attempt, group: str) -> Choice | None:
    """The first member of a user group who can be invited."""
    for chat_id in attempt.chat().group_members(group):
        found = attempt.chat().person(chat_id)
        if found is not None and found.active:
            first = attempt.out.complete(Person(name=found.name, slack=chat_id))
            return _one(first, phrase("first of {group}", group=group))
    return None


def keep_role(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Give them the role."""
    if "people" not in made:
        return
    person, name = person_from(made["people"][0]), made["role"]
    if incidents.appoint(tx, case.id, Appointment(role=name, person=person, how=made["how"]), now=now):
        moved = acts.Moved(key=f"{name}:{now}", verb="role", before=None, after=f"{name}: {person.key}")
        acts.leave_trail_of(tx, case.id, moved, at=now)
        text = phrase("{name} is the {role} ({how})", name=person.name, role=role_name(name), how=made["how"])
        entry = Entry(kind=EntryKind.ROLE, at=now, text=text, key=f"role:{name}:{person.key}")
        timeline.note(tx, case.id, [entry], now=now)
