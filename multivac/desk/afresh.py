"""Forms that were sent in vain: shown again as things stand now, with the words that were typed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from multivac.briefing import Asked, Field, Form
from multivac.desk.asking import Ask, Filled, Stale
from multivac.errors import Refused
from multivac.incident import IncidentId
from multivac.tongue import phrase
from multivac.verbs import Spoken, read

_TYPED = frozenset({Asked.LINE, Asked.PROSE})
_CHOSEN = re.compile(r"[a-z0-9_-]{1,20}|[UW][A-Z0-9]+")  # what a choice of a form brings back


def named(ask: Ask) -> IncidentId | None:
    """The incident that the line itself names."""
    line = read(ask.line)
    return line.words.number if isinstance(line, Spoken) else line.number


def refilled(form: Form, ask: Ask, no: Refused) -> Form:
    """The form with what was sent in it, but for choices of what others have changed, and why it is back."""
    changed = no.facts if isinstance(no, Stale) else frozenset()
    fields = tuple(_refilled(one, ask.fields.get(one.name), changed) for one in form.fields)
    return replace(form, fields=fields, intro=(no.reason, *form.intro), again=ask.again + 1)


def _refilled(field: Field, sent: Filled | None, changed: frozenset[str]) -> Field:
    is_old = field.kind not in _TYPED and (field.name in changed or "roles" in changed)
    if sent is None or is_old:
        return field
    return replace(field, filled=sent if isinstance(sent, tuple) else (sent,))


def as_note(ask: Ask, number: IncidentId | None, *, why: str) -> Form:
    """A form that keeps the words in the timeline, or lets them be copied where there is no incident."""
    typed = "\n".join(_words(ask))
    field = Field(
        name="text", label=phrase("What you wrote"), kind=Asked.PROSE, filled=(typed,), optional=False
    )
    if number is None:
        return Form(
            title=phrase("Copy your words"),
            line="help",
            send=phrase("Help"),
            fields=(field,),
            intro=(why,),
            again=ask.again + 1,
        )
    told = phrase("Send it, and it is a note in the timeline of INC-{number}.", number=number)
    return Form(
        title=phrase("Keep it as a note?"),
        line=f"INC-{number} note",
        send=phrase("Keep"),
        fields=(field,),
        intro=(why, told),
        again=ask.again + 1,
    )


def _words(ask: Ask) -> Iterator[str]:
    for one in ask.fields.values():
        if isinstance(one, str) and one.strip() and not _CHOSEN.fullmatch(one.strip()):
            yield one.strip()
