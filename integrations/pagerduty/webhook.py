"""The front door for PagerDuty's V3 webhooks: prove the signature, read the event, hand it on.

The web layer calls `Webhook.receive` with the raw body and sends the `Reply` back. The answers
follow PagerDuty's delivery rules: a 2xx is done, 429 and 5xx are delivered again for up to 48 h,
every other 4xx is dropped, and three drops in a row switch the subscription off for a day. So
whatever is rightly signed is never refused, and what we cannot keep now is asked for again.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol

import structlog

from integrations.pagerduty.bodies import ident
from integrations.pagerduty.events import Unreadable, read_event
from integrations.replies import Reply
from multivac.incident import Alert
from multivac.tongue import written

log = structlog.get_logger(__name__)

SIGNATURE_HEADER = "x-pagerduty-signature"
WEBHOOK_ID_HEADER = "x-webhook-id"

_V1 = re.compile(r"v1=([0-9a-fA-F]{64})", re.ASCII)


class Outcome(StrEnum):
    """What became of one delivery, as the metric labels it."""

    ACCEPTED = "accepted"
    UNREADABLE = "unreadable"
    UNSIGNED = "unsigned"
    UNVERIFIED = "unverified"
    UNAVAILABLE = "unavailable"


class FrontDoor(Protocol):
    """What the webhook needs of the core's intake."""

    def take(self, alert: Alert) -> None:
        """Keep the alert and act on it; returns after the commit."""
        ...

    def keep_unreadable(self, body: bytes, *, webhook_id: str | None, why: str) -> None:
        """Keep a body that nobody could read, for the operator to look at."""
        ...

    def tell_operators(self, key: str, what: str, do: str) -> None:
        """Tell the people who run Multivac, once for each key."""
        ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


_STILL_SO = timedelta(hours=1)  # then it is said once more that it still happens


class Webhook:
    """Receives deliveries; `secrets` may be several while PagerDuty's are being changed.

    `unverified` says what a well-formed signature gets that matches none of them: `retry` (503,
    so that a mistake in our own secrets loses nothing) or `refuse` (401).
    """

    def __init__(
        self,
        secrets: Sequence[str],
        *,
        unverified: Literal["retry", "refuse"],
        intake: FrontDoor,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        # Anybody can sign with an empty secret.
        self._secrets = tuple(secret.encode() for secret in secrets if secret)
        self._unverified = unverified
        self._intake = intake
        self._now = now
        self._told: dict[str, datetime] = {}

    def receive(self, raw: bytes, headers: Mapping[str, str]) -> Reply:
        """The answer to one delivery; `raw` is the body exactly as it came. Never raises."""
        named = {name.lower(): value for name, value in headers.items()}
        if not self._secrets:
            return self._without_secrets()
        signatures = _signatures(named.get(SIGNATURE_HEADER, ""))
        if not signatures:
            log.warning("webhook without a usable signature")
            return Reply(401, f"No valid {SIGNATURE_HEADER} header.", Outcome.UNSIGNED)
        if not self._is_signed(raw, signatures):
            return self._with_a_foreign_signature()
        try:
            return self._take(raw, webhook_id=ident(named.get(WEBHOOK_ID_HEADER)))
        except Exception:  # the web's boundary: whatever broke, PagerDuty has to deliver again
            log.exception("webhook not kept")
            return Reply(503, "Cannot keep this now, deliver it again.", Outcome.UNAVAILABLE)

    def _is_signed(self, raw: bytes, signatures: Sequence[bytes]) -> bool:
        ours = [hmac.digest(secret, raw, hashlib.sha256) for secret in self._secrets]
        # Every pair is compared before looking at the results, so that time tells nothing.
        matches = [hmac.compare_digest(own, given) for own in ours for given in signatures]
        return any(matches)

    def _take(self, raw: bytes, *, webhook_id: str | None) -> Reply:
        try:
            alert = read_event(raw, webhook_id=webhook_id, received_at=self._now())
        except Unreadable as unreadable:
            log.warning("webhook unreadable", webhook_id=webhook_id, why=unreadable.why)
            self._intake.keep_unreadable(raw, webhook_id=webhook_id, why=unreadable.why)
            return Reply(202, "Kept, but not understood.", Outcome.UNREADABLE)
        self._intake.take(alert)
        return Reply(202, "Accepted.", Outcome.ACCEPTED)

    def _without_secrets(self) -> Reply:
        self._tell(
            "pagerduty webhook has no secret",
            written("PagerDuty delivers webhooks, but Multivac has no secret to check them with."),
            written(
                "Set pagerduty.webhook_secrets to the secret of the webhook subscription; "
                "PagerDuty keeps the events for up to 48 hours."
            ),
        )
        return Reply(503, "No webhook secret is configured.", Outcome.UNAVAILABLE)

    def _with_a_foreign_signature(self) -> Reply:
        self._tell(
            "pagerduty webhook matches no secret",
            written("A PagerDuty webhook came whose signature matches none of the configured secrets."),
            written(
                "Add the secret of the webhook subscription to pagerduty.webhook_secrets. "
                "If the secrets are right, somebody else is calling this address."
            ),
        )
        status = 503 if self._unverified == "retry" else 401
        return Reply(status, "The signature matches no known secret.", Outcome.UNVERIFIED)

    def _tell(self, key: str, what: str, do: str) -> None:
        # Remembered here too, so that a flood of forgeries does not become one of transactions.
        now, told_at = self._now(), self._told.get(key)
        if told_at is not None and told_at <= now < told_at + _STILL_SO:
            return
        log.warning("webhook refused", reason=key)
        try:
            self._intake.tell_operators(key, what, do)
        except Exception:  # the web's boundary: the answer does not depend on the telling
            log.exception("operators not told", reason=key)
        else:
            self._told[key] = now


def _signatures(header: str) -> tuple[bytes, ...]:
    """Every well-formed v1 signature of the header; other versions may come one day."""
    found = (_V1.fullmatch(each.strip()) for each in header.split(","))
    return tuple(bytes.fromhex(each.group(1)) for each in found if each)
