"""The adapters at a sandbox, and what one call of theirs is; for the tests of what becomes of failures."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from integrations.jira.tracker import JiraTracker
from integrations.pagerduty.alarm import PagerDutyAlarm
from integrations.pagerduty.pager import PagerDutyPager
from integrations.sandbox import jira, pagerduty
from integrations.sandbox.seed import BOT_TOKEN
from integrations.sandbox.server import Sandbox
from integrations.slack.chat import SlackChat
from multivac.briefing import ChangeLine
from multivac.ports import Marker, TicketDraft

HELLO = ChangeLine(text="Ana leads now.")
EDITED = ChangeLine(text="Bo leads now.")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MARKER = Marker(incident=7, kind="headline")
NOTE = "[INC-7 67c44e40]"
DRAFT = TicketDraft(
    title="INC-7 Checkout is slow", paragraphs=("Slow.",), links=(), label="multivac-inc-7", severity="sev1"
)


class Bench:
    """The three adapters at a sandbox that is as new for each cell; the last of each kind is closed."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.patience = 5.0
        self.url = sandbox.url
        self._chat: SlackChat | None = None
        self.refresh()

    def refresh(self) -> None:
        """Empty and fill the sandbox, and forget what the adapters had learnt."""
        self.sandbox.reset()
        self.sandbox.world.clock.freeze(NOON)
        self.sandbox.seed()
        self.url, self.patience = self.sandbox.url, 5.0

    @property
    def chat(self) -> SlackChat:
        """An adapter that knows nothing yet."""
        if self._chat is not None:
            self._chat.close()
        self._chat = SlackChat(BOT_TOKEN, api_url=f"{self.url}/slack/api/", timeout=self.patience)
        return self._chat

    @property
    def tracker(self) -> JiraTracker:
        """An adapter to Cloud."""
        return JiraTracker(
            f"{self.url}/jira",
            "multivac@example.com",
            jira.TOKEN,
            project="OPS",
            issue_type="Incident",
            flavour="cloud",
            timeout=self.patience,
        )

    @property
    def pager(self) -> PagerDutyPager:
        """An adapter that knows no schedule yet."""
        url = f"{self.url}/pagerduty"
        return PagerDutyPager(
            pagerduty.TOKEN, api_url=url, from_email="ana@example.com", timeout=self.patience
        )

    @property
    def alarm(self) -> PagerDutyAlarm:
        """An adapter with the routing key of a service."""
        service = self.sandbox.pagerduty.account.services.values()
        key = next(one.routing_key for one in service)
        return PagerDutyAlarm(key, events_url=f"{self.url}/pagerduty", timeout=self.patience)

    def channel(self) -> str:
        """A channel of ours."""
        return self.chat.open_channel("inc-7", private=False)

    def user(self, name: str) -> str:
        """A person's id in Slack."""
        people = self.sandbox.slack.space.people.values()
        return next(one.id for one in people if one.real_name.startswith(name))

    def said(self) -> int:
        """How many messages of ours are in the channel."""
        return len([one for one in self.sandbox.slack.channel("inc-7").messages if "metadata" in one])

    def tickets(self) -> int:
        """How many tickets there are."""
        return len(self.sandbox.jira.site.issues)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a vendor's method: how to come to it, the next try after an unknown end, and its effects.

    `first` prepares and gives the call itself; `again` what the step does then (the same call, if it is
    left out); `effects` counts what there should be one of.
    """

    vendor: str
    first: Callable[[Bench], Callable[[], object]]
    again: Callable[[Bench], object] | None = None
    effects: Callable[[Bench], int] | None = None
