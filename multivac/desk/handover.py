"""Handing the lead over with a briefing, and the form of all roles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from multivac.briefing import Asked, Field, Form
from multivac.desk.asking import BadField, Change, Reply, Sitting, as_of, must_give_lead
from multivac.desk.giving import give_role
from multivac.desk.meant import no_guest
from multivac.desk.names import reopen_first, role_title
from multivac.errors import Refused
from multivac.incident import CX_LEAD, DEPUTY, LEAD, SCRIBE, EntryKind, Person, role_name
from multivac.steps import people
from multivac.steps.base import View
from multivac.steps.handing import for_new_lead
from multivac.store import acts, summons, timeline
from multivac.store.cases import Case
from multivac.tongue import listed, mark, phrase, written

_LONGEST_NOTE = 800
_ROLES = (LEAD, DEPUTY, SCRIBE, CX_LEAD)
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
    return no_guest(sitting, chat_id, else_told=mark("{name} is a guest, and cannot be asked."))


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
            give_role(tx, sitting, name, to=given[name])
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
