"""The vendors' own documents, against which all that passes through the stand-ins is held."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator

from integrations.sandbox.exchange import Exchange
from tests.contracts.openapi import OpenApi, place
from tests.contracts.slack_records import SlackRecords

# Where these happen, something else answers in the vendor's place, or nobody does.
# Addresses that Slack hands out; no methods, so nothing is on record of them.
GIVEN_BY_SLACK = {"response_url", "upload_url"}
NOT_THE_VENDOR = frozenset({"malformed", "html", "reset", "timeout", "lose_answer"})


class Documents:
    """Slack's method records, PagerDuty's and Jira Cloud's (v3) REST documents, Atlassian's document format.

    Data Center (v2) and PagerDuty's Events API have published no such document, so what is said to them is
    not held against one.
    """

    def __init__(self, folder: Path) -> None:
        specs = folder / "specs"
        self._slack = SlackRecords(folder / "slack")
        self._pagerduty = OpenApi(_read(specs / "pagerduty-rest-openapi.json"), "/pagerduty")
        self._jira = OpenApi(_read(specs / "jira-cloud-openapi.json"), "/jira")
        self._rich_text = Draft4Validator(_read(specs / "atlassian-document-format.schema.json"))
        self._known: dict[bytes, list[str]] = {}

    def breaches(self, exchanges: Iterable[Exchange]) -> list[str]:
        """What the documents do not allow, each kind of it once."""
        return list(dict.fromkeys(each for exchange in exchanges for each in self._looked_up(exchange)))

    def _looked_up(self, exchange: Exchange) -> list[str]:
        """As before, if the same was said before: four of five exchanges of the stories are like another."""
        said = _digest(exchange)
        if said not in self._known:
            self._known[said] = list(self._of(exchange))
        return self._known[said]

    def _of(self, exchange: Exchange) -> Iterator[str]:
        answered = exchange.status != 0 and exchange.fault not in NOT_THE_VENDOR
        match exchange.vendor:
            case "slack" if exchange.method not in GIVEN_BY_SLACK:
                yield from self._slack.breaches(exchange, answered=answered)
            case "pagerduty" if not exchange.path.endswith("/v2/enqueue"):
                yield from self._pagerduty.breaches(exchange, answered=answered)
            case "jira" if exchange.path.startswith("/jira/rest/api/3/"):
                yield from self._jira.breaches(exchange, answered=answered)
                yield from self._of_rich_text(exchange)

    def _of_rich_text(self, exchange: Exchange) -> Iterator[str]:
        """What Jira's document leaves open: fields that are rich text have to be documents."""
        body = exchange.request_body if isinstance(exchange.request_body, dict) else {}
        fields: dict[str, Any] = body.get("fields") or {}
        for name, text in (("description", fields.get("description")), ("body", body.get("body"))):
            if text is None:
                continue
            for error in self._rich_text.iter_errors(text):
                yield f"{exchange.method}: {name} {place(error)}: {error.message[:300]}"


def _digest(exchange: Exchange) -> bytes:
    """All of an exchange that the documents speak of."""
    asked = (exchange.vendor, exchange.method, exchange.path, exchange.query, exchange.request_body)
    told = (
        exchange.status,
        exchange.fault,
        exchange.response_headers.get("content-type"),
        exchange.raw_response,
    )
    return hashlib.sha256(repr((asked, sorted(exchange.request_headers), told)).encode()).digest()


def _read(path: Path) -> Any:
    return json.loads(path.read_text())
