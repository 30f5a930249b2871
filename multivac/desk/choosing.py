"""Which incident is meant where none was named, and this is none's channel: the only one it can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from multivac.briefing import Answer, Files, Form, Press
from multivac.desk.asking import Reply, Sitting
from multivac.desk.looking import may_see_row, own_among, to_declare
from multivac.incident import OPEN, IncidentId, Status
from multivac.store import acts
from multivac.store.acts import Row
from multivac.tongue import mark, phrase

_OFFERED = 5
_LONGEST_QUOTE = 1000  # of a message, in a button
_NONE_OF_THESE = {
    "close": mark("No incident is resolved, so there is none to close."),
    "reopen": mark("No incident has ended, so there is none to reopen."),
    "archive": mark("No incident is closed or dismissed, so there is no channel to archive."),
}
_OF_WHAT_HAS_ENDED: Mapping[str, frozenset[Status]] = {
    "close": frozenset({Status.RESOLVED}),
    "reopen": frozenset(Status) - OPEN,
    "archive": frozenset({Status.CLOSED, Status.DISMISSED}),
}


def chosen(sitting: Sitting) -> IncidentId | Answer:
    """The only open incident that the person has to do with; where there is no such, the question which."""
    ended = _OF_WHAT_HAS_ENDED.get(sitting.verb.name)
    with sitting.house.out.database.read() as tx:
        rows = [row for row in acts.listed(tx, ended=ended is not None) if may_see_row(tx, sitting, row)]
        own = own_among(tx, sitting, rows)
    if ended is not None:
        return _which(sitting, [row for row in rows if row.status in ended])
    if sitting.verb.name == "join":
        return _which(sitting, [row for row in rows if row.number not in own or not own[row.number].is_here])
    mine = [row for row in rows if row.number in own]
    return mine[0].number if len(mine) == 1 else _which(sitting, mine or rows)


def about(sitting: Sitting, reply: Reply) -> Reply:
    """The reply to a request for which the incident was chosen here, and which that is."""
    with sitting.house.out.database.read() as tx:
        row = acts.row_of(tx, sitting.incident)
    told = phrase(
        "This is about INC-{number} {title}, the only open one that you have to do with.",
        number=row.number,
        title=row.title,
    )
    match reply:
        case Answer():
            return replace(reply, lines=(*reply.lines, told))
        case Form():
            return replace(reply, intro=(told, *reply.intro))
        case Files():
            return replace(reply, said=f"{reply.said} {told}")
        case None:
            return Answer(lines=(told,))


def _which(sitting: Sitting, rows: Iterable[Row]) -> Answer:
    offered = list(rows)[:_OFFERED]
    verb = sitting.verb.name
    if not offered and verb in _OF_WHAT_HAS_ENDED:
        return Answer(lines=(phrase(_NONE_OF_THESE[verb]),))
    if not offered:
        told = phrase(
            "No incident is open. If you mean one that has ended, name it: `/incident INC-42 {verb}`.",
            verb=verb,
        )
        return Answer(lines=(told,), presses=(to_declare(),))
    said = _said(sitting)
    presses = tuple(
        Press(label=f"INC-{row.number} {row.title}", line=f"INC-{row.number} {said}") for row in offered
    )
    told = phrase("Which incident do you mean?")
    if sitting.ask.via != "message":
        told = phrase("This is no incident's channel. Which one do you mean?")
    return Answer(lines=(told,), presses=presses)


def _said(sitting: Sitting) -> str:
    """The line as it is said again, with the words of the message that it is about."""
    said = sitting.ask.line.strip() or sitting.verb.name
    return f"{said} {' '.join(sitting.ask.quoted.split())[:_LONGEST_QUOTE]}".strip()
