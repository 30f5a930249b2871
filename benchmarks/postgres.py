"""A PostgreSQL for the benchmarks: the one of the tests, so with its disk writes not waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.postgres import MISSING, REMEDY, find_binaries, running_server


@contextmanager
def running_postgres() -> Iterator[str | None]:
    """The address of an empty database; None, and a line that says why, where there is no PostgreSQL."""
    binaries = find_binaries()
    if binaries is None:
        print(f"{MISSING}: {REMEDY}")
        yield None
        return
    with running_server(binaries) as server, server.database() as url:
        yield url
