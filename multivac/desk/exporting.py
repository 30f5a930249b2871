"""An incident's timeline to take away, for a report: as Markdown for people, as JSON for machines."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from multivac.briefing import Files
from multivac.desk.asking import Reply, Sitting, must_be_allowed, must_see
from multivac.errors import Refused
from multivac.incident import Entry
from multivac.store import cases, timeline
from multivac.store.cases import Case

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|])")


def export(sitting: Sitting) -> Reply:
    """Both as files for the incident's channel, where everybody may read them. Raises `Refused`."""
    with sitting.house.out.database.read() as tx:
        case = cases.load(tx, sitting.incident)
        must_see(tx, sitting, case)
        must_be_allowed(tx, sitting, case)
        entries = timeline.entries(tx, case.id)
    if case.channel_id is None:
        raise Refused(f"INC-{case.id} has no channel yet. `/incident timeline` shows what has happened.")
    return Files(
        channel=case.channel_id,
        comment=f"The timeline of INC-{case.id}, for {sitting.person.name}",
        contents=(
            (f"inc-{case.id}.md", as_markdown(case, entries)),
            (f"inc-{case.id}.json", as_json(case, entries)),
        ),
        said=f"The files are in <#{case.channel_id}>.",
    )


def as_markdown(case: Case, entries: Sequence[Entry]) -> str:
    """A heading, what is known of the incident, and a line for each entry; times are in UTC."""
    lead = case.lead.name if case.lead else "nobody"
    known = {
        "Severity": case.severity.upper(),
        "Status": case.status.value,
        "Declared": _time(case.declared_at),
        "Lead": lead,
        "Impact": case.impact,
    }
    lines = [
        f"# INC-{case.id}: {_plain(case.title)}",
        "",
        *(["Private: show it to nobody who is not in it.", ""] if case.playbook.channel.private else []),
        *(["A drill.", ""] if case.drill else []),
        *(f"- {name}: {_plain(value)}" for name, value in known.items() if value),
        "",
        "## Timeline (UTC)",
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
    return f" ([message]({one.link}))" if one.link else ""
