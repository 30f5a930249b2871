"""What is told whoever may not ask something: who may, a sentence for each verb. Pure."""

from __future__ import annotations

from multivac.tongue import mark, phrase
from multivac.verbs.verb import Verb

_REFUSALS = {
    # those who respond
    "lead": mark("Only those who respond in INC-{number} can take the lead, or say who leads."),
    "role": mark("Only those who respond in INC-{number} can give somebody a role."),
    "roles": mark("Only those who respond in INC-{number} can change the roles."),
    "severity": mark("Only those who respond in INC-{number} can settle the severity."),
    "impact": mark("Only those who respond in INC-{number} can say what users notice."),
    "status": mark("Only those who respond in INC-{number} can say where it stands."),
    "mitigate": mark("Only those who respond in INC-{number} can say that it is mitigated."),
    "reopen": mark("Only those who respond in INC-{number} can reopen it."),
    "rename": mark("Only those who respond in INC-{number} can give it another title."),
    "invite": mark("Only those who respond in INC-{number} can invite others."),
    "task": mark("Only those who respond in INC-{number} can add, take and tick tasks."),
    "checklist": mark("Only those who respond in INC-{number} can change its checklists."),
    "export": mark("Only those who respond in INC-{number} can have its timeline as files."),
    "remind": mark("Only those who respond in INC-{number} can set a reminder."),
    "reminders": mark("Only those who respond in INC-{number} can answer its reminders."),
    "update": mark("Only those who respond in INC-{number} can write an update."),
    "snooze": mark("Only those who respond in INC-{number} can put off the question for an update."),
    "split": mark("Only those who respond in INC-{number} can make an alert an incident of its own."),
    "followup": mark("Only those who respond in INC-{number} can write down a follow-up."),
    "link": mark("Only those who respond in INC-{number} can add a link, or take one away."),
    "ticket": mark("Only those who respond in INC-{number} can link another ticket."),
    "services": mark("Only those who respond in INC-{number} can say which services are affected."),
    "retry": mark("Only those who respond in INC-{number} can have tried again what failed."),
    "continue": mark("Only those who respond in INC-{number} can say that it goes on."),
    # the lead
    "handover": mark("Only the lead ({lead}) or a deputy can hand over the lead of INC-{number}."),
    "resolve": mark("Only the lead ({lead}) or a deputy can resolve INC-{number}."),
    "close": mark("Only the lead ({lead}) or a deputy can close INC-{number}."),
    "dismiss": mark("Only the lead ({lead}) or a deputy can dismiss INC-{number}."),
    "quiet": mark("Only the lead ({lead}) or a deputy can make INC-{number} quiet."),
    "merge": mark("Only the lead ({lead}) or a deputy can merge INC-{number} into another."),
    "private": mark("Only the lead ({lead}) or a deputy can make INC-{number} private."),
    "approve": mark("Only the lead ({lead}) or a deputy can approve what is asked for in INC-{number}."),
    "decline": mark("Only the lead ({lead}) or a deputy can decline what is asked for in INC-{number}."),
    # those who run Multivac
    "archive": mark("Only those who run Multivac can archive a channel early. Ask one of them."),
    "doctor": mark(
        "Only those who run Multivac can ask how Slack, Jira and PagerDuty fare. Ask one of them."
    ),
    "drill": mark("Only those who run Multivac can begin a drill that a playbook names. Ask one of them."),
}


def refusal(verb: Verb, *, number: int | None = None, lead: str = "") -> str:
    """Who may ask this of the incident with this number and lead, for whoever may not."""
    return phrase(_REFUSALS[verb.name], number=number, lead=lead)
