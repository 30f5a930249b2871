"""Pages: people called to an incident through the pager, for the lead's sake or because somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.errors import GiveUp
from multivac.incident import LEAD, Entry, EntryKind, Person, page_key
from multivac.ports import Page
from multivac.steps.base import MENDED_WITHIN, NOTHING, Attempt, Outside, View
from multivac.store import acts, summons, timeline
from multivac.store.cases import Case, Result, StepRow, Summons
from multivac.tongue import any_of, listed, phrase

PAGER = "pagerduty"
_MOST = 25  # alerts of one incident whose priority follows
_HICCUP = timedelta(seconds=10)  # within which a page that fails may still be sent by the next try


def wants_pages(view: View) -> Mapping[str, str]:
    """Every page that somebody wants, sent once."""
    if view.out.pager is None:
        return NOTHING
    case = view.case
    sent = {one.number for one in case.summons if case.result(f"page/{one.number}")}
    return {
        str(one.number): "1"
        for one in case.summons
        if one.pages and (one.number in sent or not is_moot(case, one))
    }


def is_moot(case: Case, wanted: Summons) -> bool:
    """Whether nobody waits for this page any more.

    It is over; or it was for want of a lead, and somebody has accepted or was asked meanwhile.
    """
    is_settled = LEAD in case.roles and case.roles[LEAD].accepted_at is not None
    is_asked_anew = any(not one.pages and one.number > wanted.number for one in case.summons)
    return not case.status.is_open or (not wanted.by and (is_settled or is_asked_anew))


def can_page(case: Case, out: Outside) -> bool:
    """Whether anybody can be paged for it: there is an alert to page from, or we may raise one."""
    return out.pager is not None and (alert_of(case) is not None or out.raises_alerts)


def alert_of(case: Case) -> str | None:
    """The pager's alert through which people can be called: one that is not resolved, if there is one."""
    alerts = [one.key for one in case.alerts.rows if one.source == PAGER]
    return next(iter((*_open_alerts(case), *alerts)), None)


def _open_alerts(case: Case) -> list[str]:
    """The pager's alerts that are not resolved, and what we raised ourselves and have not heard of yet."""
    known = {one.key: one.facts.status for one in case.alerts.rows if one.source == PAGER}
    raised = [
        row.result["alert"]
        for name, row in case.steps.items()
        if name.startswith("page/") and "alert" in row.result
    ]
    return [key for key in (*known, *raised) if known.get(key) != "resolved"]


def page(attempt: Attempt) -> Result:
    """Have them paged, looking first where an earlier try may have worked."""
    case = attempt.case
    wanted = next(one for one in case.summons if str(one.number) == attempt.instance)
    alert, sent, key = alert_of(case), _sent(attempt, wanted), page_key(case.id, case.declared_at)
    # A lost try may have raised it, and we have heard of it meanwhile: who is called by it, is not again.
    is_doubtful = attempt.unknown and alert in _of_key(case, key)
    if attempt.out.raises_alerts and (alert not in _open_alerts(case) or is_doubtful):
        alert, names = attempt.pager().raise_alert(_title(case), sent, key=key, look_first=attempt.unknown)
        return {"page": wanted.number, "paged": list(names), "alert": alert}
    if alert is None:
        raise GiveUp(
            phrase("INC-{number} has no PagerDuty incident to page from", number=case.id),
            fix=phrase("Operators can set pagerduty.page_service, from which people are paged then."),
        )
    names = attempt.pager().page(alert, sent, look_first=attempt.unknown)
    return {"page": wanted.number, "paged": list(names)}


def _sent(attempt: Attempt, wanted: Summons) -> Page:
    """What the pager is asked for."""
    case = attempt.case
    return Page(
        people=() if wanted.service else wanted.people,
        service=wanted.service,
        policies=tuple(sorted(case.alerts.policies)),
        message=" ".join(filter(None, _message(attempt, wanted))),
        marker=f"[INC-{case.id} {int(case.declared_at.timestamp()):x} page {wanted.number}]",
    )


def _message(attempt: Attempt, wanted: Summons) -> Iterator[str]:
    """What those who are paged read.

    A second request says that it is one: the first may only be hidden yet, and cannot be taken back
    alone, since PagerDuty cancels all that a person was sent for one incident.
    """
    case = attempt.case
    yield f"{_title(case)}."
    yield _asked_for(wanted.by, wanted.note)
    if case.channel_id and not case.playbook.channel.private:  # its name says what it is about
        yield phrase("The channel is #{channel}.", channel=case.channel_name)
    if attempt.unknown:
        yield phrase("Sent again: the first request may have reached you, too.")


def _asked_for(by: str, note: str) -> str:
    """Who asks, and what for: the pager shows the account of our key as whoever did."""
    if not by:
        return note or phrase("Please help.")
    return f"{by}: {note}" if note else phrase("{name} asks for your help.", name=by)


def _of_key(case: Case, key: str) -> list[str]:
    return [one.key for one in case.alerts.rows if one.facts.dedup_key == key]


def _title(case: Case) -> str:
    """What those who are paged read first: of a private incident only that it is one."""
    if case.playbook.channel.private:
        return phrase("INC-{number} private incident", number=case.id)
    return f"INC-{case.id} {case.title}"


def keep_page(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Note who is paged."""
    summons.told(tx, case.id, made["page"], now=now)
    wanted = next(one for one in case.summons if one.number == made["page"])
    names, by = ", ".join(made["paged"]), wanted.by
    text = phrase("PagerDuty pages {names}", names=names)
    if by:
        text = phrase("PagerDuty pages {names}, asked for by {by}", names=names, by=by)
    if acts.is_by_rule(tx, case.id, step_of(wanted.number)):
        text = phrase("PagerDuty pages {names}, asked for by a reminder of {by}", names=names, by=by)
    entry = Entry(kind=EntryKind.PEOPLE, at=now, text=text, key=f"page:{made['page']}")
    timeline.note(tx, case.id, [entry], now=now)


# --- what was not sent ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """Why a page was not sent, what can be done about that, and whether we try again by ourselves."""

    why: str
    fix: str = ""
    again: str = ""


def unsent(view: View, wanted: Summons) -> Unsent | None:
    """What keeps a page from those who wait for it; None if it was sent, or may be sent any moment."""
    case, row = view.case, view.case.steps.get(f"page/{wanted.number}")
    if not wanted.pages or wanted.told_at is not None or is_moot(case, wanted):
        return None
    if view.out.pager is None:
        return Unsent(why=phrase("Multivac has no key for PagerDuty"))
    if row is None or row.wanted is None or row.error is None or row.done == row.wanted:
        return None
    again_at = row.failing_since + _HICCUP if row.failing_since is not None else view.now
    if row.gave_up != row.wanted and view.now < again_at:
        view.look_again(again_at)
        return None
    return Unsent(why=row.error, fix=row.fix or "", again=_whether_tried_again(row))


def failed(view: View) -> str:
    """Whom a page has not reached, and why, in one line; "" if each was sent, or may be sent any moment."""
    found = ((one, unsent(view, one)) for one in view.case.summons)
    told = [
        phrase("{whom} ({why})", whom=named(one), why=no.why.rstrip(".。"))
        for one, no in found
        if no is not None
    ]
    return phrase("Paging failed: {pages}", pages="; ".join(told)) if told else ""


def _whether_tried_again(row: StepRow) -> str:
    """Whether we send it by ourselves once that can be, and until when."""
    if row.gave_up != row.wanted:
        return phrase("I go on trying by myself, until it is sent or the incident is over.")
    if row.may_be_mended:
        minutes = round(MENDED_WITHIN.total_seconds() / 60)
        return phrase(
            "I try again every {minutes} minutes, until it is sent or the incident is over.", minutes=minutes
        )
    return phrase("I do not try this one again.")


def last_paged(view: View, person: Person) -> datetime | None:
    """When they were last paged for it, or asked to be; None if never, or if that failed."""
    case = view.case
    asked = (one for one in case.summons if one.pages and _reaches(case, one, person))
    sent = (
        one for one in asked if not (one.told_at is None and is_moot(case, one)) and not unsent(view, one)
    )
    return max((one.told_at or one.at for one in sent), default=None)


def _reaches(case: Case, wanted: Summons, person: Person) -> bool:
    named = case.result(step_of(wanted.number)).get("paged", ())
    return any(one.key == person.key for one in wanted.people) or person.name in named


def step_of(number: int) -> str:
    """The name of the step that sends this page, by which the trail has who asked for it."""
    return f"page/{number}"


def named(wanted: Summons) -> str:
    """Whom a page goes to, in a sentence."""
    names = listed([one.name for one in wanted.people])
    if not wanted.service:
        return names
    if not names:
        return phrase("whoever is on call for {service}", service=wanted.service)
    return phrase("{names}, on call for {service}", names=names, service=wanted.service)


def whom_to_call(wanted: Summons, out: Outside) -> str:
    """What people can do when a page fails: whom to call, by phone or e-mail where they are known."""
    names = [with_address(one, out) for one in wanted.people]
    if wanted.service and not names:
        names.append(phrase("whoever is on call for {service}", service=wanted.service))
    if not names:
        return phrase("Call somebody yourself.")
    if wanted.people and not any(map(out.phone_of, wanted.people)):
        return phrase("Reach {names} yourself.", names=any_of(names))  # an e-mail is nothing to call
    return phrase("Call {names} yourself.", names=any_of(names))


def with_address(person: Person, out: Outside) -> str:
    """Somebody by name, with phone and e-mail where they are known."""
    email = person.email if person.email != person.name else None
    known = ", ".join(filter(None, (out.phone_of(person), email)))
    return f"{person.name} ({known})" if known else person.name


# --- priorities -----------------------------------------------------------------------------------


def wants_priorities(view: View) -> Mapping[str, str]:
    """The alerts' priority following the severity that a person has settled, once for each severity.

    Whoever gives an alert another one in the pager afterwards means it.
    """
    case, names = view.case, _priorities(view.case)
    if view.out.pager is None or case.severity_by is None or not case.status.is_open or not names:
        return NOTHING
    right = {name.casefold() for name in names}
    return {
        one.key: case.severity.value
        for one in case.alerts.rows[:_MOST]
        if one.source == PAGER
        and one.facts.status != "resolved"
        and (one.facts.priority or "").casefold() not in right
    }


def _priorities(case: Case) -> tuple[str, ...]:
    means = case.playbook.severity.by_priority
    return tuple(name for name, meant in means.items() if meant is case.severity)


def prioritise(attempt: Attempt) -> Result:
    """Set it; doing so twice does no harm."""
    attempt.pager().prioritise(attempt.instance, _priorities(attempt.case))
    return {}
