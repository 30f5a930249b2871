"""What years of incidents cost: webhook, headline, beat and start with 100, 10,000 and 100,000 stored.

The sizes are measured in turn, several times, so that a machine that is busy for a while is so for each.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import sqlalchemy as sa

from benchmarks.daemon import Daemon as Process
from benchmarks.daemon import running_daemon
from benchmarks.figures import Figure
from benchmarks.postgres import running_postgres
from benchmarks.world import AT_ONCE, World, running_world
from multivac.app import Daemon
from multivac.playbook import Playbook, snapshot
from multivac.settings import load_settings
from multivac.store import migrate
from multivac.store.database import Database

SIZES = (100, 10_000, 100_000)
_OPEN = 50
_WEBHOOKS, _REDRAWS, _BEATS = 40, 12, 60
_MOST_TIMES = 1.5
_STEPS = ("channel", "headline", "topic", "pin", "invite", "lead", "ticket", "announcement")
_MORE_STEPS = ("resolution", "settle", "note/1", "link", "checklist/first-5-minutes", "lead told")
_ENTRIES = 10
_ROUNDS = 3

_NUMBERS = "with recursive n(i) as (select 1 union all select i + 1 from n where i < :size) "
_FILL = (
    "insert into incident (id, title, severity, status, policy, service, declared_at, opens_at, status_at, "
    "channel_name, channel_id, resolution_withdrawn, version, planned, wake_at) "
    + _NUMBERS
    + "select i, 'Service ' || i || ' is slow', 'sev' || (1 + i % 5), "
    "case when i > :closed then 'active' else 'closed' end, 'growth', 'service-' || (i % 200), "
    ":now - (:size - i) * cast(300000000 as bigint), :now, :now, 'inc-' || i, 'C' || i, :no, 9, 9, "
    "case when i > :closed then :later end from n",
    "insert into alert (id, source, key, incident, facts, first_at, last_at, open_as, ended_as, ended_at) "
    + _NUMBERS
    + "select i, 'pagerduty', 'OLD' || i, i, :facts, :now, :now, "
    "case when i > :closed then 'sev3' end, case when i > :closed then null else 'sev3' end, :now from n",
    "insert into delivery (event_id, webhook_id, kind, alert_key, occurred_at, received_at, outcome) "
    + _NUMBERS
    + "select 'old-event-' || i, 'old-webhook-' || i, 'incident.triggered', 'OLD' || i, "
    ":now, :now, 'received' from n",
    "insert into role (incident, name, person, how, since) "
    + _NUMBERS
    + """select i, 'lead', '{"name":"Ana"}', 'on call', :now from n""",
)
_FILL_ENTRY = (
    "insert into entry (incident, key, kind, at, noted_at, text, actor) "
    + _NUMBERS
    + "select i, 'event:' || i || '-' || :what, 'alert', :now, :now, 'Somebody did something', 'Ana' from n"
)
# What may still be joined by is kept for a week, and an incident comes each five minutes.
_FILL_TRAIT = (
    "insert into trait (kind, value, declared_at, incident) "
    + _NUMBERS
    + "select :what, 'service-' || (i % 200), :now - (:size - i) * cast(300000000 as bigint), i from n "
    "where i > :size - 2016"
)
_FILL_STEP = (
    "insert into step (incident, name, wanted, wanted_at, done, done_at, result, attempt, unknown, tries) "
    + _NUMBERS
    + "select i, :what, 'a-fingerprint', :now, 'a-fingerprint', :now, '{}', 1, :no, 0 from n"
)


def fill(url: str, size: int) -> None:
    """Store so many incidents, all over but some fifty, each with its alert, timeline and steps."""
    database = Database(url)
    migrate.upgrade(database)
    now = datetime.now(UTC)
    bound: dict[str, object] = {
        "size": size,
        "closed": size - _OPEN,
        "now": _micros(now),
        "later": _micros(now + timedelta(hours=6)),
        "no": False,
        "facts": json.dumps(
            {"title": ["It is slow", now.isoformat()], "status": ["triggered", now.isoformat()]}
        ),
    }
    with database.engine.begin() as tx:
        body = snapshot(Playbook(name="growth"))
        _run(tx, "insert into policy (digest, body) values ('growth', :body)", {"body": body})
        for text in _FILL:
            _run(tx, text, bound)
        for kind in ("service", "title", "dedup key"):
            _run(tx, _FILL_TRAIT, bound | {"what": kind})
        for number in range(_ENTRIES):
            _run(tx, _FILL_ENTRY, bound | {"what": str(number)})
        for name in (*_STEPS, *_MORE_STEPS):
            _run(tx, _FILL_STEP, bound | {"what": name})
        if not database.is_sqlite:
            for table in ("incident", "alert"):
                _run(tx, f"select setval('{table}_id_seq', :size)", bound)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for text in (
            () if database.is_sqlite else ("vacuum analyze", "checkpoint")
        ):  # else it works on for minutes
            connection.exec_driver_sql(text)
    database.engine.dispose()


def _run(tx: sa.Connection, text: str, bound: Mapping[str, object]) -> None:
    clause = sa.text(text)
    tx.execute(clause, {name: bound[name] for name in clause.compile().params})


def _micros(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


async def measure(runs: int) -> list[Figure]:
    """On both databases; each figure's ratio is that of the most incidents to the fewest."""
    del runs  # each figure is a median already
    figures: list[Figure] = []
    async with running_world() as world:
        await world.set_delays(AT_ONCE)
        for where in ("SQLite", "PostgreSQL"):
            with ExitStack() as stack:
                urls = [_empty(stack, where) for _ in SIZES]
                stores = {size: url for size, url in zip(SIZES, urls, strict=True) if url is not None}
                figures += _figures(where, await _found(world, where, stores))
    return figures


async def _found(world: World, where: str, stores: Mapping[int, str]) -> dict[int, dict[str, float]]:
    """The median of each figure for each size."""
    for size, url in stores.items():
        fill(url, size)
    seen: dict[int, dict[str, list[float]]] = {size: {} for size in stores}

    def keep(size: int, found: Mapping[str, list[float]]) -> None:
        for name, values in found.items():
            seen[size].setdefault(name, []).extend(values)

    for _, size in _in_turn(stores):  # before a daemon has run there, whose work would be found due
        keep(size, _looks(stores[size]))
    for turn, size in _in_turn(stores):
        keep(size, await _with(world, stores[size], f"{where}-{size}-{turn}".lower()))
    return {size: {name: median(values) for name, values in of.items()} for size, of in seen.items()}


def _in_turn(stores: Mapping[int, str]) -> Iterator[tuple[int, int]]:
    for turn in range(_ROUNDS):
        sizes = list(stores)
        yield from ((turn, size) for size in sizes[turn:] + sizes[:turn])


def _empty(stack: ExitStack, where: str) -> str | None:
    if where == "PostgreSQL":
        return stack.enter_context(running_postgres())
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mv-growth-"))
    return f"sqlite:///{Path(folder) / 'multivac.db'}"


async def _with(world: World, url: str, mark: str) -> dict[str, list[float]]:
    async with running_daemon(world, database=url) as process:
        seen = {"ready": [process.ready_seconds * 1000]}
        seen["memory at start"] = [process.process.memory_info().rss / 2**20]
        seen |= await _from_outside(world, process, mark)
    said = ", ".join(f"{name} {median(values):.1f}" for name, values in seen.items())
    print(f"{mark}: {said}", flush=True)
    return seen


def _looks(url: str) -> dict[str, list[float]]:
    """What the daemon does each second and each ten, timed without its threads."""
    daemon = Daemon(load_settings(None, {"MULTIVAC_DATABASE__URL": url}))
    beats = {"beat": daemon.beat.beat, "gauges": daemon.beat.measure, "watch": daemon.watch.look}
    took = {name: _times(work, _BEATS) for name, work in beats.items()}
    daemon.database.engine.dispose()
    return took


def _times(work: Callable[[], object], times: int) -> list[float]:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return took


async def _from_outside(world: World, process: Process, mark: str) -> dict[str, list[float]]:
    names = [f"{mark}-{number}x" for number in range(_WEBHOOKS)]
    alerts = await world.open_alerts(names, names, ["P3"] * len(names))
    answered = []
    for alert in alerts:
        reply = await process.tell(alert)
        answered.append((reply.answered - reply.asked) * 1000)
        await asyncio.sleep(0.1)
    await world.quiet(for_seconds=2.0)
    drawn = [await _redraw(world, alert.id) for alert in alerts[:_REDRAWS]]
    await world.resolve(alerts)
    return {"webhook": answered, "headline": drawn}


async def _redraw(world: World, alert: str) -> float:
    """From an acknowledgement to the headline that tells it, in milliseconds."""
    await world.quiet(for_seconds=1.2)  # a change within a second of another waits for the beat
    began = time.monotonic()
    await world.control.post("/_sandbox/pagerduty/acknowledge", incident=alert, by="Ana")
    while time.monotonic() < began + 10:
        ended = [float(one["ended"]) for one in await world.exchanges() if one["method"] == "chat.update"]
        if ended:
            return (min(ended) - began) * 1000
        await asyncio.sleep(0.01)
    raise RuntimeError("the headline was not redrawn")


def _figures(where: str, found: Mapping[int, Mapping[str, float]]) -> list[Figure]:
    if len(found) < len(SIZES):
        return []
    figures = []
    for name in found[SIZES[0]]:
        values = [found[size][name] for size in SIZES]
        unit = "MB" if "memory" in name else "ms"
        said = ", ".join(f"{value:.1f}" for value in values) + f" {unit}"
        note = f"{said} at " + ", ".join(f"{size:,}" for size in SIZES)
        ratio = max(values[1:]) / values[0]
        figures.append(Figure(f"{name} as incidents grow, on {where}", [ratio], "times", _MOST_TIMES, note))
    return figures
