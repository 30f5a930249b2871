"""Beat, gauges and watch look at what is open, however many incidents there were."""

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from benchmarks.growth import fill
from multivac.app import Daemon
from multivac.settings import load_settings
from multivac.store import homes

STORED = 3_000
ALL_ROWS = re.compile(
    r"Seq Scan on (?:incident|step|alert|entry)\b|SCAN (?:incident|step|alert|entry)$", re.MULTILINE
)


def asked(engine: sa.Engine, work: Callable[[], object]) -> list[tuple[str, Any]]:
    statements: list[tuple[str, Any]] = []

    def hear(_: object, __: object, statement: str, bound: Any, *___: object) -> None:
        statements.append((statement, bound))

    sa.event.listen(engine, "before_cursor_execute", hear)
    work()
    sa.event.remove(engine, "before_cursor_execute", hear)
    return statements


def plan(daemon: Daemon, statement: str, bound: Any) -> str:
    explain = "explain query plan" if daemon.database.is_sqlite else "explain"
    with daemon.database.read() as tx:
        return "\n".join(str(row[-1]) for row in tx.exec_driver_sql(f"{explain} {statement}", bound))


def pages_due(daemon: Daemon) -> None:
    with daemon.database.read() as tx:
        homes.due(tx, now=daemon.clock.now(), most=10)


def test_what_is_done_again_and_again_never_reads_every_incident_there_was(database_url: str) -> None:
    fill(database_url, STORED)
    daemon = Daemon(load_settings(None, {"MULTIVAC_DATABASE__URL": database_url}))
    statements = [
        one
        for work in (daemon.beat.beat, daemon.beat.measure, daemon.watch.look, lambda: pages_due(daemon))
        for one in asked(daemon.database.engine, work)
    ]

    plans = {statement: plan(daemon, statement, bound) for statement, bound in statements}
    daemon.database.engine.dispose()

    assert len(plans) > 5
    assert {statement: found for statement, found in plans.items() if ALL_ROWS.search(found)} == {}
