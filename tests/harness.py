"""The rules under which the tests run; a pytest plugin that tests/conftest.py loads.

Time limits, what a skipped test means in CI, and a loud word at the end about what did not run.
"""

import itertools
import os
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

from multivac import pauses
from tests import chromium, postgres

BROWSER_SECONDS = 60  # a cold Chromium on two busy cores has been seen to need fifteen
SLOW_LIMIT = 60
TESTS_A_COLLECTION = 100  # left to itself Python looked for garbage for a third of the time that tests took
PAYLOADS_MISSING = "no recorded payloads"
_finished = itertools.count(1)

# What a test may lack on somebody's machine, and how to get it.
REMEDIES = {
    chromium.MISSING: ("BROWSER TESTS", chromium.REMEDY),
    postgres.MISSING: ("POSTGRESQL TESTS", postgres.REMEDY),
    PAYLOADS_MISSING: ("RECORDED PAYLOADS", "set MULTIVAC_PAYLOADS to the folder that has them"),
}


def must_run_in_ci() -> bool:
    """Whether a browser or PostgreSQL test that is skipped counts as failed."""
    return os.environ.get("MULTIVAC_CI") == "1"


def pytest_configure() -> None:
    """Let pytest-timeout alone decide what takes too long, and write nothing into the checkout."""
    hypothesis.settings.register_profile("multivac", deadline=None, database=None, print_blob=True)
    hypothesis.settings.load_profile("multivac")
    # For --hypothesis-profile=thorough, which comes with a --timeout: it takes minutes.
    hypothesis.settings.register_profile("thorough", hypothesis.settings(), max_examples=2_000)


def seconds_for(item: pytest.Item) -> int:
    """How long the test may take, if longer than the usual 10 s; UsageError for a limit without a reason."""
    slow = item.get_closest_marker("slow")
    if slow is None:
        return BROWSER_SECONDS if item.get_closest_marker("browser") else 0
    seconds, why = (*slow.args, "", "")[:2]
    if not (isinstance(seconds, int) and seconds <= SLOW_LIMIT and isinstance(why, str) and why.strip()):
        raise pytest.UsageError(
            f'{item.nodeid}: write @pytest.mark.slow(seconds, "why"), at most {SLOW_LIMIT} seconds'
        )
    return seconds


@pytest.hookimpl(tryfirst=True)  # before pytest's own, which chooses by -m
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a browser or PostgreSQL, and give each the time that it may take."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        for fixture, mark in (("browser", "browser"), ("postgres_server", "postgres")):
            if fixture in fixtures:
                item.add_marker(mark)
        if seconds := seconds_for(item):
            item.add_marker(pytest.mark.timeout(seconds))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Collect garbage as the daemon does: never in the middle of something, where everything waits for it."""
    pauses.keep_short()


def pytest_runtest_logfinish() -> None:
    """Collect it now and then."""
    if next(_finished) % TESTS_A_COLLECTION == 0:
        pauses.keep_short()


def skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why the test was skipped, or an empty string."""
    if not report.skipped or hasattr(report, "wasxfail") or not isinstance(report.longrepr, tuple):
        return ""
    return str(report.longrepr[2]).removeprefix("Skipped: ")


def _fail(report: pytest.TestReport | pytest.CollectReport, text: str) -> None:
    report.outcome = "failed"
    report.longrepr = text


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a browser or PostgreSQL test that was skipped has failed."""
    report = yield
    reason = skip_reason(report)
    is_marked = any(item.get_closest_marker(mark) for mark in ("browser", "postgres"))
    without = is_marked and not reason.startswith(PAYLOADS_MISSING)  # which a fresh machine cannot fetch
    needed = reason.startswith((chromium.MISSING, postgres.MISSING)) or without
    if reason and needed and must_run_in_ci():
        _fail(report, f"with MULTIVAC_CI=1 this test must run, but it was skipped: {reason}")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In CI a whole module that was skipped has failed: nobody can tell which tests it had."""
    report = yield
    if (reason := skip_reason(report)) and must_run_in_ci():
        _fail(report, f"with MULTIVAC_CI=1 skip tests, not whole modules: {reason}")
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around pytest's own wrapper, so that ours comes last
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Say last and loudly which kinds of tests did not run here, and what to do about it."""
    yield
    skipped: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = skip_reason(report)
        skipped.update(missing for missing in REMEDIES if reason.startswith(missing))
    for missing, count in skipped.items():
        kind, remedy = REMEDIES[missing]
        title = f"{kind} DID NOT RUN: {count} skipped, {missing} here"
        terminalreporter.section(title, sep="!", red=True, bold=True)
        terminalreporter.line(f"To run them: {remedy}", red=True, bold=True)


@pytest.fixture(scope="session")
def payloads() -> Path:
    """The folder of recorded payloads ($MULTIVAC_PAYLOADS); without it the test is skipped."""
    folder = os.environ.get("MULTIVAC_PAYLOADS")
    if not folder:
        pytest.skip(f"{PAYLOADS_MISSING}: {REMEDIES[PAYLOADS_MISSING][1]}")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"MULTIVAC_PAYLOADS is set, but {folder} is no folder")
    return path
