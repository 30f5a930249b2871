"""Forgotten incidents, and channels that are no longer needed: asked about once, then put away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.briefing import Answer, Nudge, Press
from multivac.errors import GiveUp
from multivac.incident import Entry, EntryKind, Status
from multivac.steps import people
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.channel import AWAY
from multivac.steps.directly import directly
from multivac.steps.nights import back_at_work
from multivac.steps.prompts import mentioned
from multivac.steps.whispers import tell
from multivac.steps.words import OPEN_AGAIN, channel_of, say
from multivac.store import acts, endings, incidents, members, sayings, timeline
from multivac.store.cases import Case, Result
from multivac.store.sayings import SayingKind
from multivac.tongue import lasting, phrase
from multivac.voice import IN_NEW_CHANNEL, family

_NEVER_STALE = 2  # sev1 and sev2
_GRACE = timedelta(days=1)  # between the question and closing it
_WARNED = timedelta(days=1)  # before the channel is archived
_STAMP = "%Y%m%dT%H%M%S"
_ASKED, _CLOSED = "asked", "closed"
_BACK = "back"


# --- nobody does anything -------------------------------------------------------------------------


def wants_stale(view: View) -> Mapping[str, str]:
    """To know whether people write in a channel in which nothing was done for long; a day later, again."""
    row = view.case.steps.get("stale")
    before = {"": row.done} if row is not None and row.done else NOTHING
    since, after = _idle_since(view.case), view.playbook.end.stale_after
    if not _can_be_stale(view) or not after:
        return before
    view.look_again(since + after)
    view.look_again(since + after + _GRACE)
    if view.now >= since + after + _GRACE and _was_asked(view):
        return {"": f"{_CLOSED} {since:{_STAMP}}"}
    return {"": f"{_ASKED} {since:{_STAMP}}"} if view.now >= since + after else before


def _can_be_stale(view: View) -> bool:
    case = view.case
    return view.out.hears and case.status.is_open and case.severity.rank > _NEVER_STALE


def _idle_since(case: Case) -> datetime:
    return max(case.acted_at or case.declared_at, case.declared_at)


def _was_asked(view: View) -> bool:
    """Whether the lead was asked about this very idleness, a day ago: who was asked late has a day, too."""
    row = view.case.steps.get(f"stale nudge/{_idle_since(view.case):{_STAMP}}")
    if row is None or row.done_at is None:
        return False
    view.look_again(row.done_at + _GRACE)
    return view.now >= row.done_at + _GRACE


def look_whether_people_write(attempt: Attempt) -> Result:
    """Ask the channel whether a human wrote in it since people last did something, and if the lead works."""
    case = attempt.case
    can_speak = case.channel_id is not None and case.shut_at is None
    spoke = can_speak and attempt.chat().people_spoke(channel_of(case), since=_idle_since(case))
    back = None if spoke else back_at_work(attempt, case.lead)
    return {
        "spoke": spoke,
        "what": attempt.before.wanted,
        "lead": case.lead.key if case.lead is not None else None,
        "back_at": back.isoformat() if back is not None else None,
    }


def keep_stale(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Count writing as doing; close what nobody has touched although it was asked about."""
    if made["spoke"]:
        incidents.person_acted(tx, case.id, at=now)
        return
    is_idle = endings.acted_at(tx, case.id) == case.acted_at
    if not str(made["what"]).startswith(_CLOSED) or not is_idle:
        return
    incidents.set_status(tx, case.id, Status.RESOLVED, now=now)
    if not incidents.set_status(tx, case.id, Status.CLOSED, now=now):
        return
    quiet = lasting(now - _idle_since(case))
    text = phrase(
        "Closed by rule: nobody has done anything for {time}. `/incident reopen` brings it back.", time=quiet
    )
    moved = acts.Moved(key=f"stale:{now}", verb="status", before=case.status, after=Status.CLOSED)
    acts.leave_trail_of(tx, case.id, moved, at=now)
    more = {"what": "status", "before": case.status, "after": Status.CLOSED}
    sayings.add(tx, case.id, kind=SayingKind.CHANGE, text=text, by="", at=now, more=more)
    entry = Entry(kind=EntryKind.STATUS, at=now, text=text, key=f"stale:{case.acted_at}")
    timeline.note(tx, case.id, [entry], now=now)


def wants_stale_nudges(view: View) -> Mapping[str, str]:
    """The lead asked once about each idleness."""
    if view.out.chat is None or not _can_be_stale(view):
        return NOTHING
    since = f"{_idle_since(view.case):{_STAMP}}"
    row = view.case.steps.get("stale")
    is_idle = (
        row is not None and row.done is not None and row.done.endswith(since) and not row.result["spoke"]
    )
    return {since: "1"} if is_idle and not _lead_is_away(view) else NOTHING


def _lead_is_away(view: View) -> bool:
    """Whether whoever is to be asked was found to be off work, and still is."""
    found, lead = view.case.result("stale"), view.case.lead
    if not found.get("back_at") or lead is None or lead.key != found["lead"]:
        return False
    back_at = datetime.fromisoformat(found["back_at"])
    view.look_again(back_at)
    return view.now < back_at


def nudge_lead(attempt: Attempt) -> Result:
    """Mention the lead, if there is one; tell them directly where nobody can write in the channel."""
    case, about = attempt.case, f"INC-{attempt.case.id}"
    presses = (
        Press(label=phrase("Resolve"), line=f"{about} resolve", stands_out=True),
        Press(label=phrase("Write update"), line=f"{about} update"),
    )
    if case.shut_at is not None:
        return _nudge_directly(attempt, presses)
    text = phrase(
        "nothing has happened here for {time}. Is it over? In a day it closes by itself.",
        time=lasting(case.playbook.end.stale_after),
    )
    nudge = Nudge(
        who=mentioned(attempt, case.lead) if case.lead is not None else None,
        text=text,
        presses=presses,
    )
    return say(attempt, channel_of(case), nudge)


def _nudge_directly(attempt: Attempt, presses: tuple[Press, ...]) -> Result:
    case = attempt.case
    lead = people.chat_id(case, case.lead) if case.lead is not None else None
    if lead is None:
        return {}  # those who run Multivac were told that the channel is shut
    text = phrase(
        "Nothing has happened in {incident} for {time}. Is it over? In a day it closes by itself.",
        incident=f"INC-{case.id}",
        time=lasting(case.playbook.end.stale_after),
    )
    return tell(attempt, lead, lambda: directly(case, Answer(lines=(text,), presses=presses)))


# --- the channel is put away ----------------------------------------------------------------------


def _archive_due(view: View) -> datetime | None:
    """When the channel is to be archived; None while it is needed."""
    case = view.case
    if case.status not in {Status.CLOSED, Status.DISMISSED} or not view.out.hears:
        return None
    if case.archive_at is not None and case.archive_at >= case.status_at:
        return case.archive_at
    return case.status_at + view.playbook.end.archive_after


def wants_archive_warning(view: View) -> Mapping[str, str]:
    """One warning, a day before."""
    due, case = _archive_due(view), view.case
    if due is None or view.out.chat is None or case.channel_id is None:
        return NOTHING
    warn = due - _WARNED
    view.look_again(warn)
    return {f"{due:{_STAMP}}": "1"} if warn >= case.status_at and warn <= view.now < due else _warned(case)


def _warned(case: Case) -> Mapping[str, str]:
    names = (name for name, row in case.steps.items() if name.startswith("archive warning/") and row.was_done)
    return {name.partition("/")[2]: "1" for name in names}


def warn_of_archive(attempt: Attempt) -> Result:
    """Say when, and what to do about it."""
    nudge = Nudge(
        who=None,
        text=phrase(
            "This channel is archived tomorrow, and can be read then too. If it is not over, reopen it."
        ),
        presses=(
            Press(
                label=phrase("Reopen"),
                line=f"INC-{attempt.case.id} reopen",
                confirm=phrase(OPEN_AGAIN),
            ),
        ),
    )
    return say(attempt, channel_of(attempt.case), nudge)


def wants_archived(view: View) -> Mapping[str, str]:
    """The channel archived when its time has come, and opened again when the incident is."""
    case, due = view.case, _archive_due(view)
    row = case.steps.get("archived")
    if view.out.chat is None or case.channel_id is None:
        return NOTHING
    view.look_again(due)
    if due is not None and view.now >= due:
        return {"": AWAY}
    was_away = row is not None and (row.was_done or row.wanted is not None)
    return {"": _BACK} if was_away or _was_put_away_by_hand(case) else NOTHING


def _was_put_away_by_hand(case: Case) -> bool:
    """Whether somebody archived the channel while it was over, and it is not any more."""
    is_by_hand = case.shut_at is not None and case.shut_how.startswith(members.ARCHIVED)
    return is_by_hand and case.status.is_open and case.status_at > (case.shut_at or case.status_at)


def put_channel_away(attempt: Attempt) -> Result:
    """Archive it, or take it out again, which Slack may not let us; what stands so already is fine."""
    chat, channel = attempt.chat(), channel_of(attempt.case)
    if attempt.before.wanted == AWAY:
        chat.archive(channel)
        return {}
    try:
        chat.unarchive(channel)
    except GiveUp as no:
        return {"stays_shut": no.why}
    return {"stays_shut": None}


def keep_archived(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Invite whoever was in it again; where it stays shut, the incident goes on in a new channel."""
    if "stays_shut" not in made or not (case.steps["archived"].was_done or case.shut_at):
        return  # it never was archived
    members.all_out(tx, case.id, at=now)
    if made["stays_shut"] is None:
        return
    endings.leave_channel(tx, case, steps=[name for name in case.steps if family(name) in IN_NEW_CHANNEL])
    text = phrase("#{channel} stays archived: it goes on in a new channel", channel=case.channel_name)
    left = Entry(kind=EntryKind.NOTE, at=now, text=text, key=f"left:{case.channel_id}")
    timeline.note(tx, case.id, [left], now=now)
