"""Two daemons on one PostgreSQL: one is killed, one is frozen and thawed, the server restarts."""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.course import QUIET
from tests.chaos.record import Row
from tests.postgres import Server
from tests.processes.daemon import Daemon, settings_for, until
from tests.processes.outage import Alert, Outage

TEN = 10
DELAYS = {"slack": 0.15, "jira": 0.25, "pagerduty": 0.15}
AFTER_A_KILL, AFTER_A_FREEZE, AFTER_A_RESTART = 15.0, 30.0, 30.0
UNDER_WAY = 20  # calls after which ten responses are in the middle


@contextmanager
def pair(outage: Outage, url: str, folder: Path, name: str) -> Iterator[tuple[Daemon, Daemon]]:
    """Two daemons, killed at the end."""
    settings = settings_for(outage.sandbox.url, url)
    one, other = (Daemon(settings, folder, name=f"{name}-{which}").launch() for which in ("one", "other"))
    try:
        yield one.wait_until_ready(), other.wait_until_ready()
    finally:
        one.kill()
        other.kill()


def kill_one(outage: Outage, url: str, folder: Path, row: Row) -> None:
    """Kill -9 in the middle of ten responses: the other ends them all within 15 s of the death."""
    with pair(outage, url, folder, "killed") as (one, other), _trial(outage, row) as ten:
        _deliver(one, ten)
        _until_under_way(outage)
        one.kill()
        _finish(outage, ten, row, AFTER_A_KILL)
        other.stop()


def freeze_one(outage: Outage, url: str, folder: Path, row: Row) -> None:
    """SIGSTOP in the middle of ten responses: taken over within 30 s; thawed, it sends nothing of that."""
    with pair(outage, url, folder, "frozen") as (one, other), _trial(outage, row) as ten:
        _deliver(one, ten)
        _until_under_way(outage)
        one.freeze()
        _finish(outage, ten, row, AFTER_A_FREEZE)
        one.thaw()
        until(lambda: one.said("cut off from the database for a while"), 10, "it has noticed nothing")
        until(lambda: one.said("late result refused"), 10, "no late result was refused")
        _settle(outage, ten, row)
        one.stop()
        other.stop()


def restart_the_server(outage: Outage, url: str, folder: Path, row: Row, server: Server) -> None:
    """PostgreSQL restarts in the middle of ten responses: nothing is lost."""
    with pair(outage, url, folder, "restart") as daemons, _trial(outage, row) as ten:
        _deliver(daemons[0], ten)
        _until_under_way(outage)
        server.restart()
        _finish(outage, ten, row, AFTER_A_RESTART)
        for daemon in daemons:
            daemon.stop()


def start_elsewhere(outage: Outage, url: str, folder: Path, row: Row) -> None:
    """Kill -9 in the middle of ten responses, and start it on another machine: the work goes on at once."""
    settings = settings_for(outage.sandbox.url, url)
    here, there = (
        Daemon({**settings, "CHAOS_NODE": name}, folder, name, ("tests.chaos.elsewhere",))
        for name in ("here", "there")
    )
    try:
        with _trial(outage, row) as ten:
            _deliver(here.start(), ten)
            _until_under_way(outage)
            here.kill()
            arrived = time.monotonic() + 2 * max(DELAYS.values())  # whatever left before the death
            until(lambda: time.monotonic() > arrived, 5, "the time stands still")
            outage.world.delays.clear()
            began = time.monotonic()
            there.launch()
            until(lambda: there.said("claims of the dead freed"), 20, "nothing is freed")
            row.recoveries.append(time.monotonic() - began)
            outage.wait_until_whole(ten, AFTER_A_RESTART)
            _settle(outage, ten, row)
            there.wait_until_ready().stop()
    finally:
        here.kill()
        there.kill()


@contextmanager
def _trial(outage: Outage, row: Row) -> Iterator[list[Alert]]:
    row.planned = 1
    outage.world.delays.update(DELAYS)
    outage.world.exchanges.clear()
    try:
        yield outage.alerts(TEN, row.what.replace(" ", "-"))
        row.tried = 1
    except AssertionError as error:
        row.failed.append(f"{row.what}: {error}")
    finally:
        outage.world.delays.clear()


def _deliver(daemon: Daemon, alerts: list[Alert]) -> None:
    for alert in alerts:
        until(_taker(daemon, alert), 10, "a webhook is not taken")


def _taker(daemon: Daemon, alert: Alert) -> Callable[[], bool]:
    def is_taken() -> bool:
        try:
            return daemon.post(alert.body)[0] == 202
        except (OSError, http.client.HTTPException):
            return False

    return is_taken


def _until_under_way(outage: Outage) -> None:
    until(lambda: len(outage.world.exchanges) > UNDER_WAY, 8, "the responses have not begun")


def _finish(outage: Outage, alerts: list[Alert], row: Row, bound: float) -> None:
    began = time.monotonic()
    row.bound = bound
    assert outage.amiss(alerts), "all was done before it began"
    outage.wait_until_whole(alerts, 2 * bound)
    row.recoveries.append(time.monotonic() - began)


def _settle(outage: Outage, alerts: list[Alert], row: Row) -> None:
    """What is late comes now: nothing may be there twice after it."""
    heard, since = 0, time.monotonic()

    def is_quiet() -> bool:
        nonlocal heard, since
        if heard != len(outage.world.exchanges):
            heard, since = len(outage.world.exchanges), time.monotonic()
        return time.monotonic() - since > QUIET

    until(is_quiet, 20, "there is no end of calls")
    row.doubled += outage.amiss(alerts)
