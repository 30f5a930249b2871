"""The direct messages of an approval: the question to the lead, edited once answered, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from multivac.briefing import Answer, Press, clock_time, fingerprint
from multivac.errors import sure
from multivac.incident import Severity, status_name
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.directly import directly
from multivac.steps.whispers import tell
from multivac.store import requests
from multivac.store.cases import Case, Result
from multivac.store.requests import Answered, Request
from multivac.tongue import mark, phrase

_IN_SHORT = 150  # of what is asked for, where a button asks once more
_ASKS = {
    "resolve": mark("{name} asks to resolve INC-{number}."),
    "close": mark("{name} asks to close INC-{number}."),
    "dismiss": mark("{name} asks to dismiss INC-{number}."),
    "merge": mark("{name} asks to merge INC-{number} into another."),
    "severity": mark("{name} asks to lower the severity of INC-{number}."),
    "quiet": mark("{name} asks for quiet in INC-{number}."),
    "private": mark("{name} asks to make INC-{number} private."),
    "handover": mark("{name} asks to hand over the lead of INC-{number}."),
    "lead": mark("{name} asks to hand over the lead of INC-{number}."),
}
_ASKS_ELSE = mark("{name} asks you to approve something in INC-{number}.")
_ASKED = {
    "resolve": mark("You asked to resolve INC-{number}."),
    "close": mark("You asked to close INC-{number}."),
    "dismiss": mark("You asked to dismiss INC-{number}."),
    "merge": mark("You asked to merge INC-{number} into another."),
    "severity": mark("You asked to lower the severity of INC-{number}."),
    "quiet": mark("You asked for quiet in INC-{number}."),
    "private": mark("You asked to make INC-{number} private."),
    "handover": mark("You asked to hand over the lead of INC-{number}."),
    "lead": mark("You asked to hand over the lead of INC-{number}."),
}
_ASKED_ELSE = mark("You asked for something in INC-{number}.")
_TO_LEAD = {
    Answered.APPROVED: mark("Approved by {name} at {time}."),
    Answered.DECLINED: mark("Declined by {name} at {time}."),
    Answered.TOO_LATE: mark("Nothing was changed: it could not be done any more at {time}."),
}
_TO_ASKER = {
    Answered.APPROVED: mark("{name} approved it: it is done."),
    Answered.DECLINED: mark("{name} declined it."),
    Answered.TOO_LATE: mark("It could not be done any more."),
}
_WITH_REASON = {
    Answered.DECLINED: mark("{name} declined it: {why}"),
    Answered.TOO_LATE: mark("It could not be done any more: {why}"),
}


def wants_asked(view: View) -> Mapping[str, str]:
    """Each request put to the lead once, and the question edited once it needs no answer."""
    if view.out.chat is None or not view.out.hears:
        return NOTHING
    case, known = view.case, requests.of(view.case)
    return {str(one.id): _mark(case, one) for one in known.values()}


def _mark(case: Case, asked: Request) -> str:
    row = case.steps.get(f"approval/{asked.id}")
    if row is not None and row.was_done and "message" not in row.result:
        return str(row.done)  # said perhaps, and nobody can look
    return fingerprint(_question(case, asked))


def title_of(case: Case, asked: Request) -> str:
    """The sentence that says who asks for what."""
    return phrase(_ASKS.get(asked.verb, _ASKS_ELSE), name=asked.by, number=case.id)


def wished(asked: Request) -> str:
    """What they wrote to it: without the verb where `title_of` says it, and a severity as it is shown."""
    if asked.verb not in _ASKS:
        return f"{asked.verb} {asked.reason}".strip()
    if asked.verb != "severity":
        return asked.reason
    first, _, why = asked.reason.partition(" ")
    goes = f"sev{first.lower().removeprefix('sev')}"
    return " · ".join(filter(None, (goes.upper(), why))) if goes in set(Severity) else asked.reason


def _question(case: Case, asked: Request) -> Answer:
    return directly(case, _asks(case, asked))


def _asks(case: Case, asked: Request) -> Answer:
    title, said = title_of(case, asked), list(filter(None, [wished(asked)]))
    if asked.answered is not None and asked.answered_at is not None:
        time = clock_time(asked.answered_at)
        answer = phrase(_TO_LEAD[asked.answered], name=asked.answered_by, time=time)
        return Answer(title=title, lines=(*said, answer))
    status = status_name(case.status)
    if not case.status.is_open and asked.verb not in requests.AFTERWARDS:
        over = phrase("INC-{number} is {status}: nothing is left to approve.", number=case.id, status=status)
        return Answer(title=title, lines=(*said, over))
    about = f"INC-{case.id}"
    return Answer(
        title=title,
        lines=(*said, f"{case.severity.upper()} · {status} · {case.title}"),
        presses=(
            Press(
                label=phrase("Approve"),
                line=f"{about} approve {asked.id}",
                confirm=_asked_once_more(title, wished(asked)),
                stands_out=True,
            ),
            Press(label=phrase("Decline"), line=f"{about} decline {asked.id}"),
        ),
    )


def _asked_once_more(title: str, said: str) -> str:
    """What is approved, and that it is then done; in short, since a chat shows only the beginning."""
    sure_of = mark("{asks} “{said}” If you approve, it is done in your name.")
    return phrase(
        sure_of if said else mark("{asks} If you approve, it is done in your name."),
        asks=title,
        said=said[:_IN_SHORT],
    )


def ask_lead(attempt: Attempt) -> Result:
    """Ask by a direct message, or edit it."""
    asked = requests.of(attempt.case)[int(attempt.instance)]
    return tell(attempt, asked.lead_chat, partial(_question, attempt.case, asked))


def wants_answered(view: View) -> Mapping[str, str]:
    """Whoever asked told once what became of it."""
    if view.out.chat is None or not view.out.hears:
        return NOTHING
    return {str(one.id): "1" for one in requests.of(view.case).values() if one.answered is not None}


def tell_asker(attempt: Attempt) -> Result:
    """Tell them by a direct message."""
    asked = requests.of(attempt.case)[int(attempt.instance)]
    return tell(attempt, asked.by_chat, partial(_answer, attempt.case, asked))


def _answer(case: Case, asked: Request) -> Answer:
    title = phrase(_ASKED.get(asked.verb, _ASKED_ELSE), number=case.id)
    said = (_WITH_REASON if asked.why else _TO_ASKER)[sure(asked.answered)]
    told = phrase(said, name=asked.answered_by, why=asked.why)
    return directly(case, Answer(title=title, lines=tuple(filter(None, (asked.reason, told)))))
