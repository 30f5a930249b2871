"""The PagerDuty stand-in behaves as PagerDuty does, seen through its own SDK over loopback."""

import hashlib
import hmac
import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pdpyras
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from integrations.sandbox.pagerduty import TOKEN, PagerDuty
from integrations.sandbox.pagerduty_seed import add_services, seed_pagerduty
from integrations.sandbox.pagerduty_subscriptions import RULES
from integrations.sandbox.seed import PEOPLE
from integrations.sandbox.world import Clock, Fault, Loopback, World
from tests.unit.receiver import Receiver

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = 3600


class Account:
    """An account, served; `api` is the SDK's session with an account key, acting for Ana."""

    def __init__(self) -> None:
        self.world = World(Clock(frozen=NOON))
        self.pagerduty = PagerDuty(self.world)
        control = Mount("/_sandbox/pagerduty", routes=self.pagerduty.control_routes())
        routes = [Mount("/pagerduty", routes=self.pagerduty.routes()), control]
        self.loopback = Loopback(Starlette(routes=routes)).start()
        self.api = self.session(TOKEN)

    def start_afresh(self) -> None:
        self.world.reset()
        self.pagerduty.reset()
        self.pagerduty.deliveries.rules = RULES
        self.world.clock.freeze(NOON)
        self.world.limits_on = False
        seed_pagerduty(self.pagerduty, PEOPLE.items())

    def session(self, token: str, sender: str | None = "ana@example.com") -> pdpyras.APISession:
        session = pdpyras.APISession(token, default_from=sender)
        session.url = f"{self.loopback.url}/pagerduty"
        return session

    def service(self, name: str) -> dict[str, str]:
        return {"id": self.pagerduty.account.service(name).id, "type": "service_reference"}

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        status, _, answer = self.raw("POST", path, json.dumps(body))
        return status, answer

    def get(self, path: str) -> tuple[int, dict[str, str], Any]:
        """Ask without the SDK, which would wait for seconds and ask again after a 429."""
        return self.raw("GET", f"/pagerduty{path}", headers={"Authorization": f"Token token={TOKEN}"})

    def raw(
        self, verb: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], Any]:
        connection = http.client.HTTPConnection(self.loopback.url.removeprefix("http://"), timeout=5)
        connection.request(verb, path, body, headers or {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), json.loads(text or b"null")


@pytest.fixture(scope="module")
def served() -> Iterator[Account]:
    account = Account()
    yield account
    account.api.close()
    account.pagerduty.deliveries.close()
    account.loopback.stop()


@pytest.fixture
def account(served: Account) -> Account:
    served.start_afresh()
    return served


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def heard(account: Account, receiver: Receiver) -> Receiver:
    account.pagerduty.subscribe(receiver.url, "secret")
    return receiver


def refusal(act: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[int, int]:
    """Give status and error code of a call that must fail."""
    with pytest.raises(pdpyras.PDClientError) as caught:
        act(*args, **kwargs)
    response = caught.value.response
    assert response is not None
    return response.status_code, response.json()["error"]["code"]


def types(receiver: Receiver, n: int) -> list[str]:
    return [webhook.json["event"]["event_type"] for webhook in receiver.wait(n)]


def test_oncalls_have_levels_and_permanent_ones_no_schedule(account: Account) -> None:
    policy = account.pagerduty.account.policy("Commerce").id
    wanted = {"escalation_policy_ids[]": [policy], "earliest": "true", "include[]": ["users"]}
    found = account.api.list_all("oncalls", params=wanted)
    assert [(each["escalation_level"], each["user"]["email"]) for each in found] == [
        (1, "ana@example.com"),
        (1, "bo@example.com"),
        (2, "dee@example.com"),
    ]
    assert found[0]["start"] == "2026-03-02T09:00:00Z"
    assert (found[2]["schedule"], found[2]["start"], found[2]["end"]) == (None, None, None)


def test_oncalls_of_a_schedule_change_when_somebody_else_takes_it(account: Account) -> None:
    wanted = {"schedule_ids[]": [account.pagerduty.account.schedule("cx-leads").id]}
    assert [each["user"]["summary"] for each in account.api.list_all("oncalls", params=wanted)] == [
        "Cara Mbeki"
    ]
    account.pagerduty.set_on_call("cx-leads", "Cy")
    assert [each["user"]["summary"] for each in account.api.list_all("oncalls", params=wanted)] == [
        "Cy Tanaka"
    ]
    account.pagerduty.set_on_call("cx-leads", None)
    assert account.api.list_all("oncalls", params=wanted) == []


def test_objects_can_be_listed_read_and_followed(account: Account) -> None:
    for name in ("users", "services", "escalation_policies", "schedules"):
        first = account.api.list_all(name)[0]
        assert account.api.rget(first) == first
    assert [each["name"] for each in account.api.list_all("priorities")] == ["P1", "P2", "P3", "P4", "P5"]
    assert "coordinated_responding" in account.api.jget("abilities")["abilities"]


def test_lists_come_in_pages(account: Account) -> None:
    names = add_services(account.pagerduty, 130)
    assert len(account.api.list_all("services", page_size=50)) == 130 + 8
    page = account.api.jget("services", params={"limit": 500, "total": "true", "query": "storm"})
    assert (page["limit"], page["more"], page["total"], len(page["services"])) == (100, True, 130, 100)
    assert account.pagerduty.trigger("storm", service=names[-1])
    assert account.api.get("services", params={"offset": 9990, "limit": 20}).status_code == 400


def test_wrong_keys_and_unknown_objects_are_refused(account: Account) -> None:
    status, _, body = account.raw("GET", "/pagerduty/users", headers={"Authorization": "Token token=none"})
    assert (status, body["error"]["code"]) == (401, 2006)
    assert account.raw("GET", "/pagerduty/users")[0] == 401
    assert refusal(account.api.rget, "users/PNOBODY") == (404, 2100)
    assert refusal(account.api.rget, "users/me") == (400, 2001)
    account.pagerduty.gate.user_tokens["anas"] = account.pagerduty.account.user("Ana").id
    assert account.session("anas").rget("users/me")["email"] == "ana@example.com"


def test_writes_with_an_account_key_need_a_from_header(account: Account) -> None:
    note = f"incidents/{account.pagerduty.trigger('disk full')}/notes"
    for sender in (None, "stranger@example.com"):
        nobody = account.session(TOKEN, sender)
        assert refusal(nobody.rpost, note, json={"content": "x"}) == (400, 2001)
    account.pagerduty.gate.user_tokens["bos"] = account.pagerduty.account.user("Bo").id
    assert (
        account.session("bos", None).rpost(note, json={"content": "x"})["user"]["summary"] == "Bo Lindqvist"
    )


def test_an_incident_key_opens_only_one_incident_at_a_time(account: Account) -> None:
    wanted = {"type": "incident", "title": "down", "service": account.service("edge"), "incident_key": "k"}
    first = account.api.rpost("incidents", json=wanted)
    assert refusal(account.api.rpost, "incidents", json=wanted) == (400, 2001)
    account.pagerduty.resolve(first["id"])
    assert account.api.rpost("incidents", json=wanted)["id"] != first["id"]


def test_incidents_are_refused_without_title_or_with_an_unknown_service(account: Account) -> None:
    nowhere = {"type": "incident", "title": "x", "service": {"id": "PNONE", "type": "service_reference"}}
    untitled = {"type": "incident", "service": account.service("edge")}
    assert refusal(account.api.rpost, "incidents", json=nowhere) == (400, 2001)
    assert refusal(account.api.rpost, "incidents", json=untitled) == (400, 2001)


def test_an_incident_goes_through_its_life_by_the_api(account: Account) -> None:
    ident = account.pagerduty.trigger("down", priority="P2")
    path = f"incidents/{ident}"
    assert account.api.rput(path, json={"type": "incident", "status": "acknowledged"})["acknowledgements"]
    assert refusal(account.api.rput, path, json={"status": "acknowledged"}) == (400, 1002)
    changed = account.api.rput(path, json={"type": "incident", "priority": {"id": "P1", "type": "priority"}})
    assert changed["priority"]["summary"] == "P1"
    dee = {"assignee": {"id": account.pagerduty.account.user("Dee").id, "type": "user_reference"}}
    assert (
        account.api.rput(path, json={"assignments": [dee]})["assignments"][0]["assignee"]["summary"]
        == "Dee Okafor"
    )
    (done,) = account.api.rput("incidents", json=[{"id": ident, "type": "incident", "status": "resolved"}])
    assert (done["status"], done["assignments"]) == ("resolved", [])
    assert refusal(account.api.rput, path, json={"status": "resolved"}) == (400, 1001)
    assert account.api.rput(path, json={"status": "triggered"})["status"] == "triggered"


def test_incidents_are_found_by_status_service_and_time(account: Account) -> None:
    old = account.pagerduty.trigger("old", service="edge")
    account.world.clock.forward(HOUR)
    new = account.pagerduty.trigger("new")
    account.pagerduty.resolve(old)

    def found(**params: Any) -> list[str]:
        return [each["id"] for each in account.api.list_all("incidents", params=params)]

    assert found(**{"statuses[]": ["triggered", "acknowledged"]}) == [new]
    assert found(**{"service_ids[]": [account.service("edge")["id"]]}) == [old]
    assert found(since="2026-03-04T12:30:00Z") == [new]
    assert found(sort_by="created_at:desc") == [new, old]


def test_notes_updates_and_responders_are_kept(account: Account) -> None:
    ident = account.pagerduty.trigger("down")
    account.api.rpost(f"incidents/{ident}/notes", json={"content": "hello"})
    assert [note["content"] for note in account.api.rget(f"incidents/{ident}/notes")] == ["hello"]
    account.api.post(f"incidents/{ident}/status_updates", json={"message": "we look"}).raise_for_status()
    fay = account.pagerduty.account.user("Fay").id
    target = {"responder_request_target": {"id": fay, "type": "user_reference"}}
    asking = {"requester_id": fay, "message": "help", "responder_request_targets": [target]}
    asked = account.api.jpost(f"incidents/{ident}/responder_requests", json=asking)["responder_request"]
    (answer,) = asked["responder_request_targets"]
    assert answer["responder_request_target"]["incidents_responders"][0]["state"] == "pending"
    account.pagerduty.responder_replied(ident, "Fay", "accepted")
    shown = account.pagerduty.incident(ident)
    assert [each["message"] for each in shown["status_updates"]] == ["we look"]
    assert [each["state"] for each in shown["incidents_responders"]] == ["joined"]


def test_responder_requests_need_the_ability(account: Account) -> None:
    account.pagerduty.account.abilities.remove("coordinated_responding")
    path = f"incidents/{account.pagerduty.trigger('down')}/responder_requests"
    assert refusal(account.api.jpost, path, json={"message": "x"}) == (403, 2010)


def test_the_rate_limit_counts_only_when_it_is_on(account: Account) -> None:
    for _ in range(2):
        assert account.get("/abilities")[1]["ratelimit-remaining"] == "960"
    account.world.limits_on = True
    left = [int(account.get("/abilities")[1]["ratelimit-remaining"]) for _ in range(3)]
    assert left == [959, 958, 957]
    for _ in range(957):
        account.pagerduty.gate._buckets.take(TOKEN, per_second=16, burst=960)
    status, headers, body = account.get("/abilities")
    assert (status, headers["ratelimit-remaining"], body["error"]["code"]) == (429, "0", 2020)
    account.world.clock.forward(1)
    assert account.get("/abilities")[0] == 200


def test_faults_are_worded_as_pagerduty_words_them(account: Account) -> None:
    account.world.fail(Fault("pagerduty", "GET /oncalls", "rate_limit"))
    assert account.get("/oncalls")[2] == {"error": {"message": "Rate Limit Exceeded", "code": 2020}}
    account.world.fail(Fault("pagerduty", "GET /oncalls", "rate_limit", retry_after=7))
    assert account.get("/oncalls")[1]["ratelimit-reset"] == "7"
    account.world.fail(Fault("pagerduty", "GET /oncalls", "refuse", status=403))
    assert account.get("/oncalls")[2]["error"]["code"] == 2010
    assert account.get("/oncalls")[0] == 200


def test_the_events_api_deduplicates_by_key(account: Account, heard: Receiver) -> None:
    event = {
        "routing_key": "key-checkout",
        "event_action": "trigger",
        "dedup_key": "disk",
        "payload": {"summary": "disk full", "source": "db1", "severity": "critical"},
    }
    assert account.post("/pagerduty/v2/enqueue", event)[0] == 202
    assert account.post("/pagerduty/v2/enqueue", event)[1]["dedup_key"] == "disk"
    (incident,) = account.api.list_all("incidents")
    assert incident["alert_counts"]["all"] == 2
    for action in ("acknowledge", "resolve"):
        account.post("/pagerduty/v2/enqueue", {**event, "event_action": action})
    expected = ["incident.triggered", "incident.acknowledged", "incident.resolved"]
    assert types(heard, 3) == expected
    status, body = account.post("/pagerduty/v2/enqueue", {**event, "routing_key": "nonsense"})
    assert (status, body["errors"]) == (400, ["Invalid routing key"])


def test_webhooks_are_signed_with_every_secret_over_the_raw_body(
    account: Account, receiver: Receiver
) -> None:
    subscription = account.pagerduty.subscribe(receiver.url, "old")
    account.pagerduty.rotate_secret(subscription, "new")
    account.pagerduty.trigger("Zahlungen gestört")
    (webhook,) = receiver.wait(1)
    digests = [hmac.new(key, webhook.body, hashlib.sha256).hexdigest() for key in (b"new", b"old")]
    assert webhook.headers["x-pagerduty-signature"] == ",".join(f"v1={digest}" for digest in digests)
    assert webhook.headers["x-webhook-id"]


def test_a_subscription_shows_its_secret_once(account: Account, receiver: Receiver) -> None:
    wanted = {
        "type": "webhook_subscription",
        "delivery_method": {"type": "http_delivery_method", "url": receiver.url},
        "events": ["incident.resolved"],
        "filter": {"type": "service_reference", "id": account.service("edge")["id"]},
    }
    made = account.api.rpost("webhook_subscriptions", json=wanted)
    assert made["delivery_method"]["secret"]
    assert account.api.rget(f"webhook_subscriptions/{made['id']}")["delivery_method"]["secret"] is None
    for service in ("checkout", "edge"):
        account.pagerduty.resolve(account.pagerduty.trigger("down", service=service))
    (webhook,) = receiver.wait(1)
    assert webhook.json["event"]["data"]["service"]["summary"] == "edge"
    account.api.rdelete(f"webhook_subscriptions/{made['id']}")
    assert account.api.list_all("webhook_subscriptions") == []


def test_later_webhooks_of_an_incident_wait_behind_a_retried_one(account: Account, heard: Receiver) -> None:
    heard.answers = [500, 503]
    first = account.pagerduty.trigger("first")
    account.pagerduty.acknowledge(first, by="Bo")
    heard.wait(1)
    account.pagerduty.redeliver_due()
    second = account.pagerduty.trigger("second")
    account.pagerduty.redeliver_due()
    for _ in range(2):
        account.world.clock.forward(60)
        account.pagerduty.redeliver_due()
    seen = [(w.json["event"]["data"]["id"], w.json["event"]["event_type"]) for w in heard.webhooks]
    assert [kind for ident, kind in seen if ident == first][-2:] == [
        "incident.triggered",
        "incident.acknowledged",
    ]
    assert [kind for ident, kind in seen if ident == second][-1:] == ["incident.triggered"]
    assert seen.index((second, "incident.triggered")) < seen.index((first, "incident.acknowledged"))
    tries = [w.headers["x-webhook-id"] for w in heard.webhooks if w.json["event"]["data"]["id"] == first]
    assert len(set(tries[:-1])) == 1


def test_a_receiver_that_says_nothing_in_time_is_tried_again(account: Account, heard: Receiver) -> None:
    account.pagerduty.deliveries.rules = replace(account.pagerduty.deliveries.rules, time_limit=0.1)
    heard.silent = True
    account.pagerduty.trigger("down")
    account.pagerduty.redeliver_due()
    heard.silent = False
    account.world.clock.forward(5)
    account.pagerduty.redeliver_due()
    outcomes = [(each.attempt, each.status, each.outcome) for each in account.pagerduty.deliveries.records]
    assert outcomes == [(1, None, "will be tried again"), (2, 202, "delivered")]


def test_a_webhook_is_given_up_after_two_days(account: Account, heard: Receiver) -> None:
    heard.answers = [500] * 100
    account.pagerduty.trigger("down")
    for _ in range(60):
        account.pagerduty.redeliver_due()
        account.world.clock.forward(HOUR)
    assert account.pagerduty.deliveries.waiting() == 0
    assert account.pagerduty.deliveries.records[-1].outcome == "dropped"
    assert 48 <= len(heard.webhooks) <= 60


def test_three_drops_in_a_row_disable_a_subscription_for_a_day(account: Account, heard: Receiver) -> None:
    heard.answers = [400] * 3
    ident = account.pagerduty.trigger("down")
    for number in range(4):
        account.pagerduty.annotate(ident, str(number), by="Ana")
    account.pagerduty.redeliver_due()
    assert len(heard.webhooks) == 3
    (shown,) = account.api.list_all("webhook_subscriptions")
    assert shown["delivery_method"]["temporarily_disabled"]
    account.world.clock.forward(24 * HOUR)
    account.pagerduty.annotate(ident, "again", by="Ana")
    account.pagerduty.redeliver_due()
    assert heard.webhooks[-1].json["event"]["data"]["content"] == "again"


def test_deliveries_can_be_doubled_lost_and_turned_around(account: Account, heard: Receiver) -> None:
    account.pagerduty.lose_next(1)
    ident = account.pagerduty.trigger("down")
    account.pagerduty.duplicate_next(1)
    account.pagerduty.acknowledge(ident, by="Bo")
    twice = heard.wait(2)
    assert twice[0].body == twice[1].body
    assert twice[0].headers["x-webhook-id"] == twice[1].headers["x-webhook-id"]
    account.pagerduty.hold_deliveries()
    account.pagerduty.unacknowledge(ident)
    account.pagerduty.resolve(ident)
    assert account.pagerduty.release(order="reversed") == 2
    assert types(heard, 4)[2:] == ["incident.resolved", "incident.unacknowledged"]


def test_arbitrary_bodies_can_be_delivered(account: Account, heard: Receiver) -> None:
    heard.answers = [401]
    extra = {"X-PagerDuty-Signature": "v2=abc"}
    assert account.pagerduty.deliver_raw(b"\xff{", secrets=[], headers=extra) == [401]
    (webhook,) = heard.webhooks
    assert (webhook.body, webhook.headers["x-pagerduty-signature"]) == (b"\xff{", "v2=abc")


def test_another_process_can_drive_it(account: Account, heard: Receiver) -> None:
    root = "/_sandbox/pagerduty"
    status, made = account.post(f"{root}/trigger", {"title": "down", "service": "payments", "priority": "P1"})
    assert status == 200
    account.post(f"{root}/reassign", {"incident": made["id"], "to": "Cara"})
    assert types(heard, 2) == ["incident.triggered", "incident.reassigned"]
    assert account.post(f"{root}/acknowledge", {"incident": "Q0", "by": "Ana"})[0] == 400
    assert account.pagerduty.state()["incidents"][0]["assignments"][0]["assignee"]["summary"] == "Cara Mbeki"
