"""How often a vendor may be called that counts all calls alike: the one budget of Jira, and of PagerDuty.

Slack counts by method and by channel, and has rates of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from multivac.budget import Errand, Rate
from multivac.errors import Paced
from multivac.ports import Pace

_UNSAID = timedelta(seconds=5)  # the wait after a 429 that names none


@dataclass(frozen=True, slots=True)
class Allowance:
    """Keeps one vendor's rate, on behalf of somebody or of nobody; without one only its 429 is heeded."""

    pace: Pace
    vendor: str
    rate: Rate | None
    errand: Errand | None = None

    def on_behalf(self, errand: Errand | None) -> Allowance:
        """The same for an errand, or for nobody: then calls are counted and never put off."""
        return replace(self, errand=errand)

    def before(self) -> None:
        """Count a call that is about to be made. Raises `Paced` if it is to be made later."""
        at = self.pace.ask(self.vendor, self.rate, self.errand)
        if at is not None:
            raise Paced(at)

    def slow_down(self, wait: timedelta | None) -> None:
        """Heed a 429: no call for so long, by any replica."""
        self.pace.shut(self.vendor, wait or _UNSAID)
