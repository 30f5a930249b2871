"""The database: how it is opened, read and written. One writer on SQLite, many on PostgreSQL."""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog

T = TypeVar("T")
Work = Callable[[sa.Connection], T]

log = structlog.get_logger()

_CONNECTIONS = 24  # front doors and steps at once; half as many again on PostgreSQL when all are busy
_WRITERS = 3  # on PostgreSQL; more only take Python's one interpreter from each other
# A writer keeps its connection for so long: in a storm the next piece comes sooner. Longer, and more pieces
# would find it dead after a restart of the server.
_KEPT_SECONDS = 0.1
_FROZEN_SECONDS = 10  # between two statements of a transaction; none of ours waits for anything outside
_LOCKED_SECONDS = 3  # for a row; longer means a frozen replica, and the beat must live to find that out
_PAUSES = (0.02, 0.1, 0.5)  # seconds: at once it may take the rows again before whoever waited for them
_DEADLOCK = "40P01"  # PostgreSQL's own numbers
_ONLY_LOCKED = frozenset({"55P03", _DEADLOCK})  # a row of somebody's, for a moment
_URGENT, _ORDINARY, _LAST = 0, 1, 2
_GROUP = 12  # how many pieces of work of one rank share a commit: more would make each wait for all
# Whoever came back last goes first: each connection in use keeps pages and statements of its own, and
# taken in turn all would come to keep everything.
FEW_WARM = {"pool_use_lifo": True}


class SqliteConnection(sqlite3.Connection):
    """SQLite in WAL mode, durable at each commit."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self.execute(f"PRAGMA {pragma}")


def session_name(boot: str) -> str:
    """What PostgreSQL calls the sessions of one run of Multivac."""
    return f"multivac {boot}"[-63:]


def open_engine(url: str, *, pool: int = _CONNECTIONS, boot: str = "") -> sa.Engine:
    """A SQLAlchemy engine with the settings that `Database` relies on.

    Its errors hide what was written: it may be about a private incident, and errors are logged.
    """
    if not url.startswith("sqlite"):
        named = {"application_name": session_name(boot)}
        engine = sa.create_engine(
            url,
            pool_size=pool,
            max_overflow=pool // 2,
            pool_pre_ping=True,
            connect_args=named,
            hide_parameters=True,
        )
        sa.event.listen(engine, "connect", _let_go_when_frozen)
        return engine
    engine = sa.create_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        connect_args={"factory": SqliteConnection},
        hide_parameters=True,
        **FEW_WARM,
    )
    sa.event.listen(engine, "connect", _leave_transactions_to_us)
    sa.event.listen(engine, "begin", _begin_at_once)
    return engine


def _let_go_when_frozen(connection: Any, _: object) -> None:
    # A replica that is frozen in a transaction would keep its locks, and everybody waiting, for ever.
    connection.execute(f"SET idle_in_transaction_session_timeout = '{_FROZEN_SECONDS}s'")
    connection.execute(f"SET lock_timeout = '{_LOCKED_SECONDS}s'")
    connection.commit()


def _leave_transactions_to_us(connection: Any, _: object) -> None:
    connection.isolation_level = None


def _begin_at_once(connection: sa.Connection) -> None:
    # A writer that begins by reading would otherwise be refused when it comes to write.
    mode = connection.get_execution_options().get("multivac_mode", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {mode}")


@dataclass(order=True)
class _Piece:
    rank: int
    turn: int
    work: Work[Any] = field(compare=False)
    answer: Future[Any] = field(compare=False)


class Database:
    """Reads and writes in transactions; never hold one across a network call.

    A few threads write, on SQLite one, what is urgent (webhooks, people) first. On SQLite pieces of
    work share a commit. On PostgreSQL each has its own, since two groups could wait for each other's rows;
    its sessions are named after the `boot`.
    """

    def __init__(self, url: str, *, boot: str = "") -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = open_engine(url, boot=boot)
        self._reading = (
            self.engine.execution_options(multivac_mode="DEFERRED") if self.is_sqlite else self.engine
        )
        self._pieces: queue.PriorityQueue[_Piece] = queue.PriorityQueue()
        self._turns = count()
        self._writers: list[threading.Thread] = []
        self.takes_writes = True  # False from a write that the database refuses until one that it takes

    @property
    def file(self) -> Path | None:
        """The SQLite file; None on PostgreSQL and in memory."""
        name = self.engine.url.database if self.is_sqlite else None
        return Path(name) if name and name != ":memory:" else None

    def start(self) -> None:
        """Start the writers."""
        write = self._write_in_groups if self.is_sqlite else self._write_one_by_one
        names = [f"writer-{number}" for number in range(1 if self.is_sqlite else _WRITERS)]
        self._writers = [threading.Thread(target=write, name=name, daemon=True) for name in names]
        for writer in self._writers:
            writer.start()

    def stop(self) -> None:
        """Finish what was handed in, then close every connection."""
        for _ in self._writers:
            self._put(_LAST, _nothing)
        for writer in self._writers:
            writer.join()
        self._writers = []
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A consistent view for reading."""
        with self._reading.connect() as connection, connection.begin():
            yield connection

    def write(self, work: Work[T], *, urgent: bool = False) -> T:
        """Run `work` in a transaction and return what it returned, after the commit.

        `work` may run twice (a group that fails is done again one by one, and so is whoever has to give
        way where two wait for each other), so it must have no effect but on its connection. Raises what
        `work` raised, with nothing of it kept.
        """
        return self.hand_in(work, urgent=urgent).result()

    def hand_in(self, work: Work[T], *, urgent: bool = False) -> Future[T]:
        """The same without waiting; the answer comes after the commit, at once where there is no writer."""
        if self._writers:
            return self._put(_URGENT if urgent else _ORDINARY, work)
        piece = _Piece(_ORDINARY, 0, work, Future())
        self._connect_and_commit(piece, wait_for_more=0)
        return piece.answer

    def _put(self, rank: int, work: Work[T]) -> Future[T]:
        answer: Future[T] = Future()
        context = copy_context()  # the language of whoever hands it in: the thread is another
        piece = _Piece(rank, next(self._turns), lambda tx: context.run(work, tx), answer)
        self._pieces.put(piece)
        return answer

    def _write_one_by_one(self) -> None:
        while (piece := self._pieces.get()).rank != _LAST:
            self._connect_and_commit(piece, wait_for_more=_KEPT_SECONDS)
        piece.answer.set_result(None)

    def _connect_and_commit(self, piece: _Piece | None, *, wait_for_more: float) -> None:
        """Commit the piece, and those that come soon: taking a connection costs a round to the server."""
        try:
            with self.engine.connect() as connection:
                while piece is not None:
                    self._commit_alone(connection, piece)
                    piece = None if connection.invalidated else self._next(wait_for_more)
        except Exception as error:  # boundary: a database that is away must not end the writer
            if piece is not None and not piece.answer.done():
                self._note_refusal(error)
                piece.answer.set_exception(error)

    def _next(self, seconds: float) -> _Piece | None:
        """The next piece if it comes as soon as that."""
        try:
            piece = self._pieces.get(block=seconds > 0, timeout=seconds)
        except queue.Empty:
            return None
        if piece.rank == _LAST:
            self._pieces.put(piece)
            return None
        return piece

    def _write_in_groups(self) -> None:
        with self.engine.connect() as connection:  # kept: taking one for each piece costs as much as the work
            while True:
                piece = self._pieces.get()
                if piece.rank == _LAST:
                    piece.answer.set_result(None)
                    return
                for one in self._commit_together(connection, self._group(piece)):
                    self._commit_alone(connection, one)

    def _group(self, first: _Piece) -> Iterator[_Piece]:
        """The pieces that share a commit, each taken when the one before it is done.

        So what is urgent waits for one piece and a commit at most, not for a whole group.
        """
        yield first
        for _ in range(_GROUP - 1):
            try:
                piece = self._pieces.get_nowait()
            except queue.Empty:
                return
            if piece.rank != first.rank:
                self._pieces.put(piece)
                return
            yield piece

    def _commit_together(self, connection: sa.Connection, group: Iterable[_Piece]) -> list[_Piece]:
        """Do the pieces in one transaction and answer them; those to be done one by one if that failed."""
        taken: list[_Piece] = []
        try:
            with _transaction(connection):
                answers = [piece.work(connection) for piece in _kept(group, taken)]
        except Exception as error:  # boundary: one bad piece must not cost the others
            log.info("group of writes split", size=len(taken), error=repr(error))
            return taken
        self.takes_writes = True
        for piece, answer in zip(taken, answers, strict=True):
            piece.answer.set_result(answer)
        return []

    def _commit_alone(self, connection: sa.Connection, piece: _Piece) -> None:
        try:
            answer = _done(connection, piece)
        except BaseException as error:  # boundary: the writer outlives every error and hands it to its owner
            self._note_refusal(error)
            piece.answer.set_exception(error)
        else:
            self.takes_writes = True
            piece.answer.set_result(answer)

    def _note_refusal(self, error: BaseException) -> None:
        is_its_own = isinstance(error, sa.exc.OperationalError | sa.exc.InternalError)
        if is_its_own and _state_of(error) not in _ONLY_LOCKED:
            self.takes_writes = False


def _done(connection: sa.Connection, piece: _Piece) -> Any:
    """What the piece gives, after the commit; of two that wait for each other one is done again."""
    for pause in _PAUSES:
        try:
            with _transaction(connection):
                return piece.work(connection)
        except sa.exc.OperationalError as error:
            if _state_of(error) != _DEADLOCK:
                raise
            log.info("write done again: another waited for its rows", error=repr(error.orig))
        time.sleep(pause)
    with _transaction(connection):
        return piece.work(connection)


def _state_of(error: BaseException) -> str | None:
    state: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state


@contextmanager
def _transaction(connection: sa.Connection) -> Iterator[None]:
    """A transaction that is over whatever happens; SQLAlchemy leaves one open whose commit is refused."""
    try:
        with connection.begin():
            yield
    except BaseException:
        if not connection.invalidated:
            connection.connection.rollback()
        raise


def _kept(pieces: Iterable[_Piece], taken: list[_Piece]) -> Iterator[_Piece]:
    for piece in pieces:
        taken.append(piece)
        yield piece


def _nothing(_: sa.Connection) -> None:
    """The last piece of work: nothing."""
