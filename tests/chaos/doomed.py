"""`multivac run`, but it can be told to die by kill -9 at one of its own commits.

Run by the sweep as `python -m tests.chaos.doomed`. CHAOS_FOLDER has two files: `aim`, written by the
sweep at any time, says where to die; `heard`, written here, has what each commit was the first to say.
"""

import json
import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa

from multivac.app import Daemon
from multivac.settings import load_settings
from multivac.telemetry import set_up_logs
from tests.chaos.watch import Commits, Point


class Orders:
    """Both files, as the sweep and the daemon see them."""

    def __init__(self, folder: Path) -> None:
        self._aim, self._heard = folder / "aim", folder / "heard"

    def give(self, target: Point | None, *, beyond: int) -> None:
        """Say where to die, and forget what was heard."""
        self._heard.write_text("")
        fresh = self._aim.with_suffix(".new")
        fresh.write_text(json.dumps({"target": asdict(target) if target else None, "beyond": beyond}))
        fresh.replace(self._aim)

    def taken(self) -> tuple[str, Point | None, int]:
        """The orders that stand: as they are written, and what they say."""
        text = self._aim.read_text()
        said = json.loads(text)
        return text, Point(**said["target"]) if said["target"] else None, said["beyond"]

    def tell(self, fresh: Sequence[str]) -> None:
        """Note what a commit was the first to say."""
        with self._heard.open("a") as heard:
            heard.write(json.dumps(list(fresh)) + "\n")

    def heard(self) -> list[list[str]]:
        """Everything that was noted, commit by commit."""
        return [json.loads(line) for line in self._heard.read_text().splitlines()]


class Doom(Commits):
    """Looks at its orders again at each commit, and dies for good."""

    __slots__ = ("_orders", "_standing")

    def __init__(self, orders: Orders) -> None:
        super().__init__(_die, orders.tell)
        self._orders, self._standing = orders, ""

    def _at_commit(self, connection: sa.Connection) -> None:
        text, target, beyond = self._orders.taken()
        if text != self._standing:
            self._standing = text
            self.aim(target, beyond=beyond)
        super()._at_commit(connection)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """The daemon, until it is told to stop or meets its end."""
    settings = load_settings(None, dict(os.environ))
    set_up_logs(settings.log.format, settings.log.level)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    daemon = Daemon(settings)
    Doom(Orders(Path(os.environ["CHAOS_FOLDER"]))).watch(daemon.database.engine)
    daemon.start()
    stopped.wait()
    daemon.stop()


if __name__ == "__main__":
    main()
