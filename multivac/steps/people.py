"""The people: who is on call, who they are in the chat, and bringing them in with one notification."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any

import sqlalchemy as sa

from multivac.briefing import fingerprint
from multivac.errors import GiveUp, Paced, TryAgain
from multivac.incident import Entry, EntryKind, Person
from multivac.playbook import ByOnCall, OnCallOf, Wanted
from multivac.ports import OnCall
from multivac.steps import duties
from multivac.steps.base import NOTHING, Attempt, View
from multivac.store import members, notices, timeline
from multivac.store import people as directory
from multivac.store.cases import Case, Result, StepRow
from multivac.store.facts import person_from, person_to
from multivac.tongue import mark, phrase, plural

_AT_ONCE = 8  # look-ups of one incident that run side by side
_MISSING_LASTS = timedelta(minutes=10)  # an account may be made while we wait
_ASK_AGAIN = timedelta(minutes=1)  # while the on-call list is an old one
_INVITED, _JOINED = mark("Invited {names}"), mark("Joined: {names}")
_WORTH_WAITING = timedelta(seconds=5)  # for a turn at the pager, rather than take an old list


# --- who is on call -------------------------------------------------------------------------------


def policies_of(case: Case) -> tuple[str, ...]:
    """The escalation policies of what the incident is about, and those its playbook names."""
    named = {rule.policy for rule in on_call_rules(case) if rule.policy}
    return tuple(sorted(named | own_policies(case)))


def own_policies(case: Case) -> frozenset[str]:
    """The escalation policies of the incident's alerts, and of the services that people named."""
    return case.alerts.policies | duties.policies_of(case).keys()


def on_call_rules(case: Case) -> tuple[OnCallOf, ...]:
    """Every rule of the playbook that asks who is on call for the lead or another role."""
    roles = case.playbook.roles_for(case.severity).values()
    by_lead = (strategy.on_call for strategy in case.playbook.lead if isinstance(strategy, ByOnCall))
    return (*by_lead, *(rule.on_call for rule in roles if rule.on_call))


def wants_on_call(view: View) -> Mapping[str, str]:
    """Who answers now for the policies of the alerts, and of the services that people named."""
    policies = policies_of(view.case)
    return (
        {"": _still_known(view, "on call", policies)} if view.out.pager is not None and policies else NOTHING
    )


def find_on_call(attempt: Attempt) -> Result:
    """Ask the pager; if it does not answer, the last answer with its age."""
    policies = policies_of(attempt.case)
    return _on_call(attempt, policies, lambda: attempt.pager().on_call_of_policies(policies))


def wants_schedules(view: View) -> Mapping[str, str]:
    """Who answers now for each schedule the playbook names."""
    if view.out.pager is None:
        return NOTHING
    names = {rule.schedule for rule in on_call_rules(view.case) if rule.schedule}
    names |= set(view.playbook.wanted(view.case.severity).schedules)
    return {name: _still_known(view, f"schedule/{name}", (name,)) for name in sorted(names)}


def find_schedule(attempt: Attempt) -> Result:
    """Ask the pager for one schedule; if it does not answer, the last answer with its age."""
    name = attempt.instance
    return _on_call(attempt, (name,), lambda: attempt.pager().on_call_of_schedules([name]))


def _still_known(view: View, step: str, asked: Sequence[str]) -> str:
    """What was done, while it answers the same question; an old list is asked for again each minute."""
    row = view.case.steps.get(step)
    if row is None or row.done is None or row.done_at is None:
        return fingerprint(asked)
    again_at = row.done_at + _ASK_AGAIN if "as_of" in row.result else None
    view.look_again(again_at)
    if row.result["asked"] == list(asked) and (again_at is None or view.now < again_at):
        return row.done
    return fingerprint(asked, row.done_at)


def _on_call(attempt: Attempt, asked: Sequence[str], ask: Callable[[], tuple[OnCall, ...]]) -> Result:
    database, key = attempt.out.database, f"{attempt.name}:{','.join(asked)}"
    try:
        found = [_stored(one, attempt) for one in ask()]
    except (TryAgain, GiveUp, Paced) as error:
        with database.read() as tx:
            last = directory.last_answer(tx, key)
        if last is None or (isinstance(error, Paced) and error.until <= attempt.now + _WORTH_WAITING):
            raise
        if isinstance(error, GiveUp) and error.operators:
            mend = notices.to_mend(error.why, error.fix)
            database.write(lambda tx: notices.raise_notice(tx, mend, now=attempt.now))
        return {"asked": list(asked), "on_call": last[0], "as_of": last[1].isoformat()}
    database.write(lambda tx: directory.keep_answer(tx, key, found, now=attempt.now))
    return {"asked": list(asked), "on_call": found}


def listed(case: Case) -> Sequence[Mapping[str, Any]]:
    """Who is on call for the alerts' policies, as was found out at first and as of the last who joined."""
    return [*_listed(case, "on call now"), *_listed(case, "on call")]


def wants_on_call_now(view: View) -> Mapping[str, str]:
    """Who answers as of the last who joined by themselves: shifts end, and the first list grows old."""
    case, row = view.case, view.case.steps.get("on call now")
    kept = {"": row.done} if row is not None and row.done else NOTHING
    came = [one.joined_at for one in case.members.values() if one.joined_at and not one.invited]
    rows = [one for name in ("on call", "on call now") if (one := case.steps.get(name))]
    asked = [one.done_at for one in rows if one.done_at]
    if view.out.pager is None or not view.out.hears or not own_policies(case) or not came or not asked:
        return kept
    is_old = case.status.is_open and max(came) > max(asked) + _ASK_AGAIN
    return {"": fingerprint(max(came))} if is_old else kept


def find_on_call_now(attempt: Attempt) -> Result:
    """Ask the pager again; if it does not answer, the last answer with its age."""
    policies = sorted(own_policies(attempt.case))
    return _on_call(attempt, policies, lambda: attempt.pager().on_call_of_policies(policies))


def _stored(one: OnCall, attempt: Attempt) -> dict[str, Any]:
    return {
        "person": person_to(attempt.out.complete(one.person)),
        "level": one.level,
        "policy": one.policy,
        "schedule": one.schedule,
        "until": one.until.isoformat() if one.until else None,
    }


def on_call_of(
    case: Case, *, schedule: str | None = None, policy: str | None = None
) -> Iterator[tuple[int, Person]]:
    """Level and person of those on call for a schedule, a policy, or (neither) what it is about."""
    if schedule is not None:
        yield from (
            (one["level"], person_from(one["person"])) for one in _listed(case, f"schedule/{schedule}")
        )
        return
    own = own_policies(case) if policy is None else {policy}
    yield from (
        (o["level"], person_from(o["person"])) for o in _listed(case, "on call") if o["policy"] in own
    )


def _listed(case: Case, step: str) -> Sequence[dict[str, Any]]:
    found: Sequence[dict[str, Any]] = case.result(step).get("on_call", ())
    return found


def on_call_as_of(case: Case) -> datetime | None:
    """How old the oldest on-call list in use is; None while all are fresh."""
    ages = [row.result["as_of"] for row in case.steps.values() if "as_of" in row.result]
    return datetime.fromisoformat(min(ages)) if ages else None


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
        asked = [at_once.submit(copy_context().run, _look_one_up, attempt, one) for one in people]
        for asking in asked:
            try:
                answers.append(asking.result())
            except (TryAgain, GiveUp, Paced) as error:
                failure = error
    return answers, failure


def _look_one_up(attempt: Attempt, person: Person) -> directory.Identity:
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


# --- bringing them in -----------------------------------------------------------------------------


def _to_bring(case: Case) -> list[str]:
    known = case.members
    ids = _ids_of(case, invitees(case)) if is_asked_first(case) else set(_looked_up(case).values())
    if not is_asked_first(case):
        ids |= _in_groups(case)
    ids |= {one for one, member in known.items() if member.asked_at is not None}
    return sorted(one for one in ids if one not in known or not known[one].has_left)


def _looked_up(case: Case) -> Mapping[str, str]:
    ids: Mapping[str, str] = case.result("chat ids").get("ids", {})
    return ids


def _ids_of(case: Case, people: Iterable[Person]) -> set[str]:
    return {found for person in people if (found := chat_id(case, person))}


def _in_groups(case: Case) -> set[str]:
    groups = case.playbook.wanted(case.severity).groups
    return {one for handle in groups for one in case.result(f"group/{handle}").get("members", ())}


def would_be_invited(case: Case) -> tuple[str, ...]:
    """The chat's ids of those whom rules would bring in, and people have neither brought nor asked for."""
    if not is_asked_first(case):
        return ()
    ids = _ids_of(case, by_rule(case)) | _in_groups(case)
    return tuple(sorted(ids - case.members.keys() - _ids_of(case, invitees(case))))


def _asked_for(case: Case) -> dict[str, str]:
    """Whom somebody asked to have brought in, and when."""
    return {one: at.isoformat() for one, member in case.members.items() if (at := member.asked_at)}


def wants_invite(view: View) -> Mapping[str, str]:
    """Everybody in the channel; whoever left is not brought back."""
    if view.out.chat is None or not view.case.status.is_open:
        return _as_it_is(view, "invite")
    everybody, asked = _to_bring(view.case), _asked_for(view.case)
    return {"": fingerprint(everybody, *([asked] if asked else []))} if everybody else NOTHING


def _as_it_is(view: View, name: str) -> Mapping[str, str]:
    row = view.case.steps.get(name)
    return {"": row.done} if row is not None and row.done is not None else NOTHING


def invite(attempt: Attempt) -> Result:
    """Bring in whoever was not brought in before, or is asked for anew, in one call."""
    case, before = attempt.case, attempt.before.result
    joined, refused = list(before.get("joined", ())), dict(before.get("refused", {}))
    asked, answered = _asked_for(case), before.get("asked", {})
    anew = {one for one in asked if asked[one] != answered.get(one) and not case.members[one].is_here}
    done = {*joined, *refused} - anew
    fresh = [one for one in _to_bring(case) if one not in done]
    if fresh:
        answer = attempt.chat().invite(case.result("channel")["id"], fresh)
        joined += [one for one in answer.joined if one not in joined]
        refused = {one: why for one, why in refused.items() if one not in fresh} | dict(answer.refused)
    return {"joined": joined, "refused": refused, "fresh": fresh, "asked": asked}


def keep_invite(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Note who was brought in."""
    fresh = [one for one in made["fresh"] if one not in made["refused"]]
    members.brought(tx, case.id, fresh, at=now)
    own = [one for one in fresh if one in case.members and case.members[one].asked_by == one]
    others = [one for one in fresh if one not in own]
    again = [at for one, at in made["asked"].items() if one in fresh]
    key = "invite:" + fingerprint(sorted(made["fresh"]), *again)
    entries = [
        Entry(kind=EntryKind.PEOPLE, at=now, text=phrase(text, names=", ".join(names)), key=f"{key}{which}")
        for text, which, names in (
            (_INVITED, "", _names_of(tx, case, others)),
            (_JOINED, ":own", _names_of(tx, case, own)),
        )
        if names
    ]
    timeline.note(tx, case.id, entries, now=now)


def _names_of(tx: sa.Connection, case: Case, ids: Iterable[str]) -> list[str]:
    looked_up = case.result("chat ids")
    key_of = {chat: key for key, chat in looked_up.get("ids", {}).items()}
    names = looked_up.get("names", {})
    found = [names.get(key_of.get(one, "")) or _met_as(tx, one) for one in ids]
    named, nameless = [one for one in found if one], found.count("")
    if not nameless:
        return named
    if not named:
        return [plural("{count} by a user group", "{count} by a user group", nameless)]
    return [*named, plural("{count} more", "{count} more", nameless)]


def _met_as(tx: sa.Connection, chat_id: str) -> str:
    known = directory.known_as(tx, "slack", chat_id)
    return known.name if known is not None and known.name else ""
