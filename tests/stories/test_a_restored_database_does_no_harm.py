"""An older database, put back, is behind the vendors: nothing is said twice, no channel is taken for ours."""

from pathlib import Path

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.store import copies
from tests.stories.stage import PLAYBOOK, Clock, Multivac
from tests.stories.workspace import Slack

pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite"], indirect=True
)  # PostgreSQL has its own tools
LATER = {"phase": "later", "title": "Later", "at": "1m", "tasks": [{"id": "look", "text": "Look."}]}


def put_back(multivac: Multivac, clock: Clock, file: Path, copy: Path, *, lost: bool) -> None:
    """Restore the copy some minutes later, perhaps after the disk with the file was lost, and start."""
    multivac.stop()
    clock.forward(minutes=9)
    if lost:
        for path in file.parent.glob(f"{file.name}*"):
            path.unlink()
    copies.restore(file, copy, now=clock.now())
    multivac.start_again()


@pytest.mark.parametrize("answers", ["come", "are lost"])
def test_a_number_that_comes_again_gets_a_channel_of_its_own(
    multivac: Multivac,
    pagerduty: PagerDuty,
    clock: Clock,
    slack: Slack,
    *,
    world: World,
    jira: Jira,
    tmp_path: Path,
    answers: str,
) -> None:
    file, copy = tmp_path / "multivac.db", tmp_path / "copy.db"
    multivac.start()
    copies.back_up(file, copy)
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    put_back(multivac, clock, file, copy, lost=True)
    if answers == "are lost":  # then each step looks for what it made, and must not find its predecessor's
        for vendor, method in (
            ("slack", "conversations.create"),
            ("slack", "chat.postMessage"),
            ("jira", "POST /issue"),
        ):
            world.fail(Fault(vendor, method, "lose_answer"))
    pagerduty.trigger("Checkout is slow", "payments")
    clock.forward(minutes=2)
    assert multivac.numbers() == (1,)
    first, second = sorted(slack.incident_channels())
    assert (first, second) == ("inc-1-checkout-is-slow", "inc-1-checkout-is-slow-2")
    assert multivac.incident().channel_name == second
    for name in (first, second):
        kinds = slack.channel(name).kinds()
        assert {"headline", "checklist/first-5-minutes", "lead told"} <= set(kinds)
        assert len(kinds) == len(set(kinds))
    assert len(slack.channel("incidents").said("announcement")) == 2
    assert [issue.key for issue in jira.site.issues.values()] == ["OPS-1", "OPS-2"]


def test_numbers_go_on_where_the_replaced_file_had_come_to(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, tmp_path: Path
) -> None:
    file, copy = tmp_path / "multivac.db", tmp_path / "copy.db"
    multivac.start()
    copies.back_up(file, copy)
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    put_back(multivac, clock, file, copy, lost=False)
    pagerduty.trigger("Checkout is slow", "payments")
    clock.settle()
    assert multivac.numbers() == (2,)
    assert sorted(slack.incident_channels()) == ["inc-1-checkout-is-slow", "inc-2-checkout-is-slow"]


def test_what_was_done_since_the_backup_is_found_and_not_done_again(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, jira: Jira, tmp_path: Path
) -> None:
    file, copy = tmp_path / "multivac.db", tmp_path / "copy.db"
    multivac.start({"checklists": [*PLAYBOOK["checklists"], LATER]})
    pagerduty.world.fail(Fault("slack", "conversations.create", "server_error"))
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock._work()  # everything but what needs the channel, which is tried again a second later
    assert slack.incident_channels() == []
    copies.back_up(file, copy)
    clock.forward(minutes=2)
    said = slack.channel("inc-1").kinds()
    put_back(multivac, clock, file, copy, lost=False)
    clock.forward(minutes=2)
    assert slack.incident_channels() == ["inc-1-checkout-is-slow"]
    assert sorted(slack.channel("inc-1").kinds()) == sorted(said)
    assert "checklist/later" in said
    assert [issue.key for issue in jira.site.issues.values()] == ["OPS-1"]
    assert len(pagerduty.incident(alert)["notes"]) == 1
    assert len(slack.channel("incidents").said("announcement")) == 1
