"""The rules of a playbook about the end: what is closed with an incident, and when. Pure."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from multivac.values import Duration, PositiveDuration, Strict


class EndRule(Strict):
    """What follows once people have resolved an incident, or have forgotten it."""

    resolve_alerts: bool = Field(
        default=True, description="Resolve the incident's alerts at the pager when people resolve it."
    )
    close_after: PositiveDuration = Field(
        timedelta(days=3), description="How long a resolved incident stands before it closes by itself."
    )
    archive_after: PositiveDuration = Field(
        timedelta(days=7), description="How long the channel of a closed one stands before it is archived."
    )
    stale_after: Duration = Field(
        timedelta(days=2),
        description="After how long without anybody's doing a sev3 to sev5 is asked about; 0s: never.",
    )
