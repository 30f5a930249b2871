"""What the front door of a vendor's webhooks answers; `multivac.web.routes` sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer over HTTP, and what became of the delivery, in one word for the metric."""

    status: int
    text: str
    outcome: str
    headers: Mapping[str, str] = field(default_factory=dict)
    afterwards: None = None  # the core begins what follows by itself
