"""Reminders: posted when due, edited as nobody answers, put to one person once more, then left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from multivac.briefing import Press, Reminding, Who, clock_time, fingerprint
from multivac.incident import Group, Person, Severity
from multivac.steps import people
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.cadence import next_update_due
from multivac.steps.nights import back_at_work
from multivac.steps.words import channel_of, say, say_in_thread
from multivac.store import acts
from multivac.store.cases import Case, Result
from multivac.store.reminders import Reminder
from multivac.tongue import mark, phrase
from multivac.voice import OFF_WORK

FAMILY, AGAIN, PAGED = "reminder", "asked again", "unanswered"
ALREADY = "paged already"  # in the result of the last
PASSED = "Passed on"
_LATE = timedelta(minutes=3)  # later than that, nobody was there to post it in time
_LOOKS_FOR = timedelta(minutes=10)  # whether people are off work
_AT_IT_FOR = timedelta(hours=1)  # after what they did last in the incident, whatever the hour
_OVER = "over"
_POSTED, _ASKED_AGAIN, _LEFT = 1, 2, 3
_MOST_ROUNDS = 3  # that nobody answers, of one that comes again
_ANSWERED = {  # by the word in the rows
    "Done": mark("Done by {name} at {time}."),
    "Snoozed": mark("Snoozed by {name} at {time}."),
    "Cancelled": mark("Cancelled by {name} at {time}."),
    PASSED: mark("Passed on to {whom} by {name} at {time}."),
}
_ENDED = {"done": mark("Done."), "cancelled": mark("Cancelled.")}


def wants_reminders(view: View) -> Mapping[str, str]:
    """One message for each reminder that is due, as it stands, and what was posted before closed."""
    if not view.out.hears:
        return NOTHING
    wanted = dict(_closed(view, FAMILY))
    for one in live(view):
        if not _must_look(view, FAMILY, one):
            wanted[name_of(one)] = fingerprint(_draw(view, one))
    return wanted


def wants_asking(view: View) -> Mapping[str, str]:
    """One more message that mentions somebody, below the first, once until somebody answers."""
    if not view.out.hears:
        return NOTHING
    wanted = dict(_closed(view, AGAIN))
    for one in live(view):
        if _asks_again(view, one) and not _must_look(view, AGAIN, one):
            wanted[name_of(one)] = "1"
    return wanted


def _asks_again(view: View, one: Reminder) -> bool:
    return _stage(view, one) >= _ASKED_AGAIN and _next_asked(one) is not None


# --- while people are off work --------------------------------------------------------------------


def wants_looks(view: View) -> Mapping[str, str]:
    """A look at whoever is to be reminded of another's wish, but at sev1: they may be off work."""
    if not view.out.hears or view.case.severity is Severity.SEV1:
        return NOTHING
    due = [(FAMILY, one) for one in live(view)]
    due += [(AGAIN, one) for one in live(view) if _asks_again(view, one)]
    return {f"{family}/{name_of(one)}": "1" for family, one in due if _other_asked(family, one) is not None}


def _other_asked(family: str, one: Reminder) -> Person | None:
    """The one person who is asked by it, if another wants that; a group has no hours."""
    whom = one.whom if family == FAMILY else _next_asked(one)
    return whom if isinstance(whom, Person) and whom.key != one.by.key else None


def _must_look(view: View, family: str, one: Reminder) -> bool:
    """Whether nobody has looked yet; a look that cannot be had holds nothing up for long."""
    name = f"{family}/{name_of(one)}"
    if name in view.case.steps or name not in wants_looks(view) or view.now >= one.due_at + _LOOKS_FOR:
        return False
    view.look_again(one.due_at + _LOOKS_FOR)
    row = view.case.steps.get(f"{OFF_WORK}/{name}")
    return row is None or not (row.was_done or row.gave_up)


def look_whether_at_work(attempt: Attempt) -> Result:
    """Find out when whoever is asked is at work again, if they are not, nor at this incident."""
    family, number, _ = attempt.instance.split("/")
    whom = _other_asked(family, attempt.case.reminders[int(number)])
    if whom is None or _is_at_it(attempt, whom):
        return {}
    back = back_at_work(attempt, whom)
    return {"back_at": back.isoformat()} if back is not None else {}


def _is_at_it(attempt: Attempt, person: Person) -> bool:
    with attempt.out.database.read() as tx:
        seen_at = acts.last_seen(tx, attempt.case.id, person)
    return seen_at is not None and attempt.now - seen_at < _AT_IT_FOR


# --- which are due --------------------------------------------------------------------------------


def live(view: View) -> Iterator[Reminder]:
    """Each reminder that is due, as it was when it fell due first, and when others will be.

    They outlive the incident until its channel is put away, but those that were to end with it.
    """
    if is_put_away(view.case):
        return
    for one in view.case.reminders.values():
        if one.is_over(view.now) or (one.until_resolved and not view.case.status.is_open):
            continue
        view.look_again(one.until_at)
        due_at = _due_at(view, one)
        view.look_again(due_at)
        if due_at is not None and due_at <= view.now:
            yield replace(one, due_at=due_at)


def is_put_away(case: Case) -> bool:
    """Whether its channel is archived, or about to be: nobody is reminded there any more."""
    row = case.steps.get("archived")
    return row is not None and row.wanted == "away"


def _due_at(view: View, one: Reminder) -> datetime | None:
    """When it falls due; None while nobody knows. What was posted for a moment stays due until answered."""
    case = view.case
    if one.moment is None:
        return one.due_at
    if (asked_at := _asked_at(case, one)) is not None:
        return asked_at
    return _MOMENTS[one.moment](view)


def _ended_at(view: View) -> datetime | None:
    return None if view.case.status.is_open else view.case.status_at


_MOMENTS: Mapping[str, Callable[[View], datetime | None]] = {
    "resolved": _ended_at,
    "update-overdue": next_update_due,
}


def _closed(view: View, family: str) -> Iterator[tuple[str, str]]:
    """What was posted and is over, redrawn a last time."""
    still = {name_of(one) for one in live(view)}
    for name, row in view.case.steps.items():
        instance = name.partition("/")[2]
        if name.startswith(f"{family}/") and row.was_done and instance not in still:
            yield instance, _OVER


def name_of(one: Reminder) -> str:
    """What its steps are called by: which reminder, and which round of it."""
    return f"{one.number}/{one.round}"


def _stage(view: View, one: Reminder) -> int:
    """How often it has asked in vain: counted from its posting, which may have been late."""
    asked_at = _asked_at(view.case, one)
    if asked_at is None:
        return _POSTED
    if one.every is not None:
        rounds = _rounds(view, one, since=asked_at)
        if rounds > _MOST_ROUNDS:
            return _LEFT
        if rounds > 1 or one.escalate_to is None:
            return _ASKED_AGAIN if rounds > 1 else _POSTED
    stages = (_LEFT, _ASKED_AGAIN) if one.every is None else (_ASKED_AGAIN,)
    for stage in stages:
        at = asked_at + (stage - 1) * one.after
        view.look_again(at)
        if view.now >= at:
            return stage
    return _POSTED


def _rounds(view: View, one: Reminder, *, since: datetime) -> int:
    """How often one that comes again has fallen due since it was posted, the first time included."""
    assert one.every is not None  # noqa: S101  # it comes again
    newest = one.current(view.now)
    rounds = newest.round - one.current(since).round + 1
    view.look_again(newest.due_at + one.every if rounds <= _MOST_ROUNDS else None)
    return rounds


def _asked_at(case: Case, one: Reminder) -> datetime | None:
    said = case.result(f"{FAMILY}/{name_of(one)}").get("asked_at")
    return datetime.fromisoformat(said) if said else None


def _next_asked(one: Reminder) -> Person | Group | None:
    return one.escalate_to or one.whom


# --- what is said ---------------------------------------------------------------------------------


def _draw(view: View, one: Reminder) -> Reminding:
    case, stage = view.case, _stage(view, one)
    asked_at = _asked_at(case, one) or view.now
    was_due = one.current(asked_at).due_at
    told = []
    if one.whom is None or one.by.key != one.whom.key:
        told.append(phrase("{name} asked for this.", name=one.by.name))
    if asked_at - was_due > _LATE:
        told.append(phrase("It was due {time}.", time=clock_time(was_due)))
    if stage >= _ASKED_AGAIN:
        told.append(_no_answer(clock_time(asked_at), one.escalate_to))
    if one.escalate_to is not None and _is_paged(case, one):
        text = mark("{name} has not answered either: PagerDuty is asked to page them.")
        if ALREADY in case.result(f"{PAGED}/{name_of(one)}"):
            text = mark("{name} has not answered either, and is paged already: I do not page them twice.")
        told.append(phrase(text, name=one.escalate_to.name))
    told += _told_of_rounds(view, one, stage, since=asked_at)
    return Reminding(text=one.text, whom=_who(case, one.whom), told=tuple(told), presses=_presses(case, one))


def _is_paged(case: Case, one: Reminder) -> bool:
    return bool(case.result(f"{PAGED}/{name_of(one)}"))


def _told_of_rounds(view: View, one: Reminder, stage: int, *, since: datetime) -> Iterator[str]:
    """How often it has come in vain, and that nobody else is asked."""
    if one.every is None:
        is_last = not one.then_page or _is_paged(view.case, one) or not view.case.status.is_open
        if stage >= _LEFT and is_last:
            yield phrase("I ask nobody else.")
    elif stage >= _LEFT:
        yield phrase("Nobody has answered three times: I stop until somebody does.")
    elif _rounds(view, one, since=since) > 1:
        yield phrase("It was due again {time}.", time=clock_time(one.current(view.now).due_at))


def _no_answer(since: str, other: Person | None) -> str:
    if other is None:
        return phrase("No answer since {time}.", time=since)
    return phrase("No answer since {time}: {name} is asked.", time=since, name=other.name)


def _who(case: Case, whom: Person | Group | None) -> Who | None:
    """Whom it mentions: a group, too, since whoever set the reminder named it."""
    match whom:
        case None:
            return None
        case Group():
            return Who(name=whom.name, chat_id=whom.id)
        case Person():
            return Who(name=whom.name, chat_id=whom.slack or people.chat_id(case, whom))


def _presses(case: Case, one: Reminder) -> tuple[Press, ...]:
    said = f"INC-{case.id} reminders"
    return (
        Press(label=phrase("Done"), line=f"{said} done {name_of(one)}", stands_out=True),
        Press(label=phrase("Snooze 15m"), line=f"{said} snooze {name_of(one)} 15m"),
        *((Press(label=phrase("Not mine"), line=f"{said} pass {name_of(one)}"),) if one.whom else ()),
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
    whom = one.whom.name if one.whom else ""
    return phrase(told, answer=one.answer, name=one.answered_by, time=time, whom=whom)


def post(attempt: Attempt) -> Result:
    """Post or redraw it: in the thread in which it was set, and whoever is asked again below the first."""
    case, before = attempt.case, attempt.before
    number, round_ = map(int, attempt.instance.split("/"))
    kept, head = case.reminders[number], _thread_of(case, attempt.name)
    view = View(case=case, now=attempt.now, out=attempt.out)
    one = next((other for other in live(view) if other.number == number), None)
    if before.wanted == _OVER or one is None or one.round != round_:
        is_at_end = kept.until_resolved and not case.status.is_open
        return before.result | _say(attempt, head, _draw_closed(kept, round_, at_end=is_at_end))
    drawn = _draw_again(case, one) if attempt.name.startswith(AGAIN) else _draw(view, one)
    asked_at = before.result.get("asked_at") or attempt.now.astimezone(UTC).isoformat()
    return _say(attempt, head, drawn) | {"asked_at": asked_at}


def _thread_of(case: Case, name: str) -> Result:
    """The message under which it is said; none for the channel."""
    family, _, instance = name.partition("/")
    set_in = case.reminders[int(instance.partition("/")[0])].thread
    if set_in is not None:
        return {"channel": channel_of(case), "message": set_in}
    return case.result(f"{FAMILY}/{instance}") if family == AGAIN else {}


def _say(attempt: Attempt, head: Result, message: Reminding) -> Result:
    if head:
        return say_in_thread(attempt, head, message, loud=False)
    return say(attempt, channel_of(attempt.case), message)
