"""The demo: the real daemon beside the sandbox, an outage played on it, and a look at what came of it.

`multivac demo` calls `live`, which ends when it is told to; `multivac demo --script` calls `rehearse`,
and a test calls `script` with a sandbox of its own.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from integrations.sandbox.server import Sandbox
from multivac.app import sandbox
from multivac.demo.parts import missing
from multivac.demo.stage import Stage, free_port
from multivac.demo.story import SCENES
from multivac.demo.transcript import Transcript
from multivac.telemetry import set_up_logs

# What a call takes at the vendors, about; with nothing in between the page would show no order.
_NATURAL = {"slack": 0.15, "jira": 0.25, "pagerduty": 0.15}
_USUAL_PORT = 8787
_FAST = 0.2  # of the pauses between two scenes
_LOG = "multivac.log"

Tell = Callable[[str], None]


def live(port: int | None, *, fast: bool, stopped: threading.Event, tell: Tell) -> None:
    """Tell one line with the page's address, play the outage in story time, stay until `stopped`.

    `port` None takes the usual one, or a free one where that is taken. Raises `BadConfig` where the
    given port is taken.
    """
    chosen = free_port(_USUAL_PORT, or_any=True) if port is None else free_port(port)
    with _folder(tell) as folder, _served(sandbox(), chosen) as world:
        world.world.delays.update(_NATURAL)
        with Stage(world, folder) as stage:
            tell(f"Multivac's demo is at {world.url}/ (Ctrl-C ends it)")
            for scene in SCENES:
                if stopped.wait(scene.pause * (_FAST if fast else 1)):
                    return
                stage.jump_to(scene.at)
                scene.act(stage)
            stopped.wait()


def rehearse(tell: Tell) -> list[str]:
    """Play the outage at once, tell the transcript, and return the parts of the response that are missing."""
    with _folder(tell) as folder, _served(sandbox(), 0) as world:
        return script(world, folder, tell)


def script(world: Sandbox, folder: Path, tell: Tell) -> list[str]:
    """As `rehearse`, on a sandbox that is seeded and listens already; its clock stands still meanwhile."""
    world.world.clock.freeze(world.world.clock.now().replace(microsecond=0))
    transcript, seen = Transcript(world.state()), world.world.changed

    def look() -> None:
        nonlocal seen
        if seen != world.world.changed:
            seen = world.world.changed
            transcript.look(world.state(), tell)

    with Stage(world, folder, own_clock=False) as stage:
        for scene in SCENES:
            stage.pass_until(scene.at, look)
            scene.act(stage)
            look()
            stage.settle(look)
        return missing(world, stage.began)


@contextlib.contextmanager
def _folder(tell: Tell) -> Iterator[Path]:
    """A folder for the database and the log; it goes unless something went wrong, which the log explains."""
    folder = Path(tempfile.mkdtemp(prefix="multivac-demo-"))
    with (folder / _LOG).open("w", encoding="utf-8") as log, contextlib.redirect_stderr(log):
        set_up_logs("json", "info")
        try:
            yield folder
        except BaseException:
            tell(f"The demo broke off. What happened is in {folder / _LOG}")
            raise
    shutil.rmtree(folder)


@contextlib.contextmanager
def _served(world: Sandbox, port: int) -> Iterator[Sandbox]:
    world.seed()
    world.start(port)
    try:
        yield world
    finally:
        world.stop()
