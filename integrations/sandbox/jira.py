"""The Jira stand-in: REST API of Cloud (v3, v2) and Data Center (v2), and signed webhooks.

State is in `jira_model`, what changes it in `jira_doors`, the endpoints in `jira_issues` and
`jira_places`, field rules in `jira_fields`, credentials and limits in `jira_gate`.
"""

import html
from collections.abc import Callable, Iterable
from typing import Any

from starlette.routing import BaseRoute, Route

from integrations.sandbox.control import route
from integrations.sandbox.deliveries import Deliveries, Subscriber
from integrations.sandbox.delivery_routes import delivery_routes
from integrations.sandbox.jira_doors import JiraDoors
from integrations.sandbox.jira_events import RULES
from integrations.sandbox.jira_gate import TOKEN, Gate, fault_words
from integrations.sandbox.jira_issues import Issues
from integrations.sandbox.jira_model import Flavour, Json, Site
from integrations.sandbox.jira_places import Places
from integrations.sandbox.jira_shapes import Shapes
from integrations.sandbox.jira_text import as_plain
from integrations.sandbox.world import Answer, Call, World

__all__ = ["TOKEN", "Jira"]


class Jira(JiraDoors):
    """One Jira site; empty until `seed_jira`.

    People's changes are the methods inherited from `JiraDoors`; `gate` holds the accepted tokens,
    `site` the objects, `deliveries.records` every webhook attempt.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.site = Site()
        self.gate = Gate(world, lambda: self.site)
        self.deliveries = Deliveries(world.clock, RULES, world.touch)
        self._places = Places(self, self.gate)
        world.teach("jira", fault_words())

    @property
    def flavour(self) -> Flavour:
        """Which Jira it is: "cloud" or "datacenter"; may be set at any time."""
        return self.site.flavour

    @flavour.setter
    def flavour(self, flavour: Flavour) -> None:
        if flavour not in {"cloud", "datacenter"}:
            raise ValueError(flavour)
        self.site.flavour = flavour

    @property
    def search_lag(self) -> float:
        """Seconds of the sandbox's clock by which searches are behind; may be set at any time."""
        return self._places.search_lag

    @search_lag.setter
    def search_lag(self, seconds: float) -> None:
        self._places.search_lag = seconds

    def routes(self) -> list[BaseRoute]:
        """Give the vendor's endpoints, to be mounted under /jira; createmeta goes before single issues."""
        page = self.world.endpoint("jira", "GET /browse/{key}", self._page)
        browse = Route("/browse/{key}", page, methods=["GET"])
        return [*self._places.routes(), *Issues(self, self.gate).routes(), browse]

    def control_routes(self) -> list[BaseRoute]:
        """Give the doors as JSON endpoints, to be mounted under /_sandbox/jira."""
        doors: list[tuple[str, Callable[..., Any]]] = [
            ("create", self.create),
            ("assign", self.assign),
            ("transition", self.transition),
            ("comment", self.comment),
            ("edit", self.edit),
            ("delete", self.delete),
            ("refuse_field", self.refuse_field),
            ("require_field", self.require_field),
            ("forbid", self.forbid),
            ("allow", self.allow),
            ("set_assignable", self.set_assignable),
            ("set", self._set),
            ("subscribe", self.subscribe),
        ]
        state = route("/state", lambda _: self.state(), ("GET",))
        return [state, *(_door(name, act) for name, act in doors), *delivery_routes(self.deliveries)]

    def state(self) -> Json:
        """Give all that a person would see, as JSON."""
        with self.world.lock:
            return {
                "flavour": self.site.flavour,
                "search_lag": self.search_lag,
                "issues": [self.issue(issue.key) for issue in self.site.issues.values()],
                "subscriptions": [each.url for each in self.deliveries.subscribers.values()],
                "deliveries": [each.as_json() for each in list(self.deliveries.records)],
            }

    def reset(self) -> None:
        """Empty the site; subscriptions, queues, tokens and the search lag go too, the flavour stays."""
        with self.world.lock:
            self.site = Site(flavour=self.site.flavour)
            self.search_lag = 0.0
            self.gate.reset()
            self.deliveries.reset()

    def subscribe(self, url: str, secret: str, *, events: Iterable[str] = ()) -> str:
        """Send webhooks to an address from now on and give the subscription's id; `events` narrows."""
        ident = str(len(self.deliveries.subscribers) + 1)
        self.deliveries.subscribe(Subscriber(ident, url, [secret], frozenset(events)))
        return ident

    def issue(self, key: str) -> Json:
        """Give one issue as v2 shows it, with its remote links and properties."""
        with self.world.lock:
            issue = self.site.issue(key)
            shown = Shapes(self.site, 2).issue(issue, ("*all",), ("*all",))
            return {**shown, "properties": dict(issue.properties), "remotelinks": list(issue.remote_links)}

    def _set(self, flavour: Flavour | None = None, search_lag: float | None = None) -> None:
        self.flavour = flavour or self.flavour
        self.search_lag = self.search_lag if search_lag is None else search_lag

    def _page(self, call: Call) -> Answer:
        """Answer an issue's page, so that links to tickets lead somewhere in the demo."""
        try:
            issue = self.site.issue(call.path_params["key"])
        except KeyError:
            return Answer(404, "no such issue")
        said = [as_plain(issue.description), *(as_plain(comment.body) for comment in issue.comments)]
        paragraphs = "".join(f"<p>{html.escape(text)}</p>" for text in said if text)
        title = html.escape(f"{issue.key} {issue.summary}")
        page = f"<!doctype html><title>{title}</title><h1>{title}</h1><p>{issue.status.name}</p>{paragraphs}"
        return Answer(200, page, {"content-type": "text/html; charset=utf-8"})


def _door(name: str, act: Callable[..., Any]) -> Route:
    def through(body: dict[str, Any]) -> dict[str, Any]:
        outcome = act(**body)
        return {"id": outcome if isinstance(outcome, str) else None}

    return route(f"/{name}", through)
