"""What Jira refuses for now is asked of it by nobody, and what it refuses for one issue holds up no other."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from integrations.jira.tracker import JiraTracker
from integrations.sandbox import jira
from integrations.sandbox.clock import Clock
from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import Fault
from multivac.budget import Errand, Limiter, OwnTanks
from multivac.errors import Paced, TryAgain
from multivac.incident import Person
from multivac.ports import TicketDraft

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SEV1, SEV4 = (Errand(who=f"sev{n}", severity=n, matters=0, since=NOON) for n in (1, 4))
DRAFT = TicketDraft(title="It is slow", paragraphs=(), links=(), label="one", severity="sev4")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Clock(frozen=NOON)) as served:
        served.seed()
        yield served


def tracker(sandbox: Sandbox, limiter: Limiter) -> JiraTracker:
    url, user = f"{sandbox.url}/jira", "multivac@example.com"
    return JiraTracker(
        url, user, jira.TOKEN, project="OPS", issue_type="Incident", flavour="cloud", pace=limiter
    )


def limiter_of(sandbox: Sandbox) -> Limiter:
    return Limiter(OwnTanks(), sandbox.world.clock.now)


def assign_often(ours: JiraTracker, ticket: str, account: str) -> None:
    for _ in range(30):
        ours.assign(ticket, account)


def test_a_429_about_one_issue_holds_back_nothing_else(sandbox: Sandbox) -> None:
    limiter = limiter_of(sandbox)
    ours = tracker(sandbox, limiter).on_behalf(SEV4)
    sandbox.world.limits_on = True
    made = ours.open_ticket(DRAFT)
    account = ours.find_account(Person(name="Ana Silva", email="ana@example.com")) or ""
    with pytest.raises(TryAgain) as refused:
        assign_often(ours, made.key, account)
    assert not refused.value.reached
    assert ours.find_tickets("one")


def test_a_429_about_a_site_puts_off_whoever_asks_for_an_incident(sandbox: Sandbox) -> None:
    limiter = limiter_of(sandbox)
    first, second = (tracker(sandbox, limiter) for _ in range(2))  # as two replicas with one budget
    sandbox.world.fail(Fault("jira", "*", "rate_limit", times=1, retry_after=40))
    with pytest.raises(TryAgain):
        first.on_behalf(SEV4).find_tickets("one")
    with pytest.raises(Paced) as put_off:
        second.on_behalf(SEV1).open_ticket(DRAFT)
    assert put_off.value.until >= NOON + timedelta(seconds=40)
    assert second.find_tickets("one") == (), "nobody's call is put off"
    sandbox.world.clock.forward(41)
    assert second.on_behalf(SEV1).open_ticket(DRAFT).key
