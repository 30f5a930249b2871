"""What is built and shipped: the wheel, the image, and the commands that make both."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def read(name: str) -> str:
    """A file of the project without its comments, and with the lines that end in a backslash joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE)
    return re.sub(r"\\\n\s*", "", text)


def syncs(name: str) -> list[list[str]]:
    """The options of every `uv sync` in a file of commands."""
    return [found.split() for found in re.findall(r"(?:uv|\$\(UV\)) sync ([^\n]*)", read(name))]


def test_the_image_is_built_by_the_commands_that_make_runs() -> None:
    (made,) = syncs("Makefile")
    assert made[0] == "--frozen"
    dependencies, project = syncs("Dockerfile")
    assert dependencies == ["--frozen", "--no-dev", "--no-install-project"]
    assert project == ["--frozen", "--no-dev", "--no-editable"]


def test_one_uv_builds_everything() -> None:
    version = re.findall(r"^UV_VERSION := (\S+)$", read("Makefile"), flags=re.MULTILINE)
    assert re.findall(r"^ARG UV_VERSION=(\S+)$", read("Dockerfile"), flags=re.MULTILINE) == version
    series = re.findall(r"^UV_SERIES := (\S+)$", read("Makefile"), flags=re.MULTILINE)
    assert version[0].rpartition(".")[0] == series[0]
    required = tomllib.loads(read("pyproject.toml"))["tool"]["uv"]["required-version"]
    assert required.startswith(f">={version[0]},")
    for name in ("Makefile", "Dockerfile"):
        assert re.search(r"pip install [^\n]*uv==", read(name)), name


def test_the_image_has_the_version_of_the_project() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert f'org.opencontainers.image.version="{version}"' in read("Dockerfile")


def test_the_image_gets_what_the_wheel_is_made_of() -> None:
    copies = re.findall(r"^COPY ([^-\n].*) \S+$", read("Dockerfile"), flags=re.MULTILINE)
    copied = {word for line in copies for word in line.split()}
    kept = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    wheel = tomllib.loads(read("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    about = {"LICENSE", "README.md", "pyproject.toml", "uv.lock"}
    assert copied == kept == {*wheel["packages"], *wheel["force-include"]} | about


def test_the_image_runs_as_nobody_in_particular() -> None:
    last_stage = read("Dockerfile").rpartition("\nFROM ")[2]
    for line in (
        "USER 10001:10001",
        'ENTRYPOINT ["multivac"]',
        'CMD ["run"]',
        "STOPSIGNAL SIGTERM",
        'VOLUME ["/data"]',
    ):
        assert f"\n{line}\n" in last_stage
    assert 'CMD ["multivac", "healthcheck"]' in last_stage


def test_compose_starts_with_sqlite_and_postgres_on_demand() -> None:
    services = yaml.safe_load(read("compose.yaml"))["services"]
    assert {name for name, service in services.items() if not service.get("profiles")} == {"multivac"}
    assert services["multivac"]["volumes"] == ["data:/data"]
    assert not services["multivac"]["depends_on"]["postgres"]["required"]


def test_make_alone_prints_every_target() -> None:
    printed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (phony,) = re.findall(r"^\.PHONY: (.*)$", read("Makefile"), flags=re.MULTILINE)
    assert re.findall(r"^  make (\w+) +\S", printed, flags=re.MULTILINE) == phony.split()


def test_make_says_in_one_line_what_to_install() -> None:
    command = ["make", "-B", "PYTHON=", "UV=uv", "UV_HERE=", "test"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert said == [
        "Multivac needs Python 3.11 or newer with its venv module: apt-get install python3 python3-venv"
    ]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in a wheel built from this checkout, by the backend that pip and uv call."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built).namelist()


def test_the_default_configuration_ships_in_the_wheel(wheel: list[str]) -> None:
    config = {
        path.relative_to(ROOT / "config").as_posix()
        for path in (ROOT / "config").rglob("*")
        if path.is_file()
    }
    shipped = {
        name.removeprefix("multivac/defaults/") for name in wheel if name.startswith("multivac/defaults/")
    }
    assert shipped == config


def test_the_wheel_has_all_our_files_and_no_others(wheel: list[str]) -> None:
    ours = {
        path.relative_to(ROOT).as_posix()
        for top in ("multivac", "integrations")
        for path in (ROOT / top).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    shipped = {
        name for name in wheel if ".dist-info/" not in name and not name.startswith("multivac/defaults/")
    }
    assert shipped == ours
    assert any(name.endswith("licenses/LICENSE") for name in wheel)
