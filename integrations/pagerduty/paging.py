"""How PagerDuty pages people: as responders of an incident, or by one that we open for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from integrations.pagerduty.bodies import Body, ident, is_called, is_id, line, part, parts, person, words
from integrations.pagerduty.rest import Invalid, Rest
from multivac.errors import GiveUp
from multivac.incident import Person
from multivac.ports import Page
from multivac.tongue import phrase

_LONGEST_MESSAGE = 400
_LONGEST_TITLE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Pages people in the name of `from_email`; what we open ourselves is opened on `service`.

    `requester` keeps whose name that is, for all who speak to the same account.
    """

    rest: Rest
    service: str
    from_email: str
    requester: dict[str, str]

    def page(self, alert: str, page: Page, *, look_first: bool) -> tuple[str, ...]:
        """Send a responder request that ends in the marker, and give the names of who is notified.

        With `look_first` it is sent only if no responder of the incident carries the marker.
        """
        path, what = f"/incidents/{quote(alert, safe='')}", phrase("incident {alert}", alert=alert)
        if look_first:
            asked = parts(part(self.rest.get(path, what=what), "incident").get("incidents_responders"))
            ours = (each for each in asked if page.marker in (words(each.get("message")) or ""))
            if names := _names(each.get("user") for each in ours):
                return names
        body = {
            "requester_id": self._own_id(),
            "message": f"{line(page.message, _LONGEST_MESSAGE)} {page.marker}",
            "responder_request_targets": [{"responder_request_target": one} for one in self._targets(page)],
        }
        made = part(
            self.rest.post(
                f"{path}/responder_requests", body, what=phrase("responders of {what}", what=what)
            ),
            "responder_request",
        )
        targets = [
            part(each, "responder_request_target") for each in parts(made.get("responder_request_targets"))
        ]
        return _names(
            asked.get("user") for one in targets for asked in parts(one.get("incidents_responders"))
        )

    def raise_alert(
        self, title: str, page: Page, *, key: str, look_first: bool
    ) -> tuple[str, tuple[str, ...]]:
        """Open an incident on the service of the settings, which notifies those of the page and nobody else.

        PagerDuty refuses a second open incident with the key; then those of the page are asked to that one.
        """
        targets = self._targets(page)
        if look_first and (known := self._open_with(key)) is not None:
            number = _its_id(known)
            return number, _names_of_assigned(known, targets) or self.page(number, page, look_first=True)
        wanted = {
            "type": "incident",
            "title": line(title, _LONGEST_TITLE),
            "service": {"id": self._service_id(), "type": "service_reference"},
            "urgency": "high",
            "incident_key": key,
            "body": {"type": "incident_body", "details": {"message": page.message}},
            **_called(targets),
        }
        try:
            answer = self.rest.post("/incidents", {"incident": wanted}, what=phrase("a new incident"))
        except Invalid:
            if (known := self._open_with(key)) is None:
                raise
            number = _its_id(known)
            return number, self.page(number, page, look_first=look_first)
        made = part(answer, "incident")
        return _its_id(made), _names_of_assigned(made, targets)

    def _open_with(self, key: str) -> Body | None:
        wanted = {"incident_key": key, "statuses[]": ["triggered", "acknowledged"], "date_range": "all"}
        found = self.rest.pages("incidents", wanted, what=phrase("the open incidents"))
        return next((each for each in found if each.get("incident_key") == key), None)

    def _service_id(self) -> str:
        name = self.service
        listed = self.rest.pages("services", {"query": name}, what=phrase("the services"))
        found = ident((next((each for each in listed if is_called(each, name)), None) or {}).get("id"))
        if found is None and is_id(name):
            return name
        if found is None:
            raise GiveUp(
                phrase('There is no PagerDuty service "{service}".', service=name),
                fix=phrase("Write the exact name of a service into pagerduty.page_service."),
                operators=True,
            )
        return found

    def _targets(self, page: Page) -> list[Mapping[str, str]]:
        """Whom the request goes to: the people, and who is on call for the service; else for the policies."""
        users = [self._user_id(each) for each in page.people]
        policies = [self._policy_of(page.service)] if page.service else []
        policies = policies or ([] if any(users) else list(page.policies))
        targets: list[Mapping[str, str]] = [{"type": "user_reference", "id": each} for each in users if each]
        targets += [{"type": "escalation_policy_reference", "id": each} for each in policies]
        if not targets:
            named = ", ".join(each.name for each in page.people)
            raise GiveUp(
                phrase("PagerDuty does not know {names}.", names=named or phrase("anybody to page")),
                fix=phrase("Operators can add the PagerDuty id to people.yaml."),
            )
        return targets

    def _user_id(self, who: Person) -> str | None:
        if who.pagerduty or not who.email:
            return who.pagerduty
        listed = self.rest.pages("users", {"query": who.email}, what=phrase("the users"))
        exact = (each for each in listed if (words(each.get("email")) or "").lower() == who.email.lower())
        return ident((next(exact, None) or {}).get("id"))

    def _policy_of(self, service: str) -> str:
        listed = self.rest.pages("services", {"query": service}, what=phrase("the services"))
        found = next((each for each in listed if is_called(each, service)), None)
        policy = ident(part(found or {}, "escalation_policy").get("id"))
        policy = policy or next(iter(policies_called(self.rest, service)), None)
        if policy is None:
            raise GiveUp(
                phrase('There is no PagerDuty service or escalation policy "{service}".', service=service),
                fix=phrase("Page again, with its exact name."),
                in_vain=True,
            )
        return policy

    def _own_id(self) -> str:
        """The user in whose name we ask: whose token it is, else whom the settings name."""
        if self.from_email not in self.requester:
            self.requester[self.from_email] = self._find_own_id()
        return self.requester[self.from_email]

    def _find_own_id(self) -> str:
        try:
            owner = person(part(self.rest.get("/users/me", what=phrase("our own user")), "user"))
            found = owner.pagerduty if owner else None
        except Invalid:  # a key of the account
            found = self._user_id(Person(name=self.from_email, email=self.from_email))
        if found is None:
            raise GiveUp(
                phrase(
                    "PagerDuty has no user {email}, in whose name people are paged.", email=self.from_email
                ),
                fix=phrase("Set pagerduty.from_email to the e-mail of a PagerDuty user."),
                operators=True,
            )
        return found


def policies_called(rest: Rest, name: str) -> tuple[str, ...]:
    """The escalation policies (ids) with exactly this name."""
    listed = rest.pages("escalation_policies", {"query": name}, what=phrase("the policies"))
    found = (ident(each.get("id")) for each in listed if is_called(each, name))
    return tuple(filter(None, found))


def _names(people: Iterable[object]) -> tuple[str, ...]:
    named = map(person, people)
    return tuple(dict.fromkeys(each.name for each in named if each))


def _its_id(incident: Body) -> str:
    number = ident(incident.get("id"))
    if number is None:
        raise GiveUp(phrase("PagerDuty does not say which incident it has opened."))
    return number


def _called(targets: Sequence[Mapping[str, str]]) -> Mapping[str, object]:
    """Whom a new incident is assigned to: people, or else a policy; it cannot have both."""
    users = [{"assignee": each} for each in targets if each["type"] == "user_reference"]
    return {"assignments": users} if users else {"escalation_policy": targets[0]}


def _names_of_assigned(incident: Body, targets: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """The names of those to whom it is assigned, if it was opened for these targets; else none."""
    assigned = [part(each, "assignee") for each in parts(incident.get("assignments"))]
    known = {ident(each.get("id")) for each in (*assigned, part(incident, "escalation_policy"))}
    if not {each["id"] for each in targets if each["type"] == "user_reference"} <= known:
        return ()
    if not any(each["id"] in known for each in targets):
        return ()
    return _names(assigned)
