"""What a person does in the UI: a real Chromium before a real `foxml dev`, from an empty root to models."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from browser_window import Window
from test_live import is_serving, running_dev, wait_for
from worlds import World, make_world

from foxml_assets.core.vocabulary import TrainingType
from foxml_assets.defs.running.stage_runs import partition_key
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.layout import Layout

if TYPE_CHECKING:
    from playwright.sync_api import Page

_LOCATION = "/locations/foxml_assets.definitions"
_MODELS = "/assets/symbol_models?view=partitions"
_OF_EVERY_GROUP = (
    "panel",
    "feature_selections",
    "routing_plan",
    "plan_by_route",
    "symbol_models",
    "training_report",
)
# Of what a run or a backfill brings about: the daemon looks for work every few seconds, the page for news.
_PATIENCE = 240_000


@dataclass(frozen=True)
class Ui:
    """The pages of one `foxml dev`, as a person uses them."""

    page: "Page"
    address: str
    screenshots: Path

    def open(self, path: str) -> "Page":
        """Go to a page."""
        self.page.goto(self.address + path)
        return self.page

    def open_partition(self, key: str) -> "Page":
        """Go to the page of one symbol's model."""
        page = self.open(f"{_MODELS}&partition={quote(key)}")
        page.get_by_text("Latest materialization").wait_for()
        return page

    def photograph(self, name: str) -> None:
        """Keep what is to be seen."""
        self.page.wait_for_load_state("networkidle")
        self.page.screenshot(path=self.screenshots / f"{name}.png")

    def press(self, words: str) -> None:
        """Press the last button, which is that of a dialog if there is one, that says `words`."""
        self.page.get_by_role("button").filter(has_text=words).last.click()

    def wait_for_text(self, words: str) -> None:
        """Wait until a run has brought about what the page then says."""
        self.page.get_by_text(words, exact=True).first.wait_for(timeout=_PATIENCE)


def see_the_graph(ui: Ui, log: Path) -> None:
    """Follow the link that `foxml dev` prints: it shows the assets of every group."""
    (link,) = re.findall(r"http://\S+(/asset-groups\S+)", log.read_text(encoding="utf-8"))
    page = ui.open(link)
    for asset in _OF_EVERY_GROUP:
        page.get_by_text(asset, exact=True).first.wait_for()
    ui.photograph("graph")


def make_the_plan(ui: Ui) -> None:
    """Launch the job that goes from nothing to the plan."""
    page = ui.open(f"{_LOCATION}/jobs/bootstrap/playground")
    ui.press("Launch Run")
    page.wait_for_url("**/runs/**")
    ui.wait_for_text("Success")


def switch_off(ui: Ui, sensor: str) -> None:
    """Switch a sensor off. Its switch is drawn over the box that holds its state."""
    page = ui.open(f"{_LOCATION}/sensors/{sensor}")
    page.locator("input[type=checkbox]:checked").evaluate("box => box.click()")
    page.locator("input[type=checkbox]:not(:checked)").wait_for(state="attached")


def train(ui: Ui, keys: list[str], trained: int) -> None:
    """Train the partitions `keys` as one run by the dialog of their page, until `trained` of all are."""
    page = ui.open(_MODELS)
    # What is pressed before the page has its partitions is drawn over.
    page.get_by_text(re.compile(r"^Materialized \(")).first.wait_for()
    ui.press("Materialize")
    ui.press("Custom")
    page.get_by_text(re.compile("partitions selected$")).last.click()
    page.get_by_role("menuitem").filter(has_text="Select all").click()
    page.get_by_role("menuitem").filter(has_text=keys[0]).click()
    page.keyboard.press("Escape")
    if len(keys) > 1:
        choose(ui, keys)
    ui.press("Launch 1 run")
    page.locator("[aria-modal=true]").wait_for(state="detached")
    ui.wait_for_text(f"Materialized ({trained})")


def choose(ui: Ui, keys: list[str]) -> None:
    """Name the partitions to train in the config of the run, whatever stands between them."""
    ui.page.get_by_text("Config", exact=True).last.click()
    ui.press("Add config")
    ui.page.locator(".CodeMirror").last.click()
    ui.page.keyboard.insert_text(json.dumps({"ops": {"symbol_models": {"config": {"chosen": keys}}}}))
    ui.press("Save config")
    ui.page.get_by_text("Config Editor", exact=True).wait_for(state="detached")


def see_the_model(ui: Ui, job: Job) -> None:
    """The partition is green and says why the job exists and how its training went."""
    page = ui.open_partition(partition_key(job))
    ui.wait_for_text("Materialized")
    for words in (job.job_id, job.reason, job.route.value, "hold-out"):
        page.get_by_text(words, exact=True).first.wait_for()


def marked(ui: Ui, keys: Iterable[str]) -> set[str]:
    """The partitions whose page says that their model is of another job than the planned one."""
    found = set()
    for key in keys:
        page = ui.open_partition(key)
        page.get_by_text("job_id").first.wait_for()
        page.wait_for_load_state("networkidle")
        if page.get_by_text("Unsynced").count():
            found.add(key)
    return found


def see_the_check_fail(ui: Ui) -> None:
    """Press the button of the check and wait for its verdict."""
    ui.open("/assets/plan_by_route?view=checks")
    ui.press("Execute")
    ui.wait_for_text("Failed")
    ui.photograph("failed_check")


def chatter(log: Path) -> list[str]:
    """What `foxml dev` said that helps nobody: of Dagster's beta, and of looks that found nothing to do.

    The logger called `dagster` is that of runs, which say how far they are.
    """
    lines = log.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if "Warning:" in line or ("INFO" in line and " - dagster - " not in line)]


def symbol_jobs(world: World) -> dict[str, Job]:
    """The planned jobs of single symbols, by partition, in the order of the plan."""
    jobs = load_master_training_plan(Layout(world.root).master_plan).jobs
    return {partition_key(job): job for job in jobs if job.training_type is TrainingType.SYMBOL_SPECIFIC}


def other_family_below(rows: float) -> Callable[[dict], None]:
    """A change of the routing config: symbols with fewer rows get a model of another family."""

    def change(settings: dict) -> None:
        below = {"training_type": ["symbol_specific"], "max_sample_size": int(rows)}
        settings["families"] = [
            {"when": below, "use": ["xgboost"]},
            {"use": ["lightgbm", "ridge"], "by_evidence": True},
        ]

    return change


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
def test_a_person_goes_from_an_empty_root_to_models_and_sees_what_changed(
    window: Window, tmp_path: Path
) -> None:
    world, log = make_world(tmp_path / "world"), tmp_path / "dev.log"
    with running_dev(world, log) as port:
        wait_for("the UI did not start", lambda: is_serving(port), log)
        ui = Ui(window.page, f"http://127.0.0.1:{port}", tmp_path)
        see_the_graph(ui, log)
        # After the first training it would train the others by itself, in a look that has begun before too.
        switch_off(ui, "pending_training")
        make_the_plan(ui)

        planned = symbol_jobs(world)
        keys = list(planned)
        one, five = keys[2], [keys[i] for i in (0, 1, 3, 7, 5)]
        train(ui, [one], trained=1)
        train(ui, five, trained=6)
        for key in (one, *five):
            see_the_model(ui, planned[key])
        ui.photograph("trained_partition")
        assert marked(ui, (one, *five)) == set()

        rows = median(planned[key].metadata.sample_size for key in five)
        world.edit("routing_config.yaml", other_family_below(rows))
        wait_for("no new plan", lambda: symbol_jobs(world) != planned, log)
        new = symbol_jobs(world)
        changed = {key for key in (one, *five) if new[key].spec_hash != planned[key].spec_hash}
        assert 0 < len(changed) < 6
        # The run that wrote the plan reports its jobs when the file already stands.
        wait_for(f"not marked: {changed}", lambda: marked(ui, (one, *five)) == changed, log)

        view = Layout(world.root).master_plan.parent / "by_route" / "ROUTE_BOTH.json"
        view.write_text(view.read_text(encoding="utf-8").replace('"priority":80', '"priority":81'), "utf-8")
        see_the_check_fail(ui)
    assert window.errors == []
    assert chatter(log) == []
