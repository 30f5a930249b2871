"""The storylines: each a small play of what happens to a team, from the alert on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from integrations.sandbox.exchange import Fault
from integrations.sandbox.server import Sandbox
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

_SETTINGS = {
    "slack__signing_secret": "what-slack-signs-with",
    "server__public_url": "https://multivac.example",
}
_TITLE = "Checkout returns 500"
_SHIPPED = Path(__file__).parents[3] / "config" / "playbooks"
# The playbook for what is bad, with the one line in it that only a team can fill in.
_WITH_CX_LEAD: Mapping[str, Any] = {
    **yaml.safe_load((_SHIPPED / "major.yaml").read_text()),
    "roles": {"cx lead": {"on_call": {"schedule": "cx-leads"}}},
}
# The same, but nobody of level 2 is brought in: Dee is on call for checkout and comes by herself.
_WITHOUT_DEE: Mapping[str, Any] = {**_WITH_CX_LEAD, "invite": [{"on_call": {"levels": [1]}}]}


@dataclass
class Cast:
    """Everybody who plays: the people of the workspace, the daemon, its vendors, the clock."""

    sandbox: Sandbox
    multivac: Multivac
    slack: Slack
    clock: Clock
    language: str

    def opens(self, playbook: Mapping[str, Any] | None = None, **settings: str) -> None:
        """Start Multivac with the shipped playbooks, or this one, in the language of the play."""
        self.multivac.start(playbook, settings={**_SETTINGS, "slack__language": self.language, **settings})

    def alert(self, title: str = _TITLE, service: str = "checkout", *, priority: str = "P1") -> str:
        """An alert; everything that can follow from it at once has followed."""
        alert = self.sandbox.pagerduty.trigger(title, service, priority=priority)
        self.clock.settle()
        return alert

    def asks(self, who: str, line: str, channel: str = "inc-1") -> None:
        """A person types a command, and all that follows at once has followed."""
        self.slack.asks(who, line, channel=channel)
        self.clock.settle()

    def presses(self, who: str, line: str, channel: str = "inc-1") -> None:
        """A person presses the newest button that says this line, whatever it is called in their language."""
        room = self.slack.channel(channel)
        message, element = next(
            (message, element)
            for message in reversed(room.ours())
            for block in message.get("blocks", ())
            for element in block.get("elements", ())
            if element.get("type") == "button" and element.get("value", "") == line
        )
        seen = len(self.slack.standin.channel(room.id).ephemerals)
        self.slack.standin.clicks(
            room.id, self.slack.person(who), ts=message["ts"], action_id=element["action_id"]
        )
        self.slack.wait_for(
            lambda: len(self.slack.standin.channel(room.id).ephemerals) > seen, f"an answer to {line}"
        )
        self.clock.settle()

    def keeps(self, who: str, text: str) -> None:
        """A person writes in the channel, and puts a pushpin under it."""
        name, person = self.slack.channel("inc-1").name, self.slack.person(who)
        ts = self.slack.standin.person_says(name, person, text)
        self.slack.standin.person_reacts(name, person, ts=ts, name="pushpin")
        self.clock.settle()

    def accepts(self, who: str = "Ana") -> None:
        """Whoever is asked to lead accepts within the minute."""
        self.clock.forward(seconds=40)
        self.presses(who, "INC-1 lead accept")


def healthy(cast: Cast) -> None:
    """A sev1 from its alert to its end, with every vendor well and everybody doing their part."""
    cast.opens(_WITHOUT_DEE)
    alert = cast.alert()
    cast.accepts()
    cast.clock.forward(minutes=1)
    cast.slack.presses_in_direct("Cara", "SEV1")
    cast.clock.settle()
    cast.clock.forward(minutes=2, seconds=30)
    for name in ("Dee", "Cy"):  # who is on call for checkout, and who is not
        cast.presses(name, "INC-1 join", channel="incidents")
    cast.clock.forward(minutes=1, seconds=20)
    cast.keeps("Bo", "Rollback started")
    cast.clock.forward(minutes=1, seconds=30)
    cast.asks("Ana", "update We are rolling back")
    cast.clock.forward(minutes=10)
    cast.sandbox.pagerduty.resolve(alert, "Bo")
    cast.asks("Ana", "resolve Rolled back the release")
    cast.clock.forward(minutes=5)


def storm_of_alerts(cast: Cast) -> None:
    """Fifty alerts of one service within a minute."""
    cast.opens()
    for number in range(50):
        cast.sandbox.pagerduty.trigger(f"{_TITLE} on node {number}", "checkout", priority="P1")
        cast.clock.forward(seconds=1)
    cast.clock.forward(minutes=1)


def jira_is_down(cast: Cast) -> None:
    """Jira does not answer for the first ten minutes."""
    cast.opens()
    cast.sandbox.world.fail(Fault("jira", "*", "server_error", times=0))
    cast.alert()
    cast.clock.forward(minutes=10)
    cast.sandbox.world.heal()
    cast.clock.forward(minutes=5)


def nobody_leads(cast: Cast) -> None:
    """Nobody accepts the lead until somebody is paged."""
    cast.opens()
    cast.alert()
    cast.clock.forward(minutes=9)


def severity_flip_flops(cast: Cast) -> None:
    """People change their minds on the severity, four times within a minute, then once more."""
    cast.opens()
    cast.alert()
    cast.accepts()
    for severity in ("sev2", "sev1", "sev3", "sev2"):
        cast.asks("Ana", f"severity {severity}")
        cast.clock.forward(seconds=10)
    cast.clock.forward(minutes=5)
    cast.asks("Ana", "severity sev1 It is worse than we thought")


def thirty_join(cast: Cast) -> None:
    """Thirty people come to see what is going on; one of them is on call."""
    cast.opens(_WITHOUT_DEE)
    cast.alert()
    cast.accepts()
    cast.clock.forward(minutes=4)
    channel = cast.slack.channel("inc-1").name
    for number in range(29):
        cast.slack.standin.add_person(f"Guest{number} Onlooker", f"onlooker{number}@example.com")
        cast.slack.standin.person_joins(channel, f"onlooker{number}@example.com")
        if number == 15:
            cast.slack.standin.person_joins(channel, "dee@example.com")
    cast.clock.forward(minutes=2)


def restart_in_the_middle(cast: Cast) -> None:
    """Multivac is stopped while it assembles the incident, and started again."""
    cast.opens()
    cast.sandbox.world.fail(Fault("slack", "chat.postMessage", "lose_answer", times=1))
    cast.sandbox.pagerduty.trigger(_TITLE, "checkout", priority="P1")
    cast.sandbox.world.wait_for(lambda: bool(cast.sandbox.world.calls("slack", "chat.postMessage")))
    cast.multivac.stop()
    cast.multivac.start_again()
    cast.clock.settle()
    cast.clock.forward(minutes=1)


def webhook_five_times(cast: Cast) -> None:
    """PagerDuty delivers the same news five times."""
    cast.opens()
    cast.sandbox.pagerduty.duplicate_next(4)
    cast.alert()
    cast.clock.forward(minutes=1)


def private(cast: Cast) -> None:
    """A person declares an incident that only those invited may know of."""
    cast.opens()
    cast.asks("Ana", "declare Keys were published sev2 private", channel="general")
    cast.slack.asks("Gus", "list", channel="general")
    cast.clock.forward(minutes=1)


def drill(cast: Cast) -> None:
    """A person declares a drill."""
    cast.opens()
    cast.asks("Ana", "declare The database is gone sev1 drill", channel="general")
    cast.clock.forward(minutes=6)


def merge(cast: Cast) -> None:
    """Of two incidents, one turns out to be the other; whoever leads it says so."""
    cast.opens()
    cast.alert()
    cast.accepts()
    cast.alert("Payments are slow", "payments", priority="P2")
    cast.clock.forward(minutes=1)
    cast.asks("Dee", "lead me", channel="inc-2")
    cast.asks("Dee", "merge INC-1", channel="inc-2")
    cast.clock.forward(minutes=1)


def reopen(cast: Cast) -> None:
    """What was resolved comes back after half an hour."""
    cast.opens()
    cast.alert()
    cast.accepts()
    cast.asks("Ana", "resolve Restarted it")
    cast.clock.forward(minutes=30)
    cast.asks("Bo", "reopen It is back")
    cast.clock.forward(minutes=1)


def resolved_by_pagerduty(cast: Cast) -> None:
    """The alert is resolved in PagerDuty while people work."""
    cast.opens()
    alert = cast.alert()
    cast.accepts()
    cast.clock.forward(minutes=3)
    cast.sandbox.pagerduty.resolve(alert, "Bo")
    cast.clock.forward(minutes=3)


STORYLINES: Mapping[str, Callable[[Cast], None]] = {
    play.__name__: play
    for play in (
        healthy,
        storm_of_alerts,
        jira_is_down,
        nobody_leads,
        severity_flip_flops,
        thirty_join,
        restart_in_the_middle,
        webhook_five_times,
        private,
        drill,
        merge,
        reopen,
        resolved_by_pagerduty,
    )
}
