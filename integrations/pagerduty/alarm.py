"""PagerDuty's Events API v2 as the alarm of those who run Multivac; built by app.py.

It has a routing key of its own, which names the service whose on-call is woken, and needs neither
the REST API nor its token: https://developer.pagerduty.com/docs/events-api-v2/overview/.
"""

from __future__ import annotations

import hashlib
import json
import platform
from http import HTTPStatus

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from multivac.errors import GiveUp, TryAgain
from multivac.tongue import phrase

_LONGEST_SUMMARY = 1024
_LONGEST_KEY = 255


class PagerDutyAlarm:
    """Fulfils `multivac.ports.Alarm`; repeating either verb does no harm, since events have a key."""

    def __init__(self, routing_key: str, *, events_url: str, timeout: float = 10.0) -> None:
        self._routing_key = routing_key
        self._url = f"{events_url.rstrip('/')}/v2/enqueue"
        self._http = urllib3.PoolManager(maxsize=1, timeout=timeout, retries=False)

    def trigger(self, key: str, what: str, do: str) -> None:
        """Open an alert, or add to the one that is open under this key."""
        payload = {
            "summary": f"{what} {do}".strip()[:_LONGEST_SUMMARY],
            "source": f"multivac on {platform.node() or 'an unnamed machine'}",
            "severity": "critical",
            "class": "multivac",
        }
        self._send("trigger", key, {"payload": payload})

    def resolve(self, key: str) -> None:
        """End the alert under this key; there may be none."""
        self._send("resolve", key, {})

    def _send(self, action: str, key: str, more: dict[str, object]) -> None:
        event = {"routing_key": self._routing_key, "event_action": action, "dedup_key": _dedup(key), **more}
        try:
            answer = self._http.request("POST", self._url, json=event, redirect=False)
        except (NewConnectionError, ConnectTimeoutError) as nobody:
            raise TryAgain(phrase("PagerDuty's Events API cannot be reached."), reached=False) from nobody
        except HTTPError as silence:
            raise TryAgain(phrase("PagerDuty's Events API did not answer.")) from silence
        if answer.status != HTTPStatus.ACCEPTED:
            raise _refusal(answer.status, answer.data.replace(self._routing_key.encode(), b"[key]"))


def _refusal(status: int, body: bytes) -> TryAgain | GiveUp:
    is_refused = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if status == HTTPStatus.TOO_MANY_REQUESTS or not is_refused:
        return TryAgain(
            phrase("PagerDuty's Events API answered {status}.", status=status),
            reached=status != HTTPStatus.TOO_MANY_REQUESTS,
        )
    return GiveUp(
        phrase(
            "PagerDuty's Events API refuses the event ({status}): {said}", status=status, said=_words(body)
        ),
        fix=phrase("Set watch.routing_key to the integration key of an Events API v2 integration."),
        operators=True,
    )


def _words(body: bytes) -> str:
    try:
        said = json.loads(body)
    except ValueError:
        return phrase("no reason given")
    errors = said.get("errors") if isinstance(said, dict) else None
    return (
        "; ".join(map(str, errors))[:200]
        if isinstance(errors, list) and errors
        else phrase("no reason given")
    )


def _dedup(key: str) -> str:
    """A key within PagerDuty's 255 letters, the same for the same matter."""
    name = f"multivac:{key}"
    return name if len(name) <= _LONGEST_KEY else f"multivac:{hashlib.sha256(key.encode()).hexdigest()}"
