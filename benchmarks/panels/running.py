"""The real pipeline and its audit on a real panel, in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.panels.panel import RealPanel
from benchmarks.worlds.files import REPOSITORY, edit_config
from foxml_assets.storage.layout import Layout

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
STAGES = """
import json, sys, time
from pathlib import Path
from foxml_assets.commands.audit import run_audit
from foxml_assets.commands.options import Format
from foxml_assets.commands.running.run import run_pipeline
from foxml_assets.stages import Stage
root, config, out = map(Path, sys.argv[1:4])
seconds, started = {}, time.perf_counter()
for stage in map(Stage, sys.argv[4].split(",")):
    run_pipeline(root, config, until=stage)
    seconds[stage.value] = time.perf_counter() - started
if Stage.TRAINING.value in seconds:
    run_audit(root, config, Format.JSON, baselines=True)
    seconds["audit"] = time.perf_counter() - started
out.write_text(json.dumps(seconds))
"""


@dataclass(frozen=True)
class PanelRun:
    """A finished run: `seconds` since its start, on the clock, at the end of each stage."""

    layout: Layout
    seconds: dict[str, float]


def run_panel(
    panel: RealPanel, folder: Path, stages: str, overrides: Mapping[str, Mapping[str, object]]
) -> PanelRun:
    """Run the pipeline on `panel` below `folder`, which is emptied first.

    `stages` are those of `foxml run --until`, separated by commas; after `training` follows the audit with
    its baselines. Raises SystemExit with the output of a run that failed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path, config, root, out = (folder / name for name in ("panel.parquet", "config", "root", "seconds.json"))
    panel.frame.to_parquet(path, index=False)
    write_config(panel, path, config, overrides)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FOXML_", "DAGSTER_"))}
    arguments = [str(one.absolute()) for one in (root, config, out)]
    answer = subprocess.run(
        [sys.executable, "-c", STAGES, *arguments, stages],
        cwd=REPOSITORY,
        env=kept | dict.fromkeys(_ONE_THREAD, "1"),
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise SystemExit(
            f"the pipeline failed on {folder}:\n{answer.stdout[-2000:]}\n{answer.stderr[-4000:]}"
        )
    return PanelRun(Layout(root), json.loads(out.read_text(encoding="utf-8")))


def write_config(
    panel: RealPanel, path: Path, folder: Path, overrides: Mapping[str, Mapping[str, object]]
) -> None:
    """The repository's config with the panel, one thread, and the profile that its length asks for."""
    shutil.copytree(REPOSITORY / "config", folder)
    source = {
        "source": "parquet",
        "path": str(path.absolute()),
        "targets": list(panel.targets),
        "features": list(panel.features),
        "horizons": {name: f"{bars} bars" for name, bars in panel.targets.items()},
    }
    edit_config(folder / "data_config.yaml", {"panel": source}, replace=True)
    edit_config(folder / "data_config.yaml", {"evidence": {"threads": 1}})
    edit_config(folder / "training_config.yaml", {"threads": 1})
    if panel.is_short:
        edit_config(folder / "routing_config.yaml", {"profile": "development"})
    for name, changes in overrides.items():
        edit_config(folder / name, changes)
