"""Who is on call: for the policies of the alerts, the services that people named, and the schedules named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from multivac.briefing import fingerprint
from multivac.errors import GiveUp, Paced, TryAgain
from multivac.incident import Person
from multivac.playbook import ByOnCall, OnCallOf
from multivac.ports import OnCall
from multivac.steps import duties
from multivac.steps.base import NOTHING, Attempt, View
from multivac.store import notices
from multivac.store import people as directory
from multivac.store.cases import Case, Result
from multivac.store.facts import person_from, person_to

_ASK_AGAIN = timedelta(minutes=1)  # while the on-call list is an old one
_WORTH_WAITING = timedelta(seconds=5)  # for a turn at the pager, rather than take an old list


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
