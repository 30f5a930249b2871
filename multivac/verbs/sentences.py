"""What people say who do not know the verbs: sentences that can mean one thing only. Pure.

None of them means a verb that ends something, however clear it seems: such a verb is always spelt out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_ABOUT_THIS = r"(?: (?:this|it|that|here|the incident))?(?: (?:now|right now|currently))?"
_AT_WORK = r"(?:working on|on|handling|dealing with|looking at|leading|running|in charge(?: of)?)"

# Each stands for the whole sentence; what is left over in a group goes on after the verb.
_MEANT = tuple(
    (re.compile(said, re.IGNORECASE), line)
    for said, line in (
        (r"(?:i )?accept(?:ed)?(?: it| the lead)?", "lead accept"),
        (r"i take (?:it|over)|i(?:'ll| will) take (?:it|over)|i(?:'ve| have)? got (?:it|this)", "lead it"),
        (
            r"(?:i |i'll |i will |i'm |i am )?tak(?:e|ing) (?:the )?lead(?: back)?|i(?:'ll| will) lead",
            "lead it",
        ),
        (r"(?:who(?:'s| is) )?on[ -]call(?: for)?( .+)?", "oncall"),
        (rf"who(?:'s| is| are)? {_AT_WORK}{_ABOUT_THIS}", "show"),
        (rf"who (?:leads|(?:is|has) (?:the )?lead){_ABOUT_THIS}", "show"),
        (rf"what(?:'s| is) (?:going on|happening|up|the status){_ABOUT_THIS}", "briefing"),
        (r"brief me|catch (?:me )?up|where (?:are we|do we stand)", "briefing"),
        (r"summary( (?:inc-)?\d{1,9})?", "briefing"),
        (r"summary( .+)", "impact"),
        (r"hand (?:it )?over(?: to)?( .+)?", "handover"),
        (r"follow up( .+)", "followup"),
        (r"who am i", "whoami"),
        (r"help me|what can (?:i|you) do", "help"),
    )
)
_POLITE = re.compile(r"(?:please|pls)\s+", re.IGNORECASE)
_MARKS = " .,!?"
_ROLE_WORD = re.compile(r"[\s-]+")


def in_other_words(said: str) -> str:
    """The line that this sentence stands for; the sentence itself if it is none of them."""
    plain = _POLITE.sub("", said, count=1) if _POLITE.match(said) else said
    for sentence, line in _MEANT:
        found = sentence.fullmatch(plain.strip(_MARKS))
        if found is not None:
            more = next((one for one in found.groups() if one), "")
            return f"{line}{more}"
    return plain


def as_role(said: str, roles: Iterable[str]) -> str | None:
    """The line that gives a role, of words that begin with it: "scribe me"; None if they do not."""
    words = _ROLE_WORD.split(said.strip())
    for role in sorted(roles, key=len, reverse=True):
        own = _ROLE_WORD.split(role)
        if [one.lower() for one in words[: len(own)]] == [one.lower() for one in own]:
            return f"role {role} {' '.join(words[len(own) :])}".strip()
    return None
