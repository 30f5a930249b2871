"""Starting: a mistake in the settings is told with what to write; a vendor that is off or down is none."""

import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from integrations.sandbox.server import Sandbox
from tests.processes.daemon import Daemon, multivac, settings_for
from tests.processes.outage import Outage

pytestmark = pytest.mark.slow(40, "a daemon or a command starts cold, perhaps on two busy cores")

# Each is a run with several mistakes: settings, file, and for each mistake what must stand in one line.
MISTAKES: Mapping[str, tuple[dict[str, str], str, list[tuple[str, ...]]]] = {
    "names and types": (
        {"MULTIVAC_SLACK__BOT_TOKNE": "xoxb-planted", "MULTIVAC_SERVER__PORT": "eighty"},
        "",
        [
            ("MULTIVAC_SLACK__BOT_TOKNE", "is no setting", "MULTIVAC_SLACK__BOT_TOKEN"),
            ("server.port", "MULTIVAC_SERVER__PORT", "number"),
        ],
    ),
    "one underscore": (
        {"MULTIVAC_SLACK_BOT_TOKEN": "xoxb-planted"},
        "",
        [("MULTIVAC_SLACK_BOT_TOKEN", "is no setting", "MULTIVAC_SLACK__BOT_TOKEN")],
    ),
    "halves": (
        {
            "MULTIVAC_SLACK__SIGNING_SECRET": "planted-signing",
            "MULTIVAC_JIRA__URL": "https://example.atlassian.net",
            "MULTIVAC_JIRA__TOKEN": "planted-jira",
            "MULTIVAC_PAGERDUTY__TOKEN": "planted-pagerduty",
        },
        "",
        [
            ("slack.bot_token", "is missing", "slack.signing_secret", "MULTIVAC_SLACK__BOT_TOKEN"),
            ("jira.user", "is missing", "MULTIVAC_JIRA__USER"),
            ("jira.project", "is missing", "MULTIVAC_JIRA__PROJECT"),
            ("pagerduty.webhook_secrets", "is missing", "MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS"),
        ],
    ),
    "a key in the file": (
        {},
        "slack:\n  bot_tokken: xoxb-planted\nserver:\n  port: [80]\n",
        [("multivac.yaml", "slack.bot_tokken", "bot_token"), ("multivac.yaml", "server.port", "number")],
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_ends_the_start_with_what_to_write(case: str, tmp_path: Path) -> None:
    settings, file, findings = MISTAKES[case]
    if file:
        (tmp_path / "multivac.yaml").write_text(file)
    done = multivac("run", settings=settings, folder=tmp_path)
    said = done.stderr.splitlines()
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "planted" not in done.stderr
    assert len(said) == len(findings)
    for wanted in findings:
        assert any(all(part in line for part in wanted) for line in said), f"{wanted} is not in {said}"
    assert not list(tmp_path.glob("*.db"))


def test_a_vendor_without_keys_is_off_and_the_start_says_so(tmp_path: Path) -> None:
    settings = {"MULTIVAC_SERVER__PORT": "0", "MULTIVAC_LOG__FORMAT": "json"}
    daemon = Daemon(settings, tmp_path)
    try:
        daemon.start()
        states = [line["state"] for line in daemon.said("integration")]
        metrics = daemon.get("/metrics")[1]
        answer = daemon.post(b"{}")
    finally:
        daemon.kill()
    assert [state.partition(",")[0] for state in states] == ["slack: off", "jira: off", "pagerduty: off"]
    for name, key in zip(
        ("slack", "jira", "pagerduty"), ("bot_token", "url", "webhook_secrets"), strict=True
    ):
        assert any(f"{name}.{key} is not set" in state for state in states)
        assert f'multivac_integration_on{{service="{name}"}} 0.0' in metrics
    assert answer[0] == 503


def test_it_starts_with_every_vendor_down_and_responds_once_they_are_back(
    database_url: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sandbox = Sandbox()
    outage = Outage(sandbox)
    alerts = outage.alerts(2)
    settings = settings_for(f"http://127.0.0.1:{port}", database_url) | {"MULTIVAC_SERVER__CLOCK_URL": ""}
    daemon = Daemon(settings, tmp_path)
    try:
        daemon.start()
        assert [daemon.post(alert.body)[0] for alert in alerts] == [202, 202]
        sandbox.start(port)
        outage.wait_until_whole(alerts, 20)
    finally:
        daemon.kill()
        sandbox.stop()
