"""The hours in which people work, where they are. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

HOURS = r"^([01]\d|2[0-3])-([01]\d|2[0-4])$"
_WEEKDAYS = 5


def begin_again(now: datetime, zone: str, hours: str) -> datetime | None:
    """When these hours, such as 09-18 on weekdays, begin next in that zone; None within them.

    A zone that nobody knows has no nights.
    """
    try:
        here = now.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return None
    begin, _, end = hours.partition("-")
    if here.weekday() < _WEEKDAYS and int(begin) <= here.hour < int(end):
        return None
    day = here.date() if here.hour < int(begin) else here.date() + timedelta(days=1)
    while day.weekday() >= _WEEKDAYS:
        day += timedelta(days=1)
    return datetime.combine(day, time(int(begin)), tzinfo=here.tzinfo).astimezone(now.tzinfo)
