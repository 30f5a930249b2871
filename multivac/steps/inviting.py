"""Bringing people into the channel, with one notification; whoever has left is not brought back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from multivac.briefing import fingerprint
from multivac.incident import Entry, EntryKind, Person
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.people import by_rule, chat_id, invitees, is_asked_first
from multivac.store import members, timeline
from multivac.store import people as directory
from multivac.store.cases import Case, Result
from multivac.tongue import mark, phrase, plural

_INVITED, _JOINED = mark("Invited {names}"), mark("Joined: {names}")


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
