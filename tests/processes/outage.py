"""Alerts of one outage at a sandbox, and whether each of them became one whole response and nothing twice."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.jira_model import Component
from integrations.sandbox.pagerduty_seed import add_services
from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import Fault
from tests.processes.daemon import until

# What the shipped playbook for everything says at once; a kind that is there must be there once.
SAID = ("headline", "lead told", "checklist/first-5-minutes")
INVITED = ("Ana Silva", "Bo Lindqvist")


@dataclass(frozen=True, slots=True)
class Alert:
    """One PagerDuty incident, and the body of the webhook that tells of it."""

    id: str
    title: str
    body: bytes


class Outage:
    """A seeded sandbox whose webhooks are delivered by hand, each alert on a service of its own."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.world = sandbox.world
        sandbox.seed()
        sandbox.pagerduty.subscribe("http://127.0.0.1:9/", "never used")
        sandbox.pagerduty.hold_deliveries()
        # The sweep would find again what a daemon lost.
        self.fail("pagerduty", "GET /incidents", "server_error", times=0)

    def fail(self, vendor: str, method: str, kind: str, **more: Any) -> None:
        self.world.fail(Fault(vendor, method, kind, **more))

    def alerts(self, number: int, name: str = "storm", **more: Any) -> list[Alert]:
        """So many new alerts, none of them delivered; each service has its component in Jira."""
        services = add_services(self.sandbox.pagerduty, number, name)
        site = self.sandbox.jira.site
        with self.world.lock:
            ana = site.person("Ana").account_id
            components = [Component(f"9{name}{n}", service, ana) for n, service in enumerate(services)]
            site.projects["10100"].components += components
        return [self.alert(f"{service} is down", service, **more) for service in services]

    def alert(self, title: str, service: str, **more: Any) -> Alert:
        ident = self.sandbox.pagerduty.trigger(title, service=service, **more)
        return Alert(ident, title, self.newest_body())

    def newest_body(self) -> bytes:
        """The body of the newest webhook."""
        held = self.sandbox.pagerduty.deliveries._held
        assert held is not None
        return held[-1].event.body

    def wait_until_whole(self, alerts: list[Alert], seconds: float) -> None:
        """Return once each alert's response is whole; AssertionError with what is missing or double.

        While nothing happens the sandbox's clock runs fast: before a ticket that may exist is written
        again, Jira's search is given half a minute.
        """
        seen: list[str] = []

        def look() -> bool:
            nonlocal seen
            amiss = self.amiss(alerts)
            if amiss == seen:
                self.world.clock.forward(2)
            seen = amiss
            return not amiss

        until(look, seconds, lambda: "\n".join(self.amiss(alerts)))

    def amiss(self, alerts: list[Alert]) -> list[str]:
        """What is missing, and what is there twice."""
        state = self.sandbox.state()
        return [f"{alert.title}: {what}" for alert in alerts for what in self._amiss(alert, state)]

    def _amiss(self, alert: Alert, state: dict[str, Any]) -> Iterator[str]:
        slug = re.escape(re.sub(r"[^a-z0-9]+", "-", alert.title.lower()))
        channels = [
            c for c in state["slack"]["channels"] if re.fullmatch(rf"inc-\d+-{slug}(-\d+)?", c["name"])
        ]
        tickets = [i for i in state["jira"]["issues"] if i["fields"]["summary"].endswith(f" {alert.title}")]
        yield from _counted("channels", len(channels))
        yield from _counted("tickets", len(tickets))
        if len(channels) != 1 or len(tickets) != 1:
            return
        if tickets[0]["fields"]["assignee"] is None:
            yield "no assignee"
        [channel] = channels
        number = int(channel["name"].split("-")[1])
        yield from self._amiss_in(channel)
        kinds = _kinds(next(c for c in state["slack"]["channels"] if c["name"] == "incidents"), number)
        yield from _counted("announcements", kinds["announcement"])
        pagers = next(i for i in state["pagerduty"]["incidents"] if i["id"] == alert.id)
        yield from _counted("notes in PagerDuty", len(pagers["notes"]))

    def _amiss_in(self, channel: dict[str, Any]) -> Iterator[str]:
        kinds = _kinds(channel)
        for kind in {*SAID, *kinds}:
            yield from _counted(kind, kinds[kind])
        yield from _counted("pins", len(channel["pins"]))
        links = Counter(each["link"] for each in channel["bookmarks"])
        if len(links) < 2:
            yield f"bookmarks: {len(links)}"
        for link, count in links.items():
            yield from _counted(f"bookmarks to {link}", count)
        people = {p.real_name: p.id for p in self.sandbox.slack.space.people.values()}
        yield from (f"{who} is missing" for who in INVITED if people[who] not in channel["members"])
        if not channel["topic"]:
            yield "no topic"


def _counted(what: str, count: int) -> Iterator[str]:
    if count != 1:
        yield f"{what}: {count}"


def _kinds(channel: dict[str, Any], incident: int | None = None) -> Counter[str]:
    """How often each kind of message of ours stands in a channel, perhaps for one incident alone."""
    said = [m["metadata"]["event_payload"] for m in channel["messages"] if m.get("metadata")]
    return Counter(each["kind"] for each in said if incident in (None, each["incident"]))
