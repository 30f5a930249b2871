"""The channel: opened under a name settled beforehand, with topic, purpose and links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

import sqlalchemy as sa

from multivac.briefing import fingerprint
from multivac.errors import GiveUp, NameTaken
from multivac.incident import Entry, EntryKind, status_title
from multivac.playbook import with_suffix
from multivac.steps.base import NOTHING, Attempt, View
from multivac.store import incidents, members, timeline
from multivac.store.cases import Case, Result
from multivac.store.sayings import SayingKind
from multivac.tongue import phrase

AWAY = "away"  # what the step "archived" has done while the channel is archived
MADE_PRIVATE = "private"  # as rows have it
_TRIES = 20  # names tried before giving up: the settled one, then with -2, -3, ...


def wants_channel(view: View) -> Mapping[str, str]:
    """A channel, once the incident is to be opened at all."""
    if view.out.chat is None:
        return NOTHING
    if view.case.channel_id is None and not view.case.status.is_open:
        return NOTHING  # it was over before it was opened
    return {"": "1"}


def open_channel(attempt: Attempt) -> Result:
    """Open it under its settled name; after a lost answer, find the one we made."""
    chat, case = attempt.chat(), attempt.case
    for name in _names(attempt):
        if attempt.unknown and (found := chat.find_channel(name, since=case.declared_at)):
            return _opened(attempt, found, name)
        with suppress(NameTaken):
            made = chat.open_channel(name, private=case.playbook.channel.private)
            return _opened(attempt, made, name)
    why = phrase(
        "#{channel} and {number} names like it are taken", channel=case.channel_name, number=_TRIES - 1
    )
    raise GiveUp(why, fix=phrase("Archive does not free a name: rename one of those channels."))


def _opened(attempt: Attempt, channel: str, name: str) -> Result:
    """The channel, with what is known of the one in which the incident was before, if it was in another."""
    return {**attempt.before.result, "id": channel, "name": name}


def _names(attempt: Attempt) -> list[str]:
    return [with_suffix(attempt.case.channel_name, refusals) for refusals in range(_TRIES)]


def keep_channel(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Remember its id, and its name if the settled one was taken."""
    incidents.set_channel(tx, case.id, made["id"])
    if made["name"] != case.channel_name:
        incidents.rename_channel(tx, case.id, made["name"])
    text = phrase("Channel #{channel} opened", channel=made["name"])
    key = f"channel:{made['id']}" if "before" in made else "channel"
    opened = Entry(kind=EntryKind.NOTE, at=now, text=text, key=key)
    timeline.note(tx, case.id, [opened], now=now)


def is_archived(case: Case) -> bool:
    """Whether its channel is archived, by us or by hand."""
    row = case.steps.get("archived")
    return case.shut_how.startswith(members.ARCHIVED) or (row is not None and row.done == AWAY)


def is_leaving(case: Case) -> bool:
    """Whether it is open again while its channel is archived yet: it is about to go on in a new one."""
    is_back = case.shut_at is None or case.status_at > case.shut_at
    return case.status.is_open and is_back and is_archived(case)


def topic_of(case: Case) -> str:
    """What stands at the top of the channel: how bad, where it stands, what it is."""
    shown = phrase("private incident") if is_for_all_to_see(case) else case.title
    return f"{case.severity.upper()} · {status_title(case.status)} · INC-{case.id} · {shown}"


def is_for_all_to_see(case: Case) -> bool:
    """Whether it became private in a channel that was public, of which anybody may see topic and purpose."""
    made = (one.more for one in case.said(SayingKind.CHANGE) if one.more.get("what") == MADE_PRIVATE)
    return any(one.get("after") == case.channel_id for one in made)


def wants_topic(view: View) -> Mapping[str, str]:
    """A topic that is true."""
    return NOTHING if view.out.chat is None else {"": fingerprint(topic_of(view.case))}


def set_topic(attempt: Attempt) -> Result:
    """Set it; doing so twice does no harm."""
    attempt.chat().set_topic(_channel(attempt), topic_of(attempt.case))
    return {}


def wants_purpose(view: View) -> Mapping[str, str]:
    """A purpose, once, and once more if it must not name what it is about any longer."""
    return NOTHING if view.out.chat is None else {"": "private" if is_for_all_to_see(view.case) else "1"}


def set_purpose(attempt: Attempt) -> Result:
    """Say what the channel is for and where the facts are."""
    case = attempt.case
    text = phrase(
        "Response to INC-{number}: {title}. The pinned headline says where we are.",
        number=case.id,
        title=phrase("private incident") if is_for_all_to_see(case) else case.title,
    )
    attempt.chat().set_purpose(_channel(attempt), text)
    return {}


def links_of(case: Case) -> dict[str, tuple[str, str]]:
    """The addresses worth a place in the channel's bar: label and address by a stable name."""
    links: dict[str, tuple[str, str]] = {}
    for alert in case.alerts.rows[:1]:
        if alert.facts.url:
            links["alert"] = ("PagerDuty", alert.facts.url)
    if ticket := case.result("ticket"):
        links["ticket"] = (ticket["key"], ticket["url"])
    if case.alerts.bridge_url:
        links["bridge"] = (phrase("Bridge"), case.alerts.bridge_url)
    return links


def wants_first_bookmark(view: View) -> Mapping[str, str]:
    """One link early: where the alert is."""
    return _bookmarks(view, lambda name: name == "alert")


def wants_bookmarks(view: View) -> Mapping[str, str]:
    """The other links, when there is room."""
    return _bookmarks(view, lambda name: name != "alert")


def _bookmarks(view: View, mine: Callable[[str], bool]) -> Mapping[str, str]:
    if view.out.chat is None:
        return NOTHING
    return {name: fingerprint(link) for name, link in links_of(view.case).items() if mine(name)}


def add_bookmark(attempt: Attempt) -> Result:
    """Add the link, looking first where an earlier try may have worked."""
    label, url = links_of(attempt.case)[attempt.instance]
    attempt.chat().bookmark(_channel(attempt), label, url, look_first=attempt.unknown)
    return {}


def _channel(attempt: Attempt) -> str:
    return str(attempt.case.result("channel")["id"])
