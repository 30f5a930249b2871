"""Reads PagerDuty's JSON without ever stumbling: what is missing or odd counts as not said.

`events.py` reads webhook bodies with it and `pager.py` reads REST answers. Nothing here raises,
because a body that PagerDuty signed must never be refused for its shape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from multivac.incident import Bridge, Facts, Person

Body = Mapping[str, object]

NOTHING: Body = {}

# PostgreSQL stores no NUL, and neither database a lone surrogate; JSON may carry both.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ID = re.compile(r"[PQ][A-Z0-9]{5,}", re.ASCII)
_LONGEST_ID = 255
_LARGEST_NUMBER = 2**31 - 1
_FIRST_YEAR, _LAST_YEAR = 2000, 2199
_STATUSES = frozenset({"triggered", "acknowledged", "resolved"})
_URGENCIES = frozenset({"high", "low"})


def part(value: object, *path: str) -> Body:
    """The object found by following `path`, or an empty one."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else NOTHING


def parts(value: object) -> tuple[Body, ...]:
    """The objects of a list; nothing for anything that is no list."""
    return tuple(each for each in value if isinstance(each, Mapping)) if isinstance(value, list) else ()


def words(value: object) -> str | None:
    """A text with something in it, made fit for storing; None for anything else."""
    if not isinstance(value, str) or not value.strip():
        return None
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)


def line(text: str | None, limit: int = 300) -> str:
    """The text on one line of at most `limit` characters."""
    flat = " ".join((text or "").split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def ident(value: object) -> str | None:
    """An id as PagerDuty writes them; None for what is empty or too long to be one."""
    known = words(value)
    return known if known and len(known) <= _LONGEST_ID else None


def is_id(text: str) -> bool:
    """Whether it looks like an id of PagerDuty's; a name may look so, too."""
    return _ID.fullmatch(text) is not None


def is_called(thing: Body, name: str) -> bool:
    """Whether the thing has this name, small letters or not."""
    return (words(thing.get("name")) or "").casefold() == name.casefold()


def address(value: object) -> str | None:
    """A web address that may become a link; None for any other scheme."""
    known = words(value)
    return known if known and known.startswith(("https://", "http://")) else None


def moment(value: object) -> datetime | None:
    """A point in time in UTC; None for what cannot be one (unreadable, or not of this age)."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is None:
            return None
        at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if _FIRST_YEAR <= at.year <= _LAST_YEAR else None


def person(reference: object) -> Person | None:
    """The person behind a user or a reference to one; None for services, policies and nobody."""
    who = part(reference)
    kind = words(who.get("type"))
    key = ident(who.get("id"))
    name = line(words(who.get("summary")) or words(who.get("name")) or key, 100)
    if not name or (kind is not None and "user" not in kind):
        return None
    email = ident(who.get("email"))
    return Person(name=name, email=email if email and "@" in email else None, pagerduty=key)


def people(references: object) -> tuple[Person, ...] | None:
    """The people of a list; None where there is no list, since then nothing was said."""
    if not isinstance(references, list):
        return None
    found = (person(each) for each in references)
    return tuple(each for each in found if each is not None)


def bridge(said: Body) -> Bridge | None:
    """The conference of an incident or of a bridge event; None if neither address nor number."""
    url = address(said.get("conference_url"))
    phone = _phone(said.get("conference_number")) or _phone(said.get("conference_numbers"))
    return Bridge(url=url, phone=phone) if url or phone else None


def _phone(value: object) -> str | None:
    if isinstance(value, list):
        return next((found for each in value if (found := _phone(each))), None)
    if isinstance(value, Mapping):
        return _phone(value.get("number"))
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if 0 < value <= 10**15 else None
    return line(words(value), 100) or None


def facts_of_incident(incident: Body) -> Facts:
    """Everything a full incident says, from a webhook or from the REST API."""
    acknowledged = _first_acknowledgement(incident)
    return Facts(
        title=words(incident.get("title")) or words(incident.get("description")),
        number=_number(incident),
        url=address(incident.get("html_url")),
        status=_one_of(_STATUSES, incident.get("status")),
        urgency=_one_of(_URGENCIES, incident.get("urgency")),
        priority=line(_name(part(incident, "priority")), 100) or None,
        incident_type=line(words(part(incident, "incident_type").get("name")), 100) or None,
        service_id=ident(part(incident, "service").get("id")),
        service_name=_name(part(incident, "service")),
        policy_id=ident(part(incident, "escalation_policy").get("id")),
        dedup_key=ident(incident.get("incident_key")),
        merged_into=_merged_into(incident),
        assignees=_assignees(incident),
        responders=_responders(incident),
        bridge=bridge(part(incident, "conference_bridge")),
        acknowledged_by=person(acknowledged.get("acknowledger")),
        acknowledged_at=moment(acknowledged.get("at")),
        opened_at=moment(incident.get("created_at")),
    )


def facts_of_reference(reference: Body) -> Facts:
    """The little that a reference to an incident says of it."""
    return Facts(title=words(reference.get("summary")), url=address(reference.get("html_url")))


def _name(reference: Body) -> str | None:
    return words(reference.get("summary")) or words(reference.get("name"))


def _number(incident: Body) -> int | None:
    said = incident.get("number", incident.get("incident_number"))
    if not isinstance(said, int) or isinstance(said, bool):
        return None
    return said if 0 < said <= _LARGEST_NUMBER else None


def _one_of(known: frozenset[str], value: object) -> str | None:
    return value if isinstance(value, str) and value in known else None


def _merged_into(incident: Body) -> str | None:
    reason = part(incident, "resolve_reason")
    if words(reason.get("type")) != "merge_resolve_reason":  # the only one that the API's reference has
        return None
    return ident(part(reason, "incident").get("id"))


def _assignees(incident: Body) -> tuple[Person, ...] | None:
    if incident.get("status") == "resolved":
        return None  # PagerDuty empties the list then; who had it stays worth knowing
    # Webhooks list people, the REST API assignments that hold one person each.
    if "assignees" in incident:
        return people(incident["assignees"])
    held = incident.get("assignments")
    return people([each.get("assignee") for each in parts(held)] if isinstance(held, list) else None)


def _responders(incident: Body) -> tuple[Person, ...] | None:
    # Only the REST API lists them.
    asked = [each for each in parts(incident.get("incidents_responders")) if each.get("state") != "declined"]
    return people([each["user"] for each in asked if part(each, "user")]) or None


def _first_acknowledgement(incident: Body) -> Body:
    # Whoever answered first is the one a playbook may want as lead; ISO times sort as text.
    given = parts(incident.get("acknowledgements"))
    by_people = [each for each in given if person(each.get("acknowledger")) and moment(each.get("at"))]
    return min(by_people, key=lambda each: str(moment(each.get("at"))), default=NOTHING)
