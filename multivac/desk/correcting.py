"""What people set right about an incident: its ticket, the services it concerns, and that it is private."""

from __future__ import annotations

import re
from collections.abc import Iterator

import sqlalchemy as sa

from multivac.briefing import Answer, Asked, Field, Form, Press
from multivac.desk.asking import BadField, Change, Reply, Sitting
from multivac.desk.names import channel_link
from multivac.errors import MultivacError, Refused
from multivac.incident import EntryKind, IncidentId
from multivac.steps import people
from multivac.steps.channel import MADE_PRIVATE
from multivac.steps.duplicates import DONE_TO_A_TICKET
from multivac.steps.ticket import TICKET
from multivac.store import acts, homes, sayings
from multivac.store import steps as progress
from multivac.store.cases import Case
from multivac.store.sayings import SayingKind
from multivac.tongue import listed, mark, phrase, written

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,30}-[1-9][0-9]{0,9}", re.ASCII)
_MOST_SERVICES = 20
_LONGEST_SERVICE = 80


# --- the ticket -----------------------------------------------------------------------------------


def ticket(sitting: Sitting) -> Reply:
    """Show the ticket, or make an existing one the incident's."""
    word, _, rest = sitting.words.text.partition(" ")
    if word.lower() == "link":
        return _link(sitting, rest)
    if word:
        raise Refused(phrase("Write `/incident ticket` to see it, or `/incident ticket link OPS-12`."))
    return _show(sitting, sitting.case())


def _show(sitting: Sitting, case: Case) -> Answer:
    made, row = case.result(TICKET), case.steps.get(TICKET)
    if sitting.house.out.tracker is None:
        return Answer(lines=(phrase("Multivac is not connected to Jira: there is no ticket."),))
    if made:
        told = phrase(
            "The ticket of INC-{number} is {key}: {url}", number=case.id, key=made["key"], url=made["url"]
        )
        return Answer(lines=(told,))
    why = row.error if row is not None and row.error else phrase("it is on its way")
    lines = (
        phrase("INC-{number} has no ticket yet: {why}.", number=case.id, why=why.rstrip(".")),
        phrase("If there is one in Jira, link it: `/incident ticket link OPS-12`."),
    )
    to_link = Press(label=phrase("Link a ticket"), line=f"INC-{case.id} ticket link")
    return Answer(lines=lines, presses=(to_link,))


def link_form(number: IncidentId) -> Form:
    """Asks which ticket is to be the incident's."""
    return Form(
        title=phrase("Link a ticket"),
        line=f"INC-{number} ticket link",
        send=phrase("Link"),
        fields=(
            Field(
                name="key",
                label=phrase("Which ticket in Jira?"),
                kind=Asked.LINE,
                hint=phrase("Its key, such as OPS-12, or its address."),
                optional=False,
                longest=200,
            ),
        ),
    )


def _link(sitting: Sitting, named: str) -> Reply:
    """The key, or the end of its address, of an issue that exists; without one, ask."""
    tracker = sitting.house.out.tracker
    if tracker is None:
        raise Refused(phrase("Multivac is not connected to Jira: there is no ticket."))
    if not named and not sitting.ask.fields:
        return link_form(sitting.case().id)
    named = named or str(sitting.ask.fields.get("key", "")).strip()
    key = named.strip("<>").partition("|")[0].rstrip("/").rpartition("/")[2]
    if not _KEY.fullmatch(key):
        raise _bad_key(sitting, phrase("Write the key of the ticket: `/incident ticket link OPS-12`."))
    try:
        found = tracker.ticket(key.upper())
    except MultivacError as error:
        told = phrase("{key} was not linked: {why}", key=key.upper(), why=error)
        raise _bad_key(sitting, told) from error

    def change(tx: sa.Connection, case: Case) -> Change:
        before = case.result(TICKET)
        if before.get("key") == found.key:
            raise Refused(
                phrase("{key} is the ticket of INC-{number} already.", key=found.key, number=case.id)
            )
        result = {
            "key": found.key,
            "url": found.url,
            "id": found.id,
            "left_out": {},
            "severity": "",
            "linked": True,
        }
        progress.settle(tx, case.id, TICKET, result=result, now=sitting.now)
        done = [name for name in case.steps if name.partition("/")[0] in DONE_TO_A_TICKET]
        progress.undo(tx, case.id, done)
        said = phrase(
            "{key} is the ticket of INC-{number} now: {url}", key=found.key, number=case.id, url=found.url
        )
        if before:
            other = phrase("{key} stays in Jira as it is; close it there.", key=before["key"])
            said = f"{said}\n{other}"
        entry = written("{name} made {key} the ticket", name=sitting.person.name, key=found.key)
        return Change(said=said, kind=EntryKind.NOTE, entry=entry, before=before.get("key"), after=found.key)

    return sitting.change(change)


def _bad_key(sitting: Sitting, told: str) -> Refused:
    """The refusal, beside the field where it was written."""
    return BadField("key", told) if sitting.ask.fields else Refused(told)


# --- services -------------------------------------------------------------------------------------


def services(sitting: Sitting) -> Reply:
    """Say which services are affected, beside those of the alerts; without a word show them."""
    said = sitting.words.text
    if not said:
        known = ", ".join(sitting.case().alerts.services) or phrase("none")
        return Answer(lines=(phrase("Services: {services}.", services=known),))
    names = named_services(said)

    def change(tx: sa.Connection, case: Case) -> Change:
        name, before = sitting.person.name, ", ".join(case.alerts.services)
        more = {"names": list(names)}
        sayings.add(
            tx, case.id, kind=SayingKind.SERVICES, text=", ".join(names), by=name, at=sitting.now, more=more
        )
        entry = written("Services, says {name}: {services}", name=name, services=", ".join(names))
        if not names:
            entry = written("{name} took the services away that people had named", name=name)
        return Change(
            said=_named(sitting, case) if names else phrase("The headline says so now."),
            kind=EntryKind.NOTE,
            entry=entry,
            before=before,
            after=", ".join(names),
        )

    return sitting.change(change)


def _named(sitting: Sitting, case: Case) -> str:
    """What naming services does: rules bring in who is on call for them, where people are not asked first."""
    rule = case.playbook.wanted(case.severity)
    if sitting.house.out.pager is None or not rule.alert_policy_levels or people.is_asked_first(case):
        return phrase("The headline says so now.")
    return phrase("The headline says so now. Whoever is on call for them in PagerDuty is invited.")


def named_services(said: str) -> tuple[str, ...]:
    """The services that somebody names, with commas between them. Raises `Refused` for too many."""
    names = tuple(dict.fromkeys(filter(None, (" ".join(one.split()) for one in said.split(",")))))
    if len(names) > _MOST_SERVICES or any(len(one) > _LONGEST_SERVICE for one in names):
        told = phrase("Write {most} services at most, with commas between them.", most=_MOST_SERVICES)
        raise Refused(told)
    return () if names == ("none",) else names


# --- private --------------------------------------------------------------------------------------


def private(sitting: Sitting) -> Reply:
    """Have nothing more of it said where others read, once they press that they mean it."""
    if sitting.ask.via != "button" and sitting.wish is None and sitting.instead is None:
        return _really(sitting.case())

    def change(tx: sa.Connection, case: Case) -> Change:
        _must_be_public(case)
        hidden = case.playbook.channel.hidden()
        acts.set_playbook(tx, case.id, case.playbook.model_copy(update={"channel": hidden}))
        homes.look_at_all(tx)
        _tell_the_channel(tx, sitting, case)
        return Change(
            said="\n".join(_to_be_done(sitting, case)),
            kind=EntryKind.NOTE,
            entry=written("{name} made it private", name=sitting.person.name),
            before="public",
            after="private",
        )

    return sitting.change(change)


def _must_be_public(case: Case) -> None:
    if case.playbook.channel.private:
        raise Refused(phrase("INC-{number} is private already.", number=case.id))


def _really(case: Case) -> Answer:
    _must_be_public(case)
    told = phrase(
        "Lists, search, announcements and PagerDuty then say nothing more of INC-{number}. "
        "This cannot be taken back.",
        number=case.id,
    )
    press = Press(label=phrase("Make it private"), line=f"INC-{case.id} private", confirm=told)
    return Answer(lines=(told,), presses=(press,))


def _tell_the_channel(tx: sa.Connection, sitting: Sitting, case: Case) -> None:
    """Those in a channel that is public so far learn that it must be converted."""
    if case.channel_id is None:
        return
    name = sitting.person.name
    text = written(
        "{name} made INC-{number} private. Whoever may: convert this channel in its settings "
        "(“Change to a private channel”), and say nothing of it elsewhere.",
        name=name,
        number=case.id,
    )
    more = {"what": MADE_PRIVATE, "before": "public", "after": case.channel_id}
    sayings.add(tx, case.id, kind=SayingKind.CHANGE, text=text, by=name, at=sitting.now, more=more)


def _to_be_done(sitting: Sitting, case: Case) -> Iterator[str]:
    """That it is private, and what people alone can do, as a list."""
    left = list(_left_to_people(sitting, case))
    yield (
        phrase("INC-{number} is private now. To be done by you:", number=case.id)
        if left
        else phrase("INC-{number} is private now.", number=case.id)
    )
    yield from (f"• {one}" for one in left)
    if case.alerts.rows:
        yield phrase("What PagerDuty has been told before stays there.")


def _left_to_people(sitting: Sitting, case: Case) -> Iterator[str]:
    if case.channel_id is not None:
        channel = channel_link(case.channel_id)
        yield phrase("{channel}: in its settings, choose “Change to a private channel”.", channel=channel)
    made = case.result(TICKET)
    if sitting.house.out.tracker is not None and made:
        why = _TITLE_STAYS if made.get("linked") else _HISTORY_STAYS
        yield phrase(why, key=made["key"])
    # Follow-ups that are issues already: we do not rewrite what people may have changed.
    rows = (row.result for name, row in case.steps.items() if name.startswith("follow-up/") and row.was_done)
    if keys := [str(one["key"]) for one in rows if "key" in one]:
        told = mark("{keys} in Jira: restrict who may see these follow-ups, which keep their words.")
        yield phrase(told, keys=listed(keys))


_HISTORY_STAYS = mark("{key} in Jira: restrict who may see it, or delete it. Its history stays.")
_TITLE_STAYS = mark("{key} in Jira: restrict who may see it. It keeps its title, since people linked it.")
