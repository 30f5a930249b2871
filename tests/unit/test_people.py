"""People whose e-mail cannot tell who they are: what the map promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from multivac.errors import BadConfig
from multivac.incident import Person
from multivac.people import People, load_people
from multivac.playbooks import shipped

ANA = """
- name: Ana Silva
  email: Ana@example.com
  pagerduty: PANA
  slack: U0ANA1234
  jira: account-ana
- {name: Bo, email: bo@example.com, jira: account-bo, phone: +31 20 123 4567}
"""


@pytest.fixture
def people(tmp_path: Path) -> People:
    file = tmp_path / "people.yaml"
    file.write_text(ANA)
    return load_people(file)


@pytest.mark.parametrize(
    "known",
    [{"pagerduty": "PANA"}, {"slack": "U0ANA1234"}, {"jira": "account-ana"}, {"email": "ANA@EXAMPLE.COM"}],
)
def test_any_identity_brings_all_others(people: People, known: dict[str, str]) -> None:
    person = people.complete(Person(name="A. Silva", **known))
    assert person == Person(
        name="A. Silva", email="Ana@example.com", pagerduty="PANA", slack="U0ANA1234", jira="account-ana"
    )


def test_the_same_human_has_the_same_key_whichever_vendor_named_them(people: People) -> None:
    from_pagerduty = people.complete(Person(name="Ana", email="private@example.org", pagerduty="PANA"))
    from_jira = people.complete(Person(name="Ana", jira="account-ana"))
    assert from_pagerduty.key == from_jira.key == "ana@example.com"


def test_what_the_map_does_not_know_is_kept(people: People) -> None:
    person = people.complete(Person(name="Bo", email="bo@example.com", slack="U0BO12345"))
    assert person == Person(name="Bo", email="bo@example.com", slack="U0BO12345", jira="account-bo")


def test_an_id_weighs_more_than_an_email(people: People) -> None:
    assert people.complete(Person(name="?", email="bo@example.com", pagerduty="PANA")).jira == "account-ana"


def test_a_stranger_stays_as_they_are(people: People) -> None:
    stranger = Person(name="Cy", email="cy@example.com")
    assert people.complete(stranger) is stranger
    assert People().complete(stranger) is stranger


def test_a_person_without_a_name_gets_the_one_in_the_map(people: People) -> None:
    assert people.complete(Person(name="", pagerduty="PANA")).name == "Ana Silva"


def test_whom_to_ring_is_known_by_any_identity(people: People) -> None:
    assert people.phone_of(Person(name="Bo", jira="account-bo")) == "+31 20 123 4567"
    assert people.phone_of(Person(name="Ana", email="ana@example.com")) is None
    assert people.phone_of(Person(name="Cy", email="cy@example.com")) is None


def test_everybody_in_the_map_can_be_listed(people: People) -> None:
    assert [person.name for person in people] == ["Ana Silva", "Bo"]
    assert len(people) == 2


def test_a_file_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="cannot be read"):
        load_people(tmp_path / "nobody.yaml")


def test_the_shipped_file_maps_nobody() -> None:
    assert len(load_people(shipped("people.yaml"))) == 0
