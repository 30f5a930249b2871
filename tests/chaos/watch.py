"""The points at which a response can be cut off: around each call to the outside, around each commit.

A point has a name that is the same in every run, whatever order the threads take: "before slack
pins.add" or "after the commit that says: done ticket #1".
"""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from integrations.sandbox.exchange import Call
from multivac.store.tables import alert, entry, incident, person, role, step


class Dead(Exception):
    """The daemon of this process counts as killed: what it still tries has no effect."""


What = Literal["call", "commit"]
Side = Literal["before", "after"]
# The sweep asks every minute whatever happens, so it is no part of a response.
_NO_PART = frozenset({"pagerduty GET /incidents"})
_WRITES = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """One place where everything ends: on this side of the n-th call, or of the commit, of that name."""

    what: What
    name: str
    side: Side

    def __str__(self) -> str:
        return f"{self.side} the {self.what}: {self.name}"


def points_of(what: What, names: Sequence[str], *sides: Side) -> list[Point]:
    """These sides of everything of these names."""
    return [Point(what, name, side) for name in names for side in sides]


def commit_names(heard: Sequence[Sequence[str]]) -> list[str]:
    """One name for each commit that said something new: the first thing that it said."""
    return [fresh[0] for fresh in heard if fresh]


@dataclass(slots=True)
class Calls:
    """A witness of the sandbox: it names each call, and cuts where it is told to.

    `strike` is called at the point aimed at, before anything goes back to the caller. Once `cut_all`
    is set, nothing passes any more, as if the caller were gone.
    """

    strike: Callable[[], None]
    target: Point | None = None
    names: list[str] = field(default_factory=list)
    cut_all: bool = False
    _seen: Counter[str] = field(default_factory=Counter)
    _open: dict[int, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def aim(self, target: Point | None) -> None:
        """Begin to count anew, and strike at this point."""
        with self._lock:
            self.target, self.cut_all = target, False
            self.names.clear()
            self._seen.clear()
            self._open.clear()

    def __call__(self, call: Call, happened: bool) -> bool:  # as `World.witness` is called
        """Whether the call is cut off here."""
        if self.cut_all or (name := self._named(call, happened=happened)) is None:
            return self.cut_all
        if self.target == Point("call", name, "after" if happened else "before"):
            self.target = None
            self.strike()
            return True
        return False

    def _named(self, call: Call, *, happened: bool) -> str | None:
        family = _family(call)
        if family in _NO_PART:
            return None
        with self._lock:
            if happened:
                return self._open.pop(id(call), None)
            self._seen[family] += 1
            name = f"{family} #{self._seen[family]}"
            self._open[id(call)] = name
            self.names.append(name)
            return name


def _family(call: Call) -> str:
    said = call.fields.get("metadata") if call.method.startswith("chat.") else None
    kind = re.search(r"multivac_\w+", str(said)) if said else None
    return " ".join(filter(None, (call.vendor, call.method, kind and kind[0])))


@dataclass(slots=True)
class Commits:
    """Looks at every commit of an engine that wrote something, and names what the rows say with it.

    `strike` is called at the point aimed at; what it raises ends the transaction. Once it is `over`,
    nothing is committed any more. Only incidents younger than `beyond` count.
    """

    strike: Callable[[], None]
    heard: Callable[[Sequence[str]], object] = lambda _: None
    target: Point | None = None
    beyond: int = 0
    over: bool = False
    _said: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def aim(self, target: Point | None, *, beyond: int) -> None:
        """Begin to look anew, and strike at this point."""
        with self._lock:
            self._said.clear()
            self.target, self.beyond = target, beyond

    def watch(self, engine: sa.Engine | type[sa.Engine]) -> None:
        """Look at the commits of this engine, or of all."""
        sa.event.listen(engine, "after_cursor_execute", _note_write)
        sa.event.listen(engine, "commit", self._at_commit)
        sa.event.listen(engine, "rollback", _forget_write)

    def _at_commit(self, connection: sa.Connection) -> None:
        if not connection.info.pop("wrote", False):
            return
        if self.over:
            raise Dead
        with self._lock:
            fresh = [one for one in _facts(connection, self.beyond) if one not in self._said]
            self._said.update(fresh)
        self.heard(fresh)
        target = self.target
        if target is None or target.name not in fresh:
            return
        self.target = None
        if target.side == "after":
            connection.connection.commit()
        self.strike()


def _note_write(connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
    if statement.lstrip().upper().startswith(_WRITES):
        connection.info["wrote"] = True


def _forget_write(connection: sa.Connection) -> None:
    connection.info.pop("wrote", None)


_COUNTED = (alert, entry, role)


def _facts(connection: sa.Connection, beyond: int) -> Iterator[str]:
    """What the rows say of the incidents younger than `beyond`, each fact with a name of its own."""
    versions = sa.select(incident.c.version, incident.c.planned).where(incident.c.id > beyond)
    for version, planned in connection.execute(versions):
        yield from _up_to("version", version)
        yield from _up_to("planned version", planned)
    for table in _COUNTED:
        number = connection.scalar(sa.select(sa.func.count()).where(table.c.incident > beyond)) or 0
        yield from _up_to(f"{table.name} number", number)
    yield from _up_to("person number", connection.scalar(sa.select(sa.func.count(person.c.key))) or 0)
    rows = connection.execute(
        sa.select(step.c.name, step.c.claim, step.c.attempt, step.c.done).where(step.c.incident > beyond)
    )
    for name, claim, attempt, done in rows:
        known = re.sub(r"/[A-Z0-9]{6,}$", "", name)  # an alert's id differs from run to run
        yield f"wanted {known}"
        yield from _up_to(f"claimed {known}", attempt)
        yield from _up_to(f"done {known}", attempt if done and claim is None else attempt - 1)


def _up_to(what: str, number: int) -> Iterator[str]:
    yield from (f"{what} #{each}" for each in range(1, number + 1))
