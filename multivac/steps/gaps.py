"""What is missing and what people can do about it: said once in the channel, edited as it mends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from multivac.briefing import Gaps, fingerprint
from multivac.incident import LEAD
from multivac.steps import paging, people
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.words import channel_of, say
from multivac.store.cases import Case, Result, StepRow

# A vendor that hiccups is nobody's business; one that stays away is.
_SAID_AFTER = timedelta(minutes=2)

_WORDS = {
    "on call": "Who is on call is not known",
    "schedule": "Who is on call for {instance} is not known",
    "who": "A person PagerDuty names could not be looked up",
    "group": "The Slack group {instance} could not be read",
    "chat ids": "People could not be looked up in Slack",
    "invite": "People could not be invited",
    "ticket": "There is no Jira ticket",
    "account": "The lead could not be found in Jira",
    "assignee": "The ticket is not assigned to the lead",
    "priority": "The ticket's priority does not follow the severity",
    "lead": "No lead could be chosen",
    "role": "Nobody could be chosen as {instance}",
    "announcement": "The incident is not announced",
    "topic": "The topic is not set",
    "purpose": "The purpose is not set",
    "pin": "The headline is not pinned",
    "first bookmark": "A link is missing in the channel's bar",
    "bookmark": "A link is missing in the channel's bar",
    "note": "PagerDuty does not show where the response is",
    "checklist": "A checklist could not be posted",
    "settle": "The channel could not be read",
    "update": "An update is not in the channel",
    "thread": "An update did not reach the announcement",
    "comment": "An update is not on the Jira ticket",
    "alert end": "The alert is not resolved in PagerDuty",
    "ticket end": "The Jira ticket is not moved",
    "follow-up": "A follow-up is not in Jira",
    "follow-up link": "A follow-up is not linked with the ticket",
    "second look": "Whether a ticket was opened twice is not known",
    "duplicate": "{instance} is a second ticket of the same matter and not put away",
    "archived": "The channel is not archived as it should be",
    "status update": "An update is not in PagerDuty",
    "next lead": "The next to lead could not be asked",
    "alert priority": "The priority in PagerDuty does not follow the severity",
    "page": "A page could not be sent",
    "capture": "A message that was to be kept could not be read",
}

_OF_THE_END = frozenset({"step:ticket end", "step:archived"})
_OF_EACH_END = ("step:alert end/", "step:follow-up/", "step:follow-up link/", "step:duplicate/")


def lines_of(view: View) -> dict[str, str]:
    """Each gap that people should know of now: a stable name and one line with what to do."""
    case = view.case
    found = {f"step:{row.name}": line for row in case.steps.values() if (line := _failing(view, row))}
    return found | dict(_page_gaps(view)) | dict(_people_gaps(case)) | dict(_ticket_gaps(case))


def _failing(view: View, row: StepRow) -> str | None:
    """One line on a step that was given up, or that has been failing for so long that people should know."""
    family, _, instance = row.name.partition("/")
    words = _WORDS.get(family)
    if words is None or row.wanted is None or row.error is None or row.done == row.wanted:
        return None
    if family == "page":
        return _unsent(view, row, int(instance))
    said = f"{words.format(instance=instance)}: {row.error.rstrip('.')}."
    if row.gave_up == row.wanted:
        return f"{said} {row.fix or ''}".strip()
    if row.failing_since is None or view.now - row.failing_since < _SAID_AFTER:
        view.look_again(row.failing_since + _SAID_AFTER if row.failing_since else None)
        return None
    return f"{said} I keep trying; the rest goes on."


def _unsent(view: View, row: StepRow, number: int) -> str:
    """A page that fails is said at once, with whom to call: somebody is waited for."""
    wanted = next(one for one in view.case.summons if one.number == number)
    goes_on = row.fix if row.gave_up == row.wanted else "I keep trying."
    said = f"{_WORDS['page']}: {(row.error or '').rstrip('.')}. {paging.whom_to_call(wanted, view.out)}"
    return f"{said} {goes_on or ''}".strip()


def _page_gaps(view: View) -> Iterator[tuple[str, str]]:
    if view.out.pager is None:
        for one in paging.unsent(view.case):
            why = "Multivac has no key for PagerDuty"
            yield f"step:page/{one.number}", f"{_WORDS['page']}: {why}. {paging.whom_to_call(one, view.out)}"


def _people_gaps(case: Case) -> Iterator[tuple[str, str]]:
    looked_up = case.result("chat ids")
    if missing := looked_up.get("missing"):
        yield (
            "missing",
            f"Not found in Slack: {', '.join(missing)}. Invite them by hand.",
        )
    if inactive := looked_up.get("inactive"):
        yield "inactive", f"Deactivated in Slack: {', '.join(inactive)}. Page their stand-in."
    for chat_id, why in case.result("invite").get("refused", {}).items():
        yield f"refused:{chat_id}", f"{_name(case, chat_id)} could not be invited: {why}."
    yield from _on_call_gaps(case)
    yield from _role_gaps(case)


def _name(case: Case, chat_id: str) -> str:
    looked_up = case.result("chat ids")
    key = next((key for key, known in looked_up.get("ids", {}).items() if known == chat_id), None)
    return str(looked_up.get("names", {}).get(key, chat_id))


def _on_call_gaps(case: Case) -> Iterator[tuple[str, str]]:
    row = case.steps.get("on call")
    levels = case.playbook.wanted(case.severity).alert_policy_levels
    nobody = not any(level in levels for level, _ in people.on_call_of(case))
    if row is not None and row.was_done and levels and nobody:
        said = "level " + " or ".join(map(str, levels))
        yield "on call", f"Nobody is on call at {said} of this alert's policy. Page somebody by hand."
    for name, one in sorted(case.steps.items()):
        if name.startswith("schedule/") and one.was_done and one.result.get("on_call") == []:
            yield name, f"Nobody is on call for {name.removeprefix('schedule/')}. Page somebody by hand."


def _role_gaps(case: Case) -> Iterator[tuple[str, str]]:
    if case.lead is None and case.steps.get("lead") and case.steps["lead"].was_done:
        problems = "; ".join(case.result("lead").get("problems", ()))
        yield "lead", f"No lead yet{f' ({problems})' if problems else ''}. Say who leads, here."
    for name, held in sorted(case.roles.items()):
        if held.gone_at is not None:
            does = "leads" if name == LEAD else f"is the {name}"
            yield (
                f"gone:{name}",
                f"{held.person.name}, the {name}, has no Slack account any more. Say who {does}.",
            )
    for name, row in sorted(case.steps.items()):
        role = name.removeprefix("role/")
        if name.startswith("role/") and row.was_done and row.wanted and role not in case.roles:
            yield name, f"No {role} yet: the playbook's rule gave nobody."


def _ticket_gaps(case: Case) -> Iterator[tuple[str, str]]:
    if left_out := case.result("ticket").get("left_out"):
        fields = ", ".join(f"{field} ({why})" for field, why in left_out.items())
        yield "left out", f"Jira refused these fields, so the ticket is without them: {fields}."
    found, lead = case.result("account"), case.lead
    if lead and found and found.get("lead") == lead.key and found.get("account") is None:
        ticket = case.result("ticket").get("key", "the ticket")
        said = f"{lead.name} has no Jira account that I can find, so {ticket} is not assigned to them."
        yield "account", f"{said} Assign it by hand; operators can add the account to people.yaml."


def gaps(view: View) -> Gaps | None:
    """The message as it should read now; None while there was never anything to say."""
    now = _now(view)
    before: dict[str, str] = view.case.result("gaps").get("said", {})
    before = before if view.case.status.is_open else {k: v for k, v in before.items() if _is_of_the_end(k)}
    mended = tuple(line for name, line in before.items() if name not in now)
    return Gaps(lines=tuple(now.values()), mended=mended) if now or mended else None


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
    view = View(case=attempt.case, now=attempt.now, out=attempt.out)
    drawn = gaps(view) or Gaps(lines=(), mended=())
    before: dict[str, str] = attempt.before.result.get("said", {})
    return say(attempt, channel_of(attempt.case), drawn) | {"said": before | _now(view)}
