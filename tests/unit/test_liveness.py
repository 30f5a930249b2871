"""Which replicas of one PostgreSQL live: whoever starts again elsewhere waits for nobody who is gone."""

import time
from collections.abc import Iterator

import psycopg
import pytest

from multivac.store.database import session_name
from multivac.store.liveness import SessionLiveness
from tests.processes.daemon import until

pytestmark = pytest.mark.postgres
OLD = "elsewhere:1:0a0a0a0a"


@pytest.fixture
def url(postgres_url: str) -> str:
    """A server that has been up for as long as its knowing of no session takes to mean something."""
    with psycopg.connect(postgres_url, autocommit=True) as tx:
        is_old = "SELECT WHERE now() - pg_postmaster_start_time() > interval '5 s'"
        until(lambda: tx.execute(is_old).fetchone() is not None, 8, "the server does not age")
    return postgres_url


@pytest.fixture
def fresh(url: str) -> Iterator[SessionLiveness]:
    """A replica that has just started."""
    liveness = SessionLiveness("here:2:0b0b0b0b", url)
    liveness.start()
    yield liveness
    liveness.stop()


def is_dead(liveness: SessionLiveness, boot: str) -> bool:
    with liveness.burying(boot) as dead:
        return dead


def test_whoever_starts_elsewhere_takes_over_at_once_from_one_that_left_nothing(
    url: str, fresh: SessionLiveness
) -> None:
    old = SessionLiveness(OLD, url)
    old.start()
    assert not is_dead(fresh, OLD)
    old.stop()
    with psycopg.connect(url, application_name=session_name(OLD)):
        assert not is_dead(fresh, OLD), "it may live, with only the session of its lock cut"
    until(lambda: is_dead(fresh, OLD), 2, "its session is not forgotten")


def test_a_session_that_is_cut_is_noticed_before_the_next_ping(url: str, fresh: SessionLiveness) -> None:
    # It pings a second after its start.
    assert fresh.is_unbroken(time.monotonic())
    with psycopg.connect(url, autocommit=True) as tx:
        tx.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    until(lambda: not fresh.is_unbroken(time.monotonic()), 0.75, "it does not notice")
