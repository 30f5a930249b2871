"""The front door for Jira's webhooks: prove the signature, read what changed, hand it on.

The web layer calls `Webhook.receive` with the raw body. Jira delivers again for up to half an hour
after no answer, 408, 409, 425, 429 and 5xx; every other answer is final. So what is not ours or not
understood is answered 200, and what we cannot keep now is asked for again. There is no order
between deliveries: each says when it happened.
https://developer.atlassian.com/cloud/jira/platform/webhooks/
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

from integrations.jira.adf import one_line
from integrations.replies import Reply
from multivac.desk import TicketNews
from multivac.errors import GiveUp
from multivac.incident import Person
from multivac.tongue import written

log = structlog.get_logger(__name__)

SIGNATURE_HEADER = "x-hub-signature"
IDENTIFIER_HEADER = "x-atlassian-webhook-identifier"

_SHA256 = re.compile(r"sha256=([0-9a-fA-F]{64})", re.ASCII)
_CHANGED = "jira:issue_updated"
_MOVED = "Key"  # what a changelog says of an issue that went into another project
_FAR_FUTURE = 4_102_444_800_000  # milliseconds, the year 2100: no Jira says this
_LONGEST_NAME = 100

Json = Mapping[str, Any]
_EMPTY: Json = {}


class Operators(Protocol):
    """Where mistakes of the set-up are told."""

    def tell_operators(self, key: str, what: str, do: str) -> None:
        """Tell the people who run Multivac, once for each key."""
        ...


class Webhook:
    """Receives deliveries; `secrets` may be several while Jira's is being changed."""

    def __init__(
        self,
        secrets: Sequence[str],
        *,
        take: Callable[[TicketNews], str],
        account: Callable[[], str],
        operators: Operators,
    ) -> None:
        # Anybody can sign with an empty secret.
        self._secrets = tuple(secret.encode() for secret in secrets if secret)
        self._take = take
        self._account = account  # our own
        self._operators = operators
        self._told = False

    def receive(self, raw: bytes, headers: Mapping[str, str]) -> Reply:
        """The answer to one delivery; `raw` is the body exactly as it came. Never raises."""
        named = {name.lower(): value for name, value in headers.items()}
        given = _SHA256.fullmatch(named.get(SIGNATURE_HEADER, "").strip())
        if given is None:
            log.warning("webhook without a usable signature")
            return Reply(401, "No valid X-Hub-Signature header.", "unsigned")
        if not self._is_signed(raw, bytes.fromhex(given[1])):
            self._tell_of_a_foreign_signature()
            return Reply(401, "The signature matches no known secret.", "unverified")
        try:
            news = read_news(raw, named.get(IDENTIFIER_HEADER, ""))
        except (ValueError, RecursionError) as error:
            log.warning("webhook unreadable", why=str(error)[:200])
            return Reply(200, "Not understood.", "unreadable")
        if news is None:
            return Reply(200, "Nothing to do with us.", "ignored")
        try:
            return Reply(200, "Accepted.", self._take(replace(news, is_our_own=self._did(news))))
        except Exception:  # the web's boundary: whatever broke, Jira has to deliver again
            log.exception("webhook not kept")
            return Reply(503, "Cannot keep this now, deliver it again.", "unavailable")

    def _did(self, news: TicketNews) -> bool:
        """Whether we changed it ourselves; with a token that Jira refuses, we change nothing."""
        try:
            return news.by is not None and news.by.jira == self._account()
        except GiveUp:
            return False

    def _is_signed(self, raw: bytes, given: bytes) -> bool:
        # Every secret is tried before looking at the results, so that time tells nothing.
        ours = [hmac.digest(secret, raw, hashlib.sha256) for secret in self._secrets]
        return any([hmac.compare_digest(own, given) for own in ours])  # noqa: C419 - see above

    def _tell_of_a_foreign_signature(self) -> None:
        # Remembered here too, so that a flood of forgeries does not become one of transactions.
        if self._told:
            return
        self._told = True
        log.warning("webhook matches no secret")
        try:
            self._operators.tell_operators(
                "jira webhook matches no secret",
                written("A Jira webhook came whose signature matches none of the configured secrets."),
                written(
                    "Add the webhook's secret to jira.webhook_secrets. "
                    "If it is right, somebody else is calling."
                ),
            )
        except Exception:  # the web's boundary: the answer does not depend on the telling
            log.exception("operators not told")


def read_news(raw: bytes, identifier: str) -> TicketNews | None:
    """What a body says of a ticket's key, assignee, priority and status; None if it says nothing of them.

    Raises `ValueError` for what is no body of Jira's.
    """
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("not an object")  # noqa: TRY004 - wrong content, not code
    if body.get("webhookEvent") != _CHANGED:
        return None
    issue = _part(body, "issue")
    fields, key = _part(issue, "fields"), _words(issue.get("key"))
    listed = _part(body, "changelog").get("items")
    items = {_words(one.get("field")): one for one in listed or () if isinstance(one, dict)}
    changed = frozenset({"assignee", "priority", "status"} & items.keys())
    labels = fields.get("labels")
    if not (changed or _MOVED in items) or not key or not isinstance(labels, list):
        return None
    return TicketNews(
        request=f"jira:{identifier or hashlib.sha256(raw).hexdigest()}",
        at=_moment(body.get("timestamp")),
        ticket=key,
        id=_words(issue.get("id")),
        labels=tuple(_words(one) for one in labels),
        by=person_of(body.get("user")),
        changed=changed,
        assignee=_assignee(items.get("assignee", _EMPTY), fields),
        priority=_words(items.get("priority", _EMPTY).get("toString")),
        status=_words(items.get("status", _EMPTY).get("toString")),
    )


def person_of(user: object) -> Person | None:
    """The human behind a user of Jira's; Cloud hides most addresses."""
    if not isinstance(user, dict) or user.get("accountType", "atlassian") != "atlassian":
        return None
    account = _words(user.get("accountId")) or _words(user.get("name"))
    email = _words(user.get("emailAddress"))
    if not account:
        return None
    shown = one_line(_words(user.get("displayName")) or account, _LONGEST_NAME)
    return Person(name=shown, email=email if "@" in email else None, jira=account)


def _assignee(item: Json, fields: Json) -> Person | None:
    """Who it is assigned to by this change: as the issue shows them, if that is who the change names."""
    to = _words(item.get("to"))
    shown = fields.get("assignee")
    if not to:
        return None
    if isinstance(shown, dict) and to in {shown.get(name) for name in ("accountId", "name", "key")}:
        return person_of(shown)
    return Person(name=one_line(_words(item.get("toString")) or to, _LONGEST_NAME), jira=to)


def _moment(said: object) -> datetime:
    if not isinstance(said, int) or not 0 < said < _FAR_FUTURE:
        raise ValueError("no timestamp")
    return datetime.fromtimestamp(said / 1000, UTC)


def _part(body: Json, name: str) -> Json:
    found = body.get(name)
    return found if isinstance(found, dict) else _EMPTY


def _words(said: object) -> str:
    return said.strip()[:300] if isinstance(said, str) else ""
