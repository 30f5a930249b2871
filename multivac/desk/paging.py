"""Paging somebody through the pager: a person, or whoever is on call for a service."""

from __future__ import annotations

import sqlalchemy as sa

from multivac.briefing import Asked, Field, Form
from multivac.desk.asking import BadField, Change, Reply, Sitting
from multivac.desk.handover import whom
from multivac.desk.names import with_reason
from multivac.desk.teams import team_first
from multivac.errors import MultivacError, Refused
from multivac.incident import EntryKind, status_name
from multivac.ports import Pager
from multivac.steps import paging
from multivac.store import summons
from multivac.store.cases import Case, Summons
from multivac.tongue import any_of, phrase, written

_SHOWN = 5  # services with a like name


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
