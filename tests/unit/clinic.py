"""A company in which all is well, to be made ill: stand-ins over HTTP, a configuration, and the check."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from integrations.sandbox import jira, pagerduty
from integrations.sandbox.seed import BOT_TOKEN
from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import Fault
from multivac.app import doctors
from multivac.check import AREAS, Report, Verdict, examine
from multivac.settings import Settings, load_settings

PUBLIC = "https://multivac.example.com"
HOOK = f"{PUBLIC}/webhooks/pagerduty"
WEBHOOK_SECRET = "a-webhook-secret-of-the-tests"
HIDDEN_IN_JIRA = ("Bo Lindqvist", "Fay Kim")

# It names one of each thing that a playbook can name at a vendor.
PLAYBOOK: Mapping[str, Any] = {
    "name": "everything",
    "match": {"service": ["check*"]},
    "channel": {"name": "sec-{number}-{date}", "private": True},
    "invite": [
        {"on_call": {"schedules": ["cx-leads"]}},
        {"group": "sre"},
        {"people": ["dee@example.com"]},
    ],
    "lead": [
        {"on_call": {"schedule": "Commerce primary"}},
        {"round_robin": {"jira_role": "Incident leads"}},
        {"least_loaded": {"jira_group": "incident-leads"}},
        {"component_lead": {"component": "checkout"}},
        {"fixed": "ana@example.com"},
    ],
    "checklists": [
        {"phase": "first", "title": "First", "at": "0m", "tasks": [{"id": "look", "text": "Look."}]}
    ],
}


class Clinic:
    """The company and its check; `settings` and `playbook` may be changed before it."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.playbook = dict(PLAYBOOK)
        self.people: list[dict[str, str]] = [
            {"name": name, "jira": sandbox.jira.site.person(name).account_id, "email": f"{first}@example.com"}
            for name in HIDDEN_IN_JIRA
            for first in [name.split()[0].lower()]
        ]
        self.settings = {
            "SERVER__PUBLIC_URL": PUBLIC,
            "DATABASE__URL": f"sqlite:///{folder}/multivac.db",
            "SLACK__BOT_TOKEN": BOT_TOKEN,
            "SLACK__APP_TOKEN": "xapp-sandbox",
            "SLACK__API_URL": f"{sandbox.url}/slack/api/",
            "SLACK__ANNOUNCE_CHANNEL": "incidents",
            "JIRA__URL": f"{sandbox.url}/jira",
            "JIRA__USER": "multivac@example.com",
            "JIRA__TOKEN": jira.TOKEN,
            "JIRA__PROJECT": "OPS",
            "JIRA__ISSUE_TYPE": "Incident",
            "JIRA__FLAVOUR": "cloud",
            "PAGERDUTY__TOKEN": pagerduty.TOKEN,
            "PAGERDUTY__FROM_EMAIL": "ana@example.com",
            "PAGERDUTY__API_URL": f"{sandbox.url}/pagerduty",
            "PAGERDUTY__WEBHOOK_SECRETS": WEBHOOK_SECRET,
        }

    def environment(self) -> dict[str, str]:
        """The configuration as variables, its files written."""
        (self.folder / "playbooks").mkdir(exist_ok=True)
        (self.folder / "playbooks" / "everything.yaml").write_text(json.dumps(self.playbook))  # JSON is YAML
        (self.folder / "people.yaml").write_text(json.dumps(self.people))
        paths = {
            "PLAYBOOKS__PATH": str(self.folder / "playbooks"),
            "PEOPLE__PATH": str(self.folder / "people.yaml"),
        }
        return {f"MULTIVAC_{name}": value for name, value in (paths | self.settings).items()}

    def load(self) -> Settings:
        """The settings as the command reads them."""
        return load_settings(None, self.environment())

    def check(self, *, only: Collection[str] = AREAS, offline: bool = False, seconds: float = 5.0) -> Report:
        """What `multivac check` finds."""
        settings = self.load()
        return examine(settings, doctors(settings), only=only, offline=offline, seconds=seconds)

    def fail(self, vendor: str, kind: str, method: str = "*", **more: Any) -> None:
        """Let all calls of a vendor, or of one method, go wrong."""
        self.sandbox.world.fail(Fault(vendor, method, kind, times=0, **more))

    def without_scope(self, *lost: str) -> None:
        """Give the bot a token that may do everything but this."""
        with self.sandbox.world.lock:
            granted = self.sandbox.slack.space.tokens[BOT_TOKEN].scopes
        self.settings["SLACK__BOT_TOKEN"] = self.sandbox.slack.token(granted - set(lost), value="xoxb-less")


def ills(report: Report, area: str = "") -> list[Verdict]:
    """What is not in order, in one area or everywhere."""
    return [each for each in report.verdicts if each.level != "OK" and area in ("", each.area)]


def the_ill(report: Report, area: str = "") -> Verdict:
    """The one thing that is not in order, and which says what to do about it."""
    (only,) = ills(report, area)
    assert only.fix
    return only
