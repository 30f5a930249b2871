"""The whole examination: all areas at once, each at its own pace, told in one order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from pydantic import SecretStr

from multivac.check.chat import ChatExamination
from multivac.check.doctors import Doctors
from multivac.check.named import Wishes, wishes
from multivac.check.ours import examine_database, examine_playbooks
from multivac.check.pager import PagerExamination
from multivac.check.people import PeopleExamination
from multivac.check.questions import Area, Question
from multivac.check.tracker import TrackerExamination
from multivac.check.verdicts import Level, Report, Verdict
from multivac.check.watch import WatchExamination
from multivac.errors import BadConfig
from multivac.playbook import Playbook
from multivac.settings import Settings

AREAS = ("slack", "jira", "pagerduty", "watch", "database", "playbooks", "people")
_QUESTION_SECONDS = 5.0
_WHOLE_SECONDS = 18.0  # more than any area takes: at most three questions wait for one another
_NOBODY = Doctors(chat=None, tracker=None, pager=None)


def examine(
    settings: Settings,
    doctors: Doctors,
    *,
    only: Collection[str] = AREAS,
    offline: bool = False,
    seconds: float = _QUESTION_SECONDS,
) -> Report:
    """Check the areas of `only`; no question takes longer than `seconds`, and the whole at most 18.

    `offline` asks no vendor. Nothing is changed anywhere, and no secret is in the report.
    """
    read: list[Playbook] = []
    files = examine_playbooks(Area("playbooks"), settings.playbooks.path, read)
    plan = _Plan(settings, _NOBODY if offline else doctors, wishes(read), seconds, offline)
    every = plan.areas() | {"playbooks": lambda: files}
    whole = Area("check", seconds=_WHOLE_SECONDS)
    verdicts = whole.ask(*(Question(name, every[name]) for name in AREAS if name in only))
    secrets = tuple(_secrets(settings))
    return Report(tuple(verdict.tidy(secrets) for verdict in verdicts))


def unusable(error: BadConfig) -> Report:
    """The report on settings that cannot be read, with every mistake."""
    found = (
        Verdict("settings", Level.FAIL, f"{each.where}: {each.why}", each.fix) for each in error.findings
    )
    return Report(tuple(each.tidy(()) for each in found))


@dataclass(frozen=True, slots=True)
class _Plan:
    settings: Settings
    doctors: Doctors
    wished: Wishes
    seconds: float
    offline: bool

    def areas(self) -> dict[str, Callable[[], list[Verdict]]]:
        """How each area is examined, but for the playbooks, which have been read already."""
        settings = self.settings
        # What keeps people from being looked up is told as a failure of the vendor itself.
        people = Area("people", "the vendor", self.seconds, Level.WARN)
        return {
            "slack": self._slack,
            "jira": self._jira,
            "pagerduty": self._pagerduty,
            "watch": self._watch,
            "database": lambda: examine_database(Area("database", seconds=self.seconds), settings.database),
            "people": PeopleExamination(people, self.doctors, self.wished, settings.people.path).examine,
        }

    def _slack(self) -> list[Verdict]:
        slack, chat = self.settings.slack, self.doctors.chat
        area = Area("slack", slack.api_url, self.seconds)
        if chat is None:
            return _left_alone(area, slack.describe(), on=slack.on)
        return ChatExamination(area, chat, slack, self.wished).examine()

    def _jira(self) -> list[Verdict]:
        jira, tracker = self.settings.jira, self.doctors.tracker
        area = Area("jira", jira.url or "", self.seconds)
        if tracker is None:
            return _left_alone(area, jira.describe(), on=jira.on)
        return TrackerExamination(area, tracker, jira, self.wished).examine()

    def _pagerduty(self) -> list[Verdict]:
        pagerduty, pager = self.settings.pagerduty, self.doctors.pager
        area = Area("pagerduty", pagerduty.api_url, self.seconds)
        if pager is None:
            return _left_alone(area, pagerduty.describe(), on=pagerduty.token is not None)
        public_url = self.settings.server.public_url
        return PagerExamination(area, pager, pagerduty, self.wished, public_url).examine()

    def _watch(self) -> list[Verdict]:
        area = Area("watch", seconds=self.seconds)
        watch, pagerduty = self.settings.watch, self.settings.pagerduty
        return WatchExamination(area, watch, pagerduty, self.offline).examine()


def _left_alone(area: Area, state: str, *, on: bool) -> list[Verdict]:
    """A vendor that is off, or on and not to be asked; neither is a mistake."""
    return [area.ok(state.removeprefix(f"{area.name}: ") + ("; not asked, as told" if on else ""))]


def _secrets(settings: Settings) -> Iterator[str]:
    for section in (settings.slack, settings.jira, settings.pagerduty, settings.watch):
        for _, value in section:
            for secret in value if isinstance(value, tuple) else (value,):
                if isinstance(secret, SecretStr):
                    yield secret.get_secret_value()
    address = settings.database.url.get_secret_value().partition("://")[2]
    yield address.rpartition("@")[0].partition(":")[2]  # the database's password
