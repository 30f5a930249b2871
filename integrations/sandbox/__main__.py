"""Run the sandbox as a process of its own: `python -m integrations.sandbox --port 8899`."""

import argparse
import contextlib
import signal
import sys
from types import FrameType

from integrations.sandbox.server import Sandbox


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; prints the address once it listens."""
    options = _parser().parse_args(arguments)
    sandbox = Sandbox()
    sandbox.world.delays.update(options.delay)
    sandbox.world.connect_delay = options.connect_delay
    sandbox.world.limits_on = options.limits
    if not options.empty:
        sandbox.seed()
    sandbox.start(options.port)
    sys.stdout.write(f"sandbox listens at {sandbox.url}\n")
    sys.stdout.flush()
    signal.signal(signal.SIGTERM, _interrupt)
    with contextlib.suppress(KeyboardInterrupt):
        sandbox.wait()
    sandbox.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m integrations.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose")
    parser.add_argument(
        "--delay", type=_delays, default={}, metavar="slack=0.15,jira=0.25", help="seconds before each answer"
    )
    parser.add_argument(
        "--connect-delay", type=float, default=0.0, help="seconds more for each new connection"
    )
    parser.add_argument("--limits", action="store_true", help="keep the vendors' rate limits")
    parser.add_argument("--empty", action="store_true", help="start without the example company")
    return parser


def _delays(text: str) -> dict[str, float]:
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {vendor.strip(): float(seconds) for vendor, _, seconds in pairs}


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
