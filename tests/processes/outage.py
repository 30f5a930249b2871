"""Alerts of one outage at a sandbox, and whether each of them became one whole response and nothing twice."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from integrations.sandbox.jira_model import Component
from integrations.sandbox.pagerduty_seed import add_services
from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import Fault
from tests.processes.daemon import until

# What the shipped playbook for everything says at once; a kind that is there must be there once.
SAID = ("headline", "lead told", "checklist/first-5-minutes")
INVITED = ("Ana Silva", "Bo Lindqvist")
_ENDS = ("", *(f"-{n}" for n in range(2, 21)))  # where a name is taken, the next is tried


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
        found = _Found.of(self.sandbox)
        return [f"{alert.title}: {what}" for alert in alerts for what in found.amiss(alert)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """All that the vendors have, by what an alert's response is found by: there may be thousands."""

    channels: dict[str, list[dict[str, Any]]]  # by what follows inc-<number>-
    tickets: dict[str, list[dict[str, Any]]]  # by the title that follows the prefix
    announced: Counter[tuple[int, str]]
    notes: dict[str, int]
    people: dict[str, str]

    @classmethod
    def of(cls, sandbox: Sandbox) -> Self:
        """What is there now."""
        state = sandbox.state()
        channels: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for one in state["slack"]["channels"]:
            channels[re.sub(r"^inc-\d+-", "", one["name"])].append(one)
        tickets: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for one in state["jira"]["issues"]:
            tickets[one["fields"]["summary"].partition(" ")[2]].append(one)
        [announced] = channels["incidents"]
        return cls(
            channels=channels,
            tickets=tickets,
            announced=Counter((said["incident"], said["kind"]) for said in _sayings(announced)),
            notes={one["id"]: len(one["notes"]) for one in state["pagerduty"]["incidents"]},
            people={one.real_name: one.id for one in sandbox.slack.space.people.values()},
        )

    def amiss(self, alert: Alert) -> Iterator[str]:
        """What of this alert's response is missing or double."""
        slug = re.sub(r"[^a-z0-9]+", "-", alert.title.lower())
        channels = [one for end in _ENDS for one in self.channels.get(slug + end, ())]
        tickets = self.tickets.get(alert.title, [])
        yield from _counted("channels", len(channels))
        yield from _counted("tickets", len(tickets))
        if len(channels) != 1 or len(tickets) != 1:
            return
        if tickets[0]["fields"]["assignee"] is None:
            yield "no assignee"
        number = int(channels[0]["name"].split("-")[1])
        yield from self._amiss_in(channels[0])
        yield from _counted("announcements", self.announced[number, "announcement"])
        yield from _counted("notes in PagerDuty", self.notes[alert.id])

    def _amiss_in(self, channel: dict[str, Any]) -> Iterator[str]:
        kinds = Counter(said["kind"] for said in _sayings(channel))
        for kind in {*SAID, *kinds}:
            yield from _counted(kind, kinds[kind])
        yield from _counted("pins", len(channel["pins"]))
        links = Counter(each["link"] for each in channel["bookmarks"])
        if len(links) < 2:
            yield f"bookmarks: {len(links)}"
        for link, count in links.items():
            yield from _counted(f"bookmarks to {link}", count)
        yield from (f"{who} is missing" for who in INVITED if self.people[who] not in channel["members"])
        if not channel["topic"]:
            yield "no topic"


def _counted(what: str, count: int) -> Iterator[str]:
    if count != 1:
        yield f"{what}: {count}"


def _sayings(channel: dict[str, Any]) -> list[dict[str, Any]]:
    """What each message of ours in a channel says that it is."""
    return [m["metadata"]["event_payload"] for m in channel["messages"] if m.get("metadata")]
