"""Jira's webhook bodies, and the rules by which Jira delivers them."""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from integrations.sandbox.deliveries import Event, Parcel, Reply, Rules, hex_hmac
from integrations.sandbox.jira_model import Comment, Issue, Json, Named, Person, Site
from integrations.sandbox.jira_shapes import Shapes

RETRIED = {408, 409, 425, 429}
IN_COMMENTS = ("summary", "issuetype", "project", "assignee", "priority", "status")


def signature_headers(parcel: Parcel) -> dict[str, str]:
    """Give the headers of a webhook: signature, an identifier that retries keep, the retry's number."""
    secrets = parcel.subscriber.secrets
    return {
        **({"X-Hub-Signature": f"sha256={hex_hmac(secrets[0], parcel.event.body)}"} if secrets else {}),
        "X-Atlassian-Webhook-Identifier": parcel.webhook_id,
        "X-Atlassian-Webhook-Flow": "Primary",
        **({"X-Atlassian-Webhook-Retry": str(parcel.attempts)} if parcel.attempts else {}),
        "User-Agent": "Atlassian Webhook HTTP Client",
    }


def tries_again(reply: Reply) -> bool:
    """Say what Jira tries again: no answer, 408, 409, 425, 429 and 5xx."""
    return reply.status is None or reply.status in RETRIED or reply.status >= 500


# Retries come up to 30 minutes late; the pauses between are not published. A later event does not wait.
RULES = Rules(
    headers=signature_headers,
    tries_again=tries_again,
    waits=(60, 240, 420, 480, 600),
    gives_up_after=1800.0,
    time_limit=20.0,
    keeps_order=False,
)


def event(event_type: str, issue: Issue, body: Json) -> Event:
    """Wrap a body for delivery; events of one issue set out in order."""
    payload = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return Event(str(uuid.uuid4()), event_type, issue.id, payload, (issue.project,))


def issue_body(site: Site, issue: Issue, kind: str, *, person: Person, now: datetime) -> Json:
    """Give the body of `jira:issue_created` and `jira:issue_deleted`; webhooks show text as v2 does."""
    shapes = Shapes(site, 2)
    return {
        "timestamp": int(now.timestamp() * 1000),
        "webhookEvent": f"jira:{kind}",
        "issue_event_type_name": kind,
        "user": shapes.person(person.account_id),
        "issue": shapes.issue(issue),
    }


def change_body(site: Site, issue: Issue, items: list[Json], *, person: Person, now: datetime) -> Json:
    """Give the body of `jira:issue_updated` with its changelog."""
    only = items[0]["field"] if len(items) == 1 else ""
    kind = {"assignee": "issue_assigned", "status": "issue_generic"}.get(only, "issue_updated")
    return {
        **issue_body(site, issue, "issue_updated", person=person, now=now),
        "issue_event_type_name": kind,
        "changelog": {"id": str(int(now.timestamp() * 1000) % 10**9), "items": items},
    }


def comment_body(site: Site, issue: Issue, comment: Comment, *, now: datetime) -> Json:
    """Give the body of `comment_created`, in which the issue has a few fields only."""
    shapes = Shapes(site, 2)
    return {
        "timestamp": int(now.timestamp() * 1000),
        "webhookEvent": "comment_created",
        "comment": {**shapes.comment(issue, comment), "jsdPublic": True},
        "issue": shapes.issue(issue, IN_COMMENTS),
        "eventType": "primaryAction",
    }


def changes(site: Site, before: Issue, after: Issue, *, names: Sequence[str]) -> list[Json]:
    """Give the changelog items between two states of an issue."""
    items = []
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            items.append(_item(site, name, old=old, new=new))
    return items


def _item(site: Site, name: str, *, old: Any, new: Any) -> Json:
    (old_id, old_text), (new_id, new_text) = _said(site, name, old), _said(site, name, new)
    return {
        "field": name,
        "fieldtype": "jira",
        "fieldId": name,
        "from": old_id,
        "fromString": old_text,
        "to": new_id,
        "toString": new_text,
    }


def _said(site: Site, name: str, value: Any) -> tuple[str | None, str | None]:
    """Give a value as a changelog writes it: an id, where it has one, and words."""
    if value is None:
        return None, None
    if name == "assignee":
        person = site.people[value]
        return (person.account_id if site.cloud else person.name), person.display
    if isinstance(value, list):
        return None, " ".join(each if isinstance(each, str) else each.name for each in value)
    if isinstance(value, Named) or hasattr(value, "category"):
        return value.id, value.name
    return None, str(value)
