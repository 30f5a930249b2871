"""Holds requests and answers against a published OpenAPI document, and names what it does not allow."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from openapi_schema_validator import OAS30ReadValidator, OAS30WriteValidator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from integrations.sandbox.exchange import Exchange

# OpenAPI 3.0 says that parameters of these names are to be ignored.
NO_PARAMETERS = frozenset({"accept", "authorization", "content-type"})
JSON_TYPE = "application/json"
# No document lists what proxies and overloaded servers answer; both vendors describe 429 in prose.
ALWAYS_POSSIBLE = frozenset({401, 429, *range(500, 600)})


@dataclass(frozen=True, slots=True)
class Operation:
    """One verb of one path, and where it stands in the document."""

    name: str
    pointer: str
    spec: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]


class OpenApi:
    """One document. `prefix` stands before its paths at the stand-in; validators are compiled once."""

    def __init__(self, document: Mapping[str, Any], prefix: str) -> None:
        self._document = document
        self._prefix = prefix
        self._registry: Registry[Any] = Registry().with_resource("urn:api", DRAFT4.create_resource(document))
        paths = sorted(document["paths"], key=lambda path: path.count("{"))
        self._paths = [(re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path) + r"\Z"), path) for path in paths]
        self._validator = cache(self._compiled)
        self._operation = cache(self._read)

    def breaches(self, exchange: Exchange, *, answered: bool) -> Iterator[str]:
        """What the document does not allow; the answer too if it was the vendor's own."""
        verb = exchange.method.partition(" ")[0]
        operation = self._operation(verb.lower(), exchange.path.removeprefix(self._prefix))
        if operation is None:
            yield f"{verb} {exchange.path}: there is no such operation"
            return
        found = [*self._of_parameters(operation, exchange), *self._of_request(operation, exchange)]
        # The document says what a right request gets; one that we sent wrongly has been named already.
        found += self._of_answer(operation, exchange) if answered else []
        yield from (f"{operation.name}: {each}" for each in found)

    def _read(self, verb: str, path: str) -> Operation | None:
        template = next((whole for pattern, whole in self._paths if pattern.match(path)), None)
        if template is None or verb not in self._document["paths"][template]:
            return None
        item = self._document["paths"][template]
        spec = item[verb]
        every = [self._resolved(each) for each in (*item.get("parameters", ()), *spec.get("parameters", ()))]
        given = [each for each in every if each["name"].lower() not in NO_PARAMETERS]
        escaped = template.replace("~", "~0").replace("/", "~1")
        return Operation(f"{verb.upper()} {template}", f"/paths/{escaped}/{verb}", spec, tuple(given))

    def _resolved(self, thing: Any) -> Any:
        while isinstance(thing, Mapping) and "$ref" in thing:
            target: Any = self._document
            for part in thing["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            thing = target
        return thing

    def _of_parameters(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        known = {each["name"]: each for each in operation.parameters if each["in"] == "query"}
        for name, values in exchange.query.items():
            if name not in known:
                yield f"the query has no {name}"
                continue
            schema = self._resolved(known[name].get("schema", {}))
            for error in OAS30WriteValidator(schema, registry=self._registry).iter_errors(
                self._typed(schema, values)
            ):
                yield f"query {name}: {error.message}"
        for each in operation.parameters:
            there = exchange.query if each["in"] == "query" else exchange.request_headers
            name = each["name"] if each["in"] == "query" else each["name"].lower()
            if each.get("required") and each["in"] in {"query", "header"} and name not in there:
                yield f"the request lacks {each['name']} in its {each['in']}"

    def _typed(self, schema: Mapping[str, Any], values: list[str]) -> Any:
        """A query's texts as what the schema says they stand for; what does not fit stays text."""
        kind = schema.get("type")
        if kind == "array":
            parts = values if len(values) > 1 else values[0].split(",")
            items = self._resolved(schema.get("items", {}))
            return [self._typed(items, [part]) for part in parts]
        text = values[-1]
        if kind in {"integer", "number"} and re.fullmatch(r"-?\d+", text):
            return int(text)
        if kind == "boolean" and text in {"true", "false"}:
            return text == "true"
        return text

    def _of_request(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        body = self._resolved(operation.spec.get("requestBody"))
        if body is None:
            return
        if not exchange.request_body:
            if body.get("required"):
                yield "the request lacks its body"
            return
        if JSON_TYPE not in body["content"] or "$ref" in operation.spec["requestBody"]:
            return
        pointer = f"{operation.pointer}/requestBody/content/application~1json/schema"
        for error in real(self._validator(pointer, OAS30WriteValidator).iter_errors(exchange.request_body)):
            # PagerDuty marks the ids of references read-only, though they are what one writes.
            if "read-only" not in error.message:
                yield f"request {place(error)}: {error.message}"

    def _of_answer(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        responses = operation.spec["responses"]
        status = str(exchange.status)
        if status not in responses:
            if exchange.status not in ALWAYS_POSSIBLE:
                yield f"it never answers {status}"
            return
        response = self._resolved(responses[status])
        if "schema" not in response.get("content", {}).get(JSON_TYPE, {}):
            return
        where = operation.pointer + f"/responses/{status}"
        if "$ref" in responses[status]:
            where = responses[status]["$ref"].removeprefix("#")
        validator = self._validator(f"{where}/content/application~1json/schema", OAS30ReadValidator)
        included = bool(exchange.query.get("include[]"))
        for error in real(validator.iter_errors(exchange.response_body)):
            if included and _is_whole_where_a_reference_was(error):
                continue
            yield f"answer {status} {place(error)}: {error.message[:300]}"

    def _compiled(self, pointer: str, kind: Any) -> Any:
        return kind({"$ref": f"urn:api#{pointer}"}, registry=self._registry)


def real(errors: Iterable[Any]) -> Iterator[Any]:
    """Those errors that are none of the documents' own: they forget that a field may be null."""
    yield from (error for error in errors if _is_real(error))


def _is_real(error: Any) -> bool:
    if error.instance is None:
        return False
    branches: dict[Any, bool] = {}
    for inner in error.context or ():
        branch = inner.relative_schema_path[0]
        branches[branch] = branches.get(branch, False) or _is_real(inner)
    return all(branches.values())


def _is_whole_where_a_reference_was(error: Any) -> bool:
    """PagerDuty's include[] puts whole objects where its document, which knows no more, has references."""
    return error.validator == "enum" and f"{error.instance}_reference" in error.validator_value


def place(error: Any) -> str:
    """Where in the body, as a dotted path."""
    return ".".join(map(str, error.absolute_path)) or "as a whole"
