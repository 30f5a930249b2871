"""The front door and the rows behind it, without vendors, threads or time: hundreds of histories a second."""

import itertools
import json
import traceback
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import sqlalchemy as sa
import structlog
from structlog.typing import EventDict, WrappedLogger

from integrations.pagerduty.webhook import Webhook
from multivac.app import Daemon
from multivac.incident import IncidentId
from multivac.settings import load_settings
from multivac.steps import triage
from multivac.steps.base import View
from multivac.store import cases, migrate, timeline
from multivac.store.cases import Case
from multivac.store.database import Database
from multivac.store.tables import incident, meta
from tests.order.telling import START, Template, Told, body_of
from tests.processes.daemon import SECRET, signed

PLAYBOOK = {"name": "order", "unless": {"priority": ["P5"]}}


class Quiet:
    """Drops what is logged, but for the daemon's own mistakes."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Look at one line and drop it."""
        if event.get("exc_info"):
            self.mistakes.append(f"{event['event']}\n{traceback.format_exc()}")
        raise structlog.DropEvent


class Still:
    """A clock that stands, an hour after everything happened."""

    def now(self) -> datetime:
        """The same instant, always."""
        return START.replace(hour=START.hour + 1)


class Door:
    """Daemons that are never started: what they are told is committed, and no response begins.

    One opens an incident at once, the other waits five minutes, which never pass.
    """

    def __init__(self, folder: Path, bodies: Mapping[str, Sequence[Template]]) -> None:
        self._bodies = bodies
        self._daemons = {waits: _daemon(folder, waits=waits) for waits in (False, True)}
        self._webhook = _webhook(self._daemons[False])
        self._turn = itertools.count()

    @property
    def database(self) -> Database:
        """The rows of both."""
        return self._daemons[False].database

    def __enter__(self) -> Self:
        migrate.upgrade(self.database)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for daemon in self._daemons.values():
            daemon.database.stop()

    def begin(self, *, waits: bool = False) -> None:
        """Forget everything; from now on the one that `waits` is told, or the other."""
        self._webhook = _webhook(self._daemons[waits])
        with self.database.engine.begin() as tx:
            for table in reversed(meta.sorted_tables):
                tx.execute(sa.delete(table))

    def deliver(self, event: Told) -> int:
        """Send a real body that says this; the answer's status."""
        bodies = self._bodies[event.type]
        raw = body_of(event, bodies[next(self._turn) % len(bodies)])
        return self._webhook.receive(raw, signed(raw, SECRET)).status

    def settle(self, *, spoke: bool = False) -> None:
        """Dismiss what ended by itself, as the response does at once, unless people `spoke` there."""
        out = self._daemons[False].out
        for case in self.incidents():
            if triage.wants_settling(View(case=case, now=out.clock.now(), out=out)):
                with self.database.engine.begin() as tx:
                    triage.keep_settled(tx, case, {"spoke": spoke}, now=out.clock.now())

    def incidents(self) -> list[Case]:
        """Every incident, the oldest first."""
        with self.database.read() as tx:
            numbers = tx.scalars(sa.select(incident.c.id).order_by(incident.c.id)).all()
            return [cases.load(tx, IncidentId(number)) for number in numbers]

    def timeline(self, number: IncidentId) -> list[str]:
        """The keys of what is in an incident's timeline."""
        with self.database.read() as tx:
            return [entry.key for entry in timeline.entries(tx, number)]


def _webhook(daemon: Daemon) -> Webhook:
    return Webhook([SECRET], unverified="retry", intake=daemon.intake, now=daemon.clock.now)


def _daemon(folder: Path, *, waits: bool) -> Daemon:
    playbook = folder / f"waits-{waits}.yaml"
    playbook.write_text(json.dumps(PLAYBOOK | ({"open_after": "5m"} if waits else {})))
    written = {
        "MULTIVAC_DATABASE__URL": f"sqlite:///{folder / 'multivac.db'}",
        "MULTIVAC_PLAYBOOKS__PATH": str(playbook),
        "MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS": SECRET,
    }
    return Daemon(load_settings(None, written), clock=Still())
