"""The command line: one small function for each command, nothing decided here."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import threading
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from multivac.app import VERSION, Daemon, doctors
from multivac.check import AREAS, Report, examine, slack_manifest, unusable
from multivac.desk import exporting
from multivac.errors import BadConfig
from multivac.incident import Entry, IncidentId
from multivac.reference import json_schema
from multivac.settings import Settings, load_settings
from multivac.store import acts, cases, copies, migrate, timeline
from multivac.store.cases import Case
from multivac.store.database import Database
from multivac.telemetry import set_up_logs

_BAD_CONFIG = 2
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

cli = typer.Typer(
    help="Multivac: an alert becomes a Slack channel with the right people, a lead, and checklists.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
database = typer.Typer(help="The database's tables.", no_args_is_help=True)
cli.add_typer(database, name="db")

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The settings file; also MULTIVAC_CONFIG.", show_default=False),
]


@cli.command()
def run(config: ConfigFile = None) -> None:
    """Run the daemon until it is told to stop (SIGTERM or Ctrl-C)."""
    settings = _settings(config)
    set_up_logs(settings.log.format, settings.log.level)
    stopped = _told_to_stop()
    daemon = Daemon(settings)
    daemon.start()
    stopped.wait()
    daemon.stop()


def _told_to_stop() -> threading.Event:
    """What is set when the process is told to stop (SIGTERM or Ctrl-C); told again, it ends at once.

    Python runs its handlers in the main thread, and the system may give the signal to another one: the
    main thread then goes on sleeping. What is written here wakes a thread that heeds it at once.
    """
    stopped = threading.Event()
    heard, told = socket.socketpair()
    told.settimeout(0)  # a full buffer must not make the handler wait
    signal.set_wakeup_fd(told.detach(), warn_on_full_buffer=False)
    for number in _STOP_SIGNALS:
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_heed, args=(heard, stopped), name="signals", daemon=True).start()
    return stopped


def _heed(heard: socket.socket, stopped: threading.Event) -> None:
    """The first signal ends gently; a second one at once."""
    while told := heard.recv(1):
        if told[0] not in _STOP_SIGNALS:
            continue
        if stopped.is_set():
            os._exit(1)
        stopped.set()


@cli.command()
def demo(
    *,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Where the page is; left out: 8787, or any if that is taken."),
    ] = None,
    script: Annotated[
        bool, typer.Option("--script", help="No page: play all at once, print it, look what came of it.")
    ] = False,
    fast: Annotated[bool, typer.Option("--fast", help="Make the pauses of the story short.")] = False,
) -> None:
    """Try Multivac without any account: an outage at a made-up company, on one page in the browser."""
    from multivac.demo import live, rehearse  # noqa: PLC0415  # only the demo needs the sandbox

    if not script:
        live(port, fast=fast, stopped=_told_to_stop(), tell=typer.echo)
        return
    _verdict(rehearse(typer.echo))


def _verdict(missing: list[str]) -> None:
    for part in missing:
        typer.echo(f"missing: {part}", err=True)
    if missing:
        raise typer.Exit(1)
    typer.echo("Every part of the response happened.")


@cli.command()
def schema() -> None:
    """Print the JSON Schemas of settings, playbooks and people, for editors."""
    typer.echo(json.dumps(json_schema(), indent=2))


@cli.command()
def version() -> None:
    """Print which release this is."""
    typer.echo(VERSION)


@cli.command()
def check(
    *,
    config: ConfigFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no vendor.")] = False,
    only: Annotated[str, typer.Option(help="Check only these areas, parted by commas.")] = ",".join(AREAS),
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if anything is worth a look.")
    ] = False,
) -> None:
    """Try everything that is configured, and say how to mend what is wrong; exit 2 if anything fails."""
    report = _examined(config, _areas(only), offline=offline)
    typer.echo(report.as_json() if as_json else report.text())
    raise typer.Exit(report.exit_code(strict=strict))


def _examined(config: Path | None, only: list[str], *, offline: bool) -> Report:
    try:
        settings = _settings(config)
        set_up_logs(settings.log.format, settings.log.level)
        return examine(settings, doctors(settings), only=only, offline=offline)
    except BadConfig as error:
        return unusable(error)


def _areas(only: str) -> list[str]:
    named = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in named if name not in AREAS]
    if unknown or not named:
        raise typer.BadParameter(
            f"{', '.join(unknown) or 'nothing'} cannot be checked: {', '.join(AREAS)} can."
        )
    return named


@cli.command()
def manifest(
    *,
    url: Annotated[
        str | None,
        typer.Option(help="Where Slack reaches Multivac; left out: Socket Mode, which needs no address."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Only what these settings need; left out: for any settings."),
    ] = None,
) -> None:
    """Print the manifest from which Slack makes the app."""
    slack = load_settings(config, _with_bot_token(os.environ)).slack if config is not None else None
    typer.echo(slack_manifest(url=url, slack=slack), nl=False)


def _with_bot_token(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Settings without one are refused, and it is there only once the app is."""
    name = "MULTIVAC_SLACK__BOT_TOKEN"
    return environ if environ.keys() & {name, f"{name}_FILE"} else {**environ, name: "xoxb-to-come"}


@cli.command()
def healthcheck(config: ConfigFile = None) -> None:
    """Ask the daemon on this machine whether it is ready; exit 1 if it is not."""
    server = _settings(config).server
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(server.host, server.host)  # noqa: S104  # compared, not bound
    try:
        with urllib.request.urlopen(f"http://{host}:{server.port}/readyz", timeout=3) as answer:  # our own
            typer.echo(answer.read().decode())
    except OSError as error:
        typer.echo(f"not ready: {error}", err=True)
        raise typer.Exit(1) from error


@cli.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to; it must not exist yet.")], config: ConfigFile = None
) -> None:
    """Copy the database while Multivac runs, and read the copy through."""
    opened = _database(config)
    if opened.file is None:
        _by_hand(copies.dump_command(opened.url, file))
    made = copies.back_up(opened.file, file)
    typer.echo(f"Backed up to {file}: {made.incidents} incidents, {made.size:,} bytes, all of it read again.")


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `multivac backup` made.")], config: ConfigFile = None
) -> None:
    """Put a backup in the place of the database, while Multivac is stopped."""
    opened = _database(config)
    if opened.file is None:
        _by_hand(copies.restore_commands(opened.url, file))
    put = copies.restore(opened.file, file, now=datetime.now(UTC))
    aside = f" What was there is {put.aside}." if put.aside else ""
    typer.echo(f"Restored {opened.file}: {put.incidents} incidents.{aside} Start Multivac now.")


@cli.command()
def trace(
    what: Annotated[str, typer.Argument(help="A reference such as 7F3K, or an incident such as INC-42.")],
    config: ConfigFile = None,
) -> None:
    """Show what people asked and what came of it: one request by its reference, or all of an incident.

    Of an incident, what is not done comes last: since when it fails, how often it was tried, and why.
    """
    number = what.upper().removeprefix("INC-") if what.upper().startswith("INC-") else ""
    opened = _database(config)
    migrate.upgrade(opened)
    with opened.read() as tx:
        found = (
            acts.trail(tx, number=IncidentId(int(number)))
            if number.isdigit()
            else acts.trail(tx, ref=what.upper())
        )
        is_one = number.isdigit() and acts.exists(tx, IncidentId(int(number)))
        failing = not_done(cases.load(tx, IncidentId(int(number)))) if is_one else []
    if not found and not failing:
        typer.echo(f"Nothing is known of {what}.", err=True)
        raise typer.Exit(1)
    for act in found:
        about = f"INC-{act.incident} " if act.incident else ""
        changed = " -> ".join(one for one in (act.before, act.after) if one)
        line = (
            f"{act.at:%Y-%m-%d %H:%M:%S} {act.ref} {act.actor} {about}{act.verb} ({act.via}): {act.outcome}"
        )
        typer.echo(f"{line} {changed}".rstrip())
    for line in failing:
        typer.echo(line)


def not_done(case: Case) -> list[str]:
    """Each step of an incident that fails, in a line: since when, how often it was tried, and why."""
    failing = [row for row in case.steps.values() if row.wanted and row.error and row.done != row.wanted]
    return [
        f"{row.failing_since or row.wanted_at:%Y-%m-%d %H:%M:%S} INC-{case.id} {row.name}: not done, "
        f"tried {row.attempt} times, {'given up' if row.gave_up == row.wanted else 'to be tried again'}: "
        f"{row.error}"
        for row in sorted(failing, key=lambda one: one.name)
    ]


class _Format(StrEnum):
    MD = "md"
    JSON = "json"


@cli.command()
def export(
    incident: Annotated[str, typer.Argument(help="An incident, such as INC-42.")],
    *,
    config: ConfigFile = None,
    as_format: Annotated[_Format, typer.Option("--format", help="Markdown or JSON.")] = _Format.MD,
) -> None:
    """Print an incident's timeline, as Markdown or JSON; private ones too, with a warning."""
    case, entries = _incident(config, incident.upper().removeprefix("INC-"))
    if case is None:
        typer.echo(f"There is no incident {incident}.", err=True)
        raise typer.Exit(1)
    if case.playbook.channel.private:
        typer.echo(f"INC-{case.id} is private: show this to nobody who is not in it.", err=True)
    draw = exporting.as_json if as_format is _Format.JSON else exporting.as_markdown
    typer.echo(draw(case, entries), nl=False)


def _incident(config: Path | None, number: str) -> tuple[Case | None, Sequence[Entry]]:
    """An incident and its timeline, if there is one of this number."""
    opened = _database(config)
    migrate.upgrade(opened)
    try:
        with opened.read() as tx:
            if not re.fullmatch(r"[0-9]{1,9}", number) or not acts.exists(tx, IncidentId(int(number))):
                return None, ()
            return cases.load(tx, IncidentId(int(number))), timeline.entries(tx, IncidentId(int(number)))
    finally:
        opened.engine.dispose()


def _by_hand(commands: str) -> NoReturn:
    typer.echo(f"This database is PostgreSQL, which has its own tools:\n\n{commands}", err=True)
    raise typer.Exit(_BAD_CONFIG)


@database.command()
def upgrade(config: ConfigFile = None) -> None:
    """Bring the tables to this release's form."""
    opened = _database(config)
    migrate.upgrade(opened)
    typer.echo(f"The tables are at {migrate.HEAD}.")


@database.command()
def current(config: ConfigFile = None) -> None:
    """Print which form the tables have, and which this release wants."""
    opened = _database(config)
    typer.echo(f"{migrate.current(opened) or 'empty'} (this release wants {migrate.HEAD})")


def _settings(config: Path | None) -> Settings:
    return load_settings(config, os.environ)


def _database(config: Path | None) -> Database:
    return Database(_settings(config).database.sqlalchemy_url)


def main() -> None:
    """Run the command; what an operator wrote wrongly is told on standard error, with exit code 2."""
    try:
        cli()
    except BadConfig as error:
        for finding in error.findings:
            sys.stderr.write(f"multivac: {finding}\n")
        sys.exit(_BAD_CONFIG)
