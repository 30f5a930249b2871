"""The question for the next update: asked when it is due, edited as it ages, ended when it is answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from multivac.briefing import Nudge, Press, UpdateDue, Who, clock_time, fingerprint
from multivac.errors import sure
from multivac.incident import Person, Severity
from multivac.steps import people
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.cadence import next_update_due
from multivac.steps.nights import back_at_work
from multivac.steps.words import channel_of, say, say_in_thread, view_of, who
from multivac.store import preferences
from multivac.store.cases import Case, Result
from multivac.store.preferences import Unasked
from multivac.store.updates import Place, goes_to
from multivac.tongue import phrase
from multivac.voice import NEVER_WAITS, WRITING

FAMILY, OVERDUE = "update due", "update overdue"
_LULL = timedelta(minutes=3)  # after which nobody is writing any more
_WAITS_AT_MOST = timedelta(minutes=10)  # for those who write
_STAMP = "%Y%m%dT%H%M%S"
_MOST_ROUNDS = 4  # a question that stood so long is not made truer by another edit
_USUAL = timedelta(minutes=30)  # how long a promise without a rhythm may be late


def wants_prompts(view: View) -> Mapping[str, str]:
    """One question at most that is open, and every earlier one ended."""
    if view.out.chat is None:
        return NOTHING
    asked = _asked_at(view)
    is_new = asked is not None and not _is_pending(view, f"{FAMILY}/{asked:{_STAMP}}", asked)
    stamps = {*_stamps(view.case), *((asked.strftime(_STAMP),) if asked is not None and is_new else ())}
    return {stamp: fingerprint(_prompt(view, stamp, asked)) for stamp in sorted(stamps)}


def _asked_at(view: View) -> datetime | None:
    """Since when people are asked; None while they are not."""
    due, snoozed = next_update_due(view), view.case.cadence.snoozed_until
    if due is None:
        return None
    at = due if snoozed is None else max(due, snoozed)
    view.look_again(at)
    return at if view.now >= at else None


def _stamps(case: Case) -> Iterator[str]:
    for name, row in case.steps.items():
        family, _, stamp = name.partition("/")
        if family == FAMILY and (row.was_done or row.wanted is not None):
            yield stamp


def _prompt(view: View, stamp: str, asked: datetime | None) -> UpdateDue:
    case, at = view.case, datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    every = case.playbook.update_every(case.severity)
    is_open = asked is not None and asked.strftime(_STAMP) == stamp
    if not is_open:
        return UpdateDue(due_at=at, every=None, lead=None, ended=_how_it_ended(case, at))
    return UpdateDue(
        due_at=next_update_due(view) or at,  # also where it was put off: that is what was promised
        every=every,
        lead=who(case, case.lead),
        rounds=_rounds(view, at) if view.out.hears else 0,
        presses=_presses(case) if view.out.hears else (),
    )


def _rounds(view: View, at: datetime) -> int:
    """How often the time between two updates has passed since people were asked."""
    begun, every = _begun(view.case, at), _every(view)
    if begun is None:
        return 0
    rounds = min((view.now - begun) // every, _MOST_ROUNDS)
    if rounds < _MOST_ROUNDS:
        view.look_again(begun + (rounds + 1) * every)
    return rounds


def _every(view: View) -> timedelta:
    return view.case.playbook.update_every(view.case.severity) or _USUAL


def _begun(case: Case, at: datetime) -> datetime | None:
    """Since when people are asked, if they are: since it was due, or for long held back and then asked."""
    said = case.result(f"{FAMILY}/{at:{_STAMP}}").get("at")
    if said is None:
        return None
    asked_at = datetime.fromisoformat(said)
    return asked_at if asked_at - at > _WAITS_AT_MOST else at


def _presses(case: Case) -> tuple[Press, ...]:
    about = f"INC-{case.id}"
    return (
        Press(label=phrase("Write update"), line=f"{about} update", stands_out=True),
        Press(label=phrase("Snooze 15m"), line=f"{about} snooze 15m"),
        Press(label=phrase("Stop"), line=f"{about} snooze stop"),
    )


def _how_it_ended(case: Case, at: datetime) -> str:
    told = (one for one in case.updates if goes_to(one, Place.ANNOUNCEMENT))
    answer = next((one for one in told if one.at >= at), None)
    if answer is not None:
        return phrase("{name} wrote it at {time}.", name=answer.by, time=clock_time(answer.at))
    if not case.status.is_open:
        return phrase("It is over now.")
    if case.cadence.is_off:
        return phrase("Nobody is asked any more, until somebody writes one.")
    return (
        phrase("It was put off.") if case.cadence.snoozed_until else phrase("No update is promised any more.")
    )


def prompt_update(attempt: Attempt) -> Result:
    """Post, redraw or end one question."""
    view = view_of(attempt)
    return say(attempt, channel_of(attempt.case), _prompt(view, attempt.instance, _asked_at(view)))


# --- the second time ------------------------------------------------------------------------------


def wants_overdue(view: View) -> Mapping[str, str]:
    """The lead mentioned once under a question that stood for a whole round."""
    overdue = _overdue(view)
    if overdue is None or _is_pending(view, *overdue):
        return NOTHING
    return {overdue[0].partition("/")[2]: "1"}


def _overdue(view: View) -> tuple[str, datetime] | None:
    """The step that mentions the lead, and since when it is due."""
    asked = _asked_at(view) if view.out.hears and view.out.chat is not None else None
    if asked is None or view.case.lead is None:
        return None
    begun = _begun(view.case, asked)
    if begun is None or _rounds(view, asked) < 1:
        return None
    return f"{OVERDUE}/{asked:{_STAMP}}", begun + _every(view)


def nudge_lead(attempt: Attempt) -> Result:
    """Mention the lead in the question's thread: an edit would notify nobody."""
    case = attempt.case
    text = phrase("the update is overdue. Two sentences are enough.")
    nudge = Nudge(who=mentioned(attempt, sure(case.lead)), text=text)
    return say_in_thread(attempt, case.result(f"{FAMILY}/{attempt.instance}"), nudge, loud=False)


# --- while people write ---------------------------------------------------------------------------


def wants_looks(view: View) -> Mapping[str, str]:
    """A look into the channel before anybody is asked, every few minutes while people write there."""
    if view.out.chat is None or not view.out.hears:
        return NOTHING
    asked, overdue = _asked_at(view), _overdue(view)
    due = [] if asked is None else [(f"{FAMILY}/{asked:{_STAMP}}", asked)]
    due += [] if overdue is None else [overdue]
    return {name: look for name, at in due if (look := _look(view, name, at)) is not None}


def _look(view: View, name: str, due: datetime) -> str | None:
    """Which look is needed before this message comes; None if it is there, or has waited long enough."""
    row = view.case.steps.get(name)
    is_there = row is not None and (row.was_done or row.wanted is not None)
    if is_there or not view.out.hears or view.now >= due + _WAITS_AT_MOST:
        return None
    which = (view.now - due) // _LULL
    view.look_again(min(due + (which + 1) * _LULL, due + _WAITS_AT_MOST))
    return str(which)


def _is_pending(view: View, name: str, due: datetime) -> bool:
    """Whether nobody has looked yet; a look that cannot be had stops nothing."""
    look, row = _look(view, name, due), view.case.steps.get(f"{WRITING}/{name}")
    return look is not None and (row is None or look not in {row.done, row.gave_up})


def look_whether_people_write(attempt: Attempt) -> Result:
    """Ask whether a human wrote in the channel lately; and if it is not bad, whether the lead is at work."""
    case, chat = attempt.case, attempt.chat()
    spoke = chat.people_spoke(channel_of(case), since=attempt.now - _LULL)
    if case.severity.rank <= NEVER_WAITS or case.lead is None:
        return {"spoke": spoke}
    back = back_at_work(attempt, case.lead)
    away = {"lead": case.lead.key, "back_at": back.isoformat()} if back is not None else None
    return {"spoke": spoke, "away": away}


def mentioned(attempt: Attempt, person: Person) -> Who:
    """A person as a message mentions them; by name alone where they prefer that, except at SEV1."""
    case, chat_id = attempt.case, people.chat_id(attempt.case, person)
    with attempt.out.database.read() as tx:
        is_unwanted = Unasked.PROMPTS in preferences.of(tx, chat_id or "").without
    by_name = is_unwanted and case.severity is not Severity.SEV1
    return Who(name=people.name_of(case, person), chat_id=None if by_name else chat_id)
