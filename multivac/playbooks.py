"""Reads the playbooks from their files and finds the ones that ship with Multivac.

The composition root and `multivac check` call it; the playbooks themselves know no files.
"""

from __future__ import annotations

from pathlib import Path

from multivac.errors import BadConfig, Finding
from multivac.playbook import Playbook, mistakes
from multivac.reading import fit, read_yaml


def shipped(name: str = "playbooks") -> Path:
    """Return where a part of the shipped configuration is: in the wheel, else in the checkout."""
    package = Path(__file__).parent
    installed = package / "defaults" / name
    return installed if installed.exists() else package.parent / "config" / name


def load_playbooks(path: Path) -> tuple[Playbook, ...]:
    """Return the playbooks of a folder or a single file, in the order they are asked.

    Raises `BadConfig` with every mistake of every file.
    """
    read: dict[Path, Playbook] = {}
    findings: list[Finding] = []
    for file in _files(path):
        try:
            read[file] = _load(file)
        except BadConfig as error:
            findings += error.findings
    findings += _same_names(read)
    findings += _same_drills(read)
    if findings:
        raise BadConfig(*findings)
    return tuple(sorted(read.values(), key=lambda playbook: (playbook.order, playbook.name)))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = sorted(file for file in path.glob("*") if file.suffix in {".yaml", ".yml"} and file.is_file())
    if not files:
        raise BadConfig(
            Finding(str(path), "holds no playbook.", "Name a folder with at least one .yaml file.")
        )
    return files


def _load(file: Path) -> Playbook:
    playbook = fit(
        Playbook, read_yaml(file) or {}, where=lambda key: f"{file.name}: {key}" if key else file.name
    )
    found = mistakes(playbook)
    if found:
        raise BadConfig(*(Finding(f"{file.name}: {each.key}", each.why, each.fix) for each in found))
    return playbook


def _same_names(read: dict[Path, Playbook]) -> list[Finding]:
    first: dict[str, Path] = {}
    findings = []
    for file, playbook in read.items():
        other = first.setdefault(playbook.name, file)
        if other != file:
            why = f"is {playbook.name!r}, as in {other.name}."
            findings.append(Finding(f"{file.name}: name", why, "Give each playbook its own name."))
    return findings


def _same_drills(read: dict[Path, Playbook]) -> list[Finding]:
    first: dict[str, Path] = {}
    findings = []
    for file, playbook in read.items():
        for place, drill in enumerate(playbook.drills):
            other = first.get(drill.name)
            if other is not None:
                why = f"is {drill.name!r}, as in {other.name}."
                where = f"{file.name}: drills.{place}.name"
                findings.append(Finding(where, why, "Give each drill its own name."))
            first.setdefault(drill.name, file)
    return findings
