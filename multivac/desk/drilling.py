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
    known = {drill.name: (drill, playbook) for drill, playbook in _drills(sitting)}
    name, may_begin = sitting.words.text.lower(), is_admin(sitting)
    if not name:
        return _list(tuple(drill for drill, _ in known.values()), may_begin=may_begin)
    if not may_begin:
        raise Refused(_who_may())
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


def _who_may() -> str:
    told = phrase("Only those who run Multivac can begin one of these.")
    own = phrase("Anybody may declare one of their own: `/incident declare <title> drill`.")
    return f"{told} {own}"


def _list(drills: tuple[Drill, ...], *, may_begin: bool) -> Answer:
    if not drills:
        told = phrase("There is no drill. They stand in the playbooks, under `drills`.")
        return Answer(lines=(told,))
    lines = tuple(
        phrase("{name}: {severity}, {title}", name=one.name, severity=one.severity.upper(), title=one.title)
        for one in drills
    )
    if not may_begin:
        return Answer(lines=(*lines, _who_may()))
    presses = (Press(label=one.name, line=f"drill {one.name}") for one in drills[:_MOST])
    return Answer(lines=lines, presses=tuple(presses))
