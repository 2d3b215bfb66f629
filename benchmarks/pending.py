"""What it costs to know which of 25,000 trained jobs are pending. Prints a table; takes about two minutes.

Exit code 1: to look again costs more than a tenth of reading every file. The seconds beside are what was
asked for, on two free cores.

The files of the models are names of one file, so that they take no room; they are read and hashed one by one.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.planning import best, built, panel_behind, report, routed
from foxml_assets.core.hashing import bytes_hash, canonical_json
from foxml_assets.core.metrics import metric_of
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.families.registry import find_family
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.planning.store.tree import plan_files
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import ModelContext
from foxml_assets.training.data import job_features, job_symbols, symbol_feature
from foxml_assets.training.models.inventory import take_inventory
from foxml_assets.training.models.manifest import Manifest, Window, manifest_path, model_path
from foxml_assets.training.models.pending import pending_jobs
from foxml_assets.training.scores import HoldoutScores, Score, SymbolScore
from foxml_assets.training.training_config import TrainingConfig

TARGETS, SYMBOLS = 50, 500
MODEL_BYTES = 100_000
MOST_OF_DEEP = 1 / 10


def make_world(folder: Path) -> tuple[ModelContext, MasterPlan]:
    """A plan of a job for every pair, its panel and its models, all of them trained."""
    layout = Layout(folder)
    routing = routed(TARGETS, SYMBOLS, 0.75)
    context = ModelContext(layout, panel_behind(routing), TrainingConfig(), holdout_fraction=0.15)
    plan = built(routing, context.training_hashes, context.data_hashes)
    layout.training_plan_dir.mkdir(parents=True)
    layout.master_plan.write_bytes(b"".join(next(plan_files(plan)).chunks()))
    model = folder / "model"
    model.write_bytes(np.random.default_rng(7).bytes(MODEL_BYTES))
    sha256 = bytes_hash(model.read_bytes())
    for job in plan.jobs:
        for family in job.model_families:
            path = manifest_path(job, family, layout)
            path.parent.mkdir(parents=True)
            manifest = manifest_of(job, family, context, sha256)
            path.write_bytes(msgspec.json.format(canonical_json(manifest), indent=2) + b"\n")
            model_path(job, family, layout).hardlink_to(model)
    return context, plan


def manifest_of(job: Job, family: ModelFamily, context: ModelContext, sha256: str) -> Manifest:
    """The manifest that training would write, of rows that nobody counted."""
    info, config = context.info, context.config
    assert isinstance(info, PanelInfo)
    symbols, categorical = job_symbols(job, info), symbol_feature(job, info, config)
    score = Score(metric_of(job.task_type), 0.6, 0.2, 0)
    return Manifest(
        schema_version=2,
        job_id=job.job_id,
        spec_hash=job.spec_hash,
        family=family,
        target=job.target,
        symbol=job.symbol,
        training_type=job.training_type,
        task_type=job.task_type,
        horizon_bars=info.target(job.target).horizon_bars,
        features=(*job_features(job, info), *categorical),
        categorical=categorical,
        symbols=symbols,
        training_window=Window("", "", 1),
        holdout_window=Window(None, None, 0),
        scores=HoldoutScores(score, score, tuple(SymbolScore(symbol, score) for symbol in symbols)),
        params=config.families.of(family).model_dump(),
        seed=config.seed,
        library_versions={family: "1", "numpy": "1", "pandas": "1"},
        model_file=find_family(family).model_file,
        sha256=sha256,
    )


def main() -> int:
    """Run the benchmark; 1 if the limit is broken."""
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as name:
        context, plan = make_world(Path(name))
        models = sum(len(job.model_families) for job in plan.jobs)
        report(f"{len(plan.jobs)} trained jobs, {models} models of {MODEL_BYTES // 1000} kB", "")
        # What has just been written is not believed by its times.
        time.sleep(3)
        deep = best(1, lambda: take_inventory(plan.jobs, context, deep=True))
        report("  every file read", f"{deep:.2f} s")
        report("  pending, first look", f"{best(1, lambda: pending_jobs(plan, context)):.2f} s")
        remembered = context.layout.model_memory.stat()
        quick = best(3, lambda: pending_jobs(plan, context))
        again = context.layout.model_memory.stat()
        assert again.st_mtime_ns == remembered.st_mtime_ns, "a look without news is written down"
        loaded = best(3, lambda: pending_jobs(load_master_training_plan(context.layout.master_plan), context))
        report("  pending, any later look", f"{quick:.2f} s")
        report("  ... with loading the plan", f"{loaded:.2f} s", "< 2 s")
        limit = f"at most 1 / {1 / MOST_OF_DEEP:.0f}"
        report("  ... relative to reading every file", f"1 / {deep / quick:.0f}", limit)
        report("  what is remembered", f"{remembered.st_size / 1e6:.1f} MB")
    return 0 if quick <= MOST_OF_DEEP * deep else 1


if __name__ == "__main__":
    sys.exit(main())
