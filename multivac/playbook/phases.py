"""The checklists of a playbook: phases, their tasks, conditions, and when each is due. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import islice
from typing import Annotated, Literal, get_args
from urllib.parse import quote
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

from multivac.incident import Severity
from multivac.playbook.occurrences import by_cron, every, trigger_of, until
from multivac.playbook.people import EVERY_SEVERITY, Severities
from multivac.values import Duration, PositiveDuration, Strict, wrong

Condition = Literal[
    "acknowledged",
    "lead",
    "lead_accepted",
    "cx_lead",
    "ticket",
    "bridge",
    "severity_settled",
    "impact_said",
    "deputy",
    "scribe",
    "update_posted",
    "triage",
    "active",
    "mitigated",
]
CONDITIONS: tuple[str, ...] = get_args(Condition)


def _each(said: object) -> object:
    return (said,) if isinstance(said, str) else said


# One alone may be written without its list.
Conditions = Annotated[
    tuple[Condition, ...],
    BeforeValidator(_each, json_schema_input_type=Condition | tuple[Condition, ...]),
]

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_LINK_PLACEHOLDERS = ("number", "service")
_IN_TWO_BRACES = re.compile(r"\{\{ *(\w+) *\}\}")  # as other templates have it, and many write it


def holds(conditions: Sequence[str], true_facts: frozenset[str]) -> bool:
    """Whether all of `conditions` are among the facts that are true now; none asked always holds."""
    return true_facts.issuperset(conditions)


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", text):
        raise wrong(
            f"is {text!r}.", "Write at most 40 small letters, digits and dashes, such as first-5-minutes."
        )
    return text


def _cron(text: str) -> str:
    try:
        trigger = trigger_of(text)
    except ValueError as error:
        raise wrong(
            f"is {text!r}, which is no cron expression: {error}.", "Write five fields: 0 9 * * mon-fri."
        ) from error
    if re.search(r"\d", text.split()[4]):
        # APScheduler 3 counts weekdays from Monday, cron from Sunday: a number would mean the wrong day.
        raise wrong(
            f"is {text!r}, where the weekday is a number.", "Write weekdays as names: mon-fri or sat,sun."
        )
    if trigger.get_next_fire_time(None, _LONG_AGO) is None:
        raise wrong(f"is {text!r}, a date that never comes.", "Correct the day or the month.")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (
        KeyError,
        OSError,
        ValueError,
    ) as error:  # an unknown zone is a KeyError, a hostile one either other
        near = get_close_matches(text, available_timezones(), n=1)
        fix = f"Did you mean {near[0]}?" if near else "Write it like Europe/Berlin or UTC."
        raise wrong(f"is {text!r}, which is no time zone.", fix) from error
    return text


def _link(text: str) -> str:
    text = _IN_TWO_BRACES.sub(r"{\1}", text)
    unknown = [name for name in re.findall(r"\{(\w*)\}", text) if name not in _LINK_PLACEHOLDERS]
    if not re.match(r"https?://[^/\s]", text) or re.search(r"\s", text):
        raise wrong(f"is {text!r}, which is no web address.", "Write it with https:// at its beginning.")
    if unknown:
        raise wrong(f"has a placeholder that does not exist: {{{unknown[0]}}}.", "Use {number} or {service}.")
    return text


Identifier = Annotated[str, AfterValidator(_identifier)]
RoleName = Annotated[str, Field(min_length=1, max_length=40)]


class Task(Strict):
    """One thing that one person does and ticks."""

    id: Identifier = Field(description="Names the task for good; unique in the playbook.")
    text: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="What to do, in few plain words."
    )
    role: RoleName | None = Field(
        None, description="Whose task it is: lead, deputy, scribe, cx lead or a role of yours."
    )
    link: Annotated[str, AfterValidator(_link)] | None = Field(
        None,
        description="A page that helps. {number} and {service} are filled in; none if no service is known.",
    )
    done_when: Conditions = Field(
        (), description="Conditions; the task counts as done once all of them hold."
    )
    severities: Severities = Field(EVERY_SEVERITY, description="The severities the task is for.")
    acts_outside: bool = Field(
        default=False,
        description="Whether it reaches customers, others or systems; in a drill it is only to be said.",
    )

    def is_done(self, true_facts: frozenset[str]) -> bool:
        """Whether the facts alone show that the task is done."""
        return bool(self.done_when) and holds(self.done_when, true_facts)

    def link_for(self, *, number: int, service: str | None) -> str | None:
        """The link, filled in safely for any service name; None where it needs one and none is known."""
        if self.link is None or ("{service}" in self.link and not service):
            return None
        return self.link.replace("{number}", str(number)).replace("{service}", quote(service or "", safe=""))


class Repeat(Strict):
    """How a phase comes again, for as long as the incident is open."""

    every: PositiveDuration | None = Field(None, description="The time from one occurrence to the next.")
    cron: Annotated[str, AfterValidator(_cron)] | None = Field(
        None, description="Or a cron expression, such as `0 9 * * mon-fri`; weekdays by name."
    )
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="The time zone of the cron expression."
    )
    at_most: Annotated[int, Field(ge=1, le=1_000)] | None = Field(
        None, description="How many times in all, the first included; left out: until the incident ends."
    )


class Drill(Strict):
    """A rehearsal that `/incident drill <name>` begins."""

    name: Identifier = Field(description="What it is asked for by; unique in all playbooks.")
    title: Annotated[str, Field(min_length=1, max_length=120)] = Field(
        description="What is played, as an incident would be called."
    )
    severity: Severity = Field(description="How bad it is.")
    services: tuple[Annotated[str, Field(min_length=1, max_length=80)], ...] = Field(
        (), description="Which services are played to be affected."
    )
    impact: Annotated[str, Field(max_length=500)] = Field("", description="What users would notice.")


class Phase(Strict):
    """A checklist that appears at its time."""

    phase: Identifier = Field(description="Names the phase for good; unique in the playbook.")
    title: Annotated[str, Field(min_length=1, max_length=80)] = Field(
        description="What people see above the tasks."
    )
    at: Duration = Field(
        description="When it appears, counted from the declaration; one phase must be at 0m."
    )
    severities: Severities = Field(EVERY_SEVERITY, description="The severities the phase is for.")
    when: Conditions = Field(
        (), description="Conditions; the phase appears only while all of them hold, and waits for them."
    )
    unless: Conditions = Field(
        (), description="Conditions; the phase does not appear while any of them holds."
    )
    repeat: Repeat | None = Field(None, description="Whether and how it comes again.")
    tasks: Annotated[tuple[Task, ...], Field(min_length=1)] = Field(description="What is to be done.")

    def applies(self, true_facts: frozenset[str]) -> bool:
        """Whether the phase is to appear while these facts are true."""
        return holds(self.when, true_facts) and true_facts.isdisjoint(self.unless)

    def for_severity(self, severity: Severity) -> Phase | None:
        """The phase with only the tasks of this severity; None if nothing of it is left."""
        tasks = tuple(task for task in self.tasks if severity in task.severities)
        if severity not in self.severities or not tasks:
            return None
        return self if tasks == self.tasks else self.model_copy(update={"tasks": tasks})

    def due_times(
        self, declared_at: datetime, now: datetime, *, since: datetime | None = None
    ) -> tuple[datetime, ...]:
        """Every occurrence at or before `now`, in order; only those later than `since`, if given."""
        return until(self._occurrences(declared_at, since), now)

    def next_due(self, declared_at: datetime, after: datetime) -> datetime | None:
        """The first occurrence later than `after`; None when there is no further one."""
        return next(self._occurrences(declared_at, after), None)

    def _occurrences(self, declared_at: datetime, after: datetime | None) -> Iterator[datetime]:
        start = declared_at + self.at
        if self.repeat is None:
            return (due for due in (start,) if after is None or due > after)
        if self.repeat.at_most is None:
            return _repeat(self.repeat, start, after)
        # To know which ones are the first N, they are counted from the beginning.
        first = islice(_repeat(self.repeat, start, None), self.repeat.at_most)
        return (due for due in first if after is None or due > after)


def _repeat(rule: Repeat, start: datetime, after: datetime | None) -> Iterator[datetime]:
    if rule.every is not None:
        return every(start, rule.every, after=after)
    if rule.cron is not None:
        return by_cron(rule.cron, rule.zone, start=start, after=after)
    return iter(())
