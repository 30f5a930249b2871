"""Times of day as people type them: by the clock where they are, as they set it in the chat."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import structlog

from multivac.briefing import clock_time, day_and_time
from multivac.desk.asking import Sitting
from multivac.errors import MultivacError, Refused
from multivac.tongue import phrase

log = structlog.get_logger()

_TIME = re.compile(r"(?:(\d{4}-\d\d-\d\d)T)?([01]?\d|2[0-3]):([0-5]\d)", re.IGNORECASE)
_A_DAY = timedelta(days=1)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def coming(sitting: Sitting, said: str) -> datetime:
    """The next moment at which their clock shows this time. Raises `Refused`."""
    day, clock = _read(said)
    zone = zone_of(sitting)
    here = sitting.now.astimezone(zone)
    then = datetime.combine(day or here.date(), clock, zone)
    if then <= here and day is None:
        then = datetime.combine(here.date() + _A_DAY, clock, zone)
    if then <= here:
        raise Refused(phrase("{time} is over.", time=day_and_time(then)))
    return then.astimezone(UTC)


def past(sitting: Sitting, said: str, *, since: datetime) -> datetime:
    """The newest moment at which their clock showed this time; before `since` only with its day.

    Raises `Refused`, saying what to write.
    """
    day, clock = _read(said)
    zone = zone_of(sitting)
    here = sitting.now.astimezone(zone)
    then = datetime.combine(day or here.date(), clock, zone)
    if then > here and day is None:
        then = datetime.combine(here.date() - _A_DAY, clock, zone)
    if then > here:
        raise Refused(phrase("{time} is still to come. Write when it happened.", time=day_and_time(then)))
    if day is None and then < since.replace(second=0, microsecond=0):
        dated = f"at:{then:%Y-%m-%dT%H:%M}"
        told = phrase(
            "{time} was before INC-{number} was declared. If you mean that, write the day too: {said}",
            time=day_and_time(then),
            number=sitting.incident,
            said=dated,
        )
        raise Refused(told)
    return then.astimezone(UTC)


def coming_day(sitting: Sitting, said: str) -> date:
    """The day that is meant, today at the earliest: 2026-12-04, or the next one of this name: friday.

    Raises `Refused`.
    """
    today, word = sitting.now.astimezone(zone_of(sitting)).date(), said.lower()
    if word in _DAYS:
        return today + _A_DAY * ((_DAYS.index(word) - today.weekday() - 1) % len(_DAYS) + 1)
    try:
        day = date.fromisoformat(said)
    except ValueError as error:
        raise Refused(phrase("“{said}” is no day. Write it as 2026-12-04.", said=said)) from error
    if day < today:
        raise Refused(phrase("{day} is over.", day=day.isoformat()))
    return day


def shown(at: datetime, now: datetime) -> str:
    """A moment in an answer, with its day where that is not the present one."""
    return clock_time(at) if abs(now - at) < _A_DAY / 2 else day_and_time(at)


def _read(said: str) -> tuple[date | None, time]:
    told = phrase("“{said}” is no time. Write it as 14:05.", said=said)
    if (read := _TIME.fullmatch(said)) is None:
        raise Refused(told)
    try:
        day = date.fromisoformat(read[1]) if read[1] else None
    except ValueError as error:
        raise Refused(told) from error
    return day, time(int(read[2]), int(read[3]))


def zone_of(sitting: Sitting) -> tzinfo:
    """Where they are; UTC if nobody can say."""
    chat = sitting.house.out.chat
    try:
        known = chat.person(sitting.ask.by) if chat is not None else None
        return ZoneInfo(known.zone) if known is not None and known.zone else UTC
    except (MultivacError, KeyError, ValueError, OSError) as error:  # of a zone that this machine lacks
        log.info("zone not known", who=sitting.ask.by, why=str(error))
        return UTC
