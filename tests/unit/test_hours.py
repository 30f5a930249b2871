"""When people work, where they are."""

from datetime import UTC, datetime

import pytest

from multivac.playbook.hours import begin_again


@pytest.mark.parametrize(
    ("now", "zone", "begins"),
    [
        (datetime(2026, 3, 2, 12, tzinfo=UTC), "Europe/Berlin", None),
        (datetime(2026, 3, 2, 17, tzinfo=UTC), "Europe/Berlin", datetime(2026, 3, 3, 8, tzinfo=UTC)),
        (datetime(2026, 3, 3, 3, tzinfo=UTC), "Europe/Berlin", datetime(2026, 3, 3, 8, tzinfo=UTC)),
        (datetime(2026, 3, 6, 20, tzinfo=UTC), "Europe/Berlin", datetime(2026, 3, 9, 8, tzinfo=UTC)),
        (datetime(2026, 3, 2, 12, tzinfo=UTC), "Asia/Tokyo", datetime(2026, 3, 3, 0, tzinfo=UTC)),
        (datetime(2026, 3, 2, 3, tzinfo=UTC), "Mars/Olympus", None),
    ],
)
def test_work_begins_on_the_next_weekday(now: datetime, zone: str, begins: datetime | None) -> None:
    assert begin_again(now, zone, "09-18") == begins
