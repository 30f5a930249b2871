"""A ticket that was opened twice, since the tracker's search hid the first: the newer is found and closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.errors import GiveUp
from multivac.incident import Entry, EntryKind, marker_of
from multivac.ports import Standing
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.ticket import AGAIN_AT, TICKET, label_of
from multivac.store import steps as progress
from multivac.store import timeline
from multivac.store.cases import Case, Result
from multivac.tongue import phrase

# After a ticket was asked for a second time, so that both are known, and one is closed, within two minutes.
_LOOKS = (timedelta(seconds=15), timedelta(seconds=45), timedelta(seconds=100))
# What was done to the ticket that turns out to be the newer; all else reads which one it is each time.
DONE_TO_A_TICKET = frozenset(
    {"assignee", "priority", "comment", "follow-up link", "ticket status", "ticket words"}
)


def wants_looks(view: View) -> Mapping[str, str]:
    """Of what was asked for a second time, as many looks for a second ticket as are due by now."""
    if view.out.tracker is None:
        return NOTHING
    wanted = {}
    for name, row in view.case.steps.items():
        if not row.was_done or AGAIN_AT not in row.result:
            continue
        again_at = datetime.fromisoformat(row.result[AGAIN_AT])
        due = [again_at + look for look in _LOOKS]
        view.look_again(next((at for at in due if at > view.now), None))
        if past := sum(at <= view.now for at in due):
            wanted[name] = f"{past}"
    return wanted


def look_for_twins(attempt: Attempt) -> Result:
    """Which ticket stays, the oldest, and which are its duplicates, those of earlier looks included."""
    case, of = attempt.case, attempt.instance
    ours = case.result(of)["key"]
    stays, *newer = attempt.tracker().find_tickets(_label(case, of), known=ours)
    known = [*attempt.before.result.get("duplicates", ()), *(one.key for one in newer)]
    duplicates = sorted({key for key in known if key != stays.key})
    return {
        "of": of,
        "key": stays.key,
        "url": stays.url,
        "id": stays.id,
        "title": stays.title,
        "duplicates": duplicates,
    }


def _label(case: Case, of: str) -> str:
    return label_of(case) if of == TICKET else f"{label_of(case)}-{of.partition('/')[2]}"


def keep_stays(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Let the oldest be the ticket from now on: what was done to the newer is to be done to this one."""
    before, key = case.result(made["of"]), made["key"]
    if key == before["key"]:
        return
    ticket = before | {name: made.get(name, "") for name in ("key", "url", "id", "title")}
    if made["of"] == TICKET:
        ticket["severity"] = ""  # it was opened with another's priority, perhaps
        done = [name for name in case.steps if name.partition("/")[0] in DONE_TO_A_TICKET]
        progress.undo(tx, case.id, done)
    progress.amend(tx, case.id, made["of"], result=ticket)
    text = phrase(
        "Jira showed {ticket} late: it stays, and {newer} is closed as its duplicate",
        ticket=key,
        newer=before["key"],
    )
    entry = Entry(kind=EntryKind.NOTE, at=now, text=text, key=f"duplicate:{before['key']}")
    timeline.note(tx, case.id, [entry], now=now)


def wants_closed(view: View) -> Mapping[str, str]:
    """Each duplicate closed as that of the ticket that stays."""
    if view.out.tracker is None:
        return NOTHING
    looks = (row.result for name, row in view.case.steps.items() if name.startswith("second look/"))
    return {key: made["key"] for made in looks for key in made.get("duplicates", ())}


def close_duplicate(attempt: Attempt) -> Result:
    """Link the two, say so on the newer, and move it to where it counts as done.

    One that Jira refuses keeps nothing of the rest from being done.
    """
    case, newer, stays = attempt.case, attempt.instance, attempt.before.wanted or ""
    tracker, refused = attempt.tracker(), list[GiveUp]()
    said = phrase(
        "Opened twice, since Jira's search did not show {stays} in time. Go on in {stays}.", stays=stays
    )
    marker = f"[duplicate {marker_of(case.id, case.declared_at).strip('[]')}]"
    # It is looked first each time, also where nothing is unknown: one of the three may be tried again alone.
    acts: tuple[Callable[[], None], ...] = (
        lambda: tracker.link(newer, stays, look_first=True, duplicates=True),
        lambda: tracker.comment(newer, (said,), marker=marker, look_first=True),
        lambda: tracker.move(newer, Standing.DONE),
    )
    for act in acts:
        try:
            act()
        except GiveUp as error:
            refused.append(error)
    if refused:
        raise refused[-1]
    return {}
