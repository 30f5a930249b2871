"""One mismatch of each kind, made on purpose: the documents must object to it, and to nothing without it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from integrations.sandbox.exchange import Exchange
from integrations.sandbox.server import Sandbox
from tests.contracts.documents import Documents

JSON = {"content-type": "application/json"}
POSTED = {
    "ok": True,
    "channel": "C024BE91L",
    "ts": "1700000000.000001",
    "message": {"text": "hello", "type": "message"},
}
PIN = {"channel": "C024BE91L", "timestamp": "1700000000.000001"}
NOTE = {"id": "PWL7QXS", "content": "x", "created_at": "2026-03-01T12:00:00Z", "channel": {"summary": "API"}}
PROJECT = {"project": {"key": "OPS"}, "issuetype": {"name": "Task"}, "summary": "x"}
TEXT = {"type": "paragraph", "content": [{"type": "text", "text": "It is down"}]}
DOCUMENT = {"type": "doc", "version": 1, "content": [TEXT]}


def said(vendor: str, method: str, path: str, request: Any, answer: Any, status: int = 200) -> Exchange:
    """What would have been recorded of such a call."""
    return Exchange(
        vendor=vendor,
        method=method,
        path=path,
        query={},
        request_headers={"authorization": "Bearer x", "from": "ana@example.com", **JSON},
        request_body=request,
        status=status,
        response_headers=JSON,
        started=0.0,
        ended=0.0,
        connection="127.0.0.1:1",
        fault=None,
        raw_response=json.dumps(answer).encode(),
    )


def slack(method: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> Exchange:
    return said("slack", method, f"/slack/api/{method}", request, answer)


POST = slack("chat.postMessage", {"channel": "C024BE91L", "text": "hello"}, POSTED)
PINNED = slack("pins.add", PIN, {"ok": True})
NOTED = said(
    "pagerduty",
    "POST /incidents/{id}/notes",
    "/pagerduty/incidents/Q1/notes",
    {"note": {"content": "x"}},
    {"note": NOTE},
)
LISTED = said(
    "pagerduty",
    "GET /incidents",
    "/pagerduty/incidents",
    "",
    {"incidents": [], "limit": 25, "offset": 0, "more": False},
)
OPENED = said(
    "jira",
    "POST /issue",
    "/jira/rest/api/3/issue",
    {"fields": {**PROJECT, "description": DOCUMENT}},
    {"id": "10001", "key": "OPS-1", "self": "https://example.atlassian.net/rest/api/3/issue/10001"},
    201,
)
ASSIGNED = said(
    "jira",
    "PUT /issue/{key}/assignee",
    "/jira/rest/api/3/issue/OPS-1/assignee",
    {"accountId": "5b10ac8d82e05b22cc7d4ef5"},
    {},
    204,
)
RIGHT = {
    "a Slack message": POST,
    "a Slack pin": PINNED,
    "a PagerDuty note": NOTED,
    "a PagerDuty list": LISTED,
    "a Jira issue": OPENED,
    "a Jira assignee": ASSIGNED,
}


def answering(exchange: Exchange, answer: Any, status: int | None = None) -> Exchange:
    return replace(exchange, raw_response=json.dumps(answer).encode(), status=status or exchange.status)


WRONG = {
    "a Slack argument that does not exist": (
        slack("pins.add", {**PIN, "colour": "red"}, {"ok": True}),
        "pins.add: it has no argument colour",
    ),
    "a Slack argument that is missing": (
        slack("pins.add", {"timestamp": PIN["timestamp"]}, {"ok": True}),
        "pins.add: the argument channel is missing",
    ),
    "a Slack argument of a wrong type": (
        slack("chat.postMessage", {"channel": "C024BE91L", "text": "x", "link_names": "perhaps"}, POSTED),
        "chat.postMessage: link_names is no boolean",
    ),
    "a Slack error that does not exist": (
        answering(PINNED, {"ok": False, "error": "too_many_cooks"}),
        "pins.add: it knows no error 'too_many_cooks'",
    ),
    "an answer that Slack's recordings know fuller": (
        slack("chat.getPermalink", {"channel": "C1", "message_ts": "1.2"}, {"ok": True, "channel": "C1"}),
        "chat.getPermalink: the answer lacks permalink",
    ),
    "an answer that Slack's recordings know otherwise": (
        slack(
            "chat.getPermalink",
            {"channel": "C1", "message_ts": "1.2"},
            {"ok": True, "channel": "C1", "permalink": 7},
        ),
        "chat.getPermalink: permalink is int, recorded as str",
    ),
    "a Slack method that does not exist": (
        slack("channels.shout", {}, {"ok": True}),
        "channels.shout: Slack has no such method",
    ),
    "a PagerDuty answer of a wrong type": (
        answering(LISTED, {"incidents": [{"id": 7, "type": "incident"}]}),
        "incidents.0.id: 7 is not of type 'string'",
    ),
    "a PagerDuty request of a wrong type": (
        replace(NOTED, request_body={"note": {"content": 7}}),
        "note.content: 7 is not of type 'string'",
    ),
    "a PagerDuty header that is missing": (
        replace(NOTED, request_headers=JSON),
        "the request lacks From in its header",
    ),
    "a PagerDuty query that does not exist": (
        replace(LISTED, query={"colour": ["red"]}),
        "the query has no colour",
    ),
    "a PagerDuty query of a wrong type": (
        replace(LISTED, query={"statuses[]": ["burning"]}),
        "query statuses[]: 'burning' is not one of",
    ),
    "a PagerDuty status that is never answered": (
        answering(LISTED, {}, 418),
        "it never answers 418",
    ),
    "a PagerDuty path that does not exist": (
        replace(LISTED, path="/pagerduty/fires"),
        "GET /pagerduty/fires: there is no such operation",
    ),
    "a Jira request of a wrong type": (
        replace(ASSIGNED, request_body={"accountId": 7}),
        "accountId: 7 is not of type 'string'",
    ),
    "a Jira field that is rich text and was sent as a string": (
        replace(OPENED, request_body={"fields": {**PROJECT, "description": "It is down"}}),
        "description as a whole: 'It is down' is not of type 'object'",
    ),
    "a Jira answer of a wrong type": (
        answering(OPENED, {"id": 10001, "key": "OPS-1"}),
        "id: 10001 is not of type 'string'",
    ),
    "a Jira path that does not exist": (
        replace(OPENED, path="/jira/rest/api/3/ticket"),
        "POST /jira/rest/api/3/ticket: there is no such operation",
    ),
}


@pytest.mark.parametrize("which", RIGHT)
def test_what_is_right_is_not_objected_to(which: str, documents: Documents) -> None:
    assert documents.breaches([RIGHT[which]]) == []


@pytest.mark.parametrize("which", WRONG)
def test_a_mismatch_is_objected_to(which: str, documents: Documents) -> None:
    exchange, objection = WRONG[which]
    found = documents.breaches([exchange])
    assert len(found) == 1, found
    assert objection in found[0]


def test_the_recorder_fails_a_test_that_breaks_a_contract(
    pytester: pytest.Pytester, documents: Documents, sandbox: Sandbox
) -> None:
    """The plugin that other tests take in looks at what passed, and only at what has a sandbox."""
    pytester.makeconftest(
        """
        import pytest
        from integrations.sandbox.server import Sandbox
        from tests.contracts.recorder import documents_if_there, held_to_the_documents

        @pytest.fixture
        def sandbox():
            with Sandbox() as sandbox:
                sandbox.seed()
                yield sandbox
        """
    )
    pytester.makepyfile(
        """
        import urllib.request

        def say(sandbox, arguments):
            url = f"{sandbox.url}/slack/api/auth.test{arguments}"
            asked = urllib.request.Request(url, headers={"Authorization": "Bearer xoxb-sandbox"})
            urllib.request.urlopen(asked).close()

        def test_that_keeps_it(sandbox):
            say(sandbox, "")

        def test_that_breaks_it(sandbox):
            say(sandbox, "?colour=red")

        def test_that_says_nothing():
            pass
        """
    )
    done = pytester.runpytest_inprocess("-p", "no:randomly", "--import-mode=importlib")
    done.assert_outcomes(passed=3, errors=1)
    done.stdout.fnmatch_lines(["*auth.test: it has no argument colour*"])
