"""What a verb is: its words, who may say it, and what it takes out of the words that follow. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


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
    NEXT = "next"  # next:15m
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
