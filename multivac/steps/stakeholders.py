"""Stakeholders who asked for it are told directly of each update, of the end, and if it was not the end.

None of it can be read back, so it is said once at most: after a lost answer it counts as said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from multivac.briefing import Answer, ChangeLine, Message, Press
from multivac.errors import GiveUp
from multivac.incident import Status
from multivac.ports import Marker, Posted
from multivac.steps import customers, news
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.directly import directly
from multivac.steps.updates import HIDDEN_TEXT, drawn
from multivac.steps.whispers import done_rows, language_of
from multivac.store import stakeholders
from multivac.store.cases import Case, Result
from multivac.store.sayings import Saying, SayingKind
from multivac.store.updates import Place, goes_to
from multivac.tongue import phrase, speaking

STEP = "stakeholder told"
_BY_ITSELF = "over "  # and when: its alerts ended it, and nobody said so
_HIDDEN = "hidden"


def wants_told(view: View) -> Mapping[str, str]:
    """For each of them the oldest news that they have not been told, one after the other.

    Of what became private nothing more is told, and what was told says so.
    """
    case = view.case
    if view.out.chat is None or not view.out.hears:
        return NOTHING
    done = {who: str(row.done) for who, row in done_rows(case, STEP)}
    if view.playbook.channel.private:
        return dict.fromkeys(done, _HIDDEN)
    untold = {who: _untold(case, who, since) for who, since in stakeholders.told(case).items()}
    return done | {who: key for who, key in untold.items() if key is not None}


def _untold(case: Case, who: str, since: Saying) -> str | None:
    told = case.result(f"{STEP}/{who}").get("told", {})
    return next((key for key in _news(case, since) if key not in told), None)


def _news(case: Case, since: Saying) -> Iterator[str]:
    """What there was to tell since they asked for it, in order."""
    yield from (str(one.id) for one in case.sayings if one.id > since.id and _is_news(one))
    if not case.status.is_open and news.last_end(case) is None and case.status_at >= since.at:
        yield f"{_BY_ITSELF}{case.status_at:%Y%m%dT%H%M%S}"


def _is_news(said: Saying) -> bool:
    """Whether it is for stakeholders: to close what is resolved is none."""
    if said.kind is not SayingKind.CHANGE:
        return said.kind is SayingKind.UPDATE and goes_to(said, Place.ANNOUNCEMENT)
    return (news.is_end(said) and said.more.get("before") != Status.RESOLVED) or news.is_back(said)


def tell(attempt: Attempt) -> Result:
    """Tell one stakeholder one thing, or take back in the same place what they were told."""
    who, key = attempt.instance, str(attempt.before.wanted)
    told: Mapping[str, Any] = attempt.before.result.get("told", {})
    with speaking(language_of(attempt, who)):
        if key == _HIDDEN:
            _hide(attempt, filter(None, told.values()))
            return {"told": told}
        # Said perhaps, and nobody can look.
        posted = None if attempt.unknown else _post(attempt, _message(attempt.case, key))
    return {"told": {**told, key: posted and [posted.channel, posted.message]}}


def _post(attempt: Attempt, message: Message) -> Posted | None:
    try:
        return attempt.chat().post(attempt.instance, message, _marker(attempt))
    except GiveUp as no:
        if no.operators:
            raise
        return None  # they take no messages


def _hide(attempt: Attempt, told: Iterable[Sequence[str]]) -> None:
    line = ChangeLine(text=phrase(HIDDEN_TEXT, number=attempt.case.id))
    for channel, message in told:
        attempt.chat().edit(Posted(channel, message), line, _marker(attempt))


def _marker(attempt: Attempt) -> Marker:
    return Marker(incident=attempt.case.id, kind=STEP)


def _message(case: Case, key: str) -> Message:
    title, stop = f"INC-{case.id} · {case.title}", to_stop(case.id)
    said = next((one for one in case.sayings if str(one.id) == key), None)
    if said is None:
        over = phrase("It is over: its alerts ended, and nobody had to do anything.")
        return directly(case, Answer(title=title, lines=(over,)))
    if said.kind is SayingKind.UPDATE:
        return replace(drawn(said, number=case.id), title=case.title, presses=(stop,))
    presses = () if news.is_end(said) else (stop,)
    lines = tuple(filter(None, (said.text, customers.told(said))))
    return directly(case, Answer(title=title, lines=lines, presses=presses))


def to_stop(number: int) -> Press:
    """The button by which somebody is told no more."""
    return Press(label=phrase("Unsubscribe"), line=f"INC-{number} unsubscribe")


def to_begin(number: int) -> Press:
    """The button by which a stakeholder is told from now on."""
    return Press(label=phrase("Subscribe"), line=f"INC-{number} subscribe")
