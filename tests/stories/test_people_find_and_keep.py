"""People find incidents again, link what helps, and write down what is to be done afterwards."""

import pytest
import sqlalchemy as sa

from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from multivac.store.tables import incident
from tests.stories.stage import PLAYBOOK, Clock, Multivac
from tests.stories.workspace import Slack

HEARS = {"slack__signing_secret": "what-slack-signs-with", "slack__admins": "dee@example.com"}


@pytest.fixture
def alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> str:
    """A P1 on checkout, led by Ana."""
    multivac.start(PLAYBOOK, settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    return alert


@pytest.mark.every_database
def test_an_incident_is_found_by_any_word_of_it_but_a_private_one_only_by_its_people(
    alert: str, slack: Slack, clock: Clock
) -> None:
    slack.asks("Ana", "note The Überweisung queue is at 50% of its_limit", channel="inc-1")
    slack.asks("Cy", "declare Leak of the queue private sev1")
    slack.asks("Cy", "declare A slow QUEUE sev3")
    clock.settle()
    assert "Write words to look for" in slack.asks("Bo", "search")
    told = slack.asks("Bo", "search queue")
    assert [word for word in told.split() if word.startswith("INC-")] == ["INC-3", "INC-1", "INC-3", "INC-1"]
    assert "INC-1 · SEV1 · triage · Checkout returns 500" in told
    assert "Ana Silva: The Überweisung queue is at 50%" in told
    assert "Leak" not in told
    assert "Leak of the queue" in slack.asks("Cy", "search queue leak")
    assert "INC-1" in slack.asks("Bo", "search überweisung 50% its_limit CHECKOUT")
    for line in ("search 51%", "search itsxlimit", "search leak"):
        assert "No incident has all of this" in slack.asks("Bo", line)


def test_a_follow_up_waits_for_the_end_and_then_is_an_issue_of_its_owner(
    alert: str, slack: Slack, clock: Clock, jira: Jira
) -> None:
    for due, told in (("soon", "“soon” is no day."), ("2026-03-01", "2026-03-01 is over.")):
        assert told in slack.asks("Ana", f"followup Alert on the queue due:{due}", channel="inc-1")
    line = f"followup --due=friday Alert on the queue <@{slack.id_of('Cara')}>"
    assert "becomes an issue in Jira when" in slack.asks("Ana", line, channel="inc-1")
    slack.says("inc-1", "Cy", "We should test the rollback")
    ts = slack.channel("inc-1").messages[-1]["ts"]
    room = slack.channel("inc-1")
    slack.standin.shortcuts(slack.person("Ana"), "multivac-follow-up", channel=room.id, ts=ts)
    assert slack.sends("Ana", text=" ") == {"text": "Write what is left to do."}
    assert slack.sends("Ana", due="2026-03-01") == {"due": "2026-03-01 is over."}
    assert slack.sends("Ana", due="2026-03-09") == {}
    clock.settle()
    assert len(jira.state()["issues"]) == 1
    assert "Alert on the queue · Cara Mbeki · due 2026-03-06" in slack.asks(
        "Ana", "followups list", channel="inc-1"
    )
    slack.asks("Ana", "resolve Rolled back", channel="inc-1")
    clock.settle()
    slack.asks("Ana", "follow-up Write to the bank", channel="inc-1")
    clock.settle()
    issues = {
        one["fields"]["summary"]: one for key in ("OPS-2", "OPS-3", "OPS-4") for one in [jira.issue(key)]
    }
    assert issues.keys() == {"Alert on the queue", "We should test the rollback", "Write to the bank"}
    assert issues["Alert on the queue"]["fields"]["assignee"]["displayName"] == "Cara Mbeki"
    assert issues["Write to the bank"]["fields"]["assignee"] is None
    assert "It is due on 2026-03-06." in str(issues["Alert on the queue"]["fields"]["description"])
    days = {title: one["fields"]["duedate"] for title, one in issues.items()}
    assert days == {
        "Alert on the queue": "2026-03-06",
        "We should test the rollback": "2026-03-09",
        "Write to the bank": None,
    }
    (line,) = slack.channel("inc-1").said("end line")
    assert line.count("|OPS-") == 3
    assert len(jira.issue("OPS-1")["fields"]["issuelinks"]) == 3


def test_a_second_end_names_what_the_first_left_to_do_and_whom_each_line_of_its_form_names(
    alert: str, slack: Slack, clock: Clock, jira: Jira
) -> None:
    slack.asks("Ana", "followup Raise the limit @ana", channel="inc-1")
    told = "I do not know who “nobby” is: “Ask @nobby” is nobody's yet."
    assert slack.asks("Ana", "followup Ask @nobby", channel="inc-1").endswith(told)
    slack.asks("Ana", "resolve Rolled back", channel="inc-1")
    clock.settle()
    slack.asks("Ana", "followup Write to the bank", channel="inc-1")
    slack.asks("Ana", "reopen It came back", channel="inc-1")
    slack.asks("Ana", "resolve", channel="inc-1")
    soon = slack.sends("Ana", fixed="Restarted", follow_ups="Rotate keys due:soon")
    assert soon == {"follow_ups": "“soon” is no day. Write it as 2026-12-04."}
    to_do = "- Rotate keys due:2026-03-09 @ana\n- Raise the limit"
    assert slack.sends("Ana", fixed="Restarted", follow_ups=to_do) == {}
    clock.settle()
    first, second = slack.channel("inc-1").said("end line")
    assert (first.count("|OPS-"), second.count("|OPS-")) == (3, 4)  # each once: none of them is done
    issues = [jira.issue(f"OPS-{key}")["fields"] for key in range(2, 6)]
    assert {
        (one["summary"], (one["assignee"] or {}).get("displayName"), one["duedate"]) for one in issues
    } == {
        ("Raise the limit", "Ana Silva", None),
        ("Ask @nobby", None, None),
        ("Write to the bank", None, None),
        ("Rotate keys", "Ana Silva", "2026-03-09"),
    }


def test_links_stand_in_the_headline_and_the_briefing_until_they_are_taken_away(
    alert: str, slack: Slack, clock: Clock
) -> None:
    for bad in ("javascript:alert(1)", "https://", "ftp://a.example.com/x", "https://ana:pw@a.example.com/"):
        assert (
            "The address" in (told := slack.asks("Ana", f"link {bad} X", channel="inc-1"))
            or "no address" in told
        )
    for number in range(10):
        slack.asks(
            "Ana",
            f"link <https://g.example.com/d?a={number}&amp;b=1> Board {number}&lt;!here&gt;",
            channel="inc-1",
        )
    assert "There are 10 links already" in slack.asks("Ana", "link https://h.example.com/", channel="inc-1")
    clock.settle()
    room = slack.channel("inc-1")
    assert "<https://g.example.com/d?a=9&amp;b=1|Board 9&lt;!here&gt;>" in room.headline
    assert room.broadcasts == []
    slack.asks("Ana", "link https://g.example.com/d?a=9&b=1 none", channel="inc-1")
    slack.asks("Ana", "link https://h.example.com/", channel="inc-1")
    clock.settle()
    room = slack.channel("inc-1")
    assert "a=9" not in room.headline
    assert "<https://h.example.com/|h.example.com>" in room.headline
    assert "<https://h.example.com/|h.example.com>" in slack.asks("Bo", "INC-1 briefing")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_ones_own_incident_is_found_however_many_worse_ones_are_open(
    multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    multivac.start(PLAYBOOK, settings=HEARS)
    slack.asks("Bo", "declare Mine is small sev5")
    clock.settle()

    def declare_others(tx: sa.Connection) -> None:
        row = tx.execute(sa.select(incident)).mappings().one()
        others = {"title": "Another", "severity": "sev3", "declared_by": None, "channel_id": None}
        others |= {"planned": row["version"], "wake_at": None}
        tx.execute(incident.insert(), [{**row, **others, "id": 100 + n} for n in range(60)])

    multivac.running.database.write(declare_others)
    assert "Mine is small" in slack.asks("Bo", "list mine")
    assert "Mine is small" in slack.opens_home("Bo").partition("Open incidents")[0]
