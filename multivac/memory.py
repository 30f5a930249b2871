"""Keeps what is allocated together, so that freed memory is used again; the daemon calls it as it starts."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_M_ARENA_MAX, _ARENAS = -8, 2  # the first is a name in glibc's malloc.h


def keep_together() -> None:
    """The threads started from now on share two arenas, where the C library is glibc; else nothing.

    By itself it makes eight for each core, and what is freed in one is not used by the others. They
    spare threads waiting for each other, but ours allocate with Python's one lock in hand.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # musl has no such call
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
