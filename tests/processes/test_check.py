"""`multivac check` and `multivac manifest` as an operator runs them: what is printed, and the exit code."""

import json
import subprocess

import pytest
import yaml

from integrations.sandbox.exchange import Fault
from tests.processes.daemon import multivac
from tests.unit.clinic import Clinic

pytest_plugins = ["tests.unit.clinic_fixtures"]

LIMIT = 18.0  # seconds for a command that takes 2 on an idle machine, and 5 more where a vendor hangs
pytestmark = pytest.mark.slow(20, "each starts the command, and busy cores are slow to")


def check(clinic: Clinic, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    every = clinic.environment() | {f"MULTIVAC_{name}": value for name, value in settings.items()}
    return multivac("check", *arguments, settings=every, folder=clinic.folder, timeout=LIMIT)


def test_all_well_is_exit_0_with_one_line_for_each_finding(clinic: Clinic) -> None:
    done = check(clinic, "--strict")
    assert (done.returncode, done.stderr) == (0, "")
    *lines, last = done.stdout.splitlines()
    assert {line.split()[1] for line in lines} == {"OK"}
    assert last == f"{len(lines)} ok, 0 warnings, 0 failed"


def test_a_wrong_token_is_exit_2_with_its_remedy(clinic: Clinic) -> None:
    done = check(clinic, "--only", "slack,database", SLACK__BOT_TOKEN="xoxb-of-another-app")
    assert done.returncode == 2
    (failed,) = [line for line in done.stdout.splitlines() if "FAIL" in line]
    assert failed.startswith("slack      FAIL  the bot token: Slack does not accept the bot's token")
    assert " → " in failed
    assert "xoxb-of-another-app" not in done.stdout + done.stderr


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 1)])
def test_a_warning_is_exit_1_only_if_strict(clinic: Clinic, strict: tuple[str, ...], code: int) -> None:
    done = check(clinic, "--only", "pagerduty", *strict, SERVER__PUBLIC_URL="")
    assert done.returncode == code
    assert "pagerduty  WARN  server.public_url is not set" in done.stdout


def test_json_is_all_that_standard_output_has(clinic: Clinic) -> None:
    done = check(clinic, "--json", "--offline")
    told = json.loads(done.stdout)
    assert (done.returncode, told["fail"], told["ok"]) == (0, 0, len(told["findings"]))
    assert set(told["findings"][0]) == {"area", "level", "what", "fix"}


def test_settings_that_cannot_be_read_are_findings_too(clinic: Clinic) -> None:
    done = check(clinic, "--json", SLACK__BOT_TOKEN="xapp-wrong", SERVER__PORT="eighty")
    told = json.loads(done.stdout)
    assert (done.returncode, told["fail"]) == (2, 2)
    assert {each["area"] for each in told["findings"]} == {"settings"}
    assert "xapp-wrong" not in done.stdout + done.stderr


def test_an_unknown_area_is_told_with_those_there_are(clinic: Clinic) -> None:
    done = check(clinic, "--only", "slack,email")
    assert done.returncode == 2
    assert "email cannot be checked" in " ".join(done.stderr.replace("│", " ").split())


def test_a_vendor_that_hangs_does_not_keep_the_command_alive(clinic: Clinic) -> None:
    clinic.sandbox.world.fail(Fault("jira", "*", "timeout", times=0))
    done = check(clinic)  # fails by its own time limit, should the process wait for its threads
    assert done.returncode == 2
    assert "jira       FAIL  the token could not be checked: no answer within 5 s" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_manifest_is_yaml_and_nothing_else(clinic: Clinic) -> None:
    done = multivac("manifest", settings={}, folder=clinic.folder, timeout=LIMIT)
    assert done.returncode == 0
    assert yaml.safe_load(done.stdout)["settings"]["socket_mode_enabled"] is True
