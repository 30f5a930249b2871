"""Looking without changing anything: the list, one incident, its timeline, and help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.briefing import Answer, Link, Press, clock_time, day_and_time
from multivac.desk.asking import Reply, Sitting, must_see, right_of, sees_private
from multivac.desk.names import channel_link
from multivac.desk.people import in_channel
from multivac.errors import Refused
from multivac.incident import LEAD, Entry, IncidentId, Status, role_name, status_name
from multivac.playbook import restore
from multivac.steps import people
from multivac.steps.words import is_settled, led_by, wants_a_lead
from multivac.store import acts, cases, ties, timeline
from multivac.store.acts import Row
from multivac.store.cases import Case
from multivac.store.ties import Tie
from multivac.tongue import phrase, plural
from multivac.verbs import Right, Verb, by_heading, verb_named

_SHOWN = 15
_ALL = "all"  # no verb is called so
_SHOWN_ENTRIES = 30
_A_DAY = timedelta(hours=20)


def may_see_row(tx: sa.Connection, sitting: Sitting, row: Row) -> bool:
    """Whether they may know of an incident in a list."""
    if not restore(row.policy).channel.private:
        return True
    return sees_private(tx, replace(sitting, number=row.number), cases.load(tx, row.number))


def show_list(sitting: Sitting) -> Reply:
    """The open incidents, the worst first; with `all` those that have ended too, with `mine` only theirs."""
    words = sitting.words.text.lower().split()
    sought = [word for word in words if word not in {"all", "mine"}]
    with sitting.house.out.database.read() as tx:
        rows = list(acts.listed(tx, severity=sitting.words.severity))
        if "all" in words:
            rows += acts.listed(tx, ended=True, severity=sitting.words.severity)
        rows = [row for row in rows if may_see_row(tx, sitting, row)]
        own = own_among(tx, sitting, rows) if "mine" in words else None
        found = [row for row in rows if (own is None or row.number in own) and _has(tx, row, sought)]
    if not found:
        return Answer(lines=(_none_found(words),), presses=(to_declare(),))
    return Answer(title=phrase("Incidents"), lines=tuple(_listed(found, own or {})))


def _has(tx: sa.Connection, row: Row, words: Sequence[str]) -> bool:
    """Whether its title and its services have all the words between them."""
    left = [word for word in words if word not in row.title.lower()]
    named = " ".join(cases.services_of(tx, row.number)).lower() if left else ""
    return all(word in named for word in left)


def own_among(tx: sa.Connection, sitting: Sitting, rows: Sequence[Row]) -> Mapping[IncidentId, Tie]:
    """Those of the incidents that the person has to do with, and what they have."""
    return ties.of(tx, sitting.person, sitting.ask.by, among=[row.number for row in rows])


def _none_found(words: Sequence[str]) -> str:
    if not words:
        return phrase("No incident is open.")
    if list(words) == ["mine"]:
        return phrase(
            "No open incident is yours: you have no role or task in one, declared none, and joined none."
        )
    return phrase("No such incident.")


def _listed(rows: Sequence[Row], own: Mapping[IncidentId, Tie]) -> Iterator[str]:
    for row in rows[:_SHOWN]:
        yield own_line(row, own[row.number]) if row.number in own else row_line(row)
    if len(rows) > _SHOWN:
        yield plural(
            "and {count} more: name a severity or words of the title.",
            "and {count} more: name a severity or words of the title.",
            len(rows) - _SHOWN,
        )


def own_line(row: Row, tie: Tie) -> str:
    """An incident of a list in one line, and what the reader has to do with it."""
    parts = [role_name(name) for name in tie.roles]
    if tie.tasks:
        parts.append(plural("{count} task", "{count} tasks", tie.tasks))
    if tie.declared:
        parts.append(phrase("declared it"))
    if tie.is_here and not parts:
        parts.append(phrase("in the channel"))
    return phrase("{incident} · you: {what}", incident=row_line(row), what=", ".join(parts))


def to_declare() -> Press:
    """A button that opens the form to declare."""
    return Press(label=phrase("Declare an incident"), line="declare")


def row_line(row: Row) -> str:
    """An incident of a list in one line."""
    accepted = row.lead_accepted or not row.status.is_open
    lead = led_by(row.lead.name, accepted=accepted) if row.lead else phrase("nobody leads")
    where = f" · <#{row.channel}>" if row.channel else ""
    status = status_name(row.status)
    return f"INC-{row.number} · {row.severity.upper()} · {status} · {row.title} · {lead}{where}"


def show(sitting: Sitting) -> Reply:
    """Where the incident stands, and what this person can do about it."""
    with sitting.house.out.database.read() as tx:
        case = cases.load(tx, sitting.incident)
        must_see(tx, sitting, case)
        right = right_of(tx, sitting, case)
    return Answer(
        title=f"INC-{case.id} · {case.title}",
        lines=(*_facts(case), *_who_is_on_it(sitting, case)),
        links=_links(case),
        presses=_panel(case, right),
    )


def _facts(case: Case) -> tuple[str, ...]:
    lead = led_by(case.lead.name, accepted=is_settled(case)) if case.lead else phrase("led by nobody yet")
    lines = (
        f"{case.severity.upper()} · {status_name(case.status)} · {lead}",
        phrase("Impact: {impact}", impact=case.impact) if case.impact else "",
        phrase("Started {time}", time=day_and_time(case.declared_at)),
        phrase("Channel: {channel}", channel=channel_link(case.channel_id)) if case.channel_id else "",
    )
    return tuple(filter(None, lines))


def _who_is_on_it(sitting: Sitting, case: Case) -> Iterator[str]:
    """Who has which role besides the lead, and who is in the channel."""
    roles = [
        f"{role_name(name)} {people.name_of(case, held.person)}"
        for name, held in sorted(case.roles.items())
        if name != LEAD
    ]
    if roles:
        yield phrase("Roles: {roles}", roles=" · ".join(roles))
    here = sorted(one.name for one in in_channel(sitting.house.out, case).values())
    if len(here) > _SHOWN:
        more = plural("and {count} more", "and {count} more", len(here) - _SHOWN)
        here = [*here[:_SHOWN], more]
    if here:
        yield phrase("In the channel: {names}", names=", ".join(here))


def _links(case: Case) -> tuple[Link, ...]:
    ticket = case.result("ticket")
    found = [Link(label=ticket["key"], url=ticket["url"])] if ticket else []
    found += [Link(label="PagerDuty", url=row.facts.url) for row in case.alerts.rows[:1] if row.facts.url]
    return tuple(found)


def _panel(case: Case, right: Right) -> tuple[Press, ...]:
    """Two rows of buttons for what comes next, the most needed first: only what this person may press."""
    about, responds, leads = f"INC-{case.id}", right >= Right.RESPONDER, right >= Right.LEAD
    timeline = Press(label=phrase("Timeline"), line=f"{about} timeline")
    brief = Press(label=phrase("Brief me"), line=f"{about} briefing")
    if not case.status.is_open:
        close = Press(label=phrase("Close"), line=f"{about} close")
        reopen = Press(label=phrase("Reopen"), line=f"{about} reopen")
        return (
            *((close,) if leads and case.status is Status.RESOLVED else ()),
            *((reopen,) if responds else ()),
            timeline,
            brief,
        )
    page = Press(label=phrase("Page somebody"), line=f"{about} page")
    if not responds:
        return (Press(label=phrase("Join"), line=f"{about} join", stands_out=True), page, brief, timeline)
    take = Press(label=phrase("Take the lead"), line=f"{about} lead it", stands_out=True)
    hand_over = Press(label=phrase("Hand over"), line=f"{about} handover")
    mitigate = Press(label=phrase("Mitigated"), line=f"{about} mitigate")
    is_free = wants_a_lead(case)
    return (
        *((take,) if is_free else ()),
        Press(label=phrase("Update"), line=f"{about} update"),
        Press(label=phrase("Severity"), line=f"{about} severity"),
        page,
        *((mitigate,) if case.status is not Status.MITIGATED else ()),
        *((Press(label=phrase("Resolve"), line=f"{about} resolve"),) if leads else ()),
        brief,
        Press(label=phrase("Checklist"), line=f"{about} checklist"),
        Press(label=phrase("Roles"), line=f"{about} roles"),
        *((hand_over,) if leads and not is_free else ()),
        timeline,
    )


def show_timeline(sitting: Sitting) -> Reply:
    """The newest entries, in order."""
    case = sitting.case()
    with sitting.house.out.database.read() as tx:
        entries = timeline.entries(tx, case.id)
        responds = right_of(tx, sitting, case) >= Right.RESPONDER
    shown = entries[-_SHOWN_ENTRIES:]
    presses: tuple[Press, ...] = ()
    lines = tuple(_entry_line(one, now=sitting.now) for one in shown)
    if len(entries) > len(shown):
        hidden = plural(
            "{count} earlier entry is not shown.",
            "{count} earlier entries are not shown.",
            len(entries) - len(shown),
        )
        lines = (hidden, *lines)
        every = Press(label=phrase("All of it, as files into the channel"), line=f"INC-{case.id} export")
        presses = (every,) if responds and case.channel_id else ()
    return Answer(title=phrase("Timeline of INC-{number}", number=case.id), lines=lines, presses=presses)


def _entry_line(one: Entry, *, now: datetime) -> str:
    """What happened, at the reader's own time of day; the day is said of what is older."""
    at = clock_time(one.at) if now - one.at < _A_DAY else day_and_time(one.at)
    return f"{at} {one.text} {one.link or ''}".rstrip()


def give_help(sitting: Sitting) -> Reply:
    """What can be asked: the verbs by name, all with what they do, or one of them with an example."""
    word = sitting.words.text.split()[0] if sitting.words.text else ""
    title, how = phrase("What you can ask"), _how_to_ask(sitting)
    if not word:
        more = Press(label=phrase("What each of them does"), line=f"help {_ALL}")
        return Answer(title=title, lines=(how, *_names_of_verbs()), presses=(more,))
    if word.lower() == _ALL:
        return Answer(title=title, lines=(how, *_all_verbs()))
    verb = verb_named(word)
    if verb is None:
        raise Refused(phrase("I do not know “{said}”. `/incident help` shows what you can ask.", said=word))
    also = phrase("Also: {words}.", words=", ".join(verb.aliases)) if verb.aliases else ""
    lines = (_usage(verb), phrase("For example: `/incident {line}`", line=verb.example), also)
    return Answer(title=verb.name, lines=tuple(filter(None, lines)))


def _how_to_ask(sitting: Sitting) -> str:
    if sitting.ask.via == "message":
        return phrase("Write one of these, here; `help resolve` shows an example.")
    return phrase("Write `/incident` and one of these; `/incident help resolve` shows an example.")


def _names_of_verbs() -> Iterator[str]:
    """One line for each heading: more is not read at night."""
    for heading, verbs in by_heading():
        named = " ".join(f"`{verb.name}`" for verb in verbs)
        yield f"*{phrase(heading)}* {named}"


def _all_verbs() -> Iterator[str]:
    """Every verb under its heading, with what it does."""
    for heading, verbs in by_heading():
        yield f"*{phrase(heading)}*"
        yield from map(_usage, verbs)


def _usage(verb: Verb) -> str:
    usage = f"{verb.name} {verb.usage}".strip()
    return f"`{usage}` {phrase(verb.help)}"
