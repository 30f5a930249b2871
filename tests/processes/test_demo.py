"""The demo: one line, and the page is there; the script finds every part of the response that fails."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
import typer

from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import Call, Fault
from multivac.cli import _verdict
from multivac.demo import script
from multivac.demo.parts import PARTS
from multivac.demo.story import BRIDGE
from tests.processes.daemon import environment, multivac, until


@dataclass(slots=True)
class Refuse(Fault):
    """Refuses, for ever, the calls whose fields hold some words."""

    times: int = 0
    says: str = ""

    def hits(self, call: Call) -> bool:
        said = "\n".join(map(str, call.fields.values()))
        return Fault.hits(self, call) and self.says in said


POST, EDIT = "chat.postMessage", "chat.update"
GUS = {"email": "gus@example.com"}

# For each part a fault of its own, and which other parts cannot happen without it.
PLANTED: dict[str, tuple[Fault, frozenset[str]]] = {
    "the topic says what it is": (
        Refuse("slack", "conversations.setTopic"),
        frozenset({"the severity was planned anew"}),
    ),
    "the description says what the channel is for": (
        Refuse("slack", "conversations.setPurpose"),
        frozenset(),
    ),
    "the headline is pinned": (Refuse("slack", "pins.add"), frozenset()),
    "the headline was redrawn with lead and ticket": (
        Refuse("slack", EDIT, says="headline"),
        frozenset({"the cx lead was chosen", "the second alert joined", "the severity was planned anew"}),
    ),
    "the responders were invited in one call": (
        Refuse("slack", "conversations.invite"),
        frozenset({"the support leads came with SEV1", "the responder whom Dee asked for came"}),
    ),
    "the cx lead was chosen": (
        Refuse("pagerduty", "GET /schedules"),
        frozenset(
            {"the cx lead was asked for the severity", "the responders were invited in one call"},
        ),
    ),
    "the support leads came with SEV1": (Refuse("slack", "usergroups.list"), frozenset()),
    "the responder whom Dee asked for came": (
        Refuse("slack", "users.lookupByEmail", match=GUS),
        frozenset(),
    ),
    "the ticket was opened with its label": (
        Refuse("jira", "POST /issue"),
        frozenset(
            {
                "the headline was redrawn with lead and ticket",
                "the ticket is assigned to the lead",
                "the ticket is in the bookmarks",
            }
        ),
    ),
    "the ticket is assigned to the lead": (Refuse("jira", "PUT /issue/{key}/assignee"), frozenset()),
    "the lead was told": (
        Refuse("slack", POST, says="you lead this incident"),
        frozenset({"the cx lead was asked for the severity"}),
    ),
    "the incident was announced": (
        Refuse("slack", POST, says="announcement"),
        frozenset({"the announcement was redrawn"}),
    ),
    "the announcement was redrawn": (Refuse("slack", EDIT, says="announcement"), frozenset()),
    "the first checklist was posted at once": (
        Refuse("slack", POST, says="Checklist First 5 minutes"),
        frozenset(),
    ),
    "the second checklist was posted when it was due": (
        Refuse("slack", POST, says="Checklist Stabilise"),
        frozenset(),
    ),
    "the alert is in the bookmarks": (
        Refuse("slack", "bookmarks.add", says="pagerduty.com/incidents"),
        frozenset(),
    ),
    "the ticket is in the bookmarks": (Refuse("slack", "bookmarks.add", says="/browse/"), frozenset()),
    "the bridge is in the bookmarks": (Refuse("slack", "bookmarks.add", says=BRIDGE), frozenset()),
    "PagerDuty shows where the response is": (
        Refuse("pagerduty", "POST /incidents/{id}/notes"),
        frozenset(),
    ),
    "the second alert joined": (
        Refuse("slack", EDIT, says="2 alerts"),
        frozenset({"the severity was planned anew"}),
    ),
    "the severity was planned anew": (
        Refuse("slack", "conversations.setTopic", says="SEV1"),
        frozenset(),
    ),
    "the resolution was proposed": (Refuse("slack", POST, says="Is it over?"), frozenset()),
    "the headline was posted": (
        Refuse("slack", POST, says="headline"),
        frozenset(PARTS)
        - {
            "the channel was opened under its name",
            "the topic says what it is",
            "the description says what the channel is for",
            "the responders were invited in one call",
            "the support leads came with SEV1",
            "the responder whom Dee asked for came",
            "the ticket was opened with its label",
            "the ticket is assigned to the lead",
            "the incident was announced",
            "the announcement was redrawn",
            "the alert is in the bookmarks",
            "the ticket is in the bookmarks",
            "the bridge is in the bookmarks",
            "PagerDuty shows where the response is",
        },
    ),
    "the channel was opened under its name": (
        Refuse("slack", "conversations.create"),
        frozenset(PARTS)
        - {
            "the ticket was opened with its label",
            "the ticket is assigned to the lead",
        },
    ),
    "the cx lead was asked for the severity": (
        Refuse("slack", POST, says="settle the severity:"),
        frozenset({"the lead was told"}),
    ),
}
# Faults of one batch do not meet: each is planted in one run with the others, to save time.
BATCHES = (
    ("the channel was opened under its name",),
    ("the headline was posted",),
    ("the cx lead was chosen", "the headline is pinned"),
    (
        "the topic says what it is",
        "the headline was redrawn with lead and ticket",
        "the lead was told",
        "the first checklist was posted at once",
        "the alert is in the bookmarks",
        "the announcement was redrawn",
    ),
    (
        "the description says what the channel is for",
        "the responders were invited in one call",
        "the ticket was opened with its label",
        "PagerDuty shows where the response is",
        "the cx lead was asked for the severity",
        "the incident was announced",
    ),
    (
        "the support leads came with SEV1",
        "the ticket is assigned to the lead",
        "the second checklist was posted when it was due",
        "the ticket is in the bookmarks",
        "the second alert joined",
    ),
    (
        "the responder whom Dee asked for came",
        "the bridge is in the bookmarks",
        "the severity was planned anew",
        "the resolution was proposed",
    ),
)


@pytest.fixture
def seeded() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    sandbox.seed()
    with sandbox:
        yield sandbox


def test_each_part_has_its_fault() -> None:
    assert sorted(part for batch in BATCHES for part in batch) == sorted(PLANTED) == sorted(PARTS)


@pytest.mark.slow(40, "plays the whole outage once")
@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: batch[0])
def test_the_script_misses_each_part_that_a_fault_prevents(
    seeded: Sandbox, tmp_path: Path, batch: tuple[str, ...]
) -> None:
    expected = set(batch)
    for part in batch:
        fault, others = PLANTED[part]
        seeded.world.fail(fault)
        expected |= others
    missing = script(seeded, tmp_path, lambda _: None)
    assert set(missing) == expected
    with pytest.raises(typer.Exit) as exit_code:
        _verdict(missing)
    assert exit_code.value.exit_code == 1


def test_each_missing_part_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        _verdict(["this", "that"])
    assert capsys.readouterr().err.splitlines() == ["missing: this", "missing: that"]


@pytest.mark.slow(40, "plays the whole outage once")
def test_the_script_prints_the_story_and_finds_every_part_whatever_is_set_up_around_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "multivac.yaml").write_text("no: sense\n")
    elsewhere = {"MULTIVAC_SLACK__API_URL": "http://127.0.0.1:9/", "MULTIVAC_LOG__LEVEL": "nonsense"}
    done = multivac("demo", "--script", settings=elsewhere, folder=tmp_path, timeout=35)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "00:00  PagerDuty   checkout: #1 Checkout fails with error 500"
    assert lines[-1] == "Every part of the response happened."
    for said in (
        "00:00  #inc-1      Multivac: opened #inc-1-checkout-fails-with-error-500",
        "00:25  PagerDuty   Ana Silva: #1 is acknowledged",
        "03:00  #inc-1      Cy Tanaka joined",
    ):
        assert said in lines


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "multivac", "demo", "--fast"]
    surroundings = environment({"TMPDIR": str(tmp_path)})
    with subprocess.Popen(command, env=surroundings, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.slow(40, "starts the demo, and stops it")
def test_the_demo_says_one_line_serves_the_page_and_leaves_nothing_behind(
    running: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert running.stdout is not None
    line = running.stdout.readline()
    url = line.split()[4]
    assert line == f"Multivac's demo is at {url} (Ctrl-C ends it)\n"
    with urlopen(url) as page:
        assert b"Trigger an alert" in page.read()

    def channels() -> list[str]:
        with urlopen(f"{url}_sandbox/state") as state:
            return [line for line in state.read().decode().split('"') if line.startswith("inc-1-")]

    until(channels, 20, "no channel was opened")
    assert len(list(tmp_path.iterdir())) == 1
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=15) == 0
    assert (running.stdout.read(), list(tmp_path.iterdir())) == ("", [])


@pytest.mark.slow(20, "starts a process")
def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = multivac("demo", "--port", str(port), settings={}, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"multivac: --port: cannot listen on 127.0.0.1:{port}")
    assert len(done.stderr.splitlines()) == 1
