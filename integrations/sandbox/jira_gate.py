"""What every Jira request passes first: credentials, version, permissions, limits; and error bodies."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, timedelta

from integrations.sandbox.jira_fields import Fields, Invalid
from integrations.sandbox.jira_model import Issue, Json, Person, Project, Site
from integrations.sandbox.jira_shapes import Shapes
from integrations.sandbox.limits import Buckets
from integrations.sandbox.world import Answer, Call, Fault, FaultWords, World

TOKEN = "sandbox-jira-token"  # opens nothing but the sandbox
# Cloud, documented: per endpoint and second, and for the writes on one issue.
BURSTS = {"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50}
WRITES = (("2s", 10.0, 20.0), ("30s", 100 / 30, 100.0))
NO_PERMISSION = {
    "CREATE_ISSUES": "You do not have permission to create issues in this project.",
    "EDIT_ISSUES": "You do not have permission to edit issues in this project.",
    "ADD_COMMENTS": "You do not have the permission to comment on this issue.",
    "ADMINISTER": "You are not allowed to perform this operation, Jira administrator permission is required.",
}


class Refusal(Exception):
    """A request Jira does not do, with the status and error body it answers."""

    def __init__(
        self,
        status: int,
        *messages: str,
        errors: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, *messages)
        self.status = status
        self.messages = messages
        self.errors = errors or {}
        self.headers = headers or {}

    def answer(self) -> Answer:
        """Give it as it goes over the wire."""
        return Answer(self.status, error_body(self.messages, self.errors), self.headers)


def error_body(messages: Sequence[str] = (), errors: dict[str, str] | None = None) -> Json:
    """Give Jira's error object."""
    return {"errorMessages": list(messages), "errors": errors or {}}


def fault_words() -> FaultWords:
    """Give how Jira words what goes wrong on purpose."""
    return FaultWords(refuse=_refuse, rate_limit=_rate_limit, server_error=_server_error)


def _refuse(fault: Fault) -> Answer:
    return Answer(fault.status or 400, error_body([fault.error or "The request is invalid."]))


def _rate_limit(fault: Fault) -> Answer:
    # A 429 from the gateway carries no Retry-After; one from Jira itself does.
    after = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    return Answer(
        429, error_body(["Rate limit exceeded."]), {**after, "RateLimit-Reason": "jira-burst-based"}
    )


def _server_error(fault: Fault) -> Answer:
    return Answer(fault.status or 500, error_body([fault.error or "Internal server error"]))


class Gate:
    """Checks credentials, limits and permissions in front of a handler, and knows who asks in which version.

    Cloud takes Basic (e-mail:token), Data Center Basic (name:password) or a personal access token.
    """

    def __init__(self, world: World, site: Callable[[], Site]) -> None:
        self.tokens = {TOKEN}
        self.bearer = "multivac@example.com"
        self._world = world
        self._site = site
        self._buckets = Buckets(world.clock)

    def admit(self, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        """Give a handler that answers only those who may ask, with Jira's error bodies."""

        def guarded(call: Call) -> Answer:
            try:
                self.version(call)
                self.caller(call)
                self._count(call)
                return self._answered(handler, call)
            except Refusal as refusal:
                return refusal.answer()

        return guarded

    def open(self, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        """Give a handler that answers without credentials too."""

        def guarded(call: Call) -> Answer:
            try:
                self.version(call)
                return self._answered(handler, call)
            except Refusal as refusal:
                return refusal.answer()

        return guarded

    def version(self, call: Call) -> int:
        """Give 2 or 3; "latest" is 3 on Cloud and 2 on Data Center, which has no 3."""
        site, named = self._site(), call.path_params["version"]
        versions = {"2": 2, "3": 3, "latest": 3} if site.cloud else {"2": 2, "latest": 2}
        if named not in versions:
            raise Refusal(404, "null for uri: " + call.path)
        return versions[named]

    def shapes(self, call: Call) -> Shapes:
        """Give the shapes of the call's version."""
        return Shapes(self._site(), self.version(call))

    def fields(self, call: Call) -> Fields:
        """Give the field checks of the call's version."""
        return Fields(self._site(), self.version(call))

    def caller(self, call: Call) -> Person:
        """Give whose credentials these are, or refuse with 401."""
        scheme, _, rest = call.headers.get("authorization", "").partition(" ")
        site, who, secret = self._site(), self.bearer, rest
        if scheme == "Basic":
            who, _, secret = _decoded(rest).partition(":")
        known = scheme == "Basic" or (scheme == "Bearer" and not site.cloud)
        people = [p for p in site.people.values() if who == p.email or (not site.cloud and who == p.name)]
        if not known or secret not in self.tokens or not people:
            raise Refusal(401, "Client must be authenticated to access this resource.")
        return people[0]

    def require(self, permission: str) -> None:
        """Refuse with 403 what the account may not do."""
        if permission in self._site().forbidden:
            raise Refusal(403, NO_PERMISSION.get(permission, f"You do not have the permission {permission}."))

    def issue(self, call: Call, *, write: bool = False) -> Issue:
        """Give the issue of the path (or of `issueKey`), or refuse with 404; counts writes on it."""
        site, named = self._site(), call.query.get("issueKey", [""])[0]
        try:
            issue = site.issue(call.path_params.get("key") or named)
        except KeyError as error:
            raise _no_issue() from error
        if "BROWSE_PROJECTS" in site.forbidden:
            raise _no_issue()
        if write:
            self._count_write(issue)
        return issue

    def project(self, call: Call, name: str = "key") -> Project:
        """Give the project of the path or query, or refuse with 404."""
        wanted = call.path_params.get(name) or call.query.get(name, [""])[0]
        try:
            return self._site().project(wanted)
        except KeyError as error:
            raise Refusal(404, f"No project could be found with key '{wanted}'.") from error

    def reset(self) -> None:
        """Accept only the sandbox's own token again and refill the limits."""
        self.tokens = {TOKEN}
        self._buckets.clear()

    def _answered(self, handler: Callable[[Call], Answer], call: Call) -> Answer:
        if "host" in call.headers:
            # `self` must lead back here: the SDK follows it for updates and deletes.
            self._site().base = f"http://{call.headers['host']}/jira"
        try:
            return handler(call)
        except Invalid as invalid:
            return Answer(400, error_body(invalid.messages, invalid.errors))

    def _count(self, call: Call) -> None:
        if not self._world.limits_on or not self._site().cloud:
            return
        burst = BURSTS.get(call.verb, 100)
        wait = self._buckets.take((call.method,), per_second=burst, burst=burst)
        if wait:
            raise self._too_many("jira-burst-based", wait, burst)

    def _count_write(self, issue: Issue) -> None:
        if not self._world.limits_on or not self._site().cloud:
            return
        for name, rate, burst in WRITES:
            wait = self._buckets.take((issue.id, name), per_second=rate, burst=burst)
            if wait:
                raise self._too_many("jira-per-issue-on-write", wait, burst)

    def _too_many(self, reason: str, wait: float, limit: float) -> Refusal:
        reset = self._world.clock.now().astimezone(UTC) + timedelta(seconds=wait)
        headers = {
            "Retry-After": str(max(1, round(wait))),
            "X-RateLimit-Limit": f"{limit:g}",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": reset.strftime("%Y-%m-%dT%H:%MZ"),
            "RateLimit-Reason": reason,
        }
        return Refusal(429, "Rate limit exceeded.", headers=headers)


def _no_issue() -> Refusal:
    return Refusal(404, "Issue does not exist or you do not have permission to see it.")


def _decoded(basic: str) -> str:
    try:
        return base64.b64decode(basic).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
