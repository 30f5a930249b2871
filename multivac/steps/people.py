"""The people: who they are in the chat, and who of them belongs in the channel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from itertools import chain, islice

from multivac.briefing import fingerprint
from multivac.errors import GiveUp, Paced, TryAgain
from multivac.incident import Person
from multivac.playbook import Wanted
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.oncall import on_call_of
from multivac.store import people as directory
from multivac.store.cases import Case, Result, StepRow
from multivac.store.facts import person_from, person_to

_AT_ONCE = 8  # look-ups of one incident that run side by side
_MISSING_LASTS = timedelta(minutes=10)  # an account may be made while we wait


# --- who they are ---------------------------------------------------------------------------------


def wants_who(view: View) -> Mapping[str, str]:
    """The e-mail of people whom the pager names by id alone."""
    if view.out.pager is None:
        return NOTHING
    nameless = sorted(_nameless(view.case, view))
    return dict.fromkeys(nameless, "1")


def _nameless(case: Case, view: View) -> Iterator[str]:
    told = case.alerts
    named = map(view.out.complete, (*told.assignees, *told.responders, *told.ackers))
    yield from (who.pagerduty for who in identified(case, named) if who.pagerduty and not who.email)
    # Once asked it stays wanted, or its answer would be forgotten with the want.
    asked = (
        name.partition("/")[2] for name, row in case.steps.items() if name.startswith("who/") and row.was_done
    )
    yield from asked


def find_who(attempt: Attempt) -> Result:
    """Ask the pager who has this id."""
    found = attempt.pager().person(attempt.instance)
    return {"person": person_to(attempt.out.complete(found))} if found else {}


def identified(case: Case, named: Iterable[Person]) -> tuple[Person, ...]:
    """People named by the pager, with the e-mail that an on-call list or a look-up gave."""
    described = _described(case)
    return tuple(
        who if who.email or not who.pagerduty else described.get(who.pagerduty, who) for who in named
    )


def _described(case: Case) -> dict[str, Person]:
    """Whoever the pager has described, by its id; a look-up of the person counts before a list."""
    lists = [row for name, row in case.steps.items() if name == "on call" or name.startswith("schedule/")]
    told = [one["person"] for row in lists for one in row.result.get("on_call", ())]
    told += [row.result["person"] for name, row in case.steps.items() if _describes(name, row)]
    return {one["pagerduty"]: person_from(one) for one in told if "pagerduty" in one}


def _describes(name: str, row: StepRow) -> bool:
    return name.startswith("who/") and row.was_done and "person" in row.result


# --- whom to bring in -----------------------------------------------------------------------------


def invitees(case: Case) -> tuple[Person, ...]:
    """Everybody who belongs in the channel for this severity, each once, but whom people are asked about."""
    return _each_once(_by_people(case) if is_asked_first(case) else _anybody(case))


def by_rule(case: Case) -> tuple[Person, ...]:
    """Those whom only a rule names, where people are asked before such are invited."""
    if not is_asked_first(case):
        return ()
    called = {person.key for person in invitees(case)}
    named = chain(_by_rule(case, case.playbook.wanted(case.severity)), _for_roles(case))
    return _each_once(person for person in named if person.key not in called)


def _for_roles(case: Case) -> Iterator[Person]:
    for rule in case.playbook.roles_for(case.severity).values():
        if rule.fixed:
            yield Person(name=rule.fixed, email=rule.fixed)
        if rule.on_call:
            on_call = on_call_of(case, schedule=rule.on_call.schedule, policy=rule.on_call.policy)
            yield from (who for _, who in islice(on_call, 1))


def is_asked_first(case: Case) -> bool:
    """Whether rules invite nobody by themselves: they were written for incidents that all may see."""
    return case.playbook.channel.ask_before_inviting


def _each_once(people: Iterable[Person]) -> tuple[Person, ...]:
    found = {person.key: person for person in people}
    return tuple(found[key] for key in sorted(found))


def _anybody(case: Case) -> Iterator[Person]:
    return chain(_by_rule(case, case.playbook.wanted(case.severity)), _by_people(case))


def _by_rule(case: Case, wanted: Wanted) -> Iterator[Person]:
    yield from (who for level, who in on_call_of(case) if level in wanted.alert_policy_levels)
    for schedule in wanted.schedules:
        yield from (who for _, who in on_call_of(case, schedule=schedule))
    told = case.alerts
    if wanted.assignees:
        yield from identified(case, (*told.assignees, *told.ackers))
    if wanted.responders:
        yield from identified(case, told.responders)
    yield from (Person(name=email, email=email) for email in wanted.people)


def _by_people(case: Case) -> Iterator[Person]:
    yield from (role.person for role in case.roles.values())
    yield from (task.owner for task in case.tasks.values() if task.owner is not None)
    yield from (who for one in case.summons if not one.pages for who in one.people)
    yield from (case.declared_by,) if case.declared_by else ()


def wants_groups(view: View) -> Mapping[str, str]:
    """The members of each user group the playbook names."""
    if view.out.chat is None:
        return NOTHING
    return dict.fromkeys(view.playbook.wanted(view.case.severity).groups, "1")


def find_group(attempt: Attempt) -> Result:
    """Ask the chat who is in the group."""
    return {"members": list(attempt.chat().group_members(attempt.instance))}


def wants_chat_ids(view: View) -> Mapping[str, str]:
    """The chat's id of everybody who is to be brought in."""
    keys = [person.key for person in _to_look_up(view.case)]
    return {"": fingerprint(keys)} if view.out.chat is not None and keys else NOTHING


def _to_look_up(case: Case) -> tuple[Person, ...]:
    return (*invitees(case), *by_rule(case))


def find_chat_ids(attempt: Attempt) -> Result:
    """Look everybody up by e-mail, side by side; who was found lately is not looked up again."""
    people = [attempt.out.complete(person) for person in _to_look_up(attempt.case)]
    ids = {person.key: person.slack for person in people if person.slack}
    by_mail = [person for person in people if not person.slack and person.email]
    known = _known_identities(attempt, by_mail)
    asked = [person for person in by_mail if person.key not in known]
    answers, failure = _look_up(attempt, asked)
    attempt.out.database.write(lambda tx: directory.remember(tx, "slack", answers))
    if failure is not None:
        raise failure
    found = known | {one.key: one for one in answers}
    return {
        "ids": ids | {key: one.id for key, one in found.items() if one.id and one.active},
        "missing": [person.name for person in people if _cannot_be_found(person, found)],
        "inactive": [
            p.name for p in people if p.key in found and found[p.key].id and not found[p.key].active
        ],
        "names": {person.key: _called(person, found.get(person.key)) for person in people},
    }


def _cannot_be_found(person: Person, found: Mapping[str, directory.Identity]) -> bool:
    if person.slack:
        return False
    if person.email:
        return found[person.key].id is None
    return person.pagerduty is None  # else the pager is still to be asked for the address


def _called(person: Person, found: directory.Identity | None) -> str:
    """The name; of somebody the playbook names by e-mail, the one the chat knows."""
    return found.name if found is not None and found.name and person.name == person.email else person.name


def name_of(case: Case, person: Person) -> str:
    """What to call a person in a message."""
    name: str = case.result("chat ids").get("names", {}).get(person.key, person.name)
    return name


def _known_identities(attempt: Attempt, people: Sequence[Person]) -> dict[str, directory.Identity]:
    with attempt.out.database.read() as tx:
        found = directory.identities(tx, "slack", [person.key for person in people])
    lasts = {True: directory.LASTS, False: _MISSING_LASTS}
    return {
        key: one
        for key, one in found.items()
        if attempt.now - one.checked_at < lasts[one.id is not None and one.active]
    }


def _look_up(
    attempt: Attempt, people: Sequence[Person]
) -> tuple[list[directory.Identity], TryAgain | GiveUp | Paced | None]:
    """Every answer that came, and the failure if one did not: what was found is kept."""
    if not people:
        return [], None
    answers: list[directory.Identity] = []
    failure: TryAgain | GiveUp | Paced | None = None
    with ThreadPoolExecutor(min(_AT_ONCE, len(people)), thread_name_prefix="lookup") as at_once:
        # Each with a copy of our context, so that it too asks before it sends whether it still may.
        asked = [at_once.submit(copy_context().run, look_up, attempt, one) for one in people]
        for asking in asked:
            try:
                answers.append(asking.result())
            except (TryAgain, GiveUp, Paced) as error:
                failure = error
    return answers, failure


def look_up(attempt: Attempt, person: Person) -> directory.Identity:
    """Ask the chat who has the person's e-mail; keeping the answer is up to the caller."""
    user = attempt.chat().find_person(person.email or "")
    return directory.Identity(
        key=person.key,
        id=user.id if user else None,
        name=user.name if user else None,
        active=user.active if user else True,
        checked_at=attempt.now,
        language=user.language if user else None,
    )


def chat_id(case: Case, person: Person) -> str | None:
    """The chat's id of a person who was looked up."""
    found: str | None = case.result("chat ids").get("ids", {}).get(person.key)
    return found or person.slack
