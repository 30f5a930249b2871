"""What a check finds: one line each, and all of them as text, as JSON, and as an exit code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

_SHORTEST_SECRET = 4  # letters; what is shorter would blank out half of the text


class Level(StrEnum):
    """How a thing is: in order, worth a look, or broken."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One finding: where, how it is, what was seen, and (unless all is well) what to do about it."""

    area: str
    level: Level
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.area:<9}  {self.level:<4}  {self.what}" + (f" → {self.fix}" if self.fix else "")

    def tidy(self, secrets: Collection[str]) -> Verdict:
        """The same on one line, with every secret as three asterisks."""
        return replace(self, what=_tidy(self.what, secrets), fix=_tidy(self.fix, secrets))


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order in which they are told."""

    verdicts: tuple[Verdict, ...]

    def exit_code(self, *, strict: bool) -> int:
        """2 if anything failed, 1 if `strict` and anything is worth a look, else 0."""
        if self._count(Level.FAIL):
            return 2
        return 1 if strict and self._count(Level.WARN) else 0

    def text(self) -> str:
        """One line for each finding, and a last one that counts them."""
        ok, warn, fail = (self._count(level) for level in Level)
        warnings = "1 warning" if warn == 1 else f"{warn} warnings"
        return "\n".join([*map(str, self.verdicts), f"{ok} ok, {warnings}, {fail} failed"])

    def as_json(self) -> str:
        """The same for machines: the counts, and each finding as area, level, what and fix."""
        counts = {level.lower(): self._count(level) for level in Level}
        findings = [asdict(verdict) for verdict in self.verdicts]
        return json.dumps({**counts, "findings": findings}, indent=2, ensure_ascii=False)

    def _count(self, level: Level) -> int:
        return Counter(verdict.level for verdict in self.verdicts)[level]


def _tidy(text: str, secrets: Collection[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return " ".join(text.split())
