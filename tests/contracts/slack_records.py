"""Holds calls of Slack's Web API against Slack's own records: arguments, errors, the shapes of answers."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from integrations.sandbox.exchange import Exchange

# Errors that Slack describes for the whole of its Web API, beside each method's own.
EVERYWHERE = frozenset(
    {
        "internal_error",
        "missing_scope",
        "ratelimited",
        "service_unavailable",
        "token_expired",
        "token_revoked",
    }
)
# Errors that Slack gives and lists nowhere: a bot is in no archived channel (the method page, "Bug alert").
UNLISTED = {"conversations.unarchive": ("not_in_channel",)}
# What recordings have from several answers at once: no single answer has all of it.
NOT_ALWAYS = frozenset(
    {"error", "needed", "provided", "warning", "response_metadata", "errors", "offset", "cache_ts", "ok"}
)
SOMETIMES = {
    # For workflow tokens, organisations and tokens that expire.
    "auth.test": {"app_id", "app_name", "enterprise_id", "expires_in", "is_enterprise_install"},
    "conversations.create": {"detail"},  # of a refused name
}
WRITTEN = {
    "boolean": r"(?i:true|false|1|0)",
    "integer": r"-?\d+",
    "number": r"-?\d+(\.\d+)?",
    "string": r".*",
}
KINDS: Mapping[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
}


class SlackRecords:
    """The records of one folder; each file is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        by_method: dict[str, list[str]] = json.loads((folder / "error_codes_by_method.json").read_text())
        named = Counter(error for errors in by_method.values() for error in errors)
        self._by_method = by_method
        # What most methods list is what the Web API says before it looks at the method.
        self._everywhere = EVERYWHERE | {name for name, times in named.items() if times > len(by_method) / 2}
        self._method = cache(lambda method: self._read("methods", method))
        self._recorded = cache(lambda method: self._read("responses", method))

    def breaches(self, exchange: Exchange, *, answered: bool) -> Iterator[str]:
        """What the records do not know; of the answer too if it was Slack's own."""
        record = self._method(exchange.method)
        if record is None and exchange.method in self._by_method:
            # Slack has it, but there is no record of its arguments: the answer is held to its errors.
            refused = self._of_answer({"errors": ()}, exchange) if answered else ()
            yield from (f"{exchange.method}: {each}" for each in refused)
            return
        if record is None:
            yield f"{exchange.method}: Slack has no such method"
            return
        found = list(_of_request(record, exchange))
        found += self._of_answer(record, exchange) if answered else []
        yield from (f"{exchange.method}: {each}" for each in found)

    def _of_answer(self, record: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
        answer = exchange.response_body
        if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
            yield f"the answer has no ok: {answer!r:.100}"
        elif answer["ok"]:
            yield from self._of_success(exchange.method, answer)
        else:
            listed = {*record["errors"], *self._by_method.get(exchange.method, ())}
            known = listed | self._everywhere | set(UNLISTED.get(exchange.method, ()))
            if answer.get("error") not in known:
                yield f"it knows no error {answer.get('error')!r}"

    def _of_success(self, method: str, answer: Mapping[str, Any]) -> Iterator[str]:
        recorded = self._recorded(method)
        if recorded is None:
            return
        for key in sorted(recorded.keys() - answer.keys() - NOT_ALWAYS - SOMETIMES.get(method, set())):
            yield f"the answer lacks {key}"
        yield from _differences(recorded, answer, "")

    def _read(self, kind: str, method: str) -> Any:
        path = self._folder / kind / f"{method}.json"
        return json.loads(path.read_text()) if path.exists() else None


def _of_request(record: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
    known = record["args"]["properties"]
    body = exchange.request_body if isinstance(exchange.request_body, dict) else {}
    given = {name: values[-1] for name, values in exchange.query.items()} | body
    for name, value in given.items():
        if name not in known:
            yield f"it has no argument {name}"
        elif not _fits(known[name].get("type"), value):
            yield f"{name} is no {known[name]['type']}: {value!r:.100}"
    there = {*given, *(["token"] if exchange.request_headers.get("authorization") else [])}
    yield from (
        f"the argument {name} is missing" for name in record["args"].get("required", ()) if name not in there
    )


def _fits(kind: str | None, value: Any) -> bool:
    """Whether an argument is of its type: as JSON has it, or written out in a form."""
    if kind is None:
        return True
    if isinstance(value, str) and kind != "array":
        return re.fullmatch(WRITTEN[kind], value, re.DOTALL) is not None
    if isinstance(value, str):
        return True  # a list may be parted by commas
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _differences(recorded: Any, answered: Any, at: str) -> Iterator[str]:
    """Where an answer has another type than the recording; null fits anything."""
    if recorded is None or answered is None:
        return
    if isinstance(recorded, dict) and isinstance(answered, dict):
        for key in recorded.keys() & answered.keys():
            yield from _differences(recorded[key], answered[key], f"{at}.{key}")
    elif isinstance(recorded, list) and isinstance(answered, list):
        for each in answered if recorded else ():
            yield from _differences(recorded[0], each, f"{at}[]")
    elif _sort(recorded) is not _sort(answered):
        yield f"{at.removeprefix('.')} is {type(answered).__name__}, recorded as {type(recorded).__name__}"


def _sort(value: Any) -> type:
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
