"""Whether the stories say every verb, press every button, send every form, choose every shortcut; a plugin.

Each story notes what its people used. Once all of them have run, what the code can draw is held against that:
a button is a `Press` somewhere in the source, a form a `Form`, each known by its words and its line.
"""

import ast
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from multivac.shortcuts import SHORTCUTS
from multivac.verbs import VERBS, Spoken, read

ROOT = Path(__file__).parents[1]
STORIES = ROOT / "tests" / "stories"
_NOTES = pytest.StashKey[Path]()
_MISSING = pytest.StashKey[list[str]]()
_KINDS = {"Press": "label", "Form": "title"}
_ANYTHING = ".*"


@dataclass(frozen=True)
class Used:
    """What somebody pressed, sent or chose: its words, and what that said."""

    kind: str
    words: str
    line: str


@dataclass(frozen=True)
class Drawn:
    """What the source draws somewhere: patterns of its words and of its line."""

    kind: str
    where: str
    words: str
    line: str

    def is_used(self, used: Iterable[Used]) -> bool:
        """Whether any of this was it."""
        return any(
            one.kind == self.kind
            and re.fullmatch(self.words, one.words, re.DOTALL)
            and re.fullmatch(self.line, one.line, re.DOTALL)
            for one in used
        )


def drawn_in(source: str, name: str) -> Iterator[Drawn]:
    """Every button and form that a module draws."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _KINDS:
            given = {one.arg: one.value for one in node.keywords}
            words, line = _pattern(given.get(_KINDS[node.func.id])), _pattern(given.get("line"))
            yield Drawn(node.func.id, f"{name}:{node.lineno}", words, line)


def _pattern(written: ast.expr | None) -> str:
    """What matches every text that this may become."""
    match written:
        case ast.Call(func=ast.Name(id="phrase"), args=[ast.Constant(value=str() as text), *_]):
            return _ANYTHING.join(map(re.escape, re.split(r"\{\w+\}", text)))
        case ast.Constant(value=str() as text):
            return re.escape(text)
        case ast.JoinedStr(values=parts):
            return "".join(
                re.escape(str(one.value)) if isinstance(one, ast.Constant) else _ANYTHING for one in parts
            )
        case _:
            return _ANYTHING


def used_by(payload: Mapping[str, Any]) -> Iterator[Used]:
    """What somebody used, as Slack tells it: the verb of a command, and what was shown to them."""
    if "command" in payload:
        said = read(payload["text"])
        if isinstance(said, Spoken):
            yield Used("Verb", said.verb.name, "")
        return
    match payload["type"]:
        case "block_actions":
            for action in payload["actions"]:
                chosen = action.get("selected_option") or action
                yield Used("Press", chosen["text"]["text"], str(chosen.get("value", "")))
        case "view_submission":
            view = payload["view"]
            about = view["private_metadata"]
            if about.startswith("{"):
                yield Used("Form", view["title"]["text"], json.loads(about)["line"])
        case "shortcut" | "message_action":
            yield Used("Shortcut", payload["callback_id"], "")


def drawn() -> list[Drawn]:
    """Every verb there is, and every button, form and shortcut that the code can draw."""
    found = [
        one
        for path in sorted((ROOT / "multivac").rglob("*.py"))
        for one in drawn_in(path.read_text(), str(path.relative_to(ROOT)))
    ]
    found += [Drawn("Verb", "multivac/verbs/table.py", re.escape(verb.name), "") for verb in VERBS]
    return found + [Drawn("Shortcut", "multivac/shortcuts.py", re.escape(one.id), "") for one in SHORTCUTS]


def unused(used: Iterable[Used]) -> list[str]:
    """What nobody used, of all that the code can draw."""
    known = set(used)
    return [
        f"{one.kind} of {one.where}: {one.words!r} says {one.line!r}"
        for one in drawn()
        if not one.is_used(known)
    ]


def note(config: pytest.Config, payloads: Iterable[Mapping[str, Any]]) -> None:
    """Keep what the people of one story used."""
    lines = [json.dumps([one.kind, one.words, one.line]) for payload in payloads for one in used_by(payload)]
    with config.stash[_NOTES].open("a") as notes:
        notes.writelines(f"{line}\n" for line in lines)


# --- in the run of the tests ----------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """Settle on one file for all workers, who write whole lines at its end."""
    given = getattr(config, "workerinput", {}).get("presses")
    config.stash[_NOTES] = Path(given or tempfile.mkstemp(prefix="presses-")[1])


def pytest_configure_node(node: Any) -> None:
    """Tell a worker which file it is."""
    node.workerinput["presses"] = str(node.config.stash[_NOTES])


def is_whole(config: pytest.Config) -> bool:
    """Whether this run tells every story."""
    option = config.option
    chooses = (
        option.keyword or option.markexpr or option.deselect or option.collectonly or getattr(option, "lf", 0)
    )
    roots = {(config.invocation_params.dir / one).resolve() for one in config.args}
    return not chooses and not roots.isdisjoint({STORIES, STORIES.parent, ROOT})


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run of all stories in which something was never used."""
    config = session.config
    if hasattr(config, "workerinput"):
        return
    lines = config.stash[_NOTES].read_text().splitlines()
    config.stash[_NOTES].unlink()
    if exitstatus == pytest.ExitCode.OK and is_whole(config):
        config.stash[_MISSING] = unused(Used(*json.loads(line)) for line in lines)
        if config.stash[_MISSING]:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was never used."""
    missing = config.stash.get(_MISSING, [])
    if missing:
        terminalreporter.section("NO STORY USES THESE", red=True)
        for one in missing:
            terminalreporter.line(one)
