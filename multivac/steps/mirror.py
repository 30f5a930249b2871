"""The ticket over the life of its incident: where it stands, and what it is called.

Whoever opens it in the tracker is to see the truth, and what people change there themselves stays: a
ticket is begun only where nobody has, and called anew only when the incident is.
"""

from __future__ import annotations

from collections.abc import Mapping

from multivac.briefing import fingerprint
from multivac.incident import Status
from multivac.ports import Standing
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.ticket import TICKET, draft_of
from multivac.store.cases import Case, Result


def wants_status(view: View) -> Mapping[str, str]:
    """Begun while the incident is open, done once it is over, and taken up again when it is reopened."""
    case, row = view.case, view.case.steps.get("ticket status")
    if view.out.tracker is None or not case.result(TICKET):
        return NOTHING
    if not case.status.is_open:
        return {"": Standing.DONE}
    before = _standing(row.wanted) if row is not None and row.wanted else Standing.BEGUN
    standing = Standing.BEGUN if before is Standing.BEGUN else Standing.BACK
    # Where the playbook says what Jira's statuses mean, another may be the right one after each change.
    is_mapped = bool(view.playbook.ticket.statuses)
    return {"": f"{standing} {case.status}" if is_mapped else standing}


def _standing(mark: str) -> Standing:
    return Standing(mark.partition(" ")[0])


def move_ticket(attempt: Attempt) -> Result:
    """Move it; where it stands so already is fine."""
    case, standing = attempt.case, _standing(attempt.before.wanted or Standing.DONE)
    if standing is Standing.BEGUN and attempt.before.result.get("moved"):
        standing = Standing.BACK  # the incident has changed since: that is later than what people did to it
    never = () if standing is Standing.DONE else _meaning_another(case)
    attempt.tracker().move(case.result(TICKET)["key"], standing, never=never)
    return {"moved": True}


def _meaning_another(case: Case) -> tuple[str, ...]:
    """The tracker's statuses that would say of the incident what it is not."""
    means: Mapping[str, Status] = case.playbook.ticket.statuses
    return tuple(name for name, meant in means.items() if meant is not case.status)


def wants_words(view: View) -> Mapping[str, str]:
    """The ticket called as the incident is, once that is another title than it was opened with.

    One that people have made and linked keeps theirs.
    """
    made, row = view.case.result(TICKET), view.case.steps.get("ticket words")
    if view.out.tracker is None or not made or made.get("linked"):
        return NOTHING
    title = draft_of(view.case, view.out.public_url).title
    is_private = view.playbook.channel.private
    was_done = row is not None and (row.was_done or row.unknown)
    is_known = "title" in made or is_private  # an earlier release did not note it
    has_moved = was_done or made.get("title") != title
    return {"": fingerprint(title, is_private)} if is_known and has_moved else NOTHING


def reword_ticket(attempt: Attempt) -> Result:
    """Write its title anew; of one that became private the description as well. Twice does no harm."""
    case = attempt.case
    draft = draft_of(case, attempt.out.public_url)
    is_private = case.playbook.channel.private
    attempt.tracker().reword(case.result(TICKET)["key"], draft, whole=is_private)
    return {}
