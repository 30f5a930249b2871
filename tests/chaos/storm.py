"""Kill -9 again and again while alerts come in: whatever was answered for must become whole."""

import http.client
import time
from collections import deque
from pathlib import Path
from random import Random

from tests.chaos.course import is_busy, rows_of
from tests.chaos.record import Row
from tests.chaos.watch import Calls
from tests.processes.daemon import Daemon, settings_for, until
from tests.processes.outage import Alert, Outage

_LACKING = (": 0", "bookmarks: 1", "missing", "no topic", "no assignee")
ALERTS_A_LIFE = 3
DELAYS = {"slack": 0.08, "jira": 0.15, "pagerduty": 0.08}  # so that there is always something under way
UNPACED = {"MULTIVAC_SLACK__PACE": "0"}  # at Slack's twenty channels a minute 1,500 would take 75 minutes
LOOK_EVERY = 2.0  # seconds; whoever looks through thousands of responses holds the vendors up
PATIENCE = 90.0  # seconds without any progress; a backlog of hundreds takes longer than that in all


def storm(outage: Outage, database_url: str, folder: Path, *, kills: int, row: Row) -> None:
    """So many kills in a busy system; notes in the row what was lost, doubled, and how fast it came back."""
    row.planned = kills
    outage.world.delays.update(DELAYS)
    chance = Random(kills)
    calls = outage.world.witness = Calls(strike=_nothing)
    settings = settings_for(outage.sandbox.url, database_url) | UNPACED
    daemon = Daemon(settings, folder, name="storm").start()
    rows = rows_of(database_url)
    every: list[Alert] = []
    for number in range(kills):
        waiting = deque(outage.alerts(ALERTS_A_LIFE, f"storm-{number}"))
        every += waiting
        ends = time.monotonic() + chance.uniform(0.0, 1.2)
        while waiting or time.monotonic() < ends:
            if waiting and _is_taken(daemon, waiting[0]):
                waiting.popleft()
            _pass(chance.uniform(0.0, 0.05))
        daemon.kill()
        row.tried += 1
        _pass(max(DELAYS.values()))  # what is on its way to a vendor arrives
        was_busy = is_busy(rows)
        taken = _revive(calls, daemon)
        row.recoveries += [taken] if was_busy else []
    outage.world.delays.clear()
    amiss = _left_amiss(outage, every)
    row.lost += [one for one in amiss if one.endswith(_LACKING)]
    row.doubled += [one for one in amiss if one not in row.lost]
    daemon.stop()
    rows.stop()


def _left_amiss(outage: Outage, alerts: list[Alert]) -> list[str]:
    """What is still missing or double once nothing changes any more; nothing, if all is well."""
    amiss, unchanged = outage.amiss(alerts), 0.0
    while amiss and unchanged < PATIENCE:
        _pass(LOOK_EVERY)
        before, amiss = amiss, outage.amiss(alerts)
        unchanged = unchanged + LOOK_EVERY if amiss == before else 0.0
        if unchanged:
            outage.world.clock.forward(LOOK_EVERY)  # before a ticket is written again, half a minute passes
    return amiss


def _pass(seconds: float) -> None:
    ends = time.monotonic() + seconds
    until(lambda: time.monotonic() > ends, seconds + 1, "time stands still")


def _is_taken(daemon: Daemon, alert: Alert) -> bool:
    try:
        return daemon.post(alert.body)[0] == 202
    except (OSError, http.client.HTTPException):
        return False


def _revive(calls: Calls, daemon: Daemon) -> float:
    """Start it again; the seconds until the work went on."""
    began, heard = time.monotonic(), len(calls.names)
    daemon.launch()
    until(lambda: len(calls.names) > heard, 20, "the work does not go on")
    taken = time.monotonic() - began
    daemon.wait_until_ready()
    return taken


def _nothing() -> None:
    """These calls are only counted."""
