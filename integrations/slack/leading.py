"""What the lead call says: whom it asks, until when, and what became of it. Pure; used by blocks.py."""

from __future__ import annotations

from datetime import datetime

from integrations.slack.text import joined, line, link, person, said_line, when
from multivac.briefing import Late, LeadCall, Turn, Who
from multivac.tongue import phrase


def paragraphs(said: LeadCall) -> list[str]:
    """Its paragraphs, as Slack's own markup."""
    practice = phrase("This is a drill: page nobody, and tell no customer.") if said.drill else ""
    told = [practice, _asked_to_lead(said), *(f"• {said_line(each)}" for each in said.brief)]
    if said.then and not said.accepted_at:
        told.append(_turn(said.then))
    if said.late and not said.accepted_at:
        told.append(_late(said.late, absent=said.absent))
    if said.cx_lead:
        told.append(_asked_to_settle(said, said.cx_lead))
    return [one for one in told if one]


def _asked_to_settle(said: LeadCall, cx_lead: Who) -> str:
    who, is_lead = person(cx_lead), cx_lead == said.lead
    match said.by_button, is_lead:
        case True, True:
            return phrase(
                "Please settle the severity: press a button in the headline or in my direct message."
            )
        case True, False:
            return phrase(
                "{cx_lead}, please settle the severity: "
                "press a button in the headline or in my direct message.",
                cx_lead=who,
            )
        case False, True:
            return phrase("Please settle the severity: say here how bad it is for users.")
        case _:
            return phrase(
                "{cx_lead}, please settle the severity: say here how bad it is for users.", cx_lead=who
            )


def _asked_to_lead(said: LeadCall) -> str:
    who = person(said.lead)
    if said.asked_again:
        return phrase("{lead} led this incident until it was over.", lead=who)
    if said.led_until:
        return _led_before(who, said, said.led_until)
    if said.went_to:
        return _went_on(who, said)
    if said.in_vain:
        return phrase(
            "{lead} was asked to lead this incident, and had not accepted when it was over.", lead=who
        )
    told = [_told_to_lead(who, said)]
    if said.ticket:
        told.append(phrase("The ticket is {ticket}.", ticket=link(said.ticket)))
    if not (said.accepted_at or said.missed or said.by or said.absent):
        told.append(_if_you_cannot(said))
    return " ".join(told)


def _told_to_lead(who: str, said: LeadCall) -> str:
    if said.accepted_at:
        return phrase("{lead} leads this incident, accepted {at}.", lead=who, at=when(said.accepted_at))
    if said.absent:
        return phrase("{lead} is to lead this incident, and cannot be reached in Slack.", lead=who)
    if said.again:
        return _again(who, said)
    if said.missed:
        return _after_another(who, said)
    if said.by:
        return phrase(
            "{lead}, {giver} hands the lead of this incident over to you.", lead=who, giver=line(said.by, 80)
        )
    return phrase("{lead}, you lead this incident.", lead=who)


def _again(who: str, said: LeadCall) -> str:
    if said.by:
        return phrase(
            "{lead}, this incident is open again, says {who}. Please go on leading it.",
            lead=who,
            who=line(said.by, 80),
        )
    return phrase("{lead}, this incident is open again. Please go on leading it.", lead=who)


def _after_another(who: str, said: LeadCall) -> str:
    missed = line(said.missed, 80)
    if said.absent_before:
        return phrase(
            "{lead}, please lead this incident: {missed} cannot be reached in Slack.", lead=who, missed=missed
        )
    return phrase("{lead}, please lead this incident: {missed} has not accepted.", lead=who, missed=missed)


def _if_you_cannot(said: LeadCall) -> str:
    if said.presses:
        return phrase("If you cannot, hand over.")
    return phrase("If you cannot, say here who does.")


def _led_before(who: str, said: LeadCall, led_until: datetime) -> str:
    until = when(led_until)
    if said.passed or not said.settled:
        return phrase("{lead} led this incident until {at}.", lead=who, at=until)
    return phrase(
        "{lead} leads this incident. {before} led it until {at}.",
        lead=line(said.went_to, 80),
        before=who,
        at=until,
    )


def _went_on(who: str, said: LeadCall) -> str:
    went_to = line(said.went_to, 80)
    if said.settled and said.passed:
        return phrase("{asked_before} was asked to lead this incident before.", asked_before=who)
    if said.settled:
        return phrase(
            "{lead} leads this incident. {asked_before} was asked before.", lead=went_to, asked_before=who
        )
    if said.given_by:
        return phrase(
            "{lead} is to lead this incident, says {giver}.", lead=went_to, giver=line(said.given_by, 80)
        )
    if said.absent:
        return phrase(
            "{asked_before} cannot be reached in Slack to lead this incident: {next} is asked.",
            asked_before=who,
            next=went_to,
        )
    return phrase(
        "{asked_before} has not accepted to lead this incident: {next} is asked.",
        asked_before=who,
        next=went_to,
    )


def _turn(said: Turn) -> str:
    names, at = joined((line(each, 80) for each in said.who), 500), when(said.at)
    if not said.pages:
        return phrase("Accept until {at}; then {names} is asked.", at=at, names=names)
    if names:
        return phrase("Accept until {at}; then PagerDuty pages {names}.", at=at, names=names)
    return phrase("Accept until {at}; then nobody is left to be asked: call somebody.", at=at)


def _late(said: Late, *, absent: bool) -> str:
    """What follows since nobody has accepted in time; or cannot, being `absent`, and there is no other."""
    begun = phrase("Nobody else can be asked.") if absent else phrase("Nobody has accepted in time.")
    names = _named(said)
    if said.paged:
        return " ".join((begun, phrase("PagerDuty pages {names}.", names=names)))
    if said.asked:
        return " ".join((begun, phrase("PagerDuty is asked to page {names}.", names=names)))
    lead = phrase("Whoever can lead presses Accept.")
    if absent:
        lead = phrase("Whoever can lead presses Take the lead.")
    if said.drill:
        return " ".join((begun, phrase("A drill pages nobody."), lead))
    failed = phrase("Multivac cannot page anybody now.")
    if said.why:
        failed = phrase("The page could not be sent: {why}.", why=_why(said))
    return " ".join((begun, failed, lead, phrase("If nobody can, reach {names} yourself.", names=names)))


def _named(said: Late) -> str:
    return joined((line(each, 200) for each in said.paged or said.asked or said.call), 1000)


def _why(said: Late) -> str:
    return line(said.why, 300).rstrip(".。")
