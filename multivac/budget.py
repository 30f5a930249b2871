"""Rate limits and what matters most: may a call be made now, and if not, when to ask again. Pure.

Every kind of call has a tank that fills steadily. Whoever finds it too low is told a time and is in
line from then on: the worst incident first, then what matters most, then who waits longest. Nobody is
made to wait here, so a limit never holds a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

_URGENT_SEVERITY = 2  # sev1 and sev2
_KEPT_FOR_URGENT = 5  # a fifth of every tank
_TURN_OF_THE_OLDEST = 10  # every tenth call is for whoever waits longest, however mild
_ASK_AGAIN = timedelta(seconds=60)  # at the latest: those ahead may have given up their place
_MISSED = timedelta(seconds=5)  # who does not come back by then has lost the place in line
_SOON = timedelta(milliseconds=5)  # so that whoever comes at the time named finds the tank full enough
_CLOCKS_DIFFER = timedelta(
    minutes=1
)  # between replicas; a tank filled later than that knows a clock set back
_LONGEST_SHUT = timedelta(minutes=15)
_MANY = 2_000


@dataclass(frozen=True, slots=True)
class Rate:
    """How many calls a minute a vendor allows, and how many at once after a rest."""

    per_minute: float
    burst: float

    def times(self, factor: float) -> Rate:
        """A rate that many times as high, of two calls at once at least: part of them is kept back."""
        return Rate(self.per_minute * factor, max(self.burst * factor, 2.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """On whose behalf a call is made: who, how severe (1 is worst), how it matters, since when it waits."""

    who: str
    severity: int
    matters: int
    since: datetime

    @property
    def is_urgent(self) -> bool:
        """Whether what is kept back is kept for it."""
        return self.severity <= _URGENT_SEVERITY

    @property
    def rank(self) -> tuple[int, int, datetime]:
        """Its place in line: lower goes first."""
        return self.severity, self.matters, self.since


@dataclass(frozen=True, slots=True)
class Tank:
    """How many calls may be made at once: `level` at the time `at`, none before `shut_until`."""

    level: float
    at: datetime
    shut_until: datetime | None = None

    def take(
        self, rate: Rate | None, *, now: datetime, ahead: int, favoured: bool
    ) -> tuple[Tank, datetime | None]:
        """The tank afterwards, and None if one call may be made now, else when it may be.

        `ahead` is how many others are to be served first. Who is favoured may have what is kept for the
        urgent. Without a rate only being shut counts.
        """
        tank = self if rate is None else self._filled(rate, now)
        opens = _opens(tank, now)
        if rate is None:
            return tank, opens if opens > now else None
        kept = 0.0 if favoured else rate.burst / _KEPT_FOR_URGENT
        short = ahead + 1 + kept - tank.level
        if short <= 0 and opens <= now:
            return replace(tank, level=tank.level - 1), None
        filled = tank.at + timedelta(minutes=short / rate.per_minute) + _SOON if short > 0 else now
        return tank, min(max(opens, filled, now + _SOON), now + _ASK_AGAIN)

    def spend(self, rate: Rate, *, now: datetime) -> Tank:
        """The tank after a call that is made in any case."""
        tank = self._filled(rate, now)
        return replace(tank, level=max(tank.level - 1, 0.0))

    def shut(self, *, now: datetime, wait: timedelta) -> Tank:
        """The tank of a vendor that asks for no call for so long: it was emptier than we thought."""
        until = now + min(wait, _LONGEST_SHUT)
        return Tank(min(self.level, 1.0), until, until)

    def _filled(self, rate: Rate, now: datetime) -> Tank:
        if self.at > now + max(_CLOCKS_DIFFER, _LONGEST_SHUT if self.shut_until else timedelta()):
            return Tank(min(self.level, rate.burst), now)  # the clock was set back
        came = max(now - self.at, timedelta()).total_seconds() * rate.per_minute / 60
        return replace(self, level=min(self.level + came, rate.burst), at=max(self.at, now))


def _opens(tank: Tank, now: datetime) -> datetime:
    until = tank.shut_until
    return until if until is not None and now < until <= now + _LONGEST_SHUT else now


def full(rate: Rate | None, now: datetime) -> Tank:
    """The tank of a kind of call that has rested."""
    return Tank(rate.burst if rate is not None else 1.0, now)


class Tanks(Protocol):
    """Where the tanks are kept: by one process, or by all replicas together."""

    def take(
        self, key: str, rate: Rate | None, *, now: datetime, ahead: int, favoured: bool
    ) -> datetime | None:
        """As `Tank.take` says; the tank keeps what was taken."""
        ...

    def spend(self, key: str, rate: Rate, *, now: datetime) -> None:
        """As `Tank.spend` says."""
        ...

    def shut(self, key: str, *, now: datetime, wait: timedelta) -> None:
        """As `Tank.shut` says."""
        ...


class OwnTanks:
    """The tanks of one process, in memory: after a start each counts as full."""

    def __init__(self) -> None:
        self._tanks: dict[str, Tank] = {}

    def take(
        self, key: str, rate: Rate | None, *, now: datetime, ahead: int, favoured: bool
    ) -> datetime | None:
        """As `Tank.take` says."""
        tank, at = self._tank(key, rate, now).take(rate, now=now, ahead=ahead, favoured=favoured)
        self._tanks[key] = tank
        return at

    def spend(self, key: str, rate: Rate, *, now: datetime) -> None:
        """As `Tank.spend` says."""
        self._tanks[key] = self._tank(key, rate, now).spend(rate, now=now)

    def shut(self, key: str, *, now: datetime, wait: timedelta) -> None:
        """As `Tank.shut` says."""
        self._tanks[key] = self._tank(key, None, now).shut(now=now, wait=wait)

    def _tank(self, key: str, rate: Rate | None, now: datetime) -> Tank:
        if len(self._tanks) > _MANY:  # one for each channel: most have been full for long
            self._tanks = {key: one for key, one in self._tanks.items() if now - one.at < _ASK_AGAIN}
        return self._tanks.get(key) or full(rate, now)


@dataclass(slots=True)
class _Line:
    """Who waits for one kind of call, with the time each was told; and how many were served."""

    told: dict[Errand, datetime] = field(default_factory=dict)
    served: int = 0

    def ahead_of(self, errand: Errand, now: datetime) -> tuple[int, bool]:
        """How many go first, and whether it is this errand's turn as the one that waits longest."""
        self.told = {
            one: at for one, at in self.told.items() if now <= at + _MISSED and one.who != errand.who
        }
        others = list(self.told)
        if self.served % _TURN_OF_THE_OLDEST == _TURN_OF_THE_OLDEST - 1:
            oldest = min((one.since for one in others), default=errand.since)
            if errand.since <= oldest:
                return 0, bool(others)
            return 1 + sum(one.rank < errand.rank for one in others if one.since > oldest), False
        return sum(one.rank < errand.rank for one in others), False


class Limiter:
    """Says for every call whether it may be made now; safe to use from many threads at once."""

    def __init__(self, tanks: Tanks, now: Callable[[], datetime]) -> None:
        self._tanks = tanks
        self._now = now
        self._lines: dict[str, _Line] = {}
        self._lock = threading.Lock()

    def ask(self, key: str, rate: Rate | None, errand: Errand | None) -> datetime | None:
        """None if the call may be made now, which counts as made; else when to ask again.

        What is asked for nobody's sake is counted and never put off.
        """
        with self._lock:
            now = self._now()
            if errand is None:
                if rate is not None:
                    self._tanks.spend(key, rate, now=now)
                return None
            return self._ask(key, rate, errand, now=now)

    def _ask(self, key: str, rate: Rate | None, errand: Errand, *, now: datetime) -> datetime | None:
        line = self._lines.get(key) or _Line()
        ahead, is_its_turn = line.ahead_of(errand, now)
        favoured = errand.is_urgent or is_its_turn
        at = self._tanks.take(key, rate, now=now, ahead=ahead, favoured=favoured)
        if at is None:
            line.served += 1
        else:
            line.told[errand] = at
        self._lines[key] = line
        if at is None and not line.told:
            del self._lines[key]  # nobody waits: there is no order to keep
        return at

    def shut(self, key: str, wait: timedelta) -> None:
        """Let no call of this kind be made for so long: the vendor asked for it."""
        with self._lock:
            self._tanks.shut(key, now=self._now(), wait=wait)
