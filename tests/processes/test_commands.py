"""The command line as an operator meets it: what each command says and the code it ends with."""

import json
import socket
from pathlib import Path

import pytest

from multivac.app import VERSION
from multivac.store import migrate
from tests.processes.daemon import Daemon, multivac

SEVERAL = "starts several processes one after another, perhaps on two busy cores"


@pytest.mark.slow(40, SEVERAL)
def test_it_says_what_it_can_do_and_who_it_is(tmp_path: Path) -> None:
    helped = multivac("--help", settings={}, folder=tmp_path)
    assert helped.returncode == 0
    assert {"run", "schema", "db", "healthcheck", "version"} <= set(helped.stdout.split())
    told = multivac("version", settings={}, folder=tmp_path)
    assert (told.returncode, told.stdout) == (0, f"{VERSION}\n")
    schemas = multivac("schema", settings={}, folder=tmp_path)
    assert schemas.returncode == 0
    assert {"settings", "playbook", "people"} <= set(json.loads(schemas.stdout))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow(40, SEVERAL)
def test_the_tables_are_brought_to_this_releases_form(database_url: str, tmp_path: Path) -> None:
    settings = {"MULTIVAC_DATABASE__URL": database_url}
    before = multivac("db", "current", settings=settings, folder=tmp_path)
    assert (before.returncode, before.stdout.split()[0]) == (0, "empty")
    done = multivac("db", "upgrade", settings=settings, folder=tmp_path)
    assert (done.returncode, migrate.HEAD in done.stdout) == (0, True), done.stderr
    after = multivac("db", "current", settings=settings, folder=tmp_path)
    assert (after.returncode, after.stdout.split()[0]) == (0, migrate.HEAD)


@pytest.mark.slow(40, SEVERAL)
def test_the_health_check_tells_a_ready_daemon_from_none(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    settings = {"MULTIVAC_SERVER__PORT": port, "MULTIVAC_LOG__FORMAT": "json"}
    nobody = multivac("healthcheck", settings=settings, folder=tmp_path)
    assert (nobody.returncode, "Traceback" in nobody.stderr) == (1, False)
    assert "not ready" in nobody.stderr
    daemon = Daemon(settings, tmp_path)
    try:
        daemon.start()
        ready = multivac("healthcheck", settings=settings, folder=tmp_path)
    finally:
        daemon.kill()
    assert (ready.returncode, ready.stdout) == (0, "ready\n")
