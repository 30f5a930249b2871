"""The tracker against the Jira stand-in, Cloud and Data Center: real SDK, real HTTP, every failure."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from integrations.jira.doctor import JiraDoctor
from integrations.jira.tracker import JiraTracker
from integrations.sandbox.jira_gate import TOKEN
from integrations.sandbox.jira_model import Component, account_id
from integrations.sandbox.jira_seed import seed_jira
from integrations.sandbox.seed import PEOPLE
from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import Fault
from multivac.errors import GiveUp, TryAgain
from multivac.incident import Person
from multivac.ports import Standing, TicketDraft, Tracker

FLAVOURS = ("cloud", "datacenter")
SCREEN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(params=FLAVOURS)
def sandbox(server: Sandbox, request: pytest.FixtureRequest) -> Sandbox:
    server.reset()
    server.world.heal()
    server.jira.flavour = request.param
    seed_jira(server.jira, PEOPLE.items())
    return server


@pytest.fixture
def tracker(sandbox: Sandbox) -> JiraDoctor:
    return tracker_of(sandbox)


def tracker_of(sandbox: Sandbox, token: str = TOKEN, **changed: Any) -> JiraDoctor:
    """The tracker, and all that a check asks besides."""
    settings = {
        "url": f"{sandbox.url}/jira",
        "user": "multivac@example.com",
        "project": "OPS",
        "issue_type": "Incident",
        "flavour": sandbox.jira.flavour,
        "timeout": 5.0,
        **changed,
    }
    return JiraDoctor(settings.pop("url"), settings.pop("user"), token, **settings)


def draft(**changed: Any) -> TicketDraft:
    said: dict[str, Any] = {
        "title": "Checkout is slow",
        "paragraphs": ("Opened by an alert.", "Customers wait\nfor minutes."),
        "links": (("Slack channel", "https://example.slack.com/archives/C1"),),
        "label": "multivac-inc-1",
        "severity": "sev2",
        **changed,
    }
    return TicketDraft(**said)


def calls(sandbox: Sandbox) -> list[str]:
    return [exchange.method for exchange in sandbox.world.calls("jira")]


def key_of(sandbox: Sandbox, name: str) -> str:
    person = sandbox.jira.site.person(name)
    return person.account_id if sandbox.jira.flavour == "cloud" else person.name


def test_the_tracker_is_a_tracker(tracker: JiraTracker) -> None:
    port: Tracker = tracker
    assert port is tracker


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_making_one_calls_nobody(flavour: Any) -> None:
    JiraTracker("http://127.0.0.1:9", "u", "t", project="OPS", issue_type="Bug", flavour=flavour)


def test_a_ticket_is_written_in_one_call(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    ticket = tracker.open_ticket(draft(component="checkout", due=date(2026, 12, 4)))
    assert (ticket.key, ticket.url, ticket.left_out) == ("OPS-1", f"{sandbox.url}/jira/browse/OPS-1", {})
    assert calls(sandbox) == ["POST /issue"]
    fields = sandbox.jira.issue("OPS-1")["fields"]
    assert (fields["summary"], fields["issuetype"]["name"]) == ("Checkout is slow", "Incident")
    assert (fields["labels"], fields["priority"]["name"]) == (["multivac-inc-1"], "High")
    assert [each["name"] for each in fields["components"]] == ["checkout"]
    assert fields["duedate"] == "2026-12-04"
    assert "for minutes." in fields["description"]
    version = "3" if sandbox.jira.flavour == "cloud" else "2"
    assert sandbox.world.calls("jira")[0].path.endswith(f"/rest/api/{version}/issue")


def test_an_issue_type_may_be_an_id(sandbox: Sandbox) -> None:
    tracker = tracker_of(sandbox, issue_type="10103")
    key = tracker.open_ticket(draft()).key
    assert sandbox.jira.issue(key)["fields"]["issuetype"]["name"] == "Bug"
    assert tracker.issue_type_exists()


@pytest.mark.parametrize(
    "title", ["x" * 10_000, "two\nlines", "\x00\x07", "", "\u202e\U0001f525", "\ud800", "日本" * 200]
)
def test_hostile_titles_become_a_summary(sandbox: Sandbox, tracker: JiraDoctor, title: str) -> None:
    key = tracker.open_ticket(draft(title=title, paragraphs=(title,))).key
    summary = sandbox.jira.issue(key)["fields"]["summary"]
    assert 0 < len(summary) <= 255
    assert "\n" not in summary


def test_refused_fields_are_left_out_and_told(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    for field in ("priority", "labels", "duedate"):
        sandbox.jira.refuse_field(field)
    ticket = tracker.open_ticket(draft(component="unheard of", due=date(2026, 12, 4)))
    assert set(ticket.left_out) == {"priority", "labels", "components", "duedate"}
    assert ticket.left_out["labels"] == SCREEN.format("labels")
    assert calls(sandbox) == ["POST /issue", "POST /issue"]
    assert sandbox.jira.issue(ticket.key)["fields"]["labels"] == []


def test_nothing_but_the_required_fields_can_be_left(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    for field in ("priority", "labels", "description"):
        sandbox.jira.refuse_field(field)
    assert set(tracker.open_ticket(draft()).left_out) == {"priority", "labels", "description"}


@pytest.mark.parametrize(
    ("changed", "why", "fix"),
    [
        ({"project": "NOPE"}, "project: Specify a valid project", "jira.project"),
        ({"issue_type": "Outage"}, "issuetype: Specify a valid issue type", "jira.issue_type"),
    ],
)
def test_a_refused_required_field_is_given_up(
    sandbox: Sandbox, changed: dict[str, str], why: str, fix: str
) -> None:
    with pytest.raises(GiveUp, match=why) as caught:
        tracker_of(sandbox, **changed).open_ticket(draft())
    assert fix in caught.value.fix
    assert len(calls(sandbox)) == 1


def test_a_field_that_jira_requires_and_we_do_not_know_is_given_up(
    sandbox: Sandbox, tracker: JiraDoctor
) -> None:
    sandbox.jira.require_field("customfield_10012")
    sandbox.jira.refuse_field("labels")
    with pytest.raises(GiveUp, match="customfield_10012: Customer impact is required") as caught:
        tracker.open_ticket(draft())
    assert "customfield_10012 optional" in caught.value.fix
    assert "labels" not in caught.value.why
    assert tracker.required_fields() == ("Customer impact",)


def test_the_ticket_is_found_again_by_its_label_oldest_first(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    label = 'multivac-"inc"-\\1'
    assert tracker.find_tickets(label) == ()
    first = tracker.open_ticket(draft(label=label))
    sandbox.world.clock.forward(seconds=1)
    second = tracker.open_ticket(draft(label=label))
    tracker.open_ticket(draft(label="another"))
    assert tracker.find_tickets(label) == (first, second)
    sandbox.world.clock.forward(seconds=60)
    sandbox.jira.search_lag = 60
    hidden = tracker.open_ticket(draft(label=label))
    assert tracker.find_tickets(label, known=hidden.key)[:2] == (first, second)
    assert tracker.find_tickets(label, known=hidden.key)[2].key == hidden.key
    assert tracker.find_tickets("multivac-new") == ()
    known = [each.key for each in tracker.find_tickets(label, known="MOVED-9")]
    assert known == ["MOVED-9", first.key, second.key]


def test_a_lost_answer_is_unknown_and_the_ticket_can_be_found(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    sandbox.world.fail(Fault("jira", "POST /issue", "lose_answer"))
    with pytest.raises(TryAgain) as caught:
        tracker.open_ticket(draft())
    assert caught.value.reached
    assert [found.key for found in tracker.find_tickets("multivac-inc-1")] == ["OPS-1"]


def test_an_account_is_found_by_the_exact_e_mail(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    assert tracker.find_account(Person(name="?", email="ANA@example.com")) == key_of(sandbox, "Ana")
    assert tracker.find_account(Person(name="?", email="nobody@example.com")) is None
    sent = len(calls(sandbox))
    assert tracker.find_account(Person(name="Ana Silva")) is None
    assert tracker.find_account(Person(name="?", email="x@example.com", jira="known")) == "known"
    assert len(calls(sandbox)) == sent


def test_a_near_miss_is_nobody(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    sandbox.jira.site.person("Ana").email = "ana@example.com.au"
    assert tracker.find_account(Person(name="Ana Silva", email="ana@example.com")) is None


def test_a_hidden_address_counts_only_if_it_is_the_only_hit(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    people = sandbox.jira.site.people
    # Stands for Cloud's search by hidden addresses, which the stand-in does by display name.
    people[account_id("bo@example.com")].display = "bo@example.com"
    wanted = Person(name="Bo", email="bo@example.com")
    assert tracker.find_account(wanted) == key_of(sandbox, "bo@example.com")
    people[account_id("cy@example.com")].display = "bo@example.com"
    assert tracker.find_account(wanted) == (None if sandbox.jira.flavour == "cloud" else "bo")


def test_deactivated_accounts_are_nobody(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    sandbox.jira.site.person("Ana").active = False
    assert tracker.find_account(Person(name="Ana", email="ana@example.com")) is None


def test_the_assignee_is_set_by_the_accounts_own_id(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    ticket = tracker.open_ticket(draft()).key
    sandbox.world.reset()
    tracker.assign(ticket, key_of(sandbox, "Bo"))
    assert sandbox.jira.issue(ticket)["fields"]["assignee"]["displayName"] == "Bo Lindqvist"
    assert calls(sandbox) == ["PUT /issue/{key}/assignee"]


def test_who_cannot_be_assigned_and_what_does_not_exist_are_given_up(
    sandbox: Sandbox, tracker: JiraDoctor
) -> None:
    ticket = tracker.open_ticket(draft()).key
    with pytest.raises(GiveUp, match="Gus Moreau' cannot be assigned") as caught:
        tracker.assign(ticket, key_of(sandbox, "Gus"))
    assert "Assignable User" in caught.value.fix
    with pytest.raises(GiveUp, match="does not know ticket OPS-99"):
        tracker.assign("OPS-99", key_of(sandbox, "Bo"))
    with pytest.raises(GiveUp, match="does not know ticket"):
        tracker.assign("../project/OPS?x=", key_of(sandbox, "Bo"))


def test_a_roles_people_include_those_of_its_groups_once(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    people = tracker.role_members("incident LEADS")
    assert sorted(person.name for person in people) == ["Ana Silva", "Bo Lindqvist", "Dee Okafor"]
    assert {person.jira for person in people} == {key_of(sandbox, name) for name in ("Ana", "Bo", "Dee")}
    assert "ana@example.com" in {person.email for person in people}
    with pytest.raises(GiveUp, match='no role "Incident"'):
        tracker.role_members("Incident")


def test_a_groups_people_are_read_page_by_page(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    site = sandbox.jira.site
    seed_many = {f"p{number}@example.com": f"Person {number}" for number in range(120)}
    for email, name in seed_many.items():
        person = type(site.person("Ana"))(account_id(email), email.partition("@")[0], name, email)
        site.people[person.account_id] = person
    site.groups["everybody"] = [account_id(email) for email in seed_many]
    site.people[account_id("p7@example.com")].active = False
    assert len(tracker.group_members("everybody")) == 119
    assert calls(sandbox) == ["GET /group/member"] * 3
    with pytest.raises(GiveUp, match='no group "nobodies"'):
        tracker.group_members("nobodies")


def test_a_component_has_a_lead_or_none(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    lead = tracker.component_lead("Checkout")
    assert lead is not None
    assert (lead.name, lead.email, lead.jira) == ("Ana Silva", "ana@example.com", key_of(sandbox, "Ana"))
    sandbox.jira.site.project("OPS").components.append(Component("1", "orphan", None))
    assert tracker.component_lead("orphan") is None
    with pytest.raises(GiveUp, match='no component "check"'):
        tracker.component_lead("check")


def test_what_check_asks(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    assert tracker.whoami() == "Multivac"
    assert tracker.project_exists()
    assert not tracker_of(sandbox, project="NOPE").project_exists()
    assert tracker.issue_type_exists()
    assert not tracker_of(sandbox, issue_type="Outage").issue_type_exists()
    assert not tracker_of(sandbox, project="NOPE").issue_type_exists()
    assert tracker.may("CREATE_ISSUES")
    sandbox.jira.forbid("CREATE_ISSUES")
    assert not tracker.may("CREATE_ISSUES")
    assert tracker.required_fields() == ()
    assert tracker_of(sandbox, issue_type="Outage").required_fields() == ()


def test_a_missing_permission_is_named_in_jiras_words(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    sandbox.jira.forbid("CREATE_ISSUES")
    with pytest.raises(GiveUp, match="permission to create issues") as caught:
        tracker.open_ticket(draft())
    assert caught.value.fix


def test_each_flavour_is_spoken_to_in_its_own_way(sandbox: Sandbox, tracker: JiraDoctor) -> None:
    tracker.find_account(Person(name="Ana", email="ana@example.com"))
    tracker.find_tickets("multivac-inc-1")
    spoken = [exchange.path.partition("/rest/api/")[2] for exchange in sandbox.world.calls("jira")]
    cloud = ["3/user/search", "3/search/jql"]
    assert spoken == (cloud if sandbox.jira.flavour == "cloud" else ["2/user/search", "2/search"])


def test_data_center_takes_a_personal_access_token(sandbox: Sandbox) -> None:
    tracker = tracker_of(sandbox, user="")
    if sandbox.jira.flavour == "datacenter":
        assert tracker.whoami() == "Multivac"
        assert sandbox.world.calls("jira")[0].request_headers["authorization"] == f"Bearer {TOKEN}"


Asks = Callable[[JiraDoctor], object]
EVERY_VERB: dict[str, Asks] = {
    "open_ticket": lambda tracker: tracker.open_ticket(draft()),
    "find_tickets": lambda tracker: tracker.find_tickets("label"),
    "find_account": lambda tracker: tracker.find_account(Person(name="?", email="ana@example.com")),
    "assign": lambda tracker: tracker.assign("OPS-1", "somebody"),
    "role_members": lambda tracker: tracker.role_members("Incident leads"),
    "group_members": lambda tracker: tracker.group_members("incident-leads"),
    "component_lead": lambda tracker: tracker.component_lead("checkout"),
    "whoami": lambda tracker: tracker.whoami(),
    "may": lambda tracker: tracker.may("CREATE_ISSUES"),
}


@pytest.mark.parametrize("verb", sorted(EVERY_VERB))
@pytest.mark.parametrize(
    ("kind", "status", "reached"),
    [
        ("rate_limit", None, False),
        ("server_error", 500, True),
        ("server_error", 503, True),
        ("html", None, True),
        ("malformed", None, True),
        ("reset", None, True),
        ("lose_answer", None, True),
        ("refuse", 409, True),
    ],
)
def test_what_passes_is_tried_again_and_never_retried_inside(
    sandbox: Sandbox, tracker: JiraDoctor, *, verb: str, kind: str, status: int | None, reached: bool
) -> None:
    sandbox.world.fail(Fault("jira", kind=kind, status=status, times=0))
    started = time.monotonic()
    with pytest.raises(TryAgain) as caught:
        EVERY_VERB[verb](tracker)
    assert caught.value.reached is reached
    assert len(calls(sandbox)) == 1
    assert time.monotonic() - started < 2.5  # the SDK would pause for five seconds and more


@pytest.mark.parametrize("verb", sorted(EVERY_VERB))
@pytest.mark.parametrize(
    ("status", "why"),
    [
        (400, "because"),
        (401, "does not accept our token"),
        (403, "does not let us at"),
        (404, "does not know|There is no group"),
        (410, "cannot use"),
        (302, "cannot use"),
    ],
)
def test_what_stays_is_given_up_with_a_reason_and_a_fix(
    sandbox: Sandbox, tracker: JiraDoctor, *, verb: str, status: int, why: str
) -> None:
    long = f"because {TOKEN} " + "x" * 1000
    sandbox.world.fail(Fault("jira", kind="refuse", status=status, times=0, error=long))
    with pytest.raises(GiveUp, match=why) as caught:
        EVERY_VERB[verb](tracker)
    assert caught.value.fix
    assert TOKEN not in caught.value.why + caught.value.fix
    assert len(caught.value.why) < 450
    assert len(calls(sandbox)) == 1


def test_silence_ends_after_the_timeout(sandbox: Sandbox) -> None:
    tracker = tracker_of(sandbox, timeout=0.3)
    sandbox.world.fail(Fault("jira", kind="timeout"))
    started = time.monotonic()
    with pytest.raises(TryAgain, match="did not answer") as caught:
        tracker.open_ticket(draft())
    assert caught.value.reached
    assert 0.2 < time.monotonic() - started < 2.5


@pytest.mark.parametrize(
    ("said", "after"), [(12, timedelta(seconds=12)), (3601, None), (1.5, None), (None, None)]
)
def test_the_wait_of_a_rate_limit_is_passed_on(
    sandbox: Sandbox, tracker: JiraDoctor, said: float | None, after: timedelta | None
) -> None:
    sandbox.world.fail(Fault("jira", kind="rate_limit", retry_after=said))
    with pytest.raises(TryAgain) as caught:
        tracker.open_ticket(draft())
    assert (caught.value.after, caught.value.reached) == (after, False)


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], str]]:
    """Serve one raw answer for each call and give the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:

        def serve(answer: bytes) -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        def start(answer: bytes) -> str:
            pool.submit(serve, answer)
            return f"http://127.0.0.1:{listener.getsockname()[1]}"

        yield start


def http(status: int, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def cloud_at(url: str) -> JiraDoctor:
    return JiraDoctor(url, "u", TOKEN, project="OPS", issue_type="Bug", flavour="cloud", timeout=2.0)


def test_retry_after_may_be_a_date(answering: Callable[[bytes], str]) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    with pytest.raises(TryAgain) as caught:
        cloud_at(answering(http(503, b"", f"Retry-After: {at}"))).whoami()
    assert caught.value.after is not None
    assert timedelta(seconds=80) < caught.value.after <= timedelta(seconds=90)
    assert caught.value.reached


@pytest.mark.parametrize("status", [200, 201, 400, 403, 404, 429, 500])
@pytest.mark.parametrize(
    "body", [b"7", b'"message"', b"null", b"[]", b"{}", b"[7]", b"\xff", b"{", b'{"errors": 7}', b""]
)
def test_no_answer_whatever_escapes_untranslated(
    answering: Callable[[bytes], str], status: int, body: bytes
) -> None:
    with pytest.raises((TryAgain, GiveUp)):
        cloud_at(answering(http(status, body))).open_ticket(draft())


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_refused_connection_had_no_effect(flavour: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    tracker = JiraTracker(f"http://127.0.0.1:{port}", "u", "t", project="O", issue_type="B", flavour=flavour)
    with pytest.raises(TryAgain, match="cannot be reached") as caught:
        tracker.open_ticket(draft())
    assert not caught.value.reached


@pytest.mark.parametrize("url", ["127.0.0.1", "http://", "ftp://127.0.0.1"])
def test_a_malformed_address_is_given_up(url: str) -> None:
    with pytest.raises(GiveUp, match="malformed"):
        cloud_at(url).whoami()


def test_the_token_is_in_no_error_and_no_log(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(GiveUp) as caught:
        tracker_of(sandbox, "a-very-secret-token").whoami()
    texts = caplog.text + repr(caught.value) + str(caught.value.__cause__) + repr(vars(caught.value))
    assert "secret" not in texts


def test_connections_are_kept_and_many_threads_share_one_session(
    sandbox: Sandbox, tracker: JiraDoctor
) -> None:
    for _ in range(5):
        tracker.whoami()
    assert len({exchange.connection for exchange in sandbox.world.calls("jira")}) == 1
    sandbox.world.reset()
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(lambda number: tracker.open_ticket(draft(label=f"l{number}")).key, range(48)))
    assert len(set(keys)) == 48
    assert len({exchange.connection for exchange in sandbox.world.calls("jira")}) <= 16


def test_a_way_without_a_form_is_taken_first_and_what_it_wants_is_named(
    answering: Callable[[bytes], str],
) -> None:
    to = {"name": "In Progress", "statusCategory": {"key": "indeterminate"}}
    ways = [{"id": "1", "name": "Plan", "hasScreen": True, "to": to}, {"id": "2", "name": "Start", "to": to}]
    seen = {"fields": {"status": {"statusCategory": {"key": "new"}}}, "transitions": ways}
    refused = {"errors": {"customfield_1": "Root cause is required."}}
    answers = ((200, seen), (200, seen), (400, refused))
    urls = [answering(http(status, json.dumps(said).encode())) for status, said in answers]
    with pytest.raises(GiveUp, match=r"on the way “Start” .*Root cause is required") as caught:
        cloud_at(urls[0]).move("OPS-1", Standing.BEGUN)
    assert caught.value.operators
