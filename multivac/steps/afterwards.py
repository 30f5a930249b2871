"""The later part of the table of steps: what is told while the response goes on, and what follows its end."""

from __future__ import annotations

from multivac.steps import acknowledging, changes, duplicates, ending, forgotten, mirror, prompts, ticket, updates
from multivac.steps.base import Step

LATER: tuple[Step, ...] = (
    Step(
        name="update due",
        wants=prompts.wants_prompts,
        do=prompts.prompt_update,
        needs=("headline",),
        matters=1,
    ),
    Step(name="update overdue", wants=prompts.wants_overdue, do=prompts.nudge_lead, needs=("headline",)),
    Step(
        name="writing",
        wants=prompts.wants_looks,
        do=prompts.look_whether_people_write,
        needs=("headline",),
        matters=1,
    ),
    Step(
        name="change line",
        wants=changes.wants_change_lines,
        do=changes.post_change_line,
        needs=("headline",),
        settles=("change line",),
        matters=1,
    ),
    Step(
        name="alert line",
        wants=changes.wants_alert_lines,
        do=changes.post_change_line,
        needs=("headline",),
        settles=("alert line",),
    ),
    Step(name="update", wants=updates.wants_updates, do=updates.post_update, needs=("headline",), matters=0),
    Step(
        name="thread",
        wants=updates.wants_thread,
        do=updates.tell_stakeholders,
        needs=("announcement",),
        matters=1,
    ),
    Step(
        name="comment",
        wants=updates.wants_comments,
        do=updates.comment_update,
        needs=("ticket",),
        matters=1,
    ),
    Step(name="status update", wants=updates.wants_published, do=updates.publish_update, matters=1),
    Step(
        name="alert ack",
        wants=acknowledging.wants_acknowledged,
        do=acknowledging.acknowledge,
        keep=acknowledging.keep_acknowledged,
        matters=1,
    ),
    Step(name="alert end", wants=ending.wants_alert_ends, do=ending.end_alert, matters=1),
    Step(
        name="ticket status",
        wants=mirror.wants_status,
        do=mirror.move_ticket,
        needs=("ticket",),
    ),
    Step(name="ticket words", wants=mirror.wants_words, do=mirror.reword_ticket, needs=("ticket",)),
    Step(
        name="second look",
        wants=duplicates.wants_looks,
        do=duplicates.look_for_twins,
        keep=duplicates.keep_stays,
        matters=1,
    ),
    Step(name="duplicate", wants=duplicates.wants_closed, do=duplicates.close_duplicate),
    Step(name="ticket label", wants=ticket.wants_label, do=ticket.label_ticket, needs=("ticket",)),
    Step(name="follow-up", wants=ending.wants_follow_ups, do=ending.open_follow_up, matters=1),
    Step(name="follow-up owner", wants=ending.wants_owners, do=ending.assign_follow_up),
    Step(name="follow-up link", wants=ending.wants_links, do=ending.link_follow_up, needs=("ticket",)),
    Step(
        name="end line",
        wants=ending.wants_end_lines,
        do=ending.post_end_line,
        needs=("headline",),
        settles=("follow-up",),
        matters=1,
    ),
    Step(name="close", wants=ending.wants_close, do=ending.close, keep=ending.keep_closed),
    Step(
        name="stale",
        wants=forgotten.wants_stale,
        do=forgotten.look_whether_people_write,
        keep=forgotten.keep_stale,
        needs=("channel",),
    ),
    Step(
        name="stale nudge",
        wants=forgotten.wants_stale_nudges,
        do=forgotten.nudge_lead,
        needs=("headline",),
    ),
    Step(
        name="archive warning",
        wants=forgotten.wants_archive_warning,
        do=forgotten.warn_of_archive,
        needs=("headline",),
    ),
    Step(
        name="archived",
        wants=forgotten.wants_archived,
        do=forgotten.put_channel_away,
        elsewhere=True,
        needs=("channel",),
        matters=1,
    ),
)
