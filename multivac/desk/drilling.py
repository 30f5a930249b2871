"""Rehearsals: an incident that is played, from a scenario that a playbook names."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from multivac.briefing import Answer, Press
from multivac.desk.asking import Reply, Sitting, is_admin
from multivac.desk.declaring import New, bring
from multivac.errors import Refused
from multivac.playbook import Drill, Playbook
from multivac.tongue import phrase

_MOST = 10  # buttons, one for each


def drill(sitting: Sitting) -> Reply:
    """Begin a named rehearsal; without a name, show which there are."""
    if not is_admin(sitting):
        told = phrase("Only those who run Multivac can {verb}.", verb=sitting.verb.name)
        own = phrase("Anybody may declare one of their own: `/incident declare <title> drill`.")
        raise Refused(f"{told} {own}")
    known = {drill.name: (drill, playbook) for drill, playbook in _drills(sitting)}
    name = sitting.words.text.lower()
    if not name:
        return _list(tuple(drill for drill, _ in known.values()))
    if name not in known:
        near = get_close_matches(name, known, n=1)
        told = phrase("There is no drill {name}. `/incident drill` shows those there are.", name=name)
        if near:
            told = phrase("There is no drill {name}. Did you mean `{near}`?", name=name, near=near[0])
        raise Refused(told)
    found, playbook = known[name]
    new = New(
        title=found.title,
        severity=found.severity,
        playbook=playbook,
        drill=True,
        impact=found.impact,
        services=found.services,
    )
    return bring(sitting, new)


def _drills(sitting: Sitting) -> Iterator[tuple[Drill, Playbook]]:
    for playbook in sitting.house.playbooks():
        yield from ((drill, playbook) for drill in playbook.drills)


def _list(drills: tuple[Drill, ...]) -> Answer:
    if not drills:
        told = phrase("There is no drill. They stand in the playbooks, under `drills`.")
        return Answer(lines=(told,))
    lines = (
        phrase("{name}: {severity}, {title}", name=one.name, severity=one.severity.upper(), title=one.title)
        for one in drills
    )
    presses = (
        Press(
            label=one.name,
            line=f"drill {one.name}",
            confirm=phrase("Begin the drill “{title}” now?", title=one.title),
        )
        for one in drills[:_MOST]
    )
    return Answer(lines=tuple(lines), presses=tuple(presses))
