"""What is checked of the watch: where its heartbeat and its pages go. Neither is tried: each says something.

A call of the heartbeat's address says that all is well, and an event with the routing key wakes somebody.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from multivac.check.questions import Area, Question
from multivac.check.verdicts import Verdict
from multivac.sections import PagerDutySettings, WatchSettings

# PagerDuty refuses any other: "Length of 'routing_key' is incorrect (should be 32 characters)".
_KEY = re.compile(r"[0-9A-Za-z]{32}")
_EUROPE = ".eu.pagerduty.com"
_HTTPS = 443


@dataclass(frozen=True, slots=True)
class WatchExamination:
    """Look at the form of what is set, and look its hosts up unless `offline`."""

    area: Area
    watch: WatchSettings
    pagerduty: PagerDutySettings
    offline: bool

    def examine(self) -> list[Verdict]:
        """Return what was found."""
        heartbeat = Question("the heartbeat's host", self._heartbeat)
        key = Question("the form of watch.routing_key", self._key)
        return self.area.ask(heartbeat, key, *self._events())

    def _heartbeat(self) -> Iterator[Verdict]:
        if self.watch.heartbeat_url is None:
            yield self.area.ok("nobody notices a silent Multivac, for watch.heartbeat_url is not set")
            return
        url = self.watch.heartbeat_url.get_secret_value()
        untried = "not called: that would say that all is well"
        yield from self._host("watch.heartbeat_url", url, untried)

    def _key(self) -> Iterator[Verdict]:
        if self.watch.routing_key is None:
            yield self.area.ok("nobody is paged about Multivac itself, for watch.routing_key is not set")
        elif _KEY.fullmatch(self.watch.routing_key.get_secret_value()):
            what = "watch.routing_key has the form of an integration key; not sent: that would page somebody"
            yield self.area.ok(what)
        else:
            what = "watch.routing_key is no integration key: those are 32 letters and digits"
            fix = "In PagerDuty: a service > Integrations > Events API V2 > Integration Key."
            yield self.area.fail(what, fix)

    def _events(self) -> Iterator[Question]:
        if self.watch.routing_key is not None:
            yield Question("the Events API's host", self._events_host)

    def _events_host(self) -> Iterator[Verdict]:
        url, api = self.watch.events_url, self.pagerduty.api_url
        if _is_european(api) != _is_european(url) and url.rstrip("/").endswith(".pagerduty.com"):
            what = f"watch.events_url is {url}, and pagerduty.api_url is in another region"
            yield self.area.warn(what, "Use https://events.eu.pagerduty.com for an account in Europe only.")
        yield from self._host("watch.events_url", url, "no event was sent")

    def _host(self, key: str, url: str, untried: str) -> Iterator[Verdict]:
        address = urlsplit(url)
        host = address.hostname or ""
        if self.offline:
            yield self.area.ok(f"{key} is an address at {host}; not looked up, as told")
            return
        try:
            socket.getaddrinfo(host, address.port or _HTTPS)
        except OSError as error:
            fix = f"Correct {key}, or see why this machine finds no such host."
            yield self.area.fail(f"{key} is at {host}, which cannot be looked up: {error.strerror}", fix)
        else:
            yield self.area.ok(f"{key} is at {host}, which can be looked up; {untried}")


def _is_european(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(_EUROPE)
