"""The calls of one response and what each truly depends on; the critical path follows from these.

This is not Multivac's own table of steps: it says what the vendors' interfaces force, and is what both
the ideal client and the bound are made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One call, or `width` calls side by side, to a vendor, after those named in `needs`."""

    name: str
    vendor: str
    needs: tuple[str, ...] = ()
    width: int = 1


PEOPLE = 3  # who is looked up: the on-calls of the example company's policy, two levels

LOOKED_UP: tuple[Call, ...] = (
    Call("on call", "pagerduty"),
    Call("channel", "slack"),
    Call("ticket", "jira"),
    Call("topic", "slack", ("channel",)),
    Call("purpose", "slack", ("channel",)),
    Call("headline", "slack", ("channel",)),
    Call("announcement", "slack", ("channel",)),
    Call("alert bookmark", "slack", ("channel",)),
    Call("note", "pagerduty", ("channel",)),
    Call("chat ids", "slack", ("on call",), PEOPLE),
    Call("account", "jira", ("on call",)),
    Call("invite", "slack", ("channel", "chat ids")),
    Call("pin", "slack", ("headline",)),
    Call("checklist", "slack", ("headline",)),
    Call("assignee", "jira", ("ticket", "account")),
    Call("lead told", "slack", ("channel", "ticket", "on call")),
    Call("ticket bookmark", "slack", ("channel", "ticket")),
)

_LOOK_UPS = {"chat ids": ("on call",), "account": ("on call",)}

# The same with the chat's and the tracker's ids of people known from before.
KNOWN: tuple[Call, ...] = tuple(
    Call(call.name, call.vendor, tuple(one for need in call.needs for one in _LOOK_UPS.get(need, (need,))))
    for call in LOOKED_UP
    if call.name not in _LOOK_UPS
)

# When these have ended, the response is assembled.
ASSEMBLED = ("channel", "invite", "assignee", "headline", "checklist", "announcement")


def ends(
    calls: tuple[Call, ...], seconds: Mapping[str, float], *, connecting: float = 0.0
) -> dict[str, float]:
    """When each call ends at best, in seconds from the start.

    With `connecting`, every connection that is not open yet costs that much; none is at the start,
    and a call takes one that is free before it opens another.
    """
    ended: dict[str, float] = {}
    free: dict[str, list[float]] = {call.vendor: [] for call in calls}
    left = list(calls)
    while left:
        ready = [call for call in left if all(need in ended for need in call.needs)]
        call = min(ready, key=lambda one: _start(one, ended))
        left.remove(call)
        ended[call.name] = max(
            _answered(
                free[call.vendor], _start(call, ended), takes=seconds[call.vendor], connecting=connecting
            )
            for _ in range(call.width)
        )
    return ended


def critical_path(calls: tuple[Call, ...], seconds: Mapping[str, float], *, connecting: float = 0.0) -> float:
    """The seconds below which no client can assemble the response."""
    ended = ends(calls, seconds, connecting=connecting)
    return max(ended[name] for name in ASSEMBLED)


def _start(call: Call, ended: Mapping[str, float]) -> float:
    return max((ended[need] for need in call.needs), default=0.0)


def _answered(free: list[float], start: float, *, takes: float, connecting: float) -> float:
    """When a call ends that starts on a connection of these, each free from its time on."""
    idle = next((at for at in free if at <= start), None)
    if idle is not None:
        free.remove(idle)
    end = start + takes + (connecting if idle is None else 0.0)
    free.append(end)
    return end
