"""A page that was not sent: said in the channel at once, and directly to whoever asked for it.

In messages of their own, since somebody is waited for: an edit of what stands there would reach nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from multivac.briefing import Answer, Press, fingerprint
from multivac.errors import sure
from multivac.steps import paging
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.directly import directly
from multivac.steps.whispers import tell
from multivac.steps.words import channel_of, say, view_of
from multivac.store import acts
from multivac.store import people as directory
from multivac.store.cases import Case, Result, Summons
from multivac.tongue import phrase

FAILED, TOLD = "page failed", "page told"


def wants_failed(view: View) -> Mapping[str, str]:
    """Each page that fails said in the channel, and what becomes of it."""
    if view.out.chat is None:
        return NOTHING
    return {str(one.number): drawn for one in view.case.summons if (drawn := _drawn(view, FAILED, one))}


def wants_told(view: View) -> Mapping[str, str]:
    """Whoever asked for a page told that it fails, and what becomes of it."""
    if view.out.chat is None or not view.out.hears:
        return NOTHING
    asked_for = (one for one in view.case.summons if one.by)
    return {str(one.number): drawn for one in asked_for if (drawn := _drawn(view, TOLD, one))}


def _drawn(view: View, family: str, wanted: Summons) -> str | None:
    """How it should read now; None while there is nothing to say, and while it was said perhaps."""
    row = view.case.steps.get(f"{family}/{wanted.number}")
    was_said = row is not None and row.was_done
    message = _message(view, wanted) if was_said or paging.unsent(view, wanted) else None
    if row is not None and was_said and (message is None or "message" not in row.result):
        return row.done
    return fingerprint(message) if message is not None else None


def _message(view: View, wanted: Summons) -> Answer | None:
    """What is told; None while it is being tried again."""
    case, failed = view.case, paging.unsent(view, wanted)
    if failed is not None:
        whom, why = paging.named(wanted), failed.why.rstrip(".。")
        if wanted.by:
            what = phrase("{by} asked to page {whom}, which failed: {why}.", by=wanted.by, whom=whom, why=why)
        else:
            what = phrase("Nobody has accepted to lead, and paging {whom} failed: {why}.", whom=whom, why=why)
        to_do = (paging.whom_to_call(wanted, view.out), failed.fix, failed.again)
        lines = tuple(filter(None, (what, *to_do)))
        return Answer(title=phrase("A page could not be sent"), lines=lines, presses=_presses(view))
    if wanted.told_at is not None:
        names = ", ".join(case.result(f"page/{wanted.number}").get("paged", ()))
        return Answer(lines=(phrase("✅ The page was sent: PagerDuty pages {names}.", names=names),))
    if paging.is_moot(case, wanted):
        whom = paging.named(wanted)
        return Answer(lines=(phrase("Nobody waits any more for the page to {whom}.", whom=whom),))
    return None


def _presses(view: View) -> tuple[Press, ...]:
    retry = Press(label=phrase("Retry now"), line=f"INC-{view.case.id} retry", stands_out=True)
    return (retry,) if view.out.hears and view.out.pager is not None else ()


def say_failed(attempt: Attempt) -> Result:
    """Post it, or edit it."""
    return say(attempt, channel_of(attempt.case), _told(attempt))


def tell_asker(attempt: Attempt) -> Result:
    """Write to whoever asked, wherever they did, or edit it."""
    chat_id = _asker(attempt, _wanted(attempt))
    if chat_id is None:
        return {}
    return tell(attempt, chat_id, partial(_directly, attempt.case, attempt))


def _directly(case: Case, attempt: Attempt) -> Answer:
    return directly(case, _told(attempt))


def _told(attempt: Attempt) -> Answer:
    return sure(_message(view_of(attempt), _wanted(attempt)))


def _wanted(attempt: Attempt) -> Summons:
    return next(one for one in attempt.case.summons if str(one.number) == attempt.instance)


def _asker(attempt: Attempt, wanted: Summons) -> str | None:
    """The chat's id of whoever asked for the page, as the trail has them."""
    with attempt.out.database.read() as tx:
        key = acts.asked_for(tx, attempt.case.id, paging.step_of(wanted.number))
        known = directory.identities(tx, "slack", [key] if key else [])
    if key is None or key in known:
        return known[key].id if key else None
    vendor, _, chat_id = key.partition(":")
    return chat_id if vendor == "slack" else None
