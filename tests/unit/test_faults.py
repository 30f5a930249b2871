"""docs/faults.md says what becomes of every call in every failure; each cell is tried and compared."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import Clock
from multivac.errors import GiveUp
from tests.unit.fault_bench import (
    CALLS,
    Outcome,
    called,
    failures_of,
    listed_names,
    methods_of,
    observe,
)
from tests.unit.fault_stage import HELLO, MARKER, NOON, Bench

PAGE = (Path(__file__).parents[2] / "docs" / "faults.md").read_text()
HEADINGS = {"slack": "Slack", "jira": "Jira", "pagerduty": "PagerDuty"}
EVERY = "every"
GIVEN_UP = {"people", "operators"}


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading, its head first."""
    section = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert section is not None, f"the page has no section {heading}"
    lines = [line for line in section[1].splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    return [rows[0], *rows[2:]]


def bare(cell: str) -> str:
    return cell.strip("`")


def fits(line: str, written: str) -> bool:
    """Whether what was said is what the page has, where `…` stands for anything."""
    return re.fullmatch(".+".join(map(re.escape, written.split("…"))), line) is not None


Names = dict[tuple[str, str], Outcome]


def names_on_the_page() -> Names:
    """What becomes of each error name, by name and method, or by name and "every"."""
    found: Names = {}
    for names, calls, word, line in table("Slack's names for a refusal")[1:]:
        for name in map(bare, names.split(", ")):
            for call in map(bare, calls.split(", ")):
                assert (name, call) not in found, f"{name} has two rows for {call}"
                found[name, call] = Outcome(word, line)
    return found


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Sandbox(Clock(NOON)) as sandbox:
        yield Bench(sandbox)


@pytest.mark.parametrize("vendor", HEADINGS)
def test_every_call_fails_in_every_way_as_the_page_says(bench: Bench, vendor: str) -> None:
    head, *rows = table(HEADINGS[vendor])
    failures = failures_of(vendor)
    assert head == ["call", *failures]
    written = {bare(call): dict(zip(failures, cells, strict=True)) for call, *cells in rows}
    assert list(written) == methods_of(vendor)
    seen = {
        method: {name: observe(bench, method, one) for name, one in failures.items()} for method in written
    }
    assert {m: {name: one.word for name, one in row.items()} for m, row in seen.items()} == written
    lines = [(failure, line) for who, failure, line in table("What people read")[1:] if who == vendor]
    said = [(name, one.line) for row in seen.values() for name, one in row.items() if one.word in GIVEN_UP]
    assert [one for one in said if not any(one[0] == f and fits(one[1], line) for f, line in lines)] == []
    assert [one for one in lines if not any(one[0] == f and fits(line, one[1]) for f, line in said)] == []


def test_every_call_is_explained() -> None:
    rows = table("The calls")[1:]
    assert [bare(call) for call, *_ in rows] == list(CALLS)
    assert all(reason and unsure for _, reason, unsure in rows)
    asking = {bare(call) for call, _, unsure in rows if unsure.startswith(("only asks", "as `GET"))}
    assert {method for method, call in CALLS.items() if call.effects is None} == asking


def test_every_word_is_explained() -> None:
    words = {bare(row[0]) for row in table("What the words mean")[1:]}
    cells = {cell for heading in HEADINGS.values() for row in table(heading)[1:] for cell in row[1:]}
    assert words == cells | {one.word for one in names_on_the_page().values()}


def listed() -> dict[str, set[str]]:
    """What Slack lists, where its reference is at hand; else what the page says of each method."""
    if folder := os.environ.get("MULTIVAC_PAYLOADS"):
        return listed_names(Path(folder))
    page = names_on_the_page()
    of_its_own = {method: {name for name, call in page if call == method} for method in methods_of("slack")}
    return of_its_own | {"chat.postMessage": {name for name, call in page if call == EVERY}}


def test_every_error_name_of_slack_is_dealt_with_as_the_page_says(bench: Bench) -> None:
    page, names = names_on_the_page(), listed()
    used: set[tuple[str, str]] = set()
    for method, name in [(one, name) for one in names for name in sorted(names[one])]:
        row = (name, method) if (name, method) in page else (name, EVERY)
        assert row in page, f"{name} of {method} is not on the page"
        used.add(row)
        outcome, wanted = observe(bench, method, called(name)), page[row]
        assert outcome.word == wanted.word, f"{name} of {method}: {outcome}"
        assert fits(outcome.line, wanted.line.replace("(…)", f"({name})")), f"{name} of {method}: {outcome}"
    assert used == set(page), "rows for names that Slack does not list"


def test_a_name_that_slack_adds_is_for_operators(bench: Bench) -> None:
    line = "Slack refused: brand_new. This is a fault of Multivac: please report it."
    assert observe(bench, "chat.postMessage", called("brand_new")) == Outcome("operators", line)


def test_a_missing_scope_is_named(bench: Bench) -> None:
    bench.refresh()
    token = bench.sandbox.slack.space.tokens["xoxb-sandbox"]
    bench.sandbox.slack.token(token.scopes - {"pins:write"}, value="xoxb-sandbox")
    posted = bench.chat.post(bench.channel(), HELLO, MARKER)
    with pytest.raises(GiveUp, match="lacks pins:write") as missing:
        bench.chat.pin(posted)
    assert missing.value.operators
    assert missing.value.fix == "Add pins:write to the app's bot scopes and install it again."
