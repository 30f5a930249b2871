"""Jira's webhook: whom it believes, what it reads out of a body, and what it answers."""

import hashlib
import hmac
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.jira.webhook import Webhook, read_news
from multivac.desk import TicketNews
from multivac.incident import Person

SECRET = "It's a Secret to Everybody"
VECTOR = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
DEE = {"accountId": "712020:dee", "accountType": "atlassian", "displayName": "Dee Okafor"}
BO = {
    "accountId": "712020:bo",
    "accountType": "atlassian",
    "displayName": "Bo",
    "emailAddress": "bo@x.example",
}
ROBOT = {"accountId": "712020:multivac", "accountType": "atlassian", "displayName": "Multivac"}
ASSIGNED = {"field": "assignee", "from": None, "to": "712020:bo", "toString": "Bo"}


class Core:
    """What the webhook hands its news to."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.fails = fails
        self.news: list[TicketNews] = []
        self.told: list[str] = []

    def take(self, news: TicketNews) -> str:
        if self.fails:
            raise self.fails
        self.news.append(news)
        return "changed"

    def tell_operators(self, key: str, what: str, do: str) -> None:
        assert SECRET not in what + do
        self.told.append(key)


def body(*items: dict[str, Any], **changed: Any) -> bytes:
    fields = {"labels": ["multivac-inc-1-abc"], "assignee": BO, "creator": ROBOT}
    said = {
        "timestamp": 1_772_452_800_500,
        "webhookEvent": "jira:issue_updated",
        "user": DEE,
        "issue": {"id": "10001", "key": "OPS-1", "fields": fields},
        "changelog": {"items": list(items)},
    }
    return json.dumps(said | changed).encode()


def door(core: Core, *secrets: str) -> Webhook:
    return Webhook(
        secrets or (SECRET,), take=core.take, account=lambda: str(ROBOT["accountId"]), operators=core
    )


def signed(raw: bytes, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature": f"sha256={digest}", "X-Atlassian-Webhook-Identifier": "wh-1"}


def test_the_published_signature_is_right_and_any_of_several_secrets_will_do() -> None:
    for secrets in ((SECRET,), ("an older one", SECRET)):
        reply = door(Core(), *secrets).receive(b"Hello World!", {"x-hub-signature": VECTOR})
        assert (reply.status, reply.outcome) == (200, "unreadable")


@pytest.mark.skipif("MULTIVAC_PAYLOADS" not in os.environ, reason="no recorded payloads at hand")
def test_the_recorded_vector_is_the_published_one() -> None:
    folder = Path(os.environ["MULTIVAC_PAYLOADS"]) / "jira"
    vector = json.loads((folder / "webhook_signature_vector.json").read_text())
    assert (vector["secret"], vector["X-Hub-Signature"], vector["raw_body"]) == (
        SECRET,
        VECTOR,
        "Hello World!",
    )


@pytest.mark.parametrize("header", ["", "sha256=", "sha1=abc", VECTOR[:-1], "sha256=" + "g" * 64])
def test_what_is_not_signed_is_refused(header: str) -> None:
    core = Core()
    reply = door(core).receive(body(ASSIGNED), {"X-Hub-Signature": header})
    assert (reply.status, reply.outcome, core.news, core.told) == (401, "unsigned", [], [])


def test_a_foreign_signature_is_refused_and_operators_are_told_once() -> None:
    core = Core()
    webhook, raw = door(core), body(ASSIGNED)
    for _ in range(3):
        assert webhook.receive(raw, signed(raw, "another")).status == 401
    assert (core.news, len(core.told)) == ([], 1)
    assert door(Core(), "").receive(raw, signed(raw, "")).status == 401


def test_a_change_is_read_whole() -> None:
    core, raw = Core(), body(ASSIGNED, {"field": "priority", "toString": "High"}, {"field": "summary"})
    assert door(core).receive(raw, signed(raw)).outcome == "changed"
    (news,) = core.news
    assert news == TicketNews(
        request="jira:wh-1",
        at=datetime(2026, 3, 2, 12, 0, 0, 500_000, tzinfo=UTC),
        ticket="OPS-1",
        id="10001",
        labels=("multivac-inc-1-abc",),
        by=Person(name="Dee Okafor", jira="712020:dee"),
        changed=frozenset({"assignee", "priority"}),
        assignee=Person(name="Bo", email="bo@x.example", jira="712020:bo"),
        priority="High",
    )


def test_what_our_own_account_did_is_our_own_whoever_made_the_ticket() -> None:
    core, moved = Core(), {"field": "Key", "fromString": "OPS-1", "toString": "SEC-7"}
    for raw in (body(ASSIGNED, user=ROBOT), body(moved)):
        door(core).receive(raw, signed(raw))
    assert [news.is_our_own for news in core.news] == [True, False]


def test_nobody_is_nobody_and_data_center_names_people_by_their_name() -> None:
    nobody = read_news(body({"field": "assignee", "to": None}), "wh-1")
    assert nobody is not None
    assert nobody.assignee is None
    bo = {"name": "bo", "key": "JIRAUSER10001", "displayName": "Bo", "emailAddress": "bo@x.example"}
    issue = {"key": "OPS-1", "fields": {"labels": [], "assignee": bo}}
    told = read_news(body({"field": "assignee", "to": "JIRAUSER10001"}, issue=issue), "")
    assert told is not None
    assert told.assignee == Person(name="Bo", email="bo@x.example", jira="bo")
    assert told.request.startswith("jira:")


@pytest.mark.parametrize(
    "said",
    [
        body(ASSIGNED, webhookEvent="jira:issue_created"),
        body({"field": "summary", "toString": "x"}),
        body(ASSIGNED, issue={"key": "OPS-1", "fields": {}}),
        body(ASSIGNED, issue=None),
        body(changelog=[]),
    ],
)
def test_what_says_nothing_of_these_is_answered_and_left(said: bytes) -> None:
    core = Core()
    reply = door(core).receive(said, signed(said))
    assert (reply.status, reply.outcome, core.news) == (200, "ignored", [])


@pytest.mark.parametrize(
    "said",
    [b"", b"[]", b"\xff", b"[" * 100_000, body(ASSIGNED, timestamp="soon"), body(ASSIGNED, timestamp=1e300)],
)
def test_what_is_no_body_of_jiras_does_no_harm(said: bytes) -> None:
    reply = door(Core()).receive(said, signed(said))
    assert (reply.status, reply.outcome) == (200, "unreadable")


def test_what_cannot_be_kept_now_is_asked_for_again() -> None:
    raw = body(ASSIGNED)
    reply = door(Core(RuntimeError("no database"))).receive(raw, signed(raw))
    assert (reply.status, reply.outcome) == (503, "unavailable")
