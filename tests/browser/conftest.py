"""A window of a real browser, for the worlds of the end-to-end tests."""

import shutil
from collections.abc import Iterator

import pytest
from browser_window import Window

_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
_MILLISECONDS = 60_000


@pytest.fixture
def window() -> Iterator[Window]:
    """An empty window of a Chromium without a screen. Skips where Playwright or a Chromium is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: the extra `browser`")
    chromium = next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    if chromium is None:
        pytest.skip(f"needs a Chromium: none of {', '.join(_CHROMIUMS)} is on the PATH")
    with playwright.sync_playwright() as started:
        # Its sandbox asks for rights that a container rarely has; only our own pages are opened.
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = Window(browser.new_page(viewport={"width": 1600, "height": 1000}))
        opened.page.set_default_timeout(_MILLISECONDS)
        opened.page.on("console", lambda said: opened.errors.extend([said.text] * (said.type == "error")))
        opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
        yield opened
        browser.close()
