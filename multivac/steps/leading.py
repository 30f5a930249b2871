"""The lead call: who is asked to lead, until when, who is next, and what the channel reads of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

import sqlalchemy as sa

from multivac.briefing import Late, LeadCall, Link, Press, Turn, Who, fingerprint
from multivac.errors import TryAgain
from multivac.incident import CX_LEAD, LEAD, Entry, EntryKind, Person, Status
from multivac.steps import paging, people
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.handing import for_new_lead
from multivac.steps.lead import everybody, grounds
from multivac.steps.reach import cannot_be_asked
from multivac.steps.words import channel_of, say, view_of
from multivac.store import acts, summons, timeline
from multivac.store import people as directory
from multivac.store.cases import Case, Result, Summons
from multivac.store.facts import person_from, person_to
from multivac.tongue import phrase

_ENOUGH = 6  # people to be asked one after another; each costs a look-up in the chat
_KNOWN_FOR = timedelta(minutes=10)  # that somebody is, or is not, in the chat
_LATE = timedelta(seconds=30)  # beyond that the clock starts when the call was seen, not when it was decided


# --- who is asked, until when, and who then -------------------------------------------------------


def asked(case: Case) -> tuple[Summons, ...]:
    """Everybody who was asked to lead, in order; at least whoever has the lead."""
    written = tuple(one for one in case.summons if not one.pages)
    if written or case.lead is None:
        return written
    return (Summons(number=0, pages=False, people=(case.lead,), at=case.roles[LEAD].since),)


def waiting(case: Case) -> Summons | None:
    """The call that waits for an answer: the last, while nobody has accepted to lead."""
    calls = asked(case)
    if not calls or not case.status.is_open or LEAD not in case.roles:
        return None
    return calls[-1] if case.roles[LEAD].accepted_at is None else None


def until(view: View, call: Summons) -> datetime | None:
    """When the next one is asked; None where people cannot accept, or have all the time they want.

    Nobody is waited for who cannot see that they are asked.
    """
    within = view.playbook.accept_in(view.case.severity)
    if not view.out.hears or within is None or call.number == 0:
        return None
    if cannot_be_asked(view.case, call.people[0]):
        return call.at
    begun = call.told_at if call.told_at and call.told_at - call.at > _LATE else call.at
    if view.case.status_at > begun + within:  # it has been over meanwhile: whoever reopened it begins anew
        begun = view.case.status_at
    return begun + within


def overdue(view: View) -> Summons | None:
    """The call that nobody answered in time."""
    call = waiting(view.case)
    end = until(view, call) if call is not None else None
    if call is None or end is None:
        return None
    view.look_again(end)
    is_told = call.told_at is not None or cannot_be_asked(view.case, call.people[0])
    return call if is_told and view.now >= end else None


def _in_this_round(case: Case) -> list[Summons]:
    """The calls since a person last named somebody; with it, everybody may be asked again."""
    calls = asked(case)
    first = max((place for place, one in enumerate(calls) if one.by), default=0)
    return list(calls[first:])


def _left(case: Case) -> list[Person]:
    """Whoever can still be asked, in the order of asking: those who lead another incident come last."""
    calls = _in_this_round(case)
    keys, names = {one.people[0].key for one in calls}, {one.by for one in calls}
    found = case.result("stand-ins")
    free = [person_from(one) for one in found.get("people", ())]
    free = [one for one in free if one.key not in keys and one.name not in names]
    if people.is_asked_first(case):  # whoever is asked is invited
        here = {one for one, member in case.members.items() if member.is_here}
        free = [one for one in free if people.chat_id(case, one) in here]
    return sorted(free, key=lambda one: one.key in found["busy"])


def wants_stand_ins(view: View) -> Mapping[str, str]:
    """Whoever could lead instead, looked up as soon as somebody is asked."""
    row, call = view.case.steps.get("stand-ins"), waiting(view.case)
    if call is None or until(view, call) is None:
        return {"": row.done} if row is not None and row.done else NOTHING
    return {"": fingerprint(*grounds(view.case))}


def find_stand_ins(attempt: Attempt) -> Result:
    """Ask all strategies for all their people, until there are enough who can be reached in the chat."""
    found = list(islice(filter(None, (_in_the_chat(attempt, one) for one in everybody(attempt))), _ENOUGH))
    with attempt.out.database.read() as tx:
        busy = summons.busy_elsewhere(tx, attempt.case.id)
    return {"people": [person_to(one) for one in found], "busy": sorted(busy)}


def wants_next(view: View) -> Mapping[str, str]:
    """The next one asked, once the last has not accepted in time."""
    call, row = overdue(view), view.case.steps.get("stand-ins")
    if call is None or view.out.chat is None or row is None or not row.was_done:
        return NOTHING
    return {str(call.number): "1"}


def choose_next(attempt: Attempt) -> Result:
    """The first who is free and can be reached in the chat; nobody is an answer, too."""
    with attempt.out.database.read() as tx:
        busy = summons.busy_elsewhere(tx, attempt.case.id)
    left = sorted(_left(attempt.case), key=lambda one: one.key in busy)
    found = next(filter(None, (_in_the_chat(attempt, one) for one in left)), None)
    made = {"after": int(attempt.instance), "can_page": paging.can_page(attempt.case, attempt.out)}
    return made | ({"person": person_to(found)} if found else {})


def _in_the_chat(attempt: Attempt, person: Person) -> Person | None:
    """The person, by the name the chat has for them; None if they cannot be mentioned there."""
    if people.chat_id(attempt.case, person) is not None:
        return person
    if person.email is None:
        return None
    met = _met_lately(attempt, person) or _meet(attempt, person)
    if met.id is None or not met.active:
        return None
    return replace(person, name=met.name) if met.name and person.name == person.email else person


def _met_lately(attempt: Attempt, person: Person) -> directory.Identity | None:
    with attempt.out.database.read() as tx:
        known = directory.identities(tx, "slack", [person.key]).get(person.key)
    return known if known is not None and attempt.now - known.checked_at < _KNOWN_FOR else None


def _meet(attempt: Attempt, person: Person) -> directory.Identity:
    met = people.look_up(attempt, person)
    attempt.out.database.write(lambda tx: directory.remember(tx, "slack", [met]))
    return met


def keep_next(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Ask them, unless somebody has answered meanwhile; if nobody is left, have everybody paged."""
    if not summons.still_waits(tx, case.id, after=made["after"]):
        return
    before = next(one for one in asked(case) if one.number == made["after"]).people[0]
    if "person" in made:
        person = person_from(made["person"])
        summons.ask_to_lead(tx, case.id, person, now=now)
        text = phrase(
            "{before} has not accepted to lead: {name} is asked", before=before.name, name=person.name
        )
        if cannot_be_asked(case, before):
            text = phrase(
                "{before} cannot be reached in Slack to lead: {name} is asked",
                before=before.name,
                name=person.name,
            )
    elif case.drill:
        text = phrase("Nobody has accepted to lead; a drill pages nobody")
    else:
        called = [one.people[0] for one in _in_this_round(case)]
        summons.page(tx, case.id, called, now=now, note=phrase("Nobody has accepted to lead."))
        text = phrase("Nobody has accepted to lead, and nobody can be paged")
        if made["can_page"]:
            text = phrase("Nobody has accepted to lead: those who were asked are paged")
    asked_now = person_from(made["person"]).key if "person" in made else "nobody is left"
    moved = acts.Moved(key=str(made["after"]), verb="ask to lead", before=before.key, after=asked_now)
    acts.leave_trail_of(tx, case.id, moved, at=now)
    entry = Entry(kind=EntryKind.LEAD, at=now, text=text, key=f"next lead:{made['after']}")
    timeline.note(tx, case.id, [entry], now=now)


# --- what the channel reads -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stand:
    """How a call stands: it waits for an answer; who was asked leads by it; whoever leads has accepted."""

    waits: bool
    leads: bool
    accepted: bool
    over: bool  # the incident

    @property
    def counts(self) -> bool:
        """Whether it is still about whom it asks: they are waited for, or have accepted."""
        return self.waits or (self.leads and (self.accepted or self.over))

    @property
    def may_be_accepted(self) -> bool:
        """Whether an answer would still change something."""
        return self.waits or (self.leads and not self.accepted and not self.over)


def _stand(case: Case, call: Summons) -> _Stand:
    role, person = case.roles[LEAD].person, call.people[0]
    newest = next(one for one in reversed(asked(case)) if one.people[0].key == person.key)
    return _Stand(
        waits=waiting(case) == call,
        leads=role.key == person.key and newest == call,
        accepted=case.roles[LEAD].accepted_at is not None,
        over=not case.status.is_open,
    )


def lead_call(view: View, call: Summons) -> LeadCall:
    """One call as it should read now: it mentions whom it waits for, and says what came of it.

    The briefing is not in it: that is made when the call is posted, and stays as it was.
    """
    case, stand, person = view.case, _stand(view.case, call), call.people[0]
    went_to, given_by = ("", "") if stand.counts else _went_to(case, call)
    is_in_vain = stand.over and stand.leads and not stand.accepted
    return LeadCall(
        lead=_mentioned(case, person)
        if stand.counts and not is_in_vain
        else Who(name=people.name_of(case, person)),
        ticket=_ticket(case),
        cx_lead=_cx_lead(view, call),
        by_button=view.out.hears,
        accepted_at=case.roles[LEAD].accepted_at if stand.leads else None,
        presses=_presses(view, call, stand),
        in_vain=is_in_vain,
        by=call.by,
        again=_is_again(case, call),
        asked_again=_is_asked_again(case, call),
        missed=_missed(case, call),
        then=_then(view, call) if stand.waits else None,
        went_to=went_to,
        given_by=given_by,
        settled=bool(went_to) and stand.accepted,
        led_until=None if stand.counts else _led_until(case, call),
        passed=call != asked(case)[-1],
        late=_late(view, call) if stand.waits else None,
        drill=case.drill,
        absent=not stand.accepted and cannot_be_asked(case, person),
        absent_before=_is_absent_before(case, call),
    )


def _is_absent_before(case: Case, call: Summons) -> bool:
    """Whether whoever was asked before could not even see it."""
    earlier = [one for one in asked(case) if one.number < call.number]
    return bool(earlier) and cannot_be_asked(case, earlier[-1].people[0])


def _is_again(case: Case, call: Summons) -> bool:
    """Whether they led already: the incident was over, and is open again."""
    before = [one for one in asked(case) if one.number < call.number]
    return bool(before) and before[-1].people[0].key == call.people[0].key


def _is_asked_again(case: Case, call: Summons) -> bool:
    later = [one for one in asked(case) if one.number > call.number]
    return bool(later) and _is_again(case, later[0])


def _ticket(case: Case) -> Link | None:
    ticket = case.result("ticket")
    return Link(label=ticket["key"], url=ticket["url"]) if ticket else None


def _cx_lead(view: View, call: Summons) -> Who | None:
    """Who settles how bad it is: named in the first call, while that is open or buttons cannot ask."""
    case = view.case
    is_open_question = case.status is Status.TRIAGE or not view.out.hears
    if call != _shown(case)[0] or CX_LEAD not in case.roles or not is_open_question:
        return None
    return _mentioned(case, case.roles[CX_LEAD].person)


def _mentioned(case: Case, person: Person) -> Who:
    return Who(name=people.name_of(case, person), chat_id=people.chat_id(case, person))


def _presses(view: View, call: Summons, stand: _Stand) -> tuple[Press, ...]:
    """To accept while that changes something; to hand over for whoever is asked, and once they lead."""
    case, about = view.case, f"INC-{view.case.id}"
    if not view.out.hears or not case.status.is_open:
        return ()
    if stand.may_be_accepted and cannot_be_asked(case, call.people[0]):
        return (Press(label=phrase("Take the lead"), line=f"{about} lead it", stands_out=True),)
    accept = Press(label=phrase("Accept"), line=f"{about} lead accept", stands_out=True)
    hand_over = Press(label=phrase("Hand over"), line=f"{about} handover")
    leads_now = stand.accepted and call == asked(case)[-1]
    return (
        *((accept,) if stand.may_be_accepted else ()),
        *((hand_over,) if stand.waits or leads_now else ()),
    )


def _went_to(case: Case, call: Summons) -> tuple[str, str]:
    """Who leads by now, else who was asked next; and who said so, if a person did."""
    role = case.roles[LEAD]
    if role.accepted_at is not None:
        return people.name_of(case, role.person), ""
    later = next((one for one in asked(case) if one.number > call.number), None)
    if later is None:
        return people.name_of(case, role.person), ""
    return people.name_of(case, later.people[0]), later.by


def _led_until(case: Case, call: Summons) -> datetime | None:
    """Until when whoever accepted by this call led; None if they never did."""
    if not case.result(_step(_instance(case, call))).get("accepted"):
        return None
    later = next((one for one in asked(case) if one.number > call.number), None)
    return later.at if later is not None else case.roles[LEAD].since


def _missed(case: Case, call: Summons) -> str:
    """Who was asked before and has not accepted; "" where a person wanted this one, or nobody was."""
    if call.by or call == asked(case)[0]:
        return ""
    earlier = [one for one in asked(case) if one.number < call.number]
    return people.name_of(case, earlier[-1].people[0])


def _then(view: View, call: Summons) -> Turn | None:
    """What follows unless they accept, while they are in time."""
    end, row = until(view, call), view.case.steps.get("stand-ins")
    if end is None or row is None or not row.was_done or _was_followed(view.case, call):
        return None
    if cannot_be_asked(view.case, call.people[0]):
        return None
    if left := _left(view.case):
        return Turn(at=end, who=(people.name_of(view.case, left[0]),))
    if view.case.drill:
        return None
    can_page = paging.can_page(view.case, view.out)
    return Turn(at=end, who=_names_in_this_round(view.case) if can_page else (), pages=True)


def _was_followed(case: Case, call: Summons) -> bool:
    """Whether their time was up, and somebody else was looked for."""
    row = case.steps.get(f"next lead/{call.number}")
    return row is not None and row.was_done


def _names_in_this_round(case: Case) -> tuple[str, ...]:
    return tuple(people.name_of(case, one.people[0]) for one in _in_this_round(case))


def _late(view: View, call: Summons) -> Late | None:
    """What became of it when their time was up and nobody was left to be asked."""
    case = view.case
    if not _was_followed(case, call):
        return None
    if case.drill:
        return Late(drill=True)
    pages = [one for one in case.summons if one.pages and not one.by and one.number > call.number]
    if paged := _paged(case, pages):
        return Late(paged=paged)
    failed = next(filter(None, (paging.unsent(view, one) for one in pages)), None)
    is_possible = paging.can_page(case, view.out)
    if is_possible and failed is None:
        return Late(asked=_names_in_this_round(case))
    called = [one.people[0] for one in _in_this_round(case)]
    called = [replace(one, name=people.name_of(case, one)) for one in called]
    why = failed.why if is_possible and failed is not None else ""
    return Late(call=tuple(paging.with_address(one, view.out) for one in called), why=why)


def _paged(case: Case, pages: Sequence[Summons]) -> tuple[str, ...]:
    """Who is paged since nobody accepted."""
    return tuple(name for one in pages for name in case.result(f"page/{one.number}").get("paged", ()))


def wants_lead_told(view: View) -> Mapping[str, str]:
    """Everybody who is asked to lead told so, each in a message of their own; the first as ever.

    Once it is over nobody is asked any more: what was posted is drawn a last time, without its buttons.
    """
    case = view.case
    if view.out.chat is None or case.lead is None:
        return NOTHING
    calls = {_instance(case, one): fingerprint(lead_call(view, one)) for one in _shown(case)}
    if case.status.is_open:
        return calls
    return {one: drawn for one, drawn in calls.items() if _was_posted(case, one)}


def _shown(case: Case) -> list[Summons]:
    """The calls that the channel reads: not of whom nobody could ask, where another was asked at once."""
    *earlier, last = asked(case)
    return [
        *(
            one
            for one in earlier
            if _was_posted(case, _instance(case, one)) or not cannot_be_asked(case, one.people[0])
        ),
        last,
    ]


def _was_posted(case: Case, instance: str) -> bool:
    row = case.steps.get(_step(instance))
    return row is not None and row.was_done


def _step(instance: str) -> str:
    return f"lead told/{instance}" if instance else "lead told"


def _instance(case: Case, call: Summons) -> str:
    return "" if call == asked(case)[0] or call.number == 0 else str(call.number)


def tell_lead(attempt: Attempt) -> Result:
    """Mention whoever is asked, once; later changes are edits, which notify nobody."""
    case = attempt.case
    view = View(case=case, now=attempt.now, out=attempt.out)
    call = next((one for one in asked(case) if _instance(case, one) == attempt.instance), None)
    if call is None:
        raise TryAgain(phrase("another lead was named meanwhile"), reached=False)
    brief = attempt.before.result.get("brief")
    brief = _brief(attempt, call) if brief is None else brief
    stand = _stand(case, call)
    told = replace(lead_call(view, call), brief=tuple(brief) if stand.counts else ())
    made = {"call": call.number, "brief": list(brief)}
    if (stand.leads and stand.accepted) or attempt.before.result.get("accepted"):
        made["accepted"] = True  # remembered for when another leads
    return say(attempt, channel_of(case), told) | made


def _brief(attempt: Attempt, call: Summons) -> Sequence[str]:
    """What whoever was made lead by another must know, as of now; of who led before, why it is open again."""
    case = attempt.case
    if not call.by or _is_again(case, call):
        return call.note.split("\n") if call.note else []
    with attempt.out.database.read() as tx:
        entries = timeline.entries(tx, case.id)
    return for_new_lead(view_of(attempt), entries, by=call.by, words=call.note)


def keep_told(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Note since when they can answer."""
    summons.told(tx, case.id, made["call"], now=now)
