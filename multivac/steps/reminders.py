"""Reminders: posted when due, edited as nobody answers, put to one more person, and then left alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from multivac.briefing import Press, Reminding, Who, clock_time, fingerprint
from multivac.incident import Person
from multivac.steps import people
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.nights import back_at_work
from multivac.steps.words import channel_of, say
from multivac.store.cases import Case, Result
from multivac.store.reminders import Reminder
from multivac.tongue import mark, phrase
from multivac.voice import NEVER_WAITS, OFF_WORK

FAMILY, AGAIN = "reminder", "asked again"
_LATE = timedelta(minutes=3)  # later than that, nobody was there to post it in time
_LOOKS_FOR = timedelta(minutes=10)  # whether people are off work
_OVER = "over"
_POSTED, _ASKED_AGAIN, _LEFT = 1, 2, 3
_ANSWERED = {  # by the word in the rows
    "Done": mark("Done by {name} at {time}."),
    "Snoozed": mark("Snoozed by {name} at {time}."),
    "Cancelled": mark("Cancelled by {name} at {time}."),
}
_ENDED = {"done": mark("Done."), "cancelled": mark("Cancelled.")}


def wants_reminders(view: View) -> Mapping[str, str]:
    """One message for each reminder that is due, as it stands, and what was posted before closed."""
    if not view.out.hears:
        return NOTHING
    wanted = dict(_closed(view, FAMILY))
    for one in _live(view):
        if not _must_look(view, FAMILY, one):
            wanted[_name(one)] = fingerprint(_draw(view, one))
    return wanted


def wants_asking(view: View) -> Mapping[str, str]:
    """One more message that mentions somebody, once for each round that nobody answers."""
    if not view.out.hears:
        return NOTHING
    wanted = dict(_closed(view, AGAIN))
    for one in _live(view):
        if _asks_again(view, one) and not _must_look(view, AGAIN, one):
            wanted[_name(one)] = "1"
    return wanted


def _asks_again(view: View, one: Reminder) -> bool:
    return _stage(view, one) >= _ASKED_AGAIN and _next_asked(one) is not None


# --- while people are off work --------------------------------------------------------------------


def wants_looks(view: View) -> Mapping[str, str]:
    """A look at whoever is to be reminded of another's wish, where it is not bad: they may be off work."""
    if not view.out.hears or view.case.severity.rank <= NEVER_WAITS:
        return NOTHING
    due = [(FAMILY, one) for one in _live(view)]
    due += [(AGAIN, one) for one in _live(view) if _asks_again(view, one)]
    return {f"{family}/{_name(one)}": "1" for family, one in due if _is_for_another(family, one)}


def _is_for_another(family: str, one: Reminder) -> bool:
    whom = _asked(family, one)
    return whom is not None and whom.key != one.by.key


def _asked(family: str, one: Reminder) -> Person | None:
    return one.whom if family == FAMILY else _next_asked(one)


def _must_look(view: View, family: str, one: Reminder) -> bool:
    """Whether nobody has looked yet; a look that cannot be had holds nothing up for long."""
    name = f"{family}/{_name(one)}"
    if name in view.case.steps or name not in wants_looks(view) or view.now >= one.due_at + _LOOKS_FOR:
        return False
    view.look_again(one.due_at + _LOOKS_FOR)
    row = view.case.steps.get(f"{OFF_WORK}/{name}")
    return row is None or not (row.was_done or row.gave_up)


def look_whether_at_work(attempt: Attempt) -> Result:
    """Find out when whoever is asked is at work again, if they are not."""
    family, number, _ = attempt.instance.split("/")
    one = attempt.case.reminders[int(number)]
    back = back_at_work(attempt, _asked(family, one))
    return {"back_at": back.isoformat()} if back is not None else {}


# --- which are due --------------------------------------------------------------------------------


def _live(view: View) -> Iterator[Reminder]:
    """The newest round of each reminder that is due, and when others will be."""
    if not view.case.status.is_open:
        return
    for kept in view.case.reminders.values():
        one = kept.current(view.now)
        if one.is_over(view.now):
            continue
        view.look_again(one.due_at)
        view.look_again(one.until_at)
        if one.due_at <= view.now:
            view.look_again(one.due_at + one.every if one.every else None)
            yield one


def _closed(view: View, family: str) -> Iterator[tuple[str, str]]:
    """What was posted of rounds that are over, redrawn a last time."""
    live = {_name(one) for one in _live(view)}
    for name, row in view.case.steps.items():
        instance = name.partition("/")[2]
        if name.startswith(f"{family}/") and row.was_done and instance not in live:
            yield instance, _OVER


def _name(one: Reminder) -> str:
    return f"{one.number}/{one.round}"


def _stage(view: View, one: Reminder) -> int:
    """How often it has asked in vain: counted from its posting, which may have been late."""
    asked_at = _asked_at(view.case, one)
    if asked_at is None:
        return _POSTED
    for stage in (_LEFT, _ASKED_AGAIN):
        at = asked_at + (stage - 1) * one.after
        view.look_again(at)
        if view.now >= at:
            return stage
    return _POSTED


def _asked_at(case: Case, one: Reminder) -> datetime | None:
    said = case.result(f"{FAMILY}/{_name(one)}").get("asked_at")
    return datetime.fromisoformat(said) if said else None


def _next_asked(one: Reminder) -> Person | None:
    return one.escalate_to or one.whom


# --- what is said ---------------------------------------------------------------------------------


def _draw(view: View, one: Reminder) -> Reminding:
    case, stage = view.case, _stage(view, one)
    asked_at = _asked_at(case, one) or view.now
    told = []
    if one.whom is None or one.by.key != one.whom.key:
        told.append(phrase("{name} asked for this.", name=one.by.name))
    if asked_at - one.due_at > _LATE:
        told.append(phrase("It was due {time}.", time=clock_time(one.due_at)))
    if stage >= _ASKED_AGAIN:
        told.append(_no_answer(clock_time(asked_at), one.escalate_to))
    if stage >= _LEFT:
        told.append(phrase("I ask nobody else."))
    return Reminding(text=one.text, whom=_who(case, one.whom), told=tuple(told), presses=_presses(case, one))


def _no_answer(since: str, other: Person | None) -> str:
    if other is None:
        return phrase("No answer since {time}.", time=since)
    return phrase("No answer since {time}: {name} is asked.", time=since, name=other.name)


def _who(case: Case, person: Person | None) -> Who | None:
    if person is None:
        return None
    return Who(name=person.name, chat_id=person.slack or people.chat_id(case, person))


def _presses(case: Case, one: Reminder) -> tuple[Press, ...]:
    said = f"INC-{case.id} reminders"
    return (
        Press(label=phrase("Done"), line=f"{said} done {_name(one)}", stands_out=True),
        Press(label=phrase("Snooze 15m"), line=f"{said} snooze {_name(one)} 15m"),
    )


def _draw_again(case: Case, one: Reminder) -> Reminding:
    asked = one.whom.name if one.whom and one.escalate_to else ""
    told = phrase("Nobody has answered yet.")
    if asked:
        told = phrase("{name} has not answered.", name=asked)
    return Reminding(
        text=one.text, whom=_who(case, _next_asked(one)), told=(told,), presses=_presses(case, one)
    )


def _draw_closed(one: Reminder, number: int, *, at_end: bool) -> Reminding:
    if one.answered == number and one.answered_at is not None:
        told = _answered(one, clock_time(one.answered_at))
    elif at_end:
        told = phrase("The incident has ended.")
    else:
        told = phrase(_ENDED[one.ended]) if one.ended in _ENDED else phrase("Nobody answered.")
    return Reminding(text=one.text, whom=None, told=(told,))


def _answered(one: Reminder, time: str) -> str:
    told = _ANSWERED.get(one.answer or "", mark("{answer} by {name} at {time}."))
    return phrase(told, answer=one.answer, name=one.answered_by, time=time)


def post(attempt: Attempt) -> Result:
    """Post or redraw it."""
    case = attempt.case
    number, round_ = map(int, attempt.instance.split("/"))
    kept = case.reminders[number]
    channel, before = channel_of(case), attempt.before
    one = kept.current(attempt.now)
    if before.wanted == _OVER or one.round != round_:
        closed = _draw_closed(kept, round_, at_end=not case.status.is_open)
        return before.result | say(attempt, channel, closed)
    view = View(case=case, now=attempt.now, out=attempt.out)
    drawn = _draw_again(case, one) if attempt.name.startswith(AGAIN) else _draw(view, one)
    asked_at = before.result.get("asked_at") or attempt.now.astimezone(UTC).isoformat()
    return say(attempt, channel, drawn) | {"asked_at": asked_at}
