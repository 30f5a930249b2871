"""How people end an incident: resolved with what fixed it and what follows, and archived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.briefing import Answer, Asked, Field, Form
from multivac.desk.asking import BadField, Change, Reply, Sitting, as_of
from multivac.desk.followups import New, in_a_line
from multivac.desk.names import stands
from multivac.desk.standing import move
from multivac.errors import Refused
from multivac.incident import Entry, EntryKind, Status
from multivac.steps import customers
from multivac.store import acts, endings, sayings, timeline
from multivac.store.cases import Case
from multivac.store.sayings import SayingKind
from multivac.tongue import phrase, written

_MOST_FOLLOW_UPS = 20


def resolve(sitting: Sitting) -> Reply:
    """It is over; without a word of what fixed it, ask."""
    said = sitting.text("fixed")
    if not said and not sitting.ask.fields:
        return _form(sitting.case())
    if not said:
        raise BadField("fixed", phrase("Write in a few words what fixed it, or that nobody knows."))
    follow_ups, mitigated, hit = _follow_ups(sitting), sitting.moment("mitigated"), _customers(sitting)

    def also(tx: sa.Connection, case: Case) -> None:
        if mitigated is not None:
            _keep_mitigation(tx, sitting, case, at=mitigated)
        if hit:
            _keep_customers(tx, sitting, case, hit=hit)
        _keep_follow_ups(tx, sitting, case, told=follow_ups)

    def more(case: Case) -> Mapping[str, str]:
        return {**_with_mitigation(case, mitigated), **({"customers": hit} if hit else {})}

    reply = move(sitting, Status.RESOLVED, said=said, also=also, more=more)
    strangers = tuple(filter(None, (new.whose() for new in follow_ups)))
    return replace(reply, lines=(*reply.lines, *strangers)) if isinstance(reply, Answer) else reply


def _customers(sitting: Sitting) -> str:
    """Whether customers were hit: yes, no or unknown; "" if nothing is said of it."""
    said = sitting.choice("customers").lower()
    if said and said not in customers.SAID:
        raise Refused(phrase("“{said}” says nothing of customers. Use yes, no or unknown.", said=said))
    return said


def _keep_customers(tx: sa.Connection, sitting: Sitting, case: Case, *, hit: str) -> None:
    """For the record; "no" settles the impact unless somebody just wrote another, "unknown" is left to do."""
    name, now = sitting.person.name, sitting.now
    says = written("{name} says: {what}", name=name, what=written(customers.SAID[hit]))
    key = f"customers:{sitting.ask.request}"
    timeline.note(tx, case.id, [Entry(kind=EntryKind.NOTE, at=now, text=says, key=key, actor=name)], now=now)
    if hit == customers.NO and str(sitting.ask.fields.get("impact", "")).strip() in {"", case.impact}:
        acts.set_impact(tx, case.id, written(customers.SAID[hit]))
    to_do = written("Find out whether customers were hit")
    if hit == customers.UNKNOWN and all(one.text != to_do for one in case.said(SayingKind.FOLLOW_UP)):
        sayings.add(tx, case.id, kind=SayingKind.FOLLOW_UP, text=to_do, by=name, at=now)


def _keep_follow_ups(tx: sa.Connection, sitting: Sitting, case: Case, *, told: Sequence[New]) -> None:
    """Write them down, but for those that were written down before: they are still to do."""
    kind, known = SayingKind.FOLLOW_UP, {one.text for one in case.said(SayingKind.FOLLOW_UP)}
    for new in told:
        if new.text not in known:
            by, at = sitting.person.name, sitting.now
            sayings.add(tx, case.id, kind=kind, text=new.text, by=by, at=at, more=new.more())


def _keep_mitigation(tx: sa.Connection, sitting: Sitting, case: Case, *, at: datetime) -> None:
    if at < case.declared_at:
        raise BadField("mitigated", phrase("That is before it began. Pick a later time."))
    if not _is_known(case, at):
        timeline.note(tx, case.id, [_mitigation(sitting, at)], now=sitting.now)


def _is_known(case: Case, mitigated: datetime) -> bool:
    """Whether the timeline says so already, to the minute that a form can tell."""
    return case.status is Status.MITIGATED and abs(case.status_at - mitigated) < timedelta(minutes=1)


def _mitigation(sitting: Sitting, at: datetime) -> Entry:
    name = sitting.person.name
    text = written("{name} says it was mitigated by then", name=name)
    return Entry(kind=EntryKind.NOTE, at=at, text=text, key=f"mitigated:{sitting.ask.request}", actor=name)


def _with_mitigation(case: Case, said: datetime | None) -> Mapping[str, str]:
    """When it was mitigated, for whoever is told of the end: as was said, else since its status says so."""
    at = said or (case.status_at if case.status is Status.MITIGATED else None)
    return {} if at is None else {"mitigated": at.isoformat()}


def _follow_ups(sitting: Sitting) -> list[New]:
    typed = str(sitting.ask.fields.get("follow_ups", "")).splitlines()
    found = [line for one in typed if (line := " ".join(one.lstrip(" -*•").split()))]
    if len(found) > _MOST_FOLLOW_UPS:
        raise BadField("follow_ups", phrase("Write {most} lines at most.", most=_MOST_FOLLOW_UPS))
    try:
        return [in_a_line(sitting, line) for line in found]
    except Refused as no:
        raise BadField("follow_ups", no.reason) from no


def _form(case: Case) -> Form:
    return Form(
        title=phrase("Resolve INC-{number}", number=case.id),
        line=f"INC-{case.id} resolve",
        send=phrase("Resolve"),
        as_of=as_of(case, "status", "impact"),
        fields=(
            Field(name="fixed", label=phrase("What fixed it?"), kind=Asked.PROSE, optional=False),
            Field(
                name="mitigated",
                label=phrase("When was it mitigated?"),
                kind=Asked.MOMENT,
                hint=phrase("When users could work again."),
                filled=(str(int(case.status_at.timestamp())),) if case.status is Status.MITIGATED else (),
            ),
            Field(
                name="impact",
                label=phrase("What did users notice?"),
                kind=Asked.PROSE,
                filled=(case.impact,),
            ),
            Field(
                name="customers",
                label=phrase("Were customers hit?"),
                kind=Asked.CHOICE,
                choices=(
                    ("yes", phrase("Yes")),
                    (customers.NO, phrase("No: that is the impact then")),
                    (customers.UNKNOWN, phrase("Not known yet: to find out is left to do")),
                ),
            ),
            Field(
                name="follow_ups",
                label=phrase("What is left to do?"),
                kind=Asked.PROSE,
                hint=phrase(
                    "One thing a line, such as “Rotate keys due:friday @ana”; each becomes an issue in Jira."
                ),
            ),
        ),
    )


def archive(sitting: Sitting) -> Reply:
    """Have the channel archived now instead of later."""

    def put_away(tx: sa.Connection, case: Case) -> Change:
        if case.status.is_open or case.status is Status.RESOLVED:
            raise Refused(phrase("{stands} Close it first.", stands=stands(case.id, case.status)))
        endings.ask_to_archive(tx, case.id, now=sitting.now)
        return Change(
            said=phrase("The channel is being archived. `reopen` goes on in a new one."),
            kind=EntryKind.NOTE,
            entry=written("{name} had the channel archived", name=sitting.person.name),
        )

    return sitting.change(put_away)
