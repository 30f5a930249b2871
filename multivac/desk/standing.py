"""Who leads, how bad it is, and where it stands: what a lead decides."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa

from multivac.briefing import Asked, Field, Form
from multivac.desk.advice import after_severity, after_status
from multivac.desk.already import same_severity, same_status
from multivac.desk.asking import Change, Reply, Sitting, as_of, must_give_lead, must_lower
from multivac.desk.giving import give_role
from multivac.desk.meant import no_guest
from multivac.desk.names import reopen_first, stands, with_reason
from multivac.errors import Refused
from multivac.incident import (
    CX_LEAD,
    DEPUTY,
    LEAD,
    SCRIBE,
    EntryKind,
    IncidentId,
    Person,
    Severity,
    Status,
    reopened_to,
    role_name,
    role_spellings,
    status_name,
)
from multivac.steps.channel import is_archived
from multivac.store import acts, cases, endings, incidents, members
from multivac.store.cases import Case
from multivac.tongue import mark, phrase, written
from multivac.verbs import Words

# What the button of the lead call says, and "I take it": they take the lead from nobody who has accepted it.
_ACCEPT, _TAKE_IT = "accept", "it"
_OWN = frozenset({"", "me", _ACCEPT, _TAKE_IT})
Also = Callable[[sa.Connection, Case], None]
_SAYS = {
    Status.ACTIVE: mark("{name} says it is active"),
    Status.MITIGATED: mark("{name} says it is mitigated"),
    Status.RESOLVED: mark("{name} says it is resolved"),
    Status.CLOSED: mark("{name} says it is closed"),
    Status.DISMISSED: mark("{name} dismissed it as no incident"),
    Status.TRIAGE: mark("{name} says it is in triage again"),
}


# --- the lead and the other roles -----------------------------------------------------------------


def lead(sitting: Sitting) -> Reply:
    """Take the lead, or name who leads; accepting it, for whoever has it already."""
    if not sitting.words.people and not is_for_oneself(sitting.words):
        raise Refused(phrase("Say who: `/incident lead me`, or mention somebody: `/incident lead @ana`."))
    return _give(sitting, LEAD, _named(sitting))


def is_for_oneself(words: Words) -> bool:
    """Whether somebody takes the lead, or accepts it, and names nobody else."""
    return not words.people and words.text.lower() in _OWN


def role(sitting: Sitting) -> Reply:
    """Give a role to somebody, or to nobody."""
    name = sitting.words.text.lower()
    nobody = name.endswith(" none")
    known = {LEAD, DEPUTY, SCRIBE, CX_LEAD, *sitting.case().playbook.roles}
    name = _by_its_key(name.removesuffix(" none").removesuffix(" me").removesuffix(" to").strip(), known)
    meant = next((one for one in known if name.startswith(f"{one} ")), None)
    if meant is not None and name not in known:
        somebody = name.removeprefix(f"{meant} ")
        told = phrase(
            "Who is “{name}”? Mention them: `/incident role {role} @bo`.", name=somebody, role=meant
        )
        raise Refused(told)
    if not name or name in {"me", "none"}:
        raise Refused(phrase("Name the role: `/incident role scribe me`, or `role deputy @bo`."))
    return _give(sitting, name, None if nobody else _named(sitting))


def _by_its_key(said: str, known: Collection[str]) -> str:
    """The role as playbooks have it, for whoever calls it as it reads in messages."""
    for key in known:
        for spoken in role_spellings(key):
            if said == spoken or said.startswith(f"{spoken} "):
                return f"{key}{said.removeprefix(spoken)}"
    return said


def _named(sitting: Sitting) -> Person:
    """Whom they mean: whoever they mention, else themselves."""
    named = next(iter(sitting.words.people), sitting.ask.by)
    return no_guest(sitting, named, else_told=mark("{name} is a guest, and cannot have a role."))


def _give(sitting: Sitting, name: str, to: Person | None) -> Reply:
    def give(tx: sa.Connection, case: Case) -> Change:
        held = case.roles.get(name)
        if held is not None and to is not None and held.person.key == to.key:
            return _accept(tx, sitting, case, name=name)
        if (not_free := _not_free(sitting, case, name)) is not None:
            return Change(said=not_free)
        if to is None and name == LEAD:
            raise Refused(
                phrase("An incident keeps its lead until another takes it. Name who leads from now on.")
            )
        by_lead = name == LEAD and to is not None and must_give_lead(tx, sitting, case, to=to)
        return replace(_pass_on(tx, sitting, case, given=_Given(name, to)), by_lead=by_lead)

    return sitting.change(give)


def _not_free(sitting: Sitting, case: Case, name: str) -> str | None:
    """Why somebody who takes what is free, or what they were asked to, does not get it."""
    held, words = case.roles.get(name), sitting.words.text.lower()
    if name != LEAD or held is None or sitting.words.people or words not in {_ACCEPT, _TAKE_IT}:
        return None
    if held.gone_at is not None:
        return None  # whoever had it can lead no more
    if held.accepted_at is not None:
        return phrase(
            "{name} has accepted to lead INC-{number}. To take over all the same: `/incident lead me`.",
            name=held.person.name,
            number=case.id,
        )
    was_asked = any(one.key == sitting.person.key for call in case.summons for one in call.people)
    if words == _TAKE_IT or was_asked or sitting.ask.via == "button":
        return None
    return phrase(
        "{name} is asked to lead INC-{number}, not you. To take the lead: `/incident lead me`.",
        name=held.person.name,
        number=case.id,
    )


@dataclass(frozen=True, slots=True)
class _Given:
    """A role, and who gets it: nobody, perhaps."""

    name: str
    to: Person | None

    def said(self, number: IncidentId, *, itself: bool) -> str:
        """What is told whoever gave it."""
        role = role_name(self.name)
        if itself:
            return phrase("You are the {role} of INC-{number} now.", role=role, number=number)
        if self.to is None:
            return phrase("Nobody is the {role} of INC-{number} now.", role=role, number=number)
        return phrase(
            "{name} is the {role} of INC-{number} now.", name=self.to.name, role=role, number=number
        )

    def entry(self, by: str, *, itself: bool) -> str:
        """The line of the timeline."""
        role = role_name(self.name, written)
        if self.to is None:
            return written("Nobody is the {role}, says {by}", role=role, by=by)
        if itself:
            return written("{name} is the {role}", name=self.to.name, role=role)
        return written("{name} is the {role}, says {by}", name=self.to.name, role=role, by=by)


def _pass_on(tx: sa.Connection, sitting: Sitting, case: Case, *, given: _Given) -> Change:
    """Give the role, whoever had it; who is made lead by another is asked whether they take it."""
    name, to, held = given.name, given.to, case.roles.get(given.name)
    itself = to is not None and to.key == sitting.person.key
    give_role(tx, sitting, name, to=to)
    return Change(
        said=given.said(case.id, itself=itself),
        kind=EntryKind.LEAD if name == LEAD else EntryKind.ROLE,
        entry=given.entry(sitting.person.name, itself=itself),
        before=held.person.name if held else None,
        after=to.name if to else None,
        is_asked=name == LEAD and not itself and case.status.is_open,
    )


def _accept(tx: sa.Connection, sitting: Sitting, case: Case, *, name: str) -> Change:
    held, role = case.roles[name], role_name(name)
    if held.person.key != sitting.person.key:
        told = mark("{name} is the {role} of INC-{number} already.")
        return Change(said=phrase(told, name=held.person.name, role=role, number=case.id))
    if held.accepted_at is not None:
        return Change(said=phrase("You are the {role} of INC-{number} already.", role=role, number=case.id))
    acts.accept_role(tx, case.id, name, now=sitting.now)
    kind = EntryKind.LEAD if name == LEAD else EntryKind.ROLE
    return Change(
        said=phrase("Thank you. You are the {role} of INC-{number}.", role=role, number=case.id),
        kind=kind,
        entry=written(
            "{name} accepted to be the {role}", name=sitting.person.name, role=role_name(name, written)
        ),
        after="accepted",
    )


# --- severity -------------------------------------------------------------------------------------


def severity(sitting: Sitting) -> Reply:
    """Settle the severity; without one, show the table by which it is decided."""
    chosen = _chosen(sitting)
    if chosen is None:
        return _severity_form(sitting.case())
    reason = sitting.text("reason")
    if sitting.words.severity is None and not sitting.ask.fields:
        reason = reason.partition(" ")[2]  # the first word was the severity, as a bare number

    def settle(tx: sa.Connection, case: Case) -> Change:
        if (already := same_severity(case, chosen)) is not None:
            return Change(said=already)
        lowers = chosen.rank > case.severity.rank
        if lowers:
            must_lower(tx, sitting, case)
        acts.settle_severity(tx, case.id, chosen, by=sitting.person.key)
        if case.status is Status.TRIAGE:
            incidents.set_status(tx, case.id, Status.ACTIVE, now=sitting.now)
        advice = after_severity(sitting, cases.load(tx, case.id), was=case.status)
        return Change(
            said=advice.said,
            presses=advice.presses,
            kind=EntryKind.SEVERITY,
            entry=with_reason(settled(case, chosen, by=sitting.person.name), reason),
            before=case.severity,
            after=chosen,
            why=reason,
            by_lead=lowers,
        )

    return sitting.change(settle)


def settled(case: Case, chosen: Severity, *, by: str) -> str:
    """The line of the timeline that says what somebody made of the severity."""
    moved = f"{case.severity.upper()} → {chosen.upper()}" if chosen != case.severity else chosen.upper()
    return written("Severity {severity}, settled by {name}", severity=moved, name=by)


def _chosen(sitting: Sitting) -> Severity | None:
    picked = sitting.ask.fields.get("severity", "")
    if picked:
        return Severity(str(picked))
    if sitting.words.severity is None and (sitting.words.odd or sitting.words.text):
        said = sitting.words.odd or sitting.words.text.split()[0]
        bare = f"sev{said}"
        if bare in set(Severity):
            return Severity(bare)
        raise Refused(phrase("“{said}” is no severity. Use sev1 to sev5.", said=said))
    return sitting.words.severity


def _severity_form(case: Case) -> Form:
    means = case.playbook.severity.meaning
    choices = tuple((one.value, f"{one.upper()}: {means(one)}") for one in Severity)
    return Form(
        title=phrase("Settle the severity"),
        line=f"INC-{case.id} severity",
        send=phrase("Settle"),
        as_of=as_of(case, "severity"),
        fields=(
            Field(
                name="severity",
                label=phrase("How bad is it for users?"),
                kind=Asked.CHOICE,
                choices=choices,
                filled=(case.severity.value,),
                optional=False,
            ),
            Field(
                name="reason",
                label=phrase("Why?"),
                kind=Asked.LINE,
                hint=phrase("It stands in the timeline."),
            ),
        ),
    )


# --- status ---------------------------------------------------------------------------------------


def status(sitting: Sitting) -> Reply:
    """Move on to active or mitigated; what ends it is read as the verb that does."""
    said = sitting.words.text.lower()
    goes = {"active": Status.ACTIVE, "mitigated": Status.MITIGATED}
    if said not in goes:
        if not said:
            raise Refused(phrase("Use active, mitigated or resolved."))
        raise Refused(phrase("“{said}” is no status. Use active, mitigated or resolved.", said=said))
    return move(sitting, goes[said], said="")


def mitigate(sitting: Sitting) -> Reply:
    """The worst is over."""
    return move(sitting, Status.MITIGATED, said=sitting.words.text)


def close(sitting: Sitting) -> Reply:
    """Nothing is left to do."""
    return move(sitting, Status.CLOSED, said="")


def reopen(sitting: Sitting) -> Reply:
    """It is not over: back to triage if nobody has settled how bad it is, else active."""
    case = sitting.case()
    back = reopened_to(case.status, case.severity_by)
    if case.status.is_open:
        raise Refused(
            phrase("INC-{number} is open: {status}.", number=case.id, status=status_name(case.status))
        )
    return move(sitting, back, said=sitting.words.text)


def move(
    sitting: Sitting,
    to: Status,
    *,
    said: str,
    also: Also | None = None,
    more: Callable[[Case], Mapping[str, str]] = lambda _: {},
) -> Reply:
    """Change where the incident stands, and what goes with it. Raises `Refused` if that may not follow.

    `more` is what is kept of the change for whoever is told of it.
    """

    def change(tx: sa.Connection, case: Case) -> Change:
        if case.status is to:
            return Change(said=same_status(case))
        if not incidents.set_status(tx, case.id, to, now=sitting.now):
            raise Refused(may_not(case, to))
        if impact := str(sitting.ask.fields.get("impact", "")).strip():
            acts.set_impact(tx, case.id, impact)
        if also is not None:
            also(tx, case)
        if is_back := to.is_open and not case.status.is_open:
            every = case.playbook.update_every(case.severity)
            is_lead = case.lead is not None and case.lead.key == sitting.person.key
            by = None if is_lead else sitting.person.name
            endings.reopened(tx, case.id, now=sitting.now, update_every=every, by=by, note=said)
            if is_archived(case):  # then it goes on in a new channel, which they must find
                members.ask_for(tx, case.id, sitting.ask.by, by=sitting.ask.by, at=sitting.now)
        entry = written(mark("{name} reopened it") if is_back else _SAYS[to], name=sitting.person.name)
        advice = after_status(sitting, cases.load(tx, case.id), was=case.status)
        return Change(
            said=advice.said,
            presses=advice.presses,
            kind=EntryKind.STATUS,
            entry=with_reason(entry, said),
            before=case.status,
            after=to,
            why=said,
            more=more(case),
        )

    return sitting.change(change)


def may_not(case: Case, to: Status) -> str:
    """Why it cannot come to this status from where it stands, and what to do instead."""
    if to is Status.CLOSED:
        told = stands(case.id, case.status)
        return phrase("{stands} Resolve it first, then close it.", stands=told)
    status = status_name(case.status)
    if to is Status.DISMISSED:
        return phrase(
            "INC-{number} is {status}; only what is in triage can be dismissed. Resolve it instead.",
            number=case.id,
            status=status,
        )
    if not case.status.is_open:
        return reopen_first(case.id, case.status)
    return phrase(
        "INC-{number} is {status}, and cannot become {to} from there.",
        number=case.id,
        status=status,
        to=status_name(to),
    )
