"""An alert arrives: drop it, let it join an open incident, or declare one. One transaction each.

The pager's webhook and the sweep call `Intake.take`. When it returns the alert is committed; the
response starts on another thread, and if the process dies in between, the beat starts it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog

from multivac.incident import (
    Alert,
    AlertKind,
    Entry,
    EntryKind,
    IncidentId,
    Severity,
    Status,
    dismissed_itself,
    marker_of,
    page_key,
    reopened_to,
    was_handled,
)
from multivac.jobs import Jobs, Put
from multivac.playbook import Playbook, choose
from multivac.ports import Clock
from multivac.store import (
    acknowledgements,
    acts,
    alerts,
    endings,
    incidents,
    notices,
    sayings,
    storms,
    timeline,
    traits,
    updates,
)
from multivac.store.alerts import End, Known
from multivac.store.database import Database
from multivac.store.incidents import Brief
from multivac.store.news import Follows, hear, keep, raised_for
from multivac.store.sayings import SayingKind
from multivac.store.storms import Inflow
from multivac.store.traits import Owner, Subject
from multivac.telemetry import Telemetry
from multivac.tongue import mark, written

T = TypeVar("T")
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


@dataclass(frozen=True, slots=True)
class _News:
    """What was told of one alert, what is known of it with that, and when."""

    told: Alert
    known: Known
    now: datetime
    is_echo: bool = False  # of what we did there ourselves

    @property
    def subject(self) -> Subject:
        """The alert as the rules of joining see it."""
        return Subject(source=self.told.source, key=self.told.key or "", facts=self.known.facts)


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
        news = _News(told, heard.known, now, is_echo=leads is not None)
        if news.known.incident is not None:
            taken = self._follow(tx, news, news.known.incident, brief=heard.brief)
            if taken.outcome != _FOLLOWED:
                alerts.keep(tx, news.known, now=now)
            return taken
        taken = self._place(tx, news)
        if taken.outcome == _DROPPED:
            alerts.keep(tx, news.known, now=now)
            alerts.keep_early(tx, told, _entry(told), by_person=_by_a_person(told))
        return taken

    def _repair(self, tx: sa.Connection, source: str, key: str, *, now: datetime) -> Taken:
        """A redelivery changes nothing, but what is unfinished is gone on with."""
        owner = alerts.incident_of(tx, source, key)
        due = None if owner is None else incidents.due_one(tx, owner, now)
        return Taken("duplicate", None if due is None else self._jobs.put(tx, due))

    # --- a new alert ------------------------------------------------------------------------------

    def _place(self, tx: sa.Connection, news: _News) -> Taken:
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

    def _join(self, tx: sa.Connection, news: _News, brief: Brief, *, why: str) -> Taken:
        told = news.told
        joined = _joined(news.subject, why, at=told.occurred_at)
        entries = [joined] if told.kind is AlertKind.FOUND_OPEN else [joined, _entry(told)]
        entries += self._early(tx, news, brief.number)
        return Taken("joined", self._change(tx, news, brief, entries=entries))

    def _declare(self, tx: sa.Connection, news: _News, playbook: Playbook) -> Taken:
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
        if _by_a_person(news.told):
            incidents.person_acted(tx, touched.number, at=news.told.occurred_at)
        return Taken("declared", self._jobs.put(tx, touched), severity)

    def _early(self, tx: sa.Connection, news: _News, number: IncidentId) -> Sequence[Entry]:
        """What came of an alert before the event that gave it an incident, as it may in any order."""
        if news.known.is_new or news.told.key is None:
            return ()
        entries, acted_at = alerts.early(tx, news.told.key)
        if acted_at is not None:
            incidents.person_acted(tx, number, at=acted_at)
        return entries

    # --- news of an alert that belongs to an incident ---------------------------------------------

    def _follow(self, tx: sa.Connection, news: _News, owner: IncidentId, *, brief: Brief | None) -> Taken:
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

    def _merged_into(self, tx: sa.Connection, news: _News) -> Known | None:
        """The alert that people have just merged this one into, if it is known."""
        into = news.told.facts.merged_into
        return None if into is None else alerts.find(tx, news.told.source, into)

    def _go_on_with(self, tx: sa.Connection, news: _News, brief: Brief, *, target: Known) -> list[Entry]:
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

    def _change(
        self, tx: sa.Connection, news: _News, brief: Brief, *, entries: Sequence[Entry]
    ) -> Put | None:
        """All that follows for an incident from news of an alert that is one of its own from now on."""
        standing = keep(tx, news.known, brief, follows=_follows(news, brief, entries), now=news.now)
        if _by_a_person(news.told):
            incidents.person_acted_again(tx, brief, at=news.told.occurred_at)
        self._reopen(tx, news, brief)
        severity = self._settle(tx, news, brief, worst=standing.worst)
        if standing.are_many and _is_quiet(news, brief, standing.worst):
            # A look at thousands of alerts takes a tenth of a second, for which webhooks have to wait.
            incidents.touch_again_by(tx, brief, news.now + _NOT_SOON)
            return None
        touched = incidents.touch_again(tx, brief, severity=severity)
        return self._jobs.put(tx, touched, patient=True)

    def _settle(self, tx: sa.Connection, news: _News, brief: Brief, *, worst: Severity | None) -> Severity:
        """Set and give the severity, and end what its alerts have ended; None is the worst of none open."""
        end = alerts.last_end(tx, brief.number, now=news.now) if worst is None else None
        severity = self._weigh(tx, news, brief, worst=end.severity if end else worst)
        if end is not None:
            self._end(tx, news, brief, end=end)
        elif brief.resolution_stands:
            incidents.withdraw_resolution(tx, brief.number)
        return severity

    def _weigh(self, tx: sa.Connection, news: _News, brief: Brief, *, worst: Severity | None) -> Severity:
        """Set and give the severity its alerts imply: the worst of the open ones, else of the last to end.

        Unless a person has settled it.
        """
        if brief.severity_by is not None or worst is None or worst is brief.severity:
            return brief.severity
        incidents.set_severity(tx, brief.number, worst)
        if brief.is_queued and worst.rank <= storms.NEVER_WAITS:
            storms.leave(tx, brief.number)
        told = news.told
        text = written(
            "Severity {before} → {after}: {why}",
            before=brief.severity.upper(),
            after=worst.upper(),
            why=told.text or told.kind,
        )
        self._tell_of(tx, news, brief, what="severity", after=worst, text=text)
        changed = Entry(kind=EntryKind.SEVERITY, at=news.now, text=text, key=f"severity:{told.event_id}")
        timeline.note(tx, brief.number, [changed], now=news.now)
        return worst

    def _tell_of(  # noqa: PLR0913  # what changed, by which news, and from what
        self, tx: sa.Connection, news: _News, brief: Brief, *, what: str, after: str, text: str
    ) -> None:
        """Keep what the channel is told in one line, and who moved it."""
        before = brief.severity if what == "severity" else brief.status
        more = {"what": what, "before": before, "after": after, "why": news.told.text or news.told.kind}
        _trail(tx, news, brief, verb=what, after=after)
        sayings.add(tx, brief.number, kind=SayingKind.CHANGE, text=text, by="", at=news.now, more=more)

    def _end(self, tx: sa.Connection, news: _News, brief: Brief, *, end: End) -> None:
        """Propose the resolution, since every alert is resolved; or dismiss what has not begun yet."""
        if brief.resolution_stands:
            if (end.by, end.at) != (brief.resolution_by, brief.resolution_at):
                incidents.propose_resolution(tx, brief.number, by=end.by, at=end.at)
            self._take_back(tx, news, brief, end=end)
            return
        if not brief.status.is_open or _is_known(tx, brief, end):
            return
        is_early = brief.declared_at <= news.now < brief.opens_at  # earlier than declared: a clock set back
        unopened = is_early or (brief.is_queued and brief.playbook.dismiss.when_resolved_in_triage)
        if not unopened or brief.status is not Status.TRIAGE:  # people are on it, channel or not
            incidents.propose_resolution(tx, brief.number, by=end.by, at=end.at)
            return
        incidents.set_status(tx, brief.number, Status.DISMISSED, now=news.now)
        storms.leave(tx, brief.number)
        _trail(tx, news, brief, verb="status", after=Status.DISMISSED)
        text = written("Dismissed: resolved before the channel was to be opened")
        key = f"dismissed:{news.told.event_id}"
        dismissed = Entry(kind=EntryKind.STATUS, at=news.now, text=text, key=key)
        timeline.note(tx, brief.number, [dismissed], now=news.now)

    def _take_back(self, tx: sa.Connection, news: _News, brief: Brief, *, end: End) -> None:
        """Somebody acted before the alerts ended, and we hear it late: they did not end by themselves."""
        if brief.status is not Status.DISMISSED:
            return
        acted_at = incidents.brief(tx, brief.number).person_acted_at
        if was_handled(acted_at, end.at) and dismissed_itself(
            timeline.last(tx, brief.number, EntryKind.STATUS)
        ):
            incidents.set_status(tx, brief.number, Status.TRIAGE, now=news.now)
            _trail(tx, news, brief, verb="status", after=Status.TRIAGE)
            text = written("No longer dismissed: somebody was on it before the alert ended")
            key = f"handled:{news.told.event_id}"
            back = Entry(kind=EntryKind.STATUS, at=news.now, text=text, key=key)
            timeline.note(tx, brief.number, [back], now=news.now)

    def _reopen(self, tx: sa.Connection, news: _News, brief: Brief) -> None:
        """An alert that comes back brings its incident back."""
        told, is_over = news.told, news.known.facts.status == "resolved"
        comes_back = told.kind is AlertKind.REOPENED or news.known.came_back  # whichever is heard first
        if not comes_back or is_over or brief.status.is_open:
            return
        back_to = reopened_to(brief.status, brief.severity_by)
        if incidents.set_status(tx, brief.number, back_to, now=news.now):
            every = brief.playbook.update_every(brief.severity)
            endings.reopened(tx, brief.number, now=news.now, update_every=every)
            text = written("Reopened: the alert came back")
            if told.text:
                text = written("Reopened: {why}", why=told.text)
            self._tell_of(tx, news, brief, what="status", after=back_to, text=text)
            reopened = Entry(kind=EntryKind.STATUS, at=news.now, text=text, key=f"reopened:{told.event_id}")
            timeline.note(tx, brief.number, [reopened], now=news.now)

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


def _trail(tx: sa.Connection, news: _News, brief: Brief, *, verb: str, after: str) -> None:
    """Keep in the trail what this news has moved; that is rare, where news come by the thousand."""
    told, before = news.told, brief.severity if verb == "severity" else brief.status
    moved = acts.Moved(
        key=told.event_id, verb=verb, before=before, after=after, actor=told.source, via=told.vendor_kind
    )
    acts.leave_trail_of(tx, brief.number, moved, at=news.now)


def _goes_on(tx: sa.Connection, find: Callable[[], Owner | None]) -> tuple[Brief, str] | None:
    """The incident that was found, and why, once nobody else can end it; whatever ended meanwhile is none."""
    while (owner := find()) is not None:
        brief = incidents.brief(tx, owner.number)  # waits for whoever is just ending it
        if brief.status.is_open:
            return brief, owner.why
    return None


def _follows(news: _News, brief: Brief, entries: Sequence[Entry]) -> Follows:
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


def _is_known(tx: sa.Connection, brief: Brief, end: End) -> bool:
    """Whether people have said since that it goes on all the same."""
    said_at = acts.last_done(tx, brief.number, "continue")
    return said_at is not None and end.at <= said_at


def _is_quiet(news: _News, brief: Brief, worst: Severity | None) -> bool:
    """Whether nothing follows from the news but another count: no change of severity, status or people."""
    settled = brief.severity_by is not None or worst is brief.severity
    is_ending = worst is None or brief.resolution_stands or not brief.status.is_open
    return settled and not is_ending and not _by_a_person(news.told)


def _is_what_we_set(news: _News, brief: Brief) -> bool:
    """Whether it is told of a priority that says what a person has settled here already."""
    means = brief.playbook.severity.by_priority.get(news.known.facts.priority or "")
    is_settled = brief.severity_by is not None and means is brief.severity
    return news.told.kind is AlertKind.PRIORITY_UPDATED and is_settled


def _by_a_person(told: Alert) -> bool:
    return told.actor is not None and told.kind is not AlertKind.TRIGGERED


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


def cleaned(value: T) -> T:
    """The same value, its texts without what no database or chat can hold: control characters, half pairs."""
    if isinstance(value, str):
        return _plain(value)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(cleaned(one) for one in value)  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        parts: dict[str, Any] = {f.name: cleaned(getattr(value, f.name)) for f in fields(value)}
        return replace(value, **parts)
    return value


def _plain(text: str) -> str | Any:
    if isinstance(text, AlertKind):
        return text
    if text.isascii() and text.isprintable():  # nearly all are, and the long way takes long
        return text
    kept = (
        " " if one in "\n\r\t" else one
        for one in text
        if one in "\n\r\t" or unicodedata.category(one)[0] != "C"
    )
    return "".join(kept)
