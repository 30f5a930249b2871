"""What Slack's events mean to the core, and that one which could not be kept is delivered again."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.sandbox.slack_events import signature
from integrations.slack.events import news_of, time_of
from integrations.slack.inbound import Inbound
from integrations.slack.mouth import Mouth
from integrations.slack.signs import Emoji
from multivac.desk import (
    Account,
    Ask,
    Came,
    Deleted,
    Desk,
    News,
    Opened,
    Renamed,
    Reply,
    Shut,
    Spoke,
    Unarchived,
    Unpinned,
    Went,
)

BOT = "U0BOT"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PRIVATE = {"id": "C1", "name": "inc-1", "created": 1}


def body(**event: Any) -> dict[str, Any]:
    seen_by = [{"user_id": BOT, "is_bot": True}]
    return {"type": "event_callback", "event_id": "Ev1", "event": event, "authorizations": seen_by}


@pytest.mark.parametrize(
    ("event", "news"),
    [
        ({"type": "member_joined_channel", "user": "U1", "channel": "C1"}, Came(channel="C1", who="U1")),
        (
            {"type": "member_joined_channel", "user": "U1", "channel": "C1", "inviter": BOT},
            Came(channel="C1", who="U1", by_us=True),
        ),
        ({"type": "member_joined_channel", "user": BOT, "channel": "C1"}, Opened(channel="C1", brought=True)),
        ({"type": "member_left_channel", "user": "U1", "channel": "C1"}, Went(channel="C1", who="U1")),
        (
            {"type": "member_left_channel", "user": BOT, "channel": "C1"},
            Shut(channel="C1", how="closed to the bot"),
        ),
        ({"type": "group_left", "channel": "C1"}, Shut(channel="C1", how="closed to the bot")),
        ({"type": "group_rename", "channel": PRIVATE}, Renamed(channel="C1", name="inc-1")),
        (
            {"type": "channel_archive", "channel": "C1", "user": "U1"},
            Shut(channel="C1", how="archived", by="U1"),
        ),
        ({"type": "channel_archive", "channel": "C1", "user": BOT}, None),
        ({"type": "group_unarchive", "channel": "C1", "user": "U1"}, Opened(channel="C1")),
        (
            {"type": "channel_unarchive", "channel": "C1", "user": "U1"},
            Unarchived(channel="C1", by="U1"),
        ),
        ({"type": "channel_unarchive", "channel": "C1", "user": BOT}, Opened(channel="C1")),
        ({"type": "channel_deleted", "channel": "C1"}, Shut(channel="C1", how="deleted")),
        (
            {"type": "pin_removed", "user": "U1", "channel_id": "C1", "item": {"message": {"ts": "1.2"}}},
            Unpinned(channel="C1", message="1.2", by="U1"),
        ),
        (
            {"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": "1.2"},
            Deleted(channel="C1", message="1.2"),
        ),
        ({"type": "message", "channel": "C1", "user": "U1", "text": "Hi"}, Spoke(channel="C1", who="U1")),
        ({"type": "message", "channel": "C1", "user": BOT, "text": "Hi"}, None),
        ({"type": "message", "channel": "C1", "user": "U1", "bot_id": "B1"}, None),
        ({"type": "message", "channel": "C1", "user": "U1", "subtype": "channel_join"}, None),
        ({"type": "user_change", "user": {"id": "U1", "deleted": True}}, Account(who="U1", active=False)),
        ({"type": "user_change", "user": {"id": "U1"}}, None),
        ({"type": "emoji_changed"}, None),
    ],
    ids=str,
)
def test_an_event_means_one_thing(event: dict[str, Any], news: News | None) -> None:
    assert news_of(body(**event)) == news


@pytest.mark.parametrize("odd", [{}, {"event": None}, {"event": {"type": "channel_rename", "channel": 7}}])
def test_an_event_of_another_shape_is_no_harm(odd: dict[str, Any]) -> None:
    assert news_of(odd) in {None, Renamed(channel="", name="")}


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({"event": {"event_ts": f"{NOW.timestamp():.0f}.000800"}, "event_time": 1}, NOW),
        ({"event": {"type": "channel_left"}, "event_time": int(NOW.timestamp())}, NOW),
        ({"event": {"event_ts": "yesterday"}}, None),
        ({}, None),
    ],
)
def test_an_event_is_of_the_time_that_slack_gives_it(said: dict[str, Any], at: datetime | None) -> None:
    assert time_of(said) == at


class Forgetful(Desk):
    """A desk whose database is away."""

    def __init__(self) -> None:
        self.tried = 0

    def hear(self, event: str, news: News, *, at: datetime | None = None) -> None:
        self.tried += 1
        raise ConnectionError(event, news, at)

    def answer(self, ask: Ask) -> Reply:
        raise AssertionError(ask)


@pytest.fixture
def inbound() -> Iterator[Inbound]:
    mouth = Mouth("xoxb-1", api_url="http://127.0.0.1:1/")
    made = Inbound(
        Forgetful(), mouth, signing_secret="secret", now=lambda: NOW, emoji=Emoji(keeps={}, offers={})
    )
    yield made
    made.stop()


def test_an_event_that_could_not_be_kept_is_not_acknowledged(inbound: Inbound) -> None:
    raw = json.dumps(body(type="member_left_channel", user="U1", channel="C1")).encode()
    stamp = str(int(NOW.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature("secret", stamp, raw),
    }
    assert inbound.receive(raw, headers).status == 500
