"""What a message looks like in Slack: typed facts in, Block Kit out. Pure; called by chat.py.

Each message type has one small function. State is said in words, never by colour or sign alone;
the top-level text is a full sentence, because that is what notifications and screen readers speak.
Ages are never relative, so that a message stays true without being edited.
"""

from __future__ import annotations

from typing import Any, assert_never

from integrations.slack.dues import request
from integrations.slack.glance import SEVERITY, TITLE_LIMIT, announcement, headline
from integrations.slack.leading import paragraphs
from integrations.slack.pieces import LIST_LIMIT, SECTION_LIMIT, Drawn, presses, rows
from integrations.slack.pieces import context as _context
from integrations.slack.pieces import drawn as _drawn
from integrations.slack.pieces import header as _header
from integrations.slack.pieces import listed as _listed
from integrations.slack.pieces import sections as _sections
from integrations.slack.storms import title_and_state
from integrations.slack.tasklists import task_blocks
from integrations.slack.text import (
    channel,
    joined,
    line,
    link,
    more,
    person,
    prose,
    said_line,
    when,
)
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
    Update,
    UpdateDue,
)
from multivac.incident import TaskState, status_name
from multivac.tongue import mark, phrase, plural


def render(message: Message) -> Drawn:  # noqa: C901, PLR0911, PLR0912 - one row for each message and nothing else
    """The message in Block Kit, within Slack's limits whatever it says."""
    match message:
        case Answer():
            return _answer(message)
        case Headline():
            return headline(message)
        case Announcement():
            return announcement(message)
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


def _answer(said: Answer, limit: int = LIST_LIMIT) -> Drawn:
    lines = [said_line(each) for each in said.lines]
    lines += [" · ".join(map(link, said.links))] if said.links else []
    text = joined([line(said.title, TITLE_LIMIT), *lines] if said.title else lines, SECTION_LIMIT, "\n")
    blocks = [
        *_sections(f"*{line(said.title, TITLE_LIMIT)}*" if said.title else ""),
        *_listed(lines, limit),
        *rows(said.presses),
    ]
    return _drawn("answer", text, blocks)


def draw_home(said: Home) -> dict[str, Any]:
    """Somebody's page in Slack, as `views.publish` takes it."""
    room = LIST_LIMIT // max(len(said.parts), 1)  # of a page as of a message
    shown = [presses(said.presses), *(block for part in said.parts for block in _answer(part, room).blocks)]
    blocks = [block for block in shown if block is not None]
    return {
        "type": "home",
        "blocks": [block | {"block_id": f"home-{place}"} for place, block in enumerate(blocks, start=1)],
    }


def _checklist(said: Checklist) -> Drawn:
    title, count = said.title, len(said.tasks)
    if said.occurrence > 1:
        title = phrase("{title}, round {count}", title=said.title, count=said.occurrence)
    left = sum(task.state is TaskState.OPEN for task in said.tasks)
    if said.is_folded:
        return _folded(title, done=count - left, count=count)
    after = _next_phase(said)
    text = plural(
        "Checklist {title}: {count} task, {left} to do.",
        "Checklist {title}: {count} tasks, {left} to do.",
        count,
        title=line(title, TITLE_LIMIT),
        left=left,
    )
    done = phrase("{done} of {count} done or skipped.", done=count - left, count=count)
    blocks = [
        _header(title),
        *task_blocks(said.tasks),
        _context(done, _how_to_take(said) if left else "", after),
    ]
    return _drawn("checklist", f"{text} {after}".rstrip(), blocks)


def _folded(title: str, *, done: int, count: int) -> Drawn:
    told = mark("{title}: {done} of {count} done or skipped. The newest round is below.")
    if done < count:
        told = mark(
            "{title}: {done} of {count} done or skipped. The rest goes on in the newest round, below."
        )
    text = phrase(told, title=line(title, TITLE_LIMIT), done=done, count=count)
    return _drawn("checklist", text, [_context(text)])


def _how_to_take(said: Checklist | CaughtUp) -> str:
    if said.over:
        return phrase("The rest was left open when this ended.")
    return "" if any(task.done for task in said.tasks) else phrase("Take a task by saying so here.")


def _next_phase(said: Checklist) -> str:
    if said.next_title is None:
        return ""
    title = line(said.next_title, TITLE_LIMIT)
    if said.next_at is None:
        return phrase("Next: {title}.", title=title)
    return phrase("Next: {title}, {at}.", title=title, at=when(said.next_at))


def _caught_up(said: CaughtUp) -> Drawn:
    phases = [
        phrase("• {title}, due {at}", title=line(title, TITLE_LIMIT), at=when(at))
        for title, at in said.missed
    ]
    left = sum(task.state is TaskState.OPEN for task in said.tasks)
    told = (
        plural(
            "{count} checklist came due meanwhile: {titles}.",
            "{count} checklists came due meanwhile: {titles}.",
            len(said.missed),
            titles=joined((line(title, 80) for title, _ in said.missed), 500),
        ),
        plural("{count} task to do.", "{count} tasks to do.", left),
    )
    blocks = [
        _header(phrase("Came due meanwhile")),
        *_listed(phases, LIST_LIMIT // 3),
        *task_blocks(said.tasks, LIST_LIMIT * 2 // 3),
        _context(_how_to_take(said) if left else phrase("Nothing is left to do.")),
    ]
    return _drawn("caught-up", " ".join(told), blocks)


def _lead_call(said: LeadCall) -> Drawn:
    said_of_it = paragraphs(said)
    blocks = [*_sections(joined(said_of_it, SECTION_LIMIT, "\n")), presses(said.presses)]
    return _drawn("lead-call", joined(said_of_it, SECTION_LIMIT, " "), blocks)


def _gaps(said: Gaps) -> Drawn:
    missing = [line(each, 1000) for each in said.lines]
    mended = [line(each, 1000) for each in said.mended]
    if missing:
        title = phrase("Something is missing")
        text = phrase("Something is missing: {what}", what=joined(missing, 2500, " "))
    else:
        title = phrase("Nothing is missing any more")
        text = " ".join(filter(None, (phrase("Nothing is missing any more."), joined(mended, 2500, " "))))
    blocks = [
        *_sections(f"*{title}*"),
        *_listed((f"• {each}" for each in missing), LIST_LIMIT * 2 // 3),
        *_listed((f"✅ {each}" for each in mended), LIST_LIMIT // 3),
        presses(said.presses),
        _context(phrase("Multivac says here what becomes of it.") if missing else "", _to_trace(said)),
    ]
    return _drawn("gaps", text, blocks)


def _to_trace(said: Gaps) -> str:
    """By what operators find out more."""
    return phrase("Operators: `multivac trace INC-{number}`", number=said.about) if said.about else ""


def _resolution_proposed(said: ResolutionProposed) -> Drawn:
    by, at = line(said.by, 80) or phrase("somebody"), when(said.at)
    claim = phrase("{name} resolved the alert, {at}.", name=by, at=at)
    if said.alerts > 1:
        claim = phrase("{name} resolved the last of {count} alerts, {at}.", name=by, count=said.alerts, at=at)
    advice = _what_of_the_end(said)
    blocks = [*_sections(f"{claim}\n{advice}"), presses(said.presses)]
    return _drawn("resolution-proposed", f"{claim} {advice}", blocks)


def _what_of_the_end(said: ResolutionProposed) -> str:
    """Whether people are asked, and what they do then; or what came of it."""
    if said.over:
        return phrase("It is over now.")
    if said.withdrawn:
        return phrase("The alert came back before anybody agreed: the incident goes on.")
    if said.goes_on:
        return phrase("The incident goes on all the same, say those who work on it.")
    if not said.presses:
        return phrase("Is it over? Then say so here; else carry on. Nothing changes by itself.")
    if said.lead:
        return phrase(
            "{lead}: Is it over? Press Resolve; else press It goes on. Nothing changes by itself.",
            lead=person(said.lead),
        )
    return phrase("Is it over? Press Resolve; else press It goes on. Nothing changes by itself.")


def _change_line(said: ChangeLine) -> Drawn:
    text = line(said.text, 2000) or phrase("Something changed.")
    return _drawn("change-line", text, [_context(text)])


def _update_due(said: UpdateDue) -> Drawn:
    if said.ended:
        text = phrase("An update was due {at}. {ended}", at=when(said.due_at), ended=said_line(said.ended))
        return _drawn("update-due", text, [_context(text)])
    text = request(said)
    return _drawn("update-due", text, [*_sections(text), presses(said.presses)])


def _update(said: Update) -> Drawn:
    about = f"*INC-{said.number}* " if said.number is not None else ""
    if said.title:
        about = f"*INC-{said.number} · {line(said.title, TITLE_LIMIT)}*\n"
    severity = said.severity.upper()
    moved = f"{said.was.upper()} → {severity}" if said.was else severity
    stands, name = f"{moved} · {status_name(said.status)}", line(said.by, 80)
    after = (
        phrase("next update {at}", at=when(said.next_at))
        if said.next_at
        else phrase("no further update promised")
    )
    text = prose(said.text, 2900 - len(about)) or phrase("Nothing new.")
    spoken = phrase("Update by {name}: {text}", name=name, text=prose(said.text, 2500))
    follows = joined((line(each, 500) for each in said.follows), 1500, " · ")
    small = " · ".join(filter(None, (phrase("Update by {name}", name=name), stands, follows, after)))
    return _drawn(
        "update",
        f"{about.replace('*', '')}{spoken} ({stands}; {after})",
        [*_sections(f"{about}{text}"), _context(small), presses(said.presses)],
    )


def _nudge(said: Nudge) -> Drawn:
    to = f"{person(said.who)}: " if said.who else ""
    text = to + (line(said.text, 1500) or phrase("please have a look."))
    return _drawn("nudge", text, [*_sections(text), presses(said.presses)])


def _ended(said: Ended) -> Drawn:
    text = spoken = said_line(said.text) or phrase("It is over.")
    if said.mitigated_at is not None:
        eased = phrase("Mitigated {at}.", at=when(said.mitigated_at))
        text = spoken = f"{text}\n{eased}"
    if said.customers:
        text = spoken = f"{text}\n{line(said.customers, 200)}"
    left = list[str]()
    if said.follow_ups:
        left = [phrase("*Left to do*"), *(f"• {_follow_up(each)}" for each in said.follow_ups)]
        listed = joined(map(_follow_up, said.follow_ups), 1500, "; ")
        spoken = " ".join((text, phrase("Left to do: {list}", list=listed)))
    return _drawn("ended", spoken, [*_sections(text), *_listed(left)])


def _follow_up(said: FollowUp) -> str:
    text = line(said.text, 250)
    return f"{link(Link(label=said.key, url=said.url))} {text}" if said.key else text


def _operator_notice(said: OperatorNotice) -> Drawn:
    what, do = line(said.what, 1000), line(said.do, 1000)
    if said.over:
        spoken = [phrase("Over, nothing is to be done any more: {what}", what=what)]
        shown = [phrase("*Over, nothing is to be done any more*"), what]
    else:
        spoken = [phrase("Multivac needs its operators: {what}", what=what)]
        shown = [phrase("*Multivac needs its operators*"), what]
        if do:
            spoken.append(phrase("What to do: {do}", do=do))
            shown.append(phrase("*What to do:* {do}", do=do))
    return _drawn("operator-notice", " ".join(spoken), _sections("\n".join(shown)))


def _storm_notice(said: StormNotice) -> Drawn:
    title, told = title_and_state(said)
    unlisted = [more(said.unlisted)] if said.unlisted else []
    blocks = [
        _header(title),
        *_sections("\n".join(told)),
        *_listed([*map(_storm_line, said.worst), *unlisted]),
    ]
    return _drawn("storm-notice", f"{title}. {' '.join(told)}", blocks)


def _reminding(said: Reminding) -> Drawn:
    whom = f"{person(said.whom)}: " if said.whom else ""
    text = f"⏰ {whom}{line(said.text, 500)}"
    told = joined(map(said_line, said.told), LIST_LIMIT, "\n").split("\n")
    blocks = [*_sections(text), _context(*told), presses(said.presses)]
    return _drawn("reminding", text, blocks)


def _storm_line(said: StormLine) -> str:
    where = channel(said.channel) if said.channel else phrase("waits for its channel")
    return f"• {SEVERITY[said.severity]} · INC-{said.number} · {line(said.title, 150)} · {where}"
