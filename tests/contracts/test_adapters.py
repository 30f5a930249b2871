"""Every verb of every adapter, with the vendor willing and unwilling, as the vendors' documents have it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.jira.tracker import JiraTracker
from integrations.pagerduty.doctor import PagerDutyDoctor
from integrations.sandbox import jira, pagerduty
from integrations.sandbox.exchange import Fault
from integrations.sandbox.seed import BOT_TOKEN
from integrations.sandbox.server import Sandbox
from integrations.slack.chat import SlackChat
from multivac.briefing import ChangeLine
from multivac.errors import MultivacError
from multivac.incident import Person
from multivac.ports import Marker, Posted, TicketDraft
from tests.contracts.documents import Documents

MARKER = Marker(incident=1, kind="change line")
HELLO = ChangeLine(text="Ana leads now.")
DRAFT = TicketDraft(
    title="INC-1 Checkout is down",
    paragraphs=("It is down.", "<b>really</b> {code}", ""),
    links=(("PagerDuty #1", "https://example.pagerduty.com/incidents/Q1"),),
    label="multivac-inc-1-1",
    severity="sev1",
    component="checkout",
)
YESTERDAY = timedelta(days=1)
UNWILLING: tuple[dict[str, Any], ...] = (
    {"kind": "rate_limit", "retry_after": 1.0},
    {"kind": "server_error"},
    {"kind": "server_error", "status": 503},
    {"kind": "lose_answer"},
    {"kind": "reset"},
    {"kind": "html"},
    {"kind": "malformed"},
)

Acts = list[Callable[[], Any]]


def of_slack(sandbox: Sandbox, token: str = BOT_TOKEN) -> Acts:
    chat = SlackChat(token, api_url=f"{sandbox.url}/slack/api/")
    people = [person.id for person in sandbox.slack.space.people.values()]
    since = datetime.now(UTC) - YESTERDAY

    def at() -> str:
        return sandbox.slack.channel("inc-1").id

    def posted() -> Posted:
        return Posted(at(), next(m["ts"] for m in sandbox.slack.channel("inc-1").messages if m.get("blocks")))

    return [
        chat.whoami,
        lambda: chat.open_channel("inc-1", private=False),
        lambda: chat.open_channel("inc-1", private=True),
        lambda: chat.open_channel("Not A Name!", private=False),
        lambda: chat.open_channel("sec-1", private=True),
        lambda: chat.find_channel("inc-1", since=since),
        lambda: chat.set_topic(at(), "SEV1"),
        lambda: chat.set_topic(at(), "x" * 400),
        lambda: chat.set_purpose(at(), "Response to INC-1"),
        lambda: chat.invite(at(), [*people[:3], "U0NOBODY"]),
        lambda: chat.invite(at(), people),
        lambda: chat.find_person("ana@example.com"),
        lambda: chat.find_person("nobody@example.com"),
        lambda: chat.person(people[0]),
        lambda: chat.person("U0NOBODY"),
        lambda: chat.group_members("sre"),
        lambda: chat.group_members("S0NOBODYXX"),
        lambda: chat.post(at(), HELLO, MARKER),
        lambda: chat.post("#incidents", HELLO, MARKER),
        lambda: chat.post("#general", HELLO, MARKER),
        lambda: chat.post("#nowhere", HELLO, MARKER),
        lambda: chat.edit(posted(), HELLO, MARKER),
        lambda: chat.edit(Posted(at(), "1700000000.000001"), HELLO, MARKER),
        lambda: chat.find_message(at(), MARKER, since=since),
        lambda: chat.find_message("C0NOWHERE00", MARKER, since=since),
        lambda: chat.pin(posted()),
        lambda: chat.pin(posted()),
        lambda: chat.bookmark(at(), "Ticket", "https://example.com/OPS-1", look_first=True),
        lambda: chat.bookmark(at(), "Ticket", "https://example.com/OPS-1", look_first=True),
        lambda: chat.bookmark(at(), "Bad", "not an address", look_first=False),
        lambda: chat.people_spoke(at()),
        chat.close,
    ]


def of_jira(sandbox: Sandbox, token: str = jira.TOKEN) -> Acts:
    def tracker(**changed: Any) -> JiraTracker:
        usual: dict[str, Any] = {"project": "OPS", "issue_type": "Incident", "flavour": "cloud"}
        return JiraTracker(f"{sandbox.url}/jira", "multivac@example.com", token, **usual | changed)

    ours, ana = tracker(), sandbox.jira.site.person("Ana").account_id
    gus = sandbox.jira.site.person("Gus").account_id

    def key() -> str:
        return next(iter(sandbox.jira.site.issues.values())).key

    return [
        lambda: ours.open_ticket(DRAFT),
        lambda: tracker(issue_type="Nothing").open_ticket(DRAFT),
        lambda: tracker(project="NONE").open_ticket(DRAFT),
        lambda: ours.find_tickets(DRAFT.label),
        lambda: ours.find_tickets('no "such" label'),
        lambda: ours.find_account(Person(name="Ana", email="ana@example.com")),
        lambda: ours.find_account(Person(name="Nobody", email="nobody@example.com")),
        lambda: ours.assign(key(), ana),
        lambda: ours.assign(key(), gus),
        lambda: ours.assign("OPS-999", ana),
        lambda: ours.role_members("Incident leads"),
        lambda: ours.role_members("Nobody"),
        lambda: ours.group_members("incident-leads"),
        lambda: ours.group_members("nobody"),
        lambda: ours.component_lead("checkout"),
        lambda: ours.component_lead("nothing"),
    ]


def of_pagerduty(sandbox: Sandbox, token: str = pagerduty.TOKEN) -> Acts:
    pager = PagerDutyDoctor(token, api_url=f"{sandbox.url}/pagerduty", from_email="ana@example.com")
    nobody = PagerDutyDoctor(token, api_url=f"{sandbox.url}/pagerduty", from_email="nobody@example.com")
    account = sandbox.pagerduty.account
    alert = sandbox.pagerduty.trigger("Checkout is down", priority="P1")
    sandbox.pagerduty.acknowledge(alert, by="Bo")
    other, bo = sandbox.pagerduty.trigger("Search is down"), Person(name="Bo", email="bo@example.com")
    return [
        lambda: pager.on_call_of_policies([each.id for each in account.policies.values()]),
        lambda: pager.on_call_of_policies(["PNOBODY"]),
        lambda: pager.on_call_of_schedules(["cx-leads", account.schedule("Commerce primary").id]),
        lambda: pager.on_call_of_schedules(["nobody's"]),
        lambda: pager.person(account.user("Ana").id),
        lambda: pager.person("PNOBODY"),
        lambda: list(pager.open_alerts()),
        lambda: pager.note(alert, "Response INC-1", marker="[INC-1]", look_first=True),
        lambda: pager.note(alert, "Response INC-1", marker="[INC-1]", look_first=True),
        lambda: pager.note("QNOBODY", "Response INC-1", marker="[INC-1]", look_first=False),
        lambda: nobody.note(alert, "Response INC-1", marker="[INC-2]", look_first=False),
        lambda: pager.acknowledge(other, bo, look_first=False),
        lambda: list(pager.users()),
        lambda: list(pager.services()),
        lambda: list(pager.webhook_subscriptions()),
        pager.whoami,
    ]


VENDORS = {"slack": of_slack, "jira": of_jira, "pagerduty": of_pagerduty}


def play(acts: Acts) -> None:
    for act in acts:
        with suppress(MultivacError, LookupError, StopIteration):
            act()


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_verb_is_as_the_documents_have_it(vendor: str, sandbox: Sandbox, documents: Documents) -> None:
    play(VENDORS[vendor](sandbox))
    assert len(sandbox.world.calls(vendor)) >= 10
    assert "\n".join(documents.breaches(sandbox.world.exchanges)) == ""


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_wrong_token_is_refused_as_the_documents_have_it(
    vendor: str, sandbox: Sandbox, documents: Documents
) -> None:
    play(VENDORS[vendor](sandbox, "xoxb-wrong"))
    assert sandbox.world.calls(vendor)
    assert "\n".join(documents.breaches(sandbox.world.exchanges)) == ""


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_goes_wrong_is_as_the_documents_have_it(
    vendor: str, sandbox: Sandbox, documents: Documents
) -> None:
    acts = VENDORS[vendor](sandbox)
    for fault in UNWILLING:
        sandbox.world.fail(Fault(vendor, **fault))
    play(acts)
    sandbox.world.limits_on = True
    play(acts)
    assert "\n".join(documents.breaches(sandbox.world.exchanges)) == ""
