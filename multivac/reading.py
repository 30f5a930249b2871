"""Reads what operators wrote in YAML and names every mistake with its place and its remedy.

Settings, people and playbooks are read through here, so that all three speak of mistakes alike.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from multivac.errors import BadConfig, Finding

try:  # ten times as fast, where PyYAML was built with it, as all its wheels are
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]  # the same to us

T = TypeVar("T")
Key = tuple[str | int, ...]
Schema = dict[str, Any]

_LIST = "Write a list: one entry a line after a dash, or [one, two]."
_GROUP = "Write keys with values below it, indented; {} if there are none."
_NUMBER = "Write a whole number."
_SWITCH = "Write true or false."
_WANTED = {
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_from_float": _NUMBER,
    "bool_type": _SWITCH,
    "bool_parsing": _SWITCH,
    "string_type": "Write text; put a number that is meant as text in quotes.",
}
_CONTAINERS = {
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _GROUP,
    "mapping_type": _GROUP,
    "model_type": _GROUP,
    "model_attributes_type": _GROUP,
}
_LONGEST_SHOWN = 80


class _Loader(SafeLoader):
    """Safe YAML in which no key may be written twice: the first one would silently be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's own signature
        """Build a mapping; raises yaml's own error, with its line, for a second key of one name."""
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} is written twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> Any:
    """Return what the YAML file holds, None if it is empty; raises `BadConfig` with the line at fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        fix = "Correct the path, or the rights of the file."
        raise BadConfig(Finding(str(path), f"cannot be read: {error.strerror}.", fix)) from error
    except UnicodeDecodeError as error:
        raise BadConfig(Finding(str(path), "is not UTF-8 text.", "Save it as UTF-8.")) from error
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise BadConfig(_broken(path, error)) from error


def _broken(path: Path, error: yaml.YAMLError) -> Finding:
    mark = getattr(error, "problem_mark", None)
    place = f"{path.name}: line {mark.line + 1}" if mark else path.name
    problem = getattr(error, "problem", None) or "unexpected characters"
    fix = "Keep one of them." if "written twice" in problem else "Check indentation, colons and quotes there."
    return Finding(place, f"is not valid YAML: {problem}.", fix)


def fit(model: type[T], written: object, *, where: Callable[[str], str]) -> T:
    """Return `written` as `model`; raises `BadConfig` with one finding a mistake, placed by `where(key)`."""
    adapter = TypeAdapter(model)
    try:
        return adapter.validate_python(written)
    except ValidationError as error:
        schema = adapter.json_schema()
        found = [_finding(each, schema, where) for each in error.errors() if not _is_echo(each)]
        raise BadConfig(*found) from error


def _is_echo(error: ErrorDetails) -> bool:
    """Whether this only repeats that the entries of a list are wrong, each of which is told by itself."""
    return error["type"] == "too_short" and bool(error["input"])


class _Place(NamedTuple):
    """Where a mistake is, and what is known of the shape there."""

    path: Key
    schemas: tuple[Schema, ...]

    @property
    def dotted(self) -> str:
        return ".".join(map(str, self.path))

    @property
    def keys(self) -> list[str]:
        return sorted({key for schema in self.schemas for key in schema.get("properties", {})})

    @property
    def is_secret(self) -> bool:
        return any(schema.get("writeOnly") for schema in self.schemas)


def _finding(error: ErrorDetails, schema: Schema, where: Callable[[str], str]) -> Finding:
    place = _find(error["loc"], schema)
    given = error["input"]
    context = error.get("ctx", {})
    match error["type"]:
        case "wrong":
            return Finding(where(place.dotted), context["why"], context["fix"])
        case "extra_forbidden":
            parent = _find(error["loc"][:-1], schema)
            return Finding(where(place.dotted), "is unknown.", suggest(str(error["loc"][-1]), parent.keys))
        case "union_tag_not_found" | "union_tag_invalid":
            fix = suggest(next(map(str, given), "") if isinstance(given, dict) else "", place.keys)
            return Finding(where(place.dotted), f"is {_say(given)}, which is none of its kinds.", fix)
        case "enum" | "literal_error":
            fix = suggest(str(given), _choices(place))
            return Finding(where(place.dotted), f"is {_say(given)}, which is none of its values.", fix)
        case "missing":
            fix = f"Write `{place.path[-1]}: ...` there."
            return Finding(where(place.dotted), "is missing.", fix)
    # What stands where a section belongs may well be a secret, so it is not repeated.
    hidden = given is not None and (place.is_secret or error["type"] in _CONTAINERS)
    why = "has the wrong form." if hidden else f"is {_say(given)}."
    return Finding(
        where(place.dotted), why, _remedy(error["type"], context) or f"{error['msg'].rstrip('.')}."
    )


def _remedy(kind: str, context: dict[str, Any]) -> str:
    match kind:
        case "greater_than_equal":
            return f"Write {context['ge']} or more."
        case "less_than_equal":
            return f"Write {context['le']} or less."
        case "string_too_short":
            return "Write some text."
        case "string_too_long":
            return f"Write at most {context['max_length']} characters."
        case "too_short":
            return "Write at least one entry, or leave the key out."
    return _CONTAINERS.get(kind) or _WANTED.get(kind, "")


def _say(given: object) -> str:
    """Name what was written; contents of lists and mappings may be secrets and are not repeated."""
    match given:
        case None:
            return "empty"
        case dict():
            return "a group of keys"
        case list() | tuple():
            return "a list" if given else "an empty list"
        case bool():
            return str(given).lower()
    text = repr(given)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def suggest(word: str, known: Sequence[str]) -> str:
    """Return a sentence naming the closest of `known`, whatever the case, else all of them."""
    plain = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), plain, n=1)
    if near:
        return f"Did you mean {plain[near[0]]}?"
    return f"Known here: {', '.join(known)}." if known else ""


def _choices(place: _Place) -> list[str]:
    found: list[str] = []
    for schema in place.schemas:
        allowed = schema.get("enum", [schema["const"]] if "const" in schema else [])
        found += [str(value).lower() if isinstance(value, bool) else str(value) for value in allowed]
    return list(dict.fromkeys(found))


def _find(location: Key, schema: Schema) -> _Place:
    """Follow pydantic's path through the JSON schema; tags of unions and `[key]` are not of the path."""
    path: Key = ()
    above = here = tuple(_open(schema, schema))
    for step in location:
        if step == "[key]":
            keys = (each["propertyNames"] for each in above if "propertyNames" in each)
            here = tuple(found for each in keys for found in _open(each, schema))
        elif not str(step).startswith("<"):
            path, above = (*path, step), here
            here = tuple(
                found for each in above for inner in _below(each, step) for found in _open(inner, schema)
            )
    return _Place(path, here)


def _below(schema: Schema, step: str | int) -> Iterator[Schema]:
    if isinstance(step, int):
        inner = schema.get("items")
    else:
        inner = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
    if isinstance(inner, dict):
        yield inner


def _open(schema: Schema, root: Schema) -> Iterator[Schema]:
    """Yield the schema itself, or all it may be: what it refers to, and each of its alternatives."""
    if "$ref" in schema:
        yield from _open(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    alternatives = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    for each in alternatives:
        yield from _open(each, root)
    if not alternatives and "$ref" not in schema:
        yield schema
