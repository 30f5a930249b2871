"""Whoever waits for longer than a second is told that they were heard. Used by inbound.py."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from types import TracebackType

import structlog

from integrations.slack.mouth import Place
from multivac.errors import MultivacError

log = structlog.get_logger()

_LONG = timedelta(seconds=1)
_LOOK_SECONDS = 0.1  # between two looks at the daemon's clock
_THREADS = 8  # on which people are told

Hold = Callable[[], Place]


class Waiting(AbstractContextManager["Waiting"]):
    """Somebody who asked at `since` and waits for an answer, which is to be shown at `place`.

    `hold` tells them that they were heard, and gives where the answer is to be shown then.
    """

    def __init__(self, place: Place, hold: Hold, *, since: datetime) -> None:
        self.since = since
        self._place = place
        self._hold = hold
        self._lock = threading.Lock()
        self.is_over = False

    def end(self) -> Place:
        """They wait no longer; gives where the answer is to be shown."""
        with self._lock:  # the answer comes after what they are told meanwhile, never before
            self.is_over = True
            return self._place

    def tell(self) -> None:
        """Tell them, unless it is over."""
        with self._lock:
            if self.is_over:
                return
            try:
                self._place = self._hold()
            except MultivacError as error:
                log.info("nobody was told to wait", why=str(error))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """They wait no longer, whatever came of it."""
        self.end()


class Patience:
    """Watches over all who wait, from when they asked: also while no thread is free for them.

    `now` is the daemon's clock. One thread looks at it, as long as anybody waits.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._waiting: list[Waiting] = []
        self._is_watched = False
        self._stopped = threading.Event()
        self._watch = ThreadPoolExecutor(1, thread_name_prefix="patience")
        self._tells = ThreadPoolExecutor(_THREADS, thread_name_prefix="on-it")

    def of(self, place: Place, hold: Hold) -> Waiting:
        """Whoever asks now, and waits until that is ended."""
        waiting = Waiting(place, hold, since=self._now())
        with self._lock:
            self._waiting.append(waiting)
            if not self._is_watched and not self._stopped.is_set():
                self._is_watched = True
                self._watch.submit(self._look)
        return waiting

    def _look(self) -> None:
        while not self._stopped.wait(_LOOK_SECONDS):
            now = self._now()
            with self._lock:
                still = [one for one in self._waiting if not one.is_over]
                self._waiting = [one for one in still if now - one.since <= _LONG]
                self._is_watched = bool(self._waiting)
                for one in still:
                    if now - one.since > _LONG:
                        self._tells.submit(one.tell)
                if not self._is_watched:
                    return

    def stop(self) -> None:
        """Watch no more, and end what is being told."""
        self._stopped.set()
        self._watch.shutdown(wait=True)
        self._tells.shutdown(wait=True)
