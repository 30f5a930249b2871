"""Settings: where they come from, what they promise, and that every mistake is named with its remedy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from multivac.errors import BadConfig
from multivac.people import load_people
from multivac.playbooks import load_playbooks, shipped
from multivac.reference import settings_page
from multivac.settings import Settings, keys, load_settings

ROOT = Path(__file__).parents[2]
MISTAKES = sorted((ROOT / "tests" / "configs").glob("*.yaml"))
READERS: Mapping[str, Callable[[Path], object]] = {
    "playbook": load_playbooks,
    "people": load_people,
    "settings": lambda path: load_settings(path, {}),
}
JIRA = {
    "MULTIVAC_JIRA__URL": "https://example.atlassian.net/",
    "MULTIVAC_JIRA__USER": "ana@example.com",
    "MULTIVAC_JIRA__TOKEN": "hush-hush",
    "MULTIVAC_JIRA__PROJECT": "OPS",
}


def write(folder: Path, text: str) -> Path:
    file = folder / "multivac.yaml"
    file.write_text(text)
    return file


def complaint(environ: Mapping[str, str], path: Path | None = None) -> str:
    with pytest.raises(BadConfig) as caught:
        load_settings(path, environ)
    return str(caught.value)


@pytest.mark.parametrize("file", MISTAKES, ids=lambda file: file.stem)
def test_each_mistake_is_found_and_its_remedy_named(file: Path) -> None:
    lines = file.read_text().splitlines()
    expected = [line.removeprefix("# finds: ") for line in lines if line.startswith("# finds: ")]
    with pytest.raises(BadConfig) as caught:
        READERS[file.stem.partition("-")[0]](file)
    assert [str(finding) for finding in caught.value.findings] == expected
    assert all(finding.fix for finding in caught.value.findings)
    assert "hush" not in str(caught.value)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_nothing_written_means_the_defaults() -> None:
    settings = load_settings(None, {"PATH": "/bin", "HOME": "/root"})
    assert settings == Settings()
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8080)
    assert settings.playbooks.path == shipped()
    assert not any(vendor.on for vendor in (settings.slack, settings.jira, settings.pagerduty))


def test_the_shipped_file_holds_every_key_with_its_default() -> None:
    file = shipped("multivac.yaml")
    assert load_settings(file, {}) == Settings()
    written = yaml.safe_load(file.read_text())
    assert {f"{section}.{key}" for section in written for key in written[section]} == set(keys())


def test_the_file_is_the_one_given_else_the_one_named_else_the_one_beside_us(tmp_path: Path) -> None:
    write(tmp_path, "server: {port: 1}")
    (tmp_path / "named").mkdir()
    named = write(tmp_path / "named", "server: {port: 2}")
    (tmp_path / "given").mkdir()
    given = write(tmp_path / "given", "server: {port: 3}")
    environ = {"MULTIVAC_CONFIG": str(named)}
    assert load_settings(None, {}).server.port == 1
    assert load_settings(None, environ).server.port == 2
    assert load_settings(given, environ).server.port == 3


def test_a_named_file_that_is_not_there_is_a_finding() -> None:
    assert "gone.yaml: cannot be read" in complaint({"MULTIVAC_CONFIG": "gone.yaml"})


def test_the_environment_has_the_last_word(tmp_path: Path) -> None:
    file = write(tmp_path, "server: {port: 1, host: 0.0.0.0}\nlog:\n")
    settings = load_settings(file, {"MULTIVAC_SERVER__PORT": "2", "MULTIVAC_LOG__LEVEL": "DEBUG"})
    assert (settings.server.host, settings.server.port, settings.log.level) == ("0.0.0.0", 2, "debug")


@pytest.mark.parametrize("key", sorted(keys()))
def test_every_key_has_its_variable(key: str) -> None:
    try:
        load_settings(None, {f"MULTIVAC_{key.replace('.', '__').upper()}": "x"})
    except BadConfig as error:
        assert "is no setting" not in str(error)  # noqa: PT017 - whether "x" fits is not asked here


def test_a_finding_names_the_variable_it_came_from() -> None:
    text = complaint({"MULTIVAC_SERVER__PORT": "eighty"})
    assert text == "server.port (from MULTIVAC_SERVER__PORT): is 'eighty'. Write a whole number."


def test_a_misspelt_variable_is_found_and_the_near_one_named() -> None:
    text = complaint({"MULTIVAC_SLAK__BOT_TOKEN": "hush-hush", "MULTIVAC_JIRA_TOKEN": "hush-hush"})
    assert "MULTIVAC_SLAK__BOT_TOKEN: is no setting. Did you mean MULTIVAC_SLACK__BOT_TOKEN?" in text
    assert "MULTIVAC_JIRA_TOKEN: is no setting. Did you mean MULTIVAC_JIRA__TOKEN" in text
    assert "hush" not in text


def test_variables_that_kubernetes_makes_up_are_let_be() -> None:
    made_up = {"MULTIVAC_SERVER_PORT": "tcp://10.0.0.1:8080", "MULTIVAC_SERVICE_HOST": "10.0.0.1"}
    assert load_settings(None, made_up) == Settings()


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings(None, {"MULTIVAC_SLACK__BOT_TOKEN": "", "MULTIVAC_SERVER__PORT": ""}) == Settings()


def test_every_mistake_of_file_and_environment_is_told_at_once(tmp_path: Path) -> None:
    file = write(tmp_path, "servr: {}\nserver: {port: eighty}")
    text = complaint({"MULTIVAC_LOG__LEVEL": "loud", "MULTIVAC_LOGS__LEVEL": "info"}, file)
    assert text.count("\n") == 3
    for place in ("multivac.yaml: servr", "multivac.yaml: server.port", "log.level", "MULTIVAC_LOGS__LEVEL"):
        assert place in text


@pytest.mark.parametrize("key", sorted(key for key, is_secret in keys().items() if is_secret))
def test_every_secret_can_come_from_a_file(key: str, tmp_path: Path) -> None:
    addresses = {
        "database.url": "sqlite:///elsewhere.db",
        "watch.heartbeat_url": "https://heart.example.com/1",
    }
    value = addresses.get(key, "s3cret")
    (tmp_path / "secret").write_text(f"{value}\n")
    base = {**JIRA, "MULTIVAC_SLACK__BOT_TOKEN": "xoxb-1", "MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS": "one"}
    variable = f"MULTIVAC_{key.replace('.', '__').upper()}"
    environ = {name: known for name, known in base.items() if name != variable}
    settings = load_settings(None, {**environ, f"{variable}_FILE": str(tmp_path / "secret")})
    section, name = key.split(".")
    read = getattr(getattr(settings, section), name)
    assert (read[0] if isinstance(read, tuple) else read).get_secret_value() == value


def test_a_secret_file_that_cannot_be_read_or_is_one_too_many_is_a_finding(tmp_path: Path) -> None:
    gone = complaint({"MULTIVAC_JIRA__TOKEN_FILE": "hush-hush"})
    assert "MULTIVAC_JIRA__TOKEN_FILE: names a file that cannot be read: No such file or directory." in gone
    assert "hush" not in gone  # people put the secret itself there
    (tmp_path / "here").write_text("x")
    both = {**JIRA, "MULTIVAC_JIRA__TOKEN_FILE": str(tmp_path / "here")}
    assert "is set, and MULTIVAC_JIRA__TOKEN too" in complaint(both)


@pytest.mark.parametrize("written", ["one,two", ' ["one", "two"]', "one\ntwo\n", "one, two,"])
def test_webhook_secrets_are_a_list_in_any_of_the_usual_forms(written: str) -> None:
    settings = load_settings(None, {"MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS": written})
    assert [each.get_secret_value() for each in settings.pagerduty.webhook_secrets] == ["one", "two"]


def test_names_in_the_file_are_filled_in_from_the_environment(tmp_path: Path) -> None:
    file = write(
        tmp_path, "slack: {bot_token: '${TOKEN}'}\njira: {issue_type: 'Cost $$5 ${TYPE}', flavour: $TYPE}"
    )
    environ = {"TOKEN": "xoxb-1", "TYPE": "Incident: {a: b}"}
    with pytest.raises(BadConfig, match=r"flavour: is '\$TYPE'"):
        load_settings(file, environ)
    file.write_text(file.read_text().replace(", flavour: $TYPE", ""))
    settings = load_settings(file, environ)
    assert settings.slack.bot_token is not None
    assert settings.slack.bot_token.get_secret_value() == "xoxb-1"
    assert settings.jira.issue_type == "Cost $5 Incident: {a: b}"


def test_paths_in_the_file_start_at_its_folder(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    file = write(tmp_path / "etc", "playbooks: {path: mine}\npeople: {path: /srv/people.yaml}")
    settings = load_settings(file, {})
    assert settings.playbooks.path == tmp_path / "etc" / "mine"
    assert settings.people.path == Path("/srv/people.yaml")
    assert load_settings(file, {"MULTIVAC_PEOPLE__PATH": "here.yaml"}).people.path == Path("here.yaml")


def test_addresses_take_the_form_that_their_clients_want() -> None:
    settings = load_settings(
        None,
        {
            **JIRA,
            "MULTIVAC_SLACK__API_URL": "http://127.0.0.1:9/slack/api",
            "MULTIVAC_PAGERDUTY__API_URL": "http://127.0.0.1:9/pagerduty/",
            "MULTIVAC_SERVER__CLOCK_URL": "http://localhost:9/clock",
        },
    )
    assert settings.slack.api_url == "http://127.0.0.1:9/slack/api/"
    assert settings.pagerduty.api_url == "http://127.0.0.1:9/pagerduty"
    assert settings.jira.url == "https://example.atlassian.net"
    assert settings.server.clock_url == "http://localhost:9/clock"


@pytest.mark.parametrize(
    ("written", "driven"),
    [
        ("sqlite:///multivac.db", "sqlite:///multivac.db"),
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgres://u:p@h/d?sslmode=require", "postgresql+psycopg://u:p@h/d?sslmode=require"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
    ],
)
def test_databases_get_our_driver(written: str, driven: str) -> None:
    database = load_settings(None, {"MULTIVAC_DATABASE__URL": written}).database
    assert database.sqlalchemy_url == driven
    assert database.is_sqlite == written.startswith("sqlite")


@pytest.mark.parametrize(
    ("written", "used"), [("incidents", "#incidents"), ("#ops", "#ops"), ("C0123ABCD", "C0123ABCD")]
)
def test_channels_may_be_named_with_or_without_their_sign(written: str, used: str) -> None:
    environ = {"MULTIVAC_SLACK__BOT_TOKEN": "xoxb-1", "MULTIVAC_SLACK__ANNOUNCE_CHANNEL": written}
    assert load_settings(None, environ).slack.announce_channel == used


@pytest.mark.parametrize(
    ("changed", "cloud"),
    [
        ({}, True),
        ({"URL": "https://jira.example.com", "USER": "ana"}, False),
        ({"URL": "https://jira.example.com", "USER": ""}, False),
        ({"URL": "http://127.0.0.1:9", "FLAVOUR": "cloud"}, True),
        ({"URL": "http://127.0.0.1:9", "FLAVOUR": "datacenter"}, False),
    ],
)
def test_which_jira_it_is_shows_in_address_and_account(changed: dict[str, str], cloud: bool) -> None:
    environ = {**JIRA, **{f"MULTIVAC_JIRA__{key}": value for key, value in changed.items()}}
    assert load_settings(None, environ).jira.is_cloud is cloud


def test_webhooks_alone_are_allowed() -> None:
    settings = load_settings(None, {"MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS": "one"})
    assert settings.pagerduty.on
    assert settings.describe()[2] == "pagerduty: on for webhooks alone, for pagerduty.token is not set"


def test_the_start_up_lines_say_why_a_vendor_is_off() -> None:
    assert Settings().describe() == (
        "slack: off, for slack.bot_token is not set",
        "jira: off, for jira.url is not set",
        "pagerduty: off, for pagerduty.webhook_secrets is not set",
    )


def test_no_secret_shows_anywhere() -> None:
    environ = {
        **JIRA,
        "MULTIVAC_DATABASE__URL": "postgresql://u:hush@h/d",
        "MULTIVAC_SLACK__BOT_TOKEN": "xoxb-hush",
        "MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS": "hush1,hush2",
        "MULTIVAC_PAGERDUTY__TOKEN": "hush",
    }
    settings = load_settings(None, environ)
    lines = settings.describe()
    assert all(": on" in line for line in lines)
    assert (
        "hush" not in f"{settings!r} {settings} {lines} {settings.model_dump()} {settings.model_dump_json()}"
    )


def test_durations_are_times() -> None:
    environ = {"MULTIVAC_PAGERDUTY__SWEEP_EVERY": "1h30m"}
    assert load_settings(None, environ).pagerduty.sweep_every == timedelta(minutes=90)


def test_the_page_of_settings_is_current() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    assert page == settings_page(), "write it anew with multivac.reference.settings_page()"
