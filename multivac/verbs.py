"""The one table of verbs: words, rights, help; and how a line that somebody typed is read. Pure.

`multivac.desk` does what a verb says; the help, the manifest's hint and the page of verbs are made
from this table. A button is a line of the same grammar, written for whoever presses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from enum import IntEnum, StrEnum

from multivac.incident import IncidentId, Severity


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
    PEOPLE = "people"
    FLAGS = "flags"
    WHEN = "when"  # in:20m every:1h at:14:05
    NUMBER = "number"  # a bare number is an incident's
    OTHER = "other"  # a number in its words is another incident's


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One thing that people can ask.

    `usage` is what follows the verb, `help` one sentence of what it does. One that is `final` is never
    guessed from its first letters. `example` is a whole line that works.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What follows a verb, read. `people` are the chat's ids, `at` is as typed, `text` is what is left."""

    number: IncidentId | None = None
    severity: Severity | None = None
    people: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    after: timedelta | None = None
    every: timedelta | None = None
    at: str | None = None
    text: str = ""
    odd: str = ""  # what looked like a severity and is none


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line that names a verb."""

    verb: Verb
    words: Words


@dataclass(frozen=True, slots=True)
class Unclear:
    """A line that names none: what was said, and the verb that was perhaps meant."""

    said: str
    near: Verb | None
    rest: str
    number: IncidentId | None = None


@dataclass(frozen=True, slots=True)
class Bare:
    """Nothing but the command, perhaps with an incident's number."""

    number: IncidentId | None = None


Line = Spoken | Unclear | Bare

_SEVERITY = frozenset({Part.SEVERITY})
_PEOPLE = frozenset({Part.PEOPLE})
_NUMBER = frozenset({Part.NUMBER})
_WHEN = frozenset({Part.WHEN})

VERBS: tuple[Verb, ...] = (
    Verb(
        name="declare",
        aliases=("new", "open"),
        usage="[title] [sev1-sev5] [private] [drill]",
        help="Start a response: a channel, the right people, a lead, checklists.",
        right=Right.MEMBER,
        takes=frozenset({Part.SEVERITY, Part.FLAGS}),
        in_incident=False,
        example="declare Checkout returns 500 sev1",
    ),
    Verb(
        name="list",
        aliases=("ls",),
        usage="[mine | all | sev1-sev5 | words]",
        help="Show the open incidents, the worst first.",
        right=Right.MEMBER,
        takes=_SEVERITY,
        in_incident=False,
        example="list",
    ),
    Verb(
        name="show",
        usage="[INC-42]",
        help="Show where an incident stands.",
        right=Right.MEMBER,
        takes=_NUMBER,
        example="show INC-42",
    ),
    Verb(
        name="help",
        usage="[verb]",
        help="Show what you can ask.",
        right=Right.GUEST,
        in_incident=False,
        example="help resolve",
    ),
    Verb(
        name="lead",
        usage="[me | @person]",
        help="Take the lead, or say who leads.",
        right=Right.RESPONDER,
        takes=_PEOPLE,
        example="lead me",
    ),
    Verb(
        name="role",
        usage="<role> <me | @person | none>",
        help="Give a role, such as deputy, scribe or cx lead, to somebody.",
        right=Right.RESPONDER,
        takes=_PEOPLE,
        example="role scribe me",
    ),
    Verb(
        name="roles",
        help="Show who has which role, and change it.",
        right=Right.RESPONDER,
        example="roles",
    ),
    Verb(
        name="handover",
        usage="[@person] [what they must know]",
        help="Hand the lead over, with a briefing.",
        right=Right.LEAD,
        takes=_PEOPLE,
        example="handover <@U012AB3CD> The rollback runs until noon",
    ),
    Verb(
        name="page",
        usage="<@person | service> [message]",
        help="Page somebody through PagerDuty.",
        right=Right.MEMBER,
        takes=_PEOPLE,
        example="page checkout We need a database expert",
    ),
    Verb(
        name="severity",
        aliases=("sev",),
        usage="<sev1-sev5> [reason]",
        help="Settle how bad it is for users.",
        right=Right.RESPONDER,
        takes=_SEVERITY,
        example="severity sev2 Only the app is affected",
    ),
    Verb(
        name="impact",
        usage="<text>",
        help="Say what users notice; it stands in the headline.",
        right=Right.RESPONDER,
        example="impact Nobody can pay by card",
    ),
    Verb(
        name="status",
        usage="<active | mitigated | resolved>",
        help="Say where the incident stands.",
        right=Right.RESPONDER,
        example="status mitigated",
    ),
    Verb(
        name="mitigate",
        aliases=("mitigated",),
        usage="[what helped]",
        help="The worst is over, the cause is not fixed yet.",
        right=Right.RESPONDER,
        example="mitigate Rolled back",
    ),
    Verb(
        name="resolve",
        aliases=("resolved", "done"),
        usage="[what fixed it]",
        help="It is over.",
        right=Right.LEAD,
        final=True,
        example="resolve Rolled back the release",
    ),
    Verb(
        name="close",
        help="Nothing is left to do.",
        right=Right.LEAD,
        final=True,
        example="close",
    ),
    Verb(
        name="reopen",
        usage="[reason]",
        help="It is not over after all.",
        right=Right.RESPONDER,
        takes=_NUMBER,
        example="reopen It came back",
    ),
    Verb(
        name="dismiss",
        aliases=("cancel",),
        usage="[reason]",
        help="It is no incident.",
        right=Right.LEAD,
        final=True,
        example="dismiss A false alarm",
    ),
    Verb(
        name="note",
        usage="<text> [at:14:05]",
        help="Write something into the timeline.",
        right=Right.RESPONDER,
        takes=_WHEN,
        example="note Rolled back at:14:05",
    ),
    Verb(
        name="timeline",
        help="Show what has happened so far.",
        right=Right.MEMBER,
        example="timeline",
    ),
    Verb(
        name="rename",
        usage="<title>",
        help="Give the incident a better title.",
        right=Right.RESPONDER,
        example="rename Card payments fail",
    ),
    Verb(
        name="briefing",
        aliases=("brief", "catchup"),
        usage="[INC-42]",
        help="Show what you must know to help: ten lines.",
        right=Right.MEMBER,
        takes=_NUMBER,
        example="briefing INC-42",
    ),
    Verb(
        name="oncall",
        aliases=("on-call", "who"),
        usage="[service | @person]",
        help="Show who is on call, until when.",
        right=Right.MEMBER,
        takes=_PEOPLE,
        in_incident=False,
        example="oncall payments",
    ),
    Verb(
        name="join",
        usage="[INC-42]",
        help="Be invited into the channel of an incident.",
        right=Right.MEMBER,
        takes=_NUMBER,
        example="join INC-42",
    ),
    Verb(
        name="invite",
        aliases=("add",),
        usage="<@person ...>",
        help="Bring people into the channel.",
        right=Right.RESPONDER,
        takes=_PEOPLE,
        example="invite @bo",
    ),
    Verb(
        name="update",
        usage="[text]",
        help="Tell stakeholders what is known, and promise the next update.",
        right=Right.RESPONDER,
        example="update We are rolling back; card payments recover slowly",
    ),
    Verb(
        name="snooze",
        usage="<15m | stop>",
        help="Put off the question for the next update.",
        right=Right.RESPONDER,
        example="snooze 15m",
    ),
    Verb(
        name="quiet",
        usage="<30m | off>",
        help="Have reminders and new checklists wait, for everybody here.",
        right=Right.LEAD,
        example="quiet 30m",
    ),
    Verb(
        name="merge",
        usage="<INC-7>",
        help="End this one as a duplicate; its alerts go on in the other.",
        right=Right.LEAD,
        takes=frozenset({Part.OTHER}),
        final=True,
        example="merge INC-7",
    ),
    Verb(
        name="archive",
        help="Archive the channel of what is closed now.",
        right=Right.LEAD,
        final=True,
        example="archive",
    ),
)

_BY_WORD = {word: verb for verb in VERBS for word in verb.words}
_NUMBER_WORD = re.compile(r"inc-(\d{1,9})", re.IGNORECASE)
_SEVERITY_WORD = re.compile(r"sev-?(\d+)", re.IGNORECASE)
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_WHEN_WORD = re.compile(r"(in|every|at):(\S+)", re.IGNORECASE)
_SPAN = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?", re.IGNORECASE)
_FLAGS = frozenset({"private", "drill"})
_QUOTES = str.maketrans("“”„‘’", '"""\'\'')  # noqa: RUF001  # what phones make of quotes


def verb_named(word: str) -> Verb | None:
    """The verb that this word means, if it is spelt out."""
    return _BY_WORD.get(word.lower())


def read(line: str) -> Line:
    """What a line asks; see the classes for what may come of it."""
    words = line.translate(_QUOTES).split()
    number = _number(words[0]) if words else None
    if number is not None:
        words = words[1:]
    if not words:
        return Bare(number)
    verb = _verb(words[0])
    if verb is None:
        near = get_close_matches(words[0].lower(), _BY_WORD, n=1, cutoff=0.6)
        return Unclear(words[0], _BY_WORD[near[0]] if near else None, " ".join(words[1:]), number)
    return Spoken(verb, _words(verb, words[1:], number))


def _verb(word: str) -> Verb | None:
    """The verb, spelt out or by first letters that only one has; one that ends things only spelt out."""
    low = word.lower()
    if low in _BY_WORD:
        return _BY_WORD[low]
    meant = {verb.name: verb for known, verb in _BY_WORD.items() if len(low) > 1 and known.startswith(low)}
    (only,) = meant.values() if len(meant) == 1 else (None,)
    return None if only is None or only.final else only


@dataclass(slots=True)
class _Found:
    """What was taken out so far."""

    number: IncidentId | None
    severity: Severity | None = None
    people: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    spans: dict[str, timedelta] = field(default_factory=dict)
    at: str | None = None
    odd: str = ""


def _words(verb: Verb, words: list[str], number: IncidentId | None) -> Words:
    found = _Found(number)
    left = [word for place, word in enumerate(words) if not _take(verb, word, found, is_first=place == 0)]
    return Words(
        number=found.number,
        severity=found.severity,
        people=tuple(found.people),
        flags=frozenset(found.flags),
        after=found.spans.get("in"),
        every=found.spans.get("every"),
        at=found.at,
        text=" ".join(left).strip("\"' "),
        odd=found.odd,
    )


def _take(verb: Verb, word: str, found: _Found, *, is_first: bool) -> bool:
    """Whether the word is one of the parts that the verb takes; then it is kept as such."""
    if found.number is None and is_first and Part.OTHER not in verb.takes:
        number = _number(word, bare=Part.NUMBER in verb.takes)
        found.number = number
        if number is not None:
            return True
    return any(take(word, found) for take in _takers(verb))


def _takers(verb: Verb) -> Iterator[Callable[[str, _Found], bool]]:
    takers = {
        Part.SEVERITY: _take_severity,
        Part.PEOPLE: _take_person,
        Part.FLAGS: _take_flag,
        Part.WHEN: _take_when,
    }
    yield from (take for part, take in takers.items() if part in verb.takes)


def _take_severity(word: str, found: _Found) -> bool:
    rank = _SEVERITY_WORD.fullmatch(word)
    known = f"sev{int(rank[1])}" if rank else word.lower()
    if known in set(Severity) and found.severity is None:
        found.severity = Severity(known)
        return True
    found.odd = found.odd or (word if rank else "")
    return False


def _take_person(word: str, found: _Found) -> bool:
    mention = _MENTION.fullmatch(word.rstrip(",.;"))
    if mention:
        found.people.append(mention[1])
    return mention is not None


def _take_flag(word: str, found: _Found) -> bool:
    flag = word.lower().removeprefix("--")
    if flag in _FLAGS:
        found.flags.add(flag)
    return flag in _FLAGS


def _take_when(word: str, found: _Found) -> bool:
    said = _WHEN_WORD.fullmatch(word)
    if said is None:
        return False
    kind = said[1].lower()
    if kind == "at":
        found.at = said[2]
        return True
    lasts = span(said[2])
    if lasts is not None:
        found.spans[kind] = lasts
    return lasts is not None


def span(word: str) -> timedelta | None:
    """A time span such as 20m or 1h30m; None if the word is none."""
    read_as = _SPAN.fullmatch(word)
    if read_as is None or not any(read_as.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in read_as.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def number_of(text: str) -> IncidentId | None:
    """The incident that these words name, such as INC-7 or 7."""
    return _number(text, bare=True)


def _number(word: str, *, bare: bool = False) -> IncidentId | None:
    named = _NUMBER_WORD.fullmatch(word.rstrip(",.:"))
    if named:
        return IncidentId(int(named[1]))
    return IncidentId(int(word)) if bare and re.fullmatch(r"[0-9]{1,9}", word) else None
