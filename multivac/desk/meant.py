"""Who is meant by a name that somebody typed: it becomes a mention, as if they had picked it from a list.

A name is looked for among those of the incident, those whom we have met in the chat, and those whom
operators wrote down; then among everybody in the channel, and at the pager.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import structlog

from multivac.briefing import Answer, Press
from multivac.desk.asking import Sitting
from multivac.desk.people import look_up, must_be_sure, who_is
from multivac.desk.spelling import spelt_out
from multivac.desk.teams import team_first
from multivac.errors import MultivacError, Refused
from multivac.incident import Person
from multivac.steps import oncall, people
from multivac.store import people as directory
from multivac.store.cases import Case
from multivac.tongue import phrase
from multivac.verbs import BEFORE_WHOM, Bare, Spoken, Words, in_other_words, pieces, read

log = structlog.get_logger()

_LONGEST_NAME = 3  # words
_MOST_OFFERED = 5
_MOST_ASKED = 30  # people of a channel whose names we do not know
_TOKEN = re.compile(r"(?:<@[UW][A-Z0-9]+(?:\|[^>]*)?>|<[^<>|\s@]+@[^<>|\s]+>)[,.;]*")
_MAIL = re.compile(r"<?([^<>|\s@]+@[^<>|\s@]+\.[^<>|\s@]+?)>?[,.;:]?")
_IN_BRACKETS = re.compile(r"<([^<>|\s@]+@[^<>|\s]+)>")  # ours or typed: in either case it is looked up
_NO_NAME = re.compile(r"(?:in|every|at|until|after|escalate|then|when|from):\S+", re.IGNORECASE)
_ESCALATION = re.compile(r"(escalate:)(?!<|me$)(\S+)", re.IGNORECASE)
_JOINING = {"invite": frozenset({"and", "&"}), "role": frozenset({"to"}), "task": frozenset({"to"})}
_ITSELF = frozenset({"me", "here", "none", "accept", "it"})
_FIRST = frozenset({"lead", "handover", "page", "oncall", "remind"})  # the name comes first
_AT_THE_PAGER = frozenset({"page", "oncall"})  # for these nobody has to be in the chat
_MAY_BE_A_SERVICE = frozenset({"page", "invite"})
_IN_THE_CHANNEL = frozenset({"lead", "handover", "role", "task", "followup"})  # for others it changes nothing
_FREE_WORDS = frozenset({"remind", "oncall", "followup"})  # a word is a name only if it is somebody's we know
_NEED_A_NAME = frozenset({"lead", "handover", "page", "invite"})


@dataclass(frozen=True, slots=True)
class _Known:
    """Somebody, and every name by which they are called."""

    person: Person
    names: frozenset[str]

    def is_called(self, said: str) -> bool:
        """Whether the words are their whole name, parts of it, or the first part of their e-mail."""
        words = set(said.split())
        if not words:
            return False
        local = (self.person.email or "").casefold().partition("@")[0]
        return said == local or any(words <= set(one.split()) for one in self.names)


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where in the words a name may stand, whom it names, and what stands before it without a space."""

    start: int
    stop: int
    people: tuple[Person, ...]
    before: str = ""


def resolved(sitting: Sitting) -> Sitting | Answer:
    """The request with each typed name as a mention; where that is not clear, what to ask instead.

    Whom the verb does not act on is called by their name. Raises `Refused` for somebody who cannot be asked
    in the chat.
    """
    meant = _resolved(sitting)
    return meant if isinstance(meant, Answer) else spelt_out(meant)


def _resolved(sitting: Sitting) -> Sitting | Answer:
    if not _may_name(sitting):
        return sitting
    names, rest = _Names(sitting), _after_verb(sitting)
    if (spot := names.find_escalation(rest)) is not None:
        if len(spot.people) > 1:
            return names.which(rest, spot)
        rest = names.put(rest, spot, spot.people[0])
    if _is_mentioned(sitting.verb.name, rest) and sitting.verb.name != "invite":
        return names.said(rest)
    while (spot := names.find(rest)) is not None:
        if len(spot.people) > 1:
            return names.which(rest, spot)
        rest = names.put(rest, spot, spot.people[0])
    unknown = _must_be_known(sitting, rest)
    if unknown and not names.may_be_a_service(unknown):
        return _nobody(sitting, unknown)
    return names.said(rest)


def _may_name(sitting: Sitting) -> bool:
    """Whether some of the words may be a name: none that stand in quotes, or that a message says."""
    verb, words = sitting.verb.name, sitting.words
    if sitting.ask.fields or verb not in _FIRST | {"role", "task", "invite", "followup"}:
        return False
    return verb != "followup" or (words.message is None and not words.quoted)


def met(sitting: Sitting, named: str) -> tuple[Person, bool]:
    """The person whom a mention names, and whether they are a guest; an e-mail is of nobody in the chat."""
    if "@" not in named:
        found = look_up(sitting.house.out, named, "")
        must_be_sure(found)
        return found.person, found.is_guest
    known = sitting.known.get(named.lower())
    return known or sitting.house.out.complete(Person(name=named, email=named)), False


def no_guest(sitting: Sitting, named: str, *, else_told: str) -> Person:
    """The person whom a mention names. Raises `Refused`, in the words for that, if it is a guest."""
    if named == sitting.ask.by:
        return sitting.person
    person, is_guest = met(sitting, named)
    if is_guest:
        raise Refused(phrase(else_told, name=person.name))
    return person


# --- where a name may stand -----------------------------------------------------------------------


def _after_verb(sitting: Sitting) -> list[str]:
    """The words of the line in which a name may be."""
    words = sitting.ask.line.split()
    if words and isinstance(read(words[0]), Bare):
        words = words[1:]
    rest = in_other_words(" ".join(words)).split()[1:]
    if rest and isinstance(read(rest[0]), Bare):  # the incident's number may follow the verb, too
        rest = rest[1:]
    while rest and sitting.verb.name in _FIRST and rest[0].lower() in BEFORE_WHOM:
        rest = rest[1:]
    rest = [one.word for one in pieces(sitting.verb, rest)]
    may_be_named = _starts(sitting.verb.name, rest) if not _adds_task(sitting.verb.name, rest) else ()
    return [_IN_BRACKETS.sub(r"\1", one) if at in may_be_named else one for at, one in enumerate(rest)]


def _adds_task(verb: str, rest: Sequence[str]) -> bool:
    return verb == "task" and rest[:1] != ["assign"]


def _starts(verb: str, rest: Sequence[str]) -> Sequence[int]:
    """The words with which a name may begin."""
    if verb == "followup":  # all of it is a title, but for whom somebody writes with an @
        return [at for at, one in enumerate(rest) if one.startswith(("@", "<@"))]
    if verb not in _FIRST:
        return range(len(rest))
    first = next((at for at, one in enumerate(rest) if not _NO_NAME.fullmatch(one)), len(rest))
    return range(first, min(first + 1, len(rest)))


def _is_mentioned(verb: str, rest: Sequence[str]) -> bool:
    """Whether somebody is mentioned where a name is expected; further on, they are only spoken of."""
    return any(_TOKEN.fullmatch(rest[at]) for at in _starts(verb, rest))


def _places(verb: str, rest: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where a name may stand, the longer ones first."""
    for start in _starts(verb, rest):
        for stop in range(min(start + _LONGEST_NAME, len(rest)), start, -1):
            if _may_stand(verb, rest, start, stop=stop):
                yield start, stop


def _may_stand(verb: str, rest: Sequence[str], start: int, *, stop: int) -> bool:
    words = [one.lower() for one in rest[start:stop]]
    if _ITSELF & set(words) or any(_TOKEN.fullmatch(one) for one in rest[start:stop]):
        return False
    match verb:
        case "role":  # after the role
            return start >= 1 and stop == len(rest)
        case "task":  # after the task's key: task assign 3 bo
            return rest[0].lower() == "assign" and start > 1 and stop == len(rest)
        case _:
            return True


def _must_be_known(sitting: Sitting, rest: Sequence[str]) -> str:
    """The word that can only have been meant as a name, and is nobody's; "" if there is none."""
    verb = sitting.verb.name
    if verb == "followup" or _is_mentioned(verb, rest):
        return ""
    places = list(_places(verb, rest))
    word = rest[places[-1][0]] if places else ""
    if verb == "invite":
        word = " ".join(rest)
    is_key = verb == "task" and bool(places) and rest[1].rstrip(".")[:1].isdigit()
    return word if verb in _NEED_A_NAME or is_key or word.startswith("@") else ""


def _said(words: Iterable[str]) -> str:
    return " ".join(words).strip("@,.;:\"'“”").casefold()


# --- who it may be --------------------------------------------------------------------------------


class _Names:
    """Everybody whom one request may name."""

    def __init__(self, sitting: Sitting) -> None:
        self._sitting = sitting
        self._out = sitting.house.out
        self._near: Sequence[_Known] | None = None
        self._known: dict[str, Person] = {}  # those who are not in the chat, by e-mail

    @cached_property
    def _case(self) -> Case | None:
        return self._sitting.case() if self._sitting.verb.in_incident else None

    def find(self, rest: Sequence[str]) -> _Spot | None:
        """The first name that is somebody's."""
        places = list(_places(self._sitting.verb.name, rest))
        for search in (self._close_by, self._in_the_channel, self._at_the_pager):
            for start, stop in places:
                found = search(rest[start:stop])
                if found:
                    return _Spot(start, stop, tuple(found))
        return None

    def find_escalation(self, rest: Sequence[str]) -> _Spot | None:
        """Whom a reminder is to be escalated to, where a name says so: escalate:bo."""
        for at, word in enumerate(rest):
            named = _ESCALATION.fullmatch(word)
            if named and (found := self._close_by([named[2]]) or self._members([named[2]])):
                return _Spot(at, at + 1, tuple(found), before=named[1])
        return None

    def _close_by(self, words: Sequence[str]) -> Sequence[Person]:
        """By e-mail, or among those whom we know; whom to page, the pager is asked too."""
        if len(words) == 1 and (mail := _MAIL.fullmatch(words[0])):
            return [self._by_mail(mail[1].lower())]
        if self._near is None:
            self._near = _together(chain(self._of_the_incident(), self._met_before(), self._out.mapped))
        found = [one.person for one in self._near if one.is_called(_said(words))]
        if found and self._sitting.verb.name == "page":
            more = _together([*found, *map(self._out.complete, self._at_the_pager(words))])
            return [one.person for one in more]
        return found

    def _by_mail(self, email: str) -> Person:
        with self._out.database.read() as tx:
            known = directory.identities(tx, "slack", [email]).get(email)
        name = known.name if known is not None and known.name else email
        slack = known.id if known is not None and known.active else None
        return self._out.complete(Person(name=name, email=email, slack=slack))

    def _of_the_incident(self) -> Iterator[Person]:
        case = self._case
        if case is None:
            return
        yield from (row.person for row in case.roles.values())
        yield from (who for one in case.summons for who in one.people)
        yield from (who for _, who in oncall.on_call_of(case))
        told = case.alerts
        yield from people.identified(case, (*told.assignees, *told.ackers, *told.responders))

    def _met_before(self) -> Iterator[Person]:
        with self._out.database.read() as tx:
            known = directory.everybody(tx, "slack")
        for one in known:
            email = one.key if "@" in one.key else None
            yield Person(name=one.name or "", slack=one.id, email=email)

    def _in_the_channel(self, words: Sequence[str]) -> Sequence[Person]:
        """Among those in the channel whose names we have not heard yet."""
        return self._members(words) if self._sitting.verb.name in _IN_THE_CHANNEL else ()

    def _members(self, words: Sequence[str]) -> Sequence[Person]:
        members = _nameless(self._case, self._near or ())
        found = [who_is(self._out, one, "")[0] for one in members]
        if found:
            self._near = _together([*(one.person for one in self._near or ()), *found])
        return [one.person for one in _together(found) if one.is_called(_said(words))]

    def _at_the_pager(self, words: Sequence[str]) -> Sequence[Person]:
        pager, said = self._out.pager, _said(words)
        if pager is None or not said or self._sitting.verb.name in _FREE_WORDS:
            return ()
        try:
            found = _together(map(self._out.complete, pager.people_called(said)))
        except MultivacError as error:
            log.info("name not looked up", why=str(error))
            return ()
        return [one.person for one in found if one.is_called(said)]

    def may_be_a_service(self, word: str) -> bool:
        """Whether the pager has a service or a policy of this name, or cannot say."""
        pager, verb = self._out.pager, self._sitting.verb.name
        if verb not in _MAY_BE_A_SERVICE or word.startswith("@"):
            return False
        words = self._sitting.words
        try:
            named = team_first(pager, words)[0] if verb == "page" else words.text
            return pager is None or bool(pager.policies_of_service(named))
        except MultivacError:
            return True

    # --- what becomes of the line -----------------------------------------------------------------

    def put(self, rest: Sequence[str], spot: _Spot, person: Person) -> list[str]:
        """The words with a mention where the name stood."""
        before = list(rest[: spot.start])
        if before and before[-1].lower() in _JOINING.get(self._sitting.verb.name, ()):
            before.pop()
        return [*before, f"{spot.before}{self._token(person)}", *rest[spot.stop :]]

    def _token(self, person: Person) -> str:
        if chat_id := self._chat_id(person):
            return f"<@{chat_id}>"
        if self._sitting.verb.name not in _AT_THE_PAGER or not person.email:
            told = phrase(
                "{name} is not in Slack, so they cannot be asked here. Page them: `/incident page {name}`.",
                name=person.name,
            )
            raise Refused(told)
        self._known[person.email.lower()] = person
        return f"<{person.email.lower()}>"

    def _chat_id(self, person: Person) -> str | None:
        if person.slack or not person.email or self._out.chat is None:
            return person.slack
        try:
            user = self._out.chat.find_person(person.email)
        except MultivacError as error:
            told = phrase("{name} could not be looked up in Slack: {why}", name=person.name, why=error)
            raise Refused(told) from error
        return user.id if user is not None and user.active else None

    def which(self, rest: Sequence[str], spot: _Spot) -> Answer:
        """A button for each whom the name may mean."""
        name = " ".join(rest[spot.start : spot.stop]).removeprefix(spot.before).strip("@")
        presses = tuple(
            Press(
                label=f"{one.name} ({one.email or one.key})",
                line=self._line(self.put(rest, spot, one)),
            )
            for one in spot.people[:_MOST_OFFERED]
        )
        told = phrase("More than one person is called “{name}”. Whom do you mean?", name=name)
        return Answer(lines=(told,), presses=presses)

    def said(self, rest: Sequence[str]) -> Sitting:
        """The request as if it had been said so."""
        sitting, line = self._sitting, self._line(rest)
        if not rest or sitting.ask.line.split()[-len(rest) :] == rest:
            return sitting
        spoken = read(line)
        words = spoken.words if isinstance(spoken, Spoken) else Words()
        known: Mapping[str, Person] = {**sitting.known, **self._known}
        return replace(sitting, ask=replace(sitting.ask, line=line), words=words, known=known)

    def _line(self, rest: Sequence[str]) -> str:
        """What says the same of the same incident from anywhere."""
        number = [f"INC-{self._sitting.number}"] if self._sitting.number is not None else []
        return " ".join([*number, self._sitting.verb.name, *rest])


def _together(found: Iterable[Person]) -> list[_Known]:
    """Each once, with all that is known of them and every name they were called by."""
    kept: dict[str, _Known] = {}
    for one in found:
        before = kept.get(one.key)
        name = one.name if one.name != one.email else ""
        names = frozenset({name.casefold()} if name else ()) | (before.names if before else frozenset())
        kept[one.key] = _Known(_merged(before.person, one) if before else one, names)
    return list(kept.values())


def _merged(one: Person, other: Person) -> Person:
    known = {
        kind: getattr(one, kind) or getattr(other, kind) for kind in ("email", "slack", "pagerduty", "jira")
    }
    return Person(name=other.name if one.name in {"", one.email} else one.name, **known)


def _nameless(case: Case | None, near: Sequence[_Known]) -> list[str]:
    named = {one.person.slack for one in near}
    members = case.members.items() if case is not None else ()
    return [one for one, member in members if member.is_here and one not in named][:_MOST_ASKED]


def _nobody(sitting: Sitting, name: str) -> Answer:
    """Says that nobody is called so, and what to write instead."""
    about = f"INC-{sitting.number} {sitting.verb.name}"
    told = phrase(
        "I do not know who “{name}” is. Type @ and pick them from the list that Slack offers, "
        "or write their e-mail.",
        name=name.strip("@"),
    )
    if sitting.verb.name in _MAY_BE_A_SERVICE and sitting.house.out.pager is not None:
        told = phrase(
            "I know nobody, and PagerDuty has no service, called “{name}”. Type @ and pick somebody from the "
            "list that Slack offers, or write their e-mail or the exact name of the service.",
            name=name.strip("@"),
        )
    has_form = sitting.verb.name in {"handover", "page"}
    pick = (Press(label=phrase("Pick somebody"), line=about),) if has_form else ()
    return Answer(lines=(told,), presses=pick)
