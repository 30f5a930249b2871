"""The pager against the PagerDuty stand-in: real SDK, real HTTP, and everything that can go wrong."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from integrations.pagerduty.doctor import PagerDutyDoctor, Subscription
from integrations.pagerduty.pager import PagerDutyPager
from integrations.sandbox.pagerduty import TOKEN
from integrations.sandbox.pagerduty_seed import add_services, seed_pagerduty
from integrations.sandbox.seed import PEOPLE
from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import Fault
from multivac.errors import GiveUp, TryAgain
from multivac.incident import AlertKind, Person
from multivac.ports import Page, Pager

FROM = "ana@example.com"


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    server.reset()
    server.world.heal()
    seed_pagerduty(server.pagerduty, PEOPLE.items())
    return server


@pytest.fixture
def pager(sandbox: Sandbox) -> PagerDutyDoctor:
    return pager_of(sandbox)


def pager_of(sandbox: Sandbox, token: str = TOKEN, **changed: Any) -> PagerDutyDoctor:
    """The pager, and all that a check asks besides."""
    settings = {"api_url": f"{sandbox.url}/pagerduty", "from_email": FROM, "timeout": 5.0, **changed}
    return PagerDutyDoctor(token, **settings)


def calls(sandbox: Sandbox) -> list[str]:
    return [exchange.method for exchange in sandbox.world.calls("pagerduty")]


def test_the_pager_is_a_pager(pager: PagerDutyPager) -> None:
    port: Pager = pager
    assert port is pager


def test_making_one_calls_nobody() -> None:
    PagerDutyPager(TOKEN, api_url="http://127.0.0.1:9", from_email=FROM)


def test_who_is_on_call_for_policies_comes_by_level_with_e_mail_in_one_call(
    sandbox: Sandbox, pager: PagerDutyDoctor
) -> None:
    policy = sandbox.pagerduty.account.policy("Commerce").id
    found = pager.on_call_of_policies([policy])
    assert [(each.person.email, each.level, each.policy) for each in found] == [
        ("ana@example.com", 1, policy),
        ("bo@example.com", 1, policy),
        ("dee@example.com", 2, policy),
    ]
    assert found[0].until is not None
    assert found[2].until is None
    assert calls(sandbox) == ["GET /oncalls"]


def test_who_is_on_call_everywhere_comes_with_the_names_of_the_policies(pager: PagerDutyDoctor) -> None:
    found = {(each.policy_name, each.level, each.person.name) for each in pager.on_call_everywhere()}
    assert ("Commerce", 1, "Ana Silva") in found
    assert ("Customer experience", 2, "Dee Okafor") in found


def test_a_service_is_found_by_a_part_of_its_name(sandbox: Sandbox, pager: PagerDutyDoctor) -> None:
    policy = sandbox.pagerduty.account.policy("Commerce").id
    assert pager.policies_of_service("Check") == {policy: "checkout"}
    assert pager.policies_of_service("ca") == {policy: "cart"}
    assert pager.policies_of_service("nonsense") == {}


def test_no_policies_and_no_schedules_ask_nothing(sandbox: Sandbox, pager: PagerDutyDoctor) -> None:
    assert pager.on_call_of_policies([]) == pager.on_call_of_schedules([]) == ()
    assert calls(sandbox) == []


def test_schedules_are_found_by_exact_name_or_id_and_remembered(
    sandbox: Sandbox, pager: PagerDutyDoctor
) -> None:
    by_name = pager.on_call_of_schedules(["CX-Leads"])
    assert [(each.person.name, each.level) for each in by_name] == [("Cara Mbeki", 1)]
    assert pager.on_call_of_schedules(["cx-leads"]) == by_name
    assert calls(sandbox) == ["GET /schedules", "GET /oncalls", "GET /oncalls"]
    by_id = pager.on_call_of_schedules([by_name[0].schedule or ""])
    assert by_id == by_name


@pytest.mark.parametrize("named", ["cx-lead", "Commerce", "PZZZZZZ", ""])
def test_an_unknown_schedule_is_named(pager: PagerDutyDoctor, named: str) -> None:
    with pytest.raises(GiveUp, match=f'no PagerDuty schedule "{named}"'):
        pager.on_call_of_schedules(["cx-leads", named])


def test_a_person_on_call_twice_is_listed_once(sandbox: Sandbox, pager: PagerDutyDoctor) -> None:
    account = sandbox.pagerduty.account
    account.schedule("Commerce shadow").users[:] = [account.user("Ana").id]
    found = pager.on_call_of_policies([account.policy("Commerce").id])
    assert [each.person.name for each in found] == ["Ana Silva", "Dee Okafor"]


def test_an_alert_is_acknowledged_in_the_name_of_whoever_is_on_it_where_pagerduty_knows_them(
    sandbox: Sandbox, pager: PagerDutyDoctor
) -> None:
    first, second, third, fourth = (sandbox.pagerduty.trigger(f"Alert {n}", "checkout") for n in range(4))
    bo, stranger = (Person(name=one, email=f"{one}@example.com") for one in ("bo", "stranger"))
    shown = pager.acknowledge(first, bo, look_first=False)
    assert shown is not None
    assert shown.name == "Bo Lindqvist"
    assert pager.acknowledge(first, bo, look_first=False) is None  # somebody is on it
    assert pager.acknowledge(first, bo, look_first=True) == shown
    other = pager.acknowledge(second, stranger, look_first=False)
    assert other is not None
    assert other.name == "Ana Silva"
    mapped = Person(
        name="Dee", email="dee@elsewhere.example", pagerduty=sandbox.pagerduty.account.user("Dee").id
    )
    known_by_id = pager.acknowledge(fourth, mapped, look_first=False)
    assert known_by_id is not None
    assert known_by_id.name == "Dee Okafor"
    sandbox.pagerduty.resolve(third, "Ana")
    assert pager.acknowledge(third, bo, look_first=False) is None
    assert sandbox.pagerduty.incident(third)["status"] == "resolved"


def test_open_alerts_are_all_pages_of_what_is_not_resolved(sandbox: Sandbox, pager: PagerDutyDoctor) -> None:
    ids = [sandbox.pagerduty.trigger(f"alert {n}", "checkout") for n in range(103)]
    sandbox.pagerduty.resolve(ids[0], "Ana")
    sandbox.pagerduty.acknowledge(ids[1], "Bo")
    found = list(pager.open_alerts())
    assert [alert.key for alert in found] == ids[1:]
    assert {alert.kind for alert in found} == {AlertKind.FOUND_OPEN}
    assert calls(sandbox) == ["GET /incidents", "GET /incidents"]
    first = found[0]
    assert first.facts.status == "acknowledged"
    assert first.facts.acknowledged_by is not None
    assert first.facts.acknowledged_by.name == "Bo Lindqvist"
    assert [person.email for person in first.facts.assignees or ()] == [
        "ana@example.com",
        "bo@example.com",
    ]
    assert (first.facts.title, first.facts.service_name) == ("alert 1", "checkout")
    assert (first.facts.number, first.facts.policy_id) == (2, sandbox.pagerduty.account.policy("Commerce").id)
    assert first.event_id.startswith(f"found:{ids[1]}:acknowledged:20")
    assert next(pager.open_alerts()).event_id == first.event_id


def test_a_note_is_written_once_and_found_by_its_marker(sandbox: Sandbox, pager: PagerDutyDoctor) -> None:
    alert = sandbox.pagerduty.trigger("slow", "checkout")
    pager.note(alert, "Channel: #inc-1", marker="[multivac 1]", look_first=False)
    pager.note(alert, "Channel: #inc-1", marker="[multivac 1]", look_first=True)
    notes = sandbox.pagerduty.incident(alert)["notes"]
    assert [note["content"] for note in notes] == ["Channel: #inc-1\n[multivac 1]"]
    pager.note(alert, "Resolved [multivac 2]", marker="[multivac 2]", look_first=True)
    assert sandbox.pagerduty.incident(alert)["notes"][-1]["content"] == "Resolved [multivac 2]"
    post = sandbox.world.calls("pagerduty", "POST /incidents/{id}/notes")[0]
    assert post.request_headers["from"] == FROM


def test_a_lost_answer_is_unknown_and_looking_first_repairs_it(
    sandbox: Sandbox, pager: PagerDutyDoctor
) -> None:
    alert = sandbox.pagerduty.trigger("slow", "checkout")
    sandbox.world.fail(Fault("pagerduty", "POST /incidents/{id}/notes", "lose_answer"))
    with pytest.raises(TryAgain) as caught:
        pager.note(alert, "hello", marker="[m]", look_first=False)
    assert caught.value.reached
    pager.note(alert, "hello", marker="[m]", look_first=True)
    assert len(sandbox.pagerduty.incident(alert)["notes"]) == 1


def test_people_and_services_are_paged_once_and_in_somebodys_name(
    sandbox: Sandbox, pager: PagerDutyDoctor
) -> None:
    alert = sandbox.pagerduty.trigger("slow", "checkout")
    bo = Person(name="Bo", email="BO@example.com")
    stranger = Person(name="Zoe", email="zoe@example.com")
    sent = Page(people=(bo, stranger), policies=("PNONE",), message="Please\nhelp", marker="[INC-1 page 1]")
    assert pager.page(alert, sent, look_first=False) == ("Bo Lindqvist",)
    assert pager.page(alert, sent, look_first=True) == ("Bo Lindqvist",)
    (asked,) = sandbox.pagerduty.incident(alert)["incidents_responders"]
    assert asked["message"] == "Please help [INC-1 page 1]"
    (post,) = sandbox.world.calls("pagerduty", "POST /incidents/{id}/responder_requests")
    assert post.request_headers["from"] == FROM
    of_service = Page(service="Search", message="Help", marker="[INC-1 page 2]")
    assert pager.page(alert, of_service, look_first=False) == ("Fay Kim",)
    policy = sandbox.pagerduty.account.policy("Customer experience").id
    fallback = Page(people=(stranger,), policies=(policy,), message="Help", marker="[INC-1 page 3]")
    assert pager.page(alert, fallback, look_first=True) == ("Cara Mbeki",)


def test_a_page_that_nobody_can_get_says_why(sandbox: Sandbox, pager: PagerDutyDoctor) -> None:
    alert = sandbox.pagerduty.trigger("slow", "checkout")
    to_nobody = Page(people=(Person(name="Zoe", email="zoe@example.com"),), message="Help", marker="[m]")
    with pytest.raises(GiveUp, match="PagerDuty does not know Zoe"):
        pager.page(alert, to_nobody, look_first=False)
    with pytest.raises(GiveUp, match='There is no PagerDuty service or escalation policy "serch"'):
        pager.page(alert, Page(service="serch", message="Help", marker="[m]"), look_first=False)
    with pytest.raises(GiveUp, match=r"PagerDuty has no user nobody@example\.com"):
        pager_of(sandbox, from_email="nobody@example.com").page(alert, to_nobody, look_first=False)


def test_what_check_asks(sandbox: Sandbox, pager: PagerDutyDoctor) -> None:
    assert pager.whoami() == f"an API key of the account, writing as {FROM}"
    ana = sandbox.pagerduty.account.user("Ana").id
    sandbox.pagerduty.gate.user_tokens["personal"] = ana
    assert pager_of(sandbox, "personal").whoami() == "Ana Silva"
    assert pager.schedule_exists("cx-leads")
    assert not pager.schedule_exists("nobody")
    assert pager.schedule_is_used("cx-leads")
    assert "checkout" in {name for key, name in pager.services() if key}
    assert {person.email for person in pager.users()} == set(PEOPLE.values())
    found = pager.person(ana)
    assert found is not None
    assert (found.name, found.email, found.pagerduty) == ("Ana Silva", FROM, ana)
    sandbox.pagerduty.subscribe(
        "https://multivac.example.com/webhooks/pagerduty", "s", events=["incident.triggered"]
    )
    assert list(pager.webhook_subscriptions()) == [
        Subscription(
            url="https://multivac.example.com/webhooks/pagerduty", active=True, events=("incident.triggered",)
        )
    ]


def test_long_lists_are_read_to_their_end(sandbox: Sandbox, pager: PagerDutyDoctor) -> None:
    add_services(sandbox.pagerduty, 240)
    assert len(list(pager.services())) == 248
    assert len(calls(sandbox)) == 3


Asks = Callable[[PagerDutyDoctor], object]
EVERY_VERB: dict[str, Asks] = {
    "on_call_of_policies": lambda pager: pager.on_call_of_policies(["PX"]),
    "on_call_of_schedules": lambda pager: pager.on_call_of_schedules(["cx-leads"]),
    "open_alerts": lambda pager: list(pager.open_alerts()),
    "note": lambda pager: pager.note("PX", "text", marker="[m]", look_first=False),
    "note, looking first": lambda pager: pager.note("PX", "text", marker="[m]", look_first=True),
    "whoami": lambda pager: pager.whoami(),
    "users": lambda pager: list(pager.users()),
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
    ],
)
def test_what_passes_is_tried_again_and_never_retried_inside(
    sandbox: Sandbox, pager: PagerDutyDoctor, *, verb: str, kind: str, status: int | None, reached: bool
) -> None:
    sandbox.world.fail(Fault("pagerduty", kind=kind, status=status, times=0))
    started = time.monotonic()
    with pytest.raises(TryAgain) as caught:
        EVERY_VERB[verb](pager)
    assert caught.value.reached is reached
    assert len(calls(sandbox)) == 1
    assert time.monotonic() - started < 2.5  # the SDK would pause for three seconds


@pytest.mark.parametrize("verb", sorted(EVERY_VERB))
@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "does not accept our token"),
        (402, "Required abilities"),
        (403, "does not let us at"),
        (404, "does not know"),
        (400, "refuses what we ask"),
        (410, "cannot use"),
    ],
)
def test_what_stays_is_given_up_with_a_reason_and_a_fix(
    sandbox: Sandbox, pager: PagerDutyDoctor, *, verb: str, status: int, why: str
) -> None:
    if (verb, status) == ("whoami", 400):
        return  # a 400 is how PagerDuty greets an account's key
    sandbox.world.fail(Fault("pagerduty", kind="refuse", status=status, times=0, error=f"because {TOKEN}"))
    with pytest.raises(GiveUp, match=why) as caught:
        EVERY_VERB[verb](pager)
    assert caught.value.fix
    assert TOKEN not in caught.value.why + caught.value.fix
    assert "because [token]" in caught.value.why or status in {401, 404}


def test_silence_ends_after_the_timeout(sandbox: Sandbox) -> None:
    pager = pager_of(sandbox, timeout=0.3)
    sandbox.world.fail(Fault("pagerduty", kind="timeout"))
    started = time.monotonic()
    with pytest.raises(TryAgain, match="did not answer") as caught:
        pager.on_call_of_policies(["PX"])
    assert caught.value.reached
    assert 0.2 < time.monotonic() - started < 2.5


@pytest.mark.parametrize(("said", "after"), [(7, timedelta(seconds=7)), (1_800_000_000, None), (None, None)])
def test_the_wait_of_a_rate_limit_is_passed_on_unless_it_is_absurd(
    sandbox: Sandbox, pager: PagerDutyDoctor, said: float | None, after: timedelta | None
) -> None:
    sandbox.world.fail(Fault("pagerduty", kind="rate_limit", retry_after=said))
    with pytest.raises(TryAgain) as caught:
        pager.users().__next__()
    assert (caught.value.after, caught.value.reached) == (after, False)


def test_a_refused_connection_had_no_effect(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    pager = pager_of(sandbox, api_url=f"http://127.0.0.1:{port}")
    with pytest.raises(TryAgain, match="cannot be reached") as caught:
        pager.note("PX", "text", marker="[m]", look_first=False)
    assert not caught.value.reached


@pytest.mark.parametrize("api_url", ["127.0.0.1", "ftp://127.0.0.1", "http://"])
def test_a_malformed_address_is_given_up(sandbox: Sandbox, api_url: str) -> None:
    with pytest.raises(GiveUp, match="malformed"):
        pager_of(sandbox, api_url=api_url).whoami()


@pytest.mark.parametrize("token", ["line\nbreak", "emoji \N{GRINNING FACE}"])
def test_a_malformed_token_is_given_up(sandbox: Sandbox, token: str) -> None:
    with pytest.raises(GiveUp, match="malformed"):
        pager_of(sandbox, token).whoami()


def test_a_from_address_that_is_nobodys_is_explained(sandbox: Sandbox) -> None:
    alert = sandbox.pagerduty.trigger("slow", "checkout")
    with pytest.raises(GiveUp, match="Requester User Not Found") as caught:
        pager_of(sandbox, from_email="nobody@example.com").note(alert, "x", marker="[m]", look_first=False)
    assert "pagerduty.from_email" in caught.value.fix


def test_the_token_is_in_no_error_and_no_log(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pager = pager_of(sandbox, "a-very-secret-token")
    with pytest.raises(GiveUp) as caught:
        pager.whoami()
    assert caught.value.__suppress_context__
    assert "secret" not in caplog.text + repr(caught.value) + repr(vars(caught.value))
    assert "oken" not in "".join(
        record.getMessage() for record in caplog.records if record.levelno >= logging.INFO
    )


def test_connections_are_kept_and_many_threads_share_one_session(
    sandbox: Sandbox, pager: PagerDutyDoctor
) -> None:
    for _ in range(5):
        pager.on_call_of_policies(["PX"])
    assert len({exchange.connection for exchange in sandbox.world.calls("pagerduty")}) == 1
    sandbox.world.reset()
    together = threading.Barrier(16)

    def ask(_: int) -> int:
        together.wait(2)
        return len(pager.on_call_of_schedules(["cx-leads"]))

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(48))) == [1] * 48
    assert len({exchange.connection for exchange in sandbox.world.calls("pagerduty")}) <= 16
