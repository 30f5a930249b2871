"""A believable company for the demo, tests and benchmarks: eight people, who they are in each tool.

Eli has left Slack and Fay was never in it, because an on-call without an account is what real
responses stumble over.
"""

from typing import TYPE_CHECKING

from integrations.sandbox.jira_seed import seed_jira
from integrations.sandbox.pagerduty_seed import seed_pagerduty

if TYPE_CHECKING:
    from integrations.sandbox.server import Sandbox
    from integrations.sandbox.slack import Slack

PEOPLE = {
    "Ana Silva": "ana@example.com",
    "Bo Lindqvist": "bo@example.com",
    "Cara Mbeki": "cara@example.com",
    "Cy Tanaka": "cy@example.com",
    "Dee Okafor": "dee@example.com",
    "Eli Novak": "eli@example.com",
    "Fay Kim": "fay@example.com",
    "Gus Moreau": "gus@example.com",
}
DEACTIVATED_IN_SLACK = "Eli Novak"
NOT_IN_SLACK = "Fay Kim"
GROUPS = {"sre": ["Ana Silva", "Bo Lindqvist", "Dee Okafor"], "support-leads": ["Cara Mbeki", "Cy Tanaka"]}
BOT_TOKEN = "xoxb-sandbox"
TITLES = {
    "Ana Silva": "Engineer, Commerce",
    "Bo Lindqvist": "Engineer, Commerce",
    "Cara Mbeki": "Customer experience",
    "Cy Tanaka": "Support lead",
    "Dee Okafor": "Engineering manager",
    "Gus Moreau": "Platform, runs Multivac",
}
ZONES = {"Ana Silva": "Europe/Lisbon", "Cy Tanaka": "Asia/Tokyo", "Gus Moreau": "America/Montreal"}


def fill(sandbox: "Sandbox") -> None:
    """Fill all three stand-ins, which must be empty."""
    fill_slack(sandbox.slack)
    seed_jira(sandbox.jira, PEOPLE.items())
    seed_pagerduty(sandbox.pagerduty, PEOPLE.items())


def fill_slack(slack: "Slack") -> None:
    """Fill the Slack workspace: people, groups, #general and #incidents, and the token of our bot."""
    for name, email in PEOPLE.items():
        if name != NOT_IN_SLACK:
            ident = slack.add_person(name, email, tz=ZONES.get(name, "Europe/Amsterdam"))
            slack.space.person(ident).title = TITLES.get(name, "")
    here = [name for name in PEOPLE if name not in (DEACTIVATED_IN_SLACK, NOT_IN_SLACK)]
    slack.add_channel("general", [*here, DEACTIVATED_IN_SLACK])
    slack.add_channel("incidents", [*here, "multivac"])
    slack.deactivate(DEACTIVATED_IN_SLACK)
    for handle, users in GROUPS.items():
        slack.add_group(handle, users)
    slack.token(value=BOT_TOKEN)
    slack.app_token()
