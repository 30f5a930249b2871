"""The tables. Rows say what must be true; everything else can be forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from multivac.incident import OPEN

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as whole microseconds since 1970: both databases compare it alike."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Microseconds; a naive datetime is refused, since its zone would be a guess."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """The aware datetime."""
        del dialect
        return None if value is None else _EPOCH + int(value) * _MICROSECOND


def insert_into(dialect: str, table: sa.Table) -> Any:
    """An insert that knows `on_conflict_do_nothing` and `on_conflict_do_update`, on either database."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def insert_new(tx: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Insert the row unless it clashes with one that is there; True if it went in."""
    return tx.execute(_insert_new(tx.dialect.name, table), row).first() is not None


@cache
def _insert_new(dialect: str, table: sa.Table) -> sa.Executable:
    # Asked by a returned row: what an insert's rowcount says differs between drivers.
    insert: sa.Executable = insert_into(dialect, table).on_conflict_do_nothing().returning(sa.literal(1))
    return insert


meta = sa.MetaData()

policy = sa.Table(
    "policy",
    meta,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)

incident = sa.Table(
    "incident",
    meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("severity_by", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, sa.ForeignKey("policy.digest"), nullable=False),
    sa.Column("service", sa.Text),
    sa.Column("declared_at", Instant, nullable=False),
    sa.Column("opens_at", Instant, nullable=False),
    sa.Column("status_at", Instant, nullable=False),
    sa.Column("person_acted_at", Instant),
    sa.Column("channel_name", sa.Text, nullable=False),
    sa.Column("channel_id", sa.Text, index=True),
    sa.Column("resolution_by", sa.Text),
    sa.Column("resolution_at", Instant),
    sa.Column("resolution_withdrawn", sa.Boolean, nullable=False, default=False),
    sa.Column("updated_at", Instant),
    sa.Column("version", sa.Integer, nullable=False, default=1),
    sa.Column("planned", sa.Integer, nullable=False, default=0),
    sa.Column("wake_at", Instant),
    # The storm it was declared in, if in one; and while it waits there for its turn, since when.
    sa.Column("storm", sa.Integer),
    sa.Column("queued_at", Instant),
    # What people made of it: what users notice, who declared it, whether it is only practice.
    sa.Column("impact", sa.Text),
    sa.Column("declared_by", sa.Text),
    sa.Column("drill", sa.Boolean, nullable=False, default=False, server_default=sa.false()),
    # While nobody can write in its channel: since when, and how that came ("archived by Cy").
    sa.Column("shut_at", Instant),
    sa.Column("shut_how", sa.Text),
    # No phase of the checklists that was due by then appears any more; far off while they are paused.
    sa.Column("checklists_from", Instant),
    # When people last did something; until when prompts are put off, and until when all is quiet.
    sa.Column("acted_at", Instant),
    sa.Column("next_update_at", Instant),
    sa.Column("prompts_off", sa.Boolean, nullable=False, default=False, server_default=sa.false()),
    sa.Column("snoozed_until", Instant),
    sa.Column("quiet_until", Instant),
    # When somebody asked for the channel to be archived; the incident that goes on with this one's alerts.
    sa.Column("archive_at", Instant),
    sa.Column("merged_into", sa.Integer),
    # How often the response has looked at it: all that people see of it changes in such a look, or before.
    sa.Column("looks", sa.Integer, nullable=False, default=0, server_default="0"),
    # Numbers are said aloud by people: never given twice, not even after a restored backup's gap.
    sqlite_autoincrement=True,
)
sa.Index(
    "incident_unplanned",
    incident.c.id,
    postgresql_where=incident.c.planned < incident.c.version,
    sqlite_where=incident.c.planned < incident.c.version,
)
sa.Index(
    "incident_wake",
    incident.c.wake_at,
    postgresql_where=incident.c.wake_at.is_not(None),
    sqlite_where=incident.c.wake_at.is_not(None),
)
sa.Index("incident_joinable", incident.c.service, incident.c.declared_at)
sa.Index("incident_declared", incident.c.declared_at)
sa.Index(
    "incident_storm",
    incident.c.storm,
    postgresql_where=incident.c.storm.is_not(None),
    sqlite_where=incident.c.storm.is_not(None),
)
sa.Index(
    "incident_queued",
    incident.c.severity,
    incident.c.declared_at,
    postgresql_where=incident.c.queued_at.is_not(None),
    sqlite_where=incident.c.queued_at.is_not(None),
)

# Written out, not bound: PostgreSQL keeps no plan for values that it cannot tell how many rows have.
IS_OPEN = incident.c.status.in_([sa.literal_column(f"'{one}'") for one in sorted(OPEN)])

# What alerts of an incident have that lets others join it, once for each, however many alerts have it.
trait = sa.Table(
    "trait",
    meta,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("declared_at", Instant, primary_key=True),
    sa.Column("incident", sa.Integer, sa.ForeignKey("incident.id"), primary_key=True),
    sqlite_with_rowid=False,
)

# More new incidents than people can take in at once: since when, and the notice that says so.
storm = sa.Table(
    "storm",
    meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("since", Instant, nullable=False),
    sa.Column("over_at", Instant),
    sa.Column("next_turn", Instant, nullable=False),
    sa.Column("turns", sa.Integer, nullable=False, default=0),
    sa.Column("channel", sa.Text),
    sa.Column("message", sa.Text),
    # What the notice says: a fingerprint; and when it was drawn so.
    sa.Column("drawn", sa.Text),
    sa.Column("drawn_at", Instant),
    # Until then nobody else draws it; a drawer that is cut off leaves it standing, and the next reads back.
    sa.Column("held_until", Instant),
)
sa.Index("incident_status", incident.c.status, incident.c.severity)  # few are open, however many there were

alert = sa.Table(
    "alert",
    meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("incident", sa.Integer, sa.ForeignKey("incident.id")),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("first_at", Instant, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
    # The severity it gives its incident; none once it is resolved, and none before it has an incident.
    sa.Column("open_as", sa.Text),
    # The severity it gave, and when that was last said, once it is resolved: the last one's counts.
    sa.Column("ended_as", sa.Text),
    sa.Column("ended_at", Instant),
    sa.Column("ended_by", sa.Text),
    sa.UniqueConstraint("source", "key"),
)
sa.Index("alert_open", alert.c.incident, alert.c.open_as)

delivery = sa.Table(
    "delivery",
    meta,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("webhook_id", sa.Text, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("alert_key", sa.Text),
    sa.Column("occurred_at", Instant, nullable=False),
    sa.Column("received_at", Instant, nullable=False, index=True),
    sa.Column("outcome", sa.Text, nullable=False),
    # Kept for an alert that has no incident yet: should it get one, this belongs in its timeline.
    sa.Column("text", sa.Text),
    sa.Column("actor", sa.Text),
    sa.Column("by_person", sa.Boolean),
    # Of what people did in the chat: the same for all that concerns one thing, of which the latest counts.
    sa.Column("about", sa.Text),
)
sa.Index(
    "delivery_early",
    delivery.c.alert_key,
    postgresql_where=delivery.c.text.is_not(None),
    sqlite_where=delivery.c.text.is_not(None),
)

sa.Index(
    "delivery_about",
    delivery.c.about,
    delivery.c.occurred_at,
    postgresql_where=delivery.c.about.is_not(None),
    sqlite_where=delivery.c.about.is_not(None),
)

unreadable = sa.Table(
    "unreadable",
    meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("webhook_id", sa.Text, unique=True),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

entry = sa.Table(
    "entry",
    meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("incident", sa.Integer, sa.ForeignKey("incident.id"), nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("noted_at", Instant, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("actor", sa.Text),
    sa.Column("link", sa.Text),  # to the message that it was taken from
    sa.Column("retracted_at", Instant),  # it stays, and is not shown any more
    sa.UniqueConstraint("incident", "key"),
)

step = sa.Table(
    "step",
    meta,
    sa.Column("incident", sa.Integer, sa.ForeignKey("incident.id"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    # What must be true: a fingerprint. The step is due while `done` differs from it.
    sa.Column("wanted", sa.Text),
    sa.Column("wanted_at", Instant),
    sa.Column("done", sa.Text),
    sa.Column("done_at", Instant),
    sa.Column("result", sa.Text),
    sa.Column("claim", sa.Text, index=True),
    sa.Column("attempt", sa.Integer, nullable=False, default=0),
    # An earlier attempt may have had its effect: read back before acting again.
    sa.Column("unknown", sa.Boolean, nullable=False, default=False),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("error", sa.Text),
    sa.Column("fix", sa.Text),
    sa.Column("failing_since", Instant),
    sa.Column("gave_up", sa.Text),
    sa.Column("next_try", Instant),
    sqlite_with_rowid=False,
)
_UNFINISHED = sa.and_(step.c.wanted.is_not(None), sa.or_(step.c.done.is_(None), step.c.done != step.c.wanted))
sa.Index("step_unfinished", step.c.incident, postgresql_where=_UNFINISHED, sqlite_where=_UNFINISHED)

role = sa.Table(
    "role",
    meta,
    sa.Column("incident", sa.Integer, sa.ForeignKey("incident.id"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("since", Instant, nullable=False),
    # When they said that they take it; a role that people gave each other needs no such word.
    sa.Column("accepted_at", Instant),
    # When their account in the chat was closed.
    sa.Column("gone_at", Instant),
)

# Who is called, in order: asked to lead, in the channel, or paged. The role's row says who leads.
summons = sa.Table(
    "summons",
    meta,
    sa.Column("incident", sa.Integer, sa.ForeignKey("incident.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("people", sa.Text, nullable=False),
    sa.Column("service", sa.Text),
    # Who wanted it and what they said; nobody when it is only the next one's turn.
    sa.Column("by", sa.Text),
    sa.Column("note", sa.Text),
    sa.Column("at", Instant, nullable=False),
    sa.Column("told_at", Instant),
)

turn = sa.Table(
    "turn",
    meta,
    sa.Column("incident", sa.Integer, sa.ForeignKey("incident.id"), primary_key=True),
    sa.Column("pool", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Index("turn_pool", "pool", "person"),
)

person = sa.Table(
    "person",
    meta,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("vendor", sa.Text, primary_key=True),
    sa.Column("id", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("active", sa.Boolean, nullable=False, default=True),
    sa.Column("checked_at", Instant, nullable=False),
    sa.Column("language", sa.Text),
    sa.Index("person_known_as", "vendor", "id"),
)

lookup = sa.Table(
    "lookup",
    meta,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

notice = sa.Table(
    "notice",
    meta,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("do", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("told_at", Instant),
)

tank = sa.Table(
    "tank",
    meta,
    # How many calls of one kind may be made at once; see multivac.budget.
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("level", sa.Float, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("shut_until", Instant),
)

# Who is in an incident's channel, as the chat told us, and who is to be brought in: the last word counts.
member = sa.Table(
    "member",
    meta,
    sa.Column("incident", sa.Integer, sa.ForeignKey("incident.id"), primary_key=True),
    sa.Column("chat_id", sa.Text, primary_key=True),
    sa.Column("joined_at", Instant),  # none yet, if somebody only asked for them
    sa.Column("left_at", Instant),
    sa.Column("invited", sa.Boolean, nullable=False, default=False, server_default=sa.false()),  # by us
    # How many entries the timeline had when they came, and when they first wrote or asked something.
    sa.Column("entries", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.Column("seen_at", Instant),
    # When somebody last asked to have them brought in, and who (the chat's id).
    sa.Column("asked_at", Instant),
    sa.Column("asked_by", sa.Text),
)

# Everything that people asked for and what came of it; `request` is the same in each redelivery.
audit = sa.Table(
    "audit",
    meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("request", sa.Text, nullable=False, unique=True),
    sa.Column("ref", sa.Text, nullable=False, index=True),
    sa.Column("at", Instant, nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("verb", sa.Text, nullable=False),
    sa.Column("via", sa.Text, nullable=False),
    sa.Column("incident", sa.Integer, index=True),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
)

# What people ticked, skipped or took of the checklists, and the tasks that they added themselves.
task = sa.Table(
    "task",
    meta,
    sa.Column("incident", sa.Integer, sa.ForeignKey("incident.id"), primary_key=True),
    # Of a checklist: its occurrence and the task's id, such as first-5-minutes/confirm-impact; else a number.
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("text", sa.Text),  # of those that people added
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("by", sa.Text),  # who said so last, by name
    sa.Column("at", Instant, nullable=False),
    sa.Column("owner", sa.Text),
    sa.Column("link", sa.Text),
    sa.Column("retracted_at", Instant),
)

# Messages that people asked to keep, by a reaction, a pin or a shortcut; `kept` is the edition that is kept.
capture = sa.Table(
    "capture",
    meta,
    sa.Column("incident", sa.Integer, sa.ForeignKey("incident.id"), primary_key=True),
    sa.Column("message", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),  # note or task
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("via", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("edition", sa.Integer, nullable=False, default=1),
    sa.Column("kept", sa.Integer, nullable=False, default=0),
    sa.Column("task", sa.Text),  # the key of the task that was made of it
    sa.Column("retracted_at", Instant),
)

# What people asked to be reminded of; `round` is raised by each answer, so that an old button does nothing.
reminder = sa.Table(
    "reminder",
    meta,
    sa.Column("incident", sa.Integer, sa.ForeignKey("incident.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("whom", sa.Text),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("every", sa.Integer),  # seconds
    sa.Column("until_at", Instant),
    sa.Column("until_done", sa.Boolean, nullable=False, default=False),
    sa.Column("escalate_to", sa.Text),
    sa.Column("after", sa.Integer, nullable=False),  # seconds
    sa.Column("round", sa.Integer, nullable=False, default=1),
    sa.Column("ended", sa.Text),  # done or cancelled
    # The last answer: to which round, what, by whom, when.
    sa.Column("answered", sa.Integer),
    sa.Column("answer", sa.Text),
    sa.Column("answered_by", sa.Text),
    sa.Column("answered_at", Instant),
    sa.Column("moment", sa.Text),  # resolved or update-overdue
    sa.Column("until_resolved", sa.Boolean),  # null in rows of an older release: no
    sa.Column("thread", sa.Text),  # the message in whose thread it was set
)

# What people say that is carried somewhere: updates, follow-ups, and lines on what they changed.
saying = sa.Table(
    "saying",
    meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("incident", sa.Integer, sa.ForeignKey("incident.id"), nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    # What else there is to say of it, as JSON; each kind has its own.
    sa.Column("more", sa.Text, nullable=False),
    # Numbers are in what was posted: never given twice.
    sqlite_autoincrement=True,
)

# Who has opened our own page in the chat, and what it showed them last.
home = sa.Table(
    "home",
    meta,
    sa.Column("chat_id", sa.Text, primary_key=True),
    # How their open incidents stood then, as one number; and a fingerprint of the page.
    sa.Column("seen", sa.BigInteger, nullable=False),
    sa.Column("drawn", sa.Text),
    # Nobody redraws it before: since it was just drawn, or somebody is at it.
    sa.Column("not_before", Instant, nullable=False),
)

# How somebody wants to be spoken to, where they have said so; without a language as their chat does.
preference = sa.Table(
    "preference",
    meta,
    sa.Column("chat_id", sa.Text, primary_key=True),
    sa.Column("language", sa.Text),
    sa.Column("without", sa.Text, nullable=False),  # what they do not want to be told, as JSON
)
