"""One request of a person, where it is dealt with, and the one way in which it changes an incident."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.briefing import Answer, Files, Form, fingerprint
from multivac.desk.names import none_such
from multivac.errors import Refused
from multivac.incident import DEPUTY, LEAD, Entry, EntryKind, IncidentId, Person
from multivac.jobs import Jobs, Put
from multivac.playbook import Playbook
from multivac.steps.base import Outside
from multivac.steps.leading import waiting
from multivac.store import acts, cases, incidents, sayings, timeline
from multivac.store.acts import Act
from multivac.store.cases import Case
from multivac.store.sayings import SayingKind
from multivac.tongue import phrase
from multivac.verbs import Right, Verb, Words

Reply = Answer | Files | Form | None  # None: what they asked shows by itself, or was done before
Filled = str | tuple[str, ...]

_TOLD = frozenset({EntryKind.SEVERITY, EntryKind.STATUS, EntryKind.LEAD, EntryKind.ROLE})
_INACTIVE = timedelta(minutes=30)  # a lead of whom nothing was seen for so long holds nobody up


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A line that somebody said, in whatever way.

    `request` is the same in each redelivery. `by` is their id in the chat, `channel` the chat's id of
    where they said it. `fields` are those of a form that was sent, `quoted` the text of a message.
    """

    request: str
    by: str
    name: str
    via: str  # command, button, form, mention or message
    line: str
    channel: str = ""
    fields: Mapping[str, Filled] = field(default_factory=dict)
    quoted: str = ""

    @property
    def ref(self) -> str:
        """Four letters and digits by which operators find what became of it."""
        return fingerprint(self.request)[:4].upper()


class BadField(Refused):
    """What was written into a field of a form cannot be used."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a verb made of an incident, for the timeline and the trail; `said` is told whoever asked."""

    said: str
    kind: EntryKind | None = None
    entry: str = ""  # a line of the timeline, in which the person is named
    at: datetime | None = None  # when it happened, if not now
    before: str | None = None
    after: str | None = None
    why: str = ""  # in their words


Work = Callable[[sa.Connection, Case], Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the desk works with, the same for every request."""

    out: Outside
    jobs: Jobs
    playbooks: Callable[[], Sequence[Playbook]]
    admins: frozenset[str]  # e-mails in small letters, and ids of the chat


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """One request as a verb sees it: who asks, in which words, about which incident."""

    house: House
    ask: Ask
    verb: Verb
    words: Words
    person: Person
    number: IncidentId | None
    is_guest: bool = False

    @property
    def now(self) -> datetime:
        """The present."""
        return self.house.out.clock.now()

    @property
    def incident(self) -> IncidentId:
        """The incident it is about; a verb within an incident always has one."""
        assert self.number is not None  # noqa: S101  # states what `Desk` guarantees
        return self.number

    def text(self, name: str) -> str:
        """A field of the form, else the words of the line."""
        said = self.ask.fields.get(name, self.words.text if not self.ask.fields else "")
        return said.strip() if isinstance(said, str) else " ".join(said)

    def case(self) -> Case:
        """The incident as it stands. Raises `Refused` for whoever may not see it."""
        with self.house.out.database.read() as tx:
            case = cases.load(tx, self.incident)
            must_see(tx, self, case)
        return case

    def change(self, work: Work) -> Reply:
        """Change the incident in one transaction, once, and have the response follow.

        Raises `Refused` if the person may not; then nothing has changed.
        """
        done = self.house.out.database.write(lambda tx: self._change(tx, work), urgent=True)
        if done is None:
            return None
        change, put = done
        self.house.jobs.begin(put)
        return Answer(lines=(change.said,)) if change.said else None

    def _change(self, tx: sa.Connection, work: Work) -> tuple[Change, Put] | None:
        incidents.lock(tx, self.incident)
        case = cases.load(tx, self.incident)
        must_see(tx, self, case)
        must_be_allowed(tx, self, case)
        if case.lead is not None and case.lead.key == self.person.key:
            acts.accept_role(tx, case.id, LEAD, now=self.now)  # whoever acts as the lead has accepted
        change = work(tx, case)
        if not acts.leave_trail(tx, self.act("done", change)):
            raise DoneBefore
        self._note(tx, change)
        tell_of(tx, self.incident, change, by=self.person.name, at=self.now)
        incidents.person_is_on_it(tx, case.id, now=self.now)
        return change, self.house.jobs.put(tx, incidents.touch(tx, case.id))

    def _note(self, tx: sa.Connection, change: Change) -> None:
        if change.kind is None:
            return
        key = f"{self.verb.name}:{self.ask.request}"
        at = change.at or self.now
        entry = Entry(kind=change.kind, at=at, text=change.entry, key=key, actor=self.person.name)
        timeline.note(tx, self.incident, [entry], now=self.now)

    def act(self, outcome: str, change: Change | None = None) -> Act:
        """What the trail keeps of this request."""
        return Act(
            request=self.ask.request,
            ref=self.ask.ref,
            at=self.now,
            actor=self.person.key,
            verb=self.verb.name,
            via=self.ask.via,
            incident=self.number,
            outcome=outcome,
            before=change.before if change else None,
            after=change.after if change else None,
        )


def tell_of(tx: sa.Connection, number: IncidentId, change: Change, *, by: str, at: datetime) -> None:
    """Keep what the channel is told in one line; the lead call tells of a first lead and of accepting."""
    is_first_lead = change.kind is EntryKind.LEAD and (change.before is None or change.after == "accepted")
    if change.kind not in _TOLD or is_first_lead:
        return
    what = change.entry if change.kind is EntryKind.ROLE else change.kind.value
    more = {"what": what, "before": change.before, "after": change.after, "why": change.why}
    sayings.add(tx, number, kind=SayingKind.CHANGE, text=change.entry, by=by, at=at, more=more)


class DoneBefore(Exception):  # not an error: the request was delivered again
    """The very request was dealt with before; the transaction is undone."""


# --- what somebody may do -------------------------------------------------------------------------


def right_of(tx: sa.Connection, sitting: Sitting, case: Case) -> Right:
    """What the person may do in this incident, as of now."""
    if sitting.is_guest:
        return Right.GUEST
    if is_admin(sitting):
        return Right.ADMIN
    held = {name for name, row in case.roles.items() if row.person.key == sitting.person.key}
    call = waiting(case)
    is_asked = call is not None and call.people[0].key == sitting.person.key
    if held & {LEAD, DEPUTY} or is_asked:
        return Right.LEAD
    if not held and not _responds(tx, sitting, case):
        return Right.MEMBER
    since = acts.leads_since(tx, case.id)
    is_led = since is not None and sitting.now - since <= _INACTIVE
    return Right.RESPONDER if is_led else Right.LEAD


def is_admin(sitting: Sitting) -> bool:
    """Whether they run Multivac."""
    return bool({sitting.ask.by, sitting.person.key} & sitting.house.admins)


def _responds(tx: sa.Connection, sitting: Sitting, case: Case) -> bool:
    by = sitting.ask.by
    return (
        (case.channel_id is not None and sitting.ask.channel == case.channel_id)
        or (by in case.result("invite").get("joined", ()) and not acts.has_left(tx, case.id, by))
        or acts.is_member(tx, case.id, by)
    )


def must_be_allowed(tx: sa.Connection, sitting: Sitting, case: Case) -> None:
    """Raise `Refused`, saying who may, unless the person has the verb's right."""
    right, wanted, verb = right_of(tx, sitting, case), sitting.verb.right, sitting.verb.name
    if right >= wanted:
        return
    if right is Right.GUEST:
        raise Refused(phrase("Guests can read here, but not change anything. Ask somebody of the team."))
    if wanted is Right.ADMIN:
        raise Refused(phrase("Only those who run Multivac can {verb}.", verb=verb))
    if wanted is Right.LEAD and case.lead is not None:
        told = phrase(
            "Only the lead ({lead}) or a deputy can {verb} INC-{number}. Ask them, or take the lead first.",
            lead=case.lead.name,
            verb=verb,
            number=case.id,
        )
        raise Refused(told)
    where = f"#{case.channel_name}" if case.channel_id else f"INC-{case.id}"
    told = phrase("Only those who respond can {verb} here. Join {where} first.", verb=verb, where=where)
    raise Refused(told)


def must_see(tx: sa.Connection, sitting: Sitting, case: Case) -> None:
    """Raise `Refused`, as if there were no such incident, for whoever may not know of it."""
    if case.playbook.channel.private and not sees_private(tx, sitting, case):
        raise Refused(none_such(case.id))


def sees_private(tx: sa.Connection, sitting: Sitting, case: Case) -> bool:
    """Whether they are among those who respond to a private incident."""
    held = {row.person.key for row in case.roles.values()}
    declared = case.declared_by is not None and case.declared_by.key == sitting.person.key
    return declared or sitting.person.key in held or _responds(tx, sitting, case)
