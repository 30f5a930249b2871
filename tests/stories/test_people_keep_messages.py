"""People keep what was said: by a reaction, a pin or a shortcut, with its own time, and can take it back."""

import json

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from multivac.store import timeline
from multivac.store.tables import entry
from tests.stories.fingers import Fingers
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Message, Slack, text_of

HEARS = {"slack__signing_secret": "what-slack-signs-with"}
# The other stories ask both databases all that these do.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def fingers(slack: Slack, multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> Fingers:
    """An incident, of which everybody has done their part."""
    multivac.start({"lead": [{"on_call": {}}], "invite": [{"on_call": {}}]}, settings=HEARS)
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    return Fingers(slack, multivac)


def marks(slack: Slack, ts: str) -> list[str]:
    """The emoji under a message that are ours."""
    room = slack.standin.channel(slack.channel("inc-1").id)
    message: Message = next(one for one in room.messages if one["ts"] == ts)
    me = slack.standin.space.bot.id
    return [one["name"] for one in message.get("reactions", ()) if me in one["users"]]


def kept(multivac: Multivac) -> list[str]:
    """What the timeline keeps of messages."""
    with multivac.running.database.read() as tx:
        found = timeline.entries(tx, multivac.incident().id)
    return [f"{one.at:%H:%M} {one.text}" for one in found if one.link]


def test_a_pushpin_keeps_a_message_with_its_own_time_until_it_is_taken_back(
    fingers: Fingers, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    said = f"{clock.now():%H:%M}"
    ts = fingers.says("inc-1", "Bo", "Rollback of <https://ci.example/1|build 1> &amp; cache started")
    clock.forward(minutes=7)
    fingers.reacts("Ana", "pushpin", ts, channel="inc-1")
    clock.settle()
    assert kept(multivac) == [
        f"{said} Bo Lindqvist: Rollback of build 1 (https://ci.example/1) & cache started"
    ]
    assert marks(slack, ts) == ["memo"]
    shown = slack.asks("Cy", "timeline", channel="inc-1")
    assert "cache started (<https://sandbox.slack.com/archives/" in shown
    clock.forward(minutes=9)
    fingers.reacts("Ana", "pushpin", ts, channel="inc-1", off=True)
    clock.settle()
    assert (kept(multivac), marks(slack, ts)) == ([], [])
    with multivac.running.database.read() as tx:
        assert len(tx.execute(entry.select().where(entry.c.link.is_not(None))).all()) == 1
    fingers.reacts("Ana", "pushpin", ts, channel="inc-1")
    clock.forward(minutes=11)
    fingers.reacts("Ana", "pushpin", ts, channel="inc-1", off=True)
    clock.settle()
    assert len(kept(multivac)) == 1
    (headline,) = slack.channel("inc-1").ours("headline")
    room = slack.channel("inc-1").id
    slack.standin.person_reacts(room, slack.person("Ana"), ts=headline["ts"], name="pushpin")
    fingers.reacts("Ana", "ballot_box_with_check", ts, channel="inc-1")
    clock.settle()
    assert not [one for one in kept(multivac) if "SEV1" in one]  # it says what the timeline has already


@pytest.mark.every_database
def test_edits_and_deletions_of_what_is_kept_are_followed_and_others_cost_nothing(
    fingers: Fingers, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    standin, name = slack.standin, slack.channel("inc-1").name
    bo = slack.person("Bo")
    ts = fingers.says("inc-1", "Bo", "It began at 13:00")
    other = fingers.says("inc-1", "Bo", "Coffee?")
    with fingers.acting():
        standin.person_pins(name, bo, ts=ts)
    clock.settle()
    standin.person_edits(name, bo, ts=other, text="Tea?")
    with fingers.acting():
        standin.person_edits(name, bo, ts=ts, text="It began at 12:30")
    clock.settle()
    assert [line.partition(" ")[2] for line in kept(multivac)] == ["Bo Lindqvist: It began at 12:30"]
    with fingers.acting():
        standin.person_deletes(name, bo, ts=ts)
    clock.settle()
    assert kept(multivac) == []
    assert not multivac.metric("multivac_steps_total", outcome="failed")


@pytest.mark.every_database
def test_a_ticked_box_makes_a_task_and_a_guests_reaction_does_nothing(
    fingers: Fingers, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    ts = fingers.says("inc-1", "Bo", "Somebody look at the queue")
    answer = slack.standin.person_says(
        slack.channel("inc-1").name, slack.person("Ana"), "And at the cache", thread_ts=ts
    )
    slack.standin.space.people[_id(slack, "Cy")].guest = True
    fingers.reacts("Cy", "ballot_box_with_check", ts, channel="inc-1")
    clock.settle()
    assert slack.channel("inc-1").said("tasks") == []
    fingers.reacts("Bo", "ballot_box_with_check", answer, channel="inc-1")
    clock.settle()
    (own,) = slack.channel("inc-1").said("tasks")
    assert "☐ 1. And at the cache · to do · <https://sandbox.slack.com/archives/" in own
    fingers.reacts("Bo", "ballot_box_with_check", answer, channel="inc-1", off=True)
    clock.settle()
    assert multivac.incident().tasks == {}


@ON_SQLITE
def test_shortcuts_keep_make_tasks_and_declare(
    fingers: Fingers, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    room = slack.channel("inc-1")
    ts = fingers.says("inc-1", "Bo", "Nobody can <!here> pay")
    for shortcut in ("multivac-timeline", "multivac-task"):
        with fingers.acting():
            slack.standin.shortcuts(slack.person("Ana"), shortcut, channel=room.id, ts=ts)
    clock.settle()
    assert any(line.endswith("Bo Lindqvist: Nobody can @here pay") for line in kept(multivac))
    assert "1. Nobody can @\u2060here pay" in slack.channel("inc-1").said("tasks")[0]
    slack.standin.world.fail(Fault("slack", "views.open", error="expired_trigger_id"))
    slack.chooses("Ana", "multivac-declare-this", channel="inc-1", ts=ts)
    slack.presses("Ana", "Open the form", channel="inc-1")
    title = next(one for one in slack.form()["blocks"] if one["block_id"] == "title")
    assert title["element"]["initial_value"] == "Nobody can @here pay"
    slack.standin.closes(slack.person("Ana"), slack.form()["id"])
    slack.standin.shortcuts(slack.person("Ana"), "multivac-oncall")
    slack.wait_for(lambda: "On call" in text_of(slack.form()), "who is on call")
    assert "Ana Silva" in text_of(slack.form())
    slack.standin.world.fail(Fault("slack", "views.open", error="expired_trigger_id"))
    slack.standin.shortcuts(slack.person("Ana"), "multivac-oncall")
    slack.wait_for(lambda: any("Ana Silva" in one for one in slack.direct("Ana")), "who is on call")


@ON_SQLITE
def test_a_megaphone_offers_to_publish_and_a_fire_engine_elsewhere_to_declare(
    fingers: Fingers, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    standin, room = slack.standin, slack.channel("inc-1")
    standin.space.people[_id(slack, "Cy")].guest = True
    ts = fingers.says("inc-1", "Ana", "We roll back\n2.31 <!here> with --force")
    for who, emoji in (("Cy", "mega"), ("Bo", "fire_engine"), ("Bo", "mega")):
        standin.person_reacts(room.id, slack.person(who), ts=ts, name=emoji)
    slack.wait_for(lambda: bool(slack.whispers("inc-1", "Bo")), "an offer")
    (offered,) = slack.whispers("inc-1", "Bo")
    assert "Publish this as an update of INC-1?" in offered
    assert "It goes to the thread of its announcement" in offered
    assert "Your update is on its way" in slack.presses("Bo", "Publish", channel="inc-1")
    clock.settle()
    (update,) = slack.channel("inc-1").said("update")
    assert update.startswith("We roll back 2.31 @")
    assert "with `--force`" in update
    assert slack.whispers("inc-1", "Cy") == []
    ts = standin.person_says("incidents", slack.person("Bo"), "Search is slow: a drill bit?")
    standin.person_reacts("incidents", slack.person("Ana"), ts=ts, name="fire_engine")
    slack.wait_for(lambda: bool(slack.whispers("incidents", "Ana")), "an offer")
    assert "INC-2 is declared" in slack.presses("Ana", "Declare?", channel="incidents")
    clock.settle()
    assert not multivac.incident(2).drill
    assert multivac.incident(2).title.startswith("Search is slow")


@pytest.mark.every_database
def test_a_message_of_another_channel_is_kept_with_its_words_and_where_it_is(
    fingers: Fingers, multivac: Multivac, clock: Clock, slack: Slack, jira: Jira
) -> None:
    slack.asks("Ana", "declare Search is slow sev4")
    clock.settle()
    dee = slack.id_of("Dee")
    ts = fingers.says(
        "incidents", "Bo", f"<@{dee}|dee>: since at:09:00 &gt; 5 % of <https://x.example|searches> fail"
    )
    link = f"https://sandbox.slack.com/archives/{slack.channel('incidents').id}/p{ts.replace('.', '')}"
    says = "@Dee Okafor: since at:09:00 > 5 % of searches (https://x.example) fail"
    clock.forward(minutes=3)
    for shortcut in ("multivac-timeline", "multivac-task", "multivac-follow-up"):
        told = slack.chooses("Ana", shortcut, channel="incidents", ts=ts)
        assert "Which one do you mean?" in told
        slack.presses("Ana", "INC-2 Search is slow", channel="incidents")
    assert slack.sends("Ana") == {}
    slack.wait_for(lambda: len(multivac.incident(2).sayings) > 0, "the follow-up")
    clock.settle()
    case = multivac.incident(2)
    with multivac.running.database.read() as tx:
        (note,) = (one for one in timeline.entries(tx, case.id) if one.text == f"Bo Lindqvist: {says}")
    assert (note.link, f"{note.at.timestamp():.6f}") == (link, ts)
    assert [(one.text, one.link) for one in case.tasks.values()] == [(says, link)]
    assert slack.asks("Ana", "INC-2 followup list").count(link) == 1
    slack.asks("Ana", "INC-2 resolve It was the index")
    clock.settle()
    assert link in json.dumps(jira.issue("OPS-3")["fields"]["description"])


def _id(slack: Slack, who: str) -> str:
    return next(one.id for one in slack.standin.space.people.values() if one.real_name.split()[0] == who)
