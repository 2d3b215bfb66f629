"""New rows of a symbol retrain its own models and the pooled ones that learn from it, and no other."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest
from training_world import RETURN, UP, World, make_world, panel_frame, plan_of

from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.models.manifest import manifest_path, model_path
from foxml_assets.training.models.pending import pending_jobs
from foxml_assets.training.runner import train_jobs


def jobs_of(world: World) -> list[Job]:
    own = [world.job(target, symbol) for target in (UP, RETURN) for symbol in ("AAA", "CCC", "DDD")]
    return [*own, world.job(UP), world.job(RETURN, excluded=["CCC"])]


def pending(world: World) -> set[str]:
    return {job.job_id for job in pending_jobs(plan_of(world, jobs_of(world)), world.context)}


def model_bytes(world: World, jobs: Sequence[Job]) -> dict[str, tuple[bytes, bytes]]:
    found = {
        job.job_id: [f(job, "lightgbm", world.layout) for f in (manifest_path, model_path)] for job in jobs
    }
    return {job_id: (paths[0].read_bytes(), paths[1].read_bytes()) for job_id, paths in found.items()}


def with_a_gap_filled(frame: pd.DataFrame) -> pd.DataFrame:
    """A row of CCC, which has gaps, at a bar that other symbols have."""
    taken = set(frame.loc[frame["symbol"] == "CCC", "date"])
    other = frame[(frame["symbol"] == "AAA") & ~frame["date"].isin(taken)].iloc[[50]]
    return pd.concat([frame, other.assign(symbol="CCC")], ignore_index=True)


def with_a_label_changed(frame: pd.DataFrame) -> pd.DataFrame:
    """Another value of one target in the training rows of CCC."""
    at = frame.index[frame["symbol"] == "CCC"][20]
    return frame.assign(**{RETURN: frame[RETURN].where(frame.index != at, 9.0)})


def with_days_more(frame: pd.DataFrame) -> pd.DataFrame:
    """Ten days more of CCC alone, by which the hold-out begins later: after all rows of DDD."""
    last = frame[frame["symbol"] == "CCC"].iloc[-10:]
    return pd.concat([frame, last.assign(date=last["date"] + pd.Timedelta(days=30))], ignore_index=True)


OWN = {"sym_CCC_y_up_5d", "sym_CCC_fwd_ret_5d"}
CHANGES = [
    (with_a_gap_filled, {*OWN, "cs_y_up_5d"}),
    (with_a_label_changed, {"sym_CCC_fwd_ret_5d"}),
    (with_days_more, {*OWN, "sym_AAA_y_up_5d", "sym_AAA_fwd_ret_5d", "cs_y_up_5d", "cs_fwd_ret_5d"}),
]


@pytest.mark.parametrize(("change", "moved"), CHANGES)
def test_what_is_kept_is_what_training_anew_would_make(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], moved: set[str]
) -> None:
    frame = panel_frame(320)
    # The hold-out is the last fifth: DDD has ended before it.
    frame = frame[(frame["symbol"] != "DDD") | (frame["date"] < "2020-12-01")]
    before = make_world(tmp_path / "one", frame)
    list(train_jobs(jobs_of(before), before.context))
    assert pending(before) == set()
    world = make_world(tmp_path / "one", change(frame))
    assert pending(world) == moved
    list(train_jobs([job for job in jobs_of(world) if job.job_id in moved], world.context))
    assert pending(world) == set()
    fresh = make_world(tmp_path / "two", change(frame))
    list(train_jobs(jobs_of(fresh), fresh.context))
    assert model_bytes(world, jobs_of(world)) == model_bytes(fresh, jobs_of(fresh))
