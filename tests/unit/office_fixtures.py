"""The fixtures around `Office`: a module of its own, because pytest wants to import plugins itself."""

from collections.abc import Iterator

import pytest

from tests.unit.office import SECRET, App, Office


@pytest.fixture(scope="module")
def one_office() -> Iterator[Office]:
    office = Office()
    yield office
    office.loopback.stop()


@pytest.fixture
def office(one_office: Office) -> Office:
    one_office.start_afresh()
    return one_office


@pytest.fixture
def app(office: Office) -> Iterator[App]:
    app = App()
    office.slack.connect(
        signing_secret=SECRET,
        events=f"{app.url}/events",
        commands=f"{app.url}/commands",
        interactions=f"{app.url}/interactions",
    )
    yield app
    office.slack.reset()
    app.close()
