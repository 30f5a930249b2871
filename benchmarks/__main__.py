"""Run the benchmarks: `python -m benchmarks [--only NAME] [--runs N] [--strict]`, or `make bench`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

from benchmarks import asking, assembled, growth, idle, limits, many, storm, webhooks
from benchmarks.figures import Figure, machine, table

_BENCHMARKS: dict[str, Callable[[int], Awaitable[list[Figure]]]] = {
    "assembled": assembled.measure,
    "many": many.measure,
    "webhooks": webhooks.measure,
    "asking": asking.measure,
    "idle": idle.measure,
    "storm": storm.measure,
    "limits": limits.measure,
    "growth": growth.measure,
}


async def _all(names: list[str], runs: int) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        print(f"\n== {name}", flush=True)
        measured = await _BENCHMARKS[name](runs)
        print(f"\n{table(measured)}", flush=True)
        figures += measured
    return figures


def main() -> None:
    """Measure, print the table; exit 1 if something went wrong, with `--strict` if any target is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=_BENCHMARKS, action="append", help="may be given several times")
    parser.add_argument("--runs", type=int, default=5, help="how often each figure is measured")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a target is not met")
    options = parser.parse_args()
    print(machine())
    figures = asyncio.run(_all(options.only or list(_BENCHMARKS), options.runs))
    print(f"\n== all\n\n{table(figures)}\n\n{machine()}")
    sys.exit(any(not one.is_met for one in figures if options.strict or one.must))


if __name__ == "__main__":
    main()
