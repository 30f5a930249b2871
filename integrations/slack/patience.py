"""Whoever waits for longer than a second is told that they were heard. Used by inbound.py."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from datetime import datetime, timedelta

import structlog

from integrations.slack.mouth import Mouth, Place
from multivac.errors import MultivacError

log = structlog.get_logger()

_LONG = timedelta(seconds=1)
_LOOK_SECONDS = 0.1  # between two looks at the daemon's clock


class Waiting:
    """Somebody who waits for an answer, which is to be shown at `place`."""

    def __init__(self, mouth: Mouth, place: Place, trigger: str) -> None:
        self.place = place
        self._mouth = mouth
        self._trigger = trigger
        self._over = threading.Event()
        self._lock = threading.Lock()

    def end(self) -> None:
        """They wait no longer."""
        with self._lock:
            self._over.set()

    def watch(self, is_long: Callable[[], bool]) -> None:
        """Tell them once it is long, unless it is over before."""
        while not self._over.wait(_LOOK_SECONDS):
            if is_long():
                self._tell()
                return

    def _tell(self) -> None:
        with self._lock:  # the answer comes after this, never before
            if self._over.is_set():
                return
            try:
                self.place = self._mouth.hold(self.place, trigger=self._trigger)
            except MultivacError as error:
                log.info("nobody was told to wait", why=str(error))


class Patience:
    """Watches over those who wait, on threads of its own; `now` is the daemon's clock."""

    def __init__(self, mouth: Mouth, now: Callable[[], datetime], *, threads: int) -> None:
        self._mouth = mouth
        self._now = now
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="patience")

    @contextmanager
    def of(self, place: Place, *, trigger: str, since: datetime) -> Iterator[Waiting]:
        """Whoever asked at `since` and waits, within, for their answer."""
        waiting = Waiting(self._mouth, place, trigger)
        watch = copy_context().run
        self._pool.submit(watch, waiting.watch, lambda: self._now() - since > _LONG)
        try:
            yield waiting
        finally:
            waiting.end()

    def stop(self) -> None:
        """End with the last who wait."""
        self._pool.shutdown(wait=True)
