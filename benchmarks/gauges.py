"""What the soak looks at: the daemon, its sandbox, and a control that has to do with neither.

A webhook waits for a processor and a disk that others use too. So besides what the client waited there
is what the daemon reckons it took itself, and how late a bare timer and how long a bare write to the
same disk were meanwhile: what grows together with those two is the machine's.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median

import psutil

from benchmarks.daemon import Daemon
from benchmarks.figures import percentile

_SLOW = "0.025"  # seconds, a bound of the daemon's own histogram
_TICK = 0.05
_TICKS_TO_A_WRITE = 10


@dataclass(frozen=True, slots=True)
class Controlled:
    """Milliseconds that a timer was late by and a synchronous write of a page took."""

    late: tuple[float, ...]
    writes: tuple[float, ...]


@dataclass(slots=True)
class Control:
    """Watches the machine itself, on the disk that the file is on."""

    file: Path
    late: list[float] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)

    async def watch(self) -> None:
        """Go on until cancelled."""
        while True:
            for _ in range(_TICKS_TO_A_WRITE):
                before = time.monotonic()
                await asyncio.sleep(_TICK)
                self.late.append((time.monotonic() - before - _TICK) * 1000)
            self.writes.append(await asyncio.to_thread(self._write))

    def taken(self) -> Controlled:
        """What was seen since this was last asked."""
        seen = Controlled(tuple(self.late), tuple(self.writes))
        self.late.clear()
        self.writes.clear()
        return seen

    def _write(self) -> float:
        before = time.monotonic()
        with self.file.open("wb") as page:
            page.write(bytes(4096))
            page.flush()
            os.fsync(page.fileno())
        return (time.monotonic() - before) * 1000


@dataclass(frozen=True, slots=True)
class Sample:
    """What half a minute looked like."""

    minute: float
    memory: float  # MB
    files: int
    threads: int
    open: float  # incidents
    answers: tuple[float, ...]  # ms, as the client saw them
    own: float  # s, all that the daemon took for them by its own reckoning
    answered: float
    slow: float  # of them, in more than `_SLOW`
    daemon: float  # s of a processor
    sandbox: float
    control: Controlled


class Gauges:
    """Reads one daemon, and remembers what it read to say what came since."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._sandbox = next(
            child for child in psutil.Process().children() if "integrations.sandbox" in child.cmdline()
        )
        self._before: dict[str, float] = {}

    async def read(self, minute: float, answers: Sequence[float], control: Controlled) -> Sample:
        """The sample of what came since the last."""
        process, seconds = self._daemon.process, "multivac_webhook_seconds"
        text = (await self._daemon.door.call("GET", "/metrics")).body.decode()
        answered = self._since("answered", _total(text, f"{seconds}_count"))
        quick = self._since("quick", _total(text, f"{seconds}_bucket", f'le="{_SLOW}"'))
        return Sample(
            minute=minute,
            memory=process.memory_info().rss / 2**20,
            files=process.num_fds(),
            threads=process.num_threads(),
            open=_total(text, "multivac_incidents_open"),
            answers=tuple(answers),
            own=self._since("own", _total(text, f"{seconds}_sum")),
            answered=answered,
            slow=answered - quick,
            daemon=self._since("daemon", _used(process)),
            sandbox=self._since("sandbox", _used(self._sandbox)),
            control=control,
        )

    def _since(self, name: str, now: float) -> float:
        before, self._before[name] = self._before.get(name, 0.0), now
        return now - before


def _total(text: str, name: str, label: str = "") -> float:
    """The sum of one metric over its labels, or those with one."""
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith((f"{name} ", f"{name}{{")) and label in line
    )


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@dataclass(frozen=True, slots=True)
class _Measure:
    """One quantity over some samples, and how many times what it was it may become."""

    name: str
    of: Callable[[Sequence[Sample]], float]
    may_grow: float | None = None


def _middle(value: Callable[[Sample], float]) -> Callable[[Sequence[Sample]], float]:
    return lambda samples: median(map(value, samples))


def _share(values: Callable[[Sample], Sequence[float]], share: float) -> Callable[[Sequence[Sample]], float]:
    return lambda samples: percentile([one for sample in samples for one in values(sample)] or [0.0], share)


_MEASURES = (
    _Measure("MB", _middle(lambda one: one.memory), 1.05),
    _Measure("files", _middle(lambda one: one.files), 1.1),
    _Measure("threads", _middle(lambda one: one.threads), 1.1),
    _Measure("open", _middle(lambda one: one.open)),
    _Measure("p50 ms", _share(lambda one: one.answers, 0.5), 1.5),
    _Measure("p99 ms", _share(lambda one: one.answers, 0.99), 1.5),
    _Measure("own ms", lambda all_: 1000 * sum(one.own for one in all_) / sum(one.answered for one in all_)),
    _Measure(
        "own >25 %", lambda all_: 100 * sum(one.slow for one in all_) / sum(one.answered for one in all_)
    ),
    _Measure("cpu s", lambda all_: fmean(one.daemon for one in all_)),
    _Measure("sandbox s", lambda all_: fmean(one.sandbox for one in all_)),
    _Measure("late p99", _share(lambda one: one.control.late, 0.99)),
    _Measure("write p50", _share(lambda one: one.control.writes, 0.5)),
    _Measure("write p99", _share(lambda one: one.control.writes, 0.99)),
)
HEAD = (
    "| minute | " + " | ".join(one.name for one in _MEASURES) + " |\n" + "|---" * (len(_MEASURES) + 1) + "|"
)


def row(samples: Sequence[Sample]) -> str:
    """One row of the table, up to the last of these samples."""
    values = (f"{one.of(samples):{len(one.name)}.1f}" for one in _MEASURES)
    return f"| {samples[-1].minute:6.1f} | " + " | ".join(values) + " |"


def verdict(samples: Sequence[Sample], *, window: float) -> tuple[bool, str]:
    """Whether all is flat, and a table of so many minutes after warming up, in the middle and last.

    Warming up takes as long as each of these windows.
    """
    ends = samples[-1].minute
    starts = (window, (ends - window) / 2, ends - window)
    windows = [[one for one in samples if start < one.minute <= start + window] for start in starts]
    lines = ["| | after warming up | in the middle | last | ratio | |", "|---|---|---|---|---|---|"]
    is_flat = True
    for one in _MEASURES:
        first, middle, last = map(one.of, windows)
        ratio = last / first if first else 1.0
        grows = one.may_grow is not None and ratio > one.may_grow
        word = "" if one.may_grow is None else "GROWS" if grows else "FLAT"
        is_flat &= not grows
        lines.append(f"| {one.name} | {first:.1f} | {middle:.1f} | {last:.1f} | {ratio:.3f} | {word} |")
    return is_flat, "\n".join(lines)
