"""The check as a whole: all well, what is chosen, how it is told, how long it takes, what it keeps secret."""

import json
import time
from pathlib import Path

import pytest

from integrations.sandbox import jira, pagerduty
from integrations.sandbox.seed import BOT_TOKEN
from multivac.check import AREAS, Report, Verdict, unusable
from multivac.check.questions import Area, Question, side_by_side
from multivac.check.verdicts import Level
from multivac.errors import BadConfig, Finding, GiveUp
from multivac.store import migrate
from multivac.store.database import Database
from tests.unit.clinic import WEBHOOK_SECRET, Clinic, ills, the_ill

pytest_plugins = ["tests.unit.clinic_fixtures"]

VENDORS = ("slack", "jira", "pagerduty")


def test_where_all_is_well_nothing_is_to_be_mended(clinic: Clinic) -> None:
    report = clinic.check()
    assert ills(report) == []
    assert report.exit_code(strict=True) == 0
    assert {each.area for each in report.verdicts} == set(AREAS)


def test_nothing_is_changed_anywhere(clinic: Clinic) -> None:
    before = clinic.sandbox.state()
    clinic.check()
    assert clinic.sandbox.state() | {"now": ""} == before | {"now": ""}
    assert not (clinic.folder / "multivac.db").exists()


@pytest.mark.parametrize("vendor", VENDORS)
def test_one_vendor_that_is_down_stops_no_other_check(clinic: Clinic, vendor: str) -> None:
    clinic.fail(vendor, "server_error", status=503)
    report = clinic.check()
    for ill in ills(report, vendor):
        assert ill.level == "FAIL"
        assert "can be reached from here" in ill.fix
    assert all(not ills(report, other) for other in VENDORS if other != vendor)
    assert report.exit_code(strict=False) == 2


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.slow(20, "a vendor that hangs is waited for")
def test_a_vendor_that_hangs_is_waited_for_no_longer_than_a_question_may_take(
    clinic: Clinic, vendor: str
) -> None:
    clinic.fail(vendor, "timeout")
    started = time.monotonic()
    report = clinic.check(seconds=1.0)
    assert time.monotonic() - started < 2.2
    assert all("no answer within 1 s" in ill.what for ill in ills(report, vendor))
    assert report.exit_code(strict=False) == 2


@pytest.mark.slow(20, "a vendor that hangs is waited for")
def test_a_vendor_that_hangs_makes_the_whole_take_less_than_six_seconds(clinic: Clinic) -> None:
    clinic.fail("pagerduty", "timeout")
    started = time.monotonic()
    assert "no answer within 5 s" in the_ill(clinic.check(), "pagerduty").what
    assert time.monotonic() - started < 6


def test_all_vendors_hanging_take_as_long_as_two_questions(clinic: Clinic) -> None:
    for vendor in VENDORS:
        clinic.fail(vendor, "timeout")
    started = time.monotonic()
    report = clinic.check(seconds=0.5)
    assert time.monotonic() - started < 2  # who is on call, then who is in Slack
    assert {each.area for each in ills(report)} == {*VENDORS, "people"}
    assert [each.level for each in ills(report, "people")] == ["WARN"] * 3


def test_only_what_is_asked_for_is_checked(clinic: Clinic) -> None:
    clinic.fail("jira", "server_error")
    report = clinic.check(only=["slack", "database"])
    assert {each.area for each in report.verdicts} == {"slack", "database"}
    assert ills(report) == []
    assert not clinic.sandbox.world.calls("jira")


def test_offline_asks_nobody(clinic: Clinic) -> None:
    report = clinic.check(offline=True)
    assert ills(report) == []
    assert not clinic.sandbox.world.exchanges
    told = [each.what for each in report.verdicts if each.area in VENDORS]
    assert [what.endswith("not asked, as told") for what in told] == [True] * 3


def test_a_vendor_without_keys_is_off_and_no_mistake(clinic: Clinic) -> None:
    clinic.settings = {
        name: value
        for name, value in clinic.settings.items()
        if not name.startswith(("JIRA__", "PAGERDUTY__"))
    }
    report = clinic.check()
    assert [each.what for each in report.verdicts if each.area in {"jira", "pagerduty"}] == [
        "off, for jira.url is not set",
        "off, for pagerduty.webhook_secrets is not set",
    ]
    assert report.exit_code(strict=True) == 0


def test_no_secret_is_ever_in_the_report(clinic: Clinic) -> None:
    clinic.settings["DATABASE__URL"] = "postgresql://multivac:the-database-password@127.0.0.1:1/none"
    secrets = [
        BOT_TOKEN,
        "xapp-sandbox",
        jira.TOKEN,
        pagerduty.TOKEN,
        WEBHOOK_SECRET,
        "the-database-password",
    ]
    for name in ("SLACK__BOT_TOKEN", "SLACK__APP_TOKEN", "JIRA__TOKEN", "PAGERDUTY__TOKEN"):
        clinic.settings[name] += "-wrong"
    report = clinic.check()
    assert len(ills(report)) >= 5
    assert not [secret for secret in secrets if secret in report.text() + report.as_json()]


def test_a_secret_that_a_vendor_repeats_is_hidden(clinic: Clinic) -> None:
    clinic.fail("jira", "refuse", status=400, error=f"you sent {WEBHOOK_SECRET}")
    report = clinic.check(only=["jira"])
    assert "you sent ***" in the_ill(report).what


def test_each_finding_is_one_line_with_its_remedy() -> None:
    told = Verdict("slack", Level.FAIL, "a thing\nis wrong", "Mend  it.").tidy(())
    report = Report((Verdict("jira", Level.OK, "fine"), told))
    assert report.text().splitlines() == [
        "jira       OK    fine",
        "slack      FAIL  a thing is wrong → Mend it.",
        "1 ok, 0 warnings, 1 failed",
    ]


def test_json_has_counts_and_findings() -> None:
    report = Report((Verdict("jira", Level.OK, "fine"), Verdict("slack", Level.WARN, "so so", "Look.")))
    assert json.loads(report.as_json()) == {
        "ok": 1,
        "warn": 1,
        "fail": 0,
        "findings": [
            {"area": "jira", "level": "OK", "what": "fine", "fix": ""},
            {"area": "slack", "level": "WARN", "what": "so so", "fix": "Look."},
        ],
    }


@pytest.mark.parametrize(
    ("levels", "strict", "code"),
    [
        ("OK", True, 0),
        ("OK WARN", False, 0),
        ("OK WARN", True, 1),
        ("WARN FAIL", False, 2),
        ("FAIL", True, 2),
    ],
)
def test_the_exit_code_tells_the_worst(levels: str, strict: bool, code: int) -> None:
    report = Report(tuple(Verdict("x", Level(level), "y", "z") for level in levels.split()))
    assert report.exit_code(strict=strict) == code


def test_settings_that_cannot_be_read_are_reported_with_every_mistake() -> None:
    report = unusable(BadConfig(Finding("a.b", "is wrong.", "Write c."), Finding("d", "is missing.")))
    assert [str(each) for each in report.verdicts] == [
        "settings   FAIL  a.b: is wrong. → Write c.",
        "settings   FAIL  d: is missing.",
    ]


# --- questions ------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_our_own_is_told_and_stops_no_other_question() -> None:
    area = Area("x")

    def broken() -> list[Verdict]:
        raise RuntimeError("ours")

    found = area.ask(Question("a thing", broken), Question("another", lambda: [area.ok("fine")]))
    assert [each.what for each in found] == [
        "a thing could not be checked: a fault of Multivac, told above",
        "fine",
    ]
    assert found[0].fix == "Please report it."


def test_answers_come_in_the_order_of_the_things_and_a_refusal_ends_it() -> None:
    assert side_by_side(lambda n: n * 2, range(30)) == [n * 2 for n in range(30)]
    assert side_by_side(str, []) == []

    def refuse(number: int) -> int:
        raise GiveUp(f"no {number}")

    with pytest.raises(GiveUp, match="no "):
        side_by_side(refuse, range(30))


# --- ours -----------------------------------------------------------------------------------------


def test_a_database_that_does_not_answer_fails_with_its_reason(clinic: Clinic) -> None:
    clinic.settings["DATABASE__URL"] = "postgresql://multivac@127.0.0.1:1/none"
    found = the_ill(clinic.check(only=["database"]))
    assert found.level == "FAIL"
    assert "connection" in found.what
    assert "database.url" in found.what


def test_a_sqlite_file_that_cannot_be_made_fails(clinic: Clinic, tmp_path: Path) -> None:
    clinic.settings["DATABASE__URL"] = f"sqlite:///{tmp_path}/nowhere/multivac.db"
    assert "cannot be made in" in the_ill(clinic.check(only=["database"])).what


def test_a_file_that_is_no_database_fails(clinic: Clinic) -> None:
    (clinic.folder / "multivac.db").write_text("just words, " * 500)
    assert "not a database" in the_ill(clinic.check(only=["database"])).what


@pytest.mark.parametrize(
    ("revision", "level", "what"),
    [
        (migrate.HEAD, "OK", "this release's tables"),
        ("0000", "WARN", "an older"),
        ("9999", "FAIL", "a newer"),
    ],
)
def test_the_form_of_the_tables_is_told(clinic: Clinic, revision: str, level: str, what: str) -> None:
    database = Database(clinic.load().database.sqlalchemy_url)
    migrate.upgrade(database)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (revision,))
    database.engine.dispose()
    (found,) = clinic.check(only=["database"]).verdicts
    assert (found.level, what in found.what) == (level, True)


def test_every_mistake_in_the_playbooks_is_told(clinic: Clinic) -> None:
    clinic.playbook |= {"order": "first", "channels": {}}
    found = ills(clinic.check(only=["playbooks"]))
    assert [each.level for each in found] == ["FAIL", "FAIL"]
    assert "Did you mean channel?" in " ".join(each.fix for each in found)


def test_vendors_are_checked_although_a_playbook_is_wrong(clinic: Clinic) -> None:
    clinic.playbook |= {"order": "first"}
    report = clinic.check()
    assert {each.area for each in report.verdicts} == set(AREAS)
    assert {each.area for each in ills(report)} == {"playbooks"}
