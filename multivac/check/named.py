"""Everything that the playbooks name at the vendors, and which playbook names it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from multivac.playbook import Named, Playbook

By = Mapping[str, str]  # what is named: the playbooks that name it, in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What all playbooks together name."""

    schedules: By
    policies: By
    groups: By
    people: By
    jira_roles: By
    jira_groups: By
    components: By
    services: By
    private: bool


def wishes(playbooks: Iterable[Playbook]) -> Wishes:
    """Gather what the playbooks name."""
    playbooks = tuple(playbooks)
    kinds = {each.name: _by((p, getattr(p.named(), each.name)) for p in playbooks) for each in fields(Named)}
    services = _by((p, (*(p.match.service or ()), *(p.unless.service or ()))) for p in playbooks)
    return Wishes(**kinds, services=services, private=any(p.channel.private for p in playbooks))


def _by(named: Iterable[tuple[Playbook, Iterable[str]]]) -> By:
    found: dict[str, list[str]] = {}
    for playbook, names in named:
        for name in dict.fromkeys(names):
            found.setdefault(name, []).append(playbook.name)
    return {name: f"playbook {', '.join(by)}" for name, by in found.items()}
