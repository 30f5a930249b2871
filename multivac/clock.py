"""The clocks: the wall, and the sandbox's for the demo and the tests."""

from __future__ import annotations

import json
import threading
import urllib.request
from datetime import UTC, datetime, timedelta

import structlog

log = structlog.get_logger()

_ASK_EVERY_SECONDS = 0.2


class WallClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """The present in UTC."""
        return datetime.now(UTC)


class SandboxClock:
    """The sandbox's time, which a person or a test may move forward; only ever on this machine."""

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/_sandbox/clock"
        self._ahead = timedelta()
        self._stopped = threading.Event()
        self._ask()
        threading.Thread(target=self._ask_for_ever, name="sandbox-clock", daemon=True).start()

    def now(self) -> datetime:
        """The present of the sandbox, at most a fifth of a second late."""
        return datetime.now(UTC) + self._ahead

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()

    def _ask_for_ever(self) -> None:
        while not self._stopped.wait(_ASK_EVERY_SECONDS):
            try:
                self._ask()
            except OSError as error:
                log.debug("the sandbox does not tell the time", error=str(error))

    def _ask(self) -> None:
        with urllib.request.urlopen(self._url, timeout=2) as answer:  # noqa: S310  # settings allow loopback only
            told = datetime.fromisoformat(json.load(answer)["now"])
        self._ahead = told - datetime.now(UTC)
