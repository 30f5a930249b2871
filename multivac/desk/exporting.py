"""An incident's timeline to take away, for a report: as Markdown for people, as JSON for machines."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from multivac.briefing import Files
from multivac.desk.asking import Reply, Sitting, must_be_allowed, must_see
from multivac.desk.names import channel_link
from multivac.errors import Refused
from multivac.incident import Entry, Status, status_name
from multivac.steps import customers
from multivac.steps.words import fixed_by
from multivac.store import cases, timeline
from multivac.store.cases import Case
from multivac.tongue import phrase, written

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|])")


def export(sitting: Sitting) -> Reply:
    """Both as files for the incident's channel, where everybody may read them. Raises `Refused`."""
    with sitting.house.out.database.read() as tx:
        case = cases.load(tx, sitting.incident)
        must_see(tx, sitting, case)
        must_be_allowed(tx, sitting, case)
        entries = timeline.entries(tx, case.id)
    if case.channel_id is None:
        told = phrase(
            "INC-{number} has no channel yet. `/incident timeline` shows what has happened.", number=case.id
        )
        raise Refused(told)
    return Files(
        channel=case.channel_id,
        comment=written("The timeline of INC-{number}, for {name}", number=case.id, name=sitting.person.name),
        contents=(
            (f"inc-{case.id}.md", as_markdown(case, entries)),
            (f"inc-{case.id}.json", as_json(case, entries)),
        ),
        said=phrase("The files are in {channel}.", channel=channel_link(case.channel_id)),
    )


def as_markdown(case: Case, entries: Sequence[Entry]) -> str:
    """A heading, what is known of the incident, and a line for each entry; times are in UTC."""
    lead, hit = case.lead.name if case.lead else written("nobody"), customers.answer(case)
    is_dismissed = case.status is Status.DISMISSED
    known = {
        written("Severity"): case.severity.upper(),
        written("Status"): status_name(case.status, written),
        written("Declared"): _time(case.declared_at),
        written("Lead"): lead,
        written("Impact"): case.impact,
        written("Why it was no incident") if is_dismissed else written("What ended it"): fixed_by(case),
        written("Customers"): written(customers.SAID[hit]) if hit else "",
    }
    is_private = case.playbook.channel.private
    lines = [
        f"# INC-{case.id}: {_plain(case.title)}",
        "",
        *([written("Private: show it to nobody who is not in it."), ""] if is_private else []),
        *([written("A drill."), ""] if case.drill else []),
        *(f"- {name}: {_plain(value)}" for name, value in known.items() if value),
        "",
        "## " + written("Timeline (UTC)"),
        "",
        *(f"- {_time(one.at)} {_plain(one.text)}{_link(one)}" for one in entries),
    ]
    return "\n".join(lines) + "\n"


def as_json(case: Case, entries: Sequence[Entry]) -> str:
    """The same facts, with times in ISO 8601."""
    said = {
        "incident": case.id,
        "title": case.title,
        "severity": case.severity,
        "status": case.status,
        "declared_at": case.declared_at.astimezone(UTC).isoformat(),
        "lead": case.lead.name if case.lead else None,
        "impact": case.impact,
        "how_it_ended": fixed_by(case) or None,
        "customers_hit": customers.answer(case),
        "private": case.playbook.channel.private,
        "drill": case.drill,
        "timeline": [
            {
                "at": one.at.astimezone(UTC).isoformat(),
                "kind": one.kind,
                "text": one.text,
                "actor": one.actor,
                "link": one.link,
            }
            for one in entries
        ],
    }
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _plain(text: str) -> str:
    """Words from outside, in which Markdown reads nothing."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _link(one: Entry) -> str:
    label = written("message")
    return f" ([{label}]({one.link}))" if one.link else ""
