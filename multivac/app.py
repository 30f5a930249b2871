"""Puts the parts together: the only file that knows every vendor."""

from __future__ import annotations

import gc
import os
import platform
import time
import uuid
from dataclasses import replace
from datetime import datetime
from functools import partial
from importlib.metadata import version
from random import SystemRandom
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
import structlog

from integrations.jira.doctor import JiraDoctor
from integrations.jira.tracker import JiraTracker
from integrations.jira.webhook import Webhook as JiraWebhook
from integrations.pagerduty.alarm import PagerDutyAlarm
from integrations.pagerduty.doctor import PagerDutyDoctor
from integrations.pagerduty.pager import PagerDutyPager
from integrations.pagerduty.webhook import Webhook
from integrations.slack.chat import SlackChat
from integrations.slack.doctor import SlackDoctor
from integrations.slack.inbound import Inbound
from integrations.slack.mouth import Mouth
from integrations.slack.rates import Pacer
from integrations.slack.signs import Emoji
from multivac import memory, pauses, people, playbooks
from multivac.budget import Limiter, OwnTanks
from multivac.check import Doctors
from multivac.clock import SandboxClock, WallClock
from multivac.desk import Desk, TicketDesk
from multivac.errors import BadConfig, Finding
from multivac.incident import IncidentId
from multivac.intake import Intake
from multivac.jobs import Jobs, StepPool
from multivac.ports import Alarm, Chat, Clock, Pace, Pager, Tracker
from multivac.response import Response
from multivac.schedule import Beat, Operators, Schedule
from multivac.sections import JiraSettings, PagerDutySettings, SlackSettings, WatchSettings
from multivac.settings import Settings
from multivac.steps.base import Outside
from multivac.store import copies, migrate
from multivac.store.database import Database
from multivac.store.liveness import FileLiveness, Liveness, SessionLiveness
from multivac.store.steps import forgive
from multivac.store.storms import Inflow
from multivac.store.tanks import SharedTanks
from multivac.storms import Storms
from multivac.sweep import Sweep, note_first_start
from multivac.telemetry import Telemetry
from multivac.tongue import settle_on
from multivac.watch import Lookout, Watch
from multivac.web.routes import Door, Health, Parts, create
from multivac.web.server import Server

if TYPE_CHECKING:
    from integrations.sandbox.server import Sandbox

Jira = TypeVar("Jira", bound=JiraTracker)
log = structlog.get_logger()

VERSION = version("multivac")
_STEP_THREADS, _LATER_THREADS = 96, 8
_DRAIN_SECONDS = 20.0
_TIMEOUT, _TIMEOUT_FOR_A_PERSON = 10.0, 5.0  # seconds for a vendor's answer: a person waits for some
_BEAT_SECONDS = 1.0
_PAGES_SECONDS = 5.0
_POLL_SECONDS = 0.5


def emoji_of(slack: SlackSettings) -> Emoji:
    """What each emoji stands for that people put under messages."""
    keeps = dict.fromkeys(slack.timeline_emoji, "note") | dict.fromkeys(slack.task_emoji, "task")
    offers = dict.fromkeys(slack.update_emoji, "update") | dict.fromkeys(slack.declare_emoji, "declare")
    return Emoji(keeps=keeps, offers=offers)


def chat_for(slack: SlackSettings, pace: Pace, *, timeout: float = _TIMEOUT) -> Chat | None:
    """Slack, if it is on; `timeout` is in seconds, as for the others."""
    if slack.bot_token is None:
        return None
    token, pacer = slack.bot_token.get_secret_value(), Pacer(pace, times=slack.pace)
    return SlackChat(token, api_url=slack.api_url, pacer=pacer, timeout=timeout)


def tracker_for(jira: JiraSettings, pace: Pace, *, timeout: float = _TIMEOUT) -> Tracker | None:
    """Jira, if it is on."""
    return _jira(JiraTracker, jira, pace=pace, timeout=timeout)


def _jira(
    kind: type[Jira], jira: JiraSettings, *, pace: Pace | None, timeout: float = _TIMEOUT
) -> Jira | None:
    if jira.url is None or jira.token is None or jira.project is None:
        return None
    return kind(
        jira.url,
        jira.user or "",
        jira.token.get_secret_value(),
        project=jira.project,
        issue_type=jira.issue_type,
        follow_up_type=jira.follow_up_type or "",
        flavour="cloud" if jira.is_cloud else "datacenter",
        pace=pace,
        timeout=timeout,
    )


def pager_for(pagerduty: PagerDutySettings, pace: Pace, *, timeout: float = _TIMEOUT) -> Pager | None:
    """PagerDuty's API, if there is a token for it; its webhooks need none."""
    if pagerduty.token is None:
        return None
    token, sender = pagerduty.token.get_secret_value(), pagerduty.from_email or ""
    return PagerDutyPager(
        token,
        api_url=pagerduty.api_url,
        from_email=sender,
        page_service=pagerduty.page_service or "",
        pace=pace,
        timeout=timeout,
    )


def alarm_for(watch: WatchSettings) -> Alarm | None:
    """PagerDuty's Events API, if there is a key for those who run Multivac."""
    if watch.routing_key is None:
        return None
    return PagerDutyAlarm(watch.routing_key.get_secret_value(), events_url=watch.events_url)


def doctors(settings: Settings) -> Doctors:
    """Those who ask the vendors that are on, for `multivac check`."""
    slack, pagerduty = settings.slack, settings.pagerduty
    bot, key = slack.bot_token, pagerduty.token
    sender = pagerduty.from_email or ""
    return Doctors(
        chat=SlackDoctor(bot.get_secret_value(), api_url=slack.api_url) if bot else None,
        tracker=_jira(JiraDoctor, settings.jira, pace=None),
        pager=PagerDutyDoctor(key.get_secret_value(), api_url=pagerduty.api_url, from_email=sender)
        if key
        else None,
    )


class Daemon:
    """One running Multivac: built from settings, started, stopped. Making one calls nobody."""

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, poll_seconds: float = _POLL_SECONDS
    ) -> None:
        self.settings = settings
        settle_on(settings.slack.language)
        self.clock = clock or _clock_for(settings)
        self.telemetry = Telemetry(VERSION)
        boot = f"{platform.node()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.database = Database(settings.database.sqlalchemy_url, boot=boot)
        self._liveness = _liveness_for(self.database, boot)
        self._pool = StepPool(_STEP_THREADS, later=_LATER_THREADS)
        self._pace = self._paced()
        self.out = self._outside()
        self.response = Response(self.out, self._pool, telemetry=self.telemetry, chance=SystemRandom())
        self.jobs = Jobs(
            self.database,
            self._liveness,
            advance=self.response.advance,
            nudge=self.response.nudge,
            boot=boot,
            poll_seconds=poll_seconds,
        )
        self._playbooks = playbooks.load_playbooks(settings.playbooks.path)
        self.intake = Intake(
            self.database,
            self.jobs,
            playbooks=lambda: self._playbooks,
            clock=self.clock,
            telemetry=self.telemetry,
            inflow=self._inflow,
        )
        self.desk = self._desk()
        self.inbound = self._inbound(self.desk)
        self.storms = Storms(self.out, self._inflow)
        self.beat = Beat(
            self.response, self.jobs, storms=self.storms, clock=self.clock, telemetry=self.telemetry
        )
        self.operators = Operators(self.out)
        self.watch = Watch(self.out, beat=self.beat, operators=self.operators, lookout=self._lookout())
        self.sweep = Sweep(self.out.pager, self.intake, self.database) if self.out.pager else None
        self.schedule = Schedule(self.clock)
        self.health = Health(self._database_answers, lambda: self.database.takes_writes)
        self._server = self._web()

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url

    def start(self, *, beating: bool = True, listening: bool = True) -> None:
        """Migrate, begin to work, then listen. A test may leave out beat and server, and do their part."""
        if beating:
            memory.keep_together()
        try:
            self._open()
        except sa.exc.OperationalError as error:
            why = f"the database cannot be used: {str(error.orig).partition(chr(10))[0]}."
            fix = "See whether it runs, and whether its disk has room. Then start again; nothing is lost."
            raise BadConfig(Finding("database.url", why, fix)) from None  # the cause may show the address
        self.beat.beat()
        if beating:
            self.response.wake_at = self._wake_at
            self._set_going()
            pauses.keep_short()
        for line in self.settings.describe():
            log.info("integration", state=line)
        if listening:
            self._listen()
            self._server.start()
            log.info("ready", url=self.url, version=VERSION)

    def _listen(self) -> None:
        slack = self.settings.slack
        if self.inbound is not None and slack.app_token is not None:
            self.inbound.listen(slack.app_token.get_secret_value(), api_url=slack.api_url)

    def _open(self) -> None:
        if self.database.is_sqlite:
            self._liveness.start()  # before a table is touched: an older release may be using the file
            copies.look_through(self.database.file)
        migrate.upgrade(self.database)
        with self.database.read() as tx:
            self.response.restored_at = copies.restored_at(tx)
        self.database.start()
        self.database.write(partial(note_first_start, now=self.clock.now()))
        self.database.write(partial(forgive, now=self.clock.now()))
        self.beat.go_on()
        self.jobs.start()

    def stop(self) -> None:
        """Take nothing new, end what is under way within 25 s, leave the rest to the next start."""
        until = time.monotonic() + _DRAIN_SECONDS
        self.health.draining = True
        self.response.drain()
        self.schedule.stop()
        if not self.jobs.wait_until_idle(max(until - time.monotonic(), 0)):
            log.warning("stopped with steps under way; the next start looks what became of them")
        self._server.stop()
        if self.inbound is not None:
            self.inbound.stop()
        self.jobs.stop()
        self._pool.stop()
        self.database.stop()
        log.info("stopped")

    def _outside(self) -> Outside:
        settings, pace = self.settings, self._pace
        known = people.load_people(settings.people.path) if settings.people.path else people.People()
        outside = Outside(
            chat=chat_for(settings.slack, pace),
            tracker=tracker_for(settings.jira, pace),
            pager=pager_for(settings.pagerduty, pace),
            clock=self.clock,
            database=self.database,
            complete=known.complete,
            phone_of=known.phone_of,
            mapped=tuple(known),
            is_still_ours=self._liveness.is_unbroken,
            announce_channel=settings.slack.announce_channel,
            operators_channel=settings.slack.operators_channel,
            public_url=settings.server.public_url,
            raises_alerts=settings.pagerduty.page_service is not None,
            hears=settings.slack.bot_token is not None and settings.slack.hears,
        )
        for name, port in (("slack", outside.chat), ("jira", outside.tracker), ("pagerduty", outside.pager)):
            self.telemetry.vendor_on.labels(name).set(port is not None)
        return outside

    def _paced(self) -> Pace:
        tanks = OwnTanks() if self.database.is_sqlite else SharedTanks(self.database)
        return Limiter(tanks, self.clock.now)

    def _desk(self) -> Desk | None:
        """What people can ask, if they can be heard."""
        if not self.out.hears:
            return None
        return Desk(
            self._outside_for_a_person(),
            self.jobs,
            playbooks=lambda: self._playbooks,
            admins=self.settings.slack.admins,
            count_declared=lambda severity: self.telemetry.declared.labels(severity, "people").inc(),
        )

    def _inbound(self, desk: Desk | None) -> Inbound | None:
        """Slack's front door, if people can be heard."""
        slack = self.settings.slack
        if desk is None or slack.bot_token is None:
            return None
        secret = slack.signing_secret.get_secret_value() if slack.signing_secret else None
        mouth = Mouth(slack.bot_token.get_secret_value(), api_url=slack.api_url)
        return Inbound(desk, mouth, signing_secret=secret, now=self.clock.now, emoji=emoji_of(slack))

    def _outside_for_a_person(self) -> Outside:
        """The same vendors, given up sooner: a person is told what is known without them."""
        settings, soon = self.settings, _TIMEOUT_FOR_A_PERSON
        return replace(
            self.out,
            chat=chat_for(settings.slack, self._pace, timeout=soon),
            tracker=tracker_for(settings.jira, self._pace, timeout=soon),
            pager=pager_for(settings.pagerduty, self._pace, timeout=soon),
        )

    @property
    def _inflow(self) -> Inflow:
        storm = self.settings.storm
        return Inflow(new_incidents=storm.new_incidents, within=storm.within)

    def _lookout(self) -> Lookout:
        watch = self.settings.watch
        heart = watch.heartbeat_url.get_secret_value() if watch.heartbeat_url else None
        return Lookout(late_after=watch.late_after, heartbeat_url=heart, alarm=alarm_for(watch))

    def _web(self) -> Server:
        pagerduty = self.settings.pagerduty
        door = Webhook(
            [secret.get_secret_value() for secret in pagerduty.webhook_secrets],
            unverified=pagerduty.unverified,
            intake=self.intake,
            now=self.clock.now,
        )
        doors: dict[str, Door] = {"pagerduty": door}
        if self.inbound is not None:
            doors["slack"] = self.inbound
        if self.out.tracker is not None and (secrets := self.settings.jira.webhook_secrets):
            doors["jira"] = JiraWebhook(
                [secret.get_secret_value() for secret in secrets],
                take=TicketDesk(self.out, self.jobs).take,
                account=self.out.tracker.account,
                operators=self.intake,
            )
        parts = Parts(doors=doors, health=self.health, telemetry=self.telemetry, version=VERSION)
        return Server(create(parts), self.settings.server.host, self.settings.server.port)

    def _set_going(self) -> None:
        every = self.schedule.every
        every(_BEAT_SECONDS, "beat", self.beat.beat)
        every(_BEAT_SECONDS, "storms", self.storms.tell)
        every(10, "measure", self.beat.measure, at_once=True)
        every(10, "watch", self.watch.look)
        every(10, "operators", self.operators.tell)
        every(10, "page", self.watch.page)
        every(60, "heartbeat", self.watch.beat_heart, at_once=True)
        every(5, "write", self.beat.write_again)
        every(3600, "house", self.beat.keep_house)
        every(pauses.COLLECT_EVERY_SECONDS, "collect", gc.collect)
        if self.desk is not None:
            every(_PAGES_SECONDS, "pages", self.desk.redraw_homes)
        if self.sweep is not None:
            every(
                self.settings.pagerduty.sweep_every.total_seconds(), "sweep", self.sweep.sweep, at_once=True
            )
        self.schedule.start()

    def _wake_at(self, number: IncidentId, at: datetime) -> None:
        self.schedule.wake(number, at, self.beat.wake)

    def _database_answers(self) -> bool:
        try:
            with self.database.read() as tx:
                return bool(tx.execute(sa.select(1)).scalar_one())
        except sa.exc.SQLAlchemyError:
            return False


def _clock_for(settings: Settings) -> Clock:
    return SandboxClock(settings.server.clock_url) if settings.server.clock_url else WallClock()


def _liveness_for(database: Database, boot: str) -> Liveness:
    if database.is_sqlite:
        return FileLiveness(boot, database.file)
    return SessionLiveness(boot, database.url.replace("postgresql+psycopg://", "postgresql://"))


def sandbox() -> Sandbox:
    """The stand-ins for Slack, Jira and PagerDuty, for the demo; a daemon starts without reading them."""
    from integrations.sandbox.server import Sandbox  # noqa: PLC0415  # see above

    return Sandbox()
