"""Declaring by hand: a title is enough; everything else has a default or comes later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.briefing import Answer, Asked, Field, Form, Press
from multivac.desk.asking import BadField, DoneBefore, Reply, Sitting
from multivac.desk.correcting import named_services
from multivac.desk.looking import may_see_row
from multivac.desk.offering import BY_SIGN, offer_to_declare
from multivac.errors import Refused
from multivac.incident import Entry, EntryKind, Facts, IncidentId, Severity
from multivac.jobs import Put
from multivac.playbook import Playbook, choose
from multivac.store import acts, incidents, sayings, timeline
from multivac.store.acts import Row
from multivac.store.sayings import SayingKind
from multivac.tongue import lasting, mark, phrase, written

_LONGEST_TITLE = 200
_NOT_SURE = Severity.SEV2  # in doubt the worse one: it is easily lowered
_SHOWN_OPEN = 3
_LATELY = timedelta(hours=1)
_CHOICES = (
    ("", mark("Not sure: treat it as SEV2")),
    ("sev1", mark("🔴 SEV1: users cannot work, or data is at risk")),
    ("sev2", mark("🟠 SEV2: many users are hit")),
    ("sev3", mark("🟡 SEV3: few users are hit")),
    ("sev4", mark("🔵 SEV4: no user is hit, look today")),
    ("sev5", mark("⚪ SEV5: it can wait")),
)


def declare(sitting: Sitting) -> Reply:
    """Bring an incident into being; without a title, ask for one."""
    if sitting.ask.via == BY_SIGN:
        return offer_to_declare(sitting)
    title = " ".join(sitting.text("title").split())
    if not title or (sitting.words.message is not None and not sitting.ask.fields):
        if sitting.ask.fields:
            raise BadField("title", phrase("Write in a few words what is wrong."))
        return _form(sitting)
    if sitting.words.odd:
        raise Refused(phrase("{said} is no severity. Use sev1 to sev5.", said=sitting.words.odd))
    flags, severity = _flags(sitting), _severity(sitting)
    playbook = playbook_for(sitting, title, severity)
    if "private" in flags:
        playbook = playbook.model_copy(update={"channel": playbook.channel.hidden()})
    new = New(
        title=title,
        severity=severity,
        playbook=playbook,
        drill="drill" in flags,
        impact=sitting.choice("impact"),
        services=named_services(sitting.choice("service")),
    )
    return bring(sitting, new)


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """What is to be declared; without a severity nobody has settled it."""

    title: str
    severity: Severity | None
    playbook: Playbook
    drill: bool = False
    impact: str = ""
    services: tuple[str, ...] = ()


def bring(sitting: Sitting, new: New) -> Answer:
    """Bring it into being, in one transaction, and have the response follow."""
    number, put = sitting.house.out.database.write(lambda tx: _declare(tx, sitting, new), urgent=True)
    sitting.house.jobs.begin(put)
    if not new.drill:
        sitting.house.count_declared(put.touched.severity)
    told = _declared(number, put.touched.severity, private=new.playbook.channel.private)
    practice = phrase("This is a drill: page nobody, and tell no customer.")
    return Answer(lines=(told, practice) if new.drill else (told,))


def _declared(number: IncidentId, severity: Severity, *, private: bool) -> str:
    text = mark("INC-{number} is declared as {severity}. Its channel opens now, and you are invited.")
    if private:
        text = mark(
            "INC-{number} is declared as {severity}. Its private channel opens now, and you are invited."
        )
    return phrase(text, number=number, severity=severity.upper())


def _flags(sitting: Sitting) -> frozenset[str]:
    ticked = sitting.ask.fields.get("flags", ())
    return sitting.words.flags | frozenset((ticked,) if isinstance(ticked, str) else ticked)


def _severity(sitting: Sitting) -> Severity | None:
    chosen = sitting.ask.fields.get("severity", "")
    return sitting.words.severity or (Severity(chosen) if isinstance(chosen, str) and chosen else None)


def playbook_for(sitting: Sitting, title: str, severity: Severity | None) -> Playbook:
    """The playbook that an alert of this severity would get. Raises `Refused` if there is none."""
    likely = severity or _NOT_SURE
    urgency = "low" if likely.rank > Severity.SEV3.rank else "high"
    facts = Facts(title=title, priority=likely.upper(), urgency=urgency)
    playbook = choose(sitting.house.playbooks(), facts)
    if playbook is None or playbook.ignore:
        raise Refused(phrase("No playbook is for such an incident. Ask those who run Multivac to add one."))
    return playbook


def _declare(tx: sa.Connection, sitting: Sitting, new: New) -> tuple[IncidentId, Put]:
    now, severity, playbook = sitting.now, new.severity or _NOT_SURE, new.playbook
    called = f"drill {new.title}" if new.drill else new.title
    touched = incidents.declare(
        tx,
        title=new.title[:_LONGEST_TITLE],
        severity=severity,
        playbook=playbook.model_copy(update={"open_after": playbook.open_after * 0}),
        service=None,
        now=now,
        name_channel=lambda number: playbook.channel_name(
            number=number, title=called, service=None, opened_at=now
        ),
    )
    number = touched.number
    acts.by_hand(tx, number, sitting.person, drill=new.drill)
    if new.severity is not None:
        acts.settle_severity(tx, number, new.severity, by=sitting.person.key)
    _note(tx, sitting, number=number, new=new)
    incidents.person_is_on_it(tx, number, now=now)
    if not acts.leave_trail(tx, replace(sitting.act("done"), incident=number, after=severity)):
        raise DoneBefore
    return number, sitting.house.jobs.put(tx, touched)


def _note(tx: sa.Connection, sitting: Sitting, *, number: IncidentId, new: New) -> None:
    """What was said of it, and who said it."""
    now, name = sitting.now, sitting.person.name
    if new.impact:
        acts.set_impact(tx, number, new.impact)
    if new.services:
        text, more = ", ".join(new.services), {"names": list(new.services)}
        sayings.add(tx, number, kind=SayingKind.SERVICES, text=text, by=name, at=now, more=more)
    text = written(
        "{name} declared it as {severity}", name=name, severity=(new.severity or _NOT_SURE).upper()
    )
    if new.drill:
        text = written("{name} declared it as a drill", name=name)
    entry = Entry(kind=EntryKind.DECLARED, at=now, text=text, key="declared", actor=name)
    timeline.note(tx, number, [entry], now=now)


def _form(sitting: Sitting) -> Form:
    open_now = _open_now(sitting)
    message, quoted = sitting.words.message, sitting.words.text or sitting.ask.quoted
    return Form(
        title=phrase("Declare an incident"),
        line=f"declare {message.word}" if message is not None else "declare",
        send=phrase("Declare"),
        intro=tuple(_told_of(row, sitting.now) for row in open_now),
        presses=tuple(
            Press(label=phrase("Join INC-{number}", number=row.number), line=f"INC-{row.number} join")
            for row in open_now
        ),
        fields=(
            Field(
                name="title",
                label=phrase("What is wrong?"),
                kind=Asked.LINE,
                hint=phrase("A few words, such as: Checkout returns 500"),
                optional=False,
                longest=_LONGEST_TITLE,
                filled=(" ".join(quoted.split())[:_LONGEST_TITLE],),
            ),
            Field(
                name="severity",
                label=phrase("How bad is it?"),
                kind=Asked.CHOICE,
                choices=tuple((value, phrase(label)) for value, label in _CHOICES),
                filled=(sitting.words.severity or "",),
            ),
            Field(
                name="service",
                label=phrase("Which services?"),
                kind=Asked.LINE,
                hint=phrase("Their names, with commas between them."),
                longest=300,
                filled=(sitting.choice("service"),),
            ),
            Field(
                name="impact",
                label=phrase("What do users notice?"),
                kind=Asked.PROSE,
                filled=(sitting.choice("impact"),),
            ),
            Field(
                name="flags",
                label=phrase("Anything special?"),
                kind=Asked.TICKS,
                choices=(
                    ("private", phrase("Private: only those invited can see it")),
                    ("drill", phrase("Drill: this is practice")),
                ),
                filled=tuple(sitting.words.flags),
            ),
        ),
    )


def _open_now(sitting: Sitting) -> Sequence[Row]:
    """What has begun lately and goes on, so that the same is not declared twice."""
    since = sitting.now - _LATELY
    with sitting.house.out.database.read() as tx:
        rows = [row for row in acts.listed(tx) if row.declared_at >= since and may_see_row(tx, sitting, row)]
    return sorted(rows, key=lambda row: row.declared_at, reverse=True)[:_SHOWN_OPEN]


def _told_of(row: Row, now: datetime) -> str:
    return phrase(
        "Open now: INC-{number} {severity} {title} ({age})",
        number=row.number,
        severity=row.severity.upper(),
        title=row.title,
        age=lasting(now - row.declared_at),
    )
