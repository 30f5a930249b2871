"""One alert: from the webhook to the assembled response, ours beside the ideal client's."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.chart import chart
from benchmarks.daemon import Daemon, running_daemon
from benchmarks.figures import Figure
from benchmarks.ideal import Ideal
from benchmarks.milestones import MILESTONES, Response, failed, medians, response_of
from benchmarks.path import KNOWN, LOOKED_UP, critical_path
from benchmarks.world import AT_ONCE, SLOW, Alert, World, running_world

_WITHIN = 1.25  # times the critical path
_OWN_MILLISECONDS = 150
_FRESH_STARTS = 3


@dataclass(slots=True, kw_only=True)
class Case:
    """The same work under the same conditions, done several times by us and by the ideal client."""

    title: str
    delays: Mapping[str, float] = field(default_factory=lambda: SLOW)
    connecting: float = 0.0
    looked_up: bool = False  # everybody's ids are asked for, else known from before
    service: str = "checkout"  # which Jira has a component for; empty: one that Jira does not know
    ours: list[Response] = field(default_factory=list)
    ideal: list[Response] = field(default_factory=list)

    def figures(self) -> list[Figure]:
        """Ours against the critical path; the ideal client's as information."""
        calls = LOOKED_UP if self.looked_up else KNOWN
        path = critical_path(calls, self.delays, connecting=self.connecting)
        ours, ideal = _assembled(self.ours), _assembled(self.ideal)
        ratios = [one / other for one, other in zip(ours, ideal, strict=True)]
        return [
            Figure(f"{self.title}: over the critical path", [one / path for one in ours], "x", _WITHIN),
            Figure(f"{self.title}: webhook to assembled", ours, "s", note=f"critical path {path:.2f} s"),
            Figure(f"{self.title}: ideal client", ideal, "s", note="in the same run"),
            Figure(f"{self.title}: over the ideal client", ratios, "x"),
        ]

    def own_time(self) -> list[Figure]:
        """All of it in milliseconds, which is our own time where the vendors take none."""
        ours = [one * 1000 for one in _assembled(self.ours)]
        ideal = [one * 1000 for one in _assembled(self.ideal)]
        return [
            Figure(f"{self.title}: webhook to assembled", ours, "ms", _OWN_MILLISECONDS),
            Figure(f"{self.title}: ideal client", ideal, "ms", note="in the same run"),
        ]

    def show(self) -> None:
        """Print the milestones of both, and the chart of our last run."""
        ours, ideal = medians(self.ours), medians(self.ideal)
        calls = len(self.ours[-1].said), len(self.ideal[-1].said)
        print(f"\n{self.title}: {calls[0]} calls, the ideal client {calls[1]}")
        for name in MILESTONES:
            print(f"  {name:32} {ours[name]:6.3f} s   ideal {ideal[name]:6.3f} s")
        print(chart(self.ours[-1]))


@dataclass(frozen=True, slots=True)
class _Both:
    """The two that do the same work, one after the other."""

    world: World
    daemon: Daemon
    ideal: Ideal

    async def respond(self, case: Case, mark: str) -> None:
        """Each responds to one alert of its own, from rest."""
        tokens = [f"ours-{mark}", f"ideal-{mark}"]
        services = [case.service or token for token in tokens]
        ours, theirs = await self.world.open_alerts(tokens, services, ["P1", "P1"])
        if case.looked_up:
            self.daemon.forget_people()
        await self.world.quiet()
        case.ours.append(await self._ours(ours))
        case.ideal.append(await self._ideals(theirs, looked_up=case.looked_up))
        await self.world.resolve([ours, theirs])

    async def _ours(self, alert: Alert) -> Response:
        began = time.monotonic()
        await self.daemon.tell(alert)
        said = await self.world.quiet(for_seconds=2.2)  # the headline is redrawn after 2 s at most
        response = response_of(alert.token, began, said)
        if not response.is_whole:
            raise RuntimeError(f"the response is not whole: {dict(response.ended)}, {failed(said)}")
        return response

    async def _ideals(self, alert: Alert, *, looked_up: bool) -> Response:
        began = time.monotonic()
        await self.ideal.respond(alert, looked_up=looked_up)
        return response_of(alert.token, began, await self.world.quiet())


async def measure(runs: int) -> list[Figure]:
    """Every row of the single alert."""
    own = Case(title="No latency", delays=AT_ONCE)
    slow = [
        Case(title="Looked up", looked_up=True),
        Case(title="Ids cached"),
        Case(title="Service without a Jira component", service=""),
    ]
    connecting = Case(title="100 ms a connection", connecting=0.1, looked_up=True)
    first = Case(title="No latency, first since start", delays=AT_ONCE, looked_up=True)
    async with running_world() as world:
        await _warm(world, [*slow, own], runs)
        for case in (connecting, first):
            await _fresh(world, case, min(runs, _FRESH_STARTS))
    for case in (*slow, connecting, own):
        case.show()
    figures = [figure for case in (*slow, connecting) for figure in case.figures()]
    return [*figures, *own.own_time(), *first.own_time()]


async def _warm(world: World, cases: list[Case], runs: int) -> None:
    """One daemon and one client for all; the first run opens connections and does not count."""
    async with running_daemon(world) as daemon:
        both = _Both(world, daemon, Ideal(world))
        for index, case in enumerate(cases):
            await world.set_delays(case.delays)
            for number in range(runs + 1):
                await both.respond(case, f"{index}-{number}")
            del case.ours[0], case.ideal[0]
        both.ideal.close()


async def _fresh(world: World, case: Case, runs: int) -> None:
    """A new daemon and a new client for each run: no connection is open yet."""
    await world.set_delays(case.delays, connecting=case.connecting)
    for number in range(runs):
        async with running_daemon(world) as daemon:
            both = _Both(world, daemon, Ideal(world))
            await both.respond(case, f"{len(case.title)}-{number}")
            both.ideal.close()


def _assembled(responses: list[Response]) -> list[float]:
    return [one.seconds("assembled") for one in responses]
