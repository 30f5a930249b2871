"""Where the outage is played: the sandbox, and the real daemon set up to work with it."""

from __future__ import annotations

import contextlib
import secrets
import socket
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import yaml

from integrations.sandbox import jira, pagerduty, seed
from integrations.sandbox.server import Sandbox
from integrations.sandbox.slack_events import Declared
from multivac.app import Daemon
from multivac.check import slack_manifest
from multivac.errors import BadConfig, Finding
from multivac.playbooks import shipped
from multivac.settings import load_settings

_STRIDE = timedelta(minutes=1)  # what comes due on the way is done when it is due, not as a digest later
# The response waits up to five seconds here and there, so that several changes make one message.
_SHORT_WAITS = (2, 2, 2)
_PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.005


class Stage:
    """A sandbox (seeded, listening) and a daemon beside it; use it as a context manager.

    With `own_clock` the daemon reads the time from the sandbox over HTTP, as a daemon in another
    process would; without, it shares the sandbox's clock, and no time is lost in asking.
    """

    def __init__(self, world: Sandbox, folder: Path, *, own_clock: bool = True) -> None:
        self.world = world
        self.alerts: dict[str, str] = {}
        self.channel = ""
        self.began = world.world.clock.now()
        secret = secrets.token_hex(16)
        names = [{"name": name, "email": email} for name, email in seed.PEOPLE.items()]
        (folder / "people.yaml").write_text(yaml.safe_dump(names), encoding="utf-8")
        file = folder / "multivac.yaml"
        file.write_text(yaml.safe_dump(_settings(world.url, folder, secret)), encoding="utf-8")
        settings = load_settings(file, {})
        self._daemon = Daemon(settings, clock=None if own_clock else world.world.clock)
        self._secret = secret

    def __enter__(self) -> Self:
        """Start the daemon and let PagerDuty, Jira and Slack deliver to it."""
        self._daemon.start()
        self.world.pagerduty.subscribe(f"{self._daemon.url}/webhooks/pagerduty", self._secret)
        self.world.jira.subscribe(f"{self._daemon.url}/webhooks/jira", self._secret)
        url = f"{self._daemon.url}/webhooks/slack"
        self.world.slack.connect(
            signing_secret=self._secret, events=url, commands=url, interactions=url, **_declared()
        )
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the daemon; the sandbox stays."""
        self._daemon.stop()

    # --- time -------------------------------------------------------------------------------------

    def jump_to(self, at: timedelta) -> None:
        """Move the clock to that moment of the story, unless a person has moved it farther."""
        ahead = self.began + at - self._now()
        if ahead > timedelta():
            self.world.world.clock.forward(ahead.total_seconds())
            self.world.world.touch()

    def pass_until(self, at: timedelta, look: Callable[[], None]) -> None:
        """Let the time pass in strides; all that falls due on the way is done, and looked at."""
        while (left := self.began + at - self._now()) > timedelta():
            self.world.world.clock.forward(min(left, _STRIDE).total_seconds())
            self._work()
            look()

    def settle(self, look: Callable[[], None]) -> None:
        """Let all be done that is due now or in the next few seconds, and look after each of them."""
        self._work()
        look()
        for seconds in _SHORT_WAITS:
            self.world.world.clock.forward(seconds)
            self._work()
            look()

    def _now(self) -> datetime:
        return self.world.world.clock.now()

    def _work(self) -> None:
        """Deliver what PagerDuty owes and beat until nothing is due and nobody works any more."""
        ends = time.monotonic() + _PATIENCE_SECONDS
        self.world.pagerduty.redeliver_due()
        while (self._daemon.beat.beat() or self._daemon.jobs.in_progress()) and time.monotonic() < ends:
            time.sleep(_PAUSE_SECONDS)
            self._daemon.jobs.wait_until_idle(max(ends - time.monotonic(), 0))
            self.world.pagerduty.redeliver_due()

    # --- what people do, where they can -------------------------------------------------------------

    def say(self, who: str, text: str) -> None:
        """Let somebody write in the incident's channel; without one there is nowhere to write."""
        with contextlib.suppress(LookupError):
            self.world.slack.person_says(self.channel, who, text)

    def press(self, who: str, label: str) -> None:
        """Let somebody press this button of the newest message to them, and wait until it is gone."""
        if (found := self._button(who, label)) is None:
            return
        self.world.slack.clicks(self.channel, who, ts=found[0], action_id=found[1])
        ends = time.monotonic() + _PATIENCE_SECONDS
        while self._button(who, label) == found and time.monotonic() < ends:
            time.sleep(_PAUSE_SECONDS)

    def _button(self, who: str, label: str) -> tuple[str, str] | None:
        """The newest message that mentions them and has a button of this label, and the button's name."""
        with contextlib.suppress(LookupError):
            messages = self.world.slack.channel(self.channel).messages
            me = next(one.id for one in self.world.slack.space.people.values() if one.real_name == who)
            for message in reversed([one for one in messages if f"<@{me}>" in str(one.get("blocks"))]):
                for each in (element for block in message["blocks"] for element in block.get("elements", ())):
                    if each.get("type") == "button" and each["text"]["text"] == label:
                        return str(message["ts"]), str(each["action_id"])
        return None


def free_port(port: int, *, or_any: bool = False) -> int:
    """The port if it is free; else 0 (any) with `or_any`, or `BadConfig`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if or_any:
                return 0
            why = f"cannot listen on 127.0.0.1:{port} ({error.strerror})."
            raise BadConfig(Finding("--port", why, "Choose another, or leave it out.")) from error
    return port


def _declared() -> Declared:
    """What Slack's menus offer to people, as the app's manifest has it."""
    features = yaml.safe_load(slack_manifest())["features"]
    commands = [
        {name: each[name] for name in ("command", "description", "usage_hint")}
        for each in features["slash_commands"]
    ]
    return {"slash_commands": commands, "shortcuts": features.get("shortcuts", [])}


def _settings(url: str, folder: Path, secret: str) -> dict[str, dict[str, Any]]:
    """What an operator would write, with the sandbox in the vendors' places."""
    return {
        "server": {"port": 0, "clock_url": url},
        "database": {"url": f"sqlite:///{folder / 'multivac.db'}"},
        "playbooks": {"path": str(shipped("playbooks-demo"))},
        "people": {"path": str(folder / "people.yaml")},
        "slack": {
            "bot_token": seed.BOT_TOKEN,
            "api_url": f"{url}/slack/api/",
            "announce_channel": "#incidents",
            "admins": ["gus@example.com"],
            "signing_secret": secret,
        },
        "jira": {
            "url": f"{url}/jira",
            "flavour": "cloud",
            "user": "multivac@example.com",
            "token": jira.TOKEN,
            "project": "OPS",
            "issue_type": "Incident",
            "webhook_secrets": [secret],
        },
        "pagerduty": {
            "api_url": f"{url}/pagerduty",
            "token": pagerduty.TOKEN,
            "from_email": "gus@example.com",
            "webhook_secrets": [secret],
        },
    }
