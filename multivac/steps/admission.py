"""Who may come into an incident that people made private: whom rules name, people are asked about first."""

from __future__ import annotations

from collections.abc import Mapping

from multivac.briefing import Nudge, Press, fingerprint
from multivac.steps import inviting, people
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.words import channel_of, say, view_of
from multivac.store.cases import Case, Result
from multivac.tongue import phrase, plural

_MOST = 30  # as many as one request may invite


def wants_asking(view: View) -> Mapping[str, str]:
    """One message that names them and invites them by a button; it says so when nobody is left."""
    case, row = view.case, view.case.steps.get("invites asked")
    if view.out.chat is None:
        return NOTHING
    if (row is None or not row.was_done) and not (inviting.would_be_invited(case) and case.status.is_open):
        return NOTHING
    return {"": fingerprint(_question(view))}


def ask(attempt: Attempt) -> Result:
    """Post or redraw it."""
    return say(attempt, channel_of(attempt.case), _question(view_of(attempt)))


def _question(view: View) -> Nudge:
    case, waiting = view.case, inviting.would_be_invited(view.case)[:_MOST]
    if not case.status.is_open:
        return Nudge(who=None, text=phrase("It is over: nobody is invited by rules any more."))
    if not waiting:
        return Nudge(who=None, text=phrase("Everybody whom rules would invite is here, or was asked."))
    text = phrase(
        "Rules would invite {names}. This incident is private, so nobody is until you say so.",
        names=_names(case, waiting),
    )
    line = " ".join((f"INC-{case.id} invite", *(f"<@{one}>" for one in waiting)))
    press = Press(label=phrase("Invite them"), line=line)
    return Nudge(who=None, text=text, presses=(press,) if view.out.hears else ())


def _names(case: Case, waiting: tuple[str, ...]) -> str:
    """By name, not by mention: that alone would offer to invite them."""
    known = {people.chat_id(case, one): people.name_of(case, one) for one in people.by_rule(case)}
    named = [known[one] for one in waiting if one in known]
    unnamed = len(waiting) - len(named)
    if unnamed:
        named.append(plural("{count} by a user group", "{count} by a user group", unnamed))
    return ", ".join(named)
