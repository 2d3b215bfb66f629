"""The real pipeline on a world, in a process of its own, and what it leaves behind."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.worlds.files import REPOSITORY, write_config, write_panel
from benchmarks.worlds.world import World, world_key
from foxml_assets.core.hashing import bytes_hash, content_hash
from foxml_assets.routing.candidates.candidates_file import read_candidates
from foxml_assets.storage.layout import Layout

STAGES = """
import json, sys, time
from pathlib import Path
from foxml_assets.commands.running.run import run_pipeline
from foxml_assets.stages import Stage
root, config, out = map(Path, sys.argv[1:4])
seconds = {}
for stage in (Stage.EVIDENCE, Stage.PLAN):
    wall, cpu = time.perf_counter(), time.process_time()
    run_pipeline(root, config, until=stage)
    seconds[stage.value] = [time.perf_counter() - wall, time.process_time() - cpu]
out.write_text(json.dumps(seconds))
"""


@dataclass(frozen=True)
class Run:
    """A finished run. Seconds are of the stages up to the evidence: wall clock, and CPU of all threads."""

    layout: Layout
    config_dir: Path
    evidence_seconds: float
    evidence_cpu: float

    def candidates(self) -> pd.DataFrame:
        """The evidence as one table."""
        return read_candidates(self.layout.routing_candidates)


def run_world(
    world: World,
    workdir: Path,
    *,
    overrides: Mapping[str, Mapping[str, object]],
    reuse: bool,
    first_bar: int = 0,
) -> Run:
    """Write the panel (from `first_bar` on) and the config below `workdir`; run up to the plan.

    With `reuse` a run of the same world and evidence settings is taken as it stands, whatever code made
    it; the routing policy does not matter there, because routes are made anew from the candidates.
    """
    folder = workdir / f"{world.spec.name}_{world.seed}_{first_bar}"
    config, root, done = folder / "config", folder / "root", folder / "run.json"
    panel = folder / "panel.parquet"
    write_config(world, panel, config, overrides, first_bar)
    key = content_hash([world_key(world), bytes_hash((config / "data_config.yaml").read_bytes())])
    if not (reuse and done.is_file() and json.loads(done.read_text())["key"] == key):
        for old in (root, done):
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        write_panel(world, panel, first_bar)
        seconds = _run(folder, root, config)
        done.write_text(json.dumps({"key": key, "seconds": seconds}))
    wall, cpu = json.loads(done.read_text())["seconds"]["evidence"]
    return Run(Layout(root), config, wall, cpu)


def _run(folder: Path, root: Path, config: Path) -> object:
    out = folder / "seconds.json"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FOXML_", "DAGSTER_"))}
    command = [
        sys.executable,
        "-c",
        STAGES,
        str(root.absolute()),
        str(config.absolute()),
        str(out.absolute()),
    ]
    answer = subprocess.run(command, cwd=REPOSITORY, env=kept, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise SystemExit(
            f"the pipeline failed on {folder}:\n{answer.stdout[-2000:]}\n{answer.stderr[-4000:]}"
        )
    return json.loads(out.read_text())
