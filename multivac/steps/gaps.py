"""What is missing and what people can do about it: said once in the channel, edited as it mends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from multivac.briefing import Gaps, fingerprint
from multivac.incident import LEAD, role_name
from multivac.steps import paging, people
from multivac.steps.base import MENDED_WITHIN, NOTHING, Attempt, View
from multivac.steps.words import channel_of, say
from multivac.store.cases import Case, Result, StepRow
from multivac.tongue import any_of, mark, phrase

# A vendor that hiccups is nobody's business; one that stays away is.
_SAID_AFTER = timedelta(minutes=2)

_WORDS = {
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
    "ticket words": mark("The Jira ticket is not called as the incident"),
    "follow-up": mark("A follow-up is not in Jira"),
    "ticket label": mark("What is changed in the linked ticket is not heard"),
    "follow-up owner": mark("A follow-up is not assigned to its owner"),
    "follow-up link": mark("A follow-up is not linked with the ticket"),
    "second look": mark("Whether a ticket was opened twice is not known"),
    "duplicate": mark("{instance} is a second ticket of the same matter and not put away"),
    "archived": mark("The channel is not archived as it should be"),
    "status update": mark("An update is not in PagerDuty"),
    "next lead": mark("The next to lead could not be asked"),
    "alert priority": mark("The priority in PagerDuty does not follow the severity"),
    "severity heard": mark("Who set the priority in PagerDuty is not known"),
    "page": mark("A page could not be sent"),
    "capture": mark("A message that was to be kept could not be read"),
}

_OF_THE_END = frozenset({"step:ticket status", "step:archived"})
_OF_EACH_END = ("step:alert end/", "step:follow-up/", "step:follow-up link/", "step:duplicate/")


def lines_of(view: View) -> dict[str, str]:
    """Each gap that people should know of now: a stable name and one line with what to do."""
    case = view.case
    found = {f"step:{row.name}": line for row in case.steps.values() if (line := _failing(view, row))}
    return found | dict(_page_gaps(view)) | dict(_people_gaps(case)) | dict(_ticket_gaps(case))


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
    if row.failing_since is None or view.now - row.failing_since < _SAID_AFTER:
        view.look_again(row.failing_since + _SAID_AFTER if row.failing_since else None)
        return None
    return _gap(what, row.error or "", phrase("I keep trying; the rest goes on."))


def _gap(what: str, why: str, to_do: str) -> str:
    why = why.rstrip(".。")
    if not to_do:
        return phrase("{what}: {why}.", what=what, why=why)
    return phrase("{what}: {why}. {to_do}", what=what, why=why, to_do=to_do)


def _unsent(view: View, row: StepRow) -> str:
    """Of a page: at once, with whom to call, since somebody is waited for."""
    _, _, number = row.name.partition("/")
    wanted = next(one for one in view.case.summons if str(one.number) == number)
    to_do = (paging.whom_to_call(wanted, view.out), row.fix or "", _whether_tried_again(row))
    return _gap(phrase(_WORDS["page"]), row.error or "", " ".join(filter(None, to_do)))


def _whether_tried_again(row: StepRow) -> str:
    """Whether we send it by ourselves once that can be, and until when."""
    if row.gave_up != row.wanted:
        return phrase("I go on trying by myself, until it is sent or the incident is over.")
    if row.may_be_mended:
        minutes = round(MENDED_WITHIN.total_seconds() / 60)
        return phrase(
            "I try again every {minutes} minutes, until it is sent or the incident is over.", minutes=minutes
        )
    return phrase("I do not try this one again.")


# What is said of a step that is not done, where that is not the same as of most.
_RULES: Mapping[str, Callable[[View, StepRow], str | None]] = {
    "comment": _uncommented,
    "page": _unsent,
    "ticket status": _unmoved,
}


def _page_gaps(view: View) -> Iterator[tuple[str, str]]:
    if view.out.pager is None:
        for one in paging.unsent(view.case):
            why, to_do = phrase("Multivac has no key for PagerDuty"), paging.whom_to_call(one, view.out)
            yield f"step:page/{one.number}", _gap(phrase(_WORDS["page"]), why, to_do)


def _people_gaps(case: Case) -> Iterator[tuple[str, str]]:
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


def _role_gaps(case: Case) -> Iterator[tuple[str, str]]:
    if case.lead is None and case.steps.get("lead") and case.steps["lead"].was_done:
        problems = "; ".join(case.result("lead").get("problems", ()))
        yield "lead", _no_lead(problems)
    for name, held in sorted(case.roles.items()):
        if held.gone_at is not None:
            yield f"gone:{name}", _gone(name, held.person.name)
    for name, row in sorted(case.steps.items()):
        role = name.removeprefix("role/")
        if name.startswith("role/") and row.was_done and row.wanted and role not in case.roles:
            yield name, phrase("No {role} yet: the playbook's rule gave nobody.", role=role_name(role))


def _no_lead(problems: str) -> str:
    if not problems:
        return phrase("No lead yet. Say who leads, here.")
    return phrase("No lead yet ({problems}). Say who leads, here.", problems=problems)


def _gone(role: str, name: str) -> str:
    if role == LEAD:
        return phrase("{name}, the lead, has no Slack account any more. Say who leads.", name=name)
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


def gaps(view: View) -> Gaps | None:
    """The message as it should read now; None while there was never anything to say."""
    now = _now(view)
    before: dict[str, str] = view.case.result("gaps").get("said", {})
    before = before if view.case.status.is_open else {k: v for k, v in before.items() if _is_of_the_end(k)}
    gone = {name: line for name, line in before.items() if name not in now}
    mended = tuple(line for name, line in gone.items() if not _is_moot(view.case, name))
    return Gaps(lines=tuple(now.values()), mended=mended) if now or gone else None


def _is_moot(case: Case, name: str) -> bool:
    """Whether it is not mended, but nobody waits for it any more: a page, once somebody has accepted."""
    family, _, number = name.partition("/")
    return family == "step:page" and number.isdigit() and paging.is_moot(case, int(number))


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
