"""The PagerDuty stand-in: REST API v2, Events API v2 and signed V3 webhooks over real HTTP.

State is in `pagerduty_model`, what changes it in `pagerduty_doors`, the endpoints in `pagerduty_reads`,
`pagerduty_writes` and `pagerduty_subscriptions`, credentials and limits in `pagerduty_gate`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from starlette.routing import BaseRoute, Route

from integrations.sandbox import pagerduty_shapes as shapes
from integrations.sandbox.control import route
from integrations.sandbox.deliveries import Deliveries, Subscriber
from integrations.sandbox.delivery_routes import delivery_routes
from integrations.sandbox.pagerduty_doors import Doors
from integrations.sandbox.pagerduty_gate import TOKEN, Gate, fault_words
from integrations.sandbox.pagerduty_model import Account, Incident, Json, make_id
from integrations.sandbox.pagerduty_reads import Reads
from integrations.sandbox.pagerduty_subscriptions import RULES, Subscriptions
from integrations.sandbox.pagerduty_writes import Writes
from integrations.sandbox.world import World

__all__ = ["TOKEN", "PagerDuty"]


class PagerDuty(Doors):
    """One PagerDuty account; empty until `seed_pagerduty`.

    People's changes are the methods inherited from `Doors`; `gate` holds the accepted tokens,
    `account` the objects, `deliveries.records` every webhook attempt.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.account = Account()
        self.gate = Gate(world, lambda: self.account)
        self.deliveries = Deliveries(world.clock, RULES, world.touch)
        world.teach("pagerduty", fault_words())

    def routes(self) -> list[BaseRoute]:
        """Give the vendor's endpoints, to be mounted under /pagerduty."""
        parts = (Reads(self, self.gate), Writes(self, self.gate), Subscriptions(self, self.gate))
        return [each for part in parts for each in part.routes()]

    def control_routes(self) -> list[BaseRoute]:
        """Give the doors as JSON endpoints, to be mounted under /_sandbox/pagerduty."""
        doors: list[tuple[str, Callable[..., Any]]] = [
            ("trigger", self.trigger),
            ("acknowledge", self.acknowledge),
            ("unacknowledge", self.unacknowledge),
            ("resolve", self.resolve),
            ("merge", self.merge),
            ("reopen", self.reopen),
            ("escalate", self.escalate),
            ("delegate", self.delegate),
            ("reassign", self.reassign),
            ("add_responder", self.add_responder),
            ("responder_replied", self.responder_replied),
            ("annotate", self.annotate),
            ("status_update", self.status_update),
            ("set_priority", self.set_priority),
            ("change_service", self.change_service),
            ("set_bridge", self.set_bridge),
            ("change_type", self.change_type),
            ("set_custom_field", self.set_custom_field),
            ("task", self.task),
            ("assign_role", self.assign_role),
            ("workflow", self.workflow),
            ("action", self.action),
            ("ping", self.ping),
            ("create_service", self.create_service),
            ("rename_service", self.rename_service),
            ("delete_service", self.delete_service),
            ("set_service_field", self.set_service_field),
            ("set_on_call", self.set_on_call),
            ("subscribe", self.subscribe),
            ("rotate_secret", self.rotate_secret),
        ]
        state = route("/state", lambda _: self.state(), ("GET",))
        return [state, *(_door(name, act) for name, act in doors), *delivery_routes(self.deliveries)]

    def state(self) -> Json:
        """Give all that a person would see, as JSON."""
        with self.world.lock:
            return {
                "incidents": [self._whole(incident) for incident in self.account.incidents.values()],
                "services": [
                    shapes.service_json(self.account, each) for each in self.account.services.values()
                ],
                "oncalls": shapes.oncalls(self.account, self.now()),
                "subscriptions": [each.url for each in self.deliveries.subscribers.values()],
                "deliveries": [each.as_json() for each in list(self.deliveries.records)],
            }

    def reset(self) -> None:
        """Empty the account; subscriptions, queues and tokens go too."""
        with self.world.lock:
            self.account = Account()
            self.gate.reset()
            self.deliveries.reset()

    def subscribe(
        self, url: str, secret: str | Sequence[str], *, events: Iterable[str] = (), service: str | None = None
    ) -> str:
        """Send webhooks to an address from now on and give the subscription's id.

        Several secrets give several signatures, as during a rotation; `events` and `service` narrow.
        """
        secrets = [secret] if isinstance(secret, str) else list(secret)
        ident = make_id(f"subscription {url} {len(self.deliveries.subscribers)}")
        scope = self.account.service(service).id if service else None
        self.deliveries.subscribe(Subscriber(ident, url, secrets, frozenset(events), scope))
        return ident

    def rotate_secret(self, subscription: str, secret: str, *, keep_old: bool = True) -> None:
        """Sign with a new secret first, and with the old ones as long as they are kept."""
        subscriber = self.deliveries.subscribers[subscription]
        subscriber.secrets = [secret, *(subscriber.secrets if keep_old else [])]

    def duplicate_next(self, n: int = 1) -> None:
        """Deliver the next n events twice."""
        self.deliveries.duplicate_next(n)

    def lose_next(self, n: int = 1) -> None:
        """Never deliver the next n events."""
        self.deliveries.lose_next(n)

    def hold_deliveries(self) -> None:
        """Collect events instead of delivering them."""
        self.deliveries.hold()

    def release(self, order: str = "sent") -> int:
        """Deliver what was held: "sent", "reversed" or "shuffled"."""
        return self.deliveries.release(order)

    def redeliver_due(self) -> None:
        """Make the attempts that are due by now and wait for them."""
        self.deliveries.redeliver_due()

    def deliver_raw(
        self, body: bytes, secrets: Sequence[str] | None = None, headers: Mapping[str, str] | None = None
    ) -> list[int | None]:
        """Post any body to every subscription now and give the statuses; see `Deliveries.send_raw`."""
        return self.deliveries.send_raw(body, secrets=secrets, headers=headers)

    def incident(self, ident: str) -> Json:
        """Give one incident with its notes, updates and responders, as JSON."""
        with self.world.lock:
            return self._whole(self.account.incidents[ident])

    def _whole(self, incident: Incident) -> Json:
        shape = shapes.incident_json(self.account, incident)
        shape["notes"] = [shapes.note_json(self.account, note) for note in incident.notes]
        shape["status_updates"] = [shapes.update_json(self.account, update) for update in incident.updates]
        return shape


def _door(name: str, act: Callable[..., Any]) -> Route:
    def through(body: dict[str, Any]) -> dict[str, Any]:
        outcome = act(**body)
        return {"id": outcome if isinstance(outcome, str) else getattr(outcome, "id", None)}

    return route(f"/{name}", through)
