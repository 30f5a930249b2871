"""Storms: lets waiting incidents in one by one, and keeps the one notice that says so.

The beat calls `let_in`, the schedule `tell`. What is known of a storm is in its row, so replicas share it.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
import structlog

from multivac.briefing import StormLine, StormNotice, fingerprint
from multivac.errors import GiveUp, MultivacError, TryAgain
from multivac.playbook import restore
from multivac.ports import Chat, Marker, Posted
from multivac.steps.base import Outside
from multivac.store import incidents, storms
from multivac.store.storms import Inflow, Member, Storm
from multivac.tongue import phrase

log = structlog.get_logger()

_LISTED = 12
_REDRAWN = timedelta(seconds=10)
_SOON, _LATER = timedelta(seconds=10), timedelta(minutes=10)


class Storms:
    """What is done about storms again and again."""

    def __init__(self, out: Outside, inflow: Inflow) -> None:
        self._out = out
        self._inflow = inflow

    def let_in(self) -> int:
        """Let in those whose turn it is; says how many. They are advanced by whoever looks next."""
        database, now = self._out.database, self._out.clock.now()
        with database.read() as tx:
            if not storms.has_work(tx):
                return 0

        def open_up(tx: sa.Connection) -> int:
            let = storms.let_in(tx, self._inflow, now=now)
            for number in let:
                incidents.touch(tx, number)
            return len(let)

        return database.write(open_up)

    def tell(self) -> None:
        """Post or redraw the notice of each storm, where the chat and a channel for it are known."""
        chat, channel = self._out.chat, self._out.announce_channel or self._out.operators_channel
        if chat is None or channel is None:
            return
        with self._out.database.read() as tx:
            waiting = storms.to_draw(tx)
        for one in waiting:
            self._tell(chat, channel, one)

    def _tell(self, chat: Chat, channel: str, of: Storm) -> None:
        now, database, began = self._out.clock.now(), self._out.database, time.monotonic()
        if of.over_at is None and of.drawn_at is not None and of.drawn_at <= now < of.drawn_at + _REDRAWN:
            return
        with database.read() as tx:
            notice = notice_of(of, storms.members(tx, of.id), self._inflow)
        mark = fingerprint(notice) if of.over_at is None else storms.OVER
        if mark == of.drawn or not database.write(partial(storms.hold, of=of, now=now)):
            return
        try:
            posted = self._draw(chat, channel, of, notice=notice, began=began)
        except MultivacError as error:
            until = now + _wait(error)
            database.write(partial(storms.hold_on, of=of.id, until=until))
            raise
        said = {"channel": posted.channel, "message": posted.message, "drawn": mark, "drawn_at": now}
        database.write(partial(storms.drew, of=of.id, said=said))

    def _draw(self, chat: Chat, channel: str, of: Storm, *, notice: StormNotice, began: float) -> Posted:
        marker = marker_of(of.since)
        posted = Posted(of.channel, of.message) if of.channel and of.message else None
        if posted is None and of.held_until is not None:  # somebody was about to post it
            posted = chat.find_message(channel, marker, since=of.since)
        if not self._out.is_still_ours(began):
            raise TryAgain(phrase("another Multivac may have taken this over meanwhile"), reached=False)
        if posted is None:
            return chat.post(channel, notice, marker)
        chat.edit(posted, notice, marker)
        return posted


def _wait(error: MultivacError) -> timedelta:
    if isinstance(error, GiveUp):
        return _LATER
    asked = error.after if isinstance(error, TryAgain) else None
    return max(asked or timedelta(), _SOON)


def marker_of(since: datetime) -> Marker:
    """What makes the notice of a storm findable."""
    return Marker(incident=0, kind=f"storm {since:%Y%m%dT%H%M%S}")


def notice_of(of: Storm, found: tuple[Member, ...], inflow: Inflow) -> StormNotice:
    """The notice as it should read; the title of a private incident stands in none."""
    shown = [one for one in found if one.is_open and not restore(one.policy).channel.private]
    lines = (
        StormLine(number=one.number, severity=one.severity, title=one.title, channel=one.channel or "")
        for one in shown[:_LISTED]
    )
    return StormNotice(
        since=of.since,
        over_at=of.over_at,
        incidents=len(found),
        waiting=sum(one.is_queued and one.is_open for one in found),
        severe=sum(one.severity.rank <= storms.NEVER_WAITS for one in found),
        ended=sum(not one.is_open for one in found),
        worst=tuple(lines),
        unlisted=max(len(shown) - _LISTED, 0),
        every=inflow.turn,
    )
