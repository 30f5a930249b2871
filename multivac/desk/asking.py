"""One request of a person, where it is dealt with, and the one way in which it changes an incident."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from multivac.briefing import Answer, Files, Form, Press, fingerprint
from multivac.desk.names import none_such
from multivac.desk.operators import with_names
from multivac.errors import Refused, sure
from multivac.incident import (
    CX_LEAD,
    DEPUTY,
    LEAD,
    Entry,
    EntryKind,
    IncidentId,
    Person,
    Severity,
    role_name,
    status_name,
)
from multivac.jobs import Jobs, Put
from multivac.playbook import Playbook
from multivac.steps.base import Outside
from multivac.steps.leading import waiting
from multivac.store import acts, cases, incidents, sayings, timeline
from multivac.store.acts import Act
from multivac.store.cases import Case
from multivac.store.sayings import SayingKind
from multivac.tongue import phrase, written
from multivac.verbs import Right, Verb, Words, refusal

Reply = Answer | Files | Form | None  # None: what they asked shows by itself, or was done before
Filled = str | tuple[str, ...]

_OF_THE_LEAD = frozenset({"lead", "role", "roles", "handover"})  # they say themselves what becomes of it
_TOLD = frozenset({EntryKind.SEVERITY, EntryKind.STATUS, EntryKind.LEAD, EntryKind.ROLE})
_INACTIVE = timedelta(minutes=30)  # a lead of whom nothing was seen for so long holds nobody up


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A line that somebody said, in whatever way.

    `request` is the same in each redelivery. `by` is their id in the chat, `channel` the chat's id of
    where they said it, `thread` that of the message below which they did. `fields` are those of a form that
    was sent, `as_of` what it showed of the incident and `again` how often; `quoted` is the text of a message.
    """

    request: str
    by: str
    name: str
    via: str  # command, button, form, mention or message
    line: str
    channel: str = ""
    thread: str = ""
    fields: Mapping[str, Filled] = field(default_factory=dict)
    quoted: str = ""
    as_of: str = ""
    again: int = 0

    @property
    def ref(self) -> str:
        """Four letters and digits by which operators find what became of it."""
        return fingerprint(self.request)[:4].upper()


class Stale(Refused):
    """The incident is not any more what the form shows that was sent; `facts` are those that differ."""

    def __init__(self, reason: str, *, facts: frozenset[str]) -> None:
        super().__init__(reason)
        self.facts = facts


class OnlyLead(Refused):
    """Only the lead may do it, `lead` by name: they can be asked to approve it.

    `line` is what they are asked to do, where it is not what was asked for as a whole.
    """

    def __init__(self, reason: str, *, lead: str, number: IncidentId, line: str = "") -> None:
        super().__init__(reason)
        self.lead = lead
        self.number = number
        self.line = line


class BadField(Refused):
    """What was written into a field of a form cannot be used."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a verb made of an incident, for the timeline and the trail; `said` is told whoever asked.

    `by_lead` says that only the lead may do this, although others may ask for the verb. `more` is kept for
    the messages that tell of it.
    """

    said: str
    kind: EntryKind | None = None
    entry: str = ""  # a line of the timeline, in which the person is named
    at: datetime | None = None  # when it happened, if not now
    link: str | None = None  # where it can be read
    before: str | None = None
    after: str | None = None
    why: str = ""  # in their words
    by_lead: bool = False
    more: Mapping[str, str] = field(default_factory=dict)
    is_asked: bool = False  # whoever is to lead is asked in the channel, which says it all
    presses: tuple[Press, ...] = ()  # below what is said


Work = Callable[[sa.Connection, Case], Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the lead does because `name` asked for it; `settle` is called with what came of it."""

    name: str
    key: str
    settle: Callable[[sa.Connection, Change], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the desk works with, the same for every request. `does` says what each verb does.

    `count_declared` is called for each incident that people declare, with its severity; not for a drill.
    """

    out: Outside
    jobs: Jobs
    playbooks: Callable[[], Sequence[Playbook]]
    admins: frozenset[str]  # e-mails in small letters, and ids of the chat
    does: Mapping[str, Callable[[Sitting], Reply]] = field(default_factory=dict)
    count_declared: Callable[[Severity], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """One request as a verb sees it: who asks, in which words, about which incident.

    With a `wish` the change is somebody else's, carried out by the lead. `instead` is what is done where
    the incident would be changed. `known` are people who are named by their e-mail.
    """

    house: House
    ask: Ask
    verb: Verb
    words: Words
    person: Person
    number: IncidentId | None
    is_guest: bool = False
    wish: Wish | None = None
    instead: Callable[[], Reply] | None = None
    known: Mapping[str, Person] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """The present."""
        return self.house.out.clock.now()

    @property
    def incident(self) -> IncidentId:
        """The incident it is about; a verb within an incident always has one."""
        return sure(self.number)

    def text(self, name: str) -> str:
        """A field of the form, else the words of the line."""
        said = self.ask.fields.get(name, self.words.text if not self.ask.fields else "")
        return said.strip() if isinstance(said, str) else " ".join(said)

    def choice(self, name: str) -> str:
        """A field of the form, else the flag of this name; "" where neither is given."""
        said = self.ask.fields.get(name, self.words.options.get(name, ""))
        return said.strip() if isinstance(said, str) else " ".join(said)

    def moment(self, name: str) -> datetime | None:
        """When something happened, as a field of the form says; None where it says nothing.

        Raises `BadField` if that is still to come.
        """
        said = str(self.ask.fields.get(name, ""))
        if not said.isdecimal():
            return None
        at = datetime.fromtimestamp(int(said), UTC)
        if at > self.now:
            raise BadField(name, phrase("That is still to come. Pick when it happened."))
        return at

    def case(self) -> Case:
        """The incident as it stands. Raises `Refused` for whoever may not see it, or not do this."""
        with self.house.out.database.read() as tx:
            case = cases.load(tx, self.incident)
            must_see(tx, self, case)
            if self.instead is None and self.verb.right is Right.LEAD and case.lead is not None:
                must_be_allowed(tx, self, case)  # before they have filled in a form for nothing
        return case

    def change(self, work: Work) -> Reply:
        """Change the incident in one transaction, once, and have the response follow.

        Raises `Refused` if the person may not; then nothing has changed.
        """
        if self.instead is not None:
            return self.instead()
        done = self.house.out.database.write(lambda tx: self._change(tx, work), urgent=True)
        if done is None:
            return None
        change, put = done
        self.house.jobs.begin(put)
        lines = tuple(change.said.splitlines())
        return Answer(lines=lines, presses=change.presses) if lines else None

    def _change(self, tx: sa.Connection, work: Work) -> tuple[Change, Put] | None:
        incidents.lock(tx, self.incident)
        case = cases.load(tx, self.incident)
        must_see(tx, self, case)
        must_be_allowed(tx, self, case)
        must_be_current(self.ask, case)
        absent = absent_lead(tx, self, case)
        accepts = self._accepts_by_acting(tx, case)
        change = work(tx, case)
        if accepts:
            so = phrase("With that you have accepted to lead INC-{number}.", number=case.id)
            change = replace(change, said=f"{change.said} {so}".strip())
        is_broken = absent is not None and (self.verb.right is Right.LEAD or change.by_lead)
        change = self._told_whole(change, absent=absent if is_broken else None)
        if not acts.leave_trail(tx, self.act("done", change, broke_glass=is_broken)):
            raise DoneBefore
        if self.wish is not None:
            self.wish.settle(tx, change)
        self._note(tx, change)
        tell_of(tx, self.incident, change, by=self.person.name, at=self.now)
        incidents.person_is_on_it(tx, case.id, now=self.now)
        return change, self.house.jobs.put(tx, incidents.touch(tx, case.id))

    def _accepts_by_acting(self, tx: sa.Connection, case: Case) -> bool:
        """Whoever acts as the lead has accepted; whether this is the first that they do."""
        if case.lead is None or case.lead.key != self.person.key:
            return False
        is_first = acts.accept_role(tx, case.id, LEAD, now=self.now)
        if not is_first or self.verb.name in _OF_THE_LEAD:
            return False
        name = self.person.name
        text = written("{name} accepted to lead, by acting as the lead", name=name)
        entry = Entry(
            kind=EntryKind.LEAD,
            at=self.now,
            text=text,
            key=f"{timeline.BY_ACTING}{self.ask.request}",
            actor=name,
        )
        timeline.note(tx, case.id, [entry], now=self.now)
        return True

    def _told_whole(self, change: Change, *, absent: Person | None) -> Change:
        """The change with what else the timeline and the channel are told of it."""
        entry = change.entry
        if entry and absent is not None:
            entry = written(
                "{what} (in place of {lead}, who was not seen here lately)", what=entry, lead=absent.name
            )
        if entry and self.wish is not None:
            entry = written("{what} ({name} asked for it)", what=entry, name=self.wish.name)
        return replace(change, entry=entry)

    def _note(self, tx: sa.Connection, change: Change) -> None:
        if change.kind is None:
            return
        key = f"{self.verb.name}:{self.ask.request}"
        at = change.at or self.now
        entry = Entry(
            kind=change.kind,
            at=at,
            text=change.entry,
            key=key,
            actor=self.person.name,
            link=change.link,
        )
        timeline.note(tx, self.incident, [entry], now=self.now)

    def act(self, outcome: str, change: Change | None = None, *, broke_glass: bool = False) -> Act:
        """What the trail keeps of this request; `broke_glass` if they acted for a lead who does nothing."""
        via = f"{self.ask.via}, asked for by {self.wish.key}" if self.wish is not None else self.ask.via
        return Act(
            request=self.ask.request,
            ref=self.ask.ref,
            at=self.now,
            actor=self.person.key,
            verb=self.verb.name,
            via=f"{via}, break glass" if broke_glass else via,
            incident=self.number,
            outcome=outcome,
            before=change.before if change else None,
            after=change.after if change else None,
        )


def tell_of(tx: sa.Connection, number: IncidentId, change: Change, *, by: str, at: datetime) -> None:
    """Keep what the channel is told in one line; the lead call tells of who is asked and of who accepts."""
    is_first_lead = change.kind is EntryKind.LEAD and (change.before is None or change.after == "accepted")
    if change.kind not in _TOLD or is_first_lead or change.is_asked:
        return
    what = change.entry if change.kind is EntryKind.ROLE else change.kind.value
    more = {"what": what, "before": change.before, "after": change.after, "why": change.why, **change.more}
    sayings.add(tx, number, kind=SayingKind.CHANGE, text=change.entry, by=by, at=at, more=more)


class DoneBefore(Exception):  # not an error: the request was delivered again
    """The very request was dealt with before; the transaction is undone."""


# --- what somebody may do -------------------------------------------------------------------------


def right_of(tx: sa.Connection, sitting: Sitting, case: Case) -> Right:
    """What the person may do in this incident, as of now."""
    right = _right_by_role(tx, sitting, case)
    return Right.LEAD if right is Right.RESPONDER and not _is_led(tx, sitting, case) else right


def absent_lead(tx: sa.Connection, sitting: Sitting, case: Case) -> Person | None:
    """The lead in whose place this person may act, since nothing was seen of the lead for long."""
    is_other = _right_by_role(tx, sitting, case) is Right.RESPONDER
    return case.lead if is_other and not _is_led(tx, sitting, case) else None


def _right_by_role(tx: sa.Connection, sitting: Sitting, case: Case) -> Right:
    if sitting.is_guest:
        return Right.GUEST
    if is_admin(sitting):
        return Right.ADMIN
    held = {name for name, row in case.roles.items() if row.person.key == sitting.person.key}
    call = waiting(case)
    is_asked = call is not None and call.people[0].key == sitting.person.key
    if held & {LEAD, DEPUTY} or is_asked:
        return Right.LEAD
    return Right.RESPONDER if held or _responds(tx, sitting, case) else Right.MEMBER


def _is_led(tx: sa.Connection, sitting: Sitting, case: Case) -> bool:
    since = acts.leads_since(tx, case.id)
    return since is not None and sitting.now - since <= _INACTIVE


def is_admin(sitting: Sitting) -> bool:
    """Whether they run Multivac."""
    return bool({sitting.ask.by, sitting.person.key} & sitting.house.admins)


def _responds(tx: sa.Connection, sitting: Sitting, case: Case) -> bool:
    by = sitting.ask.by
    return (
        (case.channel_id is not None and sitting.ask.channel == case.channel_id)
        or (by in case.result("invite").get("joined", ()) and not acts.has_left(tx, case.id, by))
        or acts.is_member(tx, case.id, by)
        or _waits_to_come_in(sitting, case)
        or any(one.owner is not None and one.owner.key == sitting.person.key for one in case.tasks.values())
    )


def _waits_to_come_in(sitting: Sitting, case: Case) -> bool:
    """Whether only the channel is missing in which they would respond: they declared it, or are asked for."""
    if case.channel_id is not None:
        return False
    asked = case.members.get(sitting.ask.by)
    is_declarer = case.declared_by is not None and case.declared_by.key == sitting.person.key
    return is_declarer or (asked is not None and asked.asked_at is not None and not asked.has_left)


def must_be_allowed(tx: sa.Connection, sitting: Sitting, case: Case) -> None:
    """Raise `Refused`, saying who may, unless the person has the verb's right."""
    right, wanted, lead = right_of(tx, sitting, case), sitting.verb.right, case.lead
    if right >= wanted:
        return
    if right is Right.GUEST:
        raise Refused(phrase("Guests can read here, but not change anything. Ask somebody of the team."))
    no = refusal(sitting.verb, number=case.id, lead=lead.name if lead is not None else "")
    if wanted is Right.ADMIN:
        raise Refused(with_names(no, out=sitting.house.out, admins=sitting.house.admins))
    if wanted is Right.LEAD and lead is not None:
        told = phrase("{refusal} Ask them, or take the lead first.", refusal=no)
        raise OnlyLead(told, lead=lead.name, number=case.id)
    if wanted is Right.LEAD:
        no = phrase("INC-{number} has no lead: until it has, those who respond decide.", number=case.id)
    raise Refused(phrase("{refusal} Join first: `/incident INC-{number} join`.", refusal=no, number=case.id))


_FACTS: Mapping[str, Callable[[Case], str]] = {
    "severity": lambda case: case.severity,
    "status": lambda case: case.status,
    "impact": lambda case: case.impact,
    "roles": lambda case: " ".join(f"{name}={held.person.key}" for name, held in sorted(case.roles.items())),
}


def as_of(case: Case, *facts: str) -> str:
    """What a form shows of the incident, to be compared by `must_be_current` when it is sent."""
    return " ".join(f"{name}:{fingerprint(_FACTS[name](case))}" for name in facts)


def must_be_current(ask: Ask, case: Case) -> None:
    """Raise `Stale` if others have changed meanwhile what the form shows that was sent."""
    shown = (one.partition(":") for one in ask.as_of.split())
    facts = {name for name, _, seen in shown if fingerprint(_FACTS[name](case)) != seen}
    if not facts:
        return
    told = phrase(
        "Others changed INC-{number} meanwhile: it is {severity} and {status} now. "
        "Your words are kept; look at the rest again, then send.",
        number=case.id,
        severity=case.severity.upper(),
        status=status_name(case.status),
    )
    raise Stale(told, facts=frozenset(facts))


def must_lower(tx: sa.Connection, sitting: Sitting, case: Case) -> None:
    """Raise `Refused` unless the person may say that it is less bad than it was held to be.

    That is for the lead, and for whoever speaks for customers.
    """
    held = case.roles.get(CX_LEAD)
    is_settling = held is not None and held.person.key == sitting.person.key
    if is_settling or case.lead is None or right_of(tx, sitting, case) >= Right.LEAD:
        return
    told = phrase(
        "Only the lead ({lead}), a deputy or the {role} can lower the severity of INC-{number}. "
        "Anybody who responds can raise it.",
        lead=case.lead.name,
        role=role_name(CX_LEAD),
        number=case.id,
    )
    raise OnlyLead(told, lead=case.lead.name, number=case.id)


def must_give_lead(tx: sa.Connection, sitting: Sitting, case: Case, *, to: Person) -> bool:
    """Whether this takes the lead from one who has accepted it, and gives it to a third.

    Raises `OnlyLead` if they may not; to take the lead oneself is open to whoever responds.
    """
    held = case.roles.get(LEAD)
    if held is None or held.accepted_at is None or to.key in {sitting.person.key, held.person.key}:
        return False
    if right_of(tx, sitting, case) >= Right.LEAD:
        return True
    told = phrase(
        "{lead} has accepted to lead INC-{number}: only they or a deputy can give the lead to another. "
        "To take it yourself: `/incident INC-{number} lead me`.",
        lead=held.person.name,
        number=case.id,
    )
    line = f"lead <@{to.slack}>" if to.slack else ""
    raise OnlyLead(told, lead=held.person.name, number=case.id, line=line)


def must_see(tx: sa.Connection, sitting: Sitting, case: Case) -> None:
    """Raise `Refused`, as if there were no such incident, for whoever may not know of it."""
    if case.playbook.channel.private and not sees_private(tx, sitting, case):
        raise Refused(none_such(case.id))


def sees_private(tx: sa.Connection, sitting: Sitting, case: Case) -> bool:
    """Whether they are among those who respond to a private incident."""
    held = {row.person.key for row in case.roles.values()}
    declared = case.declared_by is not None and case.declared_by.key == sitting.person.key
    return declared or sitting.person.key in held or _responds(tx, sitting, case)
