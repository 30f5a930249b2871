"""The lead and the other roles: chosen by the playbook's strategies, in order, fairly over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from multivac.briefing import fingerprint
from multivac.errors import GiveUp
from multivac.incident import LEAD, Entry, EntryKind, Person
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
from multivac.steps import people
from multivac.steps.base import NOTHING, Attempt, NotYet, View
from multivac.store import incidents, timeline
from multivac.store.cases import Case, Result
from multivac.store.facts import person_from, person_to
from multivac.store.incidents import Appointment

Choice = tuple[Person, str] | None  # who, and how they came to it


def wants_lead(view: View) -> Mapping[str, str]:
    """A lead; who has it keeps it, whatever the strategies would say later."""
    row = view.case.steps.get("lead")
    if view.case.lead is not None:
        return {"": row.done} if row is not None and row.done else NOTHING
    if not view.case.status.is_open or not view.playbook.lead:
        return NOTHING
    return {"": fingerprint(*_grounds(view.case))}


def _grounds(case: Case) -> tuple[object, ...]:
    """What the choice rests on: when any of it changes, the choice is made anew."""
    ackers = [alert.facts.acknowledged_by for alert in case.alerts]
    on_call = [row.result.get("on_call") for name, row in sorted(case.steps.items()) if _tells_on_call(name)]
    return case.severity, ackers, on_call


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
            person, how = choice
            return {
                "person": person_to(person),
                "how": how,
                "pool": _pool_name(strategy),
                "problems": passed_over,
            }
    return {"problems": passed_over}


def _by_strategy(attempt: Attempt, strategy: LeadStrategy) -> Choice:
    match strategy:
        case ByOnCall():
            return _by_on_call(attempt.case, strategy.on_call)
        case ByAcker():
            return _by_acker(attempt, strategy)
        case ByRoundRobin():
            return _from_pool(attempt, strategy.round_robin, "round_robin", rank=_waited_longest)
        case ByLeastLoaded():
            return _from_pool(attempt, strategy.least_loaded, "least_loaded", rank=_leads_fewest)
        case ByComponent():
            return _by_component(attempt, strategy)
        case ByName():
            email = strategy.fixed
            return attempt.out.complete(Person(name=email, email=email)), "named by the playbook"


def _by_on_call(case: Case, rule: OnCallOf) -> Choice:
    for level, person in people.on_call_of(case, schedule=rule.schedule, policy=rule.policy):
        if rule.schedule is not None or level == rule.level:
            return person, f"on call for {rule.schedule or 'the alert'}"
    return None


def _by_acker(attempt: Attempt, strategy: ByAcker) -> Choice:
    case, until = attempt.case, attempt.case.declared_at + strategy.acker.within
    acked = [alert.facts for alert in case.alerts if alert.facts.acknowledged_by]
    for facts in sorted(acked, key=lambda one: one.acknowledged_at or case.declared_at):
        if facts.acknowledged_by and (facts.acknowledged_at or case.declared_at) <= until:
            return people.identified(case, facts.acknowledged_by), "acknowledged the alert"
    if attempt.now < until:
        raise NotYet(until)
    return None


def _by_component(attempt: Attempt, strategy: ByComponent) -> Choice:
    names = [strategy.component_lead.component, *(alert.facts.service_name for alert in attempt.case.alerts)]
    component = next((name for name in names if name), None)
    if component is None or attempt.out.tracker is None:
        return None
    found = attempt.tracker().component_lead(component)
    return (attempt.out.complete(found), f"leads the component {component}") if found else None


Rank = Callable[[Attempt, str, Person], tuple[object, ...]]


def _from_pool(attempt: Attempt, pool: Pool, kind: str, *, rank: Rank) -> Choice:
    members = _members(attempt, pool)
    if not members:
        return None
    name = f"{kind}:{pool.jira_role or pool.jira_group or 'list'}"
    chosen = min(members, key=lambda person: (*rank(attempt, name, person), person.key))
    words = {"round_robin": "their turn", "least_loaded": "leads the fewest incidents"}
    return chosen, words[kind]


def _members(attempt: Attempt, pool: Pool) -> Sequence[Person]:
    if pool.people:
        return [attempt.out.complete(Person(name=email, email=email)) for email in pool.people]
    if attempt.out.tracker is None:
        return ()
    tracker = attempt.tracker()
    found = (
        tracker.role_members(pool.jira_role)
        if pool.jira_role
        else tracker.group_members(pool.jira_group or "")
    )
    return [attempt.out.complete(person) for person in found]


def _waited_longest(attempt: Attempt, pool: str, person: Person) -> tuple[object, ...]:
    with attempt.out.database.read() as tx:
        number, last = incidents.turns(tx, pool).get(
            person.key, (0, datetime.min.replace(tzinfo=attempt.now.tzinfo))
        )
    return number, last


def _leads_fewest(attempt: Attempt, pool: str, person: Person) -> tuple[object, ...]:
    with attempt.out.database.read() as tx:
        load = incidents.leading_now(tx).get(person.key, 0)
    return load, *_waited_longest(attempt, pool, person)


def _pool_name(strategy: LeadStrategy) -> str | None:
    match strategy:
        case ByRoundRobin():
            pool = strategy.round_robin
        case ByLeastLoaded():
            pool = strategy.least_loaded
        case _:
            return None
    return f"{strategy.kind}:{pool.jira_role or pool.jira_group or 'list'}"


def keep_lead(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Give them the role and count their turn."""
    if "person" not in made:
        return
    person = person_from(made["person"])
    if not incidents.appoint(tx, case.id, Appointment(role=LEAD, person=person, how=made["how"]), now=now):
        return
    if made["pool"]:
        incidents.take_turn(tx, case.id, made["pool"], person=person.key, now=now)
    text = f"{person.name} is the lead ({made['how']})"
    timeline.note(
        tx, case.id, [Entry(kind=EntryKind.LEAD, at=now, text=text, key=f"lead:{person.key}")], now=now
    )


# --- other roles ----------------------------------------------------------------------------------


def wants_roles(view: View) -> Mapping[str, str]:
    """Each further role of this severity that nobody has yet."""
    case = view.case
    wanted: dict[str, str] = {}
    for name, rule in view.playbook.roles_for(case.severity).items():
        row = case.steps.get(f"role/{name}")
        if name in case.roles:
            wanted |= {name: row.done} if row is not None and row.done else {}
        elif case.status.is_open:
            wanted[name] = fingerprint(rule, *_grounds(case), case.result(f"group/{rule.group}"))
    return wanted


def choose_role(attempt: Attempt) -> Result:
    """Who takes the role by its rule; nobody is a fine answer, said as a gap."""
    rule = attempt.case.playbook.roles_for(attempt.case.severity)[attempt.instance]
    choice = _for_role(attempt, rule)
    if choice is None:
        return {"role": attempt.instance}
    person, how = choice
    return {"role": attempt.instance, "person": person_to(person), "how": how}


def _for_role(attempt: Attempt, rule: RoleRule) -> Choice:
    if rule.on_call is not None:
        return _by_on_call(attempt.case, rule.on_call)
    if rule.fixed is not None:
        return attempt.out.complete(Person(name=rule.fixed, email=rule.fixed)), "named by the playbook"
    return _first_of(attempt, rule.group) if attempt.out.chat is not None and rule.group is not None else None


def _first_of(attempt: Attempt, group: str) -> Choice:
    """The first member of a user group who can be invited."""
    for chat_id in attempt.chat().group_members(group):
        found = attempt.chat().person(chat_id)
        if found is not None and found.active:
            return attempt.out.complete(Person(name=found.name, slack=chat_id)), f"first of {group}"
    return None


def keep_role(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Give them the role."""
    if "person" not in made:
        return
    person, name = person_from(made["person"]), made["role"]
    if incidents.appoint(tx, case.id, Appointment(role=name, person=person, how=made["how"]), now=now):
        text = f"{person.name} is the {name} ({made['how']})"
        entry = Entry(kind=EntryKind.ROLE, at=now, text=text, key=f"role:{name}:{person.key}")
        timeline.note(tx, case.id, [entry], now=now)
