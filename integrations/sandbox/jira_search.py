"""JQL, as much as a ticket search needs, over an index that lags behind. Pure, given the site.

Clauses with =, !=, ~, in, not in, is, is not and comparisons, joined by and, or, not and parentheses,
then `order by`. Properties cannot be searched: Jira indexes them for apps only.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.sandbox.jira_model import Issue, Person, Site
from integrations.sandbox.jira_shapes import CATEGORIES
from integrations.sandbox.jira_text import as_plain

TOKEN = re.compile(r'\s*("(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|!=|>=|<=|!~|[()=~<>,]|[^\s()=~<>,!"\']+)')
OPERATORS = {"=", "!=", "~", "!~", ">", ">=", "<", "<="}
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
NAMES = {"type": "issuetype", "issue": "key", "id": "key", "component": "components"}
Test = Callable[[Issue], bool]


class BadQuery(ValueError):
    """A query Jira refuses, with the words it uses."""


@dataclass(slots=True)
class Query:
    """A parsed query: which issues, in which order, and whether it narrows anything at all."""

    fits: Test
    order: list[tuple[str, bool]]
    bounded: bool


def parse(site: Site, jql: str, *, me: Person, now: datetime) -> Query:
    """Parse JQL; raises BadQuery."""
    where, _, order = _split_order(jql)
    parser = _Parser(site, _tokens(where), me=me, now=now)
    fits = parser.whole() if where.strip() else lambda _issue: True
    return Query(fits, [_order_term(term) for term in order.split(",") if term.strip()], bool(where.strip()))


def search(
    site: Site, query: Query, *, seen_until: datetime, fresh: frozenset[str] = frozenset()
) -> list[Issue]:
    """Give the issues that fit, as an index sees them that knows nothing later than `seen_until`.

    Issues whose ids are in `fresh` are looked at as they are now.
    """
    known = [i.snapshot() if i.id in fresh else i.as_indexed(seen_until) for i in site.issues.values()]
    found = [issue for issue in known if issue is not None and query.fits(issue)]
    found.sort(key=lambda issue: int(issue.id), reverse=True)
    for name, descending in reversed(query.order):
        found.sort(key=lambda issue: _sort_value(site, issue, name), reverse=descending)  # used at once
    return found


class _Parser:
    def __init__(self, site: Site, tokens: list[str], *, me: Person, now: datetime) -> None:
        self._site = site
        self._tokens = tokens
        self._me = me
        self._now = now

    def whole(self) -> Test:
        test = self._either()
        if self._tokens:
            raise BadQuery(
                f"Error in the JQL Query: Expecting either 'OR' or 'AND' but got '{self._tokens[0]}'."
            )
        return test

    def _either(self) -> Test:
        tests = [self._both()]
        while self._next_is("or"):
            tests.append(self._both())
        return lambda issue: any(test(issue) for test in tests)

    def _both(self) -> Test:
        tests = [self._single()]
        while self._next_is("and"):
            tests.append(self._single())
        return lambda issue: all(test(issue) for test in tests)

    def _single(self) -> Test:
        if self._next_is("not"):
            test = self._single()
            return lambda issue: not test(issue)
        if self._next_is("("):
            test = self._either()
            if not self._next_is(")"):
                raise BadQuery("Error in the JQL Query: Expecting ')' before the end of the query.")
            return test
        return self._clause()

    def _clause(self) -> Test:
        name = self._take().lower()
        name = NAMES.get(name, name)
        values = self._reader(name)
        operator = self._operator()
        if operator in {"is", "is not"}:
            if self._take().lower() not in {"empty", "null"}:
                raise BadQuery("Error in the JQL Query: Operator 'is' only works with EMPTY or NULL.")
            return lambda issue: (not values(issue)) == (operator == "is")
        wanted = self._values() if operator.endswith("in") else [self._value()]
        if operator in {">", ">=", "<", "<="}:
            return self._comparison(name, operator, wanted[0])
        return self._equality(name, operator, values, wanted=wanted)

    def _equality(
        self, name: str, operator: str, values: Callable[[Issue], list[str]], *, wanted: list[str]
    ) -> Test:
        folded = [self._resolved(name, value).casefold() for value in wanted]
        if operator in {"~", "!~"}:
            return lambda issue: (
                (folded[0].strip("*") in " ".join(values(issue)).casefold()) == (operator == "~")
            )

        def hit(issue: Issue) -> bool:
            return any(value.casefold() in folded for value in values(issue))

        if operator in {"=", "in"}:
            return hit
        # As in Jira, an empty field fits neither `= x` nor `!= x`.
        return lambda issue: bool(values(issue)) and not hit(issue)

    def _comparison(self, name: str, operator: str, value: str) -> Test:
        if name not in {"created", "updated"}:
            raise BadQuery(f"The operator '{operator}' is not supported by the '{name}' field.")
        border = self._instant(value)
        later = operator.startswith(">")
        return lambda issue: (getattr(issue, name) >= border) == later

    def _instant(self, value: str) -> datetime:
        relative = re.fullmatch(r"-(\d+)([mhdw])", value)
        if relative:
            return self._now - timedelta(**{UNITS[relative[2]]: int(relative[1])})
        try:
            return datetime.fromisoformat(value.replace("/", "-")).replace(tzinfo=UTC)
        except ValueError as error:
            raise BadQuery(f"Date value '{value}' is invalid.") from error

    def _reader(self, name: str) -> Callable[[Issue], list[str]]:
        site = self._site
        readers: dict[str, Callable[[Issue], list[str]]] = {
            "project": lambda issue: _both_names(
                site.projects[issue.project], site.projects[issue.project].key
            ),
            "key": lambda issue: [issue.key, issue.id],
            "labels": lambda issue: issue.labels,
            "assignee": lambda issue: _who(site, issue.assignee),
            "reporter": lambda issue: _who(site, issue.reporter),
            "status": lambda issue: [issue.status.name, issue.status.id],
            "statuscategory": lambda issue: [CATEGORIES[issue.status.category][1], issue.status.category],
            "issuetype": lambda issue: _both_names(issue.issue_type),
            "priority": lambda issue: _both_names(issue.priority),
            "resolution": lambda issue: _both_names(issue.resolution) if issue.resolution else [],
            "components": lambda issue: [word for each in issue.components for word in _both_names(each)],
            "parent": lambda issue: [site.issues[issue.parent].key] if issue.parent else [],
            "summary": lambda issue: [issue.summary],
            "description": lambda issue: [as_plain(issue.description) or ""],
            "text": lambda issue: [issue.summary, as_plain(issue.description) or ""],
            "created": lambda _issue: [""],
            "updated": lambda _issue: [""],
        }
        if name not in readers:
            raise BadQuery(f"Field '{name}' does not exist or you do not have permission to view it.")
        return readers[name]

    def _resolved(self, name: str, value: str) -> str:
        if name in {"assignee", "reporter"}:
            return self._me.account_id if value.lower() == "currentuser" else value
        if name == "project" and not any(value.casefold() in _keys(p) for p in self._site.projects.values()):
            raise BadQuery(f"The value '{value}' does not exist for the field 'project'.")
        return value

    def _operator(self) -> str:
        word = self._take().lower()
        if word in {"is", "not"} and self._tokens and self._tokens[0].lower() in {"not", "in"}:
            word = f"{word} {self._take().lower()}"
        if word not in OPERATORS | {"in", "not in", "is", "is not"}:
            raise BadQuery(f"Error in the JQL Query: Expecting operator but got '{word}'.")
        return word

    def _values(self) -> list[str]:
        if not self._next_is("("):
            raise BadQuery("Error in the JQL Query: Expecting '(' after 'in'.")
        values = [self._value()]
        while self._next_is(","):
            values.append(self._value())
        if not self._next_is(")"):
            raise BadQuery("Error in the JQL Query: Expecting ')' after the list.")
        return values

    def _value(self) -> str:
        value = _unquoted(self._take())
        if self._next_is("("):
            self._take()
        return value

    def _take(self) -> str:
        if not self._tokens:
            raise BadQuery("Error in the JQL Query: The query ends too early.")
        return self._tokens.pop(0)

    def _next_is(self, word: str) -> bool:
        if self._tokens and self._tokens[0].lower() == word:
            self._tokens.pop(0)
            return True
        return False


def _tokens(jql: str) -> list[str]:
    tokens, at = [], 0
    while jql[at:].strip():
        match = TOKEN.match(jql, at)
        if match is None:
            raise BadQuery(
                f"Error in the JQL Query: The character '{jql[at:].strip()[0]}' is a reserved character."
            )
        tokens.append(match[1])
        at = match.end()
    return tokens


def _unquoted(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if token[0] in "\"'" else token


def _split_order(jql: str) -> tuple[str, str, str]:
    match = re.search(r"(^|\s)order\s+by\s", jql, re.IGNORECASE)
    return (jql[: match.start()], "order by", jql[match.end() :]) if match else (jql, "", "")


def _order_term(term: str) -> tuple[str, bool]:
    name, _, direction = term.strip().partition(" ")
    name = NAMES.get(name.lower(), name.lower())
    if name not in {"created", "updated", "key", "priority", "status", "summary", "assignee"}:
        raise BadQuery(f"Field '{name}' does not exist or you do not have permission to view it.")
    return name, direction.strip().lower() == "desc"


def _sort_value(site: Site, issue: Issue, name: str) -> Any:
    if name == "key":
        return int(issue.key.rpartition("-")[2])
    if name == "assignee":
        return site.people[issue.assignee].display if issue.assignee else ""
    value = getattr(issue, name)
    return value.id if hasattr(value, "id") else value


def _who(site: Site, account_id: str | None) -> list[str]:
    if account_id is None:
        return []
    person = site.people[account_id]
    return [
        person.account_id,
        person.display,
        person.email if person.email_visible else person.account_id,
        person.name,
    ]


def _both_names(thing: Any, *more: str) -> list[str]:
    return [str(thing.name), thing.id, *more]


def _keys(thing: Any) -> list[str]:
    return [thing.key.casefold(), thing.name.casefold(), thing.id]
