"""Which replicas are alive: a file lock on SQLite, an advisory lock for each boot on PostgreSQL."""

from __future__ import annotations

import fcntl
import hashlib
import math
import os
import platform
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import psycopg
import structlog

from multivac.errors import BadConfig, Finding
from multivac.store.database import session_name

log = structlog.get_logger()

_NAMESPACE = 0x6D76
_PING_SECONDS = 1.0
_WRITABLE = "Make its folder and let this user write there, or name another file."
# A frozen replica cannot ping, so the server closes its session and frees its lock.
_IDLE_SECONDS = 10
_SURE_SECONDS = 8  # for so long after a ping nobody else can have taken over
_MISSED_SECONDS = 2.5  # a live replica whose session was cut notices that within a second, and sends no more
_LOOKS_APART_SECONDS = 5.0  # looks that lie farther apart tell nothing of the time between them
_START_SECONDS = 5.0  # who has just started takes over at once from whoever left no session
_END_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = %s AND datname = current_database()"
)
# A server that has just started knows of no session, also of the living.
_LEFT_NO_SESSION = (
    "SELECT now() - pg_postmaster_start_time() > interval '5 s' AND NOT EXISTS ("
    "SELECT FROM pg_stat_activity WHERE application_name = %s AND datname = current_database())"
)


class Liveness(Protocol):
    """Says which boots of Multivac on this database are still alive."""

    def start(self) -> None:
        """Begin to count as alive. Raises `BadConfig` where only one may be and one is."""
        ...

    def burying(self, boot: str) -> AbstractContextManager[bool]:
        """Whether that boot, perhaps of another machine, is dead; it holds no locks in the database then.

        As long as this lasts it cannot come back.
        """
        ...

    def is_unbroken(self, since: float) -> bool:
        """Whether nobody can have taken us for dead since then (monotonic seconds of this process)."""
        ...

    def stop(self) -> None:
        """Stop counting as alive."""
        ...


class FileLiveness:
    """One daemon for each SQLite file: whoever holds the lock is alive, and nobody else."""

    def __init__(self, boot: str, file: Path | None) -> None:
        self._boot = boot
        self._path = None if file is None else file.with_name(file.name + ".lock")
        self._held: IO[str] | None = None

    def start(self) -> None:
        """Take the lock, which the system frees however the process ends; held already is fine."""
        if self._path is None or self._held is not None:
            return
        try:
            held = self._path.open("w")
        except OSError as error:
            why = f"cannot be opened: {error.strerror} ({self._path})."
            raise BadConfig(Finding("database.url", why, _WRITABLE)) from error
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            held.close()
            why = "another Multivac is running on this SQLite file."
            raise BadConfig(
                Finding("database.url", why, "Stop it, or use PostgreSQL for several replicas.")
            ) from error
        self._held = held

    @contextmanager
    def burying(self, boot: str) -> Iterator[bool]:
        """Everybody but us is dead."""
        yield boot != self._boot

    def is_unbroken(self, since: float) -> bool:
        """Always: a frozen process keeps its lock."""
        del since
        return True

    def stop(self) -> None:
        """Let go of the lock."""
        if self._held is not None:
            self._held.close()
            self._held = None


@dataclass(frozen=True, slots=True)
class _Missed:
    """Since when a boot's lock has been found free, and when we last looked (monotonic seconds)."""

    since: float
    looked: float


class SessionLiveness:
    """An advisory lock named after the boot, on a connection of its own that is pinged each second."""

    def __init__(self, boot: str, url: str) -> None:
        self._boot = boot
        self._url = url
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._ping_for_ever, name="liveness", daemon=True)
        self._connection: psycopg.Connection[Any] | None = None
        self._waker, self._woken = socket.socketpair()
        self._started = -math.inf
        self._pinged = self._unbroken_since = 0.0
        self._missed: dict[str, _Missed] = {}

    def start(self) -> None:
        """Take the lock before any work is claimed in the name of this boot."""
        self._connection = self._connect()
        self._started = self._pinged = self._unbroken_since = time.monotonic()
        self._thread.start()

    @contextmanager
    def burying(self, boot: str) -> Iterator[bool]:
        """Whether nobody has held that boot's lock for a while; we hold it meanwhile, and its sessions end.

        One that was frozen within a transaction would keep its rows locked for ever.
        """
        if boot == self._boot:
            yield False
            return
        with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as connection:
            is_free = _lock(connection, boot)
            if not is_free:
                self._missed.pop(boot, None)
            is_dead = is_free and (
                _is_gone(boot) or self._has_left(connection, boot) or self._is_missed_for_long(boot)
            )
            if is_dead:
                connection.execute(_END_SESSIONS, (session_name(boot),))
            yield is_dead

    def _has_left(self, connection: psycopg.Connection[Any], boot: str) -> bool:
        """Whether it is gone for sure, as far as the server sees, and died before we started.

        A process that ends closes every session it had; one that lives notices at once if all are closed.
        Others wait: what a process asked for right before its death is still on its way.
        """
        if time.monotonic() - self._started > _START_SECONDS:
            return False
        row = connection.execute(_LEFT_NO_SESSION, (session_name(boot),)).fetchone()
        return row is not None and bool(row[0])

    def _is_missed_for_long(self, boot: str) -> bool:
        """Whether it had the time to notice that its session is lost, and to stop sending or come back."""
        now, known = time.monotonic(), self._missed.get(boot)
        since = now if known is None or now - known.looked > _LOOKS_APART_SECONDS else known.since
        self._missed[boot] = _Missed(since, now)
        return now - since >= _MISSED_SECONDS

    def is_unbroken(self, since: float) -> bool:
        """Whether our session has answered all along, as it has not after a freeze or without the server."""
        is_fresh = time.monotonic() - self._pinged < _SURE_SECONDS
        return is_fresh and self._unbroken_since <= since  # in this order: a ping sets the other one first

    def stop(self) -> None:
        """Let go of the lock."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self._waker.send(b".")
        if self._thread.is_alive():
            self._thread.join()
        if self._connection is not None:
            self._connection.close()
        self._waker.close()
        self._woken.close()

    def _connect(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=5,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
        )
        connection.execute(f"SET idle_session_timeout = '{_IDLE_SECONDS}s'")
        while not _lock(connection, self._boot) and not self._stopped.wait(0.2):
            log.info("waiting for the lock of an earlier session", boot=self._boot)
        return connection

    def _ping_for_ever(self) -> None:
        while not self._stopped.is_set():
            try:
                self._rest()
                if self._connection is None:
                    self._connection = self._connect()
                    # Whoever found our lock free may have taken over what we had claimed.
                    self._unbroken_since = time.monotonic()
                began = time.monotonic()
                self._connection.execute("SELECT 1")
                self._note_ping(began)
            except psycopg.OperationalError as error:
                log.warning("liveness session lost", error=str(error))
                self._connection = None
                self._unbroken_since = math.inf

    def _rest(self) -> None:
        """Until the next ping is due, or the server says something unasked: as a rule that it hangs up."""
        heard = select.poll()
        heard.register(self._woken, select.POLLIN)
        if self._connection is not None:
            heard.register(self._connection, select.POLLIN)
        heard.poll(_PING_SECONDS * 1000)

    def _note_ping(self, at: float) -> None:
        if at - self._pinged >= _SURE_SECONDS:
            log.warning("cut off from the database for a while", seconds=round(at - self._pinged, 1))
            self._unbroken_since = at
        self._pinged = at


def _lock(connection: psycopg.Connection[Any], boot: str) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (_NAMESPACE, _key(boot))).fetchone()
    return row is not None and bool(row[0])


def _is_gone(boot: str) -> bool:
    """Whether it was a process of this machine that is there no more: nothing to wait for after a restart."""
    node, _, process = boot.partition(":")
    number = process.partition(":")[0]
    if node != platform.node() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return int(number) == os.getpid()  # in a container that was started again


def _key(boot: str) -> int:
    return int.from_bytes(hashlib.sha256(boot.encode()).digest()[:4], "big", signed=True)
