"""The response as one visible table: each step, what it wants and needs, how much it matters."""

from __future__ import annotations

from datetime import timedelta

from multivac.steps import (
    answers,
    channel,
    checklists,
    duties,
    inviting,
    lead,
    leading,
    missing,
    oncall,
    paging,
    people,
    proposals,
    ticket,
    triage,
    words,
)
from multivac.steps.afterwards import LATER
from multivac.steps.alongside import BESIDE
from multivac.steps.base import Step

_A_WHILE = timedelta(seconds=5)  # how long a step waits for a vendor that another step is asking
_TOPIC_FIRST = timedelta(milliseconds=500)  # so that "set the topic" is nobody's unread message

STEPS: tuple[Step, ...] = (
    Step(
        name="channel",
        wants=channel.wants_channel,
        do=channel.open_channel,
        keep=channel.keep_channel,
        matters=0,
    ),
    Step(name="topic", wants=channel.wants_topic, do=channel.set_topic, needs=("channel",), matters=1),
    Step(name="purpose", wants=channel.wants_purpose, do=channel.set_purpose, needs=("channel",), matters=3),
    Step(
        name="headline",
        wants=words.wants_headline,
        do=words.draw_headline,
        needs=("channel",),
        settles=("on call", "schedule", "lead", "role", "ticket", "account", "assignee"),
        matters=0,
    ),
    Step(name="pin", wants=words.wants_pin, do=words.pin_headline, needs=("headline",), matters=2),
    Step(name="service", wants=duties.wants_policies, do=duties.find_policies, matters=0),
    Step(
        name="on call",
        wants=oncall.wants_on_call,
        do=oncall.find_on_call,
        waits={"service": _A_WHILE},
        matters=0,
    ),
    Step(name="schedule", wants=oncall.wants_schedules, do=oncall.find_schedule, matters=0),
    Step(
        name="who",
        wants=people.wants_who,
        do=people.find_who,
        waits={"on call": _A_WHILE, "schedule": _A_WHILE},
        matters=1,
    ),
    Step(name="group", wants=people.wants_groups, do=people.find_group, matters=1),
    Step(
        name="chat ids",
        wants=people.wants_chat_ids,
        do=people.find_chat_ids,
        waits={"service": _A_WHILE, "on call": _A_WHILE, "schedule": _A_WHILE, "who": _A_WHILE},
        matters=0,
    ),
    Step(
        name="invite",
        wants=inviting.wants_invite,
        do=inviting.invite,
        keep=inviting.keep_invite,
        needs=("channel",),
        waits={"chat ids": _A_WHILE, "group": _A_WHILE, "topic": _TOPIC_FIRST},
        matters=0,
    ),
    Step(
        name="ticket",
        wants=ticket.wants_ticket,
        do=ticket.open_prioritised,
        keep=ticket.keep_ticket,
        matters=0,
    ),
    Step(
        name="lead",
        wants=lead.wants_lead,
        do=lead.choose_lead,
        keep=lead.keep_lead,
        waits={"service": _A_WHILE, "on call": _A_WHILE, "schedule": _A_WHILE, "who": _A_WHILE},
        matters=0,
    ),
    Step(
        name="role",
        wants=lead.wants_roles,
        do=lead.choose_role,
        keep=lead.keep_role,
        waits={"service": _A_WHILE, "on call": _A_WHILE, "schedule": _A_WHILE},
        matters=1,
    ),
    Step(name="account", wants=ticket.wants_account, do=ticket.find_account, needs=("lead",), matters=0),
    Step(
        name="assignee", wants=ticket.wants_assignee, do=ticket.assign, needs=("ticket", "account"), matters=0
    ),
    Step(name="priority", wants=ticket.wants_priority, do=ticket.prioritise, needs=("ticket",), matters=2),
    Step(
        name="lead told",
        wants=leading.wants_lead_told,
        do=leading.tell_lead,
        keep=leading.keep_told,
        needs=("headline",),
        # Usually posted long before; so that the channel always reads in the same order.
        waits={
            "ticket": _A_WHILE,
            "chat ids": _A_WHILE,
            "role": _A_WHILE,
            "stand-ins": _A_WHILE,
            "next lead": _A_WHILE,  # whoever cannot be asked is passed over
            "checklist": _TOPIC_FIRST,
            "invite": _TOPIC_FIRST,
        },
        matters=1,
    ),
    Step(name="stand-ins", wants=leading.wants_stand_ins, do=leading.find_stand_ins, matters=1),
    Step(
        name="next lead",
        wants=leading.wants_next,
        do=leading.choose_next,
        keep=leading.keep_next,
        matters=0,
    ),
    Step(name="alert priority", wants=paging.wants_priorities, do=paging.prioritise, matters=2),
    Step(
        name=answers.STEP,
        wants=answers.wants_answers,
        do=answers.find_who,
        keep=answers.keep_answer,
        waits=dict.fromkeys(("who", "lead", "role"), _A_WHILE),
        matters=1,
    ),
    Step(name="page", wants=paging.wants_pages, do=paging.page, keep=paging.keep_page, matters=0),
    Step(
        name="announcement",
        wants=words.wants_announcement,
        do=words.announce,
        needs=("channel",),
        settles=("lead",),
        matters=1,
        elsewhere=True,
    ),
    Step(
        name="checklist",
        wants=checklists.wants_checklists,
        do=checklists.post_checklist,
        keep=checklists.keep_checklist,
        needs=("headline",),
        settles=("lead", "role", "ticket"),
        matters=1,
    ),
    Step(
        name="first bookmark", wants=channel.wants_first_bookmark, do=channel.add_bookmark, needs=("channel",)
    ),
    Step(
        name="bookmark",
        wants=channel.wants_bookmarks,
        do=channel.add_bookmark,
        needs=("channel",),
        waits=dict.fromkeys(("on call", "schedule", "chat ids", "invite", "checklist", "assignee"), _A_WHILE),
        matters=3,
    ),
    Step(name="note", wants=words.wants_notes, do=words.note_alert, matters=2),
    Step(name="settle", wants=triage.wants_settling, do=triage.settle, keep=triage.keep_settled, matters=1),
    Step(
        name="resolution",
        wants=proposals.wants_resolution,
        do=proposals.propose_resolution,
        needs=("headline",),
        waits={"settle": timedelta(minutes=2)},
        matters=1,
    ),
    Step(
        name="gaps",
        wants=missing.wants_gaps,
        do=missing.say_gaps,
        needs=("headline",),
        # When the chat is back after a while, looking people up gets its chance first.
        waits={"chat ids": timedelta(minutes=1)},
        matters=1,
    ),
    *BESIDE,
    *LATER,
)
