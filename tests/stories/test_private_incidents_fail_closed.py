"""Of a private incident nobody learns anything who is not in it, by any way there is."""

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from tests.stories.stage import Clock, Logs, Multivac
from tests.stories.workspace import Slack

HEARS = {
    "slack__signing_secret": "what-slack-signs-with",
    "slack__admins": "dee@example.com",
    "slack__operators_channel": "general",
}
SECRET_WORDS = "Data leak at a customer"


@pytest.mark.every_database
def test_only_those_who_are_in_it_see_join_or_are_briefed(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, world: World, logs: Logs
) -> None:
    multivac.start({"channel": {"private": True}}, settings=HEARS)
    alert = pagerduty.trigger(SECRET_WORDS, "checkout", priority="P1")
    clock.settle()
    room = slack.channel("inc-1")
    assert room.is_private
    for line in ("briefing INC-1", "join INC-1", "show INC-1", f"INC-1 invite <@{slack.id_of('Cy')}>"):
        for stranger in ("Cy", "Dee"):  # Dee runs Multivac
            assert "There is no INC-1" in slack.asks(stranger, line)
    assert "No incident is open" in slack.asks("Cy", "list")
    assert SECRET_WORDS not in slack.asks("Cy", "oncall checkout") + slack.asks("Cy", "join")

    slack.asks("Bo", f"invite <@{slack.id_of('Cy')}>", channel="inc-1")
    slack.standin.person_joins(room.name, "gus@example.com", inviter="bo@example.com")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo", "Cy", "Gus"}
    assert SECRET_WORDS in slack.asks("Gus", "briefing INC-1")
    slack.standin.person_leaves(room.name, "bo@example.com")
    slack.standin.person_leaves(room.name, "gus@example.com")
    clock.settle()
    tell = slack.tells_later(lambda: slack.standin.person_joins(room.name, "gus@example.com"))
    clock.forward(seconds=1)
    slack.standin.person_leaves(room.name, "gus@example.com")
    clock.settle()
    tell()  # Slack tries again what could not be kept
    clock.settle()
    for gone in ("Bo", "Gus"):
        assert "There is no INC-1" in slack.asks(gone, "briefing INC-1")

    slack.standin.deactivate("ana@example.com")
    slack.standin.person_archives(room.name, "cy@example.com")
    pagerduty.add_responder(alert, "Cy", by="Bo")
    clock.forward(minutes=12)
    multivac.running.operators.tell()
    assert "The channel of INC-1 was archived by Cy Tanaka, and nobody" in slack.channel("general").said()[-1]
    for public in ("general", "incidents"):
        assert SECRET_WORDS not in "\n".join(slack.channel(public).said())
    assert [one for one in logs.lines if SECRET_WORDS in str(one)] == []
    assert SECRET_WORDS not in multivac.metrics()


def test_into_what_people_made_private_rules_invite_nobody_until_somebody_in_it_says_so(
    multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    rules = {
        "invite": [{"people": ["bo@example.com"]}],
        "lead": [{"fixed": "ana@example.com"}],
        "roles": {"cx lead": {"fixed": "cara@example.com"}},
    }
    multivac.start(rules, settings=HEARS)
    slack.asks("Cy", f"declare {SECRET_WORDS} private sev1")
    clock.forward(minutes=5)
    assert slack.channel("inc-1").members == {"Ana", "Cy"}
    assert SECRET_WORDS not in str(slack.direct("Cara")) + str(slack.direct("Bo"))
    (asked,) = slack.channel("inc-1").said("invites asked")
    assert asked.startswith("Rules would invite Bo Lindqvist, Cara Mbeki.")
    slack.presses("Cy", "Invite them", channel="inc-1", kind="invites asked")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo", "Cara", "Cy"}
    (asked,) = slack.channel("inc-1").said("invites asked")
    assert "Everybody whom rules would invite is here" in asked
