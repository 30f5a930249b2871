"""PagerDuty as our pager: who is on call, which alerts are open, and what is done to an alert.

`app.py` makes one and gives it to the core as its `Pager`; `paging.py` has how people are paged.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import quote

from integrations.allowance import Allowance
from integrations.pagerduty.bodies import (
    NOTHING,
    Body,
    facts_of_incident,
    ident,
    is_called,
    is_id,
    line,
    moment,
    part,
    parts,
    person,
    words,
)
from integrations.pagerduty.events import SOURCE
from integrations.pagerduty.paging import Paging, policies_called
from integrations.pagerduty.rest import RATE, Invalid, Missing, Rest
from multivac.budget import Errand
from multivac.errors import GiveUp
from multivac.incident import Alert, AlertKind, Person
from multivac.ports import OnCall, Pace, Page
from multivac.tongue import any_of, phrase, written

_MOST_CALLED = 100  # people with the same words in their names


class PagerDutyPager:
    """Fulfils `multivac.ports.Pager`; making one calls nobody, so PagerDuty may be down meanwhile.

    `token` is a REST API key of the account or of a person; `from_email` is the PagerDuty user in
    whose name notes are written, which account keys need.
    """

    def __init__(  # noqa: PLR0913 - one for each setting under "pagerduty"
        self,
        token: str,
        *,
        api_url: str,
        from_email: str,
        page_service: str = "",
        timeout: float = 10.0,
        pace: Pace | None = None,
    ) -> None:
        allowance = Allowance(pace, "pagerduty", RATE) if pace else None
        self._rest = Rest(token, api_url=api_url, from_email=from_email, timeout=timeout, allowance=allowance)
        self._page_service = page_service
        self._from_email = from_email or "nobody, until pagerduty.from_email is set"
        self._schedule_ids: dict[str, str] = {}
        self._requester: dict[str, str] = {}  # shared by all who speak on behalf of an errand

    def on_behalf(self, errand: Errand) -> PagerDutyPager:
        """The same account, whose calls are made when it is the errand's turn."""
        bound = copy.copy(self)
        bound._rest = self._rest.on_behalf(errand)  # noqa: SLF001 - our own copy
        return bound

    def on_call_of_policies(self, policies: Collection[str]) -> tuple[OnCall, ...]:
        """Who answers now for these escalation policies (ids), by level."""
        if not policies:
            return ()
        entries = self._on_calls({"escalation_policy_ids[]": sorted(policies)})
        return _unique({(each.policy, each.level, each.person.key): each for each in reversed(entries)})

    def on_call_of_schedules(self, schedules: Collection[str]) -> tuple[OnCall, ...]:
        """Who answers now for these schedules (ids or names); `GiveUp` names an unknown one.

        PagerDuty lists nobody for a schedule that no escalation policy uses.
        """
        ids = sorted({self._schedule_id(named) for named in schedules})
        if not ids:
            return ()
        entries = self._on_calls({"schedule_ids[]": ids})
        # One schedule may serve several policies: its best level counts.
        return _unique({(each.schedule, each.person.key): each for each in reversed(entries)})

    def on_call_everywhere(self) -> tuple[OnCall, ...]:
        """Who answers now for every escalation policy, by level; whoever is on call twice there, once."""
        entries = self._on_calls({})
        return _unique({(each.policy, each.level, each.person.key): each for each in reversed(entries)})

    def policies_of_service(self, name: str) -> Mapping[str, str]:
        """The escalation policies (ids) of the services with this in their name, and their services.

        Where there is no such service, the policy that is called so itself.
        """
        found: dict[str, str] = {}
        for service in self._rest.pages("services", {"query": name}, what=phrase("the services")):
            policy = ident(part(service, "escalation_policy").get("id"))
            named = line(words(service.get("name")))
            if policy is not None and name.casefold() in named.casefold():
                found[policy] = f"{found[policy]}, {named}" if policy in found else named
        return found or dict.fromkeys(policies_called(self._rest, name), name)

    def open_alerts(self) -> Iterator[Alert]:
        """Every alert that is not resolved, as `FOUND_OPEN`, oldest first."""
        wanted = {
            "statuses[]": ["triggered", "acknowledged"],
            "date_range": "all",  # without it PagerDuty looks back only a month
            "sort_by": "created_at:asc",
            "include[]": ["assignees"],
        }
        for incident in self._rest.pages("incidents", wanted, what=phrase("the open incidents")):
            if (key := ident(incident.get("id"))) is not None:
                yield _found(key, incident)

    def note(self, alert: str, text: str, *, marker: str, look_first: bool) -> None:
        """Write a note that ends in the marker; with `look_first`, only if no note carries it."""
        path, what = f"/incidents/{quote(alert, safe='')}/notes", phrase("incident {alert}", alert=alert)
        if look_first:
            notes = parts(self._rest.get(path, what=what).get("notes"))
            if any(marker in (words(note.get("content")) or "") for note in notes):
                return
        content = text if text.endswith(marker) else f"{text}\n{marker}"
        self._rest.post(path, {"note": {"content": content}}, what=what)

    def resolve(self, alert: str) -> None:
        """Resolve it in the name of `from_email`; resolved already is fine."""
        what = phrase("incident {alert}", alert=alert)
        change = {"id": alert, "type": "incident_reference", "status": "resolved"}
        try:
            self._rest.put("/incidents", {"incidents": [change]}, what=what)
        except Invalid:
            known = self._rest.get(f"/incidents/{quote(alert, safe='')}", what=what)
            if part(known, "incident").get("status") != "resolved":
                raise

    def acknowledge(self, alert: str, who: Person, *, look_first: bool) -> Person | None:
        """Acknowledge what is still triggered, in their own name if they are a user; gives whose it shows.

        It is looked at first: to acknowledge what has ended meanwhile would reopen it.
        """
        path, what = f"/incidents/{quote(alert, safe='')}", phrase("incident {alert}", alert=alert)
        known = part(self._rest.get(path, what=what), "incident")
        if known.get("status") != "triggered":
            return _last_acker(known) if look_first and known.get("status") == "acknowledged" else None
        body = {"incidents": [{"id": alert, "type": "incident_reference", "status": "acknowledged"}]}
        for email in self._emails_of(who):
            with suppress(GiveUp):
                return _shown(self._rest.put("/incidents", body, what=what, sender=email))
        try:
            return _shown(self._rest.put("/incidents", body, what=what))
        except Invalid:
            if part(self._rest.get(path, what=what), "incident").get("status") == "triggered":
                raise
            return None  # somebody was faster

    def prioritise(self, alert: str, priorities: Collection[str]) -> None:
        """Give it the first of these priorities (names) that the account has; `GiveUp` if it has none."""
        listed = list(self._rest.pages("priorities", what=phrase("the priorities")))
        found = next((each for name in priorities for each in listed if is_called(each, name)), None)
        if found is None:
            raise GiveUp(
                phrase("PagerDuty has no priority {names}.", names=any_of(priorities)),
                fix=phrase("Correct severity.by_priority in the playbook, or set the priority in PagerDuty."),
            )
        priority = {"id": found.get("id"), "type": "priority_reference"}
        change = {"id": alert, "type": "incident_reference", "priority": priority}
        self._rest.put("/incidents", {"incidents": [change]}, what=phrase("incident {alert}", alert=alert))

    def publish(self, alert: str, text: str) -> None:
        """Publish a status update; PagerDuty has no way to read one back. Not every plan has them."""
        path = f"/incidents/{quote(alert, safe='')}/status_updates"
        self._rest.post(path, {"message": text}, what=phrase("incident {alert}", alert=alert))

    def page(self, alert: str, page: Page, *, look_first: bool) -> tuple[str, ...]:
        """Ask people to an alert, and give the names of who is notified."""
        return self._paging.page(alert, page, look_first=look_first)

    def raise_alert(
        self, title: str, page: Page, *, key: str, look_first: bool
    ) -> tuple[str, tuple[str, ...]]:
        """Open an incident that notifies those of the page; its id, and their names."""
        return self._paging.raise_alert(title, page, key=key, look_first=look_first)

    def person(self, user_id: str) -> Person | None:
        """The user with this id, with the e-mail that webhooks leave out; `GiveUp` if there is none."""
        answer = self._rest.get(f"/users/{quote(user_id, safe='')}", what=phrase("user {user}", user=user_id))
        return person(part(answer, "user"))

    def people_called(self, name: str) -> tuple[Person, ...]:
        """The users whose name or e-mail has this in it; of very many the first."""
        listed = self._rest.pages("users", {"query": name}, what=phrase("the users"))
        found = (person(user) for user in islice(listed, _MOST_CALLED))
        return tuple(each for each in found if each is not None)

    @property
    def _paging(self) -> Paging:
        return Paging(
            rest=self._rest,
            service=self._page_service,
            from_email=self._from_email,
            requester=self._requester,
        )

    def _emails_of(self, who: Person) -> Iterator[str]:
        """By which e-mail PagerDuty may let them act: the one that we know, else their own there."""
        if who.email is not None:
            yield who.email
        found = None
        with suppress(GiveUp):
            found = self.person(who.pagerduty) if who.pagerduty is not None else None
        if found is not None and found.email is not None and found.email != who.email:
            yield found.email

    def _on_calls(self, wanted: Mapping[str, object]) -> list[OnCall]:
        params = {**wanted, "earliest": "true", "include[]": ["users"]}
        entries = map(_on_call, self._rest.pages("oncalls", params, what=phrase("who is on call")))
        return sorted(filter(None, entries), key=lambda each: each.level)

    def _schedule_id(self, named: str) -> str:
        known = self._schedule_ids.get(named.casefold())
        if known is None:
            known = ident((self._schedule(named) or {}).get("id"))
        if known is None:
            raise GiveUp(
                phrase('There is no PagerDuty schedule "{schedule}".', schedule=named),
                fix=phrase("Write the schedule's exact name or its id into the playbook."),
                operators=True,
            )
        self._schedule_ids[named.casefold()] = known
        return known

    def _schedule(self, named: str) -> Body | None:
        by_id = self._schedule_by_id(named) if is_id(named) else None
        return by_id or self._schedule_by_name(named)

    def _schedule_by_id(self, key: str) -> Body | None:
        try:
            return part(
                self._rest.get(f"/schedules/{key}", what=phrase("schedule {schedule}", schedule=key)),
                "schedule",
            )
        except Missing:  # what looks like an id may be a name
            return None

    def _schedule_by_name(self, name: str) -> Body | None:
        listed = self._rest.pages("schedules", {"query": name}, what=phrase("the schedules"))
        return next((each for each in listed if is_called(each, name)), None)


def _shown(answer: Body) -> Person | None:
    return next(map(_last_acker, parts(answer.get("incidents"))), None)


def _last_acker(incident: Body) -> Person | None:
    given = parts(incident.get("acknowledgements"))
    last = max(given, key=lambda each: str(moment(each.get("at"))), default=NOTHING)
    return person(last.get("acknowledger"))


def _on_call(entry: Body) -> OnCall | None:
    who, level = person(entry.get("user")), entry.get("escalation_level")
    if who is None:
        return None
    return OnCall(
        person=who,
        level=level if isinstance(level, int) else 1,
        policy=ident(part(entry, "escalation_policy").get("id")),
        schedule=ident(part(entry, "schedule").get("id")),
        until=moment(entry.get("end")),
        policy_name=line(words(part(entry, "escalation_policy").get("summary"))),
    )


def _unique(found: Mapping[tuple[str | int | None, ...], OnCall]) -> tuple[OnCall, ...]:
    return tuple(sorted(found.values(), key=lambda each: (each.level, each.person.name)))


def _found(key: str, incident: Body) -> Alert:
    facts = facts_of_incident(incident)
    changed = moment(incident.get("last_status_change_at")) or facts.opened_at
    return Alert(
        source=SOURCE,
        key=key,
        kind=AlertKind.FOUND_OPEN,
        vendor_kind="incident",
        event_id=f"found:{key}:{facts.status}:{words(incident.get('last_status_change_at'))}",
        occurred_at=changed or datetime.now(UTC),
        text=written("Found open in PagerDuty: {title}", title=line(facts.title) or written("untitled")),
        facts=facts,
    )
