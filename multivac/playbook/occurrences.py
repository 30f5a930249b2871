"""When something repeated falls due: every so often, or as a cron expression says in a zone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

# No zone moves its clock by more than this in one go (Lord Howe 30 min, everybody else 1 to 2 h).
_CLOCK_CHANGE = timedelta(hours=3)


def every(start: datetime, step: timedelta, *, after: datetime | None) -> Iterator[datetime]:
    """Yield `start` and each `step` later, only those later than `after`, without end."""
    trigger = IntervalTrigger(seconds=int(step.total_seconds()), start_date=start, timezone=UTC)
    return (due for due in _fires(trigger, after or start) if after is None or due > after)


def by_cron(cron: str, zone: str, *, start: datetime, after: datetime | None) -> Iterator[datetime]:
    """Yield what the expression means in `zone`, from `start` on, only later than `after`, in UTC.

    Each wall-clock time counts once: one that the clock skips comes as much later as the
    clock jumped, one that the clock shows twice comes the first time. APScheduler would fire
    twice, and whether it fires for a skipped time depends on when it is asked, so it reckons
    on wall-clock times here and the zone is applied afterwards.
    """
    local = ZoneInfo(zone)
    since = start if after is None else max(start, after)
    found: set[datetime] = set()
    began = since.astimezone(local).replace(tzinfo=UTC) - _CLOCK_CHANGE
    for wall in _fires(trigger_of(cron), began):
        due = wall.replace(tzinfo=local).astimezone(UTC)
        # A skipped time comes after later ones, so nothing is told before its turn is sure.
        told = sorted(earlier for earlier in found if earlier < due - _CLOCK_CHANGE)
        yield from told
        found.difference_update(told)
        if due >= start and (after is None or due > after):
            found.add(due)
    yield from sorted(found)


def _fires(trigger: BaseTrigger, since: datetime) -> Iterator[datetime]:
    upcoming = trigger.get_next_fire_time(None, since)
    while upcoming is not None:
        yield upcoming
        upcoming = trigger.get_next_fire_time(upcoming, upcoming)


@lru_cache(maxsize=256)
def trigger_of(cron: str) -> CronTrigger:
    """Return the trigger for a cron expression; raises ValueError for one that cannot be read."""
    return CronTrigger.from_crontab(cron, timezone=UTC)


def until(occurrences: Iterator[datetime], last: datetime) -> tuple[datetime, ...]:
    """Return the occurrences at or before `last`."""
    return tuple(takewhile(lambda due: due <= last, occurrences))
