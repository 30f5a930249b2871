"""Slack's connections, and every way in which a call can fail, over real HTTP."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import urllib3

from integrations.slack import calls
from integrations.slack.calls import Declined, ask
from integrations.slack.chat import SlackChat
from integrations.slack.refusals import ABOUT_A_PERSON, MEANING, PASSING, SLOW_DOWN, THERE_ALREADY
from multivac.briefing import OperatorNotice
from multivac.errors import BadConfig, GiveUp, MultivacError, TryAgain
from multivac.ports import Marker
from tests.slack_site import BOT, HELLO, MARKER, NOON, TOKEN, Site, answering, spoken


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    made = Site()
    yield made
    made.stop()


@pytest.fixture
def site(server: Site) -> Site:
    return server.fresh()


@pytest.fixture
def channel(site: Site) -> str:
    return site.chat.open_channel("inc-42-checkout", private=False)


# Connections


def test_twenty_calls_use_one_connection(site: Site, channel: str) -> None:
    for _ in range(20):
        site.chat.post(channel, HELLO, MARKER)
    assert len({call.connection for call in site.world.calls("slack")}) == 1


def test_many_threads_may_speak_at_once(site: Site, channel: str) -> None:
    with ThreadPoolExecutor(64) as threads:
        said = list(
            threads.map(lambda n: site.chat.post(channel, HELLO, Marker(incident=n, kind="x")), range(256))
        )
    assert len({each.message for each in said}) == 256
    assert len({call.connection for call in site.world.calls("slack")}) <= 65


def test_a_connection_that_slack_closed_is_replaced(site: Site, channel: str) -> None:
    site.fail("auth.test", "reset")
    with pytest.raises(TryAgain):
        site.chat.whoami()
    assert site.chat.whoami().user_id == BOT


# Errors. Each row: what goes wrong, and whether the request may have had its effect.

TROUBLE: list[tuple[str, dict[str, Any], bool]] = [
    ("rate_limit", {"retry_after": 7}, False),
    ("rate_limit", {}, False),
    ("rate_limit", {"status": 200, "error": "rate_limited"}, False),
    ("refuse", {"error": "message_limit_exceeded"}, False),
    ("server_error", {}, True),
    ("server_error", {"status": 503}, True),
    ("server_error", {"status": 504}, True),
    ("refuse", {"error": "internal_error"}, True),
    ("refuse", {"error": "fatal_error"}, True),
    ("refuse", {"error": "request_timeout"}, True),
    ("refuse", {"error": "team_added_to_org"}, True),
    ("refuse", {"error": "accesslimited"}, True),
    ("malformed", {}, True),
    ("html", {}, True),
    ("lose_answer", {}, True),
    ("reset", {}, True),
    ("timeout", {}, True),
    ("slow", {"seconds": 0.6}, True),
]


@pytest.mark.parametrize(("kind", "more", "reached"), TROUBLE)
def test_trouble_is_tried_again(
    site: Site,
    channel: str,
    kind: str,
    more: dict[str, Any],
    reached: bool,
) -> None:
    site.fail("chat.postMessage", kind, **more)
    with pytest.raises(TryAgain) as trouble:
        site.another(timeout=0.3).post(channel, HELLO, MARKER)
    assert trouble.value.reached is reached
    assert trouble.value.after == (timedelta(seconds=7) if "retry_after" in more else None)
    # A slow call is noted when it ends, which must not be in the next test.
    assert site.world.wait_for(lambda: bool(site.calls("chat.postMessage")))
    assert len(site.calls("chat.postMessage")) == 1, "an adapter never tries again by itself"
    assert trouble.value.__cause__ is not None
    assert TOKEN not in spoken(trouble.value)


def test_a_lost_answer_can_be_read_back(site: Site, channel: str) -> None:
    site.fail("chat.postMessage", "lose_answer")
    with pytest.raises(TryAgain, match="Slack did not answer"):
        site.chat.post(channel, HELLO, MARKER)
    assert site.chat.find_message(channel, MARKER, since=NOON) is not None


def test_a_refused_connection_reached_nobody() -> None:
    with answering(b"") as url:
        pass  # from here on nobody listens there
    with pytest.raises(TryAgain, match="Slack cannot be reached") as nobody:
        SlackChat(TOKEN, api_url=url).open_channel("inc-1", private=False)
    assert not nobody.value.reached


@pytest.mark.parametrize(
    ("body", "status", "headers"),
    [
        (b"null", 200, {}),
        (b"[]", 200, {}),
        (b"", 200, {}),
        (b"null", 404, {}),
        (b"<html>blocked</html>", 403, {}),
        (b'{"ok": false, "error": "two words"}', 200, {}),
        (b'{"ok": false}', 200, {}),
        (b'{"ok": false, "error": {"code": 1}}', 200, {}),
        (b'{"ok": true}', 200, {}),
        (b'{"ok": true, "channel": []}', 200, {}),
        (b"", 302, {"location": "/elsewhere"}),
    ],
)
def test_what_is_no_answer_of_slacks_is_tried_again(
    body: bytes, status: int, headers: dict[str, str]
) -> None:
    with answering(body, status, headers) as url, pytest.raises(TryAgain) as trouble:
        SlackChat(TOKEN, api_url=url).open_channel("inc-1", private=False)
    assert trouble.value.reached


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("30", timedelta(seconds=30)),
        ("0", timedelta(0)),
        ("1.5", timedelta(seconds=1.5)),
        ("soon", None),
        ("-1", None),
    ],
)
def test_a_wait_is_read_or_left_open(said: str, wait: timedelta | None) -> None:
    with answering(b"slow down", 429, {"Retry-After": said}) as url, pytest.raises(TryAgain) as slow:
        SlackChat(TOKEN, api_url=url).whoami()
    assert (slow.value.after, slow.value.reached) == (wait, False)


@pytest.mark.parametrize("error", sorted(MEANING.keys() - {"name_taken"}))
def test_a_known_refusal_is_said_in_plain_words(site: Site, error: str) -> None:
    site.fail("auth.test", "refuse", error=error)
    with pytest.raises(GiveUp) as no:
        site.chat.whoami()
    assert no.value.why == f"{MEANING[error][0]} ({error})"
    assert no.value.fix == MEANING[error][1]


def test_an_unknown_refusal_is_permanent_and_shown(site: Site) -> None:
    site.fail("auth.test", "refuse", error="brand_new_error")
    with pytest.raises(GiveUp, match=r"^Slack refused: brand_new_error$"):
        site.chat.whoami()


def test_a_refusal_with_another_status_is_still_a_refusal(site: Site) -> None:
    site.fail("auth.test", "refuse", error="invalid_auth", status=403)
    with pytest.raises(GiveUp, match="Slack does not accept the bot's token"):
        site.chat.whoami()


def test_a_missing_scope_is_named(site: Site) -> None:
    site.slack.token(["chat:write"], value="xoxb-few")
    with pytest.raises(GiveUp) as no:
        site.another("xoxb-few").open_channel("inc-1", private=False)
    assert no.value.why == "the Slack app lacks channels:manage (missing_scope)"
    assert no.value.fix == "Add channels:manage to the app's bot scopes and install it again."
    site.fail("auth.test", "refuse", error="missing_scope")
    with pytest.raises(GiveUp, match="the Slack app lacks a scope"):
        site.chat.whoami()


def test_a_bad_token_is_never_shown(site: Site) -> None:
    with pytest.raises(GiveUp) as no:
        site.another("xoxb-wrong-secret").whoami()
    assert no.value.fix == "Install the Slack app again and give Multivac the new bot token."
    assert "wrong-secret" not in spoken(no.value)


@pytest.mark.parametrize("token", ["", "xoxb-secret\nx", "xoxb-secret and more", "xoxb-secrät"])
def test_a_token_that_cannot_be_one_is_refused_unseen(token: str) -> None:
    with pytest.raises(BadConfig) as bad:
        SlackChat(token, api_url="http://127.0.0.1:1/")
    assert "secr" not in spoken(bad.value)


def test_what_cannot_be_sent_gives_up(site: Site) -> None:
    with pytest.raises(GiveUp, match="the call to Slack could not be formed"):
        site.chat.find_person("half-a-character-\ud800@example.com")
    with pytest.raises(GiveUp, match="the call to Slack could not be formed"):
        SlackChat(TOKEN, api_url="ftp://127.0.0.1/").whoami()


def test_a_connection_that_takes_too_long_reached_nobody() -> None:
    def never() -> Any:
        raise urllib3.exceptions.ConnectTimeoutError

    with pytest.raises(TryAgain) as trouble:
        ask(never)
    assert not trouble.value.reached


def test_the_tables_of_refusals_do_not_overlap() -> None:
    tables: list[set[str]] = [set(SLOW_DOWN), set(PASSING), set(MEANING), set(THERE_ALREADY)]
    assert sum(map(len, tables)) == len(set().union(*tables))
    assert not THERE_ALREADY & ABOUT_A_PERSON.keys()
    assert all(why and not why.endswith(".") for why, _ in MEANING.values())
    assert all(not fix or fix.endswith(".") for _, fix in MEANING.values())


def test_a_refusal_carries_slacks_own_word() -> None:
    no = Declined("too_many_pins", {"ok": False})
    assert (no.error, str(no)) == (
        "too_many_pins",
        "the channel has as many pins as Slack allows (too_many_pins)",
    )


def test_a_proxy_is_used_but_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    proxy = "http://me:pass%20word@proxy.example:3128"
    made = calls._pool("https://slack.example/api/", proxy, 4)
    assert isinstance(made, urllib3.ProxyManager)
    assert made.proxy_headers == {"proxy-authorization": "Basic bWU6cGFzcyB3b3Jk"}
    assert not isinstance(calls._pool("http://127.0.0.1:1/", proxy, 4), urllib3.ProxyManager)
    assert not isinstance(calls._pool("https://slack.example/", None, 4), urllib3.ProxyManager)


def test_every_verb_says_trouble_in_our_words(site: Site, channel: str) -> None:
    chat, posted = site.chat, site.chat.post(channel, HELLO, MARKER)
    verbs: list[Callable[[], object]] = [
        chat.whoami,
        lambda: chat.open_channel("inc-9", private=False),
        lambda: chat.find_channel("inc-9", since=NOON),
        lambda: chat.find_channel_named("inc-9"),
        lambda: chat.set_topic(channel, "x"),
        lambda: chat.set_purpose(channel, "x"),
        lambda: chat.invite(channel, ["U1"]),
        lambda: chat.find_person("ana@example.com"),
        lambda: chat.channel_name(channel),
        lambda: chat.group_members("payments"),
        lambda: chat.post(channel, OperatorNotice(what="x", do="y"), MARKER),
        lambda: chat.edit(posted, HELLO, MARKER),
        lambda: chat.find_message(channel, MARKER, since=NOON),
        lambda: chat.pin(posted),
        lambda: chat.bookmark(channel, "x", "https://x.example", look_first=True),
        lambda: chat.people_spoke(channel),
    ]
    for kind, expected in (("server_error", TryAgain), ("refuse", MultivacError), ("malformed", TryAgain)):
        site.fail("*", kind, times=0, error="some_error" if kind == "refuse" else None)
        for verb in verbs:
            with pytest.raises(expected):
                verb()
        site.world.heal()
