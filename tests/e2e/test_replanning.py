"""Re-planning under `fdr.over: history`, through the real assets and commands, on imported candidates."""

import json
import shutil
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from worlds import World

from foxml_assets.core.errors import FdrHistoryError
from foxml_assets.defs.build import build_definitions
from foxml_assets.defs.running.stage_runs import QUIET
from foxml_assets.routing.candidates.candidates import typed_candidates
from foxml_assets.routing.candidates.candidates_file import write_candidates
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.storage.layout import Layout
from foxml_assets.workspace import Workspace

KEYS = [dg.AssetKey(name) for name in ("routing_candidates", "routing_plan")]


def import_week(path: Path, week: int) -> Path:
    """Candidates in `path`: two symbols with skill that grows by the week, ten without."""
    skill = np.array([0.08, 0.04, *[0.0] * 10]) * (1 + 0.02 * week)
    score = 0.5 + skill + np.random.default_rng(week).normal(0, 0.002, len(skill))
    names = [None, *(f"S{at:02d}" for at in range(len(skill)))]
    rows = {
        "target": "y_up_5d",
        "task_type": "classification",
        "symbol": names,
        "score_metric": "auc",
        "score": [0.51, *score],
        "score_se": [0.02, *[0.01] * len(skill)],
        "sample_size": 50_000,
        "leakage_status": "SAFE",
    }
    return write_candidates(typed_candidates(pd.DataFrame(rows)), path)


@pytest.fixture
def world(empty_world: World) -> World:
    empty_world.edit("routing_config.yaml", lambda settings: settings["fdr"].update(over="history"))
    return empty_world


def plan(world: World) -> None:
    """Materialize candidates and routing plan, in this process."""
    workspace = Workspace(world.root, world.config_dir)
    job = build_definitions(workspace).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        job.execute_in_process(instance=instance, asset_selection=KEYS, run_config=QUIET)


def history(world: World) -> list[dict]:
    """The batches on disk."""
    return json.loads(Layout(world.root).fdr_history.read_bytes())["batches"]


def test_a_researcher_plans_again_week_by_week(world: World, tmp_path: Path) -> None:
    layout = Layout(world.root)
    import_week(layout.imported_candidates, 1)
    done = world.foxml("run", "--until", "plan")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [batch["found_symbol"] for batch in history(world)] == [{"y_up_5d": ["S00", "S01"]}]
    written = {path: path.read_bytes() for path in layout.routing_plan_dir.iterdir()}

    plan(world)
    assert {path: path.read_bytes() for path in layout.routing_plan_dir.iterdir()} == written

    second = import_week(tmp_path / "second.parquet", 2)
    previewed = world.foxml("plan", "--candidates", str(second))
    assert previewed.returncode in (0, 2), previewed.stderr
    assert {path: path.read_bytes() for path in layout.routing_plan_dir.iterdir()} == written

    world.edit("routing_config.yaml", lambda settings: settings["skill_on_symbol"].update(min_skill=0.02))
    plan(world)
    assert layout.fdr_history.read_bytes() == written[layout.fdr_history]

    import_week(layout.imported_candidates, 2)
    plan(world)
    assert [batch["number"] for batch in history(world)] == [1, 2]
    in_force = read_routing_plan(layout).metadata.policy.fdr_batch
    assert in_force is not None
    assert (in_force.number, in_force.level_symbol) == (2, history(world)[1]["level_symbol"])


def test_a_lost_history_stops_planning_and_says_how_to_start_a_new_one(world: World) -> None:
    layout = Layout(world.root)
    import_week(layout.imported_candidates, 1)
    plan(world)
    before = layout.routing_plan.read_bytes()
    layout.fdr_history.unlink()
    with pytest.raises(FdrHistoryError, match="the history is lost"):
        plan(world)
    refused = world.foxml("plan")
    assert refused.returncode == 1
    assert "start a new history" in " ".join(refused.stderr.split())
    assert layout.routing_plan.read_bytes() == before
    shutil.rmtree(layout.routing_plan_dir)
    plan(world)
    assert [batch["number"] for batch in history(world)] == [1]
