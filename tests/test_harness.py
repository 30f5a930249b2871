"""The rules under which the tests run do bite: each is broken on purpose in a small suite of its own."""

import socket
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from tests import postgres

PLUGINS = ("-p", "no:randomly", "-p", "tests.chromium", "-p", "tests.postgres", "-p", "tests.harness")


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.delenv("MULTIVAC_CI", raising=False)
    monkeypatch.setenv("MULTIVAC_CHROMIUM", "/nowhere/chromium")
    pytester.makeini("[pytest]\nmarkers =\n    slow\n    browser\n    postgres\n")
    return pytester


@pytest.mark.slow(30, "runs a pytest of its own in a fresh process")
def test_a_missing_browser_is_said_loudly_at_the_end(suite: pytest.Pytester) -> None:
    suite.makepyfile("def test_a(browser): pass\ndef test_b(): pass")
    result = suite.runpytest_subprocess(*PLUGINS)
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*BROWSER TESTS DID NOT RUN: 1 skipped*", "*apt-get install chromium*"])


@pytest.mark.slow(30, "runs a pytest of its own in a fresh process")
def test_in_ci_a_skip_that_hides_a_browser_postgres_or_module_is_a_failure(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MULTIVAC_CI", "1")
    suite.makepyfile(
        test_skips="""
            import pytest
            def test_missing(browser): pass
            @pytest.mark.browser
            def test_own_skip(): pytest.skip("not today")
            @pytest.mark.postgres
            @pytest.mark.skip(reason="slow")
            def test_mark(): pass
            @pytest.mark.skip(reason="another platform")
            def test_unrelated(): pass
            @pytest.mark.postgres
            @pytest.mark.skip(reason="no recorded payloads here")
            def test_what_a_fresh_machine_has_not(): pass
            def test_other(): pass
        """,
        test_module="import pytest\npytest.skip('all of it', allow_module_level=True)",
    )
    result = suite.runpytest_subprocess(*PLUGINS, "--continue-on-collection-errors")
    result.assert_outcomes(passed=1, skipped=2, failed=1, errors=3)


def test_a_longer_time_limit_needs_a_reason_and_ends_at_a_minute(suite: pytest.Pytester) -> None:
    for mark in ("slow(30)", "slow(61, 'patience')", "slow(30, ' ')"):
        suite.makepyfile(f"import pytest\n@pytest.mark.{mark}\ndef test_a(): pass")
        result = suite.runpytest_inprocess(*PLUGINS, "-p", "no:cacheprovider")
        result.stderr.fnmatch_lines(["*test_a: write @pytest.mark.slow(seconds*"])


def test_a_test_may_talk_to_this_machine_only() -> None:
    # pytest-socket warns before it raises, and here a warning is an error
    with pytest.raises((RuntimeError, UserWarning), match=r"192\.0\.2\.1"), socket.socket() as outside:
        outside.connect(("192.0.2.1", 80))  # a documentation address, RFC 5737
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_each_test_has_an_empty_database_of_its_own(
    postgres_server: postgres.Server, postgres_url: str
) -> None:
    with postgres_server.database() as other:
        assert other != postgres_url
    with psycopg.connect(postgres_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert tables == (0,)


def test_a_database_address_comes_in_both_kinds(database_url: str) -> None:
    with sqlalchemy.create_engine(database_url, poolclass=sqlalchemy.NullPool).connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT 1")) == 1


@pytest.mark.slow(30, "a server from the wheel may have to be copied first")
def test_the_wheels_server_starts_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIVAC_TEST_POSTGRES_WHEEL", "1")
    binaries = postgres.find_binaries()
    assert binaries is not None
    with postgres.running_server(binaries) as server:
        folder = Path(server.address.partition("host=")[2])
        with server.database() as url, psycopg.connect(url) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("off",)
    assert not folder.exists()
