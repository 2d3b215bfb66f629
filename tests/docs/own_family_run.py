"""A panel, its evidence, its plan and its models, with whatever families the process finds; then JSON."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from foxml_assets.core.stamp import RunStamp
from foxml_assets.evidence.evaluate import evaluate_targets
from foxml_assets.panel.panel_store import build_panel, read_panel
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.reporting.model_lines import model_lines
from foxml_assets.reporting.promise_picture import promise_picture
from foxml_assets.routing.candidates.candidates_file import load_candidates
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages.plan_files import write_routing_plan
from foxml_assets.serving.job_models import load_job_model
from foxml_assets.training.models.inventory import take_inventory
from foxml_assets.training.models.manifest import manifest_path, model_path, read_manifest
from foxml_assets.training.runner import train_jobs
from foxml_assets.workspace import Workspace

STAMP = RunStamp("2025-12-11T18:45:00Z", "20251211_184500", None)


def plan_and_train(workspace: Workspace) -> None:
    """Every stage up to the models."""
    layout = workspace.layout
    workspace.check_configs()
    info = build_panel(workspace.data_config(), layout)
    names = tuple(spec.name for spec in info.targets)
    list(evaluate_targets(names, info, workspace.data_config(), layout, lambda _: None))
    inputs = workspace.read_inputs()
    routing = route(
        load_candidates(layout, names).table, inputs.policy, universe=inputs.universe, stamp=STAMP
    )
    write_routing_plan(routing, layout)
    plan = build_plan(
        routing,
        inputs.policy,
        data_hashes=inputs.data_hashes,
        training_hashes=inputs.training_hashes,
        parent_plan_hash=None,
        stamp=STAMP,
    )
    write_plan(plan, layout, history=1)
    list(train_jobs(load_master_training_plan(layout.master_plan).jobs, inputs.training_context()))


def report(workspace: Workspace) -> list[dict[str, object]]:
    """What a consumer of the models finds on disk, by job and family."""
    layout, context = workspace.layout, workspace.read_inputs().training_context()
    info = context.info
    jobs = load_master_training_plan(layout.master_plan).jobs
    lines = model_lines(take_inventory(jobs, context).jobs, layout)
    found = []
    for job in jobs:
        for family in job.model_families:
            manifest = read_manifest(manifest_path(job, family, layout))
            panel = read_panel(layout, info, list(info.features))
            rows = panel if job.symbol is None else panel[panel[info.symbol_column] == job.symbol]
            rows = rows.assign(
                **{name: pd.factorize(rows[info.symbol_column])[0] for name in manifest.categorical}
            )
            predicted = load_job_model(job, context).predict(rows[list(manifest.features)])
            found.append(
                {
                    "job": job.job_id,
                    "family": manifest.family,
                    "skill": manifest.scores.within_symbols.skill,
                    "params": manifest.params,
                    "versions": manifest.library_versions,
                    "file": model_path(job, family, layout).name,
                    "values": len(np.unique(predicted)),
                    "chart": len(promise_picture([line for line in lines if line.job_id == job.job_id])),
                }
            )
    return found


if __name__ == "__main__":
    here = Workspace(Path(sys.argv[1]), Path(sys.argv[2]))
    plan_and_train(here)
    sys.stdout.write(json.dumps(report(here)))
