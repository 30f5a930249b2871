"""Several daemons on one database: refused on SQLite, and on PostgreSQL each effect happens once."""

import sys
import time
from pathlib import Path

import pytest

from tests.processes.conftest import Make
from tests.processes.daemon import until
from tests.processes.outage import Outage

TAKEN_OVER_SECONDS = 15
TWO_DAEMONS = "starts two daemons and waits for whole responses, perhaps on two busy cores"


@pytest.mark.slow(40, TWO_DAEMONS)
def test_a_second_daemon_on_one_sqlite_file_is_told_what_to_do(make: Make, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'multivac.db'}"
    first = make(url).start()
    second = make(url, name="second").launch()
    assert second.wait(20) == 2
    [said] = second.output.splitlines()
    assert "database.url" in said
    assert "another Multivac is running on this SQLite file" in said
    assert "PostgreSQL" in said
    assert first.get("/readyz")[0] == 200


@pytest.mark.slow(40, TWO_DAEMONS)
def test_two_daemons_share_the_work_and_do_nothing_twice(
    postgres_url: str, make: Make, outage: Outage
) -> None:
    replicas = [make(postgres_url, name=name).launch() for name in ("one", "other")]
    for replica in replicas:
        replica.wait_until_ready()
    alerts = outage.alerts(10)
    for number, alert in enumerate(alerts):
        # Every second alert comes to both, as PagerDuty may deliver it twice.
        for replica in replicas if number % 2 else replicas[:1]:
            assert replica.post(alert.body)[0] == 202
    outage.wait_until_whole(alerts, 20)
    for replica in replicas:
        replica.stop()
    assert outage.amiss(alerts) == []


@pytest.mark.slow(40, TWO_DAEMONS)
def test_what_a_killed_daemon_was_doing_is_finished_by_the_other(
    postgres_url: str, make: Make, outage: Outage
) -> None:
    killed = make(postgres_url, name="killed").launch()
    other = make(postgres_url, name="other").launch()
    killed.wait_until_ready()
    other.wait_until_ready()
    alerts = outage.alerts(8)
    outage.world.delays.update(slack=0.15, jira=0.25, pagerduty=0.15)
    for alert in alerts:
        killed.post(alert.body)
    until(lambda: len(outage.world.exchanges) > 20, 8, "the responses have not begun")
    killed.kill()
    began = time.monotonic()
    assert outage.amiss(alerts)
    outage.wait_until_whole(alerts, TAKEN_OVER_SECONDS)
    sys.stdout.write(f"finished {time.monotonic() - began:.1f} s after the kill\n")
    other.stop()
    assert outage.amiss(alerts) == []
