"""A daemon that is told to stop ends what it has begun, takes nothing new, and loses nothing."""

import signal
import time
from pathlib import Path

import pytest

from tests.processes.conftest import Make
from tests.processes.daemon import Daemon, ask, until
from tests.processes.engine import empty_the_engine
from tests.processes.outage import Outage

TWO_STARTS = "starts the daemon twice and waits for whole responses, perhaps on two busy cores"
DRAINED_SECONDS = 25


@pytest.mark.slow(40, TWO_STARTS)
def test_sigterm_drains_in_time_and_loses_nothing(daemon: Daemon, outage: Outage) -> None:
    alerts = outage.alerts(8)
    outage.world.delays.update(slack=0.3, jira=0.3, pagerduty=0.3)
    for alert in alerts:
        assert daemon.post(alert.body)[0] == 202
    until(lambda: len(outage.world.exchanges) > 12, 8, "no response has begun")
    assert outage.amiss(alerts)
    assert daemon.stop() < DRAINED_SECONDS
    outage.world.delays.clear()
    daemon.start()
    outage.wait_until_whole(alerts, 20)
    daemon.stop()
    assert outage.amiss(alerts) == []


@pytest.mark.slow(40, TWO_STARTS)
def test_the_engines_tables_can_be_emptied_while_stopped(
    daemon: Daemon, outage: Outage, database_url: str
) -> None:
    alerts = outage.alerts(4)
    outage.fail("slack", "conversations.create", "hold", times=4)
    for alert in alerts:
        daemon.post(alert.body)
    until(lambda: outage.world.held == 4, 8, "the responses have not begun")
    daemon.kill()
    outage.world.heal()
    assert empty_the_engine(database_url) >= 4
    daemon.start()
    outage.wait_until_whole(alerts, 20)
    daemon.stop()
    assert outage.amiss(alerts) == []


@pytest.mark.slow(40, "starts a daemon and waits for it to end, perhaps on two busy cores")
def test_while_it_drains_it_asks_for_no_traffic(make: Make, outage: Outage, tmp_path: Path) -> None:
    daemon = make(f"sqlite:///{tmp_path / 'multivac.db'}").start()
    [alert, late] = outage.alerts(2)
    outage.fail("slack", "conversations.create", "hold")
    daemon.post(alert.body)
    until(lambda: outage.world.held == 1, 8, "the response has not begun")
    url = daemon.url
    daemon.signal(signal.SIGTERM)
    until(lambda: ask(url, "GET", "/readyz")[0] == 503, 5, "readyz goes on saying that it is ready")
    for _ in range(20):  # for as long as it drains, not only at the first look
        assert ask(url, "GET", "/readyz")[0] == 503
        time.sleep(0.05)
    status, _, headers = daemon.post(late.body)
    assert status == 503
    assert int(headers["retry-after"]) > 0
    assert ask(url, "GET", "/livez")[0] == 200
    assert not daemon.ended
    outage.world.release()
    assert daemon.wait(10) == 0


@pytest.mark.slow(40, "starts a daemon and waits for it to end, perhaps on two busy cores")
def test_a_second_sigterm_ends_it_at_once(make: Make, outage: Outage, tmp_path: Path) -> None:
    daemon = make(f"sqlite:///{tmp_path / 'multivac.db'}").start()
    [alert] = outage.alerts(1)
    outage.fail("slack", "conversations.create", "hold")
    daemon.post(alert.body)
    until(lambda: outage.world.held == 1, 8, "the response has not begun")
    daemon.signal(signal.SIGTERM)
    until(lambda: not answers(daemon.url), 5, "it goes on taking traffic")
    assert not daemon.ended
    daemon.signal(signal.SIGTERM)
    assert daemon.wait(2) != 0


def answers(url: str) -> bool:
    try:
        return ask(url, "GET", "/readyz")[0] == 200
    except OSError:
        return False
