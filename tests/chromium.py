"""A real Chromium for the tests; a pytest plugin that tests/conftest.py loads.

Playwright drives a browser that is on the machine (none is downloaded): $MULTIVAC_CHROMIUM, else the first
of a few names on the PATH.
"""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MISSING = "no Chromium"
REMEDY = "apt-get install chromium, or set MULTIVAC_CHROMIUM to the browser's path"

NAMES = ("chromium", "chromium-browser", "google-chrome")

ARGUMENTS = [
    "--headless",
    "--no-sandbox",  # the tests may run as root, where Chromium's own sandbox refuses to start
    "--disable-gpu",
    # Nothing but the page under test may be asked for.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """The path of a Chromium on this machine, or None."""
    if given := os.environ.get("MULTIVAC_CHROMIUM"):
        return shutil.which(given)
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A headless browser for the tests of one module; without one they are skipped, in CI they fail.

    It is not kept for the session: while Playwright's synchronous API is open, asyncio.run() fails in the
    same thread, so tests which come later in the random order would fail.
    """
    path = find_chromium()
    if path is None:
        pytest.skip(f"{MISSING}: {REMEDY}")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a third of a second that most runs can save

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: "Browser") -> "Iterator[Page]":
    """A page with no cookies or storage of another test, on a desktop-sized screen."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()
