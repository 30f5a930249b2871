"""No secret reaches the logs, the metrics, the database or the command line's words, whatever goes wrong."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.processes.conftest import Make
from tests.processes.daemon import multivac, signed, until
from tests.processes.outage import Outage

pytestmark = pytest.mark.slow(40, "a daemon or a command starts cold, perhaps on two busy cores")

PLANTED = {
    "MULTIVAC_SLACK__BOT_TOKEN": "xoxb-planted-z1111z-aaaa",
    "MULTIVAC_SLACK__APP_TOKEN": "xapp-planted-z2222z-bbbb",
    "MULTIVAC_SLACK__SIGNING_SECRET": "planted-signing-z3333z",
    "MULTIVAC_JIRA__TOKEN": "planted-jira-z4444z",
    "MULTIVAC_PAGERDUTY__TOKEN": "planted-pagerduty-z5555z",
    "MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS": "planted-webhook-z6666z,planted-webhook-z7777z",
}
PASSWORD = "planted-password-z8888z"
TRACES = ("planted", "z1111z", "z2222z", "z3333z", "z4444z", "z5555z", "z6666z", "z7777z", "z8888z")


def traces_in(text: str) -> list[str]:
    return [line for line in text.splitlines() if any(trace in line for trace in TRACES)]


def rows_of(url: str) -> str:
    """Every row of every table, the engine's too, one a line."""
    lines = []
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
    with engine.connect() as tx:
        for schema in ("public", "dbos"):
            for table in sa.inspect(tx).get_table_names(schema=schema):
                lines += [f"{table} {row}" for row in tx.execute(sa.text(f"SELECT * FROM {schema}.{table}"))]
    assert any(line.startswith("incident ") for line in lines)
    assert any(line.startswith("workflow_status ") for line in lines)
    return "\n".join(lines)


@pytest.mark.parametrize("form", ["json", "text"])
def test_what_goes_wrong_is_logged_without_secrets(
    postgres_url: str, make: Make, outage: Outage, form: str
) -> None:
    outage.world.faults.clear()
    for vendor in ("slack", "jira", "pagerduty"):
        # First what a network does, then what the vendors say of tokens they do not know.
        for kind in ("reset", "html", "malformed", "server_error"):
            outage.fail(vendor, "*", kind)
    address = postgres_url.replace("postgres@", f"postgres:{PASSWORD}@")
    assert PASSWORD in address
    daemon = make(address, **PLANTED, MULTIVAC_LOG__LEVEL="debug", MULTIVAC_LOG__FORMAT=form)
    daemon.launch().wait_until_ready()
    alerts = outage.alerts(3)
    for alert in alerts:
        daemon.post(alert.body, signed(alert.body, "planted-webhook-z7777z"))
        daemon.post(alert.body, signed(alert.body, "planted-but-wrong"))
    vendors = ("slack", "jira", "pagerduty")
    until(lambda: all(len(outage.world.calls(each)) > 6 for each in vendors), 25, "not all were tried")
    metrics = daemon.get("/metrics")[1]
    daemon.stop()
    assert "step not done" in daemon.output
    assert traces_in(daemon.output + metrics) == []
    assert traces_in(rows_of(postgres_url)) == []


def test_what_is_refused_at_the_start_is_told_without_secrets(tmp_path: Path) -> None:
    wrong = {
        "MULTIVAC_SLACK__BOT_TOKEN": "xapp-planted-z1111z",
        "MULTIVAC_SLACK__APP_TOKEN": "xoxb-planted-z2222z",
        "MULTIVAC_JIRA__TOKEN": "planted jira z4444z",
        "MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS": "[planted-z6666z",
        "MULTIVAC_SLACK__SIGNING_SECRET_FILE": "planted-z3333z",
    }
    refused = multivac("run", settings=wrong, folder=tmp_path)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) >= len(wrong)
    assert traces_in(refused.stdout + refused.stderr) == []


def test_a_database_that_is_down_is_told_without_its_password(tmp_path: Path) -> None:
    nowhere = f"postgresql://multivac:{PASSWORD}@127.0.0.1:9/multivac"
    down = multivac("run", settings={"MULTIVAC_DATABASE__URL": nowhere}, folder=tmp_path)
    assert down.returncode == 2
    assert traces_in(down.stdout + down.stderr) == []
    assert "database.url" in down.stderr
    assert "Traceback" not in down.stderr
