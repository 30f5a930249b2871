"""An alert arrives: drop it, let it join an open incident, or declare one. One transaction each.

The pager's webhook and the sweep call `Intake.take`. When it returns the alert is committed; the
response starts on another thread, and if the process dies in between, the beat starts it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from multivac.consequences import Consequences, News
from multivac.incident import (
    Alert,
    AlertKind,
    Entry,
    EntryKind,
    IncidentId,
    Severity,
    Status,
    marker_of,
    page_key,
)
from multivac.jobs import Jobs, Put
from multivac.playbook import Playbook, choose
from multivac.ports import Clock
from multivac.store import (
    acknowledgements,
    alerts,
    incidents,
    notices,
    storms,
    timeline,
    traits,
    updates,
)
from multivac.store.alerts import Known
from multivac.store.database import Database
from multivac.store.incidents import Brief
from multivac.store.news import Follows, hear, keep, raised_for
from multivac.store.storms import Inflow
from multivac.store.texts import cleaned
from multivac.store.traits import Owner, Subject
from multivac.telemetry import Telemetry
from multivac.tongue import mark, written

log = structlog.get_logger()

_DROPPED, _FOLLOWED = "dropped", "followed"
_LONGEST_TITLE = 1000
_NOT_SOON = timedelta(seconds=15)
_PAGED = mark("opened to page people")
_UNTITLED = mark("Untitled alert")
_DECLARED = mark("Declared as {severity} by the playbook {playbook}")
_WAITS = mark("Declared as {severity} by the playbook {playbook}, waits for its turn in an alert storm")
_WHOLE = frozenset({AlertKind.TRIGGERED, AlertKind.FOUND_OPEN})  # they say all there is, a blank title too
_OVER = frozenset({Status.RESOLVED, Status.CLOSED})
_STILL_OPEN = frozenset({"triggered", "acknowledged"})


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one alert: a word for the metric, and the job to begin after the commit."""

    outcome: str
    put: Put | None = None
    declared: Severity | None = None


class Intake:
    """The front door for alerts."""

    def __init__(  # noqa: PLR0913  # what it decides by, and where it puts what it decided
        self,
        database: Database,
        jobs: Jobs,
        *,
        playbooks: Callable[[], Sequence[Playbook]],
        clock: Clock,
        telemetry: Telemetry,
        inflow: Inflow,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._playbooks = playbooks
        self._clock = clock
        self._telemetry = telemetry
        self._inflow = inflow

    def take(self, alert: Alert) -> None:
        """Keep an alert and all that follows from it; returns after the commit."""
        told, now = cleaned(alert), self._clock.now()
        taken = self._database.write(lambda tx: self._take(tx, told, now), urgent=True)
        if taken.put is not None:
            self._jobs.begin(taken.put)
        self._count(told, taken)

    def keep_unreadable(self, body: bytes, *, webhook_id: str | None, why: str) -> None:
        """Keep a rightly signed body that nobody understands, for the operator to look at."""
        now = self._clock.now()
        self._database.write(
            lambda tx: alerts.keep_unreadable(tx, body, webhook_id=webhook_id, why=why, now=now), urgent=True
        )
        log.warning("webhook unreadable", why=why, webhook=webhook_id, size=len(body))

    def tell_operators(self, key: str, what: str, do: str) -> None:
        """Note something only operators can mend; they are told once, until it has not happened for a day."""
        now = self._clock.now()
        notice = notices.Notice(key, what, do)
        if self._database.write(lambda tx: notices.raise_notice(tx, notice, now=now), urgent=True):
            log.error("operators needed", key=key, what=what, do=do)

    def _take(self, tx: sa.Connection, told: Alert, now: datetime) -> Taken:
        if told.key is None:
            return Taken("noted" if alerts.receive(tx, told, now=now) else "duplicate")
        key = told.key
        leads = acknowledgements.echoed(tx, told) if told.kind is AlertKind.ACKNOWLEDGED else None
        if leads is not None:  # it was nobody's act in the pager, and is in the timeline already
            told = replace(told, actor=None, facts=replace(told.facts, acknowledged_by=leads))
        heard = hear(tx, told, key, now=now)
        if heard is None:
            return self._repair(tx, told.source, key, now=now)
        news = News(told, heard.known, now, is_echo=leads is not None)
        if news.known.incident is not None:
            taken = self._follow(tx, news, news.known.incident, brief=heard.brief)
            if taken.outcome != _FOLLOWED:
                alerts.keep(tx, news.known, now=now)
            return taken
        taken = self._place(tx, news)
        if taken.outcome == _DROPPED:
            alerts.keep(tx, news.known, now=now)
            alerts.keep_early(tx, told, _entry(told), by_person=news.is_by_a_person)
        return taken

    def _repair(self, tx: sa.Connection, source: str, key: str, *, now: datetime) -> Taken:
        """A redelivery changes nothing, but what is unfinished is gone on with."""
        owner = alerts.incident_of(tx, source, key)
        due = None if owner is None else incidents.due_one(tx, owner, now)
        return Taken("duplicate", None if due is None else self._jobs.put(tx, due))

    # --- a new alert ------------------------------------------------------------------------------

    def _place(self, tx: sa.Connection, news: News) -> Taken:
        facts = news.known.facts
        if (own := raised_for(tx, facts)) is not None:
            return self._join(tx, news, own, why=_PAGED)
        playbook = choose(self._playbooks(), facts)
        if playbook is None or playbook.ignore:
            return Taken(_DROPPED)
        if found := _goes_on(tx, lambda: traits.linked_owner(tx, news.subject, playbook)):
            return self._join(tx, news, found[0], why=found[1])
        is_whole = facts.title is not None or news.told.kind in _WHOLE
        if facts.status not in _STILL_OPEN or not is_whole:
            return Taken(_DROPPED)  # over already, or all that is known is that it exists
        if found := _goes_on(tx, lambda: traits.owner_of(tx, news.subject, playbook, now=news.now)):
            return self._join(tx, news, found[0], why=found[1])
        return self._declare(tx, news, playbook)

    def _join(self, tx: sa.Connection, news: News, brief: Brief, *, why: str) -> Taken:
        told = news.told
        joined = _joined(news.subject, why, at=told.occurred_at)
        entries = [joined] if told.kind is AlertKind.FOUND_OPEN else [joined, _entry(told)]
        entries += self._early(tx, news, brief.number)
        return Taken("joined", self._change(tx, news, brief, entries=entries))

    def _declare(self, tx: sa.Connection, news: News, playbook: Playbook) -> Taken:
        facts, now = news.known.facts, news.now
        title = (facts.title or written(_UNTITLED))[:_LONGEST_TITLE]
        severity = playbook.severity_of(facts)
        of = storms.meets(tx, self._inflow, now=now)
        touched = incidents.declare(
            tx,
            title=title,
            severity=severity,
            playbook=playbook,
            service=facts.service_id or facts.service_name,
            now=now,
            name_channel=lambda number: playbook.channel_name(
                number=number, title=title, service=facts.service_name, opened_at=now
            ),
        )
        alerts.belongs(tx, news.known, touched.number, as_bad_as=severity, now=now)
        traits.remember(tx, touched.number, news.subject, declared_at=now)
        waits = of is not None and storms.enter(tx, touched.number, of, severity=severity, now=now)
        text = written(_WAITS if waits else _DECLARED, severity=severity.upper(), playbook=playbook.name)
        declared = Entry(kind=EntryKind.DECLARED, at=now, text=text, key="declared")
        earlier = self._early(tx, news, touched.number)
        timeline.note(tx, touched.number, [*earlier, _entry(news.told), declared], now=now)
        if news.is_by_a_person:
            incidents.person_acted(tx, touched.number, at=news.told.occurred_at)
        return Taken("declared", self._jobs.put(tx, touched), severity)

    def _early(self, tx: sa.Connection, news: News, number: IncidentId) -> Sequence[Entry]:
        """What came of an alert before the event that gave it an incident, as it may in any order."""
        if news.known.is_new or news.told.key is None:
            return ()
        entries, acted_at = alerts.early(tx, news.told.key)
        if acted_at is not None:
            incidents.person_acted(tx, number, at=acted_at)
        return entries

    # --- news of an alert that belongs to an incident ---------------------------------------------

    def _follow(self, tx: sa.Connection, news: News, owner: IncidentId, *, brief: Brief | None) -> Taken:
        told = news.told
        if told.kind is AlertKind.FOUND_OPEN and not news.known.changed:
            return Taken("known")
        target = self._merged_into(tx, news)  # its row before the incident's, as everybody takes them
        brief = brief or incidents.brief(tx, owner)
        if marker_of(owner, brief.declared_at) in told.text:
            return Taken("our own")  # the pager tells us of the note we wrote
        if _is_what_we_set(news, brief):
            return Taken("our own")
        # What we asked of the pager is in the timeline already, in the name of whoever wanted it.
        is_ours = marker_of(owner, brief.declared_at).rstrip("]") in told.text
        is_told = told.kind is not AlertKind.FOUND_OPEN and not is_ours and not news.is_echo
        entries = [_entry(told, is_over=brief.status in _OVER)] if is_told else []
        if target is not None:
            entries += self._go_on_with(tx, news, brief, target=target)
        updates.take_over(tx, brief, told, now=news.now)
        return Taken(_FOLLOWED, self._change(tx, news, brief, entries=entries))

    def _merged_into(self, tx: sa.Connection, news: News) -> Known | None:
        """The alert that people have just merged this one into, if it is known."""
        into = news.told.facts.merged_into
        return None if into is None else alerts.find(tx, news.told.source, into)

    def _go_on_with(self, tx: sa.Connection, news: News, brief: Brief, *, target: Known) -> list[Entry]:
        """The incident of a merged alert goes on with the other one, unless that has an incident itself."""
        key = f"merged:{news.told.event_id}"
        if target.incident is not None:
            if target.incident == brief.number:
                return []
            text = written(
                "It goes on in INC-{number}, which the other alert belongs to", number=target.incident
            )
            return [Entry(kind=EntryKind.ALERT, at=news.told.occurred_at, text=text, key=key)]
        its = choose(self._playbooks(), target.facts)
        is_apart = its is not None and not traits.may_share(its, brief.playbook)
        if target.facts.status not in _STILL_OPEN or is_apart or not brief.playbook.join.linked:
            return []
        subject = Subject(source=news.told.source, key=news.told.facts.merged_into or "", facts=target.facts)
        as_bad_as = brief.playbook.severity_of(target.facts)
        alerts.belongs(tx, target, brief.number, as_bad_as=as_bad_as, now=news.now)
        traits.remember(tx, brief.number, subject, declared_at=brief.declared_at)
        return [_joined(subject, traits.WHY_LINKED, at=news.told.occurred_at)]

    def _change(self, tx: sa.Connection, news: News, brief: Brief, *, entries: Sequence[Entry]) -> Put | None:
        """All that follows for an incident from news of an alert that is one of its own from now on."""
        standing = keep(tx, news.known, brief, follows=_follows(news, brief, entries), now=news.now)
        if news.is_by_a_person:
            incidents.person_acted_again(tx, brief, at=news.told.occurred_at)
        consequences = Consequences(tx, news, brief)
        consequences.reopen()
        severity = consequences.settle(standing.worst)
        if standing.are_many and _is_quiet(news, brief, standing.worst):
            # A look at thousands of alerts takes a tenth of a second, for which webhooks have to wait.
            incidents.touch_again_by(tx, brief, news.now + _NOT_SOON)
            return None
        touched = incidents.touch_again(tx, brief, severity=severity)
        return self._jobs.put(tx, touched, patient=True)

    def _count(self, told: Alert, taken: Taken) -> None:
        self._telemetry.alerts.labels(taken.outcome).inc()
        if taken.outcome == "duplicate":
            self._telemetry.duplicates.labels(told.source).inc()
        if taken.declared is not None:
            self._telemetry.declared.labels(taken.declared, told.source).inc()
        log.info(
            "alert taken",
            outcome=taken.outcome,
            kind=told.vendor_kind,
            alert=told.key,
            incident=taken.put.touched.number if taken.put else None,
        )


def _goes_on(tx: sa.Connection, find: Callable[[], Owner | None]) -> tuple[Brief, str] | None:
    """The incident that was found, and why, once nobody else can end it; whatever ended meanwhile is none."""
    while (owner := find()) is not None:
        brief = incidents.brief(tx, owner.number)  # waits for whoever is just ending it
        if brief.status.is_open:
            return brief, owner.why
    return None


def _follows(news: News, brief: Brief, entries: Sequence[Entry]) -> Follows:
    """What one of its alerts means for an incident.

    One that we raised ourselves to page people says nothing of how bad it is, and nobody joins by it.
    """
    known = news.known
    is_own = known.facts.dedup_key == page_key(brief.number, brief.declared_at)
    is_other = (known.incident is None or known.is_other) and not is_own
    return Follows(
        as_bad_as=brief.severity if is_own else brief.playbook.severity_of(known.facts),
        entries=entries,
        subject=news.subject if is_other else None,
    )


def _is_quiet(news: News, brief: Brief, worst: Severity | None) -> bool:
    """Whether nothing follows from the news but another count: no change of severity, status or people."""
    settled = brief.severity_by is not None or worst is brief.severity
    is_ending = worst is None or brief.resolution_stands or not brief.status.is_open
    return settled and not is_ending and not news.is_by_a_person


def _is_what_we_set(news: News, brief: Brief) -> bool:
    """Whether it is told of a priority that says what a person has settled here already."""
    means = brief.playbook.severity.by_priority.get(news.known.facts.priority or "")
    is_settled = brief.severity_by is not None and means is brief.severity
    return news.told.kind is AlertKind.PRIORITY_UPDATED and is_settled


def _joined(subject: Subject, why: str, *, at: datetime) -> Entry:
    text = written(
        "Another alert joined ({why}): {title}",
        why=written(why),
        title=subject.facts.title or written(_UNTITLED),
    )
    return Entry(kind=EntryKind.ALERT, at=at, text=text, key=f"joined:{subject.source}:{subject.key}")


def _entry(told: Alert, *, is_over: bool = False) -> Entry:
    """What the timeline says of it; an alert that ends after its incident ends by us, in another's name."""
    text, actor = told.text or told.vendor_kind, told.actor.name if told.actor else None
    if is_over and told.kind is AlertKind.RESOLVED:
        text, actor = written("The alert is resolved in PagerDuty, too"), None
    key, kind = alerts.entry_key(told.event_id), EntryKind.UPDATE if told.message else EntryKind.ALERT
    return Entry(kind=kind, at=told.occurred_at, text=text, key=key, actor=actor)
