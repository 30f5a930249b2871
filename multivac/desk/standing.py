"""Who leads, how bad it is, and where it stands: what a lead decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from multivac.briefing import Asked, Field, Form
from multivac.desk.asking import Change, Reply, Sitting
from multivac.desk.handover import briefing_of
from multivac.desk.people import who_is
from multivac.errors import Refused
from multivac.incident import LEAD, EntryKind, Person, Severity, Status
from multivac.store import acts, cadence, incidents, summons
from multivac.store.cases import Case

_ACCEPT = "accept"  # what the button of the lead call says: it takes the lead from nobody
Also = Callable[[sa.Connection, Case], None]
_SAYS = {
    Status.ACTIVE: "is active",
    Status.MITIGATED: "is mitigated",
    Status.RESOLVED: "is resolved",
    Status.CLOSED: "is closed",
    Status.DISMISSED: "is dismissed: not an incident",
    Status.TRIAGE: "is in triage again",
}


# --- the lead and the other roles -----------------------------------------------------------------


def lead(sitting: Sitting) -> Reply:
    """Take the lead, or name who leads; accepting it, for whoever has it already."""
    words = sitting.words.text.lower()
    if not sitting.words.people and words not in {"", "me", _ACCEPT}:
        raise Refused("Say who: `/incident lead me`, or mention somebody: `/incident lead @ana`.")
    return _give(sitting, LEAD, _named(sitting))


def role(sitting: Sitting) -> Reply:
    """Give a role to somebody, or to nobody."""
    name = sitting.words.text.lower()
    nobody = name.endswith(" none")
    name = name.removesuffix(" none").removesuffix(" me").strip()
    if not name or name in {"me", "none"}:
        raise Refused("Name the role: `/incident role scribe me`, or `role deputy @bo`.")
    return _give(sitting, name, None if nobody else _named(sitting))


def _named(sitting: Sitting) -> Person:
    """Whom they mean: whoever they mention, else themselves."""
    people = sitting.words.people
    if not people or people[0] == sitting.ask.by:
        return sitting.person
    person, is_guest = who_is(sitting.house.out, people[0], "")
    if is_guest:
        raise Refused(f"{person.name} is a guest, and cannot have a role.")
    return person


def _give(sitting: Sitting, name: str, to: Person | None) -> Reply:
    def give(tx: sa.Connection, case: Case) -> Change:
        held = case.roles.get(name)
        if held is not None and to is not None and held.person.key == to.key:
            return _accept(tx, sitting, case, name=name)
        if held is not None and held.accepted_at is not None and sitting.words.text.lower() == _ACCEPT:
            taken = f"{held.person.name} has accepted to lead INC-{case.id}."
            return Change(said=f"{taken} To take over all the same: `/incident lead me`.")
        if to is None and name == LEAD:
            raise Refused("An incident keeps its lead until another takes it. Name who leads from now on.")
        return _pass_on(tx, sitting, case, given=_Given(name, to))

    return sitting.change(give)


@dataclass(frozen=True, slots=True)
class _Given:
    """A role, and who gets it: nobody, perhaps."""

    name: str
    to: Person | None

    @property
    def who(self) -> str:
        return self.to.name if self.to else "Nobody"


def _pass_on(tx: sa.Connection, sitting: Sitting, case: Case, *, given: _Given) -> Change:
    """Give the role, whoever had it; who is made lead by another is asked whether they take it."""
    name, to, held = given.name, given.to, case.roles.get(given.name)
    itself = to is not None and to.key == sitting.person.key
    if name == LEAD and to is not None and not itself:
        note = briefing_of(tx, case)
        summons.ask_to_lead(tx, case.id, to, now=sitting.now, by=sitting.person.name, note=note)
    acts.give_role(tx, case.id, name, to=to, now=sitting.now)
    if itself:
        acts.accept_role(tx, case.id, name, now=sitting.now)
    return Change(
        said=f"{'You are' if itself else f'{given.who} is'} the {name} of INC-{case.id} now.",
        kind=EntryKind.LEAD if name == LEAD else EntryKind.ROLE,
        entry=f"{given.who} is the {name}" + ("" if itself else f", says {sitting.person.name}"),
        before=held.person.name if held else None,
        after=to.name if to else None,
    )


def _accept(tx: sa.Connection, sitting: Sitting, case: Case, *, name: str) -> Change:
    held = case.roles[name]
    whose = "You are" if held.person.key == sitting.person.key else f"{held.person.name} is"
    if held.accepted_at is not None or held.person.key != sitting.person.key:
        return Change(said=f"{whose} the {name} of INC-{case.id} already.")
    acts.accept_role(tx, case.id, name, now=sitting.now)
    kind = EntryKind.LEAD if name == LEAD else EntryKind.ROLE
    return Change(
        said=f"Thank you. You are the {name} of INC-{case.id}.",
        kind=kind,
        entry=f"{sitting.person.name} accepted to be the {name}",
        after="accepted",
    )


# --- severity -------------------------------------------------------------------------------------


def severity(sitting: Sitting) -> Reply:
    """Settle the severity; without one, show the table by which it is decided."""
    chosen = _chosen(sitting)
    if chosen is None:
        return _severity_form(sitting.case())
    reason = sitting.text("reason")

    def settle(tx: sa.Connection, case: Case) -> Change:
        acts.settle_severity(tx, case.id, chosen, by=sitting.person.key)
        if case.status is Status.TRIAGE:
            incidents.set_status(tx, case.id, Status.ACTIVE, now=sitting.now)
        moved = f"{case.severity.upper()} → {chosen.upper()}" if chosen != case.severity else chosen.upper()
        why = f": {reason}" if reason else ""
        return Change(
            said=f"INC-{case.id} is {chosen.upper()} now.",
            kind=EntryKind.SEVERITY,
            entry=f"Severity {moved}, settled by {sitting.person.name}{why}",
            before=case.severity,
            after=chosen,
        )

    return sitting.change(settle)


def _chosen(sitting: Sitting) -> Severity | None:
    picked = sitting.ask.fields.get("severity", "")
    if picked:
        return Severity(str(picked))
    if sitting.words.severity is None and (sitting.words.odd or sitting.words.text):
        said = sitting.words.odd or sitting.words.text.split()[0]
        bare = f"sev{said}"
        if bare in set(Severity):
            return Severity(bare)
        raise Refused(f"“{said}” is no severity. Use sev1 to sev5.")
    return sitting.words.severity


def _severity_form(case: Case) -> Form:
    means = case.playbook.severity.meaning
    choices = tuple((one.value, f"{one.upper()}: {means(one)}") for one in Severity)
    return Form(
        title="Settle the severity",
        line=f"INC-{case.id} severity",
        send="Settle",
        fields=(
            Field(
                name="severity",
                label="How bad is it for users?",
                kind=Asked.CHOICE,
                choices=choices,
                filled=(case.severity.value,),
                optional=False,
            ),
            Field(name="reason", label="Why?", kind=Asked.LINE, hint="It stands in the timeline."),
        ),
    )


# --- status ---------------------------------------------------------------------------------------


def status(sitting: Sitting) -> Reply:
    """Move on to active, mitigated or resolved."""
    said = sitting.words.text.lower()
    goes = {"active": Status.ACTIVE, "mitigated": Status.MITIGATED, "resolved": Status.RESOLVED}
    if said not in goes:
        odd = f"“{said}” is no status. " if said else ""
        raise Refused(f"{odd}Use active, mitigated or resolved.")
    return move(sitting, goes[said], said="")


def mitigate(sitting: Sitting) -> Reply:
    """The worst is over."""
    return move(sitting, Status.MITIGATED, said=sitting.words.text)


def close(sitting: Sitting) -> Reply:
    """Nothing is left to do."""
    return move(sitting, Status.CLOSED, said="")


def reopen(sitting: Sitting) -> Reply:
    """It is not over: back to where it was before it ended."""
    case = sitting.case()
    back = Status.TRIAGE if case.status is Status.DISMISSED else Status.ACTIVE
    if case.status.is_open:
        raise Refused(f"INC-{case.id} is open: {case.status}.")
    return move(sitting, back, said=sitting.words.text)


def dismiss(sitting: Sitting) -> Reply:
    """It is no incident."""
    return move(sitting, Status.DISMISSED, said=sitting.words.text)


def move(sitting: Sitting, to: Status, *, said: str, also: Also | None = None) -> Reply:
    """Change where the incident stands, and what goes with it. Raises `Refused` if that may not follow."""

    def change(tx: sa.Connection, case: Case) -> Change:
        if case.status is to:
            return Change(said=f"INC-{case.id} {_SAYS[to]} already.")
        if not incidents.set_status(tx, case.id, to, now=sitting.now):
            raise Refused(_may_not(case, to))
        if impact := str(sitting.ask.fields.get("impact", "")).strip():
            acts.set_impact(tx, case.id, impact)
        if also is not None:
            also(tx, case)
        is_back = to.is_open and not case.status.is_open
        if is_back and (every := case.playbook.update_every(case.severity)):
            cadence.begin_anew(tx, case.id, next_at=sitting.now + every)
        verb = "reopened it" if is_back else f"says it {_SAYS[to]}"
        why = f": {said}" if said else ""
        return Change(
            said=f"INC-{case.id} {_SAYS[to]} now.",
            kind=EntryKind.STATUS,
            entry=f"{sitting.person.name} {verb}{why}",
            before=case.status,
            after=to,
            why=said,
        )

    return sitting.change(change)


def _may_not(case: Case, to: Status) -> str:
    if to is Status.CLOSED:
        return f"INC-{case.id} is {case.status}. Resolve it first, then close it."
    if to is Status.DISMISSED:
        return f"INC-{case.id} is {case.status}; only what is in triage can be dismissed. Resolve it instead."
    if not case.status.is_open:
        return f"INC-{case.id} is {case.status}. Reopen it first."
    return f"INC-{case.id} is {case.status}, and cannot become {to} from there."
