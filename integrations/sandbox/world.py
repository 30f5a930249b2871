"""What all stand-ins share: the clock, one lock, what was said over the wire, and what goes wrong.

A stand-in is a class which takes a `World`, keeps its state under `world.lock`, says with
`world.teach` how it words errors, and makes its routes with `world.endpoint`.
"""

import asyncio
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from integrations.sandbox.clock import Clock
from integrations.sandbox.exchange import Answer, Call, Exchange, Fault, FaultWords, Handler
from integrations.sandbox.wire import Endpoint, Loopback

__all__ = [
    "Answer",
    "Call",
    "Clock",
    "Exchange",
    "Fault",
    "FaultWords",
    "Loopback",
    "Witness",
    "World",
]

Witness = Callable[[Call, bool], bool]


class World:
    """The surroundings of the stand-ins; safe to use from any thread.

    `delays` (seconds per vendor), `connect_delay` (seconds, first request of each connection) and
    `limits_on` may be set at any time; `url` is
    where the sandbox listens. `exchanges` only grows until `reset`; readers copy it.

    A `witness` is asked twice about each call, before and after its effect (the second argument), on
    the server's own thread; where it says True the connection is cut then and there.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.delays: dict[str, float] = {}
        self.connect_delay = 0.0
        self.limits_on = False
        self.exchanges: list[Exchange] = []
        self._forgotten_until = 0.0
        self.faults: list[Fault] = []
        self.witness: Witness | None = None
        self.changed = 0
        self.url = ""
        self._moved = threading.Condition()
        self._words: dict[str, FaultWords] = {}
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()
        self._gates: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def endpoint(self, vendor: str, method_of: str | Callable[[Call], str], handler: Handler) -> Endpoint:
        """Give an ASGI endpoint for a starlette `Route` (pass `methods=[...]` there).

        `method_of` is the vendor's name of the method ("GET /oncalls"), or reads it off the call;
        `handler` runs under `lock` and answers without waiting for anything.
        """
        return Endpoint(self, vendor=vendor, method_of=method_of, handler=handler)

    def teach(self, vendor: str, words: FaultWords) -> None:
        """Say how a vendor's injected errors look."""
        self._words[vendor] = words

    def words_of(self, vendor: str) -> FaultWords:
        """Give the vendor's way of wording errors."""
        return self._words.get(vendor) or FaultWords()

    def fail(self, fault: Fault) -> Fault:
        """Make something go wrong from now on; the first fault that fits a call is the one that happens."""
        kept = replace(fault)
        with self.lock:
            self.faults.append(kept)
        self.touch()
        return kept

    def heal(self) -> None:
        """Take back all faults and let go of what is held."""
        with self.lock:
            self.faults.clear()
        self.release()
        self.touch()

    def fault_for(self, call: Call) -> Fault | None:
        """Give the fault that happens to this call, if any, and use up one of its times."""
        if not self.faults:
            return None
        with self.lock:
            fault = next((fault for fault in self.faults if fault.hits(call)), None)
            if fault is None or fault.times == 0:
                return fault
            if fault.times == 1:
                self.faults.remove(fault)
            else:
                fault.times -= 1
            return fault

    def is_cut(self, call: Call, *, happened: bool) -> bool:
        """Ask the witness, if there is one, whether the client hears no more of this call."""
        return self.witness is not None and self.witness(call, happened)

    async def gate(self) -> None:
        """Wait, as a held request, until `release`."""
        gate = (asyncio.get_running_loop(), asyncio.Event())
        with self.lock:
            self._gates.append(gate)
        self.touch()
        await gate[1].wait()

    @property
    def held(self) -> int:
        """How many requests are held right now."""
        return len(self._gates)

    def release(self) -> None:
        """Let all held requests go on; their effect happens even if their client is gone by now."""
        with self.lock:
            gates, self._gates = self._gates, []
        for loop, event in gates:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    def is_new(self, transport: Any) -> bool:
        """Say whether this is the first request on that connection."""
        if transport is None or transport in self._seen:
            return False
        self._seen.add(transport)
        return True

    def record(self, exchange: Exchange) -> None:
        """Note what was said over the wire."""
        with self.lock:
            if exchange.started >= self._forgotten_until:  # else it began before the reset
                self.exchanges.append(exchange)
        self.touch()

    def calls(self, vendor: str, method: str | None = None) -> list[Exchange]:
        """Give what was said to a vendor so far, in order, perhaps of one method only."""
        with self.lock:
            heard = list(self.exchanges)
        return [each for each in heard if each.vendor == vendor and method in (None, each.method)]

    def touch(self) -> None:
        """Say that something visible changed."""
        with self._moved:
            self.changed += 1
            self._moved.notify_all()

    def wait_for(self, true: Callable[[], bool], timeout: float = 5.0) -> bool:
        """Block until `true()` holds, looking again after every change; False if it never did."""
        deadline = time.monotonic() + timeout
        while not true():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self._moved:
                self._moved.wait(min(left, 0.05))
        return True

    def reset(self) -> None:
        """Forget exchanges and faults; delays, limits and the clock stay as they are."""
        self.heal()
        with self.lock:
            self.exchanges.clear()
            self._forgotten_until = time.monotonic()
        self.touch()
