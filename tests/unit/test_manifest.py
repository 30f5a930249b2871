"""The manifest asks Slack for exactly what the adapter does: every scope is used, and no other is needed."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from typer.testing import CliRunner

from integrations.sandbox.clock import Clock as SandboxClock
from integrations.sandbox.server import Sandbox
from integrations.slack.doctor import SlackDoctor
from multivac.briefing import Answer, Home
from multivac.check import slack_manifest
from multivac.check.manifest import usage_hint
from multivac.check.scopes import EVENTS, SCOPES, Feature
from multivac.cli import cli
from multivac.errors import GiveUp
from multivac.ports import Posted
from multivac.sections import SlackSettings
from tests.slack_site import HELLO, MARKER, NOON
from tests.stories.stage import Clock, Logs, Multivac

ROOT = Path(__file__).parents[2]
TOKEN = "xoxb-of-the-manifest"


@pytest.fixture(scope="module")
def one_sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxClock(frozen=NOON)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(one_sandbox: Sandbox) -> Sandbox:
    """A company whose Slack gave our app a token with the manifest's scopes."""
    one_sandbox.reset()
    one_sandbox.world.clock.freeze(NOON)
    one_sandbox.seed()
    one_sandbox.slack.add_channel("elsewhere", ["ana@example.com"])
    one_sandbox.slack.token(scopes_of(slack_manifest()), value=TOKEN)
    return one_sandbox


def scopes_of(manifest: str) -> list[str]:
    found: list[str] = yaml.safe_load(manifest)["oauth_config"]["scopes"]["bot"]
    return found


# --- the text -------------------------------------------------------------------------------------


def test_the_file_in_the_repository_is_current() -> None:
    assert (ROOT / "config" / "slack-manifest.yaml").read_text() == slack_manifest(), "run `make docs`"


def test_each_scope_and_event_is_there_with_its_reason() -> None:
    lines = dict(re.findall(r"^ +- (\S+) +# (.+)$", slack_manifest(), flags=re.MULTILINE))
    assert lines == {scope: why for scope, (_, why) in SCOPES.items()} | EVENTS
    assert scopes_of(slack_manifest()) == list(SCOPES)


NO_EMOJI = {"timeline_emoji": (), "task_emoji": (), "update_emoji": (), "declare_emoji": ()}
REACTIONS = {"reactions:read", "reaction_added", "reaction_removed"}


@pytest.mark.parametrize(
    ("known", "left_out"),
    [
        ({"announce_channel": "incidents"}, set()),
        ({"operators_channel": "ops"}, set()),
        ({}, {"chat:write.public"}),
        ({"announce_channel": "incidents", "task_emoji": ()}, set()),
        ({"announce_channel": "incidents", **NO_EMOJI}, REACTIONS),
    ],
)
def test_with_settings_it_asks_only_for_what_their_features_need(
    known: dict[str, Any], left_out: set[str]
) -> None:
    every, asked = slack_manifest(), slack_manifest(slack=SlackSettings(**known))
    lines = [line for line in every.splitlines() if line not in asked.splitlines()]
    assert {line.split()[1] for line in lines} == left_out


def test_the_command_reads_the_settings_that_it_is_given(tmp_path: Path) -> None:
    file = tmp_path / "multivac.yaml"
    file.write_text("slack: {announce_channel: incidents}\n")
    told = CliRunner().invoke(cli, ["manifest", "--config", str(file)])
    assert told.output == slack_manifest()
    file.write_text("slack: {}\n")
    told = CliRunner().invoke(cli, ["manifest", "--config", str(file)])
    assert told.output == slack_manifest(slack=SlackSettings())


def test_socket_mode_is_the_default_and_needs_no_address() -> None:
    text = slack_manifest()
    assert "url" not in text.replace("https://api.slack.com/apps", "")
    assert yaml.safe_load(text)["settings"]["socket_mode_enabled"] is True


def test_over_http_everything_goes_to_one_address() -> None:
    manifest = yaml.safe_load(slack_manifest(url="https://multivac.example.com/"))
    at, settings = "https://multivac.example.com/webhooks/slack", manifest["settings"]
    assert manifest["features"]["slash_commands"][0]["url"] == at
    assert settings["event_subscriptions"]["request_url"] == settings["interactivity"]["request_url"] == at
    assert settings["socket_mode_enabled"] is False


def test_slack_accepts_its_lengths() -> None:
    about = yaml.safe_load(slack_manifest())
    # The lengths are those of Slack's reference of app manifests.
    assert len(about["display_information"]["name"]) <= 35
    assert len(about["display_information"]["description"]) <= 140
    assert len(usage_hint()) <= 100
    assert re.fullmatch(r"[a-z0-9-_.]{1,80}", about["features"]["bot_user"]["display_name"])


# --- the scopes are enough ------------------------------------------------------------------------


@pytest.fixture
def multivac(sandbox: Sandbox, tmp_path: Path) -> Iterator[Multivac]:
    structlog.configure(processors=[Logs()])
    daemon = Multivac(sandbox, f"sqlite:///{tmp_path}/multivac.db", tmp_path)
    yield daemon
    daemon.stop()
    structlog.reset_defaults()


@pytest.mark.parametrize("private", [False, True])
def test_a_whole_response_needs_no_other_scope(
    sandbox: Sandbox,
    multivac: Multivac,
    private: bool,
) -> None:
    playbook = {
        "channel": {"name": "inc-{number}-{title}", "private": private},
        "invite": [{"on_call": {}}, {"group": "sre"}],
        "lead": [{"on_call": {}}],
    }
    multivac.start(playbook, settings={"slack__bot_token": TOKEN, "slack__announce_channel": "elsewhere"})
    sandbox.pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    Clock(sandbox, multivac).settle()
    room = sandbox.slack.channel("inc-1-checkout-returns-500")
    assert len(room.members) == 4  # Ana, Bo, Dee and the bot
    assert room.pins
    assert room.bookmarks
    assert len(sandbox.slack.channel("elsewhere").by(sandbox.slack.space.bot.id)) == (0 if private else 1)
    assert refused(sandbox) == set()


def refused(sandbox: Sandbox) -> set[str]:
    """The methods that Slack refused for want of a scope, or for the bot's not being in the channel."""
    no = {"missing_scope", "not_in_channel", "channel_not_found"}
    return {call.method for call in sandbox.world.calls("slack") if call.response_body.get("error") in no}


# --- and none is too many -------------------------------------------------------------------------


def everything(chat: SlackDoctor) -> Iterator[Callable[[], object]]:
    """Every verb of the adapter, in a public and a private channel."""
    ana = chat.find_person("ana@example.com")
    assert ana is not None
    since = NOON - timedelta(hours=1)
    yield lambda: chat.person(ana.id)
    yield lambda: chat.show_home(ana.id, Home(parts=(Answer(lines=("Hello",)),), presses=()))
    yield lambda: chat.group_members("sre")
    yield lambda: chat.room("#incidents")
    yield lambda: chat.room("#elsewhere")
    yield lambda: chat.post("#elsewhere", HELLO, MARKER)
    for private in (False, True):
        name = f"inc-{private}".lower()
        channel = chat.open_channel(name, private=private)
        posted = chat.post(channel, HELLO, MARKER)
        yield from (
            lambda c=channel: chat.set_topic(c, "x"),
            lambda c=channel: chat.set_purpose(c, "x"),
            lambda c=channel: chat.invite(c, [ana.id]),
            lambda c=channel: chat.whisper(c, ana.id, HELLO),
            lambda p=posted: chat.edit(p, HELLO, MARKER),
            lambda p=posted: chat.reply(p, HELLO, MARKER, loud=False),
            lambda p=posted: chat.find_reply(p, MARKER),
            lambda p=posted: chat.pin(p),
            lambda p=posted: chat.read(p),
            lambda p=posted: chat.read(Posted(p.channel, "1700000000.000100")),
            lambda p=posted: chat.react(p, "memo"),
            lambda p=posted: chat.react(p, "memo", off=True),
            lambda c=channel: chat.bookmark(c, "x", "https://example.com", look_first=True),
            lambda c=channel: chat.find_message(c, MARKER, since=since),
            lambda c=channel: chat.people_spoke(c),
            lambda n=name: chat.find_channel(n, since=since),
            lambda c=channel: chat.unarchive(c),
            lambda c=channel: chat.archive(c),
        )


def do_everything(chat: SlackDoctor) -> None:
    for verb in everything(chat):
        verb()


def chat_with(sandbox: Sandbox, scopes: list[str]) -> SlackDoctor:
    return SlackDoctor(sandbox.slack.token(scopes, value="xoxb-some"), api_url=f"{sandbox.url}/slack/api/")


def test_every_method_that_the_adapter_calls_works_with_these_scopes(sandbox: Sandbox) -> None:
    do_everything(chat_with(sandbox, list(SCOPES)))
    assert refused(sandbox) == set()
    folder = ROOT / "integrations" / "slack"
    source = "".join((folder / f"{name}.py").read_text() for name in ("chat", "doctor"))
    named = re.findall(r"self\._slack\.([a-z]+_\w+)", source)
    named += re.findall(r"\bslack\.([a-z]+_\w+)", (folder / "invites.py").read_text())
    written = {name.replace("_", ".") for name in named}
    called = {call.method for call in sandbox.world.calls("slack")}
    elsewhere = {"apps.connections.open"}  # by another token
    assert written - {"base.url", "on.behalf"} - elsewhere == called


CALLED = {
    scope for scope, (feature, _) in SCOPES.items() if feature not in {Feature.HEARS, Feature.REACTIONS}
}


@pytest.mark.parametrize("scope", sorted(CALLED - {"users:read.email"}))
def test_without_any_one_scope_some_verb_fails(sandbox: Sandbox, scope: str) -> None:
    with pytest.raises(GiveUp, match=f"{scope.removesuffix('.public')}|not in the channel"):
        do_everything(chat_with(sandbox, [each for each in SCOPES if each != scope]))


def test_without_addresses_nobody_is_found(sandbox: Sandbox) -> None:
    chat = chat_with(sandbox, [each for each in SCOPES if each != "users:read.email"])
    with pytest.raises(GiveUp, match=r"users:read\.email"):
        chat.find_person("ana@example.com")
