"""Two releases on one database, incidents open all the while: nothing is lost, and nothing is done twice."""

import re
import shutil
from pathlib import Path

import psycopg
import pytest

from tests.processes.conftest import Make
from tests.processes.daemon import ROOT, Daemon, multivac, until
from tests.processes.outage import Outage

# One more table column, which the release before knows nothing of.
NEXT_MIGRATION = '''"""What only the next release knows."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incident", sa.Column("of_the_next_release", sa.Text(), nullable=True))
'''
# The table of steps the other way round, and one step more.
NEXT_STEPS = """
STEPS = (
    *reversed(STEPS),
    Step(name="of the next release", wants=lambda view: {"": "1"}, do=lambda attempt: {}, needs=("channel",)),
)
_BY_NAME = {step.name: step for step in STEPS}
"""


@pytest.fixture(scope="module")
def next_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second checkout: this release with another table of steps and a newer schema."""
    folder = tmp_path_factory.mktemp("next")
    for part in ("multivac", "integrations", "config"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    versions = folder / "multivac" / "migrations" / "versions"
    head = max(file.name[:4] for file in versions.glob("[0-9]*.py"))
    (versions / "9999_the_next_release.py").write_text(NEXT_MIGRATION.format(head=head))
    _replace(folder / "multivac" / "store" / "migrate.py", f'HEAD = "{head}"', 'HEAD = "9999"')
    table = "_BY_NAME = {step.name: step for step in STEPS}\n"
    _replace(folder / "multivac" / "response.py", table, NEXT_STEPS)
    return folder


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{file.name} has {old!r} {text.count(old)} times"
    file.write_text(text.replace(old, new))


@pytest.fixture
def old(postgres_url: str, make: Make) -> Daemon:
    return make(postgres_url, name="old").start()


@pytest.fixture
def new(postgres_url: str, make: Make, next_release: Path, old: Daemon, tmp_path: Path) -> Daemon:
    """The next release, started beside the old one after the tables were brought to its form."""
    settings = {**old.settings, "PYTHONPATH": str(next_release)}
    moved = multivac("db", "upgrade", settings=settings, folder=tmp_path)
    assert moved.returncode == 0, moved.stderr
    assert old.get("/readyz")[0] == 200
    return make(postgres_url, name="new", PYTHONPATH=str(next_release))


@pytest.mark.slow(50, "starts two daemons and waits for whole responses, perhaps on two busy cores")
@pytest.mark.parametrize("stays", ["new", "old"])
def test_two_releases_side_by_side_lose_nothing_and_do_nothing_twice(
    old: Daemon, new: Daemon, stays: str, outage: Outage, postgres_url: str
) -> None:
    outage.world.delays.update(slack=0.1, jira=0.2, pagerduty=0.1)
    before, during = outage.alerts(3, "before"), outage.alerts(4, "during")
    for alert in before:
        assert old.post(alert.body)[0] == 202
    until(lambda: len(outage.world.exchanges) > 12, 8, "no response has begun")
    new.start()
    for number, alert in enumerate(during):
        assert (old, new)[number % 2].post(alert.body)[0] == 202
    until(lambda: done_by_the_next_release(postgres_url), 8, "the next release has done nothing of its own")
    going, staying = (old, new) if stays == "new" else (new, old)
    going.stop()
    outage.wait_until_whole(before + during, 20)
    outage.world.delays.clear()
    after = outage.alerts(2, "after")
    for alert in after:
        assert staying.post(alert.body)[0] == 202
    outage.wait_until_whole(after, 10)
    staying.stop()
    assert outage.amiss(before + during + after) == []
    assert not re.search("job failed|step failed|round failed", old.output + new.output)


def done_by_the_next_release(url: str) -> int:
    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as connection:
        found = connection.execute(
            "SELECT count(*) FROM step WHERE name = 'of the next release' AND done_at IS NOT NULL"
        ).fetchone()
    assert found is not None
    return int(found[0])
