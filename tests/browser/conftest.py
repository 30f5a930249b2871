"""The page in a real browser, beside a real daemon; whatever the browser complains of fails the test."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from integrations.sandbox.server import Sandbox
from multivac.demo.stage import Stage
from tests.browser.tiny import TinyApp


class Complaints(list[str]):
    """What the console said, and what scripts threw."""

    def watch(self, page: Page) -> Page:
        """Keep all that this page complains of."""
        page.on("console", lambda said: self.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.append(str(error)))
        page.on("dialog", lambda dialog: self.append(f"a dialog: {dialog.message}"))
        return page


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    heard = Complaints()
    yield heard
    assert not heard, "\n".join(heard)


@pytest.fixture
def world() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    sandbox.seed()
    sandbox.pagerduty.set_on_call("incident-commander", "Dee Okafor")
    with sandbox:
        yield sandbox


@pytest.fixture
def stage(world: Sandbox, tmp_path: Path) -> Iterator[Stage]:
    """The daemon at work, with the sandbox in its vendors' places.

    Started and stopped by a thread: Playwright has an event loop in this one, and the engine minds.
    """
    with ThreadPoolExecutor(1) as elsewhere:
        stage = elsewhere.submit(lambda: Stage(world, tmp_path, own_clock=False).__enter__()).result()
        yield stage
        elsewhere.submit(stage.__exit__).result()


@pytest.fixture
def site(page: Page, stage: Stage, complaints: Complaints) -> Page:
    """The sandbox's page, open on a desktop, with the daemon at work."""
    complaints.watch(page).goto(f"{stage.world.url}/")
    return page


@pytest.fixture
def still(page: Page, world: Sandbox, complaints: Complaints) -> Page:
    """The page without a daemon: nothing happens but what the test does."""
    complaints.watch(page).goto(f"{world.url}/")
    return page


@pytest.fixture
def app(world: Sandbox) -> Iterator[TinyApp]:
    """A tiny app of the test's own in the daemon's place."""
    app = TinyApp(world)
    yield app
    app.close()


@pytest.fixture
def narrow(browser: Browser, stage: Stage, complaints: Complaints) -> Iterator[Page]:
    """The page with the daemon at work, on the narrowest screen that counts."""
    context = browser.new_context(viewport={"width": 320, "height": 640})
    page = complaints.watch(context.new_page())
    page.goto(f"{stage.world.url}/")
    yield page
    context.close()
