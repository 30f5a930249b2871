"""What people are shown goes through the catalogs: a sentence written plainly into the code fails here."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What is drawn for people, and which of its parts are texts; of positional ones the place counts.
_TEXTS: dict[str, tuple[str | int, ...]] = {
    "Answer": ("title", "lines"),
    "BadField": (1, "reason"),
    "Change": ("said",),
    "Field": ("label", "hint"),
    "Form": ("title", "send", "intro"),
    "OnlyLead": (0, "reason"),
    "Press": ("label", "confirm"),
    "Refused": (0, "reason"),
    "Verb": ("help",),
}
_A_WORD = re.compile(r"[^\W\d_]{2,}")
_NO_LANGUAGE = re.compile(
    r"\bINC-|`/incident|\bSlack\b|\bJira\b|\bPagerDuty\b|\bMultivac\b"
)  # the same in all


def plain_in(source: str) -> Iterator[tuple[int, str]]:
    """Each text with words in it that is written plainly where people are shown it: its line, and it."""
    for node in ast.walk(ast.parse(source)):
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if isinstance(node, ast.Call) and name in _TEXTS:
            shown = [one.value for one in node.keywords if one.arg in _TEXTS[name]]
            shown += [one for at, one in enumerate(node.args) if at in _TEXTS[name]]
            yield from ((node.lineno, said) for one in shown for said in _said(one) if _is_language(said))


def _said(written: ast.expr) -> Iterator[str]:
    match written:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else " " for one in parts)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for one in parts:
                yield from _said(one)
        case ast.IfExp(body=body, orelse=other):
            yield from (*_said(body), *_said(other))
        case ast.BinOp(left=left, right=right):
            yield from (*_said(left), *_said(right))


def _is_language(text: str) -> bool:
    return bool(_A_WORD.search(_NO_LANGUAGE.sub("", text)))


def test_no_text_is_shown_as_it_stands_in_the_code() -> None:
    found = [
        (str(path.relative_to(ROOT)), *plain)
        for path in sorted((ROOT / "multivac").rglob("*.py"))
        for plain in plain_in(path.read_text())
    ]
    assert found == [], "write it with phrase, plural or mark"


@pytest.mark.parametrize(
    "source",
    [
        'Press(label="Page somebody", line="page")',
        'Answer(lines=(told, "It is done."))',
        'Change(said=f"INC-{number} is over.")',
        'Refused("Not now." if late else phrase("Later."))',
    ],
)
def test_a_plain_sentence_is_found(source: str) -> None:
    assert list(plain_in(source))


def test_what_has_no_language_is_left_alone() -> None:
    assert list(plain_in('Press(label=f"INC-{row.number} {row.title}", line="INC-1 show")')) == []
