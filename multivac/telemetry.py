"""What Multivac says of itself: metrics without names or titles, and logs without secrets."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Literal, TextIO, cast

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from structlog.typing import EventDict, Processor, WrappedLogger

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Telemetry:
    """The counters of one process, on a registry of its own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        counter = partial(Counter, namespace="multivac", registry=self.registry)
        gauge = partial(Gauge, namespace="multivac", registry=self.registry)
        histogram = partial(Histogram, namespace="multivac", registry=self.registry)
        gauge("build_info", "Which release this is.", ["version"]).labels(version).set(1)
        self.declared = counter(
            "incidents_declared", "Incidents declared, without drills.", ["severity", "source"]
        )
        self.open = gauge("incidents_open", "Open incidents, without drills.", ["severity"])
        self.waiting = gauge("incidents_waiting", "Incidents that wait in a storm for their turn.")
        self.webhooks = counter("webhooks_received", "Webhooks by what became of them.", ["source", "result"])
        self.webhook_seconds = histogram(
            "webhook_seconds",
            "Time to answer a webhook.",
            ["source"],
            buckets=(0.005, 0.01, 0.025, *_SECONDS),
        )
        self.duplicates = counter("webhook_duplicates", "Webhooks that had come before.", ["source"])
        self.alerts = counter("alerts", "Alerts by what became of them.", ["outcome"])
        self.steps = counter("steps", "Steps tried, by outcome.", ["step", "outcome"])
        self.step_seconds = histogram(
            "step_seconds", "Time one try of a step took.", ["step"], buckets=_SECONDS
        )
        self.unfinished = gauge("steps_unfinished", "Wanted steps that are not done, up to 10,000.")
        self.oldest = gauge("oldest_unfinished_step_seconds", "Age of the oldest of them.")
        self.beats = counter("beats", "Beats by outcome.", ["outcome"])
        self.suppressed = counter(
            "slack_suppressed", "Messages held back to keep a channel quiet, by kind.", ["kind"]
        )
        self.vendor_on = gauge("integration_on", "Whether an integration is configured.", ["service"])

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Time one try of a step; whoever tries appends its outcome to the list."""
        told: list[str] = []
        began = time.perf_counter()
        yield told
        self.step_seconds.labels(name).observe(time.perf_counter() - began)
        self.steps.labels(name, told[0] if told else "failed").inc()

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)


# Slack tokens, PagerDuty and bearer headers, signatures, and passwords inside addresses.
_SECRET = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+|(?i:(?<=token=)|(?<=bearer )|(?<=basic ))[\w+/=.-]{6,}|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)


def hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Whatever looks like a secret, anywhere in a log line, becomes three asterisks."""
    return {key: _hidden(value) for key, value in event.items()}


def _hidden(value: object) -> object:
    if isinstance(value, str):
        return _SECRET.sub("***", value)
    if isinstance(value, dict):
        return {key: _hidden(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(one) for one in value]
    return value


class Lossy:
    """A stream that loses what cannot be written: a full disk under the logs must not stop the work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or lose it."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Have what was written leave the process, or lose it."""
        with suppress(OSError):
            self._stream.flush()


class _Hiding(logging.Formatter):
    """What libraries log, without what looks like a secret."""

    def format(self, record: logging.LogRecord) -> str:
        return _SECRET.sub("***", super().format(record))


def set_up_logs(form: Literal["json", "text", "auto"], level: str) -> None:
    """Write one line for each event to standard error: JSON, or plain text for a person at a terminal.

    Tracebacks show no local variables, since tokens live there.
    """
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    draw: Processor = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(() if text else (structlog.processors.format_exc_info,)),
            hide_secrets,
            draw if text else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, Lossy(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    # A beat that takes longer than a second makes the next one wait: nothing anybody has to do about.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # Warns of each malformed request: a stranger could fill the disk with that.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    others = logging.StreamHandler(Lossy(sys.stderr))
    others.setFormatter(_Hiding("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[others])
