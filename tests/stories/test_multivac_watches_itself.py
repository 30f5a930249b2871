"""Multivac says when it is late: to its operators, by a page if Slack cannot be told, and by silence."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest
import sqlalchemy as sa

from integrations.sandbox.exchange import Fault
from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import World
from multivac.briefing import Message
from multivac.errors import MultivacError
from multivac.ports import Chat, Marker, Posted
from multivac.schedule import Operators
from multivac.store import notices
from tests.stories.stage import PLAYBOOK, Clock, Logs, Multivac
from tests.stories.workspace import Slack

Look = Callable[[], None]
# Alerts about Multivac itself are no incidents for Multivac.
QUIET = PLAYBOOK | {"match": {"service": ["checkout*"]}}
# What these are about has no word with the database; the other stories here are told on both.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def look(multivac: Multivac, sandbox: Sandbox, slack: Slack) -> Look:
    """Start Multivac with everything it can watch by; each look is what the schedule does."""
    slack.standin.add_channel("multivac-ops", ["multivac"])
    owners = next(
        one for one in sandbox.pagerduty.account.services.values() if "payments" in one.name.lower()
    )
    multivac.start(
        QUIET,
        settings={
            "slack__operators_channel": "multivac-ops",
            "watch__heartbeat_url": f"{sandbox.url}/heartbeat",
            "watch__routing_key": owners.routing_key,
            "watch__events_url": f"{sandbox.url}/pagerduty",
        },
    )

    def once() -> None:
        daemon = multivac.running
        daemon.watch.look()
        with suppress(MultivacError):  # the schedule logs it, and comes again
            daemon.operators.tell()
        daemon.watch.page()

    return once


def told(slack: Slack) -> list[str]:
    """What the operators read in their channel."""
    return slack.channel("multivac-ops").said()


def pages(pagerduty: PagerDuty) -> dict[str, str]:
    """The status of each page to the owners, by its title."""
    every = (pagerduty.incident(key) for key in pagerduty.account.incidents)
    return {
        one["title"]: one["status"] for one in every if "Multivac" in one["title"] or "bot" in one["title"]
    }


@ON_SQLITE
def test_the_heart_beats_while_the_beat_goes_and_only_then(
    look: Look, multivac: Multivac, clock: Clock, *, world: World
) -> None:
    watch = multivac.running.watch
    multivac.running.beat.beat()
    assert watch.beat_heart()
    world.clock.forward(6 * 60)  # time passes, and nobody beats
    assert not watch.beat_heart()
    assert len(world.calls("heartbeat")) == 1
    multivac.running.beat.beat()
    assert watch.beat_heart()


@ON_SQLITE
def test_a_heartbeat_that_nobody_hears_harms_nothing(
    look: Look, multivac: Multivac, logs: Logs, *, world: World
) -> None:
    multivac.running.beat.beat()
    for kind in ("reset", "server_error"):
        world.fail(Fault("heartbeat", "*", kind))
        multivac.running.watch.beat_heart()
    assert [line["event"] for line in logs.lines].count("heartbeat not heard") == 2


def test_operators_read_once_that_multivac_is_late_and_that_it_is_over(
    look: Look, multivac: Multivac, pagerduty: PagerDuty, slack: Slack, clock: Clock, *, world: World
) -> None:
    world.fail(Fault("jira", "POST /issue", "hold"))
    pagerduty.trigger("Checkout is slow", "checkout")
    pagerduty.redeliver_due()
    assert world.wait_for(lambda: world.held == 1)
    look()
    assert told(slack) == []

    def nothing_else_waits() -> bool:
        world.clock.forward(0.5)
        multivac.running.beat.beat()
        steps = multivac.incident().steps
        return {name for name in steps if not steps[name].is_settled} == {
            "ticket",
            "assignee",
        }

    assert world.wait_for(nothing_else_waits)
    world.clock.forward(5 * 60)
    multivac.running.beat.beat()
    for _ in range(2):
        look()
    (line,) = told(slack)
    assert "Multivac is late: 2 steps are waiting, the oldest for 5 minutes (ticket of INC-1)." in line
    assert "a restart loses nothing" in line
    assert not multivac.running.watch.beat_heart()
    world.release()
    clock.settle()
    look()
    look()
    (line,) = told(slack)
    assert line.startswith("*Over, nothing is to be done any more*\nMultivac is late")
    assert multivac.running.watch.beat_heart()
    assert pages(pagerduty) == {}


@ON_SQLITE
def test_a_vendor_that_fails_for_long_is_told_and_the_heart_goes_on(
    look: Look, multivac: Multivac, pagerduty: PagerDuty, slack: Slack, clock: Clock, *, world: World
) -> None:
    world.fail(Fault("jira", "*", "server_error", times=0, status=503))
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=6)
    look()
    (line,) = told(slack)
    assert "Jira has not done what Multivac asked for in 6 minutes" in line
    assert "of INC-1 (Jira answered 503" in line
    assert multivac.metric("multivac_oldest_unfinished_step_seconds") == 0
    multivac.running.beat.measure()
    assert multivac.metric("multivac_oldest_unfinished_step_seconds") >= 350
    assert multivac.running.watch.beat_heart()
    world.heal()
    clock.forward(minutes=2)
    look()
    look()
    assert told(slack)[0].startswith("*Over")


def test_owners_are_paged_once_when_slack_cannot_be_told_and_released_when_it_is_well(
    look: Look, pagerduty: PagerDuty, slack: Slack, clock: Clock, *, world: World
) -> None:
    world.fail(Fault("slack", "*", "server_error", times=0, status=503))
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=6)
    for _ in range(3):
        look()
    ((title, status),) = pages(pagerduty).items()
    assert title.startswith("Slack has not done what Multivac asked for in 6 minutes")
    assert status == "triggered"
    assert len(world.calls("pagerduty", "POST /v2/enqueue")) == 1
    world.heal()
    clock.forward(minutes=2)
    look()
    look()
    assert pages(pagerduty) == {title: "resolved"}
    assert told(slack) == []  # it was over before it could be said


@ON_SQLITE
def test_a_page_that_does_not_come_through_is_sent_again(
    look: Look, pagerduty: PagerDuty, clock: Clock, *, world: World
) -> None:
    world.fail(Fault("slack", "*", "reset", times=0))
    world.fail(Fault("pagerduty", "POST /v2/enqueue", "rate_limit"))
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=6)
    with pytest.raises(MultivacError):
        look()
    look()
    assert list(pages(pagerduty).values()) == ["triggered"]


@ON_SQLITE
def test_a_page_that_is_refused_is_tried_rarely_and_logged_once(
    look: Look, multivac: Multivac, pagerduty: PagerDuty, logs: Logs, *, world: World
) -> None:
    world.fail(Fault("slack", "*", "reset", times=0))
    wrong = Fault("pagerduty", "POST /v2/enqueue", "server_error", times=0, status=400)
    world.fail(wrong)

    def passes(minutes: int) -> tuple[int, int]:
        multivac.running.intake.tell_operators("a key", "Multivac is wrong.", "Mend it.")
        for _ in range(minutes):
            world.clock.forward(60)
            multivac.running.beat.beat()
            look()
        said = sum(line["event"] == "owners cannot be paged" for line in logs.lines)
        return len(world.calls("pagerduty", "POST /v2/enqueue")), said

    assert passes(9) == (1, 1)
    assert passes(21) == (3, 1)
    world.clock.forward(24 * 3600)
    assert passes(1) == (4, 2)
    world.faults.remove(wrong)
    passes(10)
    assert list(pages(pagerduty).values()) == ["triggered"]


@ON_SQLITE
def test_a_notice_whose_answer_was_lost_is_not_said_twice(
    look: Look, multivac: Multivac, slack: Slack, *, world: World
) -> None:
    multivac.running.intake.tell_operators("a key", "Something is wrong.", "Mend it.")
    world.fail(Fault("slack", "chat.postMessage", "lose_answer"))
    look()
    look()
    assert len(told(slack)) == 1


@ON_SQLITE
def test_a_notice_about_strangers_ends_when_none_has_come_for_a_day(
    look: Look, multivac: Multivac, pagerduty: PagerDuty, slack: Slack, *, world: World
) -> None:
    def comes_after(hours: int) -> list[bool]:
        world.clock.forward(hours * 3600)
        multivac.running.beat.beat()
        look()
        forged = {"X-PagerDuty-Signature": f"v1={'0' * 64}"}
        assert pagerduty.deliver_raw(b"{}", headers=forged) == [503]
        look()
        lines = [line for line in told(slack) if "signature matches none" in line]
        return [line.startswith("*Over") for line in lines]

    assert comes_after(0) == [False]
    assert comes_after(23) == [False]
    assert comes_after(23) == [False], "it still happens"
    assert comes_after(25) == [True, False], "it was over, and is told anew"


class Cut(Exception):
    """The process dies here."""


class CutOff:
    """Slack as somebody uses it who dies right before or right after saying something."""

    def __init__(self, chat: Chat, *, said: bool) -> None:
        self._chat, self._said = chat, said

    def post(self, channel: str, message: Message, marker: Marker) -> Posted:
        if self._said:
            self._chat.post(channel, message, marker)
        raise Cut

    def __getattr__(self, verb: str) -> object:
        return getattr(self._chat, verb)


@pytest.mark.every_database
@pytest.mark.parametrize("said", [False, True])
def test_a_notice_whose_teller_died_is_told_by_the_next_and_once(
    look: Look, multivac: Multivac, slack: Slack, *, said: bool, world: World
) -> None:
    out = multivac.running.out
    multivac.running.intake.tell_operators("a key", "Something is wrong.", "Mend it.")
    assert out.chat is not None
    mortal = Operators(replace(out, chat=cast("Chat", CutOff(out.chat, said=said))))
    with pytest.raises(Cut):
        mortal.tell()
    look()
    assert len(told(slack)) == said, "nobody else may take it yet: the other may be slow"
    world.clock.forward(31)
    look()
    look()
    assert len(told(slack)) == 1


@pytest.mark.every_database
def test_a_notice_that_comes_back_is_told_again_though_the_first_can_be_found(
    look: Look, multivac: Multivac, slack: Slack, *, world: World
) -> None:
    for _ in range(2):
        multivac.running.database.write(
            lambda tx: notices.raise_notice(
                tx, notices.watched("x", "It is late.", ""), now=world.clock.now()
            )
        )
        world.fail(Fault("slack", "chat.postMessage", "reset"))
        look()
        look()
        world.clock.forward(26 * 60)
        look()
    lines = [line for line in told(slack) if "It is late." in line]
    assert [line.startswith("*Over") for line in lines] == [True, True]


@ON_SQLITE
def test_a_page_whose_sender_died_is_sent_by_the_next(
    look: Look, multivac: Multivac, pagerduty: PagerDuty, *, world: World
) -> None:
    world.fail(Fault("slack", "*", "reset", times=0))
    notice = notices.watched("late", "Multivac is late.", "")

    def die_on_the_way(tx: sa.Connection) -> None:
        notices.raise_notice(tx, notice, now=world.clock.now())
        notices.about_to_page(tx, notice)

    multivac.running.database.write(die_on_the_way)
    with suppress(MultivacError):
        multivac.running.operators.tell()
    for _ in range(2):
        multivac.running.watch.page()
    assert list(pages(pagerduty).values()) == ["triggered"]
    assert len(world.calls("pagerduty", "POST /v2/enqueue")) == 1


@ON_SQLITE
def test_a_revoked_slack_token_is_paged_with_what_to_do(
    look: Look, pagerduty: PagerDuty, slack: Slack, clock: Clock
) -> None:
    slack.standin.revoke("xoxb-sandbox")
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    look()
    (title,) = pages(pagerduty)
    assert title.startswith("The bot's token is revoked (token_revoked). Install the Slack app again")


def test_a_revoked_jira_token_is_told_once_to_people_and_operators_and_mends_by_itself(
    look: Look, multivac: Multivac, pagerduty: PagerDuty, slack: Slack, clock: Clock, *, jira: Jira
) -> None:
    accepted = set(jira.gate.tokens)
    jira.gate.tokens.clear()
    for title in ("Checkout is slow", "Checkout is down"):
        pagerduty.trigger(title, "checkout")
    clock.forward(minutes=21)
    look()
    look()
    (line,) = told(slack)
    assert "Jira does not accept our token." in line
    assert "Make a new token in Jira for jira.token" in line
    (gap,) = slack.channel("inc-1").said("gaps")
    assert "There is no Jira ticket: Jira does not accept our token. Make a new token" in gap
    assert multivac.step("ticket").tries == 3, "tried at once, and every ten minutes"

    jira.gate.tokens.update(accepted)
    clock.forward(minutes=11)
    assert "OPS-1>" in slack.channel("inc-1").headline
    assert "Nothing is missing any more" in slack.channel("inc-1").said("gaps")[0]
    clock.forward(minutes=25)
    look()
    assert told(slack)[0].startswith("*Over")


@ON_SQLITE
def test_a_missing_scope_stops_one_step_and_no_other(
    look: Look, multivac: Multivac, pagerduty: PagerDuty, slack: Slack, clock: Clock
) -> None:
    tokens = slack.standin.space.tokens
    everything = tokens["xoxb-sandbox"].scopes
    slack.standin.token(everything - {"pins:write"}, value="xoxb-sandbox")
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    look()
    room = slack.channel("inc-1")
    assert room.pinned == []
    assert room.members == {"Ana", "Bo"}
    assert "OPS-1>" in room.headline
    (gap,) = room.said("gaps")
    assert "The headline is not pinned: the Slack app lacks pins:write" in gap
    (line,) = told(slack)
    assert "Add pins:write to the app's bot scopes and install it again." in line
    slack.standin.token(everything, value="xoxb-sandbox")
    clock.forward(minutes=11)
    assert len(slack.channel("inc-1").pinned) == 1
    assert multivac.running.clock.now() - multivac.incident().declared_at < timedelta(minutes=12)
