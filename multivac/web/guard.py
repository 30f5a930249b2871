"""Bounds what a stranger can hold: connections, time to send a request, and bytes in memory.

The web server asks nobody who they are before it has read the body, since the signature is over it.
So each connection has 20 s for a whole request, the longest idle one makes room for a new one, and
all bodies together have 32 MiB. A proxy in front may be stricter.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_BODY = 1024 * 1024  # four times what PagerDuty sends at most (its webhook guide)
LARGEST_HEAD = 64 * 1024
BODIES = 32 * 1024 * 1024
MOST_CONNECTIONS = 1000
REQUEST_SECONDS = 20.0
_MOST_FILES = 65_536


class TooLarge(Exception):  # answered with 413, never seen by others
    """The body is larger than we read."""


class NoRoom(Exception):  # answered with 503, never seen by others
    """The bodies that are being read fill the memory set aside for them."""


class Room:
    """The memory for bodies that were not dealt with yet; used on the event loop's thread alone."""

    def __init__(self, size: int = BODIES) -> None:
        self._left = size

    @contextmanager
    def body(self) -> Iterator[Body]:
        """An empty body, whose room is given back at the end."""
        body = Body(self)
        try:
            yield body
        finally:
            self._left += len(body.raw)

    def take(self, size: int) -> None:
        """Take so many bytes. Raises `NoRoom`."""
        if size > self._left:
            raise NoRoom
        self._left -= size


@dataclass(slots=True)
class Body:
    """A body as far as it has come in."""

    _room: Room
    raw: bytearray = field(default_factory=bytearray)

    def add(self, part: bytes) -> None:
        """Keep the next part. Raises `TooLarge`, `NoRoom`."""
        if len(self.raw) + len(part) > LARGEST_BODY:
            raise TooLarge
        self._room.take(len(part))
        self.raw += part


class Guard:
    """The open connections, by what they wait for; used on the event loop's thread alone.

    `reading`: a request is not whole yet. `idle`: kept open between two requests. Both are in order
    of time, the longest waiting first. All others are being answered, or do not read their answer.
    """

    def __init__(self) -> None:
        self.most = MOST_CONNECTIONS
        self.patience = REQUEST_SECONDS
        self.open: dict[Guarded, float | None] = {}
        self.reading: dict[Guarded, float] = {}
        self.idle: dict[Guarded, float] = {}

    def fit(self) -> None:
        """Allow this process as many files as the system lets it, and half of them to strangers."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
                soft = wanted
        if soft != resource.RLIM_INFINITY:
            self.most = min(MOST_CONNECTIONS, soft // 2)

    def make_room(self) -> bool:
        """Close the connection that has been useless for longest; False if all are being answered."""
        if len(self.open) < self.most:
            return True
        longest = [next(iter(each.items())) for each in (self.reading, self.idle) if each]
        if not longest:
            return False
        min(longest, key=lambda one: one[1])[0].cut()
        return True

    def sweep(self) -> None:
        """Close what has not sent its request, or not read its answer, in 20 s."""
        now = time.monotonic()
        late = [one for one, since in self.reading.items() if now - since > self.patience]
        for one, since in self.open.items():
            if not one.is_held_up:
                self.open[one] = None
            elif since is None:
                self.open[one] = now
            elif now - since > self.patience:
                late.append(one)
        for one in late:
            one.cut()

    def forget(self, one: Guarded) -> None:
        """It is closed."""
        for each in (self.open, self.reading, self.idle):
            each.pop(one, None)


class Guarded(HttpToolsProtocol):
    """One connection, which tells its guard what it waits for."""

    def __init__(self, guard: Guard, **given: Any) -> None:
        super().__init__(**given)
        self._guard = guard
        self._head: int | None = 0  # bytes of a head that is not whole yet

    @property
    def is_held_up(self) -> bool:
        """Whether it waits for the other side to read."""
        return self.transport.is_closing() or self.flow.write_paused

    def cut(self) -> None:
        """Close at once, whatever is under way."""
        self._guard.forget(self)
        self.transport.abort()

    def connection_made(self, transport: Any) -> None:
        """Take it in, if there is room or can be made."""
        super().connection_made(transport)
        if not self._guard.make_room():
            transport.abort()
            return
        self._guard.open[self] = None
        self._guard.reading[self] = time.monotonic()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._guard.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; a head without end ends the connection."""
        super().data_received(data)
        if self._head is not None:
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self.cut()

    def on_message_begin(self) -> None:
        """A request begins: its time runs."""
        self._head = 0
        self._guard.idle.pop(self, None)
        self._guard.reading.pop(self, None)
        self._guard.reading[self] = time.monotonic()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what is sent as one after the body is dropped, else it could be endless."""
        if self._head is not None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole: now the time is ours."""
        self._guard.reading.pop(self, None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """It is answered, and kept open for the next request."""
        super().on_response_complete()
        if self in self._guard.open and self not in self._guard.reading and not self.pipeline:
            self._guard.idle[self] = time.monotonic()
