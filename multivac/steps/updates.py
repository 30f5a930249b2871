"""What a person tells stakeholders, carried once each: channel, announcement's thread, ticket, pager."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from multivac.briefing import ChangeLine, Update, fingerprint
from multivac.errors import GiveUp, sure
from multivac.incident import Severity, Status, marker_of, status_name
from multivac.playbook import Playbook
from multivac.ports import Marker
from multivac.steps import answers, customers, news
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.replanning import what_follows
from multivac.steps.words import (
    channel_of,
    no_channel_yet,
    posted_at,
    say,
    say_in_thread,
    told_without_channel,
)
from multivac.store import stakeholders
from multivac.store.cases import Case, Result
from multivac.store.sayings import Saying, SayingKind
from multivac.store.updates import Place, goes_to, is_of_the_pager
from multivac.tongue import mark, phrase, plural

_RESOLVED = "resolved"
_HIDDEN = "hidden"
_SURELY_READ = 800  # characters of a note
_MARKED = re.compile(r"(?<!\w)([*_~`])(?!\1)(?=\S)(.+?)(?<=\S)\1(?!\w)")
_EARLY = "early"  # while there is no channel, since the chat is down
HIDDEN_TEXT = mark("INC-{number} is private now, so this is not shown any more.")
_TOLD_ENDS = frozenset({Status.RESOLVED, Status.DISMISSED})


def drawn(said: Saying, *, number: int | None = None, playbook: Playbook | None = None) -> Update:
    """An update as it reads; with a number where it stands outside the incident's channel.

    With a playbook it says what follows from a severity that it changed.
    """
    severity, was = Severity(said.more["severity"]), Severity(said.more["was"])
    return Update(
        text=said.text,
        by=said.by,
        severity=severity,
        status=Status(said.more["status"]),
        next_at=datetime.fromisoformat(said.more["next"]) if said.more["next"] else None,
        was=was if was is not severity else None,
        number=number,
        follows=what_follows(playbook, was, severity) if playbook is not None else (),
    )


def _each(view: View, place: Place) -> Mapping[str, str]:
    return {str(one.id): "1" for one in view.case.updates if goes_to(one, place)}


def _said(attempt: Attempt) -> Saying:
    return next(one for one in attempt.case.sayings if str(one.id) == attempt.instance)


def reached(view: View) -> Mapping[Place, str]:
    """Where an update may be read outside the incident's channel, each place as within a sentence."""
    case, announced = view.case, view.case.steps.get("announcement")
    ticket, alert = case.result("ticket"), bool(view.out.pager) and _alert_of(case)
    places = dict[Place, str]()
    if view.playbook.channel.private:
        return places
    if view.out.chat is not None and announced is not None and announced.wanted is not None:
        places[Place.ANNOUNCEMENT] = _where_announced(len(stakeholders.told(case)))
    if ticket and view.out.tracker is not None:
        places[Place.TICKET] = phrase("the ticket {key}", key=ticket["key"])
    if alert:
        places[Place.PAGER] = phrase("those who follow the alert in PagerDuty")
    return places


def _where_announced(stakeholders_told: int) -> str:
    if not stakeholders_told:
        return phrase("the thread of its announcement")
    return plural(
        "the thread of its announcement and {count} stakeholder by direct message",
        "the thread of its announcement and {count} stakeholders by direct message",
        stakeholders_told,
    )


# --- in the channel -------------------------------------------------------------------------------


def wants_updates(view: View) -> Mapping[str, str]:
    """Each update in the channel, once."""
    return NOTHING if view.out.chat is None else {str(one.id): "1" for one in view.case.updates}


def post_update(attempt: Attempt) -> Result:
    """Post it; after a lost answer, look for it first."""
    return say(attempt, channel_of(attempt.case), drawn(_said(attempt), playbook=attempt.case.playbook))


# --- for stakeholders -----------------------------------------------------------------------------


def wants_thread(view: View) -> Mapping[str, str]:
    """Each update meant for the announcement in its thread, if there is one; what is worse now; the end.

    Of one that became private, what was told before says nothing more of it.
    """
    row = view.case.steps.get("announcement")
    if view.out.chat is None or row is None or row.wanted is None:
        return NOTHING
    if view.playbook.channel.private:
        return _hidden(view, "thread/")
    told = {str(one.id): "1" for one in view.case.sayings if _concerns_all(view, one)}
    return {**_each(view, Place.ANNOUNCEMENT), **told, **_severities(view.case)}


def _hidden(view: View, prefix: str) -> Mapping[str, str]:
    """What was told before it became private, to be taken back."""
    told = (name for name, one in view.case.steps.items() if name.startswith(prefix) and one.was_done)
    return {name.removeprefix(prefix): _HIDDEN for name in told}


def _severities(case: Case) -> Mapping[str, str]:
    """What people made of the severity, minute by minute: what it comes to, if anything."""
    wanted = {}
    for moved in _moved_by_people(case):
        row, line = case.steps.get(f"thread/{moved[0].id}"), news.severity_line(moved)
        if line or (row is not None and row.was_done):
            wanted[str(moved[0].id)] = fingerprint(line)
    return wanted


def _moved_by_people(case: Case) -> Iterator[list[Saying]]:
    """The moves of a minute together; what is worse than ever begins anew, for an edit notifies nobody."""
    for group in news.groups(case, by_people=True):
        together: list[Saying] = []
        for one in news.moves(group):
            if together and not news.is_worst_yet(case, together) and news.is_worst_yet(case, [one]):
                yield together
                together = []
            together.append(one)
        if together:
            yield together


def _concerns_all(view: View, said: Saying) -> bool:
    """Whether a change is for stakeholders: alerts are worse than ever; over, or back again, say people."""
    if said.kind is not SayingKind.CHANGE:
        return False
    if not said.by:
        moved = news.moves([said])
        return bool(moved) and news.is_worst_yet(view.case, moved) and _is_news(view, said)
    return news.is_back(said) or said.more.get("after") == Status.RESOLVED


def _is_news(view: View, said: Saying) -> bool:
    """Whether the announcement did not say so from the start, and nobody settles or settled it besides."""
    since = view.case.result("announcement").get("at")
    is_late = since is not None and said.at > datetime.fromisoformat(since)
    return is_late and not news.is_settled_by_people(view.case, said) and not answers.are_awaited(view)


def tell_stakeholders(attempt: Attempt) -> Result:
    """Reply in the announcement's thread; loud only for what is worse than ever, over, or back again."""
    case, said = attempt.case, _said(attempt)
    if attempt.before.wanted == _HIDDEN:
        return _hide(attempt)
    head = case.result("announcement")
    if said.kind is SayingKind.CHANGE:
        moved = next((one for one in _moved_by_people(case) if one[0] is said), news.moves([said]))
        text = (news.severity_line(moved) or news.as_before(moved)) if moved else said.text
        is_worst = bool(moved) and news.is_worst_yet(case, moved)
        text = " · ".join(filter(None, (text, customers.told(said))))
        loud = is_worst or news.is_end(said) or news.is_back(said)  # else the channel ends on a lie
        return say_in_thread(attempt, head, ChangeLine(text=f"INC-{case.id}: {text}"), loud=loud)
    update = drawn(said, number=case.id)
    is_worse = update.was is not None and update.severity.rank < update.was.rank
    is_worst = is_worse and news.was_never_so_bad(case, update.severity, before=said.id)
    return say_in_thread(attempt, head, update, loud=is_worst)


def _hide(attempt: Attempt) -> Result:
    posted, number = sure(posted_at(attempt.before.result)), attempt.case.id
    line = ChangeLine(text=phrase(HIDDEN_TEXT, number=number))
    attempt.chat().edit(posted, line, Marker(incident=number, kind=attempt.name))
    return attempt.before.result


# --- at the tracker and the pager -----------------------------------------------------------------


def wants_comments(view: View) -> Mapping[str, str]:
    """Each update meant for the ticket as a comment, and how it ended; of private incidents none stays."""
    if view.out.tracker is None:
        return NOTHING
    if view.playbook.channel.private:
        return _hidden(view, "comment/")
    return {**_for_the_record(view, Place.TICKET), **({_EARLY: "1"} if _is_early(view) else {})}


def _is_early(view: View) -> bool:
    row = view.case.steps.get(f"comment/{_EARLY}")
    return (row is not None and row.was_done) or (view.case.channel_id is None and no_channel_yet(view))


def _for_the_record(view: View, place: Place) -> Mapping[str, str]:
    """What belongs where others work: each update meant for it, that a person resolved it, what fixed it."""
    changes = view.case.said(SayingKind.CHANGE)
    ends = {str(one.id): "1" for one in changes if one.by and one.more.get("after") in _TOLD_ENDS}
    return {**_each(view, place), **ends}


def comment_update(attempt: Attempt) -> Result:
    """Write the comment, looking first where an earlier try may have worked."""
    case, is_early = attempt.case, attempt.instance == _EARLY
    marker = f"[update {attempt.instance} {marker_of(case.id, case.declared_at).strip('[]')}]"
    if attempt.before.wanted == _HIDDEN:
        attempt.tracker().uncomment(case.result("ticket")["key"], marker=marker)
        return {}
    told = (told_without_channel(case),) if is_early else _told(_said(attempt))
    attempt.tracker().comment(case.result("ticket")["key"], told, marker=marker, look_first=attempt.unknown)
    return {}


def _told(said: Saying) -> tuple[str, ...]:
    """Its paragraphs for whoever reads it outside the chat."""
    if said.kind is SayingKind.CHANGE:
        return tuple(filter(None, (plain(said.text), customers.told(said))))
    update = drawn(said)
    severity, status = update.severity.upper(), status_name(update.status)
    if update.next_at is None:
        begun = phrase(
            "Update by {name} ({severity}, {status}):", name=said.by, severity=severity, status=status
        )
    else:
        time = f"{update.next_at:%H:%M}"
        begun = phrase(
            "Update by {name} ({severity}, {status}, next update {time} UTC):",
            name=said.by,
            severity=severity,
            status=status,
            time=time,
        )
    return (begun, plain(said.text))


def plain(text: str) -> str:
    """What somebody wrote, without the marks by which only the chat shows words bold, struck or as code."""
    return _MARKED.sub(r"\2", text)


def wants_published(view: View) -> Mapping[str, str]:
    """Each update meant for those who follow the alert there, unless it is from there; none if private."""
    if view.out.pager is None or view.playbook.channel.private or _alert_of(view.case) is None:
        return NOTHING
    theirs = {str(one.id) for one in view.case.updates if is_of_the_pager(one)}
    return {name: mark for name, mark in _for_the_record(view, Place.PAGER).items() if name not in theirs}


def wants_passed_on(view: View) -> Mapping[str, str]:
    """Each note that people write here, for those who follow the alert there; none if private."""
    if view.out.pager is None or view.playbook.channel.private or _alert_of(view.case) is None:
        return NOTHING
    return {str(one.id): "1" for one in view.case.said(SayingKind.NOTE)}


def pass_note_on(attempt: Attempt) -> Result:
    """Write it as a note on the alert, looking first where an earlier try may have worked."""
    case, said = attempt.case, _said(attempt)
    tag, text = marker_of(case.id, case.declared_at), f"{said.by}: {plain(said.text)}"
    marker = f"#{said.id} {tag}"
    if len(text) > _SURELY_READ:
        text = f"{tag} {text}"  # its end, which says that it is ours, may not come back with the event
    attempt.pager().note(sure(_alert_of(case)), text, marker=marker, look_first=attempt.unknown)
    return {}


def _alert_of(case: Case) -> str | None:
    """The alert that people follow: the oldest that is not over, else the oldest."""
    ours = [row for row in case.alerts.rows if row.source == "pagerduty"]
    still = [row for row in ours if row.facts.status != _RESOLVED]
    return next((row.key for row in [*still, *ours]), None)


def publish_update(attempt: Attempt) -> Result:
    """Publish it as a status update; where that may have happened, or cannot, as a note once."""
    case, said = attempt.case, _said(attempt)
    alert = sure(_alert_of(case))
    # At the beginning, since the pager's events hold only the first words, and these say that it is ours.
    tag = marker_of(case.id, case.declared_at)
    between = "\n" if said.kind is SayingKind.CHANGE else " "  # the words of an end are no whole sentence
    text = f"{tag} {between.join(_told(said))}"
    if not attempt.unknown:
        try:
            attempt.pager().publish(alert, text)
        except GiveUp as no:
            if no.operators is False:
                raise
        else:
            return {"how": "status update"}
    marker = f"[update {said.id} {tag.strip('[]')}]"
    attempt.pager().note(alert, text, marker=marker, look_first=attempt.unknown)
    return {"how": "note"}
