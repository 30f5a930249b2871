"""What people do in Jira: each door changes the site and tells the subscribers.

Tests, the demo and the control routes come through here, and so does the REST API once it has
checked its fields. People are named by account id, name, e-mail, full or first name.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from integrations.sandbox import jira_events as events
from integrations.sandbox.deliveries import Deliveries
from integrations.sandbox.jira_model import (
    RESOLUTIONS,
    TRANSITIONS,
    Comment,
    Issue,
    Json,
    Named,
    Project,
    Site,
    Status,
    Text,
)
from integrations.sandbox.world import World

P = ParamSpec("P")
R = TypeVar("R")
# What a changelog says about; the rest changes silently.
WATCHED = ("summary", "assignee", "status", "priority", "resolution", "labels", "components", "duedate")


def locked(method: Callable[Concatenate["JiraDoors", P], R]) -> Callable[Concatenate["JiraDoors", P], R]:
    """Run a door under the world's lock, and say afterwards that something changed."""

    @wraps(method)
    def door(self: "JiraDoors", /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.world.lock:
            outcome = method(self, *args, **kwargs)
        self.world.touch()
        return outcome

    return door


class JiraDoors:
    """The changes a site goes through; unknown people or objects raise KeyError."""

    world: World
    site: Site
    deliveries: Deliveries

    def now(self) -> datetime:
        """Tell the sandbox's time."""
        return self.world.clock.now()

    @locked
    def create(
        self,
        summary: str,
        by: str = "Ana",
        *,
        issue_type: str = "Incident",
        project: str = "OPS",
        labels: Sequence[str] = (),
    ) -> str:
        """Create an issue as a person would and give its key."""
        place = self.site.project(project)
        kind = next(each for each in place.issue_types if each.name == issue_type)
        issue = self.new_issue(place, kind, summary=summary, by=by)
        issue.labels = list(labels)
        self.add_issue(issue, by)
        return issue.key

    @locked
    def assign(self, key: str, person: str | None, by: str = "Ana") -> None:
        """Assign an issue to somebody, or (None) to nobody."""
        issue = self.site.issue(key)
        before = issue.snapshot()
        issue.assignee = self.site.person(person).account_id if person else None
        self.changed(issue, before, by)

    @locked
    def transition(self, key: str, status: str, by: str = "Ana", *, resolution: str | None = None) -> None:
        """Move an issue to a status, named by the status or by the transition."""
        way = next((t for t in TRANSITIONS if status in (t.id, t.name, t.to.name)), None)
        if way is None:
            raise KeyError(status)
        issue = self.site.issue(key)
        before = issue.snapshot()
        chosen = next((each for each in RESOLUTIONS if each.name == resolution), None)
        self.move(issue, way.to, chosen)
        self.changed(issue, before, by)

    @locked
    def comment(self, key: str, text: Text, by: str = "Ana") -> str:
        """Comment on an issue and give the comment's id."""
        issue, author = self.site.issue(key), self.site.person(by)
        comment = Comment(self.site.next_id(), author.account_id, text, self.now())
        issue.comments.append(comment)
        self.index(issue)
        self._send("comment_created", issue, events.comment_body(self.site, issue, comment, now=self.now()))
        return comment.id

    @locked
    def edit(self, key: str, /, by: str = "Ana", **fields: Any) -> None:
        """Change plain fields of an issue: summary, labels, duedate."""
        issue = self.site.issue(key)
        before = issue.snapshot()
        for name, value in fields.items():
            setattr(issue, name, value)
        self.changed(issue, before, by)

    @locked
    def move_away(self, key: str, to: str, by: str = "Ana") -> None:
        """Move an issue to another project, which gives it this key; its id stays."""
        issue = self.site.issue(key)
        item = {"field": "Key", "fieldtype": "jira", "fromString": issue.key, "toString": to}
        issue.key = to
        self.index(issue)
        body = events.change_body(self.site, issue, [item], person=self.site.person(by), now=self.now())
        self._send("jira:issue_updated", issue, body)

    @locked
    def delete(self, key: str, by: str = "Ana") -> None:
        """Delete an issue."""
        issue = self.site.issue(key)
        del self.site.issues[issue.id]
        body = events.issue_body(
            self.site, issue, "issue_deleted", person=self.site.person(by), now=self.now()
        )
        self._send("jira:issue_deleted", issue, body)

    @locked
    def refuse_field(self, field: str, why: str | None = None, project: str = "OPS") -> None:
        """Make a project refuse a field from now on, as a create screen without it does."""
        words = why or f"Field '{field}' cannot be set. It is not on the appropriate screen, or unknown."
        self.site.project(project).refused[field] = words

    @locked
    def require_field(self, field: str, project: str = "OPS") -> None:
        """Make a project refuse to create issues without a field."""
        self.site.project(project).required.append(field)

    @locked
    def forbid(self, permission: str) -> None:
        """Take a permission from the account the API is used with, say "CREATE_ISSUES"."""
        self.site.forbidden.add(permission)

    @locked
    def allow(self, permission: str) -> None:
        """Give a permission back."""
        self.site.forbidden.discard(permission)

    @locked
    def set_assignable(self, person: str, *, assignable: bool) -> None:
        """Let a person be assigned issues, or not."""
        self.site.person(person).assignable = assignable

    def new_issue(self, project: Project, issue_type: Named, *, summary: str, by: str) -> Issue:
        """Give an issue with its key and dates, not yet on the site; keys are never used twice."""
        project.last_number += 1
        now = self.now()
        key = f"{project.key}-{project.last_number}"
        reporter = self.site.person(by).account_id
        return Issue(self.site.next_id(), key, project.id, issue_type, summary, reporter, now, now)

    def add_issue(self, issue: Issue, by: str) -> None:
        """Put a finished issue on the site and tell of it."""
        self.site.issues[issue.id] = issue
        self.index(issue)
        body = events.issue_body(
            self.site, issue, "issue_created", person=self.site.person(by), now=self.now()
        )
        self._send("jira:issue_created", issue, body)

    def move(self, issue: Issue, status: Status, resolution: Named | None) -> None:
        """Set the status, and the resolution and its date as a workflow does."""
        issue.status = status
        done = status.category == "done"
        issue.resolution = (resolution or RESOLUTIONS[0]) if done else None
        issue.resolved = self.now() if done else None

    def changed(self, issue: Issue, before: Issue, by: str) -> None:
        """Index a change and tell of it, unless nothing a changelog mentions has changed."""
        items = events.changes(self.site, before, issue, names=WATCHED)
        text_changed = before.description != issue.description or before.custom != issue.custom
        if not items and not text_changed:
            return
        self.index(issue)
        body = events.change_body(self.site, issue, items, person=self.site.person(by), now=self.now())
        self._send("jira:issue_updated", issue, body)

    def index(self, issue: Issue) -> None:
        """Let searches see the issue as it is now, once their lag has passed."""
        issue.updated = self.now()
        issue.versions.append((issue.updated, issue.snapshot()))

    def _send(self, event_type: str, issue: Issue, body: Json) -> None:
        self.deliveries.send(events.event(event_type, issue, body))
