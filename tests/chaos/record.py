"""What was tried and what came of it: one row of the table for each kind of trial."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

RESUMES_WITHIN = 2.0  # seconds from the restart to the first call: what issue and docs promise


@dataclass(slots=True)
class Row:
    """One kind of trial on one database. `known` is how many points there are, `planned` how many to try."""

    what: str
    known: int | None = None
    planned: int = 0
    tried: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    bound: float = RESUMES_WITHIN

    def amiss(self) -> Iterator[str]:
        """Everything for which the run has failed."""
        yield from (f"lost: {one}" for one in self.lost)
        yield from (f"doubled: {one}" for one in self.doubled)
        yield from self.failed
        if self.tried < self.planned:
            yield f"only {self.tried} of {self.planned} points were tried"
        if self.slowest > self.bound:
            yield f"the slowest recovery took {self.slowest:.1f} s, more than {self.bound:.0f} s"

    @property
    def slowest(self) -> float:
        """The longest time from a restart, or a death that others make up for, to the work going on."""
        return max(self.recoveries, default=0.0)

    def cells(self) -> tuple[str, ...]:
        """As one row of the table."""
        known = "" if self.known is None else str(self.known)
        slowest = f"{self.slowest:.1f} s" if self.recoveries else ""
        return (self.what, known, str(self.tried), str(len(self.lost)), str(len(self.doubled)), slowest)


HEAD = ("what is cut off", "points", "tried", "lost", "doubled", "slowest recovery")


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEAD))]
    drawn = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    ruler = "|" + "|".join("-" * (w + 2) for w in widths) + "|"
    return "\n".join([drawn[0], ruler, *drawn[1:]])
