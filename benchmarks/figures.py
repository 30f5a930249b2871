"""Figures: what was measured, over how many runs, against what target; printed as one table."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity. The median counts; `target` is the most it may be, or None.

    One that `must` be met is right or wrong, however busy the machine.
    """

    name: str
    values: Sequence[float]
    unit: str
    target: float | None = None
    note: str = ""
    must: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the target is met; true where there is none."""
        return self.target is None or median(self.values) <= self.target

    def row(self) -> tuple[str, str, str, str, str]:
        """What stands in the table."""
        least, most = min(self.values), max(self.values)
        spread = f" ({_plain(least)} to {_plain(most)})" if len(self.values) > 1 else ""
        verdict = "" if self.target is None else "met" if self.is_met else "NOT MET"
        target = "" if self.target is None else f"<= {self.target:g} {self.unit}".rstrip()
        return self.name, f"{_plain(median(self.values))} {self.unit}{spread}", target, verdict, self.note


def table(figures: Sequence[Figure]) -> str:
    """All figures, in Markdown."""
    head = ("figure", "measured: median (least to most)", "target", "", "note")
    rows = [head, *(figure.row() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def machine() -> str:
    """On what this was measured, and how busy that was."""
    load = ", ".join(f"{one:.1f}" for one in psutil.getloadavg())
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, load average {load}"
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _plain(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _processor() -> str:
    cpus = Path("/proc/cpuinfo")
    named = [line.partition(":")[2].strip() for line in cpus.read_text().splitlines() if "model name" in line]
    return named[0] if named else platform.machine()
