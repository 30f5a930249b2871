"""What is said: the headline, the announcement, and notes on the alerts. Redrawn when it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from multivac.briefing import (
    Announcement,
    Headline,
    Held,
    LatestUpdate,
    Link,
    Message,
    Press,
    Who,
    count_apart,
    fingerprint,
)
from multivac.errors import sure
from multivac.incident import CX_LEAD, DEPUTY, LEAD, SCRIBE, Person, Status, marker_of
from multivac.ports import Marker, Posted
from multivac.steps import gaps, news, oncall, people
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.cadence import next_update_due
from multivac.steps.links import links_of
from multivac.steps.reach import cannot_be_asked
from multivac.store.cases import Case, Result
from multivac.store.sayings import Saying, SayingKind
from multivac.store.splits import separable
from multivac.store.storms import NEVER_WAITS
from multivac.store.updates import Place, goes_to
from multivac.tongue import mark, phrase, plural

OPEN_AGAIN = mark("Open it again? Its lead is called again.")
_ROLES = (CX_LEAD, DEPUTY, SCRIBE)  # in this order; then those of the playbook
_SHOWN_ALERTS = 10
_NOTED_AFTER = timedelta(minutes=1)  # a chat that hiccups is nobody's business
# In a storm the others stand beside these in the pager, which takes 960 calls a minute in all.
_NOTED_ALERTS = 25


def say(attempt: Attempt, channel: str, message: Message) -> Result:
    """Post the message once, then edit it; after a lost answer, find it in the channel first."""
    chat, marker = attempt.chat(), Marker(incident=attempt.case.id, kind=attempt.name)
    posted = posted_at(attempt.before.result)
    if posted is None and attempt.unknown:
        posted = chat.find_message(channel, marker, since=attempt.case.declared_at)
    if posted is None:
        posted = chat.post(channel, message, marker)
    else:
        chat.edit(posted, message, marker)
    at = attempt.before.result.get("at") or attempt.now.isoformat()
    return {"channel": posted.channel, "message": posted.message, "at": at}


def say_in_thread(attempt: Attempt, head: Result, message: Message, *, loud: bool) -> Result:
    """Say something in the thread of a message, then edit it; looked for after a lost answer."""
    chat, marker = attempt.chat(), Marker(incident=attempt.case.id, kind=attempt.name)
    to = sure(posted_at(head))  # the step needs it to be there
    posted = posted_at(attempt.before.result)
    if posted is None and attempt.unknown:
        posted = chat.find_reply(to, marker)
    if posted is None:
        posted = chat.reply(to, message, marker, loud=loud)
    else:
        chat.edit(posted, message, marker)
    return {"channel": posted.channel, "message": posted.message}


def posted_at(result: Result) -> Posted | None:
    """Where a step's message is; None while it is nowhere."""
    return Posted(result["channel"], result["message"]) if "message" in result else None


def channel_of(case: Case) -> str:
    """The id of the incident's channel, which is open: else the step would not be due."""
    return str(case.result("channel")["id"])


def _drawn(view: View, draw: Callable[[View], Message]) -> Mapping[str, str]:
    return NOTHING if view.out.chat is None else {"": fingerprint(draw(view))}


def view_of(attempt: Attempt) -> View:
    """What planning would see of the incident as it was claimed."""
    return View(case=attempt.case, now=attempt.now, out=attempt.out)


# --- the headline ---------------------------------------------------------------------------------


def headline(view: View) -> Headline:
    """The pinned summary as it should read now."""
    case = view.case
    ticket = case.result("ticket")
    return Headline(
        number=case.id,
        title=case.title,
        severity=case.severity,
        status=case.status,
        started_at=case.declared_at,
        services=case.alerts.services,
        lead=who(case, case.lead),
        roles=_other_roles(case),
        ticket=Link(label=ticket["key"], url=ticket["url"]) if ticket else None,
        alerts=_alert_links(case),
        bridge=case.alerts.bridge,
        responders=_responding(case),
        on_call_as_of=oncall.on_call_as_of(case),
        next_update_due=next_update_due(view),
        update_is_late=_is_late(view),
        summary=_summary(case),
        impact=case.impact,
        update=_latest(case.updates),
        reopened=_reopened(case, case.updates),
        latest=news.folded(case),
        missing=gaps.held_back(view),
        ended_at=ended_at(case),
        mitigated_at=mitigated_at(case),
        fixed_by=fixed_by(case),
        lead_accepted=has_accepted(view),
        links=tuple(Link(label=label, url=url) for url, label in links_of(case).items()),
        was_in=case.result("channel").get("before") or "",
        presses=_headline_presses(case) if view.out.hears else (),
        rarer=_rarer_presses(case) if view.out.hears else (),
    )


def _other_roles(case: Case) -> tuple[Held, ...]:
    """Who has which role besides the lead: first those that every incident knows."""
    named = [name for name in (*_ROLES, *sorted(case.roles)) if name in case.roles and name != LEAD]
    return tuple(Held(role=name, who=_named(case, case.roles[name].person)) for name in dict.fromkeys(named))


def led_by(name: str, *, accepted: bool) -> str:
    """Who leads, in a few words; and that they have not accepted yet, lest others rely on it."""
    return (
        phrase("led by {name}", name=name)
        if accepted
        else phrase("led by {name}, not accepted yet", name=name)
    )


def is_settled(case: Case) -> bool:
    """Whether the lead has accepted, or need not any more."""
    lead = case.roles.get(LEAD)
    return lead is None or lead.accepted_at is not None or not case.status.is_open


def has_accepted(view: View) -> bool:
    """Whether the lead has; so, too, where nobody can be asked to."""
    return is_settled(view.case) or not view.out.hears


def _is_late(view: View) -> bool:
    """Whether the update that was promised has not come."""
    due = next_update_due(view)
    return due is not None and view.now >= due


def _latest(updates: Sequence[Saying]) -> LatestUpdate | None:
    last = max(updates, key=lambda one: one.at, default=None)
    return LatestUpdate(text=last.text, by=last.by, at=last.at) if last is not None else None


def _reopened(case: Case, updates: Sequence[Saying]) -> LatestUpdate | None:
    """Who said that it is not over, and why, while no update has been written since."""
    back = [one for one in case.said(SayingKind.CHANGE) if news.is_back(one)]
    if not back or not case.status.is_open or any(one.id > back[-1].id for one in updates):
        return None
    return LatestUpdate(text=str(back[-1].more.get("why") or ""), by=back[-1].by, at=back[-1].at)


def ended_at(case: Case) -> datetime | None:
    """When it was resolved, or ended otherwise: closing what is resolved is paperwork."""
    if case.status.is_open:
        return None
    resolved = [one.at for one in case.said(SayingKind.CHANGE) if one.more.get("after") == Status.RESOLVED]
    return resolved[-1] if resolved else case.status_at


def mitigated_at(case: Case) -> datetime | None:
    """By when it was mitigated, as whoever resolved it said, or as its status did; None while it is open."""
    resolved = [one for one in case.said(SayingKind.CHANGE) if one.more.get("after") == Status.RESOLVED]
    return mitigation_of(resolved[-1]) if resolved and not case.status.is_open else None


def mitigation_of(end: Saying) -> datetime | None:
    """By when it was mitigated that ended so."""
    at = end.more.get("mitigated")
    return datetime.fromisoformat(at) if at else None


def fixed_by(case: Case) -> str:
    """How it ended, in people's words; "" while it has not."""
    ends = [one for one in case.said(SayingKind.CHANGE) if news.is_end(one) and one.more.get("why")]
    return str(ends[-1].more["why"]) if ends and not case.status.is_open else ""


def _headline_presses(case: Case) -> tuple[Press, ...]:
    """What people do next, in the order of the need."""
    about = f"INC-{case.id}"
    if not case.status.is_open:
        close = Press(label=phrase("Close"), line=f"{about} close")
        return (
            *((close,) if case.status is Status.RESOLVED else ()),
            Press(label=phrase("Timeline"), line=f"{about} timeline"),
            Press(
                label=phrase("Reopen"),
                line=f"{about} reopen",
                confirm=phrase(OPEN_AGAIN),
            ),
        )
    take = Press(label=phrase("Take the lead"), line=f"{about} lead it", stands_out=True)
    settle = Press(label=phrase("Settle severity"), line=f"{about} severity")
    severity = Press(label=phrase("Severity"), line=f"{about} severity")
    return (
        *((take,) if wants_a_lead(case) else ()),
        Press(label=phrase("Update"), line=f"{about} update"),
        settle if case.status is Status.TRIAGE else severity,
        Press(label=phrase("Page somebody"), line=f"{about} page"),
        Press(label=phrase("Impact"), line=f"{about} impact"),
        Press(label=phrase("Brief me"), line=f"{about} briefing"),
        Press(label=phrase("Resolve"), line=f"{about} resolve"),
    )


def _rarer_presses(case: Case) -> tuple[Press, ...]:
    """What people do now and then, behind one button: five at most."""
    about = f"INC-{case.id}"
    if not case.status.is_open:
        return ()
    return (
        Press(label=phrase("Add to timeline"), line=f"{about} note"),
        Press(label=phrase("Timeline"), line=f"{about} timeline"),
        Press(label=phrase("Roles"), line=f"{about} roles"),
        Press(label=phrase("Checklist"), line=f"{about} checklist"),
        *((Press(label=phrase("Split"), line=f"{about} split"),) if separable(case) else ()),
    )


def wants_a_lead(case: Case) -> bool:
    """Whether nobody leads, or only somebody who cannot be asked."""
    held = case.roles.get(LEAD)
    if held is None or held.gone_at is not None:
        return True
    return held.accepted_at is None and cannot_be_asked(case, held.person)


def who(case: Case, person: Person | None) -> Who | None:
    """A person as a message names them, without a mention."""
    return _named(case, person) if person else None


def _named(case: Case, person: Person) -> Who:
    return Who(name=people.name_of(case, person))


def _alert_links(case: Case) -> tuple[Link, ...]:
    shown = [
        Link(label=f"PagerDuty #{a.facts.number}" if a.facts.number else "PagerDuty", url=a.facts.url)
        for a in case.alerts.rows[:_SHOWN_ALERTS]
        if a.facts.url
    ]
    return tuple(shown)


def _responding(case: Case) -> tuple[str, ...]:
    found = people.identified(case, (*case.alerts.assignees, *case.alerts.responders))
    return tuple(dict.fromkeys(who.name for who in found))


def _summary(case: Case) -> str:
    told = (
        phrase("This is a drill: page nobody, and tell no customer.") if case.drill else "",
        phrase("Private: only those who are invited can see it.") if case.playbook.channel.private else "",
        _what_happens(case),
    )
    return " ".join(filter(None, told))


def _what_happens(case: Case) -> str:
    if goes_on_elsewhere(case):
        return phrase("It goes on in INC-{number}", number=case.merged_into)
    number, services = len(case.alerts.rows), len(case.alerts.services)
    if number == 0:
        by = case.declared_by
        return phrase("Declared by {name}", name=by.name) if by else phrase("Declared by hand")
    facts = (
        plural("1 alert", "{count} alerts", number),
        plural("{count} service", "{count} services", services) if services > 1 else "",
        phrase("the first {number} are linked", number=_SHOWN_ALERTS) if number > _SHOWN_ALERTS else "",
        _acknowledged(case),
    )
    return ", ".join(filter(None, facts))


def goes_on_elsewhere(case: Case) -> bool:
    """Whether it ended as a duplicate of another incident."""
    return case.merged_into is not None and not case.status.is_open


def _acknowledged(case: Case) -> str:
    if not case.alerts.rows or not case.status.is_open:
        return ""
    if all(row.facts.status == "resolved" for row in case.alerts.rows):
        return phrase("resolved in PagerDuty")
    ackers = case.alerts.ackers
    if not ackers:
        return phrase("not acknowledged yet")
    return phrase("acknowledged by {name}", name=ackers[0].name)


def wants_headline(view: View) -> Mapping[str, str]:
    """A headline that is true; that further alerts have come is drawn with more patience."""
    if view.out.chat is None:
        return NOTHING
    drawn = headline(view)
    rest = replace(drawn, summary=_acknowledged(view.case), services=(), alerts=())
    return {"": count_apart(fingerprint(rest), fingerprint(drawn.summary, drawn.services, drawn.alerts))}


def draw_headline(attempt: Attempt) -> Result:
    """Post or redraw it."""
    return say(attempt, channel_of(attempt.case), headline(view_of(attempt)))


def wants_pin(view: View) -> Mapping[str, str]:
    """The headline pinned, once: whoever unpins it means it."""
    return NOTHING if view.out.chat is None else {"": "1"}


def pin_headline(attempt: Attempt) -> Result:
    """Pin it; pinned already is fine."""
    attempt.chat().pin(sure(posted_at(attempt.case.result("headline"))))
    return {}


# --- the announcement -----------------------------------------------------------------------------


def announcement(view: View) -> Announcement:
    """The few lines for stakeholders as they should read now; nothing of what has become private."""
    case = view.case
    if view.playbook.channel.private:
        return Announcement(
            number=case.id,
            title=phrase("private incident"),
            severity=case.severity,
            status=case.status,
            started_at=case.declared_at,
            lead=None,
            channel="",
            private=True,
        )
    public = [one for one in case.updates if goes_to(one, Place.ANNOUNCEMENT)]
    return Announcement(
        number=case.id,
        title=case.title,
        severity=case.severity,
        status=case.status,
        started_at=case.declared_at,
        lead=who(case, case.lead),
        channel=case.channel_id or "",
        lead_accepted=has_accepted(view),
        impact=case.impact,
        update=_latest(public),
        reopened=_reopened(case, public),
        next_update_due=next_update_due(view),
        update_is_late=_is_late(view),
        ended_at=ended_at(case),
        mitigated_at=mitigated_at(case),
        fixed_by=fixed_by(case),
        presses=_announcement_presses(case) if view.out.hears and case.status.is_open else (),
    )


def _announcement_presses(case: Case) -> tuple[Press, ...]:
    about = f"INC-{case.id}"
    return (
        Press(label=phrase("Join"), line=f"{about} join"),
        Press(label=phrase("Subscribe"), line=f"{about} subscribe"),
    )


def wants_announcement(view: View) -> Mapping[str, str]:
    """An announcement that is true, unless the channel is private, or the notice of a storm stands for it."""
    row = view.case.steps.get("announcement")
    if view.out.announce_channel is None:
        return NOTHING
    if view.playbook.channel.private and (row is None or not row.was_done):
        return NOTHING  # what was announced before it became private says nothing more of it
    is_mild = view.case.severity.rank > NEVER_WAITS
    if view.case.storm is not None and is_mild and (row is None or not row.was_done):
        return NOTHING
    return _drawn(view, announcement)


def announce(attempt: Attempt) -> Result:
    """Post or redraw it."""
    return say(attempt, attempt.out.announce_channel or "", announcement(view_of(attempt)))


# --- notes on the alerts --------------------------------------------------------------------------


def wants_notes(view: View) -> Mapping[str, str]:
    """A note on each of the first alerts, for whoever looks at the pager: where the response is.

    While there is no channel, since the chat is down, the note says so.
    """
    if view.out.pager is None or view.playbook.channel.private:
        return NOTHING
    if view.case.channel_id is None and not no_channel_yet(view):
        return NOTHING
    moved = bool(view.case.result("channel").get("before"))  # it was reopened, and goes on elsewhere
    mark = "early" if view.case.channel_id is None else view.case.channel_id if moved else "1"
    first = view.case.alerts.rows[:_NOTED_ALERTS]
    return {alert.key: mark for alert in first if alert.source == "pagerduty"}


def no_channel_yet(view: View) -> bool:
    """Whether the channel has not come for so long that those at the pager should know."""
    row = view.case.steps.get("channel")
    if row is None or row.wanted is None or row.failing_since is None or not view.case.status.is_open:
        return False
    view.look_again(row.failing_since + _NOTED_AFTER)
    # Not while a try is due or under way: its answer says more.
    is_put_off = row.gave_up == row.wanted or (row.next_try is not None and row.next_try > view.now)
    return is_put_off and view.now >= row.failing_since + _NOTED_AFTER


def note_alert(attempt: Attempt) -> Result:
    """Write the note, looking first where an earlier try may have worked."""
    case = attempt.case
    told = _with_channel(case) if case.channel_id else told_without_channel(case)
    mark = marker_of(case.id, case.declared_at)
    # What is looked for is the end of the text, in which the two notes differ.
    end = f"{told.rpartition(' ')[2]} {mark}"
    attempt.pager().note(attempt.instance, f"{told} {mark}", marker=end, look_first=attempt.unknown)
    return {}


def _with_channel(case: Case) -> str:
    return phrase(
        "Multivac: Response INC-{number} is in the Slack channel #{channel}",
        number=case.id,
        channel=case.channel_name,
    )


def told_without_channel(case: Case) -> str:
    """What those outside the chat can go by meanwhile."""
    ticket, lead, why = case.result("ticket"), case.lead, case.steps["channel"].error
    told = (
        phrase(
            "Multivac: Response INC-{number} has begun, but has no Slack channel yet: {why}.",
            number=case.id,
            why=why,
        ),
        phrase("The lead is {name}.", name=lead.name) if lead else "",
        phrase("The ticket is {ticket}: {url}", ticket=ticket["key"], url=ticket["url"]) if ticket else "",
        phrase("#{channel} opens by itself when Slack can be used again", channel=case.channel_name),
    )
    return " ".join(filter(None, told))
