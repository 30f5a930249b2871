"""What is wrong in a playbook although every value by itself is fine. Pure; asked by the loader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches

from multivac.incident import CX_LEAD, LEAD
from multivac.playbook.model import Playbook
from multivac.playbook.people import ByLeastLoaded, ByOnCall, ByRoundRobin, OnCallOf, Pool
from multivac.playbook.phases import Phase

BUILT_IN_ROLES = (LEAD, "deputy", "scribe", CX_LEAD)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong: the key in dotted form, what is wrong, what to write instead."""

    key: str
    why: str
    fix: str


def mistakes(playbook: Playbook) -> tuple[Mistake, ...]:
    """Return everything that is wrong between the parts of the playbook."""
    return (
        *_in_invites(playbook),
        *_in_lead(playbook),
        *_in_roles(playbook),
        *_in_phases(playbook),
        *_in_tasks(playbook),
    )


def _one_of(key: str, given: Iterable[tuple[str, object]], *, also: str = "") -> Iterator[Mistake]:
    """Exactly one of the choices must be given."""
    choices = dict(given)
    chosen = [name for name, value in choices.items() if value is not None]
    if not chosen:
        yield Mistake(key, "names none of its kinds.", f"Write one of {', '.join(choices)}.")
    if len(chosen) > 1:
        yield Mistake(key, f"names several kinds: {', '.join(chosen)}.", f"Keep one.{also}")


def _in_invites(playbook: Playbook) -> Iterator[Mistake]:
    for place, entry in enumerate(playbook.invite):
        kinds = ((name, value) for name, value in entry if name != "severities")
        yield from _one_of(f"invite.{place}", kinds, also=" Make an entry of its own for each.")


def _in_lead(playbook: Playbook) -> Iterator[Mistake]:
    for place, strategy in enumerate(playbook.lead):
        key = f"lead.{place}.{strategy.kind}"
        if isinstance(strategy, ByOnCall):
            yield from _in_on_call(key, strategy.on_call)
        if isinstance(strategy, ByRoundRobin):
            yield from _in_pool(key, strategy.round_robin)
        if isinstance(strategy, ByLeastLoaded):
            yield from _in_pool(key, strategy.least_loaded)


def _in_pool(key: str, pool: Pool) -> Iterator[Mistake]:
    yield from _one_of(key, pool, also=" Make a second strategy of the other.")


def _in_on_call(key: str, rule: OnCallOf) -> Iterator[Mistake]:
    if rule.schedule and rule.policy:
        yield Mistake(key, "names both a schedule and a policy.", "Keep one.")
    if rule.schedule and "level" in rule.model_fields_set:
        yield Mistake(f"{key}.level", "has no meaning, for a schedule has no levels.", "Remove it.")


def _in_roles(playbook: Playbook) -> Iterator[Mistake]:
    for name, rule in playbook.roles.items():
        key = f"roles.{name}"
        if name == LEAD:
            yield Mistake(key, "is not chosen here.", "Say under `lead` how the lead is chosen.")
        yield from _one_of(key, (pair for pair in rule if pair[0] != "severities"))
        if rule.on_call:
            yield from _in_on_call(f"{key}.on_call", rule.on_call)


def _in_phases(playbook: Playbook) -> Iterator[Mistake]:
    phases = playbook.checklists
    if phases and not any(_starts_at_once(phase) for phase in phases):
        yield Mistake(
            "checklists", "has no phase at the beginning.", "Give one phase `at: 0m`, without cron."
        )
    yield from _repeated("checklists.{}.phase", [phase.phase for phase in phases])
    for place, phase in enumerate(phases):
        key = f"checklists.{place}"
        contradictory = [name for name in phase.when if name in phase.unless]
        if contradictory:
            yield Mistake(
                key, f"can never appear: {contradictory[0]} is under when and unless.", "Remove one."
            )
        yield from _in_repeat(key, phase)


def _starts_at_once(phase: Phase) -> bool:
    return phase.at == timedelta() and not (phase.repeat and phase.repeat.cron)


def _in_repeat(key: str, phase: Phase) -> Iterator[Mistake]:
    if phase.repeat is None:
        return
    yield from _one_of(f"{key}.repeat", (("every", phase.repeat.every), ("cron", phase.repeat.cron)))
    if phase.repeat.cron is None and "zone" in phase.repeat.model_fields_set:
        yield Mistake(f"{key}.repeat.zone", "has no meaning without cron.", "Remove it.")


def _in_tasks(playbook: Playbook) -> Iterator[Mistake]:
    known = [*dict.fromkeys([*BUILT_IN_ROLES, *playbook.roles])]
    placed = [
        (f"checklists.{row}.tasks.{place}", task)
        for row, phase in enumerate(playbook.checklists)
        for place, task in enumerate(phase.tasks)
    ]
    for key, task in placed:
        if task.role is not None and task.role not in known:
            near = get_close_matches(task.role, known, n=1)
            fix = f"Did you mean {near[0]!r}?" if near else f"Known roles: {', '.join(known)}."
            yield Mistake(f"{key}.role", f"is {task.role!r}, which is no role of this playbook.", fix)
    first: dict[str, str] = {}
    for key, task in placed:
        if first.setdefault(task.id, key) != key:
            yield Mistake(
                f"{key}.id", f"is {task.id!r}, as is {first[task.id]}.id.", "Give each task its own id."
            )


def _repeated(key: str, names: Sequence[str]) -> Iterator[Mistake]:
    for place, name in enumerate(names):
        if name in names[:place]:
            other = key.format(names.index(name))
            yield Mistake(key.format(place), f"is {name!r}, as is {other}.", "Give each its own name.")
