"""The house's rules as functions: each takes a file's path and text and yields the breaches it finds.

tests/test_house.py runs them over the tree, and over planted breaches. What ruff, mypy and import-linter can
say stays with them.
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

Rule = Callable[[str, str], Iterator[str]]

LONGEST_FUNCTION = 60  # lines
LONGEST_FILE = 500
LONGEST_SLEEP = 0.05  # seconds

# Names that say nothing about what a thing is. In a class or a module they are refused.
EMPTY_WORDS = {"manager", "helper", "util", "utility", "service", "handler", "data", "info"}

# The two boundaries where `except Exception` may stand.
BOUNDARIES = ("multivac/jobs.py", "multivac/web/")

# The other ends of a thread or a door, and why nothing may get past them. A file that no longer needs its
# line must lose it.
EXCUSED = {
    "multivac/desk/front.py": "a front door: whoever asked is told that it broke, and a reference to it",
    "integrations/slack/inbound.py": "a front door: whatever broke, Slack gets an answer",
    "integrations/jira/webhook.py": "a front door: whatever broke, Jira is asked to deliver again",
    "integrations/pagerduty/webhook.py": "a front door: whatever broke, PagerDuty is asked to deliver again",
    "multivac/response.py": "a step's thread: a mistake of ours in one step must not stop the others",
    "multivac/schedule.py": "the beat's thread: one bad beat must not be the last",
    "multivac/store/database.py": "the one writer survives every exception and hands it to whoever wrote",
}

# Where a function may be long: a list that a tool wrote, read from top to bottom.
LISTS = ("multivac/migrations/versions/",)

# A vendor's own word for a thing, in the names that stand for that thing.
VENDOR_WORDS = {"integrations/sandbox/pagerduty_model.py": {"Service"}}


# Each rule reads the file that the one before it has read.
@lru_cache(maxsize=1)
def _tree(text: str) -> ast.Module:
    return ast.parse(text)


@lru_cache(maxsize=1)
def _nodes(text: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(_tree(text)))


def _is_test(path: str) -> bool:
    return path.startswith("tests/")


def is_ours(path: str) -> bool:
    return path.startswith(("multivac/", "integrations/"))


def functions_are_short(path: str, text: str) -> Iterator[str]:
    """No function is over 60 lines, its docstring and decorators included."""
    if path.startswith(LISTS):
        return
    for node in _nodes(text):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            lines = (node.end_lineno or first) - first + 1
            if lines > LONGEST_FUNCTION:
                yield f"{path}:{node.lineno}: {node.name} has {lines} lines"


def files_are_short(path: str, text: str) -> Iterator[str]:
    """No file is over 500 lines."""
    lines = len(text.splitlines())
    if lines > LONGEST_FILE:
        yield f"{path}: {lines} lines"


def _public(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        decorators = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
        if node.name.startswith("_") or decorators & {"overload", "override", "setter"}:
            continue
        yield node
        if isinstance(node, ast.ClassDef):
            yield from _public(node.body)


def docstrings_are_there(path: str, text: str) -> Iterator[str]:
    """Every module, and every public class, function and method, says what it is for."""
    tree = _tree(text)
    if not ast.get_docstring(tree):
        yield f"{path}: no docstring"
    if not is_ours(path) or path.startswith("multivac/migrations/"):
        return
    for node in _public(tree.body):
        if not ast.get_docstring(node):
            yield f"{path}:{node.lineno}: {node.name} has no docstring"


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def broad_catches(path: str, text: str) -> Iterator[str]:
    """Where errors of every kind are caught and kept."""
    for node in _nodes(text):
        if not isinstance(node, ast.ExceptHandler) or _raises_again(node):
            continue
        caught = ast.unparse(node.type) if node.type else "everything"
        if re.search(r"\b(everything|Exception|BaseException)\b", caught):
            yield f"{path}:{node.lineno}: catches {caught}"


def errors_are_caught_by_name(path: str, text: str) -> Iterator[str]:
    """`except Exception` stands at the boundaries only, unless it raises the same error again."""
    if is_ours(path) and not path.startswith(BOUNDARIES) and path not in EXCUSED:
        yield from broad_catches(path, text)


def _words(name: str) -> set[str]:
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return {word.lower().removesuffix("s") for word in words} | {word.lower() for word in words}


def names_say_something(path: str, text: str) -> Iterator[str]:
    """No class and no module is called a manager, a helper, a service and so on."""
    for word in sorted(_words(Path(path).stem) & EMPTY_WORDS):
        yield f"{path}: a module named {word}"
    for node in _nodes(text):
        if isinstance(node, ast.ClassDef) and node.name not in VENDOR_WORDS.get(path, ()):
            for word in sorted(_words(node.name) & EMPTY_WORDS):
                yield f"{path}:{node.lineno}: class {node.name} is named {word}"


def _imports(text: str) -> Iterator[tuple[int, str]]:
    for node in _nodes(text):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def _forbidden_imports(path: str, text: str, packages: set[str]) -> Iterator[str]:
    for line, module in _imports(text):
        if module.partition(".")[0] in packages:
            yield f"{path}:{line}: imports {module}"


def only_jobs_knows_the_engine(path: str, text: str) -> Iterator[str]:
    """The engine is imported by multivac/jobs.py alone, in tests and benchmarks too."""
    if path != "multivac/jobs.py":
        yield from _forbidden_imports(path, text, {"dbos"})


def the_sandbox_stands_alone(path: str, text: str) -> Iterator[str]:
    """The sandbox shares no code with what it tests: neither ours nor a vendor's SDK."""
    if path.startswith("integrations/sandbox/"):
        yield from _forbidden_imports(path, text, {"multivac", "slack_sdk", "jira", "pdpyras"})


def parts_are_not_mocked(path: str, text: str) -> Iterator[str]:
    """No mocks: a test gives other parts by argument, or a stand-in over real HTTP."""
    if not _is_test(path):
        return
    yield from (f"{path}:{line}: imports {module}" for line, module in _imports(text) if "mock" in module)
    for node in _nodes(text):
        if isinstance(node, ast.ImportFrom) and node.module == "unittest":
            yield f"{path}:{node.lineno}: imports from unittest"
        if (
            isinstance(node, ast.Attribute)
            and node.attr in {"setattr", "delattr"}
            and ast.unparse(node.value) in {"monkeypatch", "mp"}
        ):
            yield f"{path}:{node.lineno}: {ast.unparse(node)} replaces a part behind the code's back"
        if isinstance(node, ast.arg) and node.arg == "mocker":
            yield f"{path}:{node.lineno}: asks for mocker"


def nobody_sleeps_in_tests(path: str, text: str) -> Iterator[str]:
    """A test waits for something to happen; it pauses for 0.05 s at most between two looks."""
    if not _is_test(path) or "sleep" not in text:
        return
    for node in _nodes(text):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) not in {"time.sleep", "sleep"}:
            continue
        match node.args:
            case [ast.Constant(value=int() | float() as pause)] if pause <= LONGEST_SLEEP:
                continue
            case _:
                yield f"{path}:{node.lineno}: {ast.unparse(node)}"


def only_the_command_line_prints(path: str, text: str) -> Iterator[str]:
    """Everything else logs, or returns what it has to say."""
    if not is_ours(path) or path.startswith("multivac/cli") or path.endswith("/__main__.py"):
        return
    if not re.search(r"\b(print|stdout)\b", text):
        return
    for node in _nodes(text):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "sys.stdout.write"}:
            yield f"{path}:{node.lineno}: prints"


def longer_limits_have_a_reason(path: str, text: str) -> Iterator[str]:
    """A test's time limit is raised by @pytest.mark.slow(seconds, why), which asks for the reason."""
    if not _is_test(path) or path == "tests/harness.py":
        return
    for node in _nodes(text):
        if (
            isinstance(node, ast.Attribute)
            and node.attr == "timeout"
            and ast.unparse(node) == "pytest.mark.timeout"
        ):
            yield f"{path}:{node.lineno}: use pytest.mark.slow(seconds, why)"


RULES: list[Rule] = [
    functions_are_short,
    files_are_short,
    docstrings_are_there,
    errors_are_caught_by_name,
    names_say_something,
    only_jobs_knows_the_engine,
    the_sandbox_stands_alone,
    parts_are_not_mocked,
    nobody_sleeps_in_tests,
    only_the_command_line_prints,
    longer_limits_have_a_reason,
]
