"""What came of a form that was sent, as Slack is told so while it waits for that. Used by inbound.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.slack.forms import Sent, draw_answer, draw_form
from multivac.briefing import Answer, Files, Form
from multivac.desk import Ask, BadField, Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answer, or what is wrong with a field.

    `shown` is how Slack is told, in time; what that does not show of the answer is told later.
    """

    reply: Answer | Files | Form | None = None
    bad: BadField | None = None
    shown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is asked of whoever sent it."""
        return self.bad is None and not isinstance(self.reply, Form)

    @property
    def is_told_later(self) -> bool:
        """Whether the answer is told them elsewhere than in the window."""
        return self.is_over and "view" not in self.shown


def outcome_of(desk: Desk, ask: Ask, sent: Sent) -> Outcome:
    """Deal with a form that was sent; never raises."""
    with desk.speaking_to(ask.by):
        try:
            reply = desk.answer(ask)
        except BadField as bad:
            errors = {sent.blocks.get(bad.name, bad.name): bad.reason}
            return Outcome(bad=bad, shown={"response_action": "errors", "errors": errors})
        if isinstance(reply, Form):
            # Slack piles up three at most.
            how = "push" if reply.over and not sent.again and not sent.over else "update"
            return Outcome(
                reply=reply, shown={"response_action": how, "view": draw_form(reply, channel=ask.channel)}
            )
        if isinstance(reply, Answer) and not ask.channel and not sent.over:  # nowhere else do they see it
            return Outcome(reply=reply, shown={"response_action": "update", "view": draw_answer(reply)})
        return Outcome(reply=reply, shown={"response_action": "clear"} if sent.over else {})


def salvage(desk: Desk, ask: Ask) -> Outcome:
    """Show again what was typed into a form that this release does not know."""
    with desk.speaking_to(ask.by):
        form = desk.salvage(ask)
        return Outcome(reply=form, shown={"response_action": "update", "view": draw_form(form, channel="")})
