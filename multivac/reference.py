"""Generated reference: JSON schemas for editors and the page of all settings.

`multivac schema` prints the schemas; `make docs` writes the page and a test proves it current.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from multivac.environment import name_of
from multivac.people import Mapped
from multivac.playbook import Playbook
from multivac.settings import CONFIG, Settings, keys
from multivac.values import say_duration
from multivac.verbs import VERBS, Right

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_INTRODUCTION = f"""# Settings

<!-- Generated from the models in multivac/sections.py; a test keeps it current. -->

Multivac reads one YAML file: the one given with `--config`, else the one that `{CONFIG}` names,
else `multivac.yaml` in the current folder, else none. Every key has a variable that overrides it.

- A key marked *secret* can also be read from a file: add `_FILE` to its variable and give a path.
- `${{NAME}}` in the file is replaced by that variable; `$$` is a plain `$`. A name not set is a mistake.
- A list may be written in one string: `one,two` or `["one", "two"]`.
- Durations have a unit: `90s`, `10m`, `1h30m`, `2d`.
- An empty key or variable counts as not written. Paths in the file start at the file's folder.
- A vendor without keys is off, and the start-up line says so. A half-configured one is a mistake.
"""


class _AsWritten(GenerateJsonSchema):
    """Gives default durations as they are written in YAML, not as ISO 8601."""

    def encode_default(self, dft: Any) -> Any:
        return say_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def json_schema() -> dict[str, dict[str, Any]]:
    """Return the JSON schema of each kind of file: playbook, settings, people."""
    people = TypeAdapter(tuple[Mapped, ...]).json_schema()
    return {
        "playbook": {"$schema": _DIALECT, **Playbook.model_json_schema(schema_generator=_AsWritten)},
        "settings": {"$schema": _DIALECT, **Settings.model_json_schema(schema_generator=_AsWritten)},
        "people": {"$schema": _DIALECT, "title": "People", **people},
    }


def settings_page() -> str:
    """Return the page that documents every setting, in Markdown."""
    return "\n".join([_INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    secrets = keys()
    defaults = Settings().model_dump(mode="json")
    for name, field in Settings.model_fields.items():
        section = field.annotation
        yield f"## {name}\n\n{section.__doc__}\n" if section else f"## {name}\n"
        yield "| Key | Variable | Default | Meaning |\n|---|---|---|---|"
        for key, inner in getattr(section, "model_fields", {}).items():
            dotted = f"{name}.{key}"
            secret = ", *secret*" if secrets[dotted] else ""
            default = "" if inner.default_factory else _say(inner.default, defaults[name][key])
            yield f"| `{dotted}`{secret} | `{name_of(dotted)}` | {default} | {inner.description} |"
        yield ""


def _say(default: Any, dumped: Any) -> str:
    """The default as it would be written; pydantic masks secrets when it dumps them."""
    shown = default.get_secret_value() if hasattr(default, "get_secret_value") else dumped
    return f"`{shown}`" if shown not in (None, [], "") else ""


_VERBS = """# What you can ask in Slack

<!-- Generated from the table in multivac/verbs.py; a test keeps it current. -->

Say it as `/incident`, as a mention (`@multivac lead me`, also in a thread), or in a direct message. In an
incident's channel, or under its announcement, it is about that incident; elsewhere about the only open one
that you have to do with, and where there are several or none you are asked which. A number says it anywhere:
`/incident INC-42 show`. The first three letters of a verb are enough, but for those that end something.
`/incident` alone opens the form to declare, or shows where the incident of this channel stands.

Times of day (`at:14:05`) are by the clock of your Slack. A name of several words may stand in quotes:
`/incident page "Payment API" help`. Of several people whom you mention, the one is meant who comes right
after the verb or, where that says what is to be done, at the end; the others stay in your words.

`--name=value` is another way to write `name:value`, anywhere in the line: `--at=14:05`, `--severity=sev1` (or
`--sev=1`), `--private`, `--impact="Nobody can pay"`. A flag that the verb does not have is never guessed at:
nothing is done, you are told which there are, and a button keeps it as words. In quotes or backticks it is
words anyway: ``note Ran `kubectl delete --force` ``.

Plain words do where they can mean one thing only: `accept`, `I take it`, `who is working on this?`, `what is
going on?`, `scribe @bo`. Any other sentence is not guessed at: buttons offer to declare it, or to note it.

| Say | Also | It does | Who may | For example |
|---|---|---|---|---|
"""
_WHO = {
    Right.GUEST: "everybody",
    Right.MEMBER: "everybody but guests",
    Right.RESPONDER: "who responds",
    Right.LEAD: "the lead, a deputy",
    Right.ADMIN: "who runs Multivac",
}
_BREAK_GLASS = """
Who responds is whoever is in the channel, was invited, or has a role. While nobody leads, or nothing was
seen of the lead for 30 minutes, whoever responds may do what the lead may. Everything is kept in a trail,
also what rules and alerts change: `multivac trace INC-42`.
"""


def verbs_page() -> str:
    """Return the page of all verbs, in Markdown."""
    rows = (
        f"| `{f'{verb.name} {verb.usage}'.strip().replace('|', chr(92) + '|')}` | {', '.join(verb.aliases)} "
        f"| {verb.help} | {_WHO[verb.right]} | `{verb.example}` |"
        for verb in VERBS
    )
    return _VERBS + "\n".join(rows) + "\n" + _BREAK_GLASS
