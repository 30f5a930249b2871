"""A playbook: what it promises about matching, severity, people, its copies, and the files it comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from yaml import safe_load

from multivac.errors import BadConfig
from multivac.incident import Facts, Severity
from multivac.playbook import (
    CONDITIONS,
    ByAcker,
    ByComponent,
    ByLeastLoaded,
    ByName,
    ByOnCall,
    ByRoundRobin,
    Playbook,
    choose,
    restore,
    snapshot,
)
from multivac.playbooks import load_playbooks, shipped
from multivac.reference import json_schema

ROOT = Path(__file__).parents[2]
DECLARED = datetime(2026, 11, 22, 14, 0, 0, 123456, tzinfo=UTC)
ALERT = Facts(
    title="checkout returns 500",
    urgency="high",
    priority="P1",
    service_name="Checkout API",
    service_id="PSVC",
)
SHIPPED = load_playbooks(shipped())


def playbook(**parts: Any) -> Playbook:
    return Playbook.model_validate({"name": "tested", **parts})


# --- which alerts it takes


@pytest.mark.parametrize(
    "match",
    [
        {},
        {"service": ["checkout*"]},
        {"service": ["nothing", "psvc"]},
        {"urgency": ["HIGH"]},
        {"priority": ["p1", "P2"]},
        {"title": ["RETURNS \\d{3}"]},
        {"service": ["*"], "urgency": ["high"], "priority": ["P1"], "title": ["500$"]},
    ],
)
def test_a_key_holds_by_any_of_its_values_and_every_key_must_hold(match: dict[str, Any]) -> None:
    assert playbook(match=match).matches(ALERT)
    assert playbook(unless=match).matches(ALERT) is (match == {})


@pytest.mark.parametrize(
    "match",
    [
        {"service": ["check"]},
        {"urgency": ["low"]},
        {"incident_type": ["x"]},
        {"urgency": ["high"], "title": ["no"]},
    ],
)
def test_one_key_that_fails_is_enough_not_to_match(match: dict[str, Any]) -> None:
    assert not playbook(match=match).matches(ALERT)


def test_one_key_that_holds_is_enough_to_be_excluded() -> None:
    assert not playbook(unless={"urgency": ["low"], "priority": ["P1"]}).matches(ALERT)


@pytest.mark.parametrize("key", ["service", "urgency", "priority", "title", "incident_type"])
def test_what_the_pager_did_not_say_never_matches(key: str) -> None:
    assert not playbook(match={key: ["x"]}).matches(Facts())


def test_the_first_by_order_then_by_name_is_chosen() -> None:
    late, early, other = playbook(name="z", order=9), playbook(name="b", order=1), playbook(name="a", order=1)
    assert choose([late, early, other], ALERT) == other
    assert choose([late], ALERT) == late
    assert choose([playbook(match={"urgency": ["low"]})], ALERT) is None


# --- how severe it is


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(priority="p2", urgency="low"), "sev2"),
        (Facts(priority="P5", urgency="high"), "sev5"),
        (Facts(urgency="low"), "sev4"),
        (Facts(), "sev3"),
        (Facts(priority="unheard of", urgency="low"), "sev3"),
        (Facts(urgency="unheard of"), "sev3"),
    ],
)
def test_the_priority_settles_the_severity_and_in_doubt_the_worse_counts(facts: Facts, expected: str) -> None:
    assert playbook().severity_of(facts) == Severity(expected)


severities = st.sampled_from(list(Severity))


@given(
    st.dictionaries(st.text(max_size=4), severities),
    st.dictionaries(st.sampled_from(["high", "low"]), severities),
    severities,
    st.builds(
        Facts, priority=st.none() | st.text(max_size=4), urgency=st.sampled_from([None, "high", "low", "odd"])
    ),
)
def test_every_alert_has_a_severity_and_an_unlisted_priority_never_softens_it(
    by_priority: dict[str, Severity], by_urgency: dict[str, Severity], default: Severity, facts: Facts
) -> None:
    book = playbook(severity={"by_priority": by_priority, "by_urgency": by_urgency, "default": default})
    severity = book.severity_of(facts)
    listed = facts.priority and facts.priority.casefold() in {name.casefold() for name in by_priority}
    if facts.priority and not listed:
        assert severity.rank <= default.rank
    assert severity in {*by_priority.values(), *by_urgency.values(), default}


# --- who is wanted


def test_invitations_of_one_severity_are_gathered() -> None:
    book = playbook(
        invite=[
            {"on_call": {"levels": [2, 1]}},
            {"on_call": {"schedules": ["CX", "CX"]}},
            {"assignees": True},
            {"responders": True, "severities": ["sev1"]},
            {"group": "support", "severities": ["sev1"]},
            {"people": ["ana@example.com"]},
        ]
    )
    all_of_them, fewer = book.wanted(Severity.SEV1), book.wanted(Severity.SEV2)
    assert (all_of_them.alert_policy_levels, all_of_them.schedules) == ((1, 2), ("CX",))
    assert (all_of_them.groups, all_of_them.people) == (("support",), ("ana@example.com",))
    assert (all_of_them.assignees, all_of_them.responders) == (True, True)
    assert (fewer.groups, fewer.responders) == ((), False)


def test_a_playbook_of_only_a_name_invites_and_finds_a_lead() -> None:
    wanted = playbook().wanted(Severity.SEV3)
    assert (wanted.alert_policy_levels, wanted.assignees, wanted.responders) == ((1,), True, True)
    assert [strategy.kind for strategy in playbook().lead] == ["on_call", "acker"]


def test_the_lead_is_chosen_by_strategies_in_their_order() -> None:
    book = playbook(
        lead=[
            {"on_call": {"schedule": "IC"}},
            {"acker": {"within": "2m"}},
            {"round_robin": {"jira_role": "Leads"}},
            {"least_loaded": {"people": ["bo@example.com"]}},
            {"component_lead": {}},
            {"fixed": "ana@example.com"},
        ]
    )
    match book.lead:
        case (
            ByOnCall() as on_call,
            ByAcker() as acker,
            ByRoundRobin(),
            ByLeastLoaded() as least,
            ByComponent(),
            ByName(),
        ):
            assert on_call.on_call.schedule == "IC"
            assert acker.acker.within == timedelta(minutes=2)
            assert least.least_loaded.people == ("bo@example.com",)
        case _:
            pytest.fail(f"{book.lead}")


def test_what_must_exist_elsewhere_can_be_listed() -> None:
    book = playbook(
        invite=[{"on_call": {"schedules": ["CX"]}}, {"group": "support"}],
        lead=[
            {"on_call": {"policy": "PEP"}},
            {"round_robin": {"jira_role": "Leads"}},
            {"fixed": "ana@example.com"},
        ],
        roles={"cx lead": {"on_call": {"schedule": "CX"}}, "dba": {"fixed": "bo@example.com"}},
    )
    listed = book.named()
    assert (listed.schedules, listed.policies, listed.groups) == (("CX",), ("PEP",), ("support",))
    assert listed.people == ("ana@example.com", "bo@example.com")
    assert (listed.jira_roles, listed.jira_groups, listed.components) == (("Leads",), (), ())


def test_roles_and_updates_depend_on_the_severity() -> None:
    book = playbook(roles={"cx lead": {"group": "cx", "severities": ["sev1"]}}, updates={"sev1": "30m"})
    assert list(book.roles_for(Severity.SEV1)) == ["cx lead"]
    assert not book.roles_for(Severity.SEV2)
    assert book.update_every(Severity.SEV1) == timedelta(minutes=30)
    assert book.update_every(Severity.SEV2) is None


def test_phases_of_a_severity_come_by_time_with_their_tasks() -> None:
    tasks = [{"id": "a", "text": "A", "severities": ["sev1"]}, {"id": "b", "text": "B"}]
    book = playbook(
        checklists=[
            {"phase": "later", "title": "Later", "at": "10m", "tasks": tasks},
            {"phase": "first", "title": "First", "at": "0m", "tasks": tasks[:1]},
            {"phase": "worst", "title": "Worst", "at": "5m", "tasks": tasks, "severities": ["sev1"]},
        ]
    )
    assert [each.phase for each in book.phases_for(Severity.SEV1)] == ["first", "worst", "later"]
    assert [(each.phase, len(each.tasks)) for each in book.phases_for(Severity.SEV2)] == [("later", 1)]


# --- the copy that an incident keeps


@pytest.mark.parametrize("book", SHIPPED, ids=lambda book: book.name)
def test_a_snapshot_gives_back_the_same_playbook(book: Playbook) -> None:
    assert restore(snapshot(book)) == book.model_copy(update={"drills": ()})
    assert snapshot(restore(snapshot(book))) == snapshot(book)


def test_a_snapshot_holds_the_defaults_so_that_a_release_cannot_change_them() -> None:
    assert json.loads(snapshot(playbook()))["join"] == {
        "same_service_within": "10m",
        "same_dedup_key_within": "1d",
        "similar_title_within": "0s",
        "linked": True,
    }


def test_a_snapshot_of_another_release_still_loads() -> None:
    kept = json.loads(snapshot(SHIPPED[0]))
    kept["forgotten"] = 1
    kept["checklists"][0]["tasks"][0]["forgotten"] = {"x": 1}
    kept["invite"].append({"forgotten": True})
    kept["lead"].insert(0, {"forgotten": {"pool": 1}})
    del kept["join"], kept["updates"]
    restored = restore(json.dumps(kept))
    assert restored.lead == SHIPPED[0].lead
    assert restored.wanted(Severity.SEV1) == SHIPPED[0].wanted(Severity.SEV1)


def test_restoring_the_same_text_again_costs_nothing() -> None:
    text = snapshot(SHIPPED[0])
    assert restore(text) is restore(text)


# --- the files


def test_the_shipped_set_has_a_playbook_for_every_alert() -> None:
    def chosen(**facts: Any) -> tuple[str, str]:
        book = choose(SHIPPED, Facts(**facts))
        assert book is not None
        return book.name, book.severity_of(Facts(**facts)).value

    assert chosen(title="checkout returns 500", priority="P1", urgency="high") == ("major", "sev1")
    assert chosen(priority="SEV-2") == ("major", "sev2")
    assert chosen(title="disk full", urgency="high") == ("standard", "sev3")
    assert chosen(urgency="low", priority="P3") == ("standard", "sev3")
    assert chosen(urgency="low") == ("minor", "sev4")
    assert chosen(title="Leaked credentials on a public page", urgency="low") == ("security", "sev3")
    assert chosen() == ("standard", "sev3")


@pytest.mark.parametrize("folder", ["playbooks", "playbooks-demo"])
def test_shipped_checklists_can_be_read_at_three_in_the_morning(folder: str) -> None:
    for book in load_playbooks(shipped(folder)):
        for severity in Severity:
            phases = book.phases_for(severity)
            assert phases[0].at == timedelta()
            assert all(len(each.tasks) <= 8 for each in phases)
        assert all(len(task.text) <= 60 for each in book.checklists for task in each.tasks)


def test_the_shipped_set_names_nothing_that_a_team_may_not_have() -> None:
    for book in SHIPPED:
        listed = book.named()
        assert not any(getattr(listed, kind) for kind in listed.__slots__)


def test_a_security_incident_is_private_and_its_channel_tells_nothing() -> None:
    book = next(book for book in SHIPPED if book.name == "security")
    name = book.channel_name(number=7, title="ransomware at checkout", service="checkout", opened_at=DECLARED)
    assert (book.channel.private, name) == (True, "sec-7-20261122")


def test_a_folder_is_read_whole_in_the_order_of_asking_and_every_mistake_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: one\norder: 2\n")
    (tmp_path / "b.yml").write_text("name: two\norder: 1\n")
    (tmp_path / "notes.txt").write_text("not: [a playbook")
    assert [book.name for book in load_playbooks(tmp_path)] == ["two", "one"]
    assert [book.name for book in load_playbooks(tmp_path / "a.yaml")] == ["one"]
    drill = "drills: [{name: gone, title: It is gone, severity: sev1}]\n"
    (tmp_path / "c.yaml").write_text(f"name: one\n{drill}")
    (tmp_path / "e.yaml").write_text(f"name: five\n{drill}")
    (tmp_path / "d.yaml").write_text("label: four\n")
    with pytest.raises(BadConfig) as caught:
        load_playbooks(tmp_path)
    assert {finding.where for finding in caught.value.findings} == {
        "c.yaml: name",
        "d.yaml: name",
        "d.yaml: label",
        "e.yaml: drills.0.name",
    }


def test_a_folder_without_playbooks_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="holds no playbook"):
        load_playbooks(tmp_path)


# --- the schema and the page


def keys_of(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for inner in schema.values():
            yield from keys_of(inner)
    if isinstance(schema, list):
        for inner in schema:
            yield from keys_of(inner)


def test_every_key_of_a_playbook_is_documented() -> None:
    page = (ROOT / "docs" / "playbooks.md").read_text()
    schema = json_schema()["playbook"]
    assert {key for key in keys_of(schema) if not re.search(rf"\b{key}\b", page)} == set()
    assert [name for name in CONDITIONS if f"`{name}`" not in page] == []


def test_every_key_of_every_file_has_a_description() -> None:
    for kind, schema in json_schema().items():
        models = [schema, *schema["$defs"].values()]
        keys = [(kind, key, inner) for model in models for key, inner in model.get("properties", {}).items()]
        assert [
            (kind, key) for kind, key, inner in keys if "description" not in inner and "$ref" not in inner
        ] == []


def test_the_examples_of_the_page_are_playbooks() -> None:
    page = (ROOT / "docs" / "playbooks.md").read_text()
    for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL):
        example = {"name": "example", **safe_load(block)}
        Draft202012Validator(json_schema()["playbook"]).validate(example)
        assert Playbook.model_validate(example).name == example["name"]


@pytest.mark.parametrize("file", sorted(shipped().glob("*.yaml")), ids=lambda file: file.stem)
def test_shipped_playbooks_fit_the_schema_that_editors_use(file: Path) -> None:
    Draft202012Validator.check_schema(json_schema()["playbook"])
    Draft202012Validator(json_schema()["playbook"]).validate(safe_load(file.read_text()))
