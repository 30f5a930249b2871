"""The one table of verbs: words, rights, help; and how a line that somebody typed is read. Pure.

`multivac.desk` does what a verb says; the help, the manifest's hint and the page of verbs are made
from this table. A button is a line of the same grammar, written for whoever presses it.
"""

from __future__ import annotations

from multivac.verbs.flags import as_words, flags_of, pieces
from multivac.verbs.grammar import (
    BEFORE_WHOM,
    Bare,
    Line,
    Pointed,
    Spoken,
    Unclear,
    Words,
    number_of,
    read,
    read_words,
    span,
    verb_named,
)
from multivac.verbs.headings import by_heading
from multivac.verbs.presses import irrevocable, opens_form
from multivac.verbs.refusals import refusal
from multivac.verbs.sentences import as_role, in_other_words
from multivac.verbs.table import VERBS
from multivac.verbs.verb import Part, Right, Verb

__all__ = [
    "BEFORE_WHOM",
    "VERBS",
    "Bare",
    "Line",
    "Part",
    "Pointed",
    "Right",
    "Spoken",
    "Unclear",
    "Verb",
    "Words",
    "as_role",
    "as_words",
    "by_heading",
    "flags_of",
    "in_other_words",
    "irrevocable",
    "number_of",
    "opens_form",
    "pieces",
    "read",
    "read_words",
    "refusal",
    "span",
    "verb_named",
]
