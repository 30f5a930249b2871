"""Durable jobs: start `advance` for an incident and bring it back after a crash. Only here is the engine.

The engine (DBOS) is a way to start work soon and in order of severity; what is to be done is in
our rows. Its tables may be emptied while Multivac is stopped: the beat finds what is missing.
"""

from __future__ import annotations

import itertools
import logging
import queue
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions, SetWorkflowID

from multivac.incident import IncidentId
from multivac.store.database import FEW_WARM, Database
from multivac.store.incidents import Touched
from multivac.store.liveness import Liveness

log = structlog.get_logger()

_QUEUE = "advance"
_DIRECT = 16  # jobs that start at once; more would make a new sev1 wait (measured in the engine study)
_URGENT = 2  # sev1 and sev2 start at once in any case, and have threads of their own
_KEPT = 16  # threads for steps that only they use
_QUEUED = 48  # jobs taken from the queue at a time
_FORGET_AFTER_SECONDS = 3600
_MOMENT = 1.0  # seconds, as long as from beat to beat
_REMEMBERED = 1000
_AT_A_TIME = 1000  # notes that are deleted in one transaction: the jobs wait for it

Advance = Callable[[IncidentId, str], None]


class EngineConnection(sqlite3.Connection):
    """SQLite for the engine's own file, with a clock of milliseconds for its SQL.

    It need not be durable, since the rows are. The engine asks SQLite for the time: whole seconds on
    Python 3.11, and nothing at all where SQLite is older than 3.42; so its clock functions are ours.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=OFF"):
            self.execute(f"PRAGMA {pragma}")
        self.create_function("unixepoch", 1, _milliseconds)
        self.create_function(
            "strftime", 2, lambda form, at: _milliseconds() if (form, at) == ("%s", "now") else None
        )


def _milliseconds(*_: object) -> float:
    return time.time_ns() // 1_000_000 / 1000


def engine_url(database: Database) -> str:
    """Where the engine keeps its tables: on PostgreSQL in our database, on SQLite in a file beside it.

    In one file the two would wait for each other's write lock, which SQLite gives out unfairly.
    """
    return f"{database.url}.engine" if database.is_sqlite else database.url


class StepPool:
    """Threads that do steps: the worst incident first, then what matters most, then who came first.

    What can come `later` has a few threads of its own, so that in a storm pins and bookmarks do not
    take the processor from channels and invitations; and a few are kept for the worst incidents, which
    never wait for calls that hang on behalf of milder ones.
    """

    def __init__(self, threads: int, *, later: int) -> None:
        self._turns = itertools.count()
        self._now = _Lane("step", threads)
        self._kept = _Lane("urgent", _KEPT)
        self._later = _Lane("later", later)

    def submit(self, rank: tuple[int, ...], work: Callable[[], None], *, later: bool = False) -> None:
        """Do `work` when its turn comes; lower ranks go first. `work` must not raise."""
        turn = (rank, next(self._turns), work)
        if later:
            self._later.put(turn)
        elif not self._now.try_put(turn) and not (rank[0] <= _URGENT and self._kept.try_put(turn)):
            self._now.put(turn)

    def stop(self) -> None:
        """End the threads once they have nothing left to do."""
        for lane in (self._now, self._kept, self._later):
            lane.end(self._turns)


_Turn = tuple[tuple[int, ...], int, Callable[[], None]]


class _Lane:
    """A queue in order of rank, and the threads that serve it: each started when all others are busy."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._waiting: queue.PriorityQueue[_Turn] = queue.PriorityQueue()
        self._threads = 0
        self._load = 0  # turns that wait or are being done
        self._lock = threading.Lock()

    def put(self, turn: _Turn) -> None:
        """Let it be done when a thread comes to it."""
        if not self.try_put(turn):
            with self._lock:
                self._load += 1
            self._waiting.put(turn)

    def try_put(self, turn: _Turn) -> bool:
        """Let a thread that is idle, or a new one, begin it; False if all there may be are busy."""
        with self._lock:
            is_new = self._load >= self._threads
            if is_new and self._threads == self._most:
                return False
            self._load += 1
            self._threads += is_new
            name = f"{self._name}-{self._threads}"
        self._waiting.put(turn)
        if is_new:
            threading.Thread(target=self._serve, name=name, daemon=True).start()
        return True

    def end(self, turns: Iterator[int]) -> None:
        for _ in range(self._threads):
            self._waiting.put(((1 << 30,), next(turns), _end_thread))

    def _serve(self) -> None:
        while True:
            *_, work = self._waiting.get()
            if work is _end_thread:
                return
            work()
            with self._lock:
                self._load -= 1


def _end_thread() -> None:
    """A sign, never called."""


@dataclass(frozen=True, slots=True)
class Put:
    """A job handed in within a transaction; `begin` it after the commit.

    It starts directly, or when the queue comes to it, or (waits) with the next beat.
    """

    touched: Touched
    direct: bool
    waits: bool = False
    job: str = field(init=False)

    def __post_init__(self) -> None:
        """Give the job its name."""
        object.__setattr__(self, "job", _name(self.touched))


class Jobs:
    """Starts `advance` for incidents, durably; one instance for each process.

    `boot` names this run of the process: every claim of ours begins with it.
    """

    def __init__(  # noqa: PLR0913  # what it runs, on what, in whose name
        self,
        database: Database,
        liveness: Liveness,
        *,
        advance: Advance,
        nudge: Callable[[IncidentId], bool],
        boot: str,
        poll_seconds: float,
    ) -> None:
        self.boot = boot
        self._database = database
        self._liveness = liveness
        self._advance = advance
        self._nudge = nudge
        self._poll_seconds = poll_seconds
        self._begun: dict[str, IncidentId] = {}  # handed to the engine, not running yet
        self._running: dict[str, IncidentId] = {}
        self._begun_at: dict[IncidentId, float] = {}
        self._changed = threading.Condition()
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="starter")
        self._client: DBOSClient | None = None
        self._engine: sa.Engine | None = None  # the client's own, on SQLite

    def start(self) -> None:
        """Start the engine; it brings back the jobs that a crash on SQLite cut off."""
        self._liveness.start()
        logging.getLogger("dbos").setLevel(logging.WARNING)
        DBOS(config=self._config())
        self._workflow = DBOS.workflow(name="advance")(partial(self._run))
        DBOS.launch()
        DBOS.register_queue(_QUEUE, worker_concurrency=_QUEUED, polling_interval_sec=self._poll_seconds)
        self._client = self._open_client()

    def put(self, tx: sa.Connection, touched: Touched, *, patient: bool = False) -> Put:
        """Hand in a job with the change that makes it necessary; queued if many are running.

        If it is `patient`, and the incident was looked at a moment ago, the next beat will do: so a flood
        of changes costs one look a second, and the first of them is seen at once.
        """
        if patient and time.monotonic() - self._begun_at.get(touched.number, -_MOMENT) < _MOMENT:
            return Put(touched, direct=False, waits=True)
        is_free = len(self._running) + len(self._begun) < _DIRECT
        put = Put(
            touched, direct=is_free or touched.severity.rank <= _URGENT or self._is_awaited(touched.number)
        )
        if not put.direct and self._client is not None and not self._database.is_sqlite:
            self._client.enqueue_in_transaction(tx, _options(put), int(touched.number))
        return put

    def begin(self, put: Put) -> None:
        """Start a job after the commit, without waiting; on PostgreSQL a queued one is there already."""
        number = put.touched.number
        if self._client is None or put.waits:
            return
        self._remember(number)
        if self._is_begun(number) or self._nudge(number):
            return  # whoever is about to look, or is told to look again, sees this change too
        if put.direct:
            self._begun[put.job] = number
            self._starter.submit(self._begin, put)
        elif self._database.is_sqlite:
            self._starter.submit(self._enqueue, put)

    def _remember(self, number: IncidentId) -> None:
        if len(self._begun_at) > _REMEMBERED:
            self._begun_at.clear()  # costs a few looks more
        self._begun_at[number] = time.monotonic()

    def _is_begun(self, number: IncidentId) -> bool:
        return number in self._begun.copy().values()

    def _is_awaited(self, number: IncidentId) -> bool:
        return self._is_begun(number) or number in self._running.copy().values()

    @contextmanager
    def dead(self, claimants: Collection[str]) -> Iterator[tuple[str, ...]]:
        """Those of the claimants that are no longer at work: their job ended, or their process died.

        A process that was taken for dead cannot come back and claim more as long as this lasts.
        """
        boots = {one.partition("/")[0] for one in claimants} - {self.boot}
        with ExitStack() as buried:
            alive = {boot for boot in boots if not buried.enter_context(self._liveness.burying(boot))}
            yield tuple(one for one in claimants if not self._is_at_work(one, alive))

    def _is_at_work(self, claimant: str, alive: Collection[str]) -> bool:
        boot, _, job = claimant.partition("/")
        return job in self._running if boot == self.boot else boot in alive

    def in_progress(self) -> frozenset[IncidentId]:
        """Incidents that a job of this process is advancing."""
        return frozenset(self._running.copy().values())

    def waiting(self) -> frozenset[IncidentId]:
        """Incidents whose job is still in our queue.

        After a crash on SQLite the engine queues what was running, in a queue of its own that it reads
        each second: too late to wait for.
        """
        if self._client is None:
            return frozenset()
        queued = self._client.list_workflows(
            status="ENQUEUED", name="advance", queue_name=_QUEUE, load_input=False, load_output=False
        )
        return frozenset(IncidentId(int(one.workflow_id.split(":")[1])) for one in queued)

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until no job of this process runs; False if that took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running and not self._begun, timeout=seconds)

    def forget_old(self) -> None:
        """Delete the engine's notes on jobs that ended an hour ago; it keeps them for ever otherwise."""
        before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - _FORGET_AFTER_SECONDS))
        while (client := self._client) is not None and (ended := _ended(client, before)):
            client.delete_workflows(ended)

    def stop(self) -> None:
        """Stop the engine. Jobs still running are brought back by the next start."""
        self._client = None  # nothing is begun any more; the next start finds what is due
        self._starter.shutdown(wait=True, cancel_futures=True)
        DBOS.destroy(destroy_registry=True)
        if self._engine is not None:
            self._engine.dispose()
        self._liveness.stop()

    def _open_client(self) -> DBOSClient:
        if not self._database.is_sqlite:  # it has to join our transactions
            return DBOSClient(system_database_engine=self._database.engine, application_name="multivac")
        connect = {"factory": EngineConnection}
        self._engine = sa.create_engine(engine_url(self._database), connect_args=connect, **FEW_WARM)
        return DBOSClient(system_database_engine=self._engine, application_name="multivac")

    def _config(self) -> DBOSConfig:
        config = DBOSConfig(
            name="multivac",
            system_database_url=engine_url(self._database),
            sys_db_pool_size=4,
            # The default is a hash of the source, which would strand open incidents at each upgrade.
            application_version="1",
            executor_id="local" if self._database.is_sqlite else self.boot,
            max_executor_threads=_DIRECT + _QUEUED + 32,
            log_level="WARNING",
            notification_listener_polling_interval_sec=self._poll_seconds,
            use_listen_notify=False,
        )
        if self._database.is_sqlite:
            config["db_engine_kwargs"] = {"connect_args": {"factory": EngineConnection}, **FEW_WARM}
        return config

    def _begin(self, put: Put) -> None:
        try:
            with SetWorkflowID(put.job):
                DBOS.start_workflow(self._workflow, int(put.touched.number))
        except Exception as error:  # boundary: the beat starts it again
            log.warning("job not started", incident=put.touched.number, error=repr(error))
            self._begun.pop(put.job, None)

    def _enqueue(self, put: Put) -> None:
        try:
            if self._client is not None:
                self._client.enqueue(_options(put), int(put.touched.number))
        except Exception as error:  # boundary: the beat starts it again
            log.warning("job not queued", incident=put.touched.number, error=repr(error))

    def _run(self, number: int) -> None:
        job = str(DBOS.workflow_id)
        with self._changed:
            self._running[job] = IncidentId(number)
            self._begun.pop(job, None)
        try:
            self._advance(IncidentId(number), f"{self.boot}/{job}")
        except Exception:  # boundary: what is missing stays in the rows, and the beat comes back to it
            log.exception("job failed", incident=number, job=job)
        finally:
            with self._changed:
                del self._running[job]
                self._changed.notify_all()


def _name(touched: Touched) -> str:
    # An id is never used twice: the engine would take the second start for the first.
    return f"advance:{touched.number}:{touched.version}:{uuid.uuid4().hex[:8]}"


def _ended(client: DBOSClient, before: str) -> list[str]:
    """Some of the jobs that ended before then."""
    ended = client.list_workflows(
        status=["SUCCESS", "ERROR"],
        completed_before=before,
        limit=_AT_A_TIME,
        load_input=False,
        load_output=False,
    )
    return [one.workflow_id for one in ended]


def _options(put: Put) -> EnqueueOptions:
    return {
        "workflow_name": "advance",
        "queue_name": _QUEUE,
        "workflow_id": put.job,
        # The engine's default is 0, which would go before a sev1.
        "priority": put.touched.severity.rank,
    }
