"""The Jira stand-in's webhooks: who changed what, how they are signed, and when they come again."""

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.sandbox.deliveries import hex_hmac
from tests.unit.jira_site import Site
from tests.unit.receiver import Receiver


@pytest.fixture(scope="module")
def served() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def site(served: Site) -> Site:
    served.start_afresh()
    return served


@pytest.fixture
def heard(site: Site) -> Iterator[Receiver]:
    receiver = Receiver()
    site.jira.subscribe(receiver.url, "secret")
    yield receiver
    receiver.stop()


def test_a_person_reassigning_tells_the_old_and_new_assignee(site: Site, heard: Receiver) -> None:
    key = site.jira.create("down", labels=["multivac-7"])
    site.jira.assign(key, "Bo", by="Ana")
    site.jira.assign(key, "Dee", by="Bo")
    site.jira.transition(key, "In Progress", by="Dee")
    site.jira.comment(key, "found it", by="Dee")
    bodies = [webhook.json for webhook in heard.wait(5)]
    assert [body["webhookEvent"] for body in bodies] == [
        "jira:issue_created",
        *["jira:issue_updated"] * 3,
        "comment_created",
    ]
    assert bodies[0]["issue"]["fields"]["labels"] == ["multivac-7"]
    (item,) = bodies[2]["changelog"]["items"]
    assert (item["field"], item["fromString"], item["toString"]) == ("assignee", "Bo Lindqvist", "Dee Okafor")
    assert (item["from"], item["to"]) == (site.account("Bo"), site.account("Dee"))
    assert bodies[2]["user"]["accountId"] == site.account("Bo")
    assert bodies[3]["changelog"]["items"][0]["toString"] == "In Progress"
    assert bodies[4]["comment"]["body"] == "found it"


def test_a_change_to_the_same_value_tells_nobody(site: Site, heard: Receiver) -> None:
    key = site.jira.create("down")
    for _ in range(2):
        site.jira.assign(key, "Bo")
    site.jira.comment(key, "last")
    kinds = [webhook.json["webhookEvent"] for webhook in heard.wait(3)]
    assert kinds == ["jira:issue_created", "jira:issue_updated", "comment_created"]


def test_webhooks_are_signed_as_atlassian_signs(site: Site, heard: Receiver) -> None:
    site.jira.create("gestört")
    (webhook,) = heard.wait(1)
    digest = hmac.new(b"secret", webhook.body, hashlib.sha256).hexdigest()
    assert webhook.headers["x-hub-signature"] == f"sha256={digest}"
    assert webhook.headers["x-atlassian-webhook-flow"] == "Primary"


def test_the_published_signature_vector_holds() -> None:
    folder = os.environ.get("MULTIVAC_PAYLOADS")
    if not folder:
        pytest.skip("no recorded payloads")
    vector = json.loads(Path(folder, "jira", "webhook_signature_vector.json").read_text())
    signed = "sha256=" + hex_hmac(vector["secret"], vector["raw_body"].encode())
    assert signed == vector["X-Hub-Signature"]


def test_webhooks_are_tried_again_while_later_ones_overtake(site: Site, heard: Receiver) -> None:
    heard.answers = [503]
    key = site.jira.create("down")
    heard.wait(1)
    site.jira.deliveries.redeliver_due()
    site.jira.assign(key, "Bo")
    heard.wait(2)
    site.world.clock.forward(60)
    site.jira.deliveries.redeliver_due()
    first, overtaking, again = heard.wait(3)
    assert overtaking.json["webhookEvent"] == "jira:issue_updated"
    assert again.body == first.body
    identifier = "x-atlassian-webhook-identifier"
    assert again.headers[identifier] == first.headers[identifier] != overtaking.headers[identifier]
    assert (first.headers.get("x-atlassian-webhook-retry"), again.headers["x-atlassian-webhook-retry"]) == (
        None,
        "1",
    )


def test_a_webhook_refused_with_4xx_is_final(site: Site, heard: Receiver) -> None:
    heard.answers = [404]
    site.jira.create("down")
    site.jira.deliveries.redeliver_due()
    assert site.jira.deliveries.waiting() == 0
    assert site.jira.deliveries.records[-1].outcome == "dropped"


def test_another_process_can_drive_it(site: Site, heard: Receiver) -> None:
    status, made = site.raw("POST", "/_sandbox/jira/create", {"summary": "down"})
    assert status == 200
    site.raw("POST", "/_sandbox/jira/assign", {"key": made["id"], "person": "Cara", "by": "Bo"})
    assert heard.wait(2)[1].json["user"]["displayName"] == "Bo Lindqvist"
    site.raw("POST", "/_sandbox/jira/set", {"flavour": "datacenter", "search_lag": 5})
    state = site.raw("GET", "/_sandbox/jira/state")[1]
    assert (state["flavour"], state["search_lag"]) == ("datacenter", 5)
    assert state["issues"][0]["fields"]["assignee"]["name"] == "cara"
