"""The one message of what is missing: posted once there is room for it, edited as it is mended.

While there is no room yet, the headline has it in one line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from multivac.briefing import Gaps, Press, fingerprint
from multivac.incident import LEAD
from multivac.steps import mended
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.gaps import lines_of, said_before
from multivac.steps.ticket import TICKET
from multivac.steps.words import channel_of, say, view_of
from multivac.store.cases import Result
from multivac.tongue import phrase

_STEP = "step:"  # how the name of a gap begins that is a step not done
_OF_THE_END = frozenset({"step:ticket status", "step:archived"})
_OF_EACH_END = ("step:alert end/", "step:follow-up/", "step:follow-up link/", "step:duplicate/")


def gaps(view: View) -> Gaps | None:
    """The message as it should read now; None while there was never anything to say."""
    now, before = _now(view), said_before(view.case)
    before = before if view.case.status.is_open else {k: v for k, v in before.items() if _is_of_the_end(k)}
    gone = [name for name in before if name not in now]
    if not now and not gone:
        return None
    return Gaps(
        lines=tuple(now.values()),
        mended=tuple(dict.fromkeys(filter(None, (mended.sentence(view.case, name) for name in gone)))),
        presses=tuple(_presses(view, now)) if view.out.hears else (),
        about=view.case.id if any(name.startswith(_STEP) for name in now) else None,
    )


def _presses(view: View, names: Collection[str]) -> Iterator[Press]:
    """What people can do about these: whatever needs them first."""
    about = f"INC-{view.case.id}"
    if view.case.status.is_open and not {"lead", f"gone:{LEAD}"}.isdisjoint(names):
        yield Press(label=phrase("Take the lead"), line=f"{about} lead it", stands_out=True)
    if any(name.startswith(_STEP) for name in names):
        yield Press(label=phrase("Retry now"), line=f"{about} retry")
    if f"{_STEP}{TICKET}" in names:
        yield Press(label=phrase("Link a ticket"), line=f"{about} ticket link")


def _is_of_the_end(name: str) -> bool:
    return name in _OF_THE_END or name.startswith(_OF_EACH_END)


def _now(view: View) -> dict[str, str]:
    """The gaps of now; once it is over, only those that its end has left."""
    lines = lines_of(view)
    if view.case.status.is_open:
        return lines
    return {name: line for name, line in lines.items() if _is_of_the_end(name)}


def wants_gaps(view: View) -> Mapping[str, str]:
    """The gaps said, once there are any, and crossed out when they are mended."""
    row = view.case.steps.get("gaps")
    drawn = gaps(view) if view.out.chat is not None else None
    if drawn is None:
        is_open = view.out.chat is not None and view.case.status.is_open
        return {"": row.done} if row is not None and row.done and not is_open else NOTHING
    return {"": fingerprint(drawn)}


def say_gaps(attempt: Attempt) -> Result:
    """Post or redraw them."""
    view = view_of(attempt)
    drawn = gaps(view) or Gaps(lines=(), mended=())
    return say(attempt, channel_of(attempt.case), drawn) | {"said": said_before(attempt.case) | _now(view)}
