"""What is missing and what people can do about it, line by line. Pure; said by `missing` and the headline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from multivac.incident import LEAD, role_name
from multivac.steps import oncall
from multivac.steps.base import View
from multivac.store.cases import Case, StepRow
from multivac.tongue import any_of, mark, phrase

# A vendor that hiccups is nobody's business; one that stays away is.
_SAID_AFTER = timedelta(minutes=2)

_WORDS = {
    "service": mark("Who is on call for {instance} is not known"),
    "on call": mark("Who is on call is not known"),
    "schedule": mark("Who is on call for {instance} is not known"),
    "who": mark("A person PagerDuty names could not be looked up"),
    "group": mark("The Slack group {instance} could not be read"),
    "chat ids": mark("People could not be looked up in Slack"),
    "invite": mark("People could not be invited"),
    "ticket": mark("There is no Jira ticket"),
    "account": mark("The lead could not be found in Jira"),
    "assignee": mark("The ticket is not assigned to the lead"),
    "priority": mark("The ticket's priority does not follow the severity"),
    "lead": mark("No lead could be chosen"),
    "role": mark("Nobody could be chosen as {instance}"),
    "announcement": mark("The incident is not announced"),
    "topic": mark("The topic is not set"),
    "purpose": mark("The purpose is not set"),
    "pin": mark("The headline is not pinned"),
    "first bookmark": mark("A link is missing in the channel's bar"),
    "bookmark": mark("A link is missing in the channel's bar"),
    "note": mark("PagerDuty does not show where the response is"),
    "checklist": mark("A checklist could not be posted"),
    "settle": mark("The channel could not be read"),
    "update": mark("An update is not in the channel"),
    "thread": mark("An update did not reach the announcement"),
    "comment": mark("An update is not on the Jira ticket"),
    "alert ack": mark("The alert is not acknowledged in PagerDuty"),
    "alert end": mark("The alert is not resolved in PagerDuty"),
    "ticket status": mark("The Jira ticket is not moved"),
    "ticket words": mark("The Jira ticket does not have the incident's title"),
    "follow-up": mark("A follow-up is not in Jira"),
    "ticket label": mark("Multivac does not hear what people change in the linked ticket"),
    "follow-up owner": mark("A follow-up is not assigned to its owner"),
    "follow-up link": mark("A follow-up is not linked with the ticket"),
    "second look": mark("Whether there are two tickets is not known"),
    "duplicate": mark("{instance} is a second ticket of this incident, and is still open"),
    "archived": mark("The channel is not archived as it should be"),
    "status update": mark("An update is not in PagerDuty"),
    "note passed on": mark("A note is not in PagerDuty"),
    "next lead": mark("Who is asked to lead next is not known"),
    "alert priority": mark("The priority in PagerDuty does not follow the severity"),
    "severity heard": mark("Who set the priority in PagerDuty is not known"),
    "page": mark("A page could not be sent"),
    "capture": mark("A message that was to be kept could not be read"),
    "stakeholder told": mark("A stakeholder was not told directly"),
    "given": mark("Somebody was not told of a role or task that they were given"),
}


def lines_of(view: View) -> dict[str, str]:
    """Each gap that people should know of now: a stable name and one line with what to do."""
    case = view.case
    found = {f"step:{row.name}": line for row in case.steps.values() if (line := _failing(view, row))}
    return found | dict(_people_gaps(case, hears=view.out.hears)) | dict(_ticket_gaps(case))


def said_before(case: Case) -> dict[str, str]:
    """Each gap that the message has ever had, as it was said last."""
    said: dict[str, str] = case.result("gaps").get("said", {})
    return said


def held_back(view: View) -> tuple[str, ...]:
    """What is missing while the message of it waits for room, in a few words each."""
    row = view.case.steps.get("gaps")
    if row is None or row.was_done or row.wanted is not None or not view.case.status.is_open:
        return ()
    return tuple(in_short(name, line) for name, line in lines_of(view).items())


def in_short(name: str, line: str) -> str:
    """What a gap is about, without why and what to do, where that can be told apart."""
    return missing(name.removeprefix("step:")) if name.startswith("step:") else line


def missing(name: str) -> str:
    """What is missing while this step is not done, without a full stop."""
    family, _, instance = name.partition("/")
    words = _WORDS.get(family, mark("{step} is not done"))
    return phrase(words, instance=role_name(instance) if family == "role" else instance, step=name)


def _failing(view: View, row: StepRow) -> str | None:
    """One line on a step that is not done, by the rule of its kind."""
    family, _, _ = row.name.partition("/")
    is_missing = row.wanted is not None and row.error is not None and row.done != row.wanted
    return _RULES.get(family, _lasting)(view, row) if is_missing and family in _WORDS else None


def _lasting(view: View, row: StepRow) -> str | None:
    """Of most: once it was given up, or has been failing for so long that people should know."""
    return _said_of(view, row, missing(row.name))


def _unmoved(view: View, row: StepRow) -> str | None:
    """Of the ticket's status: once it is over; whoever fights the fire need not know, operators do."""
    return None if view.case.status.is_open else _lasting(view, row)


def _uncommented(view: View, row: StepRow) -> str | None:
    """Of a comment on the ticket: of what became private, that it is still there."""
    if not view.playbook.channel.private:
        return _lasting(view, row)
    return _said_of(view, row, phrase("What was said before it became private is still on the Jira ticket"))


def _said_of(view: View, row: StepRow, what: str) -> str | None:
    if row.gave_up == row.wanted:
        return _gap(what, row.error or "", row.fix or "")
    is_new = row.failing_since is None or view.now - row.failing_since < _SAID_AFTER
    if is_new and not _was_said(view.case, row):
        view.look_again(row.failing_since + _SAID_AFTER if row.failing_since else None)
        return None
    return _gap(what, row.error or "", phrase("I keep trying; the rest goes on."))


def _was_said(case: Case, row: StepRow) -> bool:
    """Whether the message has this failure already, which was given up then and is tried again now."""
    said = case.steps.get("gaps")
    if said is None or said.done_at is None or row.failing_since is None:
        return False
    return f"step:{row.name}" in said_before(case) and row.failing_since <= said.done_at


def _gap(what: str, why: str, to_do: str) -> str:
    why = why.rstrip(".。")
    if not to_do:
        return phrase("{what}: {why}.", what=what, why=why)
    return phrase("{what}: {why}. {to_do}", what=what, why=why, to_do=to_do)


def _said_apart(_view: View, _row: StepRow) -> None:
    """Of a page: nothing here, since it has a message of its own that waits for nothing."""


# What is said of a step that is not done, where that is not the same as of most.
_RULES: Mapping[str, Callable[[View, StepRow], str | None]] = {
    "comment": _uncommented,
    "page": _said_apart,
    "ticket status": _unmoved,
}


def _people_gaps(case: Case, *, hears: bool) -> Iterator[tuple[str, str]]:
    looked_up = case.result("chat ids")
    if missing := looked_up.get("missing"):
        names = ", ".join(missing)
        yield "missing", phrase("Not found in Slack: {names}. Invite them by hand.", names=names)
    if inactive := looked_up.get("inactive"):
        names = ", ".join(inactive)
        yield "inactive", phrase("Deactivated in Slack: {names}. Page their stand-in.", names=names)
    for chat_id, why in case.result("invite").get("refused", {}).items():
        name = _name(case, chat_id)
        yield f"refused:{chat_id}", phrase("{name} could not be invited: {why}.", name=name, why=why)
    yield from _on_call_gaps(case)
    yield from _role_gaps(case, hears=hears)


def _name(case: Case, chat_id: str) -> str:
    looked_up = case.result("chat ids")
    key = next((key for key, known in looked_up.get("ids", {}).items() if known == chat_id), None)
    held = next((one.person.name for one in case.roles.values() if one.person.slack == chat_id), chat_id)
    return str(looked_up.get("names", {}).get(key, held))


def _on_call_gaps(case: Case) -> Iterator[tuple[str, str]]:
    row = case.steps.get("on call")
    levels = case.playbook.wanted(case.severity).alert_policy_levels
    nobody = not any(level in levels for level, _ in oncall.on_call_of(case))
    if row is not None and row.was_done and levels and nobody:
        yield (
            "on call",
            phrase(
                "Nobody is on call at level {levels} of this alert's policy. Page somebody by hand.",
                levels=any_of(map(str, levels)),
            ),
        )
    for name, one in sorted(case.steps.items()):
        if name.startswith("schedule/") and one.was_done and one.result.get("on_call") == []:
            schedule = name.removeprefix("schedule/")
            yield name, phrase("Nobody is on call for {schedule}. Page somebody by hand.", schedule=schedule)


def _role_gaps(case: Case, *, hears: bool) -> Iterator[tuple[str, str]]:
    if case.lead is None and case.steps.get("lead") and case.steps["lead"].was_done:
        problems = "; ".join(case.result("lead").get("problems", ()))
        yield "lead", _no_lead(problems, hears=hears)
    for name, held in sorted(case.roles.items()):
        if held.gone_at is not None:
            yield f"gone:{name}", _gone(name, held.person.name, hears=hears)
    for name, row in sorted(case.steps.items()):
        role = name.removeprefix("role/")
        if name.startswith("role/") and row.was_done and row.wanted and role not in case.roles:
            yield name, phrase("No {role} yet: the playbook's rule gave nobody.", role=role_name(role))


def _no_lead(problems: str, *, hears: bool) -> str:
    match bool(problems), hears:
        case False, True:
            return phrase("No lead yet. Whoever leads presses Take the lead.")
        case True, True:
            return phrase("No lead yet ({problems}). Whoever leads presses Take the lead.", problems=problems)
        case False, False:
            return phrase("No lead yet. Say who leads, here.")
        case _:
            return phrase("No lead yet ({problems}). Say who leads, here.", problems=problems)


def _gone(role: str, name: str, *, hears: bool) -> str:
    if role == LEAD and hears:
        told = mark("{name}, the lead, has no Slack account any more. Whoever leads presses Take the lead.")
        return phrase(told, name=name)
    if role == LEAD:
        return phrase("{name}, the lead, has no Slack account any more. Say who leads.", name=name)
    if hears:
        return phrase(
            "{name}, the {role}, has no Slack account any more. Name another: `/incident role {role} @bo`.",
            name=name,
            role=role_name(role),
        )
    return phrase(
        "{name}, the {role}, has no Slack account any more. Say who is the {role}.",
        name=name,
        role=role_name(role),
    )


def _ticket_gaps(case: Case) -> Iterator[tuple[str, str]]:
    if left_out := case.result("ticket").get("left_out"):
        fields = ", ".join(f"{field} ({why})" for field, why in left_out.items())
        told = phrase("Jira refused these fields, so the ticket is without them: {fields}.", fields=fields)
        yield "left out", told
    found, lead = case.result("account"), case.lead
    if lead and found and found.get("lead") == lead.key and found.get("account") is None:
        yield (
            "account",
            phrase(
                "{name} has no Jira account that I can find, so {ticket} is not assigned to them. "
                "Assign it by hand; operators can add the account to people.yaml.",
                name=lead.name,
                ticket=case.result("ticket").get("key") or phrase("the ticket"),
            ),
        )
