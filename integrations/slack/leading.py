"""What the lead call says: whom it asks, until when, and what became of it. Pure; used by blocks.py."""

from __future__ import annotations

from integrations.slack.text import joined, line, link, person, when
from multivac.briefing import LeadCall, Turn


def paragraphs(said: LeadCall) -> list[str]:
    """Its paragraphs, as Slack's own markup."""
    told = [_asked_to_lead(said), *(f"• {line(each, 300)}" for each in said.brief)]
    if said.then and not said.accepted_at:
        told.append(_turn(said.then))
    if said.paged:
        names = joined((line(each, 80) for each in said.paged), 500)
        told.append(f"Nobody has accepted in time. PagerDuty pages {names}.")
    if said.cx_lead:
        asked = "Please" if said.cx_lead == said.lead else f"{person(said.cx_lead)}, please"
        how = (
            "press a button in the headline or in my message"
            if said.by_button
            else "say here how bad it is for users"
        )
        told.append(f"{asked} settle the severity: {how}.")
    return told


def _asked_to_lead(said: LeadCall) -> str:
    who, yours = person(said.lead), f" Your ticket is {link(said.ticket)}." if said.ticket else ""
    if said.went_to:
        return _went_on(who, said)
    if said.accepted_at:
        return f"{who} leads this incident, accepted {when(said.accepted_at)}.{yours}"
    if said.missed:
        return f"{who}, please lead this incident: {line(said.missed, 80)} has not accepted.{yours}"
    if said.by:
        return f"{who}, {line(said.by, 80)} hands the lead of this incident over to you.{yours}"
    instead = "hand over" if said.presses else "say here who does"
    return f"{who}, you lead this incident.{yours} If you cannot, {instead}."


def _went_on(who: str, said: LeadCall) -> str:
    went_to = line(said.went_to, 80)
    if said.settled:
        return f"{went_to} leads this incident. {who} was asked before."
    if said.given_by:
        return f"{went_to} is to lead this incident, says {line(said.given_by, 80)}."
    return f"{who} has not accepted to lead this incident: {went_to} is asked."


def _turn(said: Turn) -> str:
    names = joined((line(each, 80) for each in said.who), 500)
    if said.pages:
        then = f"PagerDuty pages {names}" if names else "nobody is left to be asked: call somebody"
    else:
        then = f"{names} is asked"
    return f"Accept until {when(said.at)}; then {then}."
