"""The errors Multivac speaks of: what went wrong, and whether trying again can help.

MultivacError
|- TryAgain    temporary: the step is tried again, at the earliest after `after`
|- Paced       not an error: the vendor's rate limit lets it be done at `until`
|- GiveUp      permanent: the step stops until somebody mends it, and people are told why
|- Refused     a person asked for something that may not be done
`- BadConfig   what an operator wrote cannot be used
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

T = TypeVar("T")


def sure(value: T | None) -> T:
    """The value, which is there by what was looked at before; where it is not, the mistake is ours."""
    if value is None:
        raise AssertionError("what has to be there is not")
    return value


class MultivacError(Exception):
    """The root of every error we raise on purpose."""


class TryAgain(MultivacError):
    """A vendor cannot do this now; `after` is the wait it asked for, if it named one.

    `reached` tells whether the request may have had its effect: only then does the next
    attempt have to read back before it acts again.
    """

    def __init__(self, why: str, *, after: timedelta | None = None, reached: bool = True) -> None:
        super().__init__(why)
        self.why = why
        self.after = after
        self.reached = reached


class Paced(MultivacError):
    """A vendor's rate limit allows this call at `until`; nothing has left us."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"to be asked again at {until:%H:%M:%S}")
        self.until = until


class GiveUp(MultivacError):
    """A vendor will never do this as asked; `why` is a short reason, `fix` what a person can do.

    `operators` says that only those who run Multivac can mend it, so that they are told. What was asked
    for `in_vain`, such as by a wrong name, is not looked at again.
    """

    def __init__(self, why: str, *, fix: str = "", operators: bool = False, in_vain: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.fix = fix
        self.operators = operators
        self.in_vain = in_vain


class NameTaken(GiveUp):
    """A channel of that name exists already, perhaps archived or invisible to us."""


class Refused(MultivacError):
    """Somebody asked for what may not be done; `reason` is text for that person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong in what an operator wrote: where, what is wrong, what to write instead."""

    where: str
    why: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.why}" + (f" {self.fix}" if self.fix else "")


class BadConfig(MultivacError):
    """The configuration cannot be used; `findings` names every mistake, not only the first."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = findings
