"""The schedule goes on when the machine's clock is set back."""

import threading
from datetime import UTC, datetime

from multivac.clock import WallClock
from multivac.schedule import Schedule


def test_what_is_far_off_is_done_at_once_when_the_clock_was_set_back() -> None:
    """To APScheduler a clock that is an hour behind and work that is an hour off look the same."""
    done = threading.Event()
    schedule = Schedule(WallClock())
    schedule.every(3600, "beat", done.set)
    schedule.start()
    try:
        assert not done.wait(0.05)
        schedule.do_all_now()
        assert done.wait(3)
        [job] = schedule._scheduler.get_jobs()
        assert 3590 < (job.next_run_time - datetime.now(UTC)).total_seconds() <= 3600
    finally:
        schedule.stop()
