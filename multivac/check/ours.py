"""What is checked without any vendor: the database and the playbooks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from multivac.check.questions import Area, Question
from multivac.check.verdicts import Verdict
from multivac.errors import BadConfig
from multivac.playbook import Playbook
from multivac.playbooks import load_playbooks
from multivac.sections import DatabaseSettings
from multivac.store import migrate
from multivac.store.database import Database

_UPGRADE = "`multivac run` does that when it starts, and so does `multivac db upgrade`."


def examine_database(area: Area, settings: DatabaseSettings) -> list[Verdict]:
    """Whether the database can be reached and has this release's tables; makes and changes nothing."""
    return area.ask(Question("the database", partial(_database, area, settings)))


def _database(area: Area, settings: DatabaseSettings) -> Iterator[Verdict]:
    url = sa.engine.make_url(settings.sqlalchemy_url)
    if settings.is_sqlite and not Path(url.database or "").exists():
        yield _new_file(area, Path(url.database or ""))
        return
    database = Database(settings.sqlalchemy_url)
    try:
        yield _tables(area, url.render_as_string(hide_password=True), migrate.current(database))
    except sa.exc.SQLAlchemyError as error:
        why = str(getattr(error, "orig", None) or error)
        fix = "Correct database.url, and see whether the server runs and lets this user in."
        yield area.fail(f"the database cannot be opened: {why}", fix)
    finally:
        database.engine.dispose()


def _new_file(area: Area, file: Path) -> Verdict:
    folder = file.absolute().parent
    if os.access(folder, os.W_OK | os.X_OK):
        return area.ok(f"the file {file} will be made at the first start")
    fix = "Make the folder and let this user write there, or name another file in database.url."
    return area.fail(f"the file {file} cannot be made in {folder}", fix)


def _tables(area: Area, where: str, current: str | None) -> Verdict:
    head = migrate.HEAD
    if current is None:
        return area.ok(f"{where} answers, and has no tables yet: {_UPGRADE}")
    if current == head:
        return area.ok(f"{where} answers, and has this release's tables ({head})")
    if current < head:  # they are numbered
        return area.warn(
            f"{where} has an older release's tables ({current}); this one wants {head}", _UPGRADE
        )
    fix = "Run that release, or restore a backup made before it."
    return area.fail(f"{where} has a newer release's tables ({current}); this one knows {head}", fix)


def examine_playbooks(area: Area, path: Path, read: list[Playbook]) -> list[Verdict]:
    """Whether every playbook can be used; fills `read` with them if so."""
    return area.ask(Question("the playbooks", partial(_playbooks, area, path, read)))


def _playbooks(area: Area, path: Path, read: list[Playbook]) -> Iterator[Verdict]:
    try:
        read += load_playbooks(path)
    except BadConfig as error:
        yield from (area.fail(f"{each.where}: {each.why}", each.fix) for each in error.findings)
    else:
        yield area.ok(f"{len(read)} playbooks can be used: {', '.join(each.name for each in read)}")
