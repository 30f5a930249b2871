"""Handing the lead over with a briefing, the form of all roles, and paging somebody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from multivac.briefing import Asked, Field, Form
from multivac.desk.asking import BadField, Change, Reply, Sitting, as_of, must_give_lead
from multivac.desk.giving import role_given
from multivac.desk.meant import met
from multivac.desk.names import reopen_first, role_title, with_reason
from multivac.desk.teams import team_first
from multivac.errors import MultivacError, Refused
from multivac.incident import CX_LEAD, DEPUTY, LEAD, SCRIBE, EntryKind, Person, role_name, status_name
from multivac.ports import Pager
from multivac.steps import paging, people
from multivac.steps.base import View
from multivac.steps.handing import for_new_lead
from multivac.store import acts, summons, timeline
from multivac.store.cases import Case, Summons
from multivac.tongue import any_of, listed, phrase, written

_LONGEST_NOTE = 800
_ROLES = (LEAD, DEPUTY, SCRIBE, CX_LEAD)
_SHOWN = 5  # services with a like name
_MOST_ROLES = 7  # of a form: more fields are not filled in at three in the morning


# --- the handover ---------------------------------------------------------------------------------


def hand_over(sitting: Sitting) -> Reply:
    """Give the lead to another, with what they must know; without a name, ask."""
    chosen = str(sitting.ask.fields.get("to", "")) or next(iter(sitting.words.people), "")
    if not chosen and not sitting.ask.fields:
        return _handover_form(sitting)
    if not chosen:
        raise BadField("to", phrase("Pick who takes over."))
    to = whom(sitting, chosen)
    said = sitting.text("note")

    def give(tx: sa.Connection, case: Case) -> Change:
        if not case.status.is_open:
            raise Refused(reopen_first(case.id, case.status))
        if case.lead is not None and case.lead.key == to.key:
            raise Refused(phrase("{name} is the lead of INC-{number} already.", name=to.name, number=case.id))
        if to.key == sitting.person.key:
            raise Refused(phrase("To take the lead yourself, write `/incident lead me`."))
        before = case.lead.name if case.lead else None
        summons.ask_to_lead(tx, case.id, to, now=sitting.now, by=sitting.person.name, note=said)
        acts.give_role(tx, case.id, LEAD, to=to, now=sitting.now)
        return Change(
            said=phrase(
                "{name} is asked in the channel to take the lead of INC-{number}.",
                name=to.name,
                number=case.id,
            ),
            kind=EntryKind.LEAD,
            entry=written("{name} handed the lead over to {to}", name=sitting.person.name, to=to.name),
            before=before,
            after=to.name,
            is_asked=True,
        )

    return sitting.change(give)


def _handover_form(sitting: Sitting) -> Form:
    case = sitting.case()
    if not case.status.is_open:
        raise Refused(reopen_first(case.id, case.status))
    with sitting.house.out.database.read() as tx:
        entries = timeline.entries(tx, case.id)
    view = View(case=case, now=sitting.now, out=sitting.house.out)
    facts = for_new_lead(view, entries, by=sitting.person.name)
    return Form(
        title=phrase("Hand over INC-{number}", number=case.id),
        line=f"INC-{case.id} handover",
        send=phrase("Hand over"),
        fields=(
            Field(name="to", label=phrase("Who takes over?"), kind=Asked.PERSON, optional=False),
            Field(
                name="note",
                label=phrase("What must they know besides?"),
                kind=Asked.PROSE,
                longest=_LONGEST_NOTE,
            ),
        ),
        intro=(phrase("They are also told this, as it is when you send it:"), *facts),
    )


def whom(sitting: Sitting, chat_id: str) -> Person:
    """The person with this id of the chat. Raises `Refused` for a guest."""
    if chat_id == sitting.ask.by:
        return sitting.person
    person, is_guest = met(sitting, chat_id)
    if is_guest:
        raise Refused(phrase("{name} is a guest, and cannot be asked.", name=person.name))
    return person


# --- all roles ------------------------------------------------------------------------------------


def roles(sitting: Sitting) -> Reply:
    """Show who has which role, in a form that changes it."""
    if not sitting.ask.fields:
        return _roles_form(sitting.case())
    given = {name: whom(sitting, one) if one else None for name, one in _filled_in(sitting)}

    def give(tx: sa.Connection, case: Case) -> Change:
        changed = [name for name in given if _key(case, name) != (one.key if (one := given[name]) else None)]
        if LEAD in changed and given[LEAD] is None:
            raise BadField(LEAD, phrase("An incident keeps its lead until another takes it."))
        lead = given[LEAD] if LEAD in changed else None
        by_lead = lead is not None and must_give_lead(tx, sitting, case, to=lead)
        for name in changed:
            _give(tx, sitting, case, name=name, to=given[name])
        told = [f"{role_name(name, written)}: {_called(given[name])}" for name in changed]
        if not told:
            return Change(said=phrase("Nothing was changed."))
        entry = written("Roles, says {name}: {roles}", name=sitting.person.name, roles=", ".join(told))
        after = ", ".join(f"{name}: {one.name if (one := given[name]) else 'nobody'}" for name in changed)
        return Change(
            said=phrase("The roles are set."), kind=EntryKind.ROLE, entry=entry, after=after, by_lead=by_lead
        )

    return sitting.change(give)


def _called(person: Person | None) -> str:
    return person.name if person else written("nobody")


def _filled_in(sitting: Sitting) -> Iterator[tuple[str, str]]:
    """The fields as they were sent; not those left empty since the chat does not know who has the role."""
    case = sitting.case()
    for name in _names(case):
        if _slug(name) not in sitting.ask.fields:  # the form has no room for every role
            continue
        held, chosen = case.roles.get(name), str(sitting.ask.fields[_slug(name)])
        if chosen or held is None or people.chat_id(case, held.person):
            yield name, chosen


def _give(tx: sa.Connection, sitting: Sitting, case: Case, *, name: str, to: Person | None) -> None:
    itself = to is not None and to.key == sitting.person.key
    if name == LEAD and to is not None and not itself:
        summons.ask_to_lead(tx, case.id, to, now=sitting.now, by=sitting.person.name)
    acts.give_role(tx, case.id, name, to=to, now=sitting.now)
    role_given(tx, sitting, name, to=to)
    if itself:
        acts.accept_role(tx, case.id, name, now=sitting.now)


def _names(case: Case) -> list[str]:
    return list(dict.fromkeys([*_ROLES, *case.playbook.roles_for(case.severity), *case.roles]))


def _key(case: Case, name: str) -> str | None:
    return case.roles[name].person.key if name in case.roles else None


def _slug(name: str) -> str:
    return name.replace(" ", "_")


def _roles_form(case: Case) -> Form:
    fields = []
    for name in _names(case)[:_MOST_ROLES]:
        held = case.roles.get(name)
        shown = people.chat_id(case, held.person) if held else None
        hint = phrase("Now {name}.", name=held.person.name) if held else phrase("Nobody yet.")
        fields.append(
            Field(
                name=_slug(name),
                label=role_title(name),
                kind=Asked.PERSON,
                hint=hint,
                filled=(shown,) if shown else (),
            )
        )
    return Form(
        title=phrase("Roles of INC-{number}", number=case.id),
        line=f"INC-{case.id} roles",
        as_of=as_of(case, "roles"),
        send=phrase("Save"),
        fields=tuple(fields),
        intro=_beyond(_names(case)[_MOST_ROLES:]),
    )


def _beyond(names: Sequence[str]) -> tuple[str, ...]:
    """How the roles are given for which the form has no room."""
    if not names:
        return ()
    told = phrase(
        "For {roles}: `/incident role {role} @bo`.", roles=listed(list(map(role_name, names))), role=names[0]
    )
    return (told,)


# --- paging ---------------------------------------------------------------------------------------


def page(sitting: Sitting) -> Reply:
    """Page somebody, or whoever is on call for a service; without a name, ask."""
    chosen = str(sitting.ask.fields.get("person", "")) or next(iter(sitting.words.people), "")
    service, message = _service_and_message(sitting, named=bool(chosen))
    if not chosen and not service:
        if sitting.ask.fields:
            raise BadField("person", phrase("Pick somebody, or name a service."))
        return _page_form(sitting.case())
    if chosen and service:
        raise BadField(
            "service", phrase("Pick somebody or name a service, not both: page one after the other.")
        )
    people_ = (whom(sitting, chosen),) if chosen else ()
    who = people_[0].name if people_ else None

    def ask(tx: sa.Connection, case: Case) -> Change:
        wanted = Summons(number=0, pages=True, people=people_, service=service, at=sitting.now)
        must_be_possible(sitting, case, wanted)
        number = summons.page(
            tx, case.id, people_, now=sitting.now, by=sitting.person.name, note=message, service=service
        )
        return Change(
            said=asked_to_page(paging.named(wanted)),
            kind=EntryKind.PEOPLE,
            entry=with_reason(_asks_to_page(sitting.person.name, who, service), message),
            before=paging.step_of(number),
            after=f"whoever is on call for {service}" if who is None else who,
        )

    return sitting.change(ask)


def asked_to_page(whom: str) -> str:
    """What whoever asks for a page is told."""
    return phrase("PagerDuty is asked to page {whom}. If that fails, you are told at once.", whom=whom)


def _asks_to_page(name: str, who: str | None, service: str) -> str:
    if who is not None:
        return written("{name} asks to page {who}", name=name, who=who)
    return written("{name} asks to page whoever is on call for {service}", name=name, service=service)


def _service_and_message(sitting: Sitting, *, named: bool) -> tuple[str, str]:
    fields = sitting.ask.fields
    if fields:
        service = str(fields.get("service", "")).strip()
        _must_be_there(sitting.house.out.pager, service)
        return service, str(fields.get("message", "")).strip()
    if named:
        return "", sitting.words.text
    return team_first(sitting.house.out.pager, sitting.words)


def _must_be_there(pager: Pager | None, service: str) -> None:
    """Raise `BadField` for a service that PagerDuty does not have; if it cannot say, the page will."""
    if pager is None or not service:
        return
    try:
        found = pager.policies_of_service(service)
    except MultivacError:
        return
    known = {one for names in found.values() for one in names.split(", ")}
    if service.casefold() in {one.casefold() for one in known}:
        return
    if not known:
        raise BadField("service", phrase("PagerDuty has no service called “{name}”.", name=service))
    names = any_of(sorted(known)[:_SHOWN])
    raise BadField("service", phrase("Write the whole name: {names}.", names=names))


def must_be_possible(sitting: Sitting, case: Case, wanted: Summons) -> None:
    """Raise `Refused`, saying whom to call instead and how, where nobody can be paged."""
    instead = paging.whom_to_call(wanted, sitting.house.out)
    if not case.status.is_open:
        told = phrase(
            "INC-{number} is {status}: nobody is paged for it. {instead}",
            number=case.id,
            status=status_name(case.status),
            instead=instead,
        )
        raise Refused(told)
    if case.drill:
        raise Refused(phrase("This is a drill: nobody is paged. Ask them in Slack if they are to take part."))
    if sitting.house.out.pager is None:
        raise Refused(
            phrase("Nobody was paged: Multivac has no key for PagerDuty. {instead}", instead=instead)
        )
    if paging.alert_of(case) is None and not sitting.house.out.raises_alerts:
        told = phrase(
            "Nobody was paged: INC-{number} has no PagerDuty incident to page from. {instead}",
            number=case.id,
            instead=instead,
        )
        raise Refused(told)


def _page_form(case: Case) -> Form:
    return Form(
        title=phrase("Page somebody"),
        line=f"INC-{case.id} page",
        send=phrase("Page"),
        fields=(
            Field(name="person", label=phrase("Whom?"), kind=Asked.PERSON),
            Field(
                name="service",
                label=phrase("Or who is on call for which service?"),
                kind=Asked.LINE,
                hint=phrase("The name that PagerDuty has for it."),
            ),
            Field(name="message", label=phrase("What for?"), kind=Asked.LINE, longest=300),
        ),
    )
