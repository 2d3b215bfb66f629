"""What a person does in the UI, in a real Chromium before a real `foxml dev`, from an empty root to models.

Needs Playwright, which is in the extra `browser`, and a Chromium of the system: it brings none of its own.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from test_live import is_serving, running_dev, wait_for
from worlds import make_world

from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.layout import Layout

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="install the extra `browser`")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium"),
]
_PATIENCE = 300_000
_LOCATION = "/locations/foxml_assets.definitions"


@contextmanager
def browsing(url: str, errors: list[str]) -> Iterator["Page"]:
    """A page of the browser; what its console calls an error is added to `errors`."""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1600, "height": 1000}, base_url=url)
        page.set_default_timeout(60_000)
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        browser.close()


def launch_training(page: "Page", keys: list[str]) -> None:
    """Train the partitions `keys` of the symbols' models by the dialog of their page, and wait for it."""
    page.goto("/assets/symbol_models?view=partitions")
    page.get_by_text(keys[0], exact=True).first.wait_for()
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_role("button", name="Custom").click()
    page.get_by_text("partitions selected", exact=False).last.click()
    page.get_by_text("Select all", exact=False).click()
    for key in keys:
        page.get_by_text(key, exact=True).last.click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Launch").last.click()
    for key in keys:
        path = f"/assets/symbol_models?view=partitions&partition={key}"
        wait_until(page, path, lambda: page.get_by_text("Materialized in run").first)


def stop_sensor(page: "Page", name: str) -> None:
    """Switch a sensor off, as its page does."""
    page.goto(f"{_LOCATION}/sensors/{name}")
    page.locator("input[type=checkbox]").first.wait_for(state="attached")
    page.locator("input[type=checkbox]").first.uncheck(force=True)
