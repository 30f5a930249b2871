"""What passes between a client and a stand-in: the call, the answer, the record of both, and faults."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(slots=True)
class Call:
    """One request as a stand-in's handler sees it; header names are lower-case."""

    vendor: str
    verb: str
    path: str
    path_params: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    raw: bytes
    method: str = ""
    _parsed: Any = None

    @property
    def form_or_json(self) -> Any:
        """The body parsed by its content type: an object for JSON and forms, else the text.

        A body that claims to be JSON and is not comes back as text, so a handler can refuse it.
        """
        if self._parsed is None:
            self._parsed = parsed(self.raw, self.headers.get("content-type", ""))
        return self._parsed

    @property
    def fields(self) -> dict[str, Any]:
        """The query (first values) and the body's fields in one mapping; the body wins."""
        merged: dict[str, Any] = {name: values[0] for name, values in self.query.items()}
        body = self.form_or_json
        if isinstance(body, dict):
            merged.update(body)
        return merged


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers: a status, a body (object for JSON, text, bytes or None), and headers."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Give the body as the bytes that go over the wire."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, separators=(",", ":")).encode()


Handler = Callable[[Call], Answer]


@dataclass(slots=True)
class Exchange:
    """The record of one request and its answer; `status` is 0 where no answer went out.

    `started` and `ended` are monotonic seconds of this process, `connection` is the client's host:port.
    """

    vendor: str
    method: str
    path: str
    query: Mapping[str, list[str]]
    request_headers: Mapping[str, str]
    request_body: Any
    status: int
    response_headers: Mapping[str, str]
    started: float
    ended: float
    connection: str
    fault: str | None
    raw_response: bytes = b""

    @property
    def response_body(self) -> Any:
        """The answer's body as it went out: parsed where it is JSON, else text."""
        return parsed(self.raw_response, self.response_headers.get("content-type", ""))

    def as_json(self) -> dict[str, Any]:
        """Give the record in a form that can be sent to another process."""
        return {
            "vendor": self.vendor,
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "request_headers": dict(self.request_headers),
            "request_body": self.request_body,
            "status": self.status,
            "response_headers": dict(self.response_headers),
            "response_body": self.response_body,
            "started": self.started,
            "ended": self.ended,
            "connection": self.connection,
            "fault": self.fault,
        }


KINDS = frozenset(
    {
        "refuse",
        "lose_answer",
        "reset",
        "slow",
        "timeout",
        "rate_limit",
        "server_error",
        "malformed",
        "html",
        "hold",
    }
)


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong on purpose, `times` times (0: for ever).

    `match` names request fields which must be equal (as text; dots go into nested objects); `method`
    is the vendor's method name or "*". `status`, `error`, `retry_after` and `seconds` refine the kind.
    """

    vendor: str
    method: str = "*"
    kind: str = "refuse"
    times: int = 1
    status: int | None = None
    retry_after: float | None = None
    error: str | None = None
    seconds: float = 0.0
    match: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Refuse a kind nobody knows, which a test would otherwise wait for in vain."""
        if self.kind not in KINDS:
            msg = f"unknown fault kind {self.kind!r}; there are {', '.join(sorted(KINDS))}"
            raise ValueError(msg)

    def hits(self, call: Call) -> bool:
        """Say whether this fault is meant for that call."""
        if self.vendor != call.vendor or self.method not in ("*", call.method):
            return False
        return all(str(_dig(call.fields, name)) == str(wanted) for name, wanted in (self.match or {}).items())


def _nothing_special(fault: Fault) -> Answer:
    return Answer(fault.status or 500, {"error": fault.error or "error"})


@dataclass(frozen=True, slots=True)
class FaultWords:
    """How one vendor words a refusal, a rate limit and an error of its own."""

    refuse: Callable[[Fault], Answer] = _nothing_special
    rate_limit: Callable[[Fault], Answer] = _nothing_special
    server_error: Callable[[Fault], Answer] = _nothing_special


def parsed(raw: bytes, content_type: str) -> Any:
    """Parse a body by its content type; what cannot be parsed comes back as text."""
    if "json" in content_type:
        try:
            return json.loads(raw) if raw else {}
        except ValueError:
            return raw.decode(errors="replace")
    if "x-www-form-urlencoded" in content_type:
        return dict(parse_qsl(raw.decode(errors="replace"), keep_blank_values=True))
    return raw.decode(errors="replace")


def _dig(fields: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        fields = fields.get(name) if isinstance(fields, dict) else None
    return fields
