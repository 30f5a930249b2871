"""Whoever was given a role or a task by somebody else is told so directly, once; edited as it goes on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta

from multivac.briefing import Answer, Press, TaskLine, fingerprint
from multivac.incident import CX_LEAD, DEPUTY, SCRIBE, TaskState, role_name, status_name
from multivac.steps import people
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.checklists import every_task
from multivac.steps.directly import directly
from multivac.steps.whispers import asks_severity_of, tell
from multivac.store import gifts, preferences
from multivac.store.cases import Case, Result
from multivac.store.gifts import ROLE, Gift
from multivac.store.preferences import Unasked
from multivac.tongue import mark, phrase

_KNOWN_FOR = timedelta(days=30)  # whoever had the role within it knows what it is
_MOST_PRESSES = 5
_GUIDES = {
    DEPUTY: mark("You support the lead: keep the overview, chase open tasks, decide while they cannot."),
    SCRIBE: mark("You write down what is found, decided and done: `/incident note`, or pin the message."),
    CX_LEAD: mark("You speak for customers: say how bad it is for them, and see that they are told."),
}
_LEFT = {TaskState.DONE: mark("Done: {task}"), TaskState.SKIPPED: mark("Skipped: {task}")}


def wants_given(view: View) -> Mapping[str, str]:
    """One message for all that a person was given within a minute; none of what is not theirs any more."""
    case = view.case
    if view.out.chat is None or not view.out.hears:
        return NOTHING
    marks = {str(group[0].id): _mark(case, group) for group in gifts.together(case)}
    return {name: drawn for name, drawn in marks.items() if drawn is not None}


def _mark(case: Case, group: Sequence[Gift]) -> str | None:
    row = case.steps.get(f"given/{group[0].id}")
    if row is not None and row.was_done:
        return fingerprint(_draw(case, group)) if "message" in row.result else row.done
    whom = people.chat_id(case, group[0].to)
    is_news = whom is not None and any(_is_theirs(case, one, whom) for one in group)
    return fingerprint(_draw(case, group)) if is_news else None


def _is_theirs(case: Case, gift: Gift, whom: str) -> bool:
    """Whether it is still theirs, and nothing else tells them so."""
    if gift.what != ROLE:
        line = every_task(case).get(gift.key)
        return line is not None and line.state is TaskState.OPEN and _is_owned(case, gift)
    is_asked = gift.key == CX_LEAD and asks_severity_of(case, whom, since=gift.at)
    return _is_held(case, gift) and not is_asked


def _is_held(case: Case, gift: Gift) -> bool:
    held = case.roles.get(gift.key)
    return held is not None and held.person.key == gift.to.key


def _is_owned(case: Case, gift: Gift) -> bool:
    row = case.tasks.get(gift.key)
    return row is not None and row.owner is not None and row.owner.key == gift.to.key


# --- what they read -------------------------------------------------------------------------------


def _draw(case: Case, group: Sequence[Gift], *, guided: Collection[str] = ()) -> Answer:
    """What they were given as it stands now; `guided` are the roles that they are to be told about."""
    lines = [line for one in group for line in _lines(case, one, guided)]
    stands = f"{case.severity.upper()} · {status_name(case.status)}"  # it may reach them before a briefing
    said = Answer(
        title=f"INC-{case.id} · {case.title}",
        lines=(stands, *dict.fromkeys(lines)),
        presses=tuple(_presses(case, group)) if case.status.is_open else (),
    )
    return directly(case, said)


def _lines(case: Case, gift: Gift, guided: Collection[str]) -> Iterator[str]:
    if gift.what != ROLE:
        yield _of_task(case, gift, every_task(case).get(gift.key))
    elif not _is_held(case, gift):
        yield phrase("You are not the {role} any more.", role=role_name(gift.key))
    else:
        yield phrase("{name} made you the {role}.", name=gift.by, role=role_name(gift.key))
        if gift.key in guided:
            yield phrase(_GUIDES[gift.key])


def _of_task(case: Case, gift: Gift, line: TaskLine | None) -> str:
    if line is None:
        return phrase("It is no task any more: {task}", task=gift.text)
    if line.state is not TaskState.OPEN:
        return phrase(_LEFT[line.state], task=line.text)
    if not _is_owned(case, gift):
        return phrase("It is not your task any more: {task}", task=line.text)
    return phrase("{name} gave you a task: {task}", name=gift.by, task=line.text)


def _presses(case: Case, group: Sequence[Gift]) -> Iterator[Press]:
    every = every_task(case)
    keys = dict.fromkeys(one.key for one in group if one.what != ROLE and _is_owned(case, one))
    still = [key for key in keys if key in every and every[key].state is TaskState.OPEN]
    for key in still[:_MOST_PRESSES]:
        label = phrase("Done") if len(still) == 1 else phrase("Done: {task}", task=every[key].text)
        yield Press(label=label, line=f"INC-{case.id} task done {key}")


def tell_given(attempt: Attempt) -> Result:
    """Tell them by a direct message, with what the role is unless they had it lately; or edit it."""
    case = attempt.case
    group = next(one for one in gifts.together(case) if str(one[0].id) == attempt.instance)
    guided = {**_guided(attempt, group), **attempt.before.result.get("guided", {})}
    shown = [role for role, needs in guided.items() if needs]
    whom = people.chat_id(case, group[0].to) or ""
    return tell(attempt, whom, lambda: _draw(case, group, guided=shown)) | {"guided": guided}


def _guided(attempt: Attempt, group: Sequence[Gift]) -> Mapping[str, bool]:
    """Of each role, whether they are to be told what it is."""
    since, number = attempt.now - _KNOWN_FOR, attempt.case.id
    names = {one.key for one in group if one.what == ROLE and one.key in _GUIDES}
    whom = people.chat_id(attempt.case, group[0].to) or ""
    with attempt.out.database.read() as tx:
        if Unasked.GUIDES in preferences.of(tx, whom).without:
            return dict.fromkeys(sorted(names), False)
        return {
            name: not gifts.had_role(tx, name, group[0].to, since=since, but=number) for name in sorted(names)
        }
