"""What people are told, as typed facts: one class for each message. Pure; vendors draw them.

A message says what is to be known, never how it looks. Names and texts in it may come from
outside: whoever draws a message escapes them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from multivac.incident import Bridge, Severity, Status, TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """A person as shown in a message; `chat_id` is set only where they should be mentioned."""

    name: str
    chat_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A labelled address."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button: `line` is what pressing it says, as if typed; `confirm` is asked first where set.

    What cannot simply be taken back is always asked first, as `multivac.verbs.irrevocable` has it.
    """

    label: str
    line: str
    confirm: str = ""
    stands_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A role, as playbooks call it, and who has it."""

    role: str
    who: Who


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestUpdate:
    """What stakeholders were told last, by whom and when."""

    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The pinned summary, drawn whole on each change."""

    number: int
    title: str
    severity: Severity
    status: Status
    started_at: datetime
    services: tuple[str, ...]
    lead: Who | None
    roles: tuple[Held, ...]  # besides the lead's
    ticket: Link | None
    alerts: tuple[Link, ...]
    bridge: Bridge | None
    responders: tuple[str, ...]  # names of people who said yes or were assigned
    on_call_as_of: datetime | None  # set only when the pager did not answer and the list is old
    next_update_due: datetime | None
    update_is_late: bool = False
    summary: str
    impact: str = ""
    update: LatestUpdate | None = None
    reopened: LatestUpdate | None = None  # by whom, when and why; until there is an update on it
    latest: str = ""  # a change that was not worth a message of its own
    missing: tuple[str, ...] = ()  # what is not done, while there is no room for a message of it
    ended_at: datetime | None = None
    mitigated_at: datetime | None = None  # before it ended
    fixed_by: str = ""  # how it ended, in people's words
    lead_accepted: bool = True
    links: tuple[Link, ...] = ()  # which people added
    was_in: str = ""  # the channel in which it was before this one
    presses: tuple[Press, ...] = ()
    rarer: tuple[Press, ...] = ()  # behind one button


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What stakeholders see in the announcement channel: where it stands, and what they are owed."""

    number: int
    title: str
    severity: Severity
    status: Status
    started_at: datetime
    lead: Who | None
    channel: str
    lead_accepted: bool = True
    impact: str = ""
    update: LatestUpdate | None = None
    reopened: LatestUpdate | None = None
    next_update_due: datetime | None = None
    update_is_late: bool = False
    ended_at: datetime | None = None
    mitigated_at: datetime | None = None
    fixed_by: str = ""
    private: bool = False  # it became so after it was announced: then nothing of it is said
    presses: tuple[Press, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLine:
    """One task of a checklist as it stands now; who did it and when, if a person said so."""

    text: str
    state: TaskState
    role: str | None
    link: str | None
    why_skipped: str
    link_label: str = ""
    by: str = ""
    at: datetime | None = None
    owner: str = ""
    since: int = 0  # the round from which it is left, of a checklist that comes again
    done: Press | None = None
    take: Press | None = None
    skip: Press | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """One phase of the response: its tasks, and what comes next and when."""

    title: str
    tasks: tuple[TaskLine, ...]
    next_title: str | None
    next_at: datetime | None
    occurrence: int  # 1 for the first, more when the playbook repeats the phase
    over: bool = False  # nobody is asked for it any more
    is_folded: bool = False  # a newer round stands below: one line is enough


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtUp:
    """The checklists that fell due while Multivac was down, or the incident was over, as one digest."""

    missed: tuple[tuple[str, datetime], ...]
    tasks: tuple[TaskLine, ...]
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What follows at a time unless somebody acts: who is asked then, or paged; nobody may be left."""

    at: datetime
    who: tuple[str, ...]
    pages: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Nobody has accepted in time: who was `paged`, or else whom the pager was `asked` to page.

    Where it cannot page, or did not (`why`), `call` says whom to call and how; a `drill` pages nobody.
    """

    paged: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    call: tuple[str, ...] = ()
    why: str = ""
    drill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadCall:
    """Tells the lead that they lead and the cx lead that severity is theirs to settle.

    `by` gave it to them, or `missed` was asked before and did not accept. `went_to` is who was asked
    after them, as the next one or because `given_by` says so, or leads by now (`settled`); whoever has
    accepted `led_until` then, and if it is `passed` on, a later call says to whom. `late` is what
    follows since nobody accepts. `in_vain`: it was over before they accepted. They are `absent` if nobody in
    the chat is them, and `missed` was so if `absent_before`.
    """

    lead: Who
    ticket: Link | None
    cx_lead: Who | None
    accepted_at: datetime | None = None
    in_vain: bool = False
    by_button: bool = False  # the cx lead settles the severity by a button
    presses: tuple[Press, ...] = ()
    by: str = ""
    again: bool = False  # they led it already, before it was open again
    asked_again: bool = False  # and a later call says so
    missed: str = ""
    brief: tuple[str, ...] = ()
    then: Turn | None = None
    went_to: str = ""
    given_by: str = ""
    settled: bool = False
    led_until: datetime | None = None
    passed: bool = False
    late: Late | None = None
    drill: bool = False
    absent: bool = False
    absent_before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """What is missing, and what a person can do about it; edited as gaps close.

    `about` is the incident's number where operators can find out more.
    """

    lines: tuple[str, ...]
    mended: tuple[str, ...]
    presses: tuple[Press, ...] = ()
    about: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionProposed:
    """The pager says that it is over, and asks whether people agree.

    It is `withdrawn` when the alert came back before anybody agreed, `goes_on` when people say so, and `over`
    when they agreed.
    """

    by: str
    at: datetime
    withdrawn: bool
    goes_on: bool = False
    over: bool = False
    alerts: int = 1  # how many the incident has; `by` ended the last
    lead: Who | None = None  # who is asked, where somebody is mentioned
    presses: tuple[Press, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLine:
    """One quiet line: what changed and why."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDue:
    """A promised update is due; `every` is the cadence of this severity, if it has one.

    `rounds` is how often that time has passed since; `ended` says what became of the question, once it is
    none any more.
    """

    due_at: datetime
    every: timedelta | None
    lead: Who | None
    rounds: int = 0
    ended: str = ""
    presses: tuple[Press, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What a person tells stakeholders; with a `number` where it stands outside the incident's channel.

    Where it stands alone it has the incident's `title` too. `was` is the severity before, if it changed with
    this, and `follows` what that changes in the response.
    """

    text: str
    by: str
    severity: Severity
    status: Status
    next_at: datetime | None
    was: Severity | None = None
    number: int | None = None
    follows: tuple[str, ...] = ()
    title: str = ""
    presses: tuple[Press, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nudge:
    """Asks one person to do something; `who` is mentioned where their chat id is known."""

    who: Who | None
    text: str
    presses: tuple[Press, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """What is left to do; key and address of its issue, once there is one."""

    text: str
    key: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Says that it is over, why, by when it was mitigated, whether it hit customers, what is left to do."""

    text: str
    mitigated_at: datetime | None = None
    customers: str = ""
    follow_ups: tuple[FollowUp, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorNotice:
    """Something only the people who run Multivac can mend."""

    what: str
    do: str
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StormLine:
    """One incident of a storm; `channel` is empty while it has none."""

    number: int
    severity: Severity
    title: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StormNotice:
    """More new incidents than people can take in: how many, how many wait, and the worst of them."""

    since: datetime
    over_at: datetime | None
    incidents: int
    waiting: int  # for their channel
    severe: int  # sev1 and sev2, which do not wait
    ended: int  # over already
    worst: tuple[StormLine, ...]
    unlisted: int
    every: timedelta  # how long from one that gets its channel to the next


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one person is told, mostly who asked: whole lines, and what they can do next.

    A line is text from us, perhaps with words from outside in it; `title` may be empty. The links come last.
    """

    lines: tuple[str, ...]
    title: str = ""
    links: tuple[Link, ...] = ()
    presses: tuple[Press, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What somebody sees on Multivac's own page in the chat."""

    parts: tuple[Answer, ...]
    presses: tuple[Press, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Files for a channel (the chat's id), by name; `said` is told whoever asked, once they are there."""

    channel: str
    comment: str
    contents: tuple[tuple[str, str], ...]
    said: str


class Asked(StrEnum):
    """What sort of field a form has."""

    LINE = "line"
    PROSE = "prose"
    CHOICE = "choice"
    PERSON = "person"
    TICKS = "ticks"
    MOMENT = "moment"  # a day and a time of day, as whole seconds since 1970
    DAY = "day"  # as 2026-12-04


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a form. `choices` are value and label; `filled` is what stands in it at first."""

    name: str
    label: str
    kind: Asked
    hint: str = ""
    optional: bool = True
    choices: tuple[tuple[str, str], ...] = ()
    filled: tuple[str, ...] = ()
    longest: int = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What somebody is asked in a window of their own; `line` is what sending it says, with the fields.

    `as_of` is what it shows of the incident, to be compared when it is sent. `again` counts how often it
    was shown since what was sent could not be done, and `presses` are what can be done instead; `over` is the
    form that was sent, to look at it once more, with what was chosen there in `kept`.
    """

    title: str
    line: str
    send: str
    fields: tuple[Field, ...]
    intro: tuple[str, ...] = ()
    as_of: str = ""
    again: int = 0
    over: bool = False
    kept: tuple[tuple[str, str | tuple[str, ...]], ...] = ()
    presses: tuple[Press, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminding:
    """Something that somebody asked to be reminded of; `told` are whole lines on how it stands."""

    text: str
    whom: Who | None
    told: tuple[str, ...] = ()
    presses: tuple[Press, ...] = ()


Message = (
    Answer
    | Headline
    | Announcement
    | Checklist
    | CaughtUp
    | LeadCall
    | Gaps
    | ResolutionProposed
    | ChangeLine
    | UpdateDue
    | Update
    | Nudge
    | Ended
    | OperatorNotice
    | StormNotice
    | Reminding
)


def clock_time(at: datetime) -> str:
    """A moment in a line of ours, which each reader is shown as the time of day where they are."""
    return f"<t:{int(at.timestamp())}>"


def day_and_time(at: datetime) -> str:
    """As `clock_time`, with the day."""
    return f"<d:{int(at.timestamp())}>"


def fingerprint(*facts: object) -> str:
    """Sixteen hex digits that differ whenever what is to be shown differs."""
    return hashlib.blake2b(repr(facts).encode(), digest_size=8).hexdigest()


def count_apart(whole: str, count: str) -> str:
    """A fingerprint whose second half changes with what is merely counted, such as alerts in a storm."""
    return f"{whole}.{count}"


def only_counts(wanted: str | None, drawn: str | None) -> bool:
    """Whether the two differ in nothing but what is counted."""
    if wanted is None or drawn is None or "." not in wanted:
        return False
    return wanted.partition(".")[0] == drawn.partition(".")[0]
