"""What news of an alert does to its incident: severity, proposed end, dismissal, reopening.

`intake.py` asks for it, within the transaction in which the news came.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from multivac.incident import (
    Alert,
    AlertKind,
    Entry,
    EntryKind,
    Severity,
    Status,
    dismissed_itself,
    reopened_to,
    was_handled,
)
from multivac.store import acts, alerts, endings, incidents, sayings, storms, timeline
from multivac.store.alerts import End, Known
from multivac.store.incidents import Brief
from multivac.store.sayings import SayingKind
from multivac.store.traits import Subject
from multivac.tongue import written


@dataclass(frozen=True, slots=True)
class News:
    """What was told of one alert, what is known of it with that, and when."""

    told: Alert
    known: Known
    now: datetime
    is_echo: bool = False  # of what we did there ourselves

    @property
    def subject(self) -> Subject:
        """The alert as the rules of joining see it."""
        return Subject(source=self.told.source, key=self.told.key or "", facts=self.known.facts)

    @property
    def is_by_a_person(self) -> bool:
        """Whether somebody did something to the alert."""
        return self.told.actor is not None and self.told.kind is not AlertKind.TRIGGERED


@dataclass(frozen=True, slots=True)
class Consequences:
    """What follows from one piece of news for the incident that the alert belongs to."""

    tx: sa.Connection
    news: News
    brief: Brief  # the incident as it stood before

    def reopen(self) -> None:
        """An alert that comes back brings its incident back."""
        told, is_over = self.news.told, self.news.known.facts.status == "resolved"
        comes_back = told.kind is AlertKind.REOPENED or self.news.known.came_back  # whichever is heard first
        if not comes_back or is_over or self.brief.status.is_open:
            return
        back_to = reopened_to(self.brief.status, self.brief.severity_by)
        if incidents.set_status(self.tx, self.brief.number, back_to, now=self.news.now):
            every = self.brief.playbook.update_every(self.brief.severity)
            endings.reopened(self.tx, self.brief.number, now=self.news.now, update_every=every)
            text = written("Reopened: the alert came back")
            if told.text:
                text = written("Reopened: {why}", why=told.text)
            self._tell_of("status", after=back_to, text=text)
            self._note(EntryKind.STATUS, "reopened", text)

    def settle(self, worst: Severity | None) -> Severity:
        """Set and give the severity, and end what its alerts have ended; None is the worst of none open."""
        end = alerts.last_end(self.tx, self.brief.number, now=self.news.now) if worst is None else None
        severity = self._weigh(end.severity if end else worst)
        if end is not None:
            self._end(end)
        elif self.brief.resolution_stands:
            incidents.withdraw_resolution(self.tx, self.brief.number)
        return severity

    def _weigh(self, worst: Severity | None) -> Severity:
        """Set and give the severity its alerts imply: the worst of the open ones, else of the last to end.

        Unless a person has settled it.
        """
        brief, told = self.brief, self.news.told
        if brief.severity_by is not None or worst is None or worst is brief.severity:
            return brief.severity
        incidents.set_severity(self.tx, brief.number, worst)
        if brief.is_queued and worst.rank <= storms.NEVER_WAITS:
            storms.leave(self.tx, brief.number)
        text = written(
            "Severity {before} → {after}: {why}",
            before=brief.severity.upper(),
            after=worst.upper(),
            why=told.text or told.kind,
        )
        self._tell_of("severity", after=worst, text=text)
        self._note(EntryKind.SEVERITY, "severity", text)
        return worst

    def _end(self, end: End) -> None:
        """Propose the resolution, since every alert is resolved; or dismiss what has not begun yet."""
        brief, now = self.brief, self.news.now
        if brief.resolution_stands:
            if (end.by, end.at) != (brief.resolution_by, brief.resolution_at):
                incidents.propose_resolution(self.tx, brief.number, by=end.by, at=end.at)
            self._take_back(end)
            return
        if not brief.status.is_open or self._is_known(end):
            return
        is_early = brief.declared_at <= now < brief.opens_at  # earlier than declared: a clock set back
        unopened = is_early or (brief.is_queued and brief.playbook.dismiss.when_resolved_in_triage)
        if not unopened or brief.status is not Status.TRIAGE:  # people are on it, channel or not
            incidents.propose_resolution(self.tx, brief.number, by=end.by, at=end.at)
            return
        incidents.set_status(self.tx, brief.number, Status.DISMISSED, now=now)
        storms.leave(self.tx, brief.number)
        self._trail("status", after=Status.DISMISSED)
        text = written("Dismissed: resolved before the channel was to be opened")
        self._note(EntryKind.STATUS, "dismissed", text)

    def _is_known(self, end: End) -> bool:
        """Whether people have said since that it goes on all the same."""
        said_at = acts.last_done(self.tx, self.brief.number, "continue")
        return said_at is not None and end.at <= said_at

    def _take_back(self, end: End) -> None:
        """Somebody acted before the alerts ended, and we hear it late: they did not end by themselves."""
        number = self.brief.number
        if self.brief.status is not Status.DISMISSED:
            return
        was_on_it = was_handled(incidents.brief(self.tx, number).person_acted_at, end.at)
        if was_on_it and dismissed_itself(timeline.last(self.tx, number, EntryKind.STATUS)):
            incidents.set_status(self.tx, number, Status.TRIAGE, now=self.news.now)
            self._trail("status", after=Status.TRIAGE)
            text = written("No longer dismissed: somebody was on it before the alert ended")
            self._note(EntryKind.STATUS, "handled", text)

    def _tell_of(self, what: str, *, after: str, text: str) -> None:
        """Keep what the channel is told in one line, and who moved it."""
        why = self.news.told.text or self.news.told.kind
        more = {"what": what, "before": self._before(what), "after": after, "why": why}
        self._trail(what, after=after)
        number, now = self.brief.number, self.news.now
        sayings.add(self.tx, number, kind=SayingKind.CHANGE, text=text, by="", at=now, more=more)

    def _trail(self, what: str, *, after: str) -> None:
        """Keep in the trail what this news has moved; that is rare, where news come by the thousand."""
        told = self.news.told
        moved = acts.Moved(
            key=told.event_id,
            verb=what,
            before=self._before(what),
            after=after,
            actor=told.source,
            via=told.vendor_kind,
        )
        acts.leave_trail_of(self.tx, self.brief.number, moved, at=self.news.now)

    def _before(self, what: str) -> str:
        return self.brief.severity if what == "severity" else self.brief.status

    def _note(self, kind: EntryKind, word: str, text: str) -> None:
        """Write it into the timeline, once for each piece of news."""
        now, key = self.news.now, f"{word}:{self.news.told.event_id}"
        timeline.note(self.tx, self.brief.number, [Entry(kind=kind, at=now, text=text, key=key)], now=now)
