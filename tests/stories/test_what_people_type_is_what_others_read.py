"""What people type in Slack stands everywhere as they typed it, and does what they meant."""

import pytest

from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

HEARS = {"slack__signing_secret": "what-slack-signs-with"}
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs


@ON_SQLITE
def test_words_and_those_named_in_them_read_as_typed_in_every_tool(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty, *, jira: Jira
) -> None:
    multivac.start({"lead": [{"on_call": {}}]}, settings=HEARS)
    pagerduty.create_service("Payment API")
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    bo, cy, general = slack.id_of("Bo"), slack.id_of("Cy"), slack.standin.channel("general").id
    graph = "<https://x.example/a?b=1&amp;c=2|graph>"

    slack.asks("Ana", "rename Checkout &lt;beta&gt; &amp; cart <!here>", channel="inc-1")
    slack.asks(
        "Ana",
        f"update &gt; 90 % pay, thanks <@{cy}|cy>, see {graph} in <#{general}|general>",
        channel="inc-1",
    )
    slack.asks("Ana", f"link {graph}", channel="inc-1")
    told = slack.asks("Ana", "link <https://y.example/z> Run &amp; fix", channel="inc-1")
    assert "The headline links it now, as “Run &amp; fix”." in told
    clock.settle()
    said = "> 90 % pay, thanks @Cy Tanaka, see graph (https://x.example/a?b=1&c=2) in #general"
    (published,) = pagerduty.incident(alert)["status_updates"]
    assert said in published["message"]
    (comment,) = jira.issue("OPS-1")["fields"]["comment"]["comments"]
    assert said in str(comment["body"])
    assert jira.issue("OPS-1")["fields"]["summary"].endswith("Checkout <beta> & cart @here")
    room = slack.channel("inc-1")
    escaped = said.replace("&", "&amp;").replace(">", "&gt;")
    assert escaped in room.said("update")[0]
    assert "Checkout ‹beta› & cart @\u2060here" in room.headline  # noqa: RUF001  # in a header
    assert "<https://x.example/a?b=1&amp;c=2|graph>" in room.headline
    assert "<https://y.example/z|Run &amp; fix>" in room.headline
    assert room.broadcasts == []

    slack.asks("Ana", f"task add Ask <@{cy}> about the database <@{bo}>", channel="inc-1")
    told = slack.asks("Ana", f"page Payment API ask <@{cy}> first", channel="inc-1")
    assert "page whoever is on call for Payment API." in told
    told = slack.asks("Ana", "page “Customer experience” Please look", channel="inc-1")
    assert "page whoever is on call for Customer experience." in told
    assert "I do not know who “Zoe” is" in slack.asks("Ana", f"handover Zoe ask <@{cy}>", channel="inc-1")
    slack.asks("Ana", f"handover <@{bo}> ask <@{cy}> about the database", channel="inc-1")
    clock.settle()
    case = multivac.incident()
    (task,) = case.tasks.values()
    assert task.owner is not None
    assert (task.text, task.owner.name) == ("Ask @Cy Tanaka about the database", "Bo Lindqvist")
    assert [one.note for one in case.summons if one.pages] == ["ask @Cy Tanaka first", "Please look"]
    assert multivac.lead() == "Bo Lindqvist"
    assert "ask @Cy Tanaka about the database" in slack.channel("inc-1").said("lead told")[-1]
