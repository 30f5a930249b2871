"""Multivac watches itself: a heartbeat while it is well, a line to operators when it is late, and a page.

`app.py` has the schedule call `look`, `page` and `beat_heart`. What is late is read from the rows, so
every replica sees the same; what was said about it is a row too, so that it is said once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus

import sqlalchemy as sa
import structlog
import urllib3

from multivac.errors import GiveUp
from multivac.ports import Alarm
from multivac.schedule import Beat, Operators
from multivac.steps.base import Outside
from multivac.store import notices
from multivac.store import steps as progress
from multivac.store.notices import Notice
from multivac.store.steps import Late
from multivac.tongue import lasting, mark, phrase, plural

log = structlog.get_logger()

_HEART_SECONDS = 5.0  # for the heartbeat's answer: nothing waits for it, and the next comes in a minute
_MENDED_WITHIN = timedelta(minutes=10)  # how often we look whether somebody mended what was refused
_SAID_AGAIN = timedelta(days=1)
_VENDOR = re.compile(r"Slack|Jira|PagerDuty")
_NAMES = ("late", "Slack", "Jira", "PagerDuty", mark("a vendor"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookout:
    """What the watch works with: how late is late, where the heart beats, and the owners' alarm."""

    late_after: timedelta
    heartbeat_url: str | None = None
    alarm: Alarm | None = None


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A page that was refused for good: why, when the log said so, when it is tried again."""

    why: str
    said_at: datetime
    next_try: datetime


class Watch:
    """Looks whether what should be done is done, and makes sure that somebody hears if not."""

    def __init__(self, out: Outside, *, beat: Beat, operators: Operators, lookout: Lookout) -> None:
        self._out = out
        self._beat = beat
        self._operators = operators
        self._lookout = lookout
        self._refused: dict[str, _Refusal] = {}
        self._http = urllib3.PoolManager(maxsize=1, timeout=_HEART_SECONDS, retries=False)

    def look(self) -> None:
        """Raise a notice for all that is late, and end those that are over."""
        found = {one.key: one for one in self._troubles()}
        now, every = self._out.clock.now(), [notices.watched(name, "", "").key for name in _NAMES]

        def note(tx: sa.Connection) -> None:
            for key in every:
                if key not in found:
                    notices.over(tx, key)
                elif notices.raise_notice(tx, found[key], now=now):
                    log.error("operators needed", key=key, what=found[key].what, do=found[key].do)

        with self._out.database.read() as tx:
            standing = notices.standing(tx)
        if found or standing & set(every):
            self._out.database.write(note)

    def beat_heart(self) -> bool:
        """Call the heartbeat's address if Multivac itself is well; says whether it did.

        A vendor that fails does not stop the heart: the operators are told of that, and a silent
        heart must mean that nobody is there to tell them.
        """
        url = self._lookout.heartbeat_url
        if (
            url is None
            or not self._out.database.takes_writes
            or any(self._own_troubles(self._late(), self._out.clock.now()))
        ):
            return False
        try:
            answer = self._http.request("GET", url, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            log.warning("heartbeat not heard", why=type(error).__name__)
            return False
        if answer.status >= HTTPStatus.BAD_REQUEST:
            log.warning("heartbeat not heard", status=answer.status)
        return True

    def page(self) -> None:
        """Page the owners about what cannot be said to them in the chat, until it is said or over."""
        alarm = self._lookout.alarm
        if alarm is None:
            return
        with self._out.database.read() as tx:
            waiting, paged = notices.untold(tx), notices.pages(tx)
        for one in waiting if self._operators.unheard else ():
            if not paged.get(one.key):
                self._try(one.key, partial(self._page, alarm, one))
        for key in set(paged) - {one.key for one in waiting}:
            self._try(key, partial(self._release, alarm, key))

    def _try(self, key: str, send: Callable[[], None]) -> None:
        """Send it; what is refused for good is tried again now and then, and logged when it is news."""
        now, known = self._out.clock.now(), self._refused.get(key)
        if known is not None and now < known.next_try <= now + _MENDED_WITHIN:
            return
        try:
            send()
        except GiveUp as error:
            self._refused[key] = _Refusal(error.why, self._say(error, now), now + _MENDED_WITHIN)
        else:
            self._refused.pop(key, None)

    def _say(self, error: GiveUp, now: datetime) -> datetime:
        """Log a refusal unless that was done lately; gives when it was."""
        said = [one.said_at for one in self._refused.values() if one.why == error.why]
        said_at = max(said, default=now - _SAID_AGAIN)
        if now - said_at < _SAID_AGAIN:
            return said_at
        log.error("owners cannot be paged", why=error.why, fix=error.fix)
        return now

    def _page(self, alarm: Alarm, one: Notice) -> None:
        """Page the owners; where somebody was about to, it is done again, which wakes nobody twice."""
        database = self._out.database
        database.write(partial(notices.about_to_page, one=one))
        alarm.trigger(one.key, one.what, one.do)
        log.warning("owners paged", key=one.key)
        if not database.write(partial(notices.paged, key=one.key, now=self._out.clock.now())):
            alarm.resolve(one.key)

    def _release(self, alarm: Alarm, key: str) -> None:
        alarm.resolve(key)
        self._out.database.write(partial(notices.unpaged, key=key))

    def _late(self) -> list[Late]:
        now = self._out.clock.now()
        with self._out.database.read() as tx:
            late = progress.late(tx, now)
        return [one for one in late if now - one.since >= self._lookout.late_after]

    def _troubles(self) -> Iterator[Notice]:
        late, now = self._late(), self._out.clock.now()
        yield from self._own_troubles(late, now)
        for vendor in _NAMES[1:]:
            failing = [one for one in late if one.error and _vendor_of(one) == vendor]
            if failing:
                yield notices.watched(vendor, *_vendor_words(vendor, failing, now))

    def _own_troubles(self, late: list[Late], now: datetime) -> Iterator[Notice]:
        """That the beat stands still, or that steps are not done though nothing refused them."""
        do = phrase("Look at the log and at the machine; a restart loses nothing.")
        if now - self._beat.last >= self._lookout.late_after:
            what = phrase(
                "Multivac is late: its beat has stood still for {time}.", time=lasting(now - self._beat.last)
            )
            yield notices.watched("late", what, do)
            return
        own = [one for one in late if not one.error]
        if own:
            what = plural(
                "Multivac is late: 1 step is waiting, the oldest for {time} ({step} of INC-{number}).",
                "Multivac is late: {count} steps are waiting, "
                "the oldest for {time} ({step} of INC-{number}).",
                len(own),
                time=lasting(now - own[0].since),
                step=own[0].name,
                number=own[0].incident,
            )
            yield notices.watched("late", what, do)


def _vendor_of(one: Late) -> str:
    found = _VENDOR.search(one.error)
    return found[0] if found else _NAMES[-1]


def _vendor_words(vendor: str, failing: list[Late], now: datetime) -> tuple[str, str]:
    first = failing[0]
    what = plural(
        "{vendor} has not done what Multivac asked for in {time}: "
        "1 step is waiting, such as {step} of INC-{number} ({why}).",
        "{vendor} has not done what Multivac asked for in {time}: "
        "{count} steps are waiting, such as {step} of INC-{number} ({why}).",
        len(failing),
        vendor=phrase(vendor),
        time=lasting(now - first.since),
        step=first.name,
        number=first.incident,
        why=first.error.rstrip(".。"),
    )
    do = phrase(
        "See whether {vendor} has an outage. Multivac keeps trying and catches up by itself.",
        vendor=phrase(vendor),
    )
    return what, do
