"""People leave, rename, archive, delete, unpin by hand: each has a rule, and a redelivery changes nothing."""

import re

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack, text_of

HEARS = {"slack__signing_secret": "what-slack-signs-with"}


@pytest.fixture
def alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> str:
    """A P1 on checkout, led by Ana; everybody has done their part."""
    multivac.start(settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    return alert


def test_who_left_is_invited_again_only_if_somebody_asks(
    alert: str, multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    room = slack.channel("inc-1")
    slack.standin.person_leaves(room.name, "bo@example.com")
    slack.standin.person_joins(room.name, "gus@example.com")
    clock.settle()
    slack.standin.person_leaves(room.name, "gus@example.com")
    pagerduty.add_responder(alert, "Gus", by="Ana")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Dee"}
    told = slack.asks("Ana", f"invite <@{slack.id_of('Bo')}> <@{slack.id_of('Cy')}>", channel="inc-1")
    assert "Bo Lindqvist, Cy Tanaka" in told
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Dee", "Bo", "Cy"}
    assert "Ana Silva asks for Bo Lindqvist, Cy Tanaka" in multivac.timeline()
    assert "Invited Bo Lindqvist, Cy Tanaka" in multivac.timeline()
    assert "already" in slack.asks("Ana", f"invite <@{slack.id_of('Cy')}>", channel="inc-1")


def test_while_the_channel_is_archived_its_steps_wait_and_the_lead_is_told_once(
    alert: str, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    room = slack.channel("inc-1")
    slack.standin.person_archives(room.name, "cy@example.com")
    clock.settle()
    slack.asks("Bo", "INC-1 impact Nobody can pay")
    clock.forward(minutes=25)
    (told,) = slack.direct("Ana")
    assert "The channel of INC-1 was archived" in told
    assert "Unarchive it and mention the bot there, which brings it back" in told
    assert "Nobody can pay" not in slack.channel("inc-1").headline
    assert len(slack.channel("inc-1").said("checklist")) == 1
    assert multivac.metric("multivac_steps_total", outcome="failed") == 0
    slack.standin.person_archives(room.name, "cy@example.com", off=True)
    clock.settle()
    assert "unarchived without the bot" in slack.direct("Ana")[0]
    slack.standin.person_joins(room.name, "multivac", inviter="cy@example.com")
    clock.settle()
    assert slack.channel("inc-1").members == {*room.members, "Cy"}
    assert "Nobody can pay" in slack.channel("inc-1").headline
    assert "Stabilise" in slack.channel("inc-1").said("checklist")[1]
    again = f"The channel of INC-1 can be used again.\nChannel: <#{slack.channel('inc-1').id}>"
    assert slack.direct("Ana") == [again]
    slack.standin.person_leaves(room.name, "multivac")
    clock.settle()
    assert "was closed to the bot" in slack.direct("Ana")[1]
    slack.standin.person_joins(room.name, "multivac", inviter="ana@example.com")
    clock.settle()
    assert slack.direct("Ana") == [again] * 2
    tell = slack.tells_later(lambda: slack.standin.person_archives(room.name, "cy@example.com"))
    clock.forward(seconds=30)
    slack.standin.person_archives(room.name, "cy@example.com", off=True)
    clock.forward(seconds=1)
    slack.standin.person_joins(room.name, "multivac", inviter="cy@example.com")
    clock.settle()
    tell()  # Slack tries again what could not be kept, and holds nothing back for it
    clock.settle()
    assert multivac.incident().shut_at is None


@pytest.mark.every_database
def test_a_new_name_stays_a_deleted_headline_comes_back_an_unpinned_one_does_not_and_all_is_heard_once(
    alert: str, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    room = slack.channel("inc-1")
    (headline,) = room.ours("headline")
    slack.standin.person_deletes(room.name, "multivac", ts=headline["ts"])
    clock.settle()
    (again,) = slack.channel("inc-1").ours("headline")
    assert again["ts"] != headline["ts"]
    assert slack.channel("inc-1").pinned == [text_of(again)]
    slack.standin.person_pins(room.name, "ana@example.com", ts=again["ts"], off=True)
    slack.asks("Ana", "INC-1 impact Nobody can pay")
    clock.settle()
    assert slack.channel("inc-1").pinned == []
    assert "Ana Silva unpinned the headline" in multivac.timeline()
    slack.standin.deliveries.duplicate_next(1)
    slack.standin.person_renames(room.name, "ana@example.com", name="cards-down")
    clock.settle()
    assert slack.channel("cards-down").name == multivac.incident().channel_name == "cards-down"
    assert multivac.timeline().count("The channel is called #cards-down now") == 1
    tell = slack.tells_later(
        lambda: slack.standin.person_renames("cards-down", "ana@example.com", name="cards")
    )
    clock.forward(seconds=1)
    slack.standin.person_renames("cards", "ana@example.com", name="payments")
    clock.settle()
    tell()
    clock.settle()
    assert slack.channel("payments").name == multivac.incident().channel_name == "payments"


def test_who_leads_or_has_a_role_and_whose_account_is_closed_is_a_gap_that_is_said_and_holds_nobody_up(
    alert: str, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    assert "Only the lead" in slack.asks("Bo", "resolve Rolled back", channel="inc-1")
    slack.asks("Ana", f"role cx lead <@{slack.id_of('Cara')}>", channel="inc-1")
    slack.standin.deactivate("ana@example.com")
    slack.standin.deactivate("cara@example.com")
    clock.settle()
    (gaps,) = slack.channel("inc-1").said("gaps")
    assert "Ana Silva, the lead, has no Slack account any more. Whoever leads presses Take the lead." in gaps
    assert "Cara Mbeki, the customer-experience lead, has no Slack account any more. Name another:" in gaps
    assert "Cara Mbeki could not be invited" in gaps
    slack.presses("Bo", "Take the lead", channel="inc-1", kind="gaps")
    clock.settle()
    named = re.search(r"`/incident (role .*) @bo`", gaps)
    assert named is not None
    slack.asks("Bo", f"{named[1]} <@{slack.id_of('Dee')}>", channel="inc-1")
    clock.settle()
    (gaps,) = slack.channel("inc-1").said("gaps")
    assert "✅ Bo Lindqvist is the lead." in gaps
    assert "✅ Dee Okafor is the customer-experience lead." in gaps
