"""The small routed world with all its models, and panels to predict on."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from routed_world import SCORES, Routed, route_and_plan
from training_world import make_world, panel_frame

from foxml_assets.planning.plan.consumer import get_job
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.runner import train_jobs

FEATURES = ["mom", "vol", "noise", "gap"]
FIRST_HELD = "2020-12-24"
CONFIG_DIR = Path(__file__).parents[2] / "config"


def trained_world(folder: Path, names: Mapping[str, str] | None = None) -> Routed:
    """Plan and models; `names` renames symbols."""
    renamed = names or {}
    frame = panel_frame()
    frame["symbol"] = frame["symbol"].replace(renamed)
    scores = {
        target: {renamed.get(symbol or "", symbol): score for symbol, score in by_symbol.items()}
        for target, by_symbol in SCORES.items()
    }
    routed = route_and_plan(make_world(folder, frame), scores)
    list(train_jobs(routed.plan.jobs, routed.world.context))
    return routed


def held_rows() -> pd.DataFrame:
    """The rows of the hold-out without their labels."""
    frame = panel_frame()
    return frame.loc[frame["date"] >= FIRST_HELD, ["date", "symbol", *FEATURES]]


def panel_file(path: Path, frame: pd.DataFrame) -> Path:
    """`frame` as a Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, index=False)
    return path


def job_of(routed: Routed, target: str, symbol: str | None = None) -> Job:
    """The planned job of a pair."""
    job = get_job(routed.plan, target, symbol)
    assert job is not None
    return job
