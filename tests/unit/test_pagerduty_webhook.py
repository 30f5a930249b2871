"""The webhook's front door: whom it believes, and what it answers when."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from integrations.pagerduty.webhook import Outcome, Webhook
from integrations.replies import Reply
from multivac.errors import TryAgain
from multivac.incident import Alert

RECORDED = os.environ.get("MULTIVAC_PAYLOADS")
SECRET, OTHER = "first secret", "second secret"
PING = json.dumps({"event": {"id": "E1", "event_type": "pagey.ping", "data": {"message": "hi"}}}).encode()


class Intake:
    def __init__(self, fails: Exception | None = None) -> None:
        self.fails = fails
        self.taken: list[Alert] = []
        self.unreadable: list[tuple[bytes, str | None, str]] = []
        self.told: list[str] = []

    def take(self, alert: Alert) -> None:
        if self.fails:
            raise self.fails
        self.taken.append(alert)

    def keep_unreadable(self, body: bytes, *, webhook_id: str | None, why: str) -> None:
        if self.fails:
            raise self.fails
        self.unreadable.append((body, webhook_id, why))

    def tell_operators(self, key: str, what: str, do: str) -> None:
        if self.fails:
            raise self.fails
        assert SECRET not in what + do
        self.told.append(key)


def signed(body: bytes, *secrets: str) -> dict[str, str]:
    each = (hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets)
    return {"X-PagerDuty-Signature": ",".join(f"v1={one}" for one in each), "X-Webhook-Id": "wh-1"}


def webhook(intake: Intake, *secrets: str, unverified: Literal["retry", "refuse"] = "retry") -> Webhook:
    return Webhook(secrets, unverified=unverified, intake=intake)


def test_a_rightly_signed_event_is_taken_and_answered_202() -> None:
    intake = Intake()
    reply = webhook(intake, SECRET).receive(PING, signed(PING, SECRET))
    assert (reply.status, reply.outcome) == (202, Outcome.ACCEPTED)
    assert [(alert.event_id, alert.webhook_id) for alert in intake.taken] == [("E1", "wh-1")]


@pytest.mark.parametrize("ours", [(SECRET,), (OTHER, SECRET), ("", SECRET)])
@pytest.mark.parametrize("theirs", [(SECRET,), ("unknown", SECRET), (SECRET, "unknown")])
def test_any_of_our_secrets_may_match_any_signature(ours: tuple[str, ...], theirs: tuple[str, ...]) -> None:
    assert webhook(Intake(), *ours).receive(PING, signed(PING, *theirs)).status == 202


@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_header_names_come_in_any_case(case: Any) -> None:
    headers = {case(name): value for name, value in signed(PING, SECRET).items()}
    assert webhook(Intake(), SECRET).receive(PING, headers).status == 202


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "v1=",
        "v1=abc",
        "v1=" + "g" * 64,
        "v1=" + "a" * 63,
        "v1=" + "a" * 65,
        "v2=" + "a" * 64,
        "a" * 64,
        "v1=" + "é" * 64,
    ],
)
def test_a_missing_or_malformed_signature_is_refused(header: str | None) -> None:
    intake = Intake()
    headers = {} if header is None else {"X-PagerDuty-Signature": header}
    reply = webhook(intake, SECRET).receive(PING, headers)
    assert (reply.status, reply.outcome) == (401, Outcome.UNSIGNED)
    assert not intake.taken
    assert not intake.told


def test_unknown_versions_beside_a_right_one_are_passed_over() -> None:
    headers = signed(PING, SECRET)
    headers["X-PagerDuty-Signature"] = f"v2=00, {headers['X-PagerDuty-Signature']} ,v9"
    assert webhook(Intake(), SECRET).receive(PING, headers).status == 202


@pytest.mark.parametrize(("unverified", "status"), [("retry", 503), ("refuse", 401)])
def test_a_foreign_signature_waits_or_is_refused_and_operators_hear_once(
    unverified: Literal["retry", "refuse"], status: int
) -> None:
    intake = Intake()
    door = webhook(intake, SECRET, unverified=unverified)
    replies = [door.receive(PING, signed(PING, "rotated")) for _ in range(3)]
    assert {(reply.status, reply.outcome) for reply in replies} == {(status, Outcome.UNVERIFIED)}
    assert intake.told == ["pagerduty webhook matches no secret"]
    assert not intake.taken


def test_one_changed_byte_spoils_the_signature() -> None:
    assert webhook(Intake(), SECRET).receive(PING + b" ", signed(PING, SECRET)).status == 503


@pytest.mark.parametrize("secrets", [(), ("",)])
def test_without_any_secret_nothing_is_believed_and_nothing_is_lost(secrets: tuple[str, ...]) -> None:
    intake = Intake()
    door = webhook(intake, *secrets, unverified="refuse")
    replies = [door.receive(PING, signed(PING, "")), door.receive(PING, {})]
    assert {(reply.status, reply.outcome) for reply in replies} == {(503, Outcome.UNAVAILABLE)}
    assert intake.told == ["pagerduty webhook has no secret"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b'{"event": {"id": "E1"}}'])
def test_an_unreadable_body_is_kept_and_answered_202(body: bytes) -> None:
    intake = Intake()
    reply = webhook(intake, SECRET).receive(body, signed(body, SECRET))
    assert (reply.status, reply.outcome) == (202, Outcome.UNREADABLE)
    [(kept, webhook_id, why)] = intake.unreadable
    assert (kept, webhook_id, bool(why)) == (body, "wh-1", True)


@pytest.mark.parametrize("kind", ["incident.levitated", "service.created", "incident.triggered"])
def test_unknown_types_and_shapes_are_accepted(kind: str) -> None:
    body = json.dumps({"event": {"event_type": kind, "data": 7}}).encode()
    assert webhook(Intake(), SECRET).receive(body, signed(body, SECRET)).status == 202


@pytest.mark.parametrize("fails", [TryAgain("the writer is busy"), RuntimeError("database is locked")])
@pytest.mark.parametrize("body", [PING, b"{"])
def test_what_cannot_be_kept_now_is_asked_for_again(fails: Exception, body: bytes) -> None:
    reply = webhook(Intake(fails), SECRET).receive(body, signed(body, SECRET))
    assert (reply.status, reply.outcome) == (503, Outcome.UNAVAILABLE)
    assert "locked" not in reply.text


def test_operators_who_could_not_be_told_are_told_later() -> None:
    intake = Intake(RuntimeError("database is locked"))
    door = webhook(intake, SECRET)
    assert door.receive(PING, signed(PING, "rotated")).status == 503
    intake.fails = None
    door.receive(PING, signed(PING, "rotated"))
    assert intake.told == ["pagerduty webhook matches no secret"]


def test_what_still_happens_is_said_once_an_hour() -> None:
    intake, now = Intake(), datetime(2026, 3, 2, 12, tzinfo=UTC)
    times = iter(now + timedelta(minutes=minute) for minute in (0, 1, 59, 60, 61, 30))
    door = Webhook([SECRET], unverified="retry", intake=intake, now=lambda: next(times))
    for _ in range(6):
        door.receive(PING, signed(PING, "x"))
    assert len(intake.told) == 3, "at first, an hour later, and when the clock was set back"


def test_no_secret_shows_in_the_door_or_its_answers() -> None:
    door = webhook(Intake(), SECRET)
    answers: list[Reply] = [door.receive(PING, {}), door.receive(PING, signed(PING, "x"))]
    assert SECRET not in repr(door) + repr(answers)


def vectors() -> list[dict[str, Any]]:
    path = Path(RECORDED or "absent") / "pagerduty" / "signature_vectors.json"
    return json.loads(path.read_text()) if path.exists() else []


@pytest.mark.skipif(not RECORDED, reason="MULTIVAC_PAYLOADS is not set: no signature vectors here")
def test_there_are_vectors() -> None:
    assert len(vectors()) >= 5


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
def test_a_published_vector_is_judged_as_published(vector: dict[str, Any]) -> None:
    headers = {"X-PagerDuty-Signature": vector["X-PagerDuty-Signature"]}
    reply = webhook(Intake(), vector["secret"]).receive(vector["raw_body"].encode(), headers)
    assert (reply.status == 202) == vector["valid"]


@pytest.mark.parametrize(
    "path", sorted(Path(RECORDED or "absent").glob("pagerduty/*.*.json")), ids=lambda path: path.stem
)
def test_a_recorded_body_goes_through_the_front_door(path: Path) -> None:
    intake, body = Intake(), path.read_bytes()
    assert webhook(intake, SECRET).receive(body, signed(body, SECRET)).outcome == Outcome.ACCEPTED
    assert [alert.vendor_kind for alert in intake.taken] == [path.stem]
