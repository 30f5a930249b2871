"""What everybody sees of an incident at a glance: headline and announcement. Pure; used by blocks.py."""

from __future__ import annotations

from integrations.slack.pieces import Drawn, context, drawn, fields, header, presses, sections
from integrations.slack.text import channel, joined, line, link, person, prose, when
from multivac.briefing import Announcement, Headline, Link
from multivac.incident import Bridge, Severity, Status, role_name
from multivac.tongue import lasting, mark, phrase

TITLE_LIMIT = 200
_UPDATE_LIMIT = 700

SEVERITY = {
    Severity.SEV1: "🔴 SEV1",
    Severity.SEV2: "🟠 SEV2",
    Severity.SEV3: "🟡 SEV3",
    Severity.SEV4: "🔵 SEV4",
    Severity.SEV5: "⚪ SEV5",
}
_STATUS = {
    Status.TRIAGE: mark("Triage: severity not settled yet"),
    Status.ACTIVE: mark("Active: people are working on it"),
    Status.MITIGATED: mark("Mitigated: the worst is over, the cause is not fixed yet"),
    Status.RESOLVED: mark("Resolved"),
    Status.CLOSED: mark("Closed"),
    Status.DISMISSED: mark("Dismissed"),
}


# --- the headline ---------------------------------------------------------------------------------


def headline(said: Headline) -> Drawn:
    """The pinned summary."""
    blocks = [
        header(f"{_sign(said)} · INC-{said.number} · {said.title}"),
        *sections(_reopened(said)),
        *sections(_impact(said, prose(said.impact, 1200))),
        *sections(_what_ended_it(said)),
        *sections(_update(said)),
        *sections(prose(said.summary, 1500)),
        *sections(_was_in(said)),
        *sections(_missing(said)),
        fields(_fields(said)),
        *sections(_people(said)),
        *sections(_wanted_lead(said)),
        *sections(_links(said)),
        presses(said.presses, rarer=said.rarer),
        context(_as_of(said), _change(said), phrase("Multivac keeps this message up to date.")),
    ]
    return drawn("headline", _in_short(said), blocks)


def _was_in(said: Headline) -> str:
    if not said.was_in:
        return ""
    return phrase("What was said before it was reopened is in {channel}.", channel=channel(said.was_in))


def _fields(said: Headline) -> tuple[tuple[str, str], ...]:
    """Eight at most, of which two exclude each other: more are not taken in at a glance."""
    return (
        (phrase("Status"), phrase(_STATUS[said.status])),
        (phrase("Lead"), _lead(said)),
        (phrase("Started"), when(said.started_at)),
        (phrase("Ended"), _ended_after(said)),
        (phrase("Services"), joined((line(each, 80) for each in said.services), 500)),
        (phrase("Ticket"), link(said.ticket) if said.ticket else ""),
        (phrase("Alerts"), joined(map(link, said.alerts), 1650)),
        (phrase("Conference"), _bridge(said.bridge)),
        (
            phrase("Next update overdue since") if said.update_is_late else phrase("Next update due"),
            when(said.next_update_due) if said.next_update_due else "",
        ),
    )


def _people(said: Headline) -> str:
    """Who has which role besides the lead, and who responds."""
    held = (f"{line(role_name(one.role), 50)} {person(one.who)}" for one in said.roles)
    roles = joined(held, 500, " · ")
    responders = joined((line(each, 80) for each in said.responders), 500)
    told = (
        phrase("*Roles:* {roles}", roles=roles) if roles else "",
        phrase("*Responders:* {names}", names=responders) if responders else "",
    )
    return "\n".join(filter(None, told))


def _links(said: Headline) -> str:
    shown = joined(map(link, said.links), 2900, " · ")
    return phrase("*Links:* {links}", links=shown) if shown else ""


def _bridge(bridge: Bridge | None) -> str:
    if bridge is None:
        return ""
    call = link(Link(label=phrase("Join the call"), url=bridge.url)) if bridge.url else ""
    phone = line(bridge.phone or "", 40)
    return phrase("{call} or {phone}", call=call, phone=phone) if call and phone else call or phone


def _wanted_lead(said: Headline) -> str:
    if said.lead or not said.status.is_open or said.presses:
        return ""
    if said.ticket:
        return phrase(
            "*Next:* whoever takes the lead assigns {ticket} to themselves.", ticket=link(said.ticket)
        )
    return phrase("*Next:* whoever takes the lead says so here.")


def _missing(said: Headline) -> str:
    what = joined((line(each, 200).rstrip(".。") for each in said.missing), 600, " · ")
    return phrase("*Not done yet:* {what}", what=what) if what else ""


def _as_of(said: Headline) -> str:
    if said.on_call_as_of is None:
        return ""
    return phrase("The pager does not answer: who is on call is as of {at}.", at=when(said.on_call_as_of))


def _change(said: Headline) -> str:
    return phrase("Latest: {change}", change=line(said.latest, 500)) if said.latest else ""


# --- the announcement -----------------------------------------------------------------------------


def announcement(said: Announcement) -> Drawn:
    """The few lines for those who read nothing else."""
    if said.private:
        told = phrase(
            "INC-{number} is a private incident. Only those in it can see more.", number=said.number
        )
        return drawn("announcement", told, sections(told))
    where, sentence = _where(said)
    stands = (phrase(_STATUS[said.status]), phrase("Lead: {lead}", lead=_lead(said)), where)
    shown = (
        f"*{_sign(said)} · INC-{said.number}* · {line(said.title, TITLE_LIMIT)}",
        " · ".join(stands),
        _reopened(said),
        _impact(said, line(said.impact, _UPDATE_LIMIT)),
        _what_ended_it(said),
        _update(said),
        _next_or_end(said),
    )
    blocks = [*sections("\n".join(filter(None, shown))), presses(said.presses)]
    return drawn("announcement", f"{_in_short(said)} {sentence}", blocks)


def _where(said: Announcement) -> tuple[str, str]:
    """Where more is to be read: by itself, and as a sentence."""
    # The announcement does not wait for the channel: it is edited once there is one.
    place = channel(said.channel) if said.channel else ""
    if not place:
        return phrase("Its channel is on its way"), phrase("Its channel is on its way.")
    if said.status.is_open:
        return (
            phrase("Follow it in {channel}", channel=place),
            phrase("Follow it in {channel}.", channel=place),
        )
    return phrase("It was in {channel}", channel=place), phrase("It was in {channel}.", channel=place)


def _next_or_end(said: Announcement) -> str:
    """When more is to be heard, or when it ended and how long it lasted."""
    if said.ended_at is not None:
        return phrase("*Ended:* {when}", when=_ended_after(said))
    if said.next_update_due is not None:
        due = when(said.next_update_due)
        if said.update_is_late:
            return phrase("*Next update overdue since:* {when}", when=due)
        return phrase("*Next update due:* {when}", when=due)
    return ""


# --- both -----------------------------------------------------------------------------------------


def _sign(said: Headline | Announcement) -> str:
    """How bad it is, and at a glance whether it is over: nobody is to run for what has ended."""
    return SEVERITY[said.severity] if said.status.is_open else f"✅ {said.severity.upper()}"


def _in_short(said: Headline | Announcement) -> str:
    return phrase(
        "{severity} incident INC-{number}: {title}. {status}. Lead: {lead}.",
        severity=said.severity.upper(),
        number=said.number,
        title=line(said.title, TITLE_LIMIT).rstrip("."),
        status=phrase(_STATUS[said.status]),
        lead=_lead(said),
    )


def _lead(said: Headline | Announcement) -> str:
    if said.lead is None:
        return phrase("nobody yet") if said.status.is_open else phrase("nobody")
    if said.lead_accepted or not said.status.is_open:
        return person(said.lead)
    return phrase("{lead}, not accepted yet", lead=person(said.lead))


def _impact(said: Headline | Announcement, shown: str) -> str:
    """What users notice, or noticed: nobody is to read that they cannot pay when they can."""
    if not shown:
        return ""
    if said.status.is_open:
        return phrase("*Impact:* {impact}", impact=shown)
    return phrase("*Impact while it lasted:* {impact}", impact=shown)


def _what_ended_it(said: Headline | Announcement) -> str:
    if not said.fixed_by:
        return ""
    text = prose(said.fixed_by, 500)
    if said.status is Status.DISMISSED:
        return phrase("*Why it was no incident:* {text}", text=text)
    return phrase("*What ended it:* {text}", text=text)


def _reopened(said: Headline | Announcement) -> str:
    """Who said that it is not over, and why: what was written before is old."""
    if said.reopened is None:
        return ""
    by, at, why = line(said.reopened.by, 80), when(said.reopened.at), line(said.reopened.text, _UPDATE_LIMIT)
    if not by:
        return phrase("*Reopened* {at}: its alert came back", at=at)
    if not why:
        return phrase("*Reopened* by {name}, {at}", name=by, at=at)
    return phrase("*Reopened* by {name}, {at}: {why}", name=by, at=at, why=why)


def _update(said: Headline | Announcement) -> str:
    """What stakeholders were told last; how it ended says more."""
    if said.update is None or said.fixed_by:
        return ""
    told = mark("*Latest update* by {name}, {at}: {text}")
    if said.reopened is not None:
        told = mark("*Update before that* by {name}, {at}: {text}")
    return phrase(
        told,
        name=line(said.update.by, 80),
        at=when(said.update.at),
        text=line(said.update.text, _UPDATE_LIMIT),
    )


def _ended_after(said: Headline | Announcement) -> str:
    if said.ended_at is None:
        return ""
    ended = phrase(
        "{at}, after {lasted}", at=when(said.ended_at), lasted=lasting(said.ended_at - said.started_at)
    )
    if said.mitigated_at is None:
        return ended
    return phrase("{ended} (mitigated {at})", ended=ended, at=when(said.mitigated_at))
