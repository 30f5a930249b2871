"""The beat: compares rows with the clock and starts what is due. APScheduler fires it.

The rows are the truth: every replica beats, and what two of them start twice is done once. After
downtime nothing has to be caught up here, since whatever is due is due until it is done.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import sqlalchemy as sa
import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from multivac.briefing import OperatorNotice
from multivac.errors import GiveUp, MultivacError, TryAgain
from multivac.incident import IncidentId
from multivac.jobs import Jobs, Put
from multivac.ports import Chat, Clock, Marker, checking_before_sending
from multivac.response import Response
from multivac.steps.base import Outside
from multivac.store import alerts, incidents, notices, tanks, traits
from multivac.store import people as directory
from multivac.store import steps as progress
from multivac.store.incidents import Touched
from multivac.store.notices import Hold, Notice
from multivac.store.storms import count_waiting
from multivac.storms import Storms
from multivac.telemetry import Telemetry

log = structlog.get_logger()

_WATCH_SECONDS = 1.0
_GRACE = timedelta(seconds=5)  # what a beat started is started again only if nothing came of it
_SET_BACK = timedelta(seconds=2)  # less is the clock being trimmed, and harms nothing
_NOTED_EACH = timedelta(minutes=1)  # by so much a start may fail to see that the clock was set back
_LAST_BEAT = "last beat"
_FULL_AGAIN = timedelta(hours=1)  # whatever a vendor's rate limit was taken down to
_SOON = timedelta(seconds=2)  # what is due sooner gets a timer of its own; the beat finds the rest


class Beat:
    """What happens again and again, as plain functions of the time."""

    def __init__(
        self, response: Response, jobs: Jobs, *, storms: Storms, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._database = response.out.database
        self._nudge = response.nudge
        self._storms = storms
        self._jobs = jobs
        self._clock = clock
        self._telemetry = telemetry
        self.last = clock.now()
        self._noted: datetime | None = None

    def go_on(self) -> None:
        """Count from the last time that was noted: the clock may have been set back while we were down."""
        with self._database.read() as tx:
            noted = directory.last_answer(tx, _LAST_BEAT)
        if noted is not None:
            self.last = max(self.last, noted[1])

    def beat(self) -> int:
        """Free what the dead held and start every incident that is due; says how many it started."""
        now = self._clock.now()
        if self.last - now > _SET_BACK:
            number = self._database.write(partial(progress.look_now, now=now))
            log.warning(
                "the clock was set back", seconds=round((self.last - now).total_seconds()), incidents=number
            )
        with self._database.read() as tx:
            held = progress.claimants(tx)
        with self._jobs.dead(held) as gone:
            if gone:
                freed = self._database.write(partial(progress.free, dead=gone, now=now))
                log.info("claims of the dead freed", claims=len(gone), incidents=list(freed))
        self._storms.let_in()
        with self._database.read() as tx:
            due = incidents.due(tx, now)
        queued = self._jobs.waiting() if due else frozenset()
        started = [one for one in due if one.number not in queued and not self._nudge(one.number)]
        for touched in started:
            self._start(touched, now)
        self._telemetry.beats.labels("ok").inc()
        self.last = now
        return len(started)

    def wake(self, number: IncidentId) -> None:
        """Start one incident whose time has come, without waiting for the next beat."""
        if self._nudge(number):
            return
        with self._database.read() as tx:
            touched = incidents.due_one(tx, number, self._clock.now())
        if touched is not None:
            self._start(touched, self._clock.now())

    def _start(self, touched: Touched, now: datetime) -> None:
        def put(tx: sa.Connection) -> Put:
            incidents.put_off(tx, touched.number, now + _GRACE)
            return self._jobs.put(tx, touched)

        self._jobs.begin(self._database.write(put))

    def measure(self) -> None:
        """Bring the gauges up to date."""
        now = self._clock.now()
        with self._database.read() as tx:
            number, late = progress.unfinished(tx), progress.late(tx, now)
            by_severity, waiting = incidents.count_open(tx), count_waiting(tx)
        self._telemetry.waiting.set(waiting)
        self._telemetry.unfinished.set(number)
        self._telemetry.oldest.set((now - late[0].since).total_seconds() if late else 0)
        self._telemetry.open.clear()
        for severity, count in by_severity.items():
            self._telemetry.open.labels(severity).set(count)

    def write_again(self) -> None:
        """Note the time each minute, for `go_on`, and also if the last write was refused.

        Nobody else may come to write while we are not ready.
        """
        now = self._clock.now()
        is_noted = self._noted is not None and abs(now - self._noted) < _NOTED_EACH
        if not is_noted or not self._database.takes_writes:
            self._database.write(partial(directory.keep_answer, key=_LAST_BEAT, value=None, now=now))
            self._noted = now

    def keep_house(self) -> None:
        """Forget what can no longer matter."""
        before = self._clock.now() - alerts.KEEP_DELIVERIES
        forgotten = self._database.write(lambda tx: alerts.forget_deliveries(tx, before))
        self._database.write(lambda tx: tanks.forget(tx, self._clock.now() - _FULL_AGAIN))
        self._database.write(lambda tx: traits.forget(tx, before))
        self._jobs.forget_old()
        log.info("house kept", deliveries_forgotten=forgotten)


class Operators:
    """Tells the people who run Multivac what only they can mend, and edits it when it is over."""

    def __init__(self, out: Outside) -> None:
        self._out = out
        self.unheard = False

    def tell(self) -> None:
        """Tell each notice once. `unheard` says afterwards whether some could not be told."""
        now, database = self._out.clock.now(), self._out.database
        for one, told_at in database.write(partial(notices.forgotten, now=now)):
            log.info("notice is over", key=one.key)
            self._say_over(one, told_at)
        with database.read() as tx:
            waiting = notices.untold(tx)
        failures = [error for one in waiting if (error := self._say(one)) is not None]
        self.unheard = bool(failures) or (bool(waiting) and not self._has_a_channel)
        if failures:
            raise failures[0]

    @property
    def _has_a_channel(self) -> bool:
        return self._out.chat is not None and self._out.operators_channel is not None

    def _say(self, one: Notice) -> MultivacError | None:
        """Say it unless somebody has; gives the failure, after which it is to be said again."""
        chat, channel, database = self._out.chat, self._out.operators_channel, self._out.database
        began, now = time.monotonic(), self._out.clock.now()
        if chat is None or channel is None:
            return None
        hold = database.write(partial(notices.hold, key=one.key, now=now))
        if hold is None:
            return None
        try:
            with checking_before_sending(partial(self._still_ours, began)):
                _post_once(chat, channel, one, hold=hold)
        except MultivacError as error:
            perhaps = not hold.is_first or (isinstance(error, TryAgain) and error.reached)
            database.write(partial(notices.not_told, key=one.key, perhaps=perhaps))
            return error
        database.write(partial(notices.told, key=one.key))
        return None

    def _still_ours(self, began: float) -> None:
        # Nobody takes the claim before its time, and an answer takes as long as is left of it then.
        is_late = time.monotonic() - began > notices.HELD_FOR.total_seconds() / 2
        if is_late or not self._out.is_still_ours(began):
            raise TryAgain("another Multivac may be telling this meanwhile", reached=False)

    def _say_over(self, one: Notice, told_at: datetime | None) -> None:
        """Edit what was told; a message that cannot be found or edited now stays as it is."""
        chat, channel = self._out.chat, self._out.operators_channel
        if chat is None or channel is None or told_at is None:
            return
        marker = _marker(one)
        try:
            posted = chat.find_message(channel, marker, since=told_at)
            if posted is not None:
                chat.edit(posted, OperatorNotice(what=one.what, do="", over=True), marker)
        except MultivacError as error:
            log.info("notice not edited", key=one.key, why=str(error))


def _post_once(chat: Chat, channel: str, one: Notice, *, hold: Hold) -> None:
    marker = _marker(one)
    if hold.is_first or chat.find_message(channel, marker, since=hold.since) is None:
        chat.post(channel, OperatorNotice(what=one.what, do=one.do), marker)


def _marker(one: Notice) -> Marker:
    return Marker(incident=0, kind=f"notice {one.key}")


class Schedule:
    """The APScheduler of one process: in memory, since it only looks at rows.

    It reckons with the time of day, so it would pause for an hour when the clock is set back by one:
    another thread compares that clock with one that cannot be set.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(8)},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )
        self._stopped = threading.Event()
        self._watch = threading.Thread(target=self._watch_the_clock, name="clock-watch", daemon=True)

    def every(self, seconds: float, name: str, work: Callable[[], object], *, at_once: bool = False) -> None:
        """Do `work` again and again; an error is logged and the next time comes all the same."""
        first = {"next_run_time": datetime.now(UTC)} if at_once else {}
        self._scheduler.add_job(_safely(name, work), IntervalTrigger(seconds=seconds), id=name, **first)

    def wake(self, number: IncidentId, at: datetime, work: Callable[[IncidentId], object]) -> None:
        """Do `work` at that time if it is near; the beat sees to what is farther away."""
        wait = at - self._clock.now()
        if wait < _SOON:
            when = datetime.now(UTC) + max(wait, timedelta())
            self._scheduler.add_job(
                _safely("wake", partial(work, number)),
                DateTrigger(when),
                id=f"wake:{number}",
                replace_existing=True,
            )

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()
        self._watch.start()

    def do_all_now(self) -> None:
        """Do everything now, and go on from there."""
        for job in self._scheduler.get_jobs():
            with suppress(JobLookupError):  # it has just been done, and was to be done once
                job.modify(next_run_time=datetime.now(UTC))

    def _watch_the_clock(self) -> None:
        ahead = _ahead()
        while not self._stopped.wait(_WATCH_SECONDS):
            before, ahead = ahead, _ahead()
            if before - ahead > _SET_BACK.total_seconds():
                self.do_all_now()

    def stop(self) -> None:
        """Start nothing more; what is running may end by itself."""
        self._stopped.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)


def _ahead() -> float:
    """How far the time of day is ahead of the clock that cannot be set, in seconds."""
    return time.time() - time.monotonic()


def _safely(name: str, work: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except GiveUp as error:
            log.warning("scheduled work refused", work=name, why=error.why, fix=error.fix)
        except MultivacError as error:
            log.warning("scheduled work put off", work=name, why=str(error))
        except sa.exc.OperationalError as error:
            log.warning("scheduled work put off", work=name, why=f"the database: {error.orig}")
        except Exception:  # boundary: one bad beat must not be the last
            log.exception("scheduled work failed", work=name)

    return run
