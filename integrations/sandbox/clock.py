"""The sandbox's clock: real time plus an offset, or an instant that only a test moves.

Every stand-in asks it for the time, and every pause a vendor makes (a retry after a minute, say) is
measured on it, so that a test goes through an hour in a millisecond.
"""

import threading
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the time; moves by itself unless it was frozen at an instant."""

    def __init__(self, frozen: datetime | None = None) -> None:
        self._lock = threading.Lock()
        self._frozen = frozen
        self._offset = timedelta()
        self._start = time.time() - time.monotonic()

    @property
    def frozen(self) -> bool:
        """Whether time stands still until somebody moves it."""
        return self._frozen is not None

    def now(self) -> datetime:
        """Give the present instant, aware, in UTC."""
        frozen = self._frozen
        return frozen if frozen is not None else datetime.now(UTC) + self._offset

    def ticks(self) -> float:
        """Give seconds since about 1970, which steps of the machine's own clock do not disturb."""
        frozen = self._frozen
        if frozen is not None:
            return frozen.timestamp()
        return self._start + time.monotonic() + self._offset.total_seconds()

    def forward(self, seconds: float) -> None:
        """Move the present by so many seconds."""
        with self._lock:
            if self._frozen is None:
                self._offset += timedelta(seconds=seconds)
            else:
                self._frozen += timedelta(seconds=seconds)

    def set(self, instant: datetime) -> None:
        """Make `instant` (aware) the present; a running clock goes on from there."""
        with self._lock:
            if self._frozen is None:
                self._offset = instant - datetime.now(UTC)
            else:
                self._frozen = instant

    def freeze(self, instant: datetime | None = None) -> None:
        """Stop the clock at `instant`, or at the present."""
        with self._lock:
            self._frozen = instant or self.now()
