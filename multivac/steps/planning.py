"""Compares what should be true of an incident with what its rows want, as far as it may be said. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from multivac import voice
from multivac.steps.base import Step, View

_REDRAW_FOLDED = timedelta(seconds=2)  # the headline then says what was held back


@dataclass(frozen=True, slots=True)
class Plan:
    """What one look at an incident says: what is wanted that was not, and when to look again."""

    changes: Mapping[str, str | None]
    wakes: tuple[datetime, ...]
    held: tuple[str, ...] = ()  # messages that are held back from now on


def plan(steps: Sequence[Step], view: View) -> Plan:
    """Compare what should be true, as far as it may be said now, with what the rows want."""
    asked = {
        f"{step.name}/{one}" if one else step.name: mark
        for step in steps
        for one, mark in _wanted(step, view)
    }
    heard, rows = voice.weigh(view.case, asked, now=view.now), view.case.steps
    wanted, held = heard.wanted, tuple(name for name in heard.held if name not in rows)
    changes: dict[str, str | None] = {
        name: mark for name, mark in wanted.items() if name not in rows or rows[name].wanted != mark
    }
    changes |= {name: None for name, row in rows.items() if row.wanted is not None and name not in wanted}
    # A row without a want remembers that it was held back, so that it counts once.
    changes |= dict.fromkeys(held)
    folded = [view.now + _REDRAW_FOLDED] if held else []
    return Plan(changes, (*view.wakes, *heard.wakes, *folded), held)


def _wanted(step: Step, view: View) -> Iterator[tuple[str, str]]:
    # Before its declaration an incident is open: the clock was set back, and nothing may wait for it.
    if view.case.declared_at <= view.now < view.case.opens_at and step.name != "settle":
        view.look_again(view.case.opens_at)
        return
    if view.case.queued_at is not None and step.name != "settle":
        return  # in a storm: whoever lets it in touches it
    yield from step.wants(view).items()
