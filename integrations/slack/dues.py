"""What is asked of whoever owes stakeholders an update. Pure; used by blocks.py."""

from __future__ import annotations

from datetime import timedelta

from integrations.slack.text import minutes, person, when, whole_hours
from multivac.briefing import UpdateDue
from multivac.tongue import phrase, plural


def request(said: UpdateDue) -> str:
    """The whole request, as Slack's own markup."""
    told = (
        _late(said.rounds),
        phrase("An update for stakeholders was promised for {at}.", at=when(said.due_at)),
        _asked_to_write(said),
        _one_is_due(said.every) if said.every else "",
    )
    return " ".join(filter(None, told))


def _late(rounds: int) -> str:
    if not rounds:
        return ""
    return plural("*Overdue.* Asked {count} time.", "*Overdue.* Asked {count} times.", rounds + 1)


def _asked_to_write(said: UpdateDue) -> str:
    lead = person(said.lead) if said.lead else ""
    match bool(said.presses), bool(lead):
        case True, True:
            return phrase(
                "{lead}, please write in two sentences what users notice and what happens next.", lead=lead
            )
        case True, False:
            return phrase("Please write in two sentences what users notice and what happens next.")
        case False, True:
            return phrase(
                "{lead}, please say here in two sentences what users notice and what happens next.", lead=lead
            )
        case _:
            return phrase("Please say here in two sentences what users notice and what happens next.")


def _one_is_due(every: timedelta) -> str:
    if hours := whole_hours(every):
        return plural("One is due every hour.", "One is due every {count} hours.", hours)
    return plural("One is due every minute.", "One is due every {count} minutes.", minutes(every))
