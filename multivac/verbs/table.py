"""The one table of verbs: words, rights, help. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from multivac.tongue import mark


class Right(IntEnum):
    """What somebody may do; each may also what those before may."""

    GUEST = 0  # of another company
    MEMBER = 1  # of the workspace
    RESPONDER = 2  # in the incident's channel, or with a role in it
    LEAD = 3  # the lead or the deputy; anybody responding while there is neither
    ADMIN = 4  # those who run Multivac


class Part(StrEnum):
    """What a verb takes out of the words that follow it; the rest is its text."""

    SEVERITY = "severity"
    PEOPLE = "people"  # everybody who is mentioned
    WHOM = "whom"  # who is mentioned before all else
    PERSON = "person"  # who is mentioned first
    OWNER = "owner"  # who is mentioned first or, after what they are to do, last
    GROUPS = "groups"  # user groups
    GROUP = "group"  # the user group that is mentioned before all else
    FLAGS = "flags"  # private drill
    REACH = "reach"  # service:payments impact:"Nobody can pay"
    WHEN = "when"  # in:20m every:1h
    AT = "at"  # at:14:05
    HARM = "harm"  # customers:no
    DUE = "due"  # due:2026-12-04
    NUMBER = "number"  # a bare number is an incident's
    OPTIONS = "options"  # until:done escalate:@bo after:10m then:page when:resolved
    MESSAGE = "message"  # from:https://…/archives/C012AB3CD/p1700000000000100, and after it what it says
    LINE = "line"  # its words are a line themselves
    OTHER = "other"  # a number in its words is another incident's


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One thing that people can ask.

    `usage` is what follows the verb, `help` one sentence of what it does, to be said by `phrase`. One that
    is `final` is never guessed from its first letters. `example` is a whole line that works.
    """

    name: str
    help: str
    right: Right
    usage: str = ""
    aliases: tuple[str, ...] = ()
    takes: frozenset[Part] = frozenset()
    in_incident: bool = True
    final: bool = False
    example: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """Every word that means it."""
        return (self.name, *self.aliases)


_SEVERITY = frozenset({Part.SEVERITY})
_WHOM = frozenset({Part.WHOM})
_NUMBER = frozenset({Part.NUMBER})

VERBS: tuple[Verb, ...] = (
    Verb(
        name="declare",
        aliases=("new", "open"),
        usage='[title] [sev1-sev5] [private] [drill] [service:name] [impact:"text"]',
        help=mark("Start a response: a channel, the right people, a lead, checklists."),
        right=Right.MEMBER,
        takes=frozenset({Part.SEVERITY, Part.FLAGS, Part.REACH, Part.MESSAGE}),
        in_incident=False,
        example="declare Checkout returns 500 sev1",
    ),
    Verb(
        name="list",
        aliases=("ls",),
        usage="[mine | all | sev1-sev5 | words]",
        help=mark("Show the open incidents, the worst first, or only those that you have to do with."),
        right=Right.MEMBER,
        takes=_SEVERITY,
        in_incident=False,
        example="list",
    ),
    Verb(
        name="show",
        usage="[INC-42]",
        help=mark("Show where an incident stands."),
        right=Right.MEMBER,
        takes=_NUMBER,
        example="show INC-42",
    ),
    Verb(
        name="help",
        usage="[verb | all]",
        help=mark("Show what you can ask."),
        right=Right.GUEST,
        in_incident=False,
        example="help resolve",
    ),
    Verb(
        name="lead",
        usage="[me | @person]",
        help=mark("Take the lead, or say who leads."),
        right=Right.RESPONDER,
        takes=_WHOM,
        example="lead me",
    ),
    Verb(
        name="role",
        usage="<role> <me | @person | none>",
        help=mark("Give a role, such as deputy, scribe or customer-experience lead, to somebody."),
        right=Right.RESPONDER,
        takes=frozenset({Part.PERSON}),
        example="role scribe me",
    ),
    Verb(
        name="roles",
        help=mark("Show who has which role, and change it."),
        right=Right.RESPONDER,
        example="roles",
    ),
    Verb(
        name="handover",
        usage="[@person] [what they must know]",
        help=mark("Hand the lead over, with a briefing."),
        right=Right.LEAD,
        takes=_WHOM,
        example="handover <@U012AB3CD> The rollback runs until noon",
    ),
    Verb(
        name="page",
        usage="<@person | service> [message]",
        help=mark("Page somebody through PagerDuty."),
        right=Right.MEMBER,
        takes=_WHOM,
        example="page checkout We need a database expert",
    ),
    Verb(
        name="severity",
        aliases=("sev",),
        usage="<sev1-sev5> [reason]",
        help=mark("Settle how bad it is for users."),
        right=Right.RESPONDER,
        takes=_SEVERITY,
        example="severity sev2 Only the app is affected",
    ),
    Verb(
        name="impact",
        usage="<text>",
        help=mark("Say what users notice; it stands in the headline."),
        right=Right.RESPONDER,
        example="impact Nobody can pay by card",
    ),
    Verb(
        name="status",
        usage="<active | mitigated | resolved>",
        help=mark("Say where the incident stands."),
        right=Right.RESPONDER,
        example="status mitigated",
    ),
    Verb(
        name="mitigate",
        aliases=("mitigated",),
        usage="[what helped]",
        help=mark("Say that the worst is over, and the cause not fixed yet."),
        right=Right.RESPONDER,
        example="mitigate Rolled back",
    ),
    Verb(
        name="resolve",
        aliases=("resolved",),
        usage="[what fixed it] [customers:yes | customers:no | customers:unknown]",
        help=mark("Say that it is over, and what fixed it."),
        right=Right.LEAD,
        takes=frozenset({Part.HARM}),
        final=True,
        example="resolve Rolled back the release",
    ),
    Verb(
        name="close",
        help=mark("Close what is resolved: nothing is left to do."),
        right=Right.LEAD,
        final=True,
        example="close",
    ),
    Verb(
        name="reopen",
        usage="[reason]",
        help=mark("Open it again: it is not over after all."),
        right=Right.RESPONDER,
        takes=_NUMBER,
        example="reopen It came back",
    ),
    Verb(
        name="dismiss",
        aliases=("cancel",),
        usage="[reason]",
        help=mark("End it, since it is no incident."),
        right=Right.LEAD,
        final=True,
        example="dismiss A false alarm",
    ),
    Verb(
        name="note",
        usage="<text> [at:14:05]",
        help=mark("Write something into the timeline; PagerDuty shows it as a note."),
        right=Right.MEMBER,
        takes=frozenset({Part.AT, Part.MESSAGE}),
        example="note Rolled back at:14:05",
    ),
    Verb(
        name="timeline",
        usage="[INC-42 | text [at:14:05]]",
        help=mark("Show what has happened so far, or write something there."),
        right=Right.MEMBER,
        takes=_NUMBER,
        example="timeline",
    ),
    Verb(
        name="rename",
        usage="<title>",
        help=mark("Give the incident a better title."),
        right=Right.RESPONDER,
        example="rename Card payments fail",
    ),
    Verb(
        name="briefing",
        aliases=("brief", "catchup"),
        usage="[INC-42]",
        help=mark("Show what you must know to help: ten lines."),
        right=Right.MEMBER,
        takes=_NUMBER,
        example="briefing INC-42",
    ),
    Verb(
        name="oncall",
        aliases=("on-call", "who"),
        usage="[service | @person]",
        help=mark("Show who is on call, until when."),
        right=Right.MEMBER,
        takes=_WHOM,
        in_incident=False,
        example="oncall payments",
    ),
    Verb(
        name="join",
        usage="[INC-42]",
        help=mark("Come into the channel of an incident."),
        right=Right.MEMBER,
        takes=_NUMBER,
        example="join INC-42",
    ),
    Verb(
        name="invite",
        aliases=("add",),
        usage="<@person ... | @group | service>",
        help=mark("Bring people, a user group, or who is on call for a service into the channel."),
        right=Right.RESPONDER,
        takes=frozenset({Part.PEOPLE, Part.GROUPS}),
        example="invite @bo",
    ),
    Verb(
        name="task",
        aliases=("tasks",),
        usage="[add <text> [@person] | take | done <task> | skip <task> | assign <task> [@person] | list]",
        help=mark("Tick the tasks of the checklists, and add your own."),
        right=Right.RESPONDER,
        takes=frozenset({Part.OWNER, Part.MESSAGE}),
        example="task add Look at the payment logs",
    ),
    Verb(
        name="checklist",
        usage="[show | add <name> | skip | pause | resume]",
        help=mark(
            "Show what is to do now, bring a checklist early, skip the rest, or let no further one come."
        ),
        right=Right.RESPONDER,
        example="checklist show",
    ),
    Verb(
        name="export",
        help=mark("Put the whole timeline into the channel, as Markdown and as JSON."),
        right=Right.RESPONDER,
        example="export",
    ),
    Verb(
        name="remind",
        usage=(
            "[me | @person | @group | here] "
            "<in:20m | every:15m | at:14:00 | when:resolved | when:update-overdue> <text> "
            "[until:done | until:resolved | until:14:00] [escalate:@person] [after:10m] [then:page]"
        ),
        help=mark("Remind somebody, once or again and again, and ask another if they do not answer."),
        right=Right.RESPONDER,
        takes=frozenset({Part.WHOM, Part.GROUP, Part.WHEN, Part.AT, Part.OPTIONS}),
        example="remind me in:20m Look at the queue",
    ),
    Verb(
        name="reminders",
        usage="[done <number> | snooze <number> [15m] | pass <number> [@person] | cancel <number>]",
        help=mark("Show what people are to be reminded of, and answer it."),
        right=Right.RESPONDER,
        takes=frozenset({Part.PERSON}),
        example="reminders",
    ),
    Verb(
        name="update",
        usage="[text]",
        help=mark("Tell stakeholders what is known, and promise the next update."),
        right=Right.RESPONDER,
        example="update We are rolling back; card payments recover slowly",
    ),
    Verb(
        name="snooze",
        usage="<15m | stop>",
        help=mark("Be asked later for the next update, or not any more."),
        right=Right.RESPONDER,
        example="snooze 15m",
    ),
    Verb(
        name="quiet",
        usage="<30m | off>",
        help=mark("Hold back reminders and new checklists, for everybody here."),
        right=Right.LEAD,
        example="quiet 30m",
    ),
    Verb(
        name="merge",
        usage="[INC-7]",
        help=mark("End this one as a duplicate; its alerts go on in the other."),
        right=Right.LEAD,
        takes=frozenset({Part.OTHER}),
        final=True,
        example="merge INC-7",
    ),
    Verb(
        name="split",
        usage="[alert number]",
        help=mark("Make an alert that joined wrongly an incident of its own."),
        right=Right.RESPONDER,
        example="split 12",
    ),
    Verb(
        name="archive",
        help=mark("Archive the channel of a closed incident early."),
        right=Right.ADMIN,
        final=True,
        example="archive",
    ),
    Verb(
        name="search",
        aliases=("find",),
        usage="<words>",
        help=mark("Find incidents by words of their title, impact or timeline, the newest first."),
        right=Right.MEMBER,
        takes=frozenset({Part.OTHER}),
        in_incident=False,
        example="search payment timeout",
    ),
    Verb(
        name="followup",
        aliases=("follow-up", "followups", "follow-ups"),
        usage="[text | list] [@owner] [due:2026-12-04]",
        help=mark("Write down what is to be done afterwards; at the end it becomes an issue in Jira."),
        right=Right.RESPONDER,
        takes=frozenset({Part.OWNER, Part.DUE, Part.MESSAGE}),
        example="followup Alert on the length of the queue",
    ),
    Verb(
        name="link",
        aliases=("links",),
        usage="<address> [label | none]",
        help=mark("Add a link to the headline and the briefing, or take it away."),
        right=Right.RESPONDER,
        example="link https://grafana.example.com/d/checkout Dashboard",
    ),
    Verb(
        name="escalate",
        usage="[service | escalation policy]",
        help=mark("Page the next level of those on call, or whoever is on call for a service or a policy."),
        right=Right.MEMBER,
        example="escalate payments",
    ),
    Verb(
        name="whoami",
        help=mark("Show who Multivac takes you for, whether you are on call, and what you may do here."),
        right=Right.GUEST,
        in_incident=False,
        example="whoami",
    ),
    Verb(
        name="doctor",
        help=mark("Show how Slack, Jira and PagerDuty fare, what waits, and what is to be mended."),
        right=Right.ADMIN,
        in_incident=False,
        example="doctor",
    ),
    Verb(
        name="ticket",
        usage="[link <key>]",
        help=mark("Show the ticket in Jira, or make another one the incident's."),
        right=Right.RESPONDER,
        takes=frozenset({Part.OTHER}),
        example="ticket link OPS-12",
    ),
    Verb(
        name="services",
        usage="[name, name ... | none]",
        help=mark("Say which services are affected, beside those of the alerts."),
        right=Right.RESPONDER,
        example="services checkout, payments",
    ),
    Verb(
        name="private",
        help=mark("Make it private: nothing more of it is said where others read."),
        right=Right.LEAD,
        final=True,
        example="private",
    ),
    Verb(
        name="ask",
        usage="<what only the lead may do>",
        help=mark("Ask the lead to approve what only they may do."),
        right=Right.MEMBER,
        takes=frozenset({Part.LINE}),
        example="ask resolve Rolled back the release",
    ),
    Verb(
        name="approve",
        usage="[number]",
        help=mark("Approve what somebody asked for: it is done, in your name."),
        right=Right.LEAD,
        final=True,
        example="approve 3",
    ),
    Verb(
        name="decline",
        usage="[number] [reason]",
        help=mark("Decline what somebody asked for; a reason helps them."),
        right=Right.LEAD,
        example="decline 3 Wait for the payment provider",
    ),
    Verb(
        name="drill",
        usage="[name]",
        help=mark("Begin a rehearsal that a playbook names, or show which there are."),
        right=Right.ADMIN,
        in_incident=False,
        final=True,
        example="drill",
    ),
    Verb(
        name="retry",
        help=mark("Try now whatever failed and is not done yet."),
        right=Right.RESPONDER,
        example="retry",
    ),
    Verb(
        name="continue",
        usage="[reason]",
        help=mark("Say that it goes on, although its alerts are resolved in PagerDuty."),
        right=Right.RESPONDER,
        example="continue Users still see errors",
    ),
    Verb(
        name="prefs",
        aliases=("preferences",),
        usage="[language <en | de | ja | ko | slack> | <briefings | guides | prompts> <on | off>]",
        help=mark("Show and change how Multivac speaks to you: in which language, and what it tells you."),
        right=Right.MEMBER,
        in_incident=False,
        example="prefs language de",
    ),
    Verb(
        name="subscribe",
        usage="[INC-42]",
        help=mark("Be told by direct message of each update for stakeholders, and when it is over."),
        right=Right.MEMBER,
        takes=_NUMBER,
        example="subscribe INC-42",
    ),
    Verb(
        name="unsubscribe",
        usage="[INC-42]",
        help=mark("Be told of it by direct message no more."),
        right=Right.MEMBER,
        takes=_NUMBER,
        example="unsubscribe INC-42",
    ),
)
