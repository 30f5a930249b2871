"""Who is on call: asked of the pager, kept for when it is silent, drawn in one way wherever it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from multivac.briefing import day_and_time
from multivac.errors import MultivacError
from multivac.incident import Person
from multivac.ports import OnCall
from multivac.steps.base import Outside
from multivac.store import people as directory
from multivac.store.facts import person_from, person_to
from multivac.tongue import phrase, plural

FRESH = timedelta(minutes=5)  # as long as it is shown unasked without asking the pager again
EVERYWHERE = "everywhere"
_SHOWN = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Whoever was on call at that time; `called` is how policies are called, where not by their own name.

    It `is_old` where the pager did not answer since.
    """

    on_call: tuple[OnCall, ...]
    called: Mapping[str, str] = field(default_factory=dict)
    at: datetime
    is_old: bool = False

    def of(self, person: Person) -> Roster:
        """Only what this person is on call for."""
        return replace(self, on_call=tuple(one for one in self.on_call if is_same(one.person, person)))

    def beside(self, person: Person) -> Roster:
        """Everybody who is on call for what this person is on call for."""
        theirs = {_policy(one) for one in self.of(person).on_call}
        return replace(self, on_call=tuple(one for one in self.on_call if _policy(one) in theirs))


def is_same(one: Person, other: Person) -> bool:
    """Whether the two are one person, as far as the pager or their address tells."""
    return one.key == other.key or (one.pagerduty is not None and one.pagerduty == other.pagerduty)


def asked(out: Outside, about: str, ask: Callable[[], tuple[Iterable[OnCall], Mapping[str, str]]]) -> Roster:
    """What the pager answers now, kept; else its last answer. Raises what `ask` does if there is none."""
    now = out.clock.now()
    try:
        on_call, called = ask()
    except MultivacError:
        if (last := known(out, about)) is None:
            raise
        return replace(last, is_old=True)
    whole = tuple(replace(one, person=out.complete(one.person)) for one in on_call)
    found = Roster(on_call=whole, called=called, at=now)
    out.database.write(lambda tx: directory.keep_answer(tx, _key(about), _stored(found), now=now))
    return found


def known(out: Outside, about: str) -> Roster | None:
    """The last answer that the pager gave."""
    with out.database.read() as tx:
        last = directory.last_answer(tx, _key(about))
    return None if last is None else _read(last[0], last[1])


def everywhere(out: Outside) -> Roster | None:
    """Whoever is on call for anything, asked now; None where nobody can say."""
    pager = out.pager
    if pager is None:
        return None
    try:
        return asked(out, EVERYWHERE, lambda: (pager.on_call_everywhere(), {}))
    except MultivacError:
        return None


def is_fresh(roster: Roster | None, now: datetime) -> bool:
    """Whether it can be shown without asking again: it is not old, and nobody's turn has ended since."""
    if roster is None or roster.is_old or now - roster.at >= FRESH:
        return False
    return all(one.until is None or one.until > now for one in roster.on_call)


# --- in lines -------------------------------------------------------------------------------------


def lines(roster: Roster) -> Sequence[str]:
    """One line for each policy: everybody once, at which levels and until when. Its age, if it is old."""
    by_policy: dict[str, list[OnCall]] = {}
    for one in sorted(roster.on_call, key=lambda each: (each.policy_name, each.level, each.person.name)):
        name = roster.called.get(one.policy or "") or one.policy_name or "PagerDuty"
        by_policy.setdefault(name, []).append(one)
    drawn = [f"{name}: {', '.join(_each_once(on_call))}" for name, on_call in by_policy.items()]
    if len(drawn) > _SHOWN:
        rest = plural(
            "and {count} more: name a service.", "and {count} more: name a service.", len(drawn) - _SHOWN
        )
        drawn = [*drawn[:_SHOWN], rest]
    return [*age(roster), *(drawn or [phrase("Nobody is on call.")])]


def age(roster: Roster) -> Sequence[str]:
    """How old it is, where the pager does not answer."""
    if not roster.is_old:
        return ()
    return (phrase("PagerDuty does not answer. This is as of {time}:", time=day_and_time(roster.at)),)


def _each_once(on_call: Sequence[OnCall]) -> Sequence[str]:
    people: dict[str, tuple[str, dict[int, datetime | None]]] = {}
    for one in on_call:
        _, levels = people.setdefault(one.person.key, (one.person.name, {}))
        levels[one.level] = _later(levels[one.level], one.until) if one.level in levels else one.until
    return [_duty(name, levels) for name, levels in people.values()]


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The end of two turns, of which one may have none."""
    return None if one is None or other is None else max(one, other)


def _duty(name: str, levels: Mapping[int, datetime | None]) -> str:
    """Somebody with their levels; until when, once if it is the same for all of them."""
    if len(set(levels.values())) > 1:
        return f"{name} ({', '.join(_level(level, until) for level, until in levels.items())})"
    until, named = next(iter(levels.values())), ", ".join(map(str, levels))
    who = plural("{name} (level {levels})", "{name} (levels {levels})", len(levels), name=name, levels=named)
    return phrase("{who} until {time}", who=who, time=day_and_time(until)) if until else who


def _level(level: int, until: datetime | None) -> str:
    if until is None:
        return phrase("level {level}", level=level)
    return phrase("level {level} until {time}", level=level, time=day_and_time(until))


# --- kept -----------------------------------------------------------------------------------------


def _policy(one: OnCall) -> str:
    return one.policy or one.policy_name


def _key(about: str) -> str:
    return f"roster {about}"


def _stored(roster: Roster) -> Mapping[str, Any]:
    on_call = [
        {
            "person": person_to(one.person),
            "level": one.level,
            "policy": one.policy,
            "schedule": one.schedule,
            "until": one.until.isoformat() if one.until else None,
            "policy_name": one.policy_name,
        }
        for one in roster.on_call
    ]
    return {"on_call": on_call, "called": dict(roster.called)}


def _read(value: Mapping[str, Any], at: datetime) -> Roster:
    on_call = tuple(
        OnCall(
            person=person_from(one["person"]),
            level=one["level"],
            policy=one["policy"],
            schedule=one["schedule"],
            until=datetime.fromisoformat(one["until"]) if one["until"] else None,
            policy_name=one["policy_name"],
        )
        for one in value["on_call"]
    )
    return Roster(on_call=on_call, called=value["called"], at=at)
