"""Everything an operator can set, from one YAML file and the environment.

The command line calls `load_settings` once; everybody else is handed the section they need.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field

from multivac.environment import fill_in, overrides
from multivac.errors import BadConfig, Finding
from multivac.reading import fit, read_yaml
from multivac.sections import (
    DatabaseSettings,
    JiraSettings,
    LogSettings,
    PagerDutySettings,
    PeopleSettings,
    PlaybookSettings,
    ServerSettings,
    SlackSettings,
    StormSettings,
    WatchSettings,
)
from multivac.values import Strict

CONFIG = "MULTIVAC_CONFIG"
_BESIDE_US = Path("multivac.yaml")
_PATHS = ("playbooks", "people")


class Settings(Strict):
    """Everything an operator can set."""

    server: ServerSettings = Field(default_factory=ServerSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    playbooks: PlaybookSettings = Field(default_factory=PlaybookSettings)
    people: PeopleSettings = Field(default_factory=PeopleSettings)
    slack: SlackSettings = Field(default_factory=SlackSettings)
    jira: JiraSettings = Field(default_factory=JiraSettings)
    pagerduty: PagerDutySettings = Field(default_factory=PagerDutySettings)
    storm: StormSettings = Field(default_factory=StormSettings)
    watch: WatchSettings = Field(default_factory=WatchSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    def describe(self) -> tuple[str, ...]:
        """One line for each vendor: on or off, and why. Holds no secret."""
        return tuple(vendor.describe() for vendor in (self.slack, self.jira, self.pagerduty))


@cache
def keys() -> Mapping[str, bool]:
    """Return every key in dotted form, and whether it is a secret."""
    return {
        f"{section}.{key}": '"writeOnly"' in json.dumps(schema)
        for section, key, schema in _schemas(Settings.model_json_schema())
    }


def _schemas(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for section, reference in schema["properties"].items():
        model = schema["$defs"][reference["$ref"].rpartition("/")[2]]
        for key, inner in model["properties"].items():
            yield section, key, inner


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings of the file at `path`, overridden by the environment.

    Without a path the file is the one that MULTIVAC_CONFIG names, else ./multivac.yaml if
    there is one. Raises `BadConfig` with every mistake; no finding shows a secret.
    """
    file = _file(path, environ)
    secrets = [key for key, is_secret in keys().items() if is_secret]
    given, findings = overrides(environ, keys=keys(), secrets=secrets)
    try:
        written = _read(file, environ) if file else {}
    except BadConfig as error:
        raise BadConfig(*findings, *error.findings) from error
    return _settle(written, given, findings, file=file)


def _file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    named = path or (Path(environ[CONFIG]) if environ.get(CONFIG) else None)
    return named or (_BESIDE_US if _BESIDE_US.is_file() else None)


def _read(file: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """The file's sections without empty keys, which mean the default; paths in it start at its folder."""
    filled = fill_in(read_yaml(file), environ, file=file.name)
    if filled is None:
        return {}
    if not isinstance(filled, dict):
        raise BadConfig(
            Finding(file.name, "holds no sections.", "Write sections such as `server:` with keys below.")
        )
    sections = {name: _without_empty(section) for name, section in filled.items() if section is not None}
    for name in _PATHS:
        section = sections.get(name)
        if isinstance(section, dict) and isinstance(section.get("path"), str):
            section["path"] = str(file.parent / section["path"])
    return sections


def _without_empty(section: Any) -> Any:
    if not isinstance(section, dict):
        return section
    return {key: value for key, value in section.items() if value is not None}


def _settle(
    written: dict[str, Any],
    given: Mapping[str, tuple[str, str]],
    findings: list[Finding],
    *,
    file: Path | None,
) -> Settings:
    """Let the environment have its say over the file, and look at the whole."""
    for dotted, (_, value) in given.items():
        section, key = dotted.split(".")
        inner = written.setdefault(section, {})
        if isinstance(inner, dict):
            inner[key] = value

    def where(dotted: str) -> str:
        variable = next(
            (name for key, (name, _) in given.items() if f"{dotted}.".startswith(f"{key}.")), None
        )
        if variable:
            return f"{dotted} (from {variable})"
        return f"{file.name}: {dotted}" if file else dotted

    try:
        settings = fit(Settings, written, where=where)
    except BadConfig as error:
        raise BadConfig(*findings, *error.findings) from error
    findings += [*settings.slack.halves(), *settings.jira.halves(), *settings.pagerduty.halves()]
    if findings:
        raise BadConfig(*findings)
    return settings
