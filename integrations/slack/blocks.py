"""What a message looks like in Slack: typed facts in, Block Kit out. Pure; called by chat.py.

Each message type has one small function. State is said in words, never by colour or sign alone;
the top-level text is a full sentence, because that is what notifications and screen readers speak.
Ages are never relative, so that a message stays true without being edited.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

from integrations.slack.leading import paragraphs
from integrations.slack.pieces import LIST_LIMIT, SECTION_LIMIT, Block, presses
from integrations.slack.pieces import context as _context
from integrations.slack.pieces import fields as _fields
from integrations.slack.pieces import header as _header
from integrations.slack.pieces import listed as _listed
from integrations.slack.pieces import sections as _sections
from integrations.slack.tasklists import task_blocks
from integrations.slack.text import channel, joined, line, link, person, prose, time_of_day, when
from multivac.briefing import (
    Announcement,
    Answer,
    CaughtUp,
    ChangeLine,
    Checklist,
    Ended,
    FollowUp,
    Gaps,
    Headline,
    Home,
    LeadCall,
    Link,
    Message,
    Nudge,
    OperatorNotice,
    Reminding,
    ResolutionProposed,
    StormLine,
    StormNotice,
    TaskLine,
    Update,
    UpdateDue,
)
from multivac.incident import Bridge, Severity, Status, TaskState

TITLE_LIMIT = 200
# A channel in a line of our own, as the core writes it; escaped like everything else, then put back.
_OWN_TIME = re.compile(r"&lt;(t|d):(\d{1,10})&gt;")
_OWN_MESSAGE = re.compile(r"https://[a-z0-9-]+\.slack\.com/archives/[A-Z0-9]+/p[0-9]+")
_OWN_CHANNEL = re.compile(r"&lt;#([CG][A-Z0-9]{6,20})&gt;")

SEVERITY = {
    Severity.SEV1: "🔴 SEV1",
    Severity.SEV2: "🟠 SEV2",
    Severity.SEV3: "🟡 SEV3",
    Severity.SEV4: "🔵 SEV4",
    Severity.SEV5: "⚪ SEV5",
}
STATUS = {
    Status.TRIAGE: "Triage: severity not settled yet",
    Status.ACTIVE: "Active: people are working on it",
    Status.MITIGATED: "Mitigated: the worst is over, the cause is not fixed yet",
    Status.RESOLVED: "Resolved",
    Status.CLOSED: "Closed",
    Status.DISMISSED: "Dismissed: not an incident",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A message as Slack takes it: the sentence that is spoken, and the blocks that are shown."""

    text: str
    blocks: list[Block]


def render(message: Message) -> Drawn:  # noqa: C901, PLR0911, PLR0912 - one row for each message and nothing else
    """The message in Block Kit, within Slack's limits whatever it says."""
    match message:
        case Answer():
            return _answer(message)
        case Headline():
            return _headline(message)
        case Announcement():
            return _announcement(message)
        case Checklist():
            return _checklist(message)
        case CaughtUp():
            return _caught_up(message)
        case LeadCall():
            return _lead_call(message)
        case Gaps():
            return _gaps(message)
        case ResolutionProposed():
            return _resolution_proposed(message)
        case ChangeLine():
            return _change_line(message)
        case UpdateDue():
            return _update_due(message)
        case Update():
            return _update(message)
        case Nudge():
            return _nudge(message)
        case Ended():
            return _ended(message)
        case OperatorNotice():
            return _operator_notice(message)
        case StormNotice():
            return _storm_notice(message)
        case Reminding():
            return _reminding(message)
        case _:
            assert_never(message)


def _answer(said: Answer) -> Drawn:
    lines = [said_line(each) for each in said.lines]
    text = joined([line(said.title, TITLE_LIMIT), *lines] if said.title else lines, SECTION_LIMIT, "\n")
    blocks = [
        *_sections(f"*{line(said.title, TITLE_LIMIT)}*" if said.title else ""),
        *_listed(lines),
        presses(said.presses),
    ]
    return _drawn("answer", text, blocks)


def draw_home(said: Home) -> dict[str, Any]:
    """Somebody's page in Slack, as `views.publish` takes it."""
    shown = [presses(said.presses), *(block for part in said.parts for block in _answer(part).blocks)]
    blocks = [block for block in shown if block is not None]
    return {
        "type": "home",
        "blocks": [block | {"block_id": f"home-{place}"} for place, block in enumerate(blocks, start=1)],
    }


def said_line(text: str) -> str:
    """One line of ours, escaped; a channel's id becomes the channel, a moment the reader's own time."""
    said = _OWN_CHANNEL.sub(r"<#\1>", line(text, 1500))
    said = _OWN_TIME.sub(_moment, said)
    return _OWN_MESSAGE.sub(r"<\g<0>|message>", said)


def _moment(found: re.Match[str]) -> str:
    at = datetime.fromtimestamp(int(found[2]), UTC)
    return time_of_day(at) if found[1] == "t" else when(at)


def _headline(said: Headline) -> Drawn:
    title = line(said.title, TITLE_LIMIT)
    text = (
        f"{_severity(said.severity)} incident INC-{said.number}: {title.rstrip('.')}. "
        f"{STATUS[said.status]}. Lead: {_lead(said)}."
    )
    blocks = [
        _header(f"{SEVERITY[said.severity]} · INC-{said.number} · {said.title}"),
        *_sections(f"*Impact:* {prose(said.impact, 1200)}" if said.impact else ""),
        *_sections(prose(said.summary, 1500)),
        _fields(_headline_fields(said)),
        *_sections(_wanted_lead(said)),
        presses(said.presses),
        _context(_as_of(said), _latest(said), "Multivac keeps this message up to date."),
    ]
    return _drawn("headline", text, blocks)


def _headline_fields(said: Headline) -> dict[str, str]:
    return {
        "Status": STATUS[said.status],
        "Lead": _lead(said),
        "Started": when(said.started_at),
        "Services": joined((line(each, 80) for each in said.services), 500),
        "CX lead": person(said.cx_lead) if said.cx_lead else "",
        "Ticket": link(said.ticket) if said.ticket else "",
        "Alerts": joined(map(link, said.alerts), 1650),
        "Conference": _bridge(said.bridge),
        "Responders": joined((line(each, 80) for each in said.responders), 500),
        "Next update due": when(said.next_update_due) if said.next_update_due else "",
    }


def _bridge(bridge: Bridge | None) -> str:
    if bridge is None:
        return ""
    ways = (
        link(Link(label="Join the call", url=bridge.url)) if bridge.url else "",
        line(bridge.phone or "", 40),
    )
    return " or ".join(filter(None, ways))


def _wanted_lead(said: Headline) -> str:
    if said.lead or not said.status.is_open or said.presses:
        return ""
    if said.ticket:
        return f"*Next:* whoever takes the lead assigns {link(said.ticket)} to themselves."
    return "*Next:* whoever takes the lead says so here."


def _as_of(said: Headline) -> str:
    if said.on_call_as_of is None:
        return ""
    return f"The pager does not answer: who is on call is as of {when(said.on_call_as_of)}."


def _latest(said: Headline) -> str:
    return f"Latest: {line(said.latest, 500)}" if said.latest else ""


def _announcement(said: Announcement) -> Drawn:
    title = line(said.title, TITLE_LIMIT)
    # The announcement does not wait for the channel: it is edited once there is one.
    where = f"Follow it in {channel(said.channel)}" if said.channel else "Its channel is on its way"
    text = (
        f"{_severity(said.severity)} incident INC-{said.number}: {title.rstrip('.')}. "
        f"{STATUS[said.status]}. Lead: {_lead(said)}. {where}."
    )
    shown = (
        f"*{SEVERITY[said.severity]} · INC-{said.number}* · {title}",
        f"{STATUS[said.status]} · Lead: {_lead(said)} · {where}",
    )
    return _drawn("announcement", text, [*_sections("\n".join(shown)), presses(said.presses)])


def _checklist(said: Checklist) -> Drawn:
    title = said.title if said.occurrence == 1 else f"{said.title}, round {said.occurrence}"
    left = sum(task.state is TaskState.OPEN for task in said.tasks)
    after = _next_phase(said)
    tasks = _count(len(said.tasks), "task")
    text = f"Checklist {line(title, TITLE_LIMIT)}: {tasks}, {left} to do. {after}".rstrip()
    context = f"{len(said.tasks) - left} of {len(said.tasks)} done or skipped."
    blocks = [
        _header(title),
        *task_blocks(said.tasks),
        _context(context, _how_to_take(said.tasks) if left else "", after),
    ]
    return _drawn("checklist", text, blocks)


def _how_to_take(tasks: Sequence[TaskLine]) -> str:
    return "" if any(task.done for task in tasks) else "Take a task by saying so here."


def _next_phase(said: Checklist) -> str:
    if said.next_title is None:
        return ""
    at = f", {when(said.next_at)}" if said.next_at else ""
    return f"Next: {line(said.next_title, TITLE_LIMIT)}{at}."


def _caught_up(said: CaughtUp) -> Drawn:
    phases = [f"• {line(title, TITLE_LIMIT)}, due {when(at)}" for title, at in said.missed]
    left = sum(task.state is TaskState.OPEN for task in said.tasks)
    names = joined((line(title, 80) for title, _ in said.missed), 500)
    text = (
        f"Multivac was away. {_count(len(said.missed), 'checklist')} came due meanwhile: {names}. "
        f"{_count(left, 'task')} to do."
    )
    blocks = [
        _header("Came due while Multivac was away"),
        *_listed(phases, LIST_LIMIT // 3),
        *task_blocks(said.tasks, LIST_LIMIT * 2 // 3),
        _context(_how_to_take(said.tasks) if left else "Nothing is left to do."),
    ]
    return _drawn("caught-up", text, blocks)


def _lead_call(said: LeadCall) -> Drawn:
    said_of_it = paragraphs(said)
    blocks = [*_sections(joined(said_of_it, SECTION_LIMIT, "\n")), presses(said.presses)]
    return _drawn("lead-call", joined(said_of_it, SECTION_LIMIT, " "), blocks)


def _gaps(said: Gaps) -> Drawn:
    missing = [line(each, 1000) for each in said.lines]
    mended = [line(each, 1000) for each in said.mended]
    title = "Something is missing" if missing else "Nothing is missing any more"
    text = f"{title}: {joined(missing, 2500, ' ')}" if missing else f"{title}. {joined(mended, 2500, ' ')}"
    blocks = [
        *_sections(f"*{title}*"),
        *_listed((f"• {each}" for each in missing), LIST_LIMIT * 2 // 3),
        *_listed((f"✅ Mended: {each}" for each in mended), LIST_LIMIT // 3),
        _context("Multivac goes on trying and says here what came of it." if missing else ""),
    ]
    return _drawn("gaps", text.rstrip(), blocks)


def _resolution_proposed(said: ResolutionProposed) -> Drawn:
    claim = f"{line(said.by, 80) or 'Somebody'} resolved the alert, {when(said.at)}."
    if said.withdrawn:
        advice = "The alert came back before anybody agreed: the incident goes on."
    else:
        advice = "Is it over? Then say so here; else carry on. Nothing changes by itself."
    return _drawn("resolution-proposed", f"{claim} {advice}", _sections(f"{claim}\n{advice}"))


def _change_line(said: ChangeLine) -> Drawn:
    text = line(said.text, 2000) or "Something changed."
    return _drawn("change-line", text, [_context(text)])


def _update_due(said: UpdateDue) -> Drawn:
    if said.ended:
        text = f"An update was due {when(said.due_at)}. {line(said.ended, 200)}"
        return _drawn("update-due", text, [_context(text)])
    asked = f"{person(said.lead)}, please" if said.lead else "Please"
    where = "write" if said.presses else "say here"
    every = f" One is due every {_duration(said.every)}." if said.every else ""
    late = f"*Overdue.* Asked {said.rounds + 1} times. " if said.rounds else ""
    text = (
        f"{late}An update for stakeholders was promised for {when(said.due_at)}. {asked} {where} in two "
        f"sentences what users notice and what happens next.{every}"
    )
    return _drawn("update-due", text, [*_sections(text), presses(said.presses)])


def _update(said: Update) -> Drawn:
    about = f"*INC-{said.number}* " if said.number is not None else ""
    moved = f"{_severity(said.was)} → {_severity(said.severity)}" if said.was else _severity(said.severity)
    stands = f"{moved} · {said.status}"
    after = f"next update {when(said.next_at)}" if said.next_at else "no further update promised"
    author = f"Update by {line(said.by, 80)}"
    text = prose(said.text, 2900 - len(about)) or "Nothing new."
    spoken = f"{about.replace('*', '')}{author}: {prose(said.text, 2500)} ({stands}; {after})"
    return _drawn(
        "update", spoken, [*_sections(f"{about}{text}"), _context(f"{author} · {stands} · {after}")]
    )


def _nudge(said: Nudge) -> Drawn:
    to = f"{person(said.who)}: " if said.who else ""
    text = f"{to}{line(said.text, 1500) or 'please have a look.'}"
    return _drawn("nudge", text, [*_sections(text), presses(said.presses)])


def _ended(said: Ended) -> Drawn:
    text = said_line(said.text) or "It is over."
    left = [f"• {_follow_up(each)}" for each in said.follow_ups]
    spoken = f"{text} Left to do: {joined(map(_follow_up, said.follow_ups), 1500, '; ')}" if left else text
    return _drawn("ended", spoken, [*_sections(text), *_listed(["*Left to do*", *left] if left else ())])


def _follow_up(said: FollowUp) -> str:
    text = line(said.text, 250)
    return f"{link(Link(label=said.key, url=said.url))} {text}" if said.key else text


def _operator_notice(said: OperatorNotice) -> Drawn:
    what, do = line(said.what, 1000), line(said.do, 1000)
    if said.over:
        text = f"Over, nothing is to be done any more: {what}"
        return _drawn("operator-notice", text, _sections(f"*Over, nothing is to be done any more*\n{what}"))
    text = f"Multivac needs its operators: {what}" + (f" What to do: {do}" if do else "")
    shown = f"*Multivac needs its operators*\n{what}" + (f"\n*What to do:* {do}" if do else "")
    return _drawn("operator-notice", text, _sections(shown))


def _storm_notice(said: StormNotice) -> Drawn:
    number, over = _count(said.incidents, "new incident"), said.over_at
    if over is not None:
        title = f"Alert storm over: {number}"
        state = f"{when(said.since)} to {when(over)}. {said.severe} at SEV1 or SEV2, {said.ended} ended."
    else:
        title = f"Alert storm: {number}, {said.waiting} waiting for a channel, worst first"
        state = (
            f"Since {when(said.since)}. {said.severe} at SEV1 or SEV2, which get their channel at once; of "
            f"the others one every {_seconds(said.every)}. This message stands for their announcements."
        )
    advice = (
        "*What to do:* in PagerDuty, resolve or merge what is no incident of its own: if it still waits, it "
        "gets no channel. Raise the priority of what cannot wait."
    )
    more = f"and {said.unlisted} more" if said.unlisted else ""
    blocks = [
        _header(title),
        *_sections(state if over else f"{state}\n{advice}"),
        *_listed([*map(_storm_line, said.worst), *filter(None, [more])]),
    ]
    return _drawn("storm-notice", f"{title}. {state}" if over else f"{title}. {state} {advice}", blocks)


def _reminding(said: Reminding) -> Drawn:
    whom = f"{person(said.whom)}: " if said.whom else ""
    text = f"⏰ {whom}{line(said.text, 500)}"
    blocks = [*_sections(text), _context(*map(said_line, said.told)), presses(said.presses)]
    return _drawn("reminding", text, blocks)


def _storm_line(said: StormLine) -> str:
    where = channel(said.channel) if said.channel else "waits for its channel"
    return f"• {SEVERITY[said.severity]} · INC-{said.number} · {line(said.title, 150)} · {where}"


def _seconds(span: timedelta) -> str:
    return _count(round(span.total_seconds()), "second") if span < timedelta(minutes=2) else _duration(span)


def _lead(said: Headline | Announcement) -> str:
    if said.lead:
        return person(said.lead)
    return "nobody yet" if said.status.is_open else "nobody"


def _severity(severity: Severity) -> str:
    return severity.value.upper()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _duration(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    hours, rest = divmod(minutes, 60)
    if hours and not rest:
        return "hour" if hours == 1 else f"{hours} hours"
    return "minute" if minutes == 1 else f"{minutes} minutes"


def _drawn(kind: str, text: str, blocks: Sequence[Block | None]) -> Drawn:
    shown = [block for block in blocks if block is not None]
    return Drawn(
        text=text,
        blocks=[block | {"block_id": f"{kind}-{place}"} for place, block in enumerate(shown, start=1)],
    )
