"""An incident's timeline to take away, for a report: as Markdown for people, as JSON for machines. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from multivac.incident import Entry
from multivac.store.cases import Case

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|])")


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
