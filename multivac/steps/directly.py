"""What somebody is told directly leads to the channel that it is about. Pure."""

from __future__ import annotations

from dataclasses import replace

from multivac.briefing import Answer
from multivac.steps.channel import is_leaving
from multivac.store.cases import Case
from multivac.tongue import phrase


def directly(case: Case, said: Answer) -> Answer:
    """The message with the incident's channel as its last line, once there is one that can be opened.

    While it is about to leave an archived one, nobody is sent there.
    """
    is_gone = case.shut_at is not None and case.shut_how.startswith("deleted")
    if case.channel_id is None or is_gone or is_leaving(case):
        return said
    where = phrase("Channel: {channel}", channel=f"<#{case.channel_id}>")
    return replace(said, lines=(*said.lines, where))
