"""While PostgreSQL is away webhooks are asked for again, and the daemon comes back by itself with it."""

import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from tests.postgres import Server
from tests.processes.conftest import Make
from tests.processes.daemon import until
from tests.processes.outage import Outage

PAGERDUTY_WAITS = 5.0  # seconds for an answer to a webhook, by its guide

Switch = Callable[[str], None]


@pytest.fixture
def let_in(postgres_server: Server, postgres_url: str) -> Iterator[Switch]:
    """With "false" cuts off everybody at the daemon's database and lets nobody in; "true" lets them in."""
    name = urlsplit(postgres_url).path.strip("/")

    def switch(position: str) -> None:
        postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {position}")
        if position == "false":
            postgres_server.execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            )

    yield switch
    switch("true")


@pytest.mark.slow(40, "starts a daemon and waits for whole responses, perhaps on two busy cores")
def test_without_its_database_it_asks_for_webhooks_again_and_recovers(
    postgres_url: str, let_in: Switch, make: Make, outage: Outage
) -> None:
    daemon = make(postgres_url).start()
    before, meanwhile = outage.alerts(1, "before"), outage.alerts(1, "meanwhile")
    outage.fail("jira", "POST /issue", "hold")
    assert daemon.post(before[0].body)[0] == 202
    until(lambda: outage.world.held == 1, 8, "the response has not begun")

    let_in("false")
    for _ in range(3):
        began = time.monotonic()
        status, text, _ = daemon.post(meanwhile[0].body)
        assert (status, text) == (503, "Cannot keep this now, deliver it again.")
        assert time.monotonic() - began < PAGERDUTY_WAITS / 2
    assert daemon.get("/readyz")[0] == 503
    assert daemon.get("/livez")[0] == 200
    outage.world.release()  # Jira answers while nothing can be written down

    let_in("true")
    until(lambda: daemon.post(meanwhile[0].body)[0] == 202, 5, "webhooks are not taken again")
    until(lambda: daemon.get("/readyz")[0] == 200, 5, "it is not ready again")
    outage.wait_until_whole([*before, *meanwhile], 20)
    daemon.stop()
    assert outage.amiss([*before, *meanwhile]) == []
    assert daemon.said("scheduled work failed") == []
