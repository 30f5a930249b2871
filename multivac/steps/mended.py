"""What is now so where something was missing, a sentence for each gap. Pure; said by `missing`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from multivac.incident import LEAD, role_name
from multivac.steps import oncall, people
from multivac.store.cases import Case
from multivac.tongue import mark, phrase

# Of a step that is done, by its family; those whose sentence rests on more than that are in `_RULES`.
_SENTENCES: Mapping[str, str] = {
    "service": mark("Who is on call for {instance} is known now."),
    "on call": mark("Who is on call is known now."),
    "schedule": mark("Who is on call for {instance} is known now."),
    "who": mark("The person PagerDuty names was looked up."),
    "group": mark("The Slack group {instance} was read."),
    "chat ids": mark("People were looked up in Slack."),
    "invite": mark("People are invited."),
    "ticket": mark("The Jira ticket is there: {key}."),
    "account": mark("The lead was looked up in Jira."),
    "priority": mark("The ticket's priority follows the severity."),
    "announcement": mark("The incident is announced."),
    "topic": mark("The topic is set."),
    "purpose": mark("The purpose is set."),
    "pin": mark("The headline is pinned."),
    "first bookmark": mark("The link is in the channel's bar."),
    "bookmark": mark("The link is in the channel's bar."),
    "note": mark("PagerDuty shows where the response is."),
    "checklist": mark("The checklist is posted."),
    "settle": mark("The channel was read."),
    "update": mark("The update is in the channel."),
    "thread": mark("The update is below the announcement."),
    "alert ack": mark("The alert is acknowledged in PagerDuty."),
    "alert end": mark("The alert is resolved in PagerDuty."),
    "ticket status": mark("The Jira ticket is moved."),
    "ticket words": mark("The Jira ticket has the incident's title."),
    "follow-up": mark("The follow-up is in Jira: {key}."),
    "ticket label": mark("Multivac hears what people change in the linked ticket."),
    "follow-up owner": mark("The follow-up is assigned to its owner."),
    "follow-up link": mark("The follow-up is linked with the ticket."),
    "second look": mark("Whether there are two tickets is known now."),
    "duplicate": mark("{instance} is closed as a duplicate."),
    "archived": mark("The channel is archived."),
    "status update": mark("The update is in PagerDuty."),
    "note passed on": mark("The note is in PagerDuty."),
    "alert priority": mark("The priority in PagerDuty follows the severity."),
    "severity heard": mark("Who set the priority in PagerDuty is known now."),
    "capture": mark("The message that was to be kept was read."),
    "stakeholder told": mark("The stakeholder was told directly."),
    "given": mark("Whoever was given a role or a task was told."),
}


def sentence(case: Case, name: str) -> str:
    """What is now so of the gap of this name; "" where nobody needs it any more, which mends nothing."""
    if name.startswith("step:"):
        return _of_step(case, name.removeprefix("step:"))
    family, _, instance = name.partition(":" if ":" in name else "/")
    return _OTHERS.get(family, _nothing)(case, instance)


def _of_step(case: Case, name: str) -> str:
    row = case.steps.get(name)
    if row is None or row.wanted is None or row.done != row.wanted:
        return ""
    family, _, instance = name.partition("/")
    if family in _RULES:
        return _RULES[family](case, instance)
    return phrase(_SENTENCES.get(family, ""), instance=instance, key=row.result.get("key", ""))


def _nothing(_case: Case, _: str) -> str:
    return ""  # a gap that an earlier release has said


def _assigned(case: Case, _: str) -> str:
    if case.lead is None or case.result("account").get("account") is None:
        return ""
    return phrase("The ticket is assigned to {name}.", name=people.name_of(case, case.lead))


def _leads(case: Case, _: str) -> str:
    return _held(case, LEAD)


def _held(case: Case, role: str) -> str:
    held = case.roles.get(role)
    if held is None or held.gone_at is not None:
        return ""
    return phrase("{name} is the {role}.", name=people.name_of(case, held.person), role=role_name(role))


def _commented(case: Case, _: str) -> str:
    if case.playbook.channel.private:
        return phrase("What was said before it became private is off the Jira ticket.")
    return phrase("The update is on the Jira ticket.")


def _asked(case: Case, after: str) -> str:
    person = case.result(f"next lead/{after}").get("person")
    return phrase("{name} is asked to lead.", name=person["name"]) if person else ""


_RULES: Mapping[str, Callable[[Case, str], str]] = {
    "assignee": _assigned,
    "lead": _leads,
    "role": _held,
    "comment": _commented,
    "next lead": _asked,
}


# --- what is no step ------------------------------------------------------------------------------


def _found(_case: Case, _: str) -> str:
    return phrase("Everybody who is needed was found in Slack.")


def _active(_case: Case, _: str) -> str:
    return phrase("Nobody who is needed is deactivated in Slack.")


def _here(case: Case, chat_id: str) -> str:
    member = case.members.get(chat_id)
    if member is None or not member.is_here:
        return ""
    names = {chat: key for key, chat in case.result("chat ids").get("ids", {}).items()}
    name = case.result("chat ids").get("names", {}).get(names.get(chat_id), chat_id)
    return phrase("{name} is in the channel.", name=name)


def _on_call(case: Case, schedule: str) -> str:
    if not any(oncall.on_call_of(case, schedule=schedule or None)):
        return ""
    if not schedule:
        return phrase("Somebody is on call for the alert.")
    return phrase("Somebody is on call for {schedule}.", schedule=schedule)


def _has_account(case: Case, _: str) -> str:
    found, lead = case.result("account"), case.lead
    if lead is None or found.get("account") is None or found.get("lead") != lead.key:
        return ""
    return phrase("{name} was found in Jira.", name=people.name_of(case, lead))


def _whole(case: Case, _: str) -> str:
    key = case.result("ticket").get("key")
    return phrase("The ticket is {ticket} now.", ticket=key) if key else ""


_OTHERS: Mapping[str, Callable[[Case, str], str]] = {
    "missing": _found,
    "inactive": _active,
    "refused": _here,
    "on call": _on_call,
    "schedule": _on_call,
    "lead": _leads,
    "gone": _held,
    "role": _held,
    "left out": _whole,
    "account": _has_account,
}
