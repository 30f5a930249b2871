"""The rules of a playbook about alerts: which ones match, how severe they are, which ones join. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field

from multivac.incident import Facts, Severity, Status
from multivac.tongue import mark, phrase
from multivac.values import Duration, Strict, wrong

# A pager's title is at most some hundred letters; an operator's slow pattern must not
# stall the intake on a hostile one.
_TITLE_LOOKED_AT = 1_000


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise wrong(
            f"is {pattern!r}, which is no regular expression: {error}.", "Correct the pattern."
        ) from error
    return pattern


Meant = TypeVar("Meant")
Pattern = Annotated[str, AfterValidator(_compiles)]
Words = Annotated[tuple[str, ...], Field(min_length=1)]


class Match(Strict):
    """What an alert must be like. Case never counts, and a key that is left out asks nothing."""

    service: Words | None = Field(
        None, description="Names or ids of services; * stands for any letters, as in `checkout*`."
    )
    urgency: Words | None = Field(None, description="Urgencies: high, low.")
    priority: Words | None = Field(None, description="Priorities as PagerDuty names them, such as P1.")
    title: Annotated[tuple[Pattern, ...], Field(min_length=1)] | None = Field(
        None, description="Regular expressions; one of them must be found anywhere in the title."
    )
    incident_type: Words | None = Field(None, description="Incident types as PagerDuty names them.")

    def answers(self, facts: Facts) -> tuple[bool, ...]:
        """For each key that was given: whether the alert has any of its values."""
        named = [name for name in (facts.service_name, facts.service_id) if name]
        asked = (
            (self.service, any(_like(name, self.service) for name in named)),
            (self.urgency, _among(facts.urgency, self.urgency)),
            (self.priority, _among(facts.priority, self.priority)),
            (self.title, _found(self.title, facts.title)),
            (self.incident_type, _among(facts.incident_type, self.incident_type)),
        )
        return tuple(answer for values, answer in asked if values is not None)


def _like(name: str, patterns: tuple[str, ...] | None) -> bool:
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns or ())


def _among(said: str | None, values: tuple[str, ...] | None) -> bool:
    return said is not None and said.casefold() in {value.casefold() for value in values or ()}


def _found(patterns: tuple[str, ...] | None, title: str | None) -> bool:
    looked_at = (title or "")[:_TITLE_LOOKED_AT]
    return any(re.search(pattern, looked_at, re.IGNORECASE) for pattern in patterns or ())


class JoinRule(Strict):
    """When a further alert joins an open incident instead of opening its own."""

    same_service_within: Duration = Field(
        timedelta(minutes=10),
        description="An alert of the same service joins an incident declared within this time; 0s: never.",
    )
    same_dedup_key_within: Duration = Field(
        timedelta(days=1),
        description="An alert with the same deduplication key joins, within this time; 0s: never.",
    )
    similar_title_within: Duration = Field(
        timedelta(),
        description="An alert of any service with a similar title joins, within this time; 0s: never.",
    )
    linked: bool = Field(
        default=True, description="An alert that people merged with another joins the incident of that one."
    )


MEANS: Mapping[Severity, str] = {
    Severity.SEV1: mark("users cannot work, or data is at risk"),
    Severity.SEV2: mark("many users are hit"),
    Severity.SEV3: mark("few users are hit"),
    Severity.SEV4: mark("no user is hit, look today"),
    Severity.SEV5: mark("it can wait"),
}


class SeverityRule(Strict):
    """How severe an alert is before a person has said so."""

    by_priority: Mapping[str, Severity] = Field(
        {f"P{rank}": Severity(f"sev{rank}") for rank in range(1, 6)},
        description="The severity for each priority. A priority that is listed here settles it.",
    )
    by_urgency: Mapping[str, Severity] = Field(
        {"high": Severity.SEV3, "low": Severity.SEV4},
        description="The severity for each urgency, asked when the priority settles nothing.",
    )
    default: Severity = Field(
        Severity.SEV3, description="The severity when neither priority nor urgency is listed."
    )

    means: Mapping[Severity, Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        {}, description="What each severity means to you, in a few words; one left out keeps its usual words."
    )

    def meaning(self, severity: Severity) -> str:
        """What a severity means, for whoever has to settle it, in their language unless you said it."""
        return self.means.get(severity) or phrase(MEANS[severity])

    def severity_of(self, facts: Facts) -> Severity:
        """What the priority says, else the urgency; of two guesses the worse."""
        settled = _look_up(self.by_priority, facts.priority)
        if settled is not None:
            return settled
        guess = _look_up(self.by_urgency, facts.urgency) or self.default
        # A priority that the map does not know is a doubt, and in doubt the worse one counts.
        return min(guess, self.default, key=lambda each: each.rank) if facts.priority else guess


def _look_up(severities: Mapping[str, Severity], said: str | None) -> Severity | None:
    known = {name.casefold(): severity for name, severity in severities.items()}
    return known.get(said.casefold()) if said else None


class DismissRule(Strict):
    """When an incident ends as a false alarm without anybody's word."""

    when_resolved_in_triage: bool = Field(
        default=True,
        description="Dismiss it if all its alerts resolve themselves before anybody has said anything.",
    )


_PRIORITIES = {
    "Highest": Severity.SEV1,
    "High": Severity.SEV2,
    "Medium": Severity.SEV3,
    "Low": Severity.SEV4,
    "Lowest": Severity.SEV5,
}


class TicketRule(Strict):
    """What the words of the Jira ticket mean for the incident, and the other way round."""

    priorities: Mapping[str, Severity] = Field(
        dict(_PRIORITIES),
        description="Which severity a Jira priority means; of several for one, the first is set in Jira.",
    )
    statuses: Mapping[str, Status] = Field(
        {}, description="Which status a Jira status means; one that is left out changes nothing."
    )

    def severity_of(self, priority: str) -> Severity | None:
        """The severity that a priority of the tracker means, if it means one."""
        return _meant(self.priorities, priority)

    def status_of(self, status: str) -> Status | None:
        """The status that a status of the tracker means, if it means one."""
        return _meant(self.statuses, status)

    def priority_for(self, severity: Severity) -> str | None:
        """The tracker's priority for a severity; None where none is named."""
        return next((name for name, meant in self.priorities.items() if meant is severity), None)


def _meant(means: Mapping[str, Meant], said: str) -> Meant | None:
    return next((meant for name, meant in means.items() if name.casefold() == said.casefold()), None)
