"""The docs say what is there: nothing is missing, nothing is stale."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def rows(page: str, heading: str) -> dict[str, str]:
    """The first two columns of the table under a heading."""
    section = re.split(r"^## ", page, flags=re.MULTILINE)
    text = next(part for part in section if part.startswith(heading))
    lines = re.findall(r"^\|([^|]+)\|([^|]*)\|", text, flags=re.MULTILINE)
    return {name.strip(): why.strip() for name, why in lines[2:]}


def names(requirements: list[str]) -> list[str]:
    """The packages that a list of requirements names."""
    return [re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0] for requirement in requirements]


def wanted(part: str) -> list[str]:
    """The dependencies of pyproject.toml, at run time or to develop."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return names(project["project"]["dependencies"] if part == "run" else project["dependency-groups"]["dev"])


@pytest.mark.parametrize(("part", "heading"), [("run", "At run time"), ("dev", "To develop and test")])
def test_each_dependency_has_its_reason(part: str, heading: str) -> None:
    explained = rows((DOCS / "dependencies.md").read_text(), heading)
    assert list(explained) == sorted(wanted(part))
    assert all(len(why.split()) > 2 for why in explained.values())


def test_the_table_is_read_row_by_row() -> None:
    head = "| a | b |\n| --- | --- |\n"
    page = f"# x\n## One\n{head}| pytest | Runs. |\n| ruff | |\n## Two\n{head}"
    assert rows(page, "One") == {"pytest": "Runs.", "ruff": ""}
    assert rows(page, "Two") == {}
    assert names(["psycopg[binary]>=3", "ruff", "a_b; python_version > '3'"]) == ["psycopg", "ruff", "a_b"]


def test_each_word_is_explained_once() -> None:
    words = re.findall(r"^\| ([a-z -]+) \| [A-Z`]", (DOCS / "glossary.md").read_text(), flags=re.MULTILINE)
    assert len(words) == len(set(words))
    assert {"alert", "incident", "lead", "step", "job", "headline"} <= set(words)


@pytest.mark.parametrize(
    "page",
    [
        "CONTRIBUTING.md",
        "docs/glossary.md",
        "docs/dependencies.md",
        "docs/operate.md",
        "docs/security.md",
        "docs/tour.md",
    ],
)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / target).exists(), target
