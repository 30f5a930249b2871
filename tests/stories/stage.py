"""The stage of the stories: the real daemon, the stand-ins of its vendors, and a clock moved by hand.

The daemon runs in this process and is spoken to over loopback HTTP only, as PagerDuty would. Its beat
does not tick: the clock beats where time passes, so a story takes as long as its calls and no longer.
"""

import json
import sys
import time
import traceback
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from prometheus_client.parser import text_string_to_metric_families
from structlog.typing import EventDict, WrappedLogger

from integrations.sandbox import jira, pagerduty
from integrations.sandbox.seed import BOT_TOKEN
from integrations.sandbox.server import Sandbox
from multivac.app import Daemon
from multivac.incident import IncidentId, Status
from multivac.settings import load_settings
from multivac.store import acts, cases, incidents, timeline
from multivac.store.cases import Case, StepRow
from multivac.store.incidents import Touched
from multivac.store.tables import incident, unreadable

SECRET = "the-secret-of-the-subscription"
# The response waits for 0.5 to 5 s where a moment of patience saves a message; see `Clock.settle`.
SHORT_WAITS = timedelta(seconds=6)
PATIENCE = 30.0  # real seconds for one stretch of work on a busy machine; pytest ends a story sooner
STOPS = 2_000  # instants at which something is due in one `forward`; more is a response that spins
BEAT = 0.5  # real seconds after which the clock beats again where something is due and nothing happens
POLL = 0.1  # seconds between two looks of the engine at its queue, in which few stories have a job

NOTHING: Mapping[str, str] = {}
# A small playbook, into which a story puts what it is about.
PLAYBOOK: dict[str, Any] = {
    "name": "story",
    "checklists": [
        {
            "phase": "first-5-minutes",
            "title": "First 5 minutes",
            "at": "0m",
            "tasks": [{"id": "impact", "text": "Say what users see.", "role": "lead"}],
        }
    ],
}


class Logs:
    """What the daemon logged; written to standard error too, which pytest shows when a story fails."""

    def __init__(self) -> None:
        self.lines: list[EventDict] = []
        self.mistakes: list[str] = []

    def __call__(self, _: WrappedLogger, level: str, event: EventDict) -> EventDict:
        """Keep one line and drop it."""
        self.lines.append({"level": level, **event})
        if event.get("exc_info"):
            self.mistakes.append(f"{event['event']}\n{traceback.format_exc()}")
        sys.stderr.write(f"{level:8} {event}\n")
        raise structlog.DropEvent


@contextmanager
def _leaving_no_engine(daemon: Daemon) -> Iterator[None]:
    """End the engine if its daemon does not start or stop in time: all stories of a process share one."""
    try:
        yield
    except BaseException:
        daemon.jobs.stop()
        raise


class Multivac:
    """The daemon under test; `start` it with what the story changes, `stop` it, `start` it again."""

    def __init__(self, sandbox: Sandbox, database_url: str, folder: Path) -> None:
        self._sandbox = sandbox
        self._database_url = database_url
        self._folder = folder
        self._settings: dict[str, str] = {}
        self.daemon: Daemon | None = None

    def start(
        self,
        playbook: Mapping[str, Any] | None = None,
        *,
        people: Sequence[Mapping[str, str]] = (),
        settings: Mapping[str, str] = NOTHING,
    ) -> Daemon:
        """Start with the shipped playbooks, or a small one with these keys; and settings over the usual.

        `people` is the map of people. A setting is named as its variable is, in small letters, such
        as `slack__bot_token`; an empty one counts as not written.
        """
        self._settings = self._files(playbook, people) | dict(settings)
        return self.start_again()

    def start_again(self, *, port: int = 0, listening: bool = True) -> Daemon:
        """Start another daemon on the same database, with the same settings; on a new port, or on this."""
        self._settings["server__port"] = str(port)
        settings = load_settings(None, self._environment())
        daemon = Daemon(settings, clock=self._sandbox.world.clock, poll_seconds=POLL)
        with _leaving_no_engine(daemon):
            daemon.start(beating=False, listening=listening)
        self.daemon = daemon
        if listening:
            self._subscribe(f"{daemon.url}/webhooks/pagerduty")
            self._connect(f"{daemon.url}/webhooks/slack")
            self._follow(f"{daemon.url}/webhooks/jira")
        return daemon

    def _connect(self, url: str) -> None:
        """Let Slack send there what people do, if the daemon is told to hear them."""
        if secret := self._settings.get("slack__signing_secret"):
            slack = self._sandbox.slack
            slack.outbox.deliveries.subscribers.clear()
            slack.connect(signing_secret=secret, events=url, commands=url, interactions=url)

    def _follow(self, url: str) -> None:
        """Let Jira send there what people change, if the daemon is told to believe it."""
        if secret := self._settings.get("jira__webhook_secrets"):
            self._sandbox.jira.deliveries.subscribers.clear()
            self._sandbox.jira.subscribe(url, secret)

    def _subscribe(self, url: str) -> None:
        """Let PagerDuty deliver to this address alone; what is under way to it stays so."""
        subscribers = self._sandbox.pagerduty.deliveries.subscribers
        if url not in (one.url for one in subscribers.values()):
            subscribers.clear()
            self._sandbox.pagerduty.subscribe(url, SECRET)

    def stop(self) -> None:
        """Stop it, if it runs; its rows stay."""
        daemon, self.daemon = self.daemon, None
        if daemon is not None:
            with _leaving_no_engine(daemon):
                daemon.stop()

    @property
    def running(self) -> Daemon:
        """The daemon, which runs."""
        assert self.daemon is not None, "the story has not started Multivac"
        return self.daemon

    # --- looking inside ---------------------------------------------------------------------------

    def numbers(self) -> tuple[int, ...]:
        """The numbers of all incidents."""
        with self.running.database.read() as tx:
            return tuple(tx.scalars(sa.select(incident.c.id).order_by(incident.c.id)))

    def lead(self, number: int = 1) -> str | None:
        """The name of an incident's lead."""
        found = self.incident(number).lead
        return found.name if found else None

    def incident(self, number: int = 1) -> Case:
        """One incident as its rows have it."""
        with self.running.database.read() as tx:
            return cases.load(tx, IncidentId(number))

    def step(self, name: str, number: int = 1) -> StepRow:
        """One step of an incident."""
        return self.incident(number).steps[name]

    def timeline(self, number: int = 1) -> list[str]:
        """The lines of an incident's timeline, in order."""
        with self.running.database.read() as tx:
            return [entry.text for entry in timeline.entries(tx, IncidentId(number))]

    def becomes(self, status: Status, number: int = 1) -> None:
        """Let the incident come to this status, as a person will with a verb of Slack's some day."""

        def change(tx: sa.Connection) -> Touched:
            assert incidents.set_status(tx, IncidentId(number), status, now=self.running.clock.now())
            return incidents.touch(tx, IncidentId(number))

        self.running.database.write(change)

    def trail(self, actor: str, number: int = 1) -> list[tuple[str, str | None, str | None]]:
        """What this one has done to an incident, as the trail keeps it: what, from what, to what."""
        with self.running.database.read() as tx:
            acted = acts.trail(tx, number=IncidentId(number))
        return [(one.verb, one.before, one.after) for one in acted if one.actor == actor]

    def unreadable(self) -> list[bytes]:
        """The bodies kept for the operator because nobody could read them."""
        with self.running.database.read() as tx:
            return list(tx.scalars(sa.select(unreadable.c.body).order_by(unreadable.c.id)))

    def metric(self, name: str, **labels: str) -> float:
        """A metric as /metrics tells it; 0 if it is not there."""
        samples = (
            sample for family in text_string_to_metric_families(self.metrics()) for sample in family.samples
        )
        return sum(
            one.value for one in samples if one.name == name and labels.items() <= dict(one.labels).items()
        )

    def metrics(self) -> str:
        """Everything that /metrics tells."""
        with urllib.request.urlopen(f"{self.running.url}/metrics", timeout=5) as answer:
            told: str = answer.read().decode()
        return told

    def next_wake(self) -> datetime | None:
        """When the rows say that something falls due next."""
        with self.running.database.read() as tx:
            wake: datetime | None = tx.scalar(sa.select(sa.func.min(incident.c.wake_at)))
            return wake

    def is_at_work(self) -> bool:
        """Whether a job is begun and not over, or the rows say that one is to begin, as if it waits."""
        return not self.running.jobs.wait_until_idle(0) or self._is_due()

    def is_due_and_idle(self) -> bool:
        """Whether the rows say that a job is to begin, and none is begun: the beat is to see to it."""
        jobs = self.running.jobs
        return jobs.wait_until_idle(0) and self._is_due() and not jobs.waiting()

    def _is_due(self) -> bool:
        with self.running.database.read() as tx:
            now = self.running.clock.now()
            due = sa.or_(incident.c.planned < incident.c.version, incident.c.wake_at <= now)
            return bool(tx.scalar(sa.select(sa.exists().where(due))))

    def _files(
        self, playbook: Mapping[str, Any] | None, people: Sequence[Mapping[str, str]]
    ) -> dict[str, str]:
        written: dict[str, Any] = {}
        if playbook is not None:
            written["playbooks"] = PLAYBOOK | dict(playbook)
        if people:
            written["people"] = list(people)
        for name, value in written.items():
            (self._folder / f"{name}.yaml").write_text(json.dumps(value))  # JSON is YAML
        return {f"{name}__path": str(self._folder / f"{name}.yaml") for name in written}

    def _environment(self) -> dict[str, str]:
        usual = _usual_settings(self._sandbox.url) | {"database__url": self._database_url}
        return {f"MULTIVAC_{name.upper()}": value for name, value in (usual | self._settings).items()}


def _usual_settings(url: str) -> dict[str, str]:
    return {
        "slack__bot_token": BOT_TOKEN,
        "slack__api_url": f"{url}/slack/api/",
        "slack__announce_channel": "incidents",
        "jira__url": f"{url}/jira",
        "jira__user": "multivac@example.com",
        "jira__token": jira.TOKEN,
        "jira__project": "OPS",
        "jira__issue_type": "Incident",
        "jira__flavour": "cloud",
        "pagerduty__token": pagerduty.TOKEN,
        "pagerduty__from_email": "ana@example.com",
        "pagerduty__api_url": f"{url}/pagerduty",
        "pagerduty__webhook_secrets": SECRET,
    }


class Clock:
    """Time as the story lets it pass, for the daemon and for its vendors."""

    def __init__(self, sandbox: Sandbox, multivac: Multivac) -> None:
        self._sandbox = sandbox
        self._multivac = multivac

    def now(self) -> datetime:
        """The present."""
        return self._sandbox.world.clock.now()

    def forward(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Let this much time pass: stop wherever the rows say something is due, and let it be done.

        So a retry comes when it would have come. While the daemon is down, time just passes.
        """
        end = self.now() + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if self._multivac.daemon is None:
            self._sandbox.world.clock.set(end)
            return
        self._work()
        self._pass_until(end)
        self._move_to(end)

    def settle(self) -> None:
        """Let all be done that can be done now; short waits pass, long ones do not.

        A response waits up to 5 s here and there (the invite for the topic, a redraw for the lead)
        and tries a failed call again after a second or two. So up to `SHORT_WAITS` pass, but only
        as far as something falls due in them: where nothing waits, the time stays as it is.
        """
        self._work()
        self._pass_until(self.now() + SHORT_WAITS)

    def _pass_until(self, end: datetime) -> None:
        for _ in range(STOPS):
            wake = self._multivac.next_wake()
            if wake is None or wake > end:
                return
            self._move_to(wake)
        raise AssertionError(f"still due after {STOPS} stops: the response spins\n{self._unfinished()}")

    def _move_to(self, instant: datetime) -> None:
        self._sandbox.world.clock.set(max(instant, self.now()))
        self._deliver()
        self._multivac.running.beat.beat()
        self._work()

    def _work(self) -> None:
        """Deliver what PagerDuty owes, then wait until the daemon has nothing left to do now."""
        self._deliver()
        began = beaten = time.monotonic()
        is_at_work = self._multivac.is_at_work()
        while is_at_work:
            now = time.monotonic()
            assert now - began < PATIENCE, f"still at work after {PATIENCE} s\n{self._unfinished()}"
            if now - beaten > BEAT or self._multivac.is_due_and_idle():
                self._multivac.running.beat.beat()
                beaten = now
            time.sleep(0.004)
            self._multivac.running.jobs.wait_until_idle(0.02)  # looking again costs more than waiting
            is_at_work = self._multivac.is_at_work()
            if not is_at_work:
                self._deliver()  # what it did is told back by the vendors, and may be news
                is_at_work = self._multivac.is_at_work()

    def _deliver(self) -> None:
        self._sandbox.pagerduty.redeliver_due()
        self._sandbox.jira.deliveries.redeliver_due()
        self._sandbox.slack.deliveries.redeliver_due()

    def _unfinished(self) -> str:
        lines = []
        for number in self._multivac.numbers():
            case = self._multivac.incident(number)
            lines += [f"INC-{number} {row}" for row in case.steps.values() if not row.is_settled or row.claim]
        return "\n".join(lines)
