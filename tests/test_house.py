"""The house's rules, held: run over the tree, and over breaches planted to show that each rule bites."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import (
    EXCUSED,
    RULES,
    Rule,
    broad_catches,
    docstrings_are_there,
    errors_are_caught_by_name,
    files_are_short,
    functions_are_short,
    is_ours,
    longer_limits_have_a_reason,
    names_say_something,
    nobody_sleeps_in_tests,
    only_jobs_knows_the_engine,
    only_the_command_line_prints,
    parts_are_not_mocked,
    the_sandbox_stands_alone,
)

ROOT = Path(__file__).parents[1]

LONG = "def long():\n    '''Do it.'''\n" + "    x = 1\n" * 59

# A breach of every rule, as a file that might have been written.
PLANTED: list[tuple[Rule, str, str]] = [
    (functions_are_short, "multivac/desk.py", LONG),
    (functions_are_short, "tests/unit/test_x.py", f"@once\n{LONG}".removesuffix("    x = 1\n")),
    (files_are_short, "multivac/desk.py", "x = 1\n" * 501),
    (docstrings_are_there, "multivac/desk.py", "x = 1"),
    (docstrings_are_there, "tests/unit/test_x.py", "x = 1"),
    (docstrings_are_there, "multivac/desk.py", "'''Desk.'''\ndef declare(): ..."),
    (
        docstrings_are_there,
        "multivac/desk.py",
        "'''Desk.'''\nclass Desk:\n '''It.'''\n def declare(self): ...",
    ),
    (errors_are_caught_by_name, "multivac/desk.py", "try: x()\nexcept Exception: pass"),
    (errors_are_caught_by_name, "integrations/jira/tracker.py", "try: x()\nexcept: pass"),
    (errors_are_caught_by_name, "multivac/desk.py", "try: x()\nexcept (OSError, BaseException): pass"),
    (names_say_something, "multivac/desk.py", "class IncidentManager: ..."),
    (names_say_something, "multivac/desk.py", "class HTTPUtils: ..."),
    (names_say_something, "multivac/desk.py", "class UserInfo: ..."),
    (names_say_something, "multivac/slack_helpers.py", ""),
    (only_jobs_knows_the_engine, "multivac/desk.py", "from dbos import DBOS"),
    (only_jobs_knows_the_engine, "tests/unit/test_x.py", "def f():\n    import dbos._client"),
    (the_sandbox_stands_alone, "integrations/sandbox/slack.py", "from multivac.incident import Severity"),
    (the_sandbox_stands_alone, "integrations/sandbox/slack.py", "import slack_sdk.errors"),
    (parts_are_not_mocked, "tests/unit/test_x.py", "from unittest.mock import MagicMock"),
    (parts_are_not_mocked, "tests/unit/test_x.py", "from unittest import mock"),
    (
        parts_are_not_mocked,
        "tests/unit/test_x.py",
        "def test_a(monkeypatch):\n monkeypatch.setattr(a, 'b', 1)",
    ),
    (parts_are_not_mocked, "tests/unit/test_x.py", "def test_a(mocker): ..."),
    (nobody_sleeps_in_tests, "tests/unit/test_x.py", "time.sleep(0.1)"),
    (nobody_sleeps_in_tests, "tests/unit/test_x.py", "sleep(patience)"),
    (only_the_command_line_prints, "multivac/desk.py", "print('hello')"),
    (only_the_command_line_prints, "integrations/sandbox/server.py", "sys.stdout.write('hello')"),
    (longer_limits_have_a_reason, "tests/unit/test_x.py", "@pytest.mark.timeout(60)\ndef test_a(): ..."),
]

# What looks like a breach and is none.
HARMLESS: list[tuple[Rule, str, str]] = [
    (functions_are_short, "multivac/desk.py", LONG.removesuffix("    x = 1\n")),
    (files_are_short, "multivac/desk.py", "x = 1\n" * 500),
    (
        docstrings_are_there,
        "multivac/desk.py",
        "'''Desk.'''\ndef _own(): ...\nclass _Own:\n def f(self): ...",
    ),
    (docstrings_are_there, "tests/unit/test_x.py", "'''Tests.'''\ndef test_it_works(): ..."),
    (errors_are_caught_by_name, "multivac/web/pages.py", "try: x()\nexcept Exception: pass"),
    (errors_are_caught_by_name, "multivac/desk.py", "try: x()\nexcept ExceptionGroupOfOurs: pass"),
    (errors_are_caught_by_name, "multivac/desk.py", "try: x()\nexcept BaseException:\n y()\n raise"),
    (names_say_something, "multivac/desk.py", "class Database: ...\nclass Informed: ..."),
    (only_jobs_knows_the_engine, "multivac/jobs.py", "from dbos import DBOS"),
    (the_sandbox_stands_alone, "integrations/sandbox/slack.py", "from integrations.sandbox import jira"),
    (
        parts_are_not_mocked,
        "tests/unit/test_x.py",
        "def test_a(monkeypatch): monkeypatch.setenv('A', 'b')",
    ),
    (nobody_sleeps_in_tests, "tests/unit/test_x.py", "time.sleep(0.05)"),
    (only_the_command_line_prints, "multivac/cli.py", "print('hello')"),
    (longer_limits_have_a_reason, "tests/unit/test_x.py", "@pytest.mark.slow(60, 'why')\ndef test_a(): ..."),
]


def named(case: object) -> str:
    """A test id for a rule; none for a path or a text."""
    return getattr(case, "__name__", "")


FOLDERS = ("multivac", "integrations", "tests", "benchmarks")


def files(*folders: str) -> Iterator[tuple[str, str]]:
    """Every Python file of the project, or of some of its folders: its path from the root and its text."""
    for top in folders or FOLDERS:
        for path in sorted((ROOT / top).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_house_keeps_its_rules(folder: str) -> None:
    breaches = [
        f"{breach} ({rule.__doc__})"
        for path, text in files(folder)
        for rule in RULES
        for breach in rule(path, text)
    ]
    assert not breaches, "\n".join(breaches)


@pytest.mark.parametrize(("rule", "path", "text"), PLANTED, ids=named)
def test_a_planted_breach_is_found(rule: Rule, path: str, text: str) -> None:
    assert list(rule(path, text))


@pytest.mark.parametrize(("rule", "path", "text"), HARMLESS, ids=named)
def test_what_is_no_breach_is_left_alone(rule: Rule, path: str, text: str) -> None:
    assert not list(rule(path, text))


def test_every_rule_has_a_planted_breach_and_a_harmless_case() -> None:
    assert {rule for rule, _, _ in PLANTED} == {rule for rule, _, _ in HARMLESS} == set(RULES)


def test_nothing_is_excused_without_need() -> None:
    texts = dict(files())
    assert [path for path in EXCUSED if not list(broad_catches(path, texts.get(path, "")))] == []


# --- Nothing happens at import -------------------------------------------------------------------------

IMPORT_EVERYTHING = """
import gc, importlib, pkgutil, sys, threading, warnings
warnings.simplefilter("ignore")

def sockets():
    import psutil
    return psutil.Process().net_connections(kind="all")

before = set(threading.enumerate()), set(map(str, sockets()))
names = []
for top in sys.argv[1:]:
    package = importlib.import_module(top)
    for module in pkgutil.walk_packages(package.__path__, f"{top}."):
        last = module.name.rpartition(".")[2]
        if last != "__main__" and ".migrations." not in module.name:
            importlib.import_module(module.name)
            names.append(module.name)
for thread in set(threading.enumerate()) - before[0]:
    print("thread", thread)
for socket in set(map(str, sockets())) - before[1]:
    print("socket", socket)
wanted = {"sqlalchemy.engine.base.Engine", "slack_sdk.web.client.WebClient", "jira.client.JIRA",
          "urllib3.poolmanager.PoolManager", "requests.sessions.Session"}
own = vars(sys.modules.get("urllib3", sys)).get("_DEFAULT_POOL")  # made by urllib3 for itself, and idle
for thing in (thing for thing in gc.get_objects() if thing is not own):
    kind = f"{type(thing).__module__}.{type(thing).__qualname__}"
    if kind in wanted:
        print("client", kind)
print("imported", len(names))
"""


def import_everything(*packages: str, path: Path = ROOT) -> list[str]:
    """What importing every module of the packages leaves behind, then how many modules that were."""
    command = [sys.executable, "-c", IMPORT_EVERYTHING, *packages]
    done = subprocess.run(command, cwd=path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow(30, "imports every library in a fresh interpreter, beside the other tests")
def test_nothing_happens_at_import() -> None:
    *left_behind, imported = import_everything("multivac", "integrations")
    assert not left_behind
    assert int(imported.split()[1]) > 5


@pytest.mark.parametrize(
    ("what", "planted"),
    [
        ("thread", "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"),
        ("socket", "import socket; listening = socket.create_server(('127.0.0.1', 0))"),
        ("client", "import sqlalchemy; engine = sqlalchemy.create_engine('sqlite://')"),
        ("client", "import urllib3; pool = urllib3.PoolManager()"),
    ],
)
def test_a_planted_effect_at_import_is_found(what: str, planted: str, tmp_path: Path) -> None:
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted/__init__.py").touch()
    (tmp_path / "planted/eager.py").write_text(planted)
    first, *_ = import_everything("planted", path=tmp_path)
    assert first.startswith(what)


# --- The dependency rule -------------------------------------------------------------------------------

CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
]

# One import for each contract that breaks it, in order; each stands in a module of its own.
BREACHES = {
    "Storeys": ("multivac/incident.py", "import multivac.ports"),
    "Only multivac.app": ("multivac/ports.py", "import integrations.slack.chat"),
    "Only multivac.jobs": ("multivac/store/rows.py", "import dbos"),
    "A vendor": ("integrations/jira/tracker.py", "import multivac.store"),
    "Vendors": ("integrations/pagerduty/pager.py", "import integrations.slack.chat"),
    "The sandbox": ("integrations/sandbox/server.py", "import slack_sdk"),
    "The pure": ("multivac/incident.py", "import requests"),
}


def planted_tree(root: Path, breaches: dict[str, tuple[str, str]]) -> str:
    """The verdict of import-linter, with our contracts, over empty modules of our names with the breaches."""
    shutil.copy(ROOT / "pyproject.toml", root)
    ours = [path for path, _ in files() if is_ours(path)]
    for path in {*ours, *(path for path, _ in breaches.values())}:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
        for parent in list(Path(path).parents)[:-1]:
            (root / parent / "__init__.py").touch()
    for path, line in breaches.values():
        with (root / path).open("a") as file:
            file.write(f"{line}\n")
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return re.sub(r"\s+", " ", done.stdout + done.stderr)


def test_the_contracts_hold_for_modules_without_imports(tmp_path: Path) -> None:
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken" in planted_tree(tmp_path, {})


def test_every_contract_finds_its_breach(tmp_path: Path) -> None:
    verdict = planted_tree(tmp_path, BREACHES)
    assert [
        next((name for name in CONTRACTS if name.startswith(start)), start) for start in BREACHES
    ] == CONTRACTS
    for name in CONTRACTS:
        assert f"{name} BROKEN" in verdict


def test_a_module_without_a_storey_is_found(tmp_path: Path) -> None:
    verdict = planted_tree(tmp_path, {"new": ("multivac/gossip.py", "")})
    assert f"{CONTRACTS[0]} BROKEN" in verdict
    assert "gossip" in verdict


@pytest.mark.parametrize(
    ("contract", "option", "names"),
    [
        ("A vendor", "forbidden_modules", "store jobs response web schedule steps"),
        ("The pure", "source_modules", "incident values playbook briefing budget verbs shortcuts"),
        ("Vendors", "modules", "slack jira pagerduty sandbox"),
    ],
)
def test_no_contract_forgets_a_module_that_is_there(contract: str, option: str, names: str) -> None:
    """import-linter refuses a name that does not exist, so the lists grow with the tree."""
    top = "integrations" if contract == "Vendors" else "multivac"
    text = tomllib.loads((ROOT / "pyproject.toml").read_text())
    rule = next(c for c in text["tool"]["importlinter"]["contracts"] if c["name"].startswith(contract))
    there = [
        f"{top}.{name}"
        for name in names.split()
        if (ROOT / top / f"{name}.py").exists() or (ROOT / top / name / "__init__.py").exists()
    ]
    assert rule[option] == there
