"""How a line that somebody typed is read. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from difflib import get_close_matches
from functools import partial

from multivac.incident import IncidentId, Severity
from multivac.verbs.flags import names_of, pieces
from multivac.verbs.sentences import in_other_words
from multivac.verbs.table import VERBS
from multivac.verbs.verb import Part, Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointed:
    """A message that a line points to: its id, its channel's, where it can be read, and whose it is.

    The words that follow it in the line are the message's own.
    """

    id: str
    place: str
    link: str
    author: str = ""

    @property
    def word(self) -> str:
        """What points to it in a line."""
        return f"from:{self.author}@{self.link}" if self.author else f"from:{self.link}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What follows a verb, read; `text` is what is left, `quoted` if all of it stood in quotes.

    `people` and `groups` are the chat's ids, or e-mails of those who are not there; `at` is as typed, and
    so are the `strange`: flags that the verb does not have, or cannot read. They are left in the text too.
    """

    number: IncidentId | None = None
    severity: Severity | None = None
    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    after: timedelta | None = None
    every: timedelta | None = None
    at: str | None = None
    text: str = ""
    quoted: bool = False
    odd: str = ""  # what looked like a severity and is none
    message: Pointed | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    strange: tuple[str, ...] = ()


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

    @property
    def typed(self) -> str:
        """All of it but the incident's number."""
        return f"{self.said} {self.rest}".strip()


@dataclass(frozen=True, slots=True)
class Bare:
    """Nothing but the command, perhaps with an incident's number."""

    number: IncidentId | None = None


Line = Spoken | Unclear | Bare

_ALIKE = 0.7  # a slip of the finger; with less, what somebody means is anybody's guess
_ALIKE_IN_A_SENTENCE = 0.85  # most of which begin with a word that is like some verb
_A_SENTENCE = 4  # words
_FIRST_LETTERS = 3  # fewer are a word by themselves: in, on, no, up, as
_NO_FIRST_LETTERS = frozenset({"not", "hand", "time", "service", "follow"})  # words by themselves
_NO_SLIPS = frozenset({"take", "last", "how", "late"})  # words by themselves that are like some verb
_BY_WORD = {word: verb for verb in VERBS for word in verb.words}
_NUMBER_WORD = re.compile(r"inc-(\d{1,9})", re.IGNORECASE)
_SEVERITY_WORD = re.compile(r"sev-?(\d+)", re.IGNORECASE)
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_ADDRESS = re.compile(r"<([^<>|\s@]+@[^<>|\s]+)>")
_GROUP = re.compile(r"<!subteam\^(S[A-Z0-9]+)(?:\|[^>]*)?>")
_WHEN_WORD = re.compile(r"(in|every):(\S+)", re.IGNORECASE)
_AT_WORD = re.compile(r"at:(\S+)", re.IGNORECASE)
_OPTION_WORDS = {
    part: re.compile(f"({'|'.join(names_of(part))}):(.+)", re.IGNORECASE | re.DOTALL)
    for part in (Part.OPTIONS, Part.REACH, Part.HARM, Part.DUE, Part.NEXT)
}
_MESSAGE_WORD = re.compile(
    r"from:(?:([UW][A-Z0-9]+)@)?(https://\S+/archives/([CDG][A-Z0-9]+)/p(\d{10})(\d{6}))"
)
BEFORE_WHOM = frozenset({"to", "over", "for", "is"})
_BEFORE_OWNER = frozenset({"add", "assign"})
_SPAN = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?", re.IGNORECASE)
_FLAGS = frozenset({"private", "drill"})
_ENDS = {"resolved": "resolve", "closed": "close", "dismissed": "dismiss"}  # as a status has it, and the verb
_QUOTES = str.maketrans("“”„‘’", '"""\'\'')  # noqa: RUF001  # what phones make of quotes


def verb_named(word: str) -> Verb | None:
    """The verb that this word means, if it is spelt out."""
    return _BY_WORD.get(word.lower())


def read(line: str, *, in_talk: bool = False) -> Line:
    """What a line asks; see the classes for what may come of it.

    `in_talk` says that it was said among people, who may mean a sentence: "done with the rollback".
    """
    words = line.translate(_QUOTES).split()
    number = _number(words[0]) if words else None
    if number is not None:
        words = words[1:]
    if not words:
        return Bare(number)
    words = in_other_words(" ".join(words)).split()
    verb = _verb(words[0])
    if verb is None or (in_talk and _may_be_a_sentence(verb, words)):
        return Unclear(words[0], verb or _near(words), " ".join(words[1:]), number)
    said = Spoken(verb, _words(verb, words[1:], number))
    if verb.name == "timeline" and said.words.text:  # to show it takes no words: they are to be written there
        note = _BY_WORD["note"]
        return Spoken(note, _words(note, words[1:], number))
    return _by_what_ends_it(said)


def _may_be_a_sentence(verb: Verb, words: Sequence[str]) -> bool:
    """Whether nobody may have meant the verb, and much would come of it: "open question", "close call"."""
    is_grave = verb.final or verb.name == "declare"
    takes_words = bool(verb.usage) and words[0].lower() == verb.name
    return is_grave and not takes_words and any(_number(word) is None for word in words[1:])


def _by_what_ends_it(said: Spoken) -> Spoken:
    """A status that ends the incident, as the verb that ends it: nobody gets round its right or its form."""
    status, _, rest = said.words.text.partition(" ")
    if said.verb.name != "status" or status.lower() not in _ENDS:
        return said
    return Spoken(_BY_WORD[_ENDS[status.lower()]], replace(said.words, text=rest))


def _near(words: list[str]) -> Verb | None:
    if words[0].lower() in _NO_SLIPS:
        return None
    cutoff = _ALIKE if len(words) < _A_SENTENCE else _ALIKE_IN_A_SENTENCE
    near = get_close_matches(words[0].lower(), _BY_WORD, n=1, cutoff=cutoff)
    return _BY_WORD[near[0]] if near else None


def read_words(verb: Verb, line: str) -> Words:
    """What follows this verb, read, as it stands in a form's fields."""
    return _words(verb, line.translate(_QUOTES).split(), None)


def _verb(word: str) -> Verb | None:
    """The verb, spelt out or by first letters that only one has; one that ends things only spelt out."""
    low = word.lower()
    if low in _BY_WORD:
        return _BY_WORD[low]
    if len(low) < _FIRST_LETTERS or low in _NO_FIRST_LETTERS:
        return None
    meant = {verb.name: verb for known, verb in _BY_WORD.items() if known.startswith(low)}
    (only,) = meant.values() if len(meant) == 1 else (None,)
    return None if only is None or only.final else only


@dataclass(slots=True)
class _Found:
    """What was taken out so far."""

    number: IncidentId | None
    severity: Severity | None = None
    people: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    spans: dict[str, timedelta] = field(default_factory=dict)
    at: str | None = None
    odd: str = ""
    message: Pointed | None = None
    options: dict[str, str] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)


def _words(verb: Verb, words: list[str], number: IncidentId | None) -> Words:
    found, left = _Found(number), list[str]()
    until = _message_at(verb, words) + 1  # what a message says is never read for more than its words
    own = pieces(verb, words[:until])
    whom, group = _whom_at(verb, [one.word for one in own]), _group_at(verb, [one.word for one in own])
    for at, one in enumerate(own):
        if at in whom:
            found.people.append(whom[at])
        elif at == group:
            _take_group(one.word, found)
        elif not _take(verb, one.word, found, is_first=at == 0):
            left.append(one.typed or one.word)
            found.strange += [one.typed] if one.typed else []
    text = " ".join([*left, *words[until:]])
    inner = _in_quotes(text)
    return Words(
        number=found.number,
        severity=found.severity,
        people=tuple(found.people),
        groups=tuple(found.groups),
        flags=frozenset(found.flags),
        after=found.spans.get("in"),
        every=found.spans.get("every"),
        at=found.at,
        text=text if inner is None else inner,
        quoted=inner is not None,
        odd=found.odd,
        message=found.message,
        options=found.options,
        strange=tuple(found.strange),
    )


def _message_at(verb: Verb, words: Sequence[str]) -> int:
    """Where the words name a message, if they do; else the end of them."""
    if Part.MESSAGE not in verb.takes:
        return len(words)
    return next((at for at, word in enumerate(words) if _MESSAGE_WORD.fullmatch(word)), len(words))


def _in_quotes(text: str) -> str | None:
    """What stands in the quotes around the whole text; None where there are none."""
    within = text[1:-1]
    is_quoted = len(text) > 1 and text[0] in "\"'" and text[-1] == text[0] and text[0] not in within
    return within.strip() if is_quoted else None


def _whom_at(verb: Verb, words: Sequence[str]) -> Mapping[int, str]:
    """Whom the verb is about, by where it says so; whoever else is mentioned is left in the text.

    Of several the wrong one must not be acted on: who is meant comes first or, as an owner, last.
    """
    named = {at: who for at, word in enumerate(words) if (who := _person(verb, word))}
    if Part.PEOPLE in verb.takes:
        return named
    meant = _one_meant(verb, words, list(named)) if named else None
    return {} if meant is None else {meant: named[meant]}


def _one_meant(verb: Verb, words: Sequence[str], named: Sequence[int]) -> int | None:
    """Where the one person stands whom the verb is about, of all places where somebody is named."""
    first, last = named[0], named[-1]
    if Part.WHOM in verb.takes:
        return first if all(map(_may_come_first, words[:first])) else None
    if Part.OWNER in verb.takes:
        leads = first == 0 or (first == 1 and words[0].lower() in _BEFORE_OWNER)
        return last if last == len(words) - 1 and not leads else first
    return first if Part.PERSON in verb.takes else None


def _person(verb: Verb, word: str) -> str:
    """Whom the word mentions; by an e-mail only where they need not be in the chat."""
    word = word.rstrip(",.;")
    mention = _MENTION.fullmatch(word) or (_ADDRESS.fullmatch(word) if Part.WHOM in verb.takes else None)
    return mention[1] if mention else ""


def _group_at(verb: Verb, words: Sequence[str]) -> int | None:
    """Where the one user group is named that the verb is about: before all else."""
    if Part.GROUP not in verb.takes:
        return None
    first = next((at for at, word in enumerate(words) if not _may_come_first(word)), None)
    return first if first is not None and _group(words[first]) else None


def _may_come_first(word: str) -> bool:
    is_when = any(one.fullmatch(word) for one in (_WHEN_WORD, _AT_WORD, _OPTION_WORDS[Part.OPTIONS]))
    return is_when or word.lower() in BEFORE_WHOM or _number(word) is not None


def _take(verb: Verb, word: str, found: _Found, *, is_first: bool) -> bool:
    """Whether the word is one of the parts that the verb takes; then it is kept as such."""
    if found.number is None and is_first and Part.OTHER not in verb.takes:
        number = _number(word, bare=Part.NUMBER in verb.takes)
        found.number = number
        if number is not None:
            return True
    return any(take(word, found) for take in _takers(verb))


def _takers(verb: Verb) -> Iterator[Callable[[str, _Found], bool]]:
    takers: dict[Part, Callable[[str, _Found], bool]] = {
        Part.SEVERITY: _take_severity,
        Part.GROUPS: _take_group,
        Part.FLAGS: _take_flag,
        Part.WHEN: _take_when,
        Part.AT: _take_at,
        **{part: partial(_take_option, called=called) for part, called in _OPTION_WORDS.items()},
        Part.MESSAGE: _take_message,
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


def _take_group(word: str, found: _Found) -> bool:
    group = _group(word)
    if group:
        found.groups.append(group)
    return bool(group)


def _group(word: str) -> str:
    mention = _GROUP.fullmatch(word.rstrip(",.;"))
    return mention[1] if mention else ""


def _take_flag(word: str, found: _Found) -> bool:
    flag = word.lower()
    if flag in _FLAGS:
        found.flags.add(flag)
    return flag in _FLAGS


def _take_when(word: str, found: _Found) -> bool:
    said = _WHEN_WORD.fullmatch(word)
    if said is None:
        return False
    lasts = span(said[2])
    if lasts is not None:
        found.spans[said[1].lower()] = lasts
    return lasts is not None


def _take_at(word: str, found: _Found) -> bool:
    said = _AT_WORD.fullmatch(word)
    if said is not None:
        found.at = said[1]
    return said is not None


def _take_option(word: str, found: _Found, *, called: re.Pattern[str]) -> bool:
    said = called.fullmatch(word)
    if said is None:
        return False
    mention = _MENTION.fullmatch(said[2])
    found.options[said[1].lower()] = mention[1] if mention else said[2]
    return True


def _take_message(word: str, found: _Found) -> bool:
    said = _MESSAGE_WORD.fullmatch(word)
    if said is not None:
        author, link, place, seconds, rest = said.groups()
        found.message = Pointed(id=f"{seconds}.{rest}", place=place, link=link, author=author or "")
    return said is not None


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
