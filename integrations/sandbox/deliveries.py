"""Webhooks on their way out: signed, in order per resource, tried again, and disturbed on request.

PagerDuty, Jira and Slack follow the same course with different numbers, so each stand-in brings its
own `Rules` and keeps its own `Deliveries`. All waiting is on the sandbox's clock; only the time limit
of one attempt is real time.
"""

import hashlib
import hmac
import random
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import urllib3

PUMP_EVERY = 0.1
SENDERS = 16


class Clock(Protocol):
    """What deliveries need from the sandbox's clock."""

    def now(self) -> datetime:
        """Tell the sandbox's time, aware and in UTC."""


@dataclass(slots=True)
class Subscriber:
    """An address which wants webhooks, with the secrets its deliveries are signed with."""

    id: str
    url: str
    secrets: list[str]
    events: frozenset[str] = frozenset()
    filter_id: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    description: str = ""
    active: bool = True
    drops_in_a_row: int = 0
    disabled_until: datetime | None = None

    def wants(self, event_type: str, scopes: Sequence[str]) -> bool:
        """Tell whether this event passes the subscription's own filters."""
        named = not self.events or event_type in self.events
        return self.active and named and (self.filter_id is None or self.filter_id in scopes)


@dataclass(slots=True, frozen=True)
class Event:
    """One thing to tell: its id, type, body, and the resource whose order it must keep."""

    id: str
    type: str
    resource: str
    body: bytes
    scopes: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class Delivery:
    """One attempt at one delivery, as a person would read it in the vendor's log."""

    event_id: str
    event_type: str
    subscriber: str
    url: str
    attempt: int
    at: datetime
    status: int | None
    outcome: str
    headers: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """Give the attempt as plain JSON values."""
        return {
            "event_id": self.event_id,
            "event_type": self.event_type,
            "subscriber": self.subscriber,
            "url": self.url,
            "attempt": self.attempt,
            "at": self.at.isoformat(),
            "status": self.status,
            "outcome": self.outcome,
            "headers": self.headers,
        }


@dataclass(slots=True, frozen=True)
class Reply:
    """What came of one attempt: a status and lower-case headers, or none and why.

    `why` is "" for a 2xx, else "status", "timeout", "tls" or "connection".
    """

    status: int | None = None
    why: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Parcel:
    """One event for one subscriber, with what its attempts have come to so far."""

    event: Event
    subscriber: Subscriber
    webhook_id: str
    first: datetime
    due: datetime
    attempts: int = 0
    last: Reply = Reply()


@dataclass(slots=True, frozen=True)
class Rules:
    """How one vendor delivers: headers, what it tries again and when, when it gives up on an address.

    `headers` sees a parcel before each attempt, with the attempts made and the last reply. With
    `keeps_order` later events of a resource wait behind one that is tried again, else they overtake it.
    `carry` takes a parcel another way than over HTTP, or gives None.
    """

    headers: Callable[[Parcel], dict[str, str]]
    tries_again: Callable[[Reply], bool]
    waits: tuple[float, ...]
    gives_up_after: float
    time_limit: float
    keeps_order: bool = True
    repeats_last_wait: bool = False
    drops_that_disable: int | None = None
    disabled_for: float = 0.0
    carry: Callable[["Parcel"], Reply | None] | None = None

    def wait(self, attempts: int) -> float | None:
        """Give the seconds until the next attempt, None when there is none."""
        if attempts <= len(self.waits):
            return self.waits[attempts - 1]
        return self.waits[-1] if self.repeats_last_wait else None


def hex_hmac(secret: str, body: bytes) -> str:
    """Give the HMAC-SHA256 of a body as hexadecimal digits, as all three vendors sign."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Deliveries:
    """The post office of one stand-in; safe to call from any thread, holding any lock of the world."""

    def __init__(self, clock: Clock, rules: Rules, changed: Callable[[], None]) -> None:
        """Start empty; `changed` is called after each attempt, outside every lock of this object."""
        self.clock = clock
        self.rules = rules
        self.records: list[Delivery] = []
        self.subscribers: dict[str, Subscriber] = {}
        self._changed = changed
        self._lock = threading.RLock()
        self._lanes: dict[tuple[str, str], deque[Parcel]] = {}
        self._busy: dict[tuple[str, str], Future[None]] = {}
        self._held: list[Parcel] | None = None
        self._twice = 0
        self._lose = 0
        self._epoch = 0
        self._pump: threading.Thread | None = None
        self._closed = False
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="sandbox-webhook")
        self._http = urllib3.PoolManager(num_pools=4, maxsize=SENDERS, retries=False)

    def subscribe(self, subscriber: Subscriber) -> Subscriber:
        """Add a subscriber; what happened before is not told to it."""
        with self._lock:
            self.subscribers[subscriber.id] = subscriber
        return subscriber

    def unsubscribe(self, subscriber_id: str) -> None:
        """Remove a subscriber with everything that waits for it."""
        with self._lock:
            del self.subscribers[subscriber_id]
            self._drop_queue(subscriber_id)

    def duplicate_next(self, n: int = 1) -> None:
        """Deliver the next n events twice, with equal ids, as at-least-once vendors may."""
        with self._lock:
            self._twice += n

    def lose_next(self, n: int = 1) -> None:
        """Never deliver the next n events."""
        with self._lock:
            self._lose += n

    def hold(self) -> None:
        """Collect events from now on instead of delivering them."""
        with self._lock:
            self._held = self._held if self._held is not None else []

    def release(self, order: str = "sent") -> int:
        """Deliver what was held: as `sent`, `reversed` or `shuffled`; gives how many parcels.

        The order is exact for events of one resource; different resources travel side by side.
        """
        with self._lock:
            parcels, self._held = self._held or [], None
            if order == "reversed":
                parcels.reverse()
            elif order == "shuffled":
                random.shuffle(parcels)
            for parcel in parcels:
                self._enqueue(parcel)
            self._start_due()
        return len(parcels)

    def send(self, event: Event) -> None:
        """Take one event in for every subscriber who wants it and return at once."""
        with self._lock:
            if self._lose:
                self._lose -= 1
                return
            times = 1
            if self._twice:
                self._twice -= 1
                times = 2
            for subscriber in self.subscribers.values():
                if subscriber.wants(event.type, event.scopes):
                    self._take(event, subscriber, times)
            self._start_due()

    def send_raw(
        self, body: bytes, *, secrets: Sequence[str] | None = None, headers: Mapping[str, str] | None = None
    ) -> list[int | None]:
        """Post any body to every subscriber now, once; gives the statuses, None for no answer.

        `secrets` replaces the subscriber's own (an empty list sends no signature); `headers` come last.
        """
        now = self.clock.now()
        event = Event(str(uuid.uuid4()), "raw", "raw", body)
        with self._lock:
            subscribers = list(self.subscribers.values())
        return [
            self._send_raw_to(s, event, now=now, secrets=secrets, extra=headers or {}) for s in subscribers
        ]

    def redeliver_due(self, patience: float = 15.0) -> None:
        """Make every attempt that is due now and wait until they are done.

        A thread does the same every tenth of a second; a test which moved the clock need not wait for it.
        """
        while True:
            with self._lock:
                self._start_due()
                running = list(self._busy.values())
            if not running:
                return
            if wait(running, timeout=patience).not_done:
                raise TimeoutError(f"webhooks still on their way after {patience} s")

    def is_disabled(self, subscriber: Subscriber) -> bool:
        """Say whether too many drops have shut this subscriber out for now."""
        with self._lock:
            return self._disabled(subscriber, self.clock.now())

    def waiting(self) -> int:
        """Count parcels not yet delivered nor dropped, held ones included."""
        with self._lock:
            return sum(map(len, self._lanes.values())) + len(self._held or [])

    def reset(self) -> None:
        """Forget subscribers, queues, records and disturbances."""
        with self._lock:
            self._lanes.clear()
            self.subscribers.clear()
            self.records.clear()
            self._held, self._twice, self._lose = None, 0, 0
            self._epoch += 1

    def close(self) -> None:
        """Stop delivering for good; attempts under way end by themselves."""
        with self._lock:
            self._closed = True
            self._lanes.clear()
        self._senders.shutdown(wait=False, cancel_futures=True)
        self._http.clear()

    def _take(self, event: Event, subscriber: Subscriber, times: int) -> None:
        now = self.clock.now()
        parcel_id = str(uuid.uuid4())
        for _ in range(times):
            parcel = Parcel(event, subscriber, parcel_id, first=now, due=now)
            if self._disabled(subscriber, now):
                self._note(parcel, "not sent: the subscription is disabled", {})
            elif self._held is not None:
                self._held.append(parcel)
            else:
                self._enqueue(parcel)

    def _disabled(self, subscriber: Subscriber, now: datetime) -> bool:
        if subscriber.disabled_until is not None and now >= subscriber.disabled_until:
            subscriber.disabled_until, subscriber.drops_in_a_row = None, 0
        return subscriber.disabled_until is not None

    def _enqueue(self, parcel: Parcel) -> None:
        lane = (parcel.subscriber.id, parcel.event.resource)
        self._lanes.setdefault(lane, deque()).append(parcel)

    def _start_due(self) -> None:
        """Start a sender on every lane whose first parcel is due; the caller holds the lock."""
        if self._closed:
            return
        now = self.clock.now()
        for lane, parcels in self._lanes.items():
            if parcels and parcels[0].due <= now and lane not in self._busy:
                self._busy[lane] = self._senders.submit(self._drive, lane)
        if self._pump is None and any(self._lanes.values()):
            self._pump = threading.Thread(target=self._pump_until_empty, name="sandbox-pump", daemon=True)
            self._pump.start()

    def _pump_until_empty(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(PUMP_EVERY)
            with self._lock:
                if self._closed or not any(self._lanes.values()):
                    self._pump = None
                    return
                self._start_due()

    def _drive(self, lane: tuple[str, str]) -> None:
        """Deliver a lane in order until it is empty or its first parcel has to wait."""
        while True:
            with self._lock:
                parcels = self._lanes.get(lane)
                if not parcels or self._closed or parcels[0].due > self.clock.now():
                    self._busy.pop(lane, None)
                    if not parcels:
                        self._lanes.pop(lane, None)
                    return
                parcel, epoch = parcels[0], self._epoch
            headers = self._headers(parcel)
            carried = self.rules.carry(parcel) if self.rules.carry else None
            parcel.last = self._post(parcel, headers) if carried is None else carried
            with self._lock:
                # What was under way during a reset belongs to the time before it.
                if epoch == self._epoch:
                    self._settle(lane, parcel, headers)
            self._changed()

    def _headers(self, parcel: Parcel) -> dict[str, str]:
        return {"Content-Type": "application/json", **self.rules.headers(parcel), **parcel.subscriber.headers}

    def _post(self, parcel: Parcel, headers: Mapping[str, str]) -> Reply:
        limit = urllib3.Timeout(total=self.rules.time_limit)
        url, body = parcel.subscriber.url, parcel.event.body
        try:
            answer = self._http.request(
                "POST", url, body=body, headers=dict(headers), timeout=limit, redirect=False
            )
        except urllib3.exceptions.NewConnectionError:
            # It is a kind of timeout in urllib3's own family tree.
            return Reply(why="connection")
        except urllib3.exceptions.TimeoutError:
            return Reply(why="timeout")
        except urllib3.exceptions.SSLError:
            return Reply(why="tls")
        except urllib3.exceptions.HTTPError:
            return Reply(why="connection")
        lower = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status, "" if 200 <= answer.status < 300 else "status", lower)

    def _settle(self, lane: tuple[str, str], parcel: Parcel, headers: dict[str, str]) -> None:
        """Write the attempt down and decide what becomes of the parcel; the caller holds the lock."""
        parcel.attempts += 1
        again = self._next_try(parcel)
        if not parcel.last.why:
            parcel.subscriber.drops_in_a_row = 0
            outcome = "delivered"
        elif again is not None:
            parcel.due = again
            outcome = "will be tried again"
        else:
            outcome = "dropped"
        self._note(parcel, outcome, headers)
        if again is None or not self.rules.keeps_order:
            self._remove(lane, parcel)
        if again is not None and not self.rules.keeps_order and parcel.subscriber.id in self.subscribers:
            self._lanes.setdefault((lane[0], parcel.webhook_id), deque()).append(parcel)
        if outcome == "dropped":
            self._count_drop(parcel.subscriber)

    def _next_try(self, parcel: Parcel) -> datetime | None:
        if not parcel.last.why or not self.rules.tries_again(parcel.last):
            return None
        pause = self.rules.wait(parcel.attempts)
        if pause is None:
            return None
        due = self.clock.now() + timedelta(seconds=pause)
        return due if due <= parcel.first + timedelta(seconds=self.rules.gives_up_after) else None

    def _remove(self, lane: tuple[str, str], parcel: Parcel) -> None:
        parcels = self._lanes.get(lane)
        # The lane may have been emptied while the attempt was under way.
        if parcels and parcels[0] is parcel:
            parcels.popleft()

    def _count_drop(self, subscriber: Subscriber) -> None:
        subscriber.drops_in_a_row += 1
        limit = self.rules.drops_that_disable
        if limit is not None and subscriber.drops_in_a_row >= limit:
            subscriber.disabled_until = self.clock.now() + timedelta(seconds=self.rules.disabled_for)
            self._drop_queue(subscriber.id)

    def _drop_queue(self, subscriber_id: str) -> None:
        for (owner, _), parcels in self._lanes.items():
            if owner == subscriber_id:
                parcels.clear()
        if self._held is not None:
            self._held = [p for p in self._held if p.subscriber.id != subscriber_id]

    def _note(self, parcel: Parcel, outcome: str, headers: dict[str, str]) -> None:
        event, subscriber = parcel.event, parcel.subscriber
        self.records.append(
            Delivery(
                event.id, event.type, subscriber.id, subscriber.url,
                parcel.attempts, self.clock.now(), parcel.last.status, outcome, headers,
            )
        )  # fmt: skip

    def _send_raw_to(
        self,
        subscriber: Subscriber,
        event: Event,
        *,
        now: datetime,
        secrets: Sequence[str] | None,
        extra: Mapping[str, str],
    ) -> int | None:
        signed = subscriber.secrets if secrets is None else list(secrets)
        stand_in = Subscriber(subscriber.id, subscriber.url, signed, headers=subscriber.headers)
        parcel = Parcel(event, stand_in, str(uuid.uuid4()), first=now, due=now, attempts=1)
        headers = {**self._headers(parcel), **extra}
        parcel.last = self._post(parcel, headers)
        with self._lock:
            self._note(parcel, "raw", headers)
        self._changed()
        return parcel.last.status
