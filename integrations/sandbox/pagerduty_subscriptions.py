"""PagerDuty's webhook subscriptions: the rules of delivery, and the endpoints which manage them."""

import secrets
from collections.abc import Callable

from starlette.routing import BaseRoute, Route

from integrations.sandbox.deliveries import Parcel, Reply, Rules, Subscriber, hex_hmac
from integrations.sandbox.pagerduty_doors import Doors
from integrations.sandbox.pagerduty_gate import Gate, Refusal
from integrations.sandbox.pagerduty_model import Json, make_id
from integrations.sandbox.pagerduty_reads import found, page
from integrations.sandbox.pagerduty_writes import wrapped
from integrations.sandbox.world import Answer, Call

HOUR = 3600.0
TOO_MANY = 429


def signature_headers(parcel: Parcel) -> dict[str, str]:
    """Give the headers of a V3 webhook: one signature per secret, none without secrets."""
    signatures = [f"v1={hex_hmac(secret, parcel.event.body)}" for secret in parcel.subscriber.secrets]
    return {
        **({"X-PagerDuty-Signature": ",".join(signatures)} if signatures else {}),
        "X-Webhook-Id": parcel.webhook_id,
        "X-Webhook-Subscription": parcel.subscriber.id,
        "User-Agent": "PagerDuty-Webhook/V3.0",
    }


def tries_again(reply: Reply) -> bool:
    """Say what is worth another attempt: no answer, 429 and 5xx; a bad certificate is not."""
    if reply.status is None:
        return reply.why != "tls"
    return reply.status == TOO_MANY or reply.status >= 500  # the server errors


# Documented: 5 s, 48 h, three drops in a row disable for 24 h. The pauses are not published.
RULES = Rules(
    headers=signature_headers,
    tries_again=tries_again,
    waits=(5, 15, 45, 120, 300, 600, 1800, HOUR),
    repeats_last_wait=True,
    gives_up_after=48 * HOUR,
    time_limit=5.0,
    drops_that_disable=3,
    disabled_for=24 * HOUR,
)


class Subscriptions:
    """Answers the requests about webhook subscriptions."""

    def __init__(self, doors: Doors, gate: Gate) -> None:
        self._doors = doors
        self._gate = gate

    def routes(self) -> list[BaseRoute]:
        """Give the routes below the API's root."""
        return [
            self._route("GET", "/webhook_subscriptions", self.listed),
            self._route("POST", "/webhook_subscriptions", self.create),
            self._route("GET", "/webhook_subscriptions/{id}", self.one),
            self._route("DELETE", "/webhook_subscriptions/{id}", self.delete),
            self._route("POST", "/webhook_subscriptions/{id}/ping", self.ping),
        ]

    def listed(self, call: Call) -> Answer:
        """List subscriptions, without their secrets."""
        subscribers = self._doors.deliveries.subscribers.values()
        return page(call, "webhook_subscriptions", [self._shown(each) for each in subscribers])

    def create(self, call: Call) -> Answer:
        """Add a subscription; the answer alone shows the secret."""
        wanted = wrapped(call, "webhook_subscription")
        method, scope = wanted.get("delivery_method") or {}, wanted.get("filter") or {}
        if not method.get("url") or not wanted.get("events") or not scope.get("type"):
            raise Refusal(400, "delivery_method.url, events and filter.type are required")
        headers = {each["name"]: each["value"] for each in method.get("custom_headers") or []}
        secret = secrets.token_urlsafe(48)
        subscriber = Subscriber(
            id=make_id(f"subscription {secrets.token_hex(8)}"),
            url=method["url"],
            secrets=[secret],
            events=frozenset(wanted["events"]),
            filter_id=scope.get("id"),
            headers=headers,
            description=wanted.get("description") or "",
        )
        self._doors.deliveries.subscribe(subscriber)
        shown = self._shown(subscriber)
        shown["delivery_method"]["secret"] = secret
        return Answer(200, {"webhook_subscription": shown})

    def one(self, call: Call) -> Answer:
        """Answer one subscription."""
        subscriber = found(self._doors.deliveries.subscribers, call.path_params["id"])
        return Answer(200, {"webhook_subscription": self._shown(subscriber)})

    def delete(self, call: Call) -> Answer:
        """Remove a subscription and what waits for it."""
        subscriber = found(self._doors.deliveries.subscribers, call.path_params["id"])
        self._doors.deliveries.unsubscribe(subscriber.id)
        return Answer(204)

    def ping(self, call: Call) -> Answer:
        """Send the test event."""
        found(self._doors.deliveries.subscribers, call.path_params["id"])
        self._doors.ping()
        return Answer(202)

    def _shown(self, subscriber: Subscriber) -> Json:
        method = {
            "id": make_id(f"delivery {subscriber.id}"),
            "secret": None,
            "temporarily_disabled": self._doors.deliveries.is_disabled(subscriber),
            "type": "http_delivery_method",
            "url": subscriber.url,
            "custom_headers": [{"name": name, "value": "-- redacted --"} for name in subscriber.headers],
        }
        scope = {"type": "account_reference"}
        if subscriber.filter_id:
            scope = {"type": "service_reference", "id": subscriber.filter_id}
        return {
            "id": subscriber.id,
            "type": "webhook_subscription",
            "active": subscriber.active,
            "delivery_method": method,
            "description": subscriber.description,
            "events": sorted(subscriber.events),
            "filter": scope,
        }

    def _route(self, verb: str, path: str, handler: Callable[[Call], Answer]) -> Route:
        endpoint = self._doors.world.endpoint("pagerduty", f"{verb} {path}", self._gate.admit(handler))
        return Route(path, endpoint, methods=[verb])
