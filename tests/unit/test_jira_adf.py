"""Text for Jira: documents and wiki markup, in which nothing from outside acts as markup."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.jira.adf import document, one_line, wiki

RECORDED = os.environ.get("MULTIVAC_PAYLOADS")


def test_text_becomes_a_document_of_paragraphs_and_links() -> None:
    made = document(("One\ntwo", " ", "three"), (("Slack", "https://s.example.com"), ("Odd", "javascript:x")))
    kinds = [[node["type"] for node in each["content"]] for each in cast("Any", made["content"])]
    assert kinds == [["text", "hardBreak", "text"], ["text"], ["text"], ["text"]]
    link, odd = (each["content"][0] for each in cast("Any", made["content"])[-2:])
    assert link["marks"] == [{"type": "link", "attrs": {"href": "https://s.example.com"}}]
    assert odd == {"type": "text", "text": "Odd: javascript:x"}


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("[~ana] look", r"\[\~ana\] look"),
        ("!http://x/p.png!", r"\!http://x/p.png\!"),
        ("{code}x{code}", r"\{code\}x\{code\}"),
        ("us-east-1 -gone- +new+", r"us-east-1 \-gone- \+new+"),
        ("h1. Big", "h1&#46; Big"),
        (r"C:\temp", "C:&#92;temp"),
        ("a_b*c|d^e", r"a\_b\*c\|d\^e"),
    ],
)
def test_nothing_in_a_text_acts_as_wiki_markup(text: str, escaped: str) -> None:
    assert wiki((text,), ()) == escaped


def test_a_link_in_wiki_text_stays_one_link() -> None:
    made = wiki(("x",), (("a]|b", "https://x.example.com/a b|c]"), ("Odd", "javascript:x")))
    assert made == "x\n\n[a\\]\\|b|https://x.example.com/a%20b%7Cc%5D]\n\nOdd: javascript:x"


def test_a_text_is_cut_where_jira_would_refuse_it() -> None:
    for made in (json.dumps(document(("x" * 50_000, "y"), ())), wiki(("x" * 50_000, "y"), ())):
        assert 29_000 < len(made) < 32_000
        assert "y" not in made.replace("type", "")


@given(st.lists(st.text()), st.lists(st.tuples(st.text(), st.text())))
def test_any_text_can_be_sent(paragraphs: list[str], links: list[tuple[str, str]]) -> None:
    json.dumps(document(paragraphs, links)).encode()
    wiki(paragraphs, links).encode()
    assert len(one_line("".join(paragraphs), 20)) <= 20


@pytest.mark.skipif(not RECORDED, reason="MULTIVAC_PAYLOADS is not set: no schema of ADF documents here")
def test_documents_are_valid_by_atlassians_schema() -> None:
    path = Path(RECORDED or "") / "specs" / "atlassian-document-format.schema.json"
    schema = json.loads(path.read_text())
    for paragraphs, links in [((), ()), (("a\n\nb", "c"), (("Slack", "https://s.example.com"), ("x", "y")))]:
        jsonschema.validate(document(paragraphs, links), schema)
