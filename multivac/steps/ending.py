"""What follows the end: alerts closed, follow-ups written, the closing line, closing by rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

import sqlalchemy as sa

from multivac.briefing import Ended, FollowUp, fingerprint
from multivac.incident import Entry, EntryKind, Status
from multivac.ports import TicketDraft
from multivac.steps import customers, news
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.ticket import account_of, find_or_open, label_of
from multivac.steps.words import channel_of, goes_on_elsewhere, mitigation_of, say, view_of
from multivac.store import acts, incidents, timeline
from multivac.store.cases import Case, Result
from multivac.store.facts import person_from
from multivac.store.sayings import Saying, SayingKind
from multivac.store.summary import AlertRow
from multivac.tongue import phrase

_OVER = frozenset({Status.RESOLVED, Status.CLOSED})
_MOST_ALERTS = 25  # as many as carry a note
_LONGEST = 200


def is_by_people(case: Case) -> bool:
    """Whether people ended it, not as another's duplicate."""
    end = news.last_end(case)
    return end is not None and bool(end.by) and not goes_on_elsewhere(case)


# --- the alerts -----------------------------------------------------------------------------------


def wants_alert_ends(view: View) -> Mapping[str, str]:
    """Every alert that is still open resolved, once people have resolved the incident."""
    case = view.case
    if view.out.pager is None or not view.playbook.end.resolve_alerts or not _is_over_by_people(case):
        return NOTHING
    told = [alert for alert in case.alerts.rows[:_MOST_ALERTS] if alert.source == "pagerduty"]
    marks = ((alert.key, _end_mark(case, alert)) for alert in told)
    return {key: mark for key, mark in marks if mark is not None}


def _is_over_by_people(case: Case) -> bool:
    return case.status in _OVER and is_by_people(case)


def _end_mark(case: Case, alert: AlertRow) -> str | None:
    """Another for each time people resolved the incident; None for one that ended without us."""
    row = case.steps.get(f"alert end/{alert.key}")
    if alert.facts.status != "resolved":
        return _last_resolved(case)
    return None if row is None else row.done or _last_resolved(case)


def _last_resolved(case: Case) -> str:
    resolved = (one for one in reversed(case.sayings) if one.more.get("after") == Status.RESOLVED)
    return next((str(one.id) for one in resolved), "closed")


def end_alert(attempt: Attempt) -> Result:
    """Resolve it; resolved already is fine."""
    attempt.pager().resolve(attempt.instance)
    return {}


# --- the follow-ups -------------------------------------------------------------------------------


def wants_follow_ups(view: View) -> Mapping[str, str]:
    """Each follow-up as an issue of its own, once the incident has ended: until then people may do it."""
    if view.out.tracker is None:
        return NOTHING
    case, rows = view.case, view.case.steps
    return {
        str(one.id): "1"
        for one in _follow_ups(case)
        if not case.status.is_open or ((row := rows.get(f"follow-up/{one.id}")) is not None and row.was_done)
    }


def open_follow_up(attempt: Attempt) -> Result:
    """Write the issue; where an earlier try may have worked, look for it first."""
    case = attempt.case
    said = next(one for one in case.sayings if str(one.id) == attempt.instance)
    title, *paragraphs = _told_of(case, said)
    draft = TicketDraft(
        title=title[:_LONGEST],
        paragraphs=tuple(paragraphs),
        links=tuple(_links_of(case, said)),
        label=f"{label_of(case)}-{said.id}",
        severity="",
        is_follow_up=True,
        due=date.fromisoformat(said.more["due"]) if "due" in said.more else None,
    )
    return find_or_open(attempt, draft)


def _links_of(case: Case, said: Saying) -> Iterator[tuple[str, str]]:
    """The ticket, and the message that it was made of; not of a private incident."""
    if ticket := case.result("ticket"):
        yield ticket["key"], ticket["url"]
    if "link" in said.more and not case.playbook.channel.private:
        yield phrase("message"), said.more["link"]


def _told_of(case: Case, said: Saying) -> tuple[str, ...]:
    """What the issue is called, and what it says: a private incident's says nothing of it."""
    if case.playbook.channel.private:
        return (
            phrase("Follow-up of INC-{number}, a private incident", number=case.id),
            phrase("What is to be done stands in its private Slack channel alone."),
        )
    why = phrase(
        "A follow-up of INC-{number} {title}, written down by {name}.",
        number=case.id,
        title=case.title,
        name=said.by,
    )
    owner, due = said.more.get("owner", {}).get("name"), said.more.get("due")
    who = phrase("{name} is to do it.", name=owner) if owner else ""
    # In words too: not every project has the field.
    when = phrase("It is due on {day}.", day=due) if due else ""
    return tuple(filter(None, (said.text, said.text, why, who, when)))


def wants_owners(view: View) -> Mapping[str, str]:
    """Each follow-up's issue assigned to whoever is to do it."""
    if view.out.tracker is None:
        return NOTHING
    owned = [(one, one.more["owner"]) for one in _follow_ups(view.case) if "owner" in one.more]
    return {
        str(one.id): fingerprint(issue["key"], owner)
        for one, owner in owned
        if (issue := view.case.result(f"follow-up/{one.id}"))
    }


def assign_follow_up(attempt: Attempt) -> Result:
    """Make them the assignee, if the tracker knows this very person: nobody rather than a guess."""
    case = attempt.case
    said = next(one for one in case.sayings if str(one.id) == attempt.instance)
    account = account_of(attempt, attempt.out.complete(person_from(said.more["owner"])))
    if account is not None:
        attempt.tracker().assign(case.result(f"follow-up/{said.id}")["key"], account)
    return {"account": account}


def wants_links(view: View) -> Mapping[str, str]:
    """Each follow-up's issue linked with the ticket."""
    if view.out.tracker is None or not view.case.result("ticket"):
        return NOTHING
    found = {str(one.id): view.case.result(f"follow-up/{one.id}") for one in _follow_ups(view.case)}
    return {name: result["key"] for name, result in found.items() if result}


def link_follow_up(attempt: Attempt) -> Result:
    """Link the two, looking first where an earlier try may have worked."""
    case = attempt.case
    other = case.result(f"follow-up/{attempt.instance}")["key"]
    attempt.tracker().link(case.result("ticket")["key"], other, look_first=attempt.unknown)
    return {}


def _follow_ups(case: Case) -> tuple[Saying, ...]:
    return case.said(SayingKind.FOLLOW_UP)


# --- the closing line -----------------------------------------------------------------------------


def wants_end_lines(view: View) -> Mapping[str, str]:
    """One line on each end; nothing on closing what was resolved before."""
    if view.out.chat is None:
        return NOTHING
    told = [one for one in view.case.said(SayingKind.CHANGE) if _is_told(one)]
    return {str(one.id): fingerprint(_end_line(view, one)) for one in told}


def _is_told(said: Saying) -> bool:
    return news.is_end(said) and said.more.get("before") != Status.RESOLVED


def _with_room(said: Saying) -> str:
    """What was said, where the chat is told which channel is named in it: that it goes on there."""
    if not said.more.get("room"):
        return said.text
    return said.text.replace(str(said.more["room"]), f"<#{said.more['room_id']}>")


def _end_line(view: View, said: Saying) -> Ended:
    case = view.case
    mine = _left_by(case, said)
    found = {one.id: case.result(f"follow-up/{one.id}") for one in mine}
    return Ended(
        text=_with_room(said),
        mitigated_at=mitigation_of(said),
        customers=customers.told(said),
        follow_ups=tuple(
            FollowUp(text=one.text, key=found[one.id].get("key", ""), url=found[one.id].get("url", ""))
            for one in mine
        ),
    )


def _left_by(case: Case, end: Saying) -> list[Saying]:
    """The follow-ups that this end tells of: every one that was written down until it was opened again.

    Those of an earlier end are among them: that it was opened again makes none of them done.
    """
    later = (one for one in case.said(SayingKind.CHANGE) if one.id > end.id and news.is_back(one))
    reopened = next(later, None)
    return [one for one in _follow_ups(case) if reopened is None or one.id < reopened.id]


def post_end_line(attempt: Attempt) -> Result:
    """Post or redraw it."""
    said = next(one for one in attempt.case.sayings if str(one.id) == attempt.instance)
    return say(attempt, channel_of(attempt.case), _end_line(view_of(attempt), said))


# --- closing by rule ------------------------------------------------------------------------------


def wants_close(view: View) -> Mapping[str, str]:
    """What was resolved for long enough closed, where people could have said otherwise."""
    case, row = view.case, view.case.steps.get("close")
    if case.status is Status.RESOLVED and view.out.hears:
        due = case.status_at + view.playbook.end.close_after
        view.look_again(due)
        if view.now >= due:
            return {"": f"{case.status_at:%Y%m%dT%H%M%S.%f}"}
    return {"": row.done} if row is not None and row.done else NOTHING


def close(attempt: Attempt) -> Result:
    """Nothing is to be asked: the rows are changed where the result is kept."""
    del attempt
    return {}


def keep_closed(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Close it, unless somebody has reopened it meanwhile."""
    del made
    if incidents.set_status(tx, case.id, Status.CLOSED, now=now):
        text = phrase("Closed by rule: it was resolved long enough")
        key = f"closed:{case.status_at}"
        moved = acts.Moved(key=key, verb="status", before=case.status, after=Status.CLOSED)
        acts.leave_trail_of(tx, case.id, moved, at=now)
        timeline.note(tx, case.id, [Entry(kind=EntryKind.STATUS, at=now, text=text, key=key)], now=now)
