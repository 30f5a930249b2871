"""The part of the table that goes beside the response: what one person is told, and what people keep."""

from __future__ import annotations

from datetime import timedelta

from multivac.steps import (
    admission,
    approvals,
    captures,
    given,
    oncall,
    reminders,
    stakeholders,
    tasks,
    unanswered,
    unsent,
    whispers,
)
from multivac.steps.base import Step

_A_WHILE = timedelta(seconds=5)

BESIDE: tuple[Step, ...] = (
    Step(
        name="severity asked",
        wants=whispers.wants_severity_asked,
        do=whispers.ask_severity,
        needs=("chat ids",),
        waits={"channel": _A_WHILE},
        matters=1,
    ),
    Step(name="shut told", wants=whispers.wants_shut_told, do=whispers.tell_shut, matters=1),
    Step(name="on call now", wants=oncall.wants_on_call_now, do=oncall.find_on_call_now, needs=("on call",)),
    Step(
        name="briefing",
        wants=whispers.wants_briefings,
        do=whispers.brief,
        needs=("channel",),
        waits={"on call now": _A_WHILE},
    ),
    Step(
        name="capture",
        wants=captures.wants_captures,
        do=captures.read_message,
        keep=captures.keep_message,
        needs=("channel",),
    ),
    Step(name="memo", wants=captures.wants_memos, do=captures.mark_kept, needs=("channel",), matters=3),
    Step(name="reminder", wants=reminders.wants_reminders, do=reminders.post, needs=("channel",), matters=1),
    Step(name="asked again", wants=reminders.wants_asking, do=reminders.post, needs=("channel",), matters=1),
    Step(
        name="off work",
        wants=reminders.wants_looks,
        do=reminders.look_whether_at_work,
        needs=("channel",),
        matters=1,
    ),
    Step(
        name=reminders.PAGED,
        wants=unanswered.wants_paged,
        do=unanswered.have_paged,
        keep=unanswered.keep_paged,
        matters=0,
    ),
    Step(name="approval", wants=approvals.wants_asked, do=approvals.ask_lead, matters=0),
    Step(name="approval told", wants=approvals.wants_answered, do=approvals.tell_asker, matters=1),
    Step(
        name="given",
        wants=given.wants_given,
        do=given.tell_given,
        waits={"channel": _A_WHILE, "invite": _A_WHILE},  # so that the link in it can be followed
        matters=1,
    ),
    Step(
        name="invites asked",
        wants=admission.wants_asking,
        do=admission.ask,
        needs=("headline",),
        waits={"chat ids": _A_WHILE, "group": _A_WHILE},
        matters=1,
    ),
    Step(
        name=unsent.FAILED,
        wants=unsent.wants_failed,
        do=unsent.say_failed,
        needs=("headline",),
        matters=0,
    ),
    Step(name=unsent.TOLD, wants=unsent.wants_told, do=unsent.tell_asker, matters=0),
    Step(
        name=stakeholders.STEP,
        wants=stakeholders.wants_told,
        do=stakeholders.tell,
        waits=dict.fromkeys(("archived", "channel"), _A_WHILE),  # reopened, it may go on in a new one
        matters=3,
    ),
    Step(name="tasks", wants=tasks.wants_tasks, do=tasks.post_tasks, needs=("headline",), matters=1),
)
