"""docs/install.md tells what really happens: its settings work, and its findings are those of the check."""

import re
from pathlib import Path

import pytest
import yaml

from integrations.sandbox import jira, pagerduty
from integrations.sandbox.seed import BOT_TOKEN
from multivac.app import doctors
from multivac.check import Report, examine
from multivac.settings import Settings, load_settings
from tests.unit.clinic import WEBHOOK_SECRET, Clinic

pytest_plugins = ["tests.unit.clinic_fixtures"]

PAGE = (Path(__file__).parents[2] / "docs" / "install.md").read_text()


def blocks(kind: str, heading: str) -> list[str]:
    """The blocks of code of one kind under a heading."""
    section = next(part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE) if part.startswith(heading))
    found = re.findall(r"^```(\w*)\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)
    return [text for name, text in found if name == kind]


def variables(heading: str) -> list[str]:
    """The variables that are set under a heading."""
    return re.findall(r"^export (\w+)=", "\n".join(blocks("", heading)), flags=re.MULTILINE)


def findings(heading: str) -> list[str]:
    """The findings that are shown under a heading."""
    return [
        line for text in blocks("", heading) for line in text.splitlines() if re.match(r"\w+ +[A-Z]+  ", line)
    ]


class Install:
    """What an operator who follows the page has done so far; the vendors' addresses are the stand-ins'."""

    def __init__(self, clinic: Clinic) -> None:
        self.sandbox = clinic.sandbox
        self.file = clinic.folder / "multivac.yaml"
        self.written: dict[str, dict[str, str]] = {}
        self.environment = {
            name: value
            for name, value in clinic.environment().items()
            if name.endswith(("DATABASE__URL", "SLACK__API_URL", "PAGERDUTY__API_URL"))
        }
        self.secrets = {
            "MULTIVAC_SLACK__BOT_TOKEN": BOT_TOKEN,
            "MULTIVAC_SLACK__APP_TOKEN": clinic.sandbox.slack.app_token(),
            "MULTIVAC_PAGERDUTY__TOKEN": pagerduty.TOKEN,
            "MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS": WEBHOOK_SECRET,
            "MULTIVAC_PAGERDUTY__FROM_EMAIL": "ana@example.com",
            "MULTIVAC_JIRA__TOKEN": jira.TOKEN,
        }

    def follow(self, heading: str) -> None:
        """Write the settings and set the variables of a step."""
        for text in blocks("yaml", heading):
            self.written |= yaml.safe_load(text)
        self.environment |= {name: self.secrets[name] for name in variables(heading)}

    def settings(self) -> Settings:
        self.file.write_text(yaml.safe_dump(self.written))
        return load_settings(self.file, self.environment)

    def check(self) -> Report:
        settings = self.settings()
        return examine(settings, doctors(settings))


@pytest.fixture
def site(clinic: Clinic) -> Install:
    return Install(clinic)


def shows(report: Report, shown: list[str]) -> None:
    told = [str(each).partition(" → ")[0] for each in report.verdicts]
    assert shown
    assert not [line for line in shown if line not in told], report.text()


def test_the_four_steps_lead_to_a_check_in_which_nothing_is_wrong(site: Install) -> None:
    site.follow("2. Write the settings")
    report = site.check()
    shows(report, findings("3. Check"))
    assert report.exit_code(strict=True) == 0


def test_what_one_may_meet_is_what_the_check_says(site: Install) -> None:
    met = re.findall(r"^\| `([^`]+)` \|", PAGE, flags=re.MULTILINE)
    site.follow("2. Write the settings")
    slack, told = site.sandbox.slack, []
    with site.sandbox.world.lock:
        granted = slack.space.tokens[BOT_TOKEN].scopes
    tokens = ["xoxb-mistyped", slack.token(value="xoxb-revoked"), slack.token(granted - {"bookmarks:write"})]
    slack.revoke("xoxb-revoked")
    for token in tokens:
        site.environment["MULTIVAC_SLACK__BOT_TOKEN"] = token
        told += [each.what for each in site.check().verdicts]
    site.environment["MULTIVAC_SLACK__BOT_TOKEN"] = BOT_TOKEN
    slack.reset()
    slack.token(value=BOT_TOKEN)
    told += [each.what for each in site.check().verdicts]
    assert len(met) == 4
    assert set(met) <= set(told)


def test_pagerduty_is_told_as_the_page_tells_it(site: Install) -> None:
    site.follow("2. Write the settings")
    site.follow("Then PagerDuty")
    site.sandbox.pagerduty.deliveries.subscribers.clear()
    site.sandbox.slack._who("Fay Kim").email = "kim@example.com"
    shows(site.check(), findings("Then PagerDuty"))


def test_jira_is_told_as_the_page_tells_it(site: Install) -> None:
    for heading in ("2. Write the settings", "Then PagerDuty", "Then Jira"):
        site.follow(heading)
    assert site.settings().jira.is_cloud
    site.written["jira"] |= {"url": f"{site.sandbox.url}/jira", "flavour": "cloud"}
    site.sandbox.jira.forbid("ASSIGN_ISSUES")
    site.sandbox.jira.require_field("customfield_10012")
    shows(site.check(), findings("Then Jira"))
