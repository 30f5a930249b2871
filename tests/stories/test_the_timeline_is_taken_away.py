"""Whoever runs Multivac takes an incident's timeline away, for people or for machines."""

import json

import pytest
from typer.testing import CliRunner

from multivac.cli import cli
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

HEARS = {"slack__signing_secret": "what-slack-signs-with"}


def test_a_timeline_is_exported_as_markdown_and_as_json_with_a_warning_if_it_is_private(
    multivac: Multivac, slack: Slack, clock: Clock, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    multivac.start(settings=HEARS)
    slack.asks("Cy", "declare Data leak *here* private sev1")
    clock.settle()
    asked = "INC-1 note Keys were &lt;changed&gt; at:"
    told = slack.asks("Cy", f"{asked}20:30")  # in Tokyo, where it is 21:00
    assert "was before INC-1 was declared. If you mean that, write the day too: at:2026-03-02T20:30" in told
    assert "It is in the timeline, at <!date^1772451000^" in slack.asks("Cy", f"{asked}2026-03-02T20:30")
    assert "you at <!date^1772456400^" in slack.asks("Cy", "INC-1 remind at:22:00 Ask again")
    clock.settle()
    assert "“maybe” says nothing of customers." in slack.asks("Cy", "INC-1 resolve --customers=maybe Changed")
    assert "INC-1 is resolved now." in slack.asks("Cy", "INC-1 resolve --customers=no Changed them all")
    clock.settle()
    assert "*Impact while it lasted:* No customer was hit." in slack.channel("inc-1").headline
    slack.standin.change_person(slack.person("Cy"), real_name="Cy <!channel> Tanaka")
    clock.settle()
    for number in range(30):
        slack.asks("Cy", f"INC-1 note Key {number} is new")
    assert "earlier entries are not shown." in slack.asks("Cy", "timeline", channel="inc-1")
    told = slack.presses("Cy", "All of it, as files into the channel", channel="inc-1")
    assert "The files are in" in told
    (shared,) = [one["files"] for one in slack.channel("inc-1").messages if "files" in one]
    assert not [one for one in slack.channel("inc-1").messages if "<!channel>" in one["text"]]
    assert [one["name"] for one in shared] == ["inc-1.md", "inc-1.json"]
    sent = slack.standin.space.uploads[shared[0]["id"]].content or b""
    assert b"Cy Tanaka: Keys were" in sent
    assert "There is no INC-1" in slack.asks("Bo", "INC-1 export")
    monkeypatch.setenv("MULTIVAC_DATABASE__URL", database_url)
    shown = CliRunner().invoke(cli, ["export", "INC-1"])
    assert shown.exit_code == 0, shown.output
    assert "# INC-1: Data leak \\*here\\*" in shown.stdout
    assert "- What ended it: Changed them all\n" in shown.stdout
    assert "- Impact: No customer was hit.\n" in shown.stdout
    assert "- 2026-03-02 11:30:00 Cy Tanaka: Keys were \\<changed\\>" in shown.stdout
    assert "INC-1 is private" in shown.stderr
    told = json.loads(CliRunner().invoke(cli, ["export", "1", "--format", "json"]).stdout)
    assert (told["incident"], told["private"], told["how_it_ended"]) == (1, True, "Changed them all")
    assert told["customers_hit"] == "no"
    assert "Cy Tanaka: Keys were <changed>" in [one["text"] for one in told["timeline"]]
    assert CliRunner().invoke(cli, ["export", "INC-7"]).exit_code == 1
