"""`foxml run` and `foxml demo`: the stages of the pipeline, one Dagster run each."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from foxml_assets.commands.console import console, show_progress
from foxml_assets.defs.build import build_definitions
from foxml_assets.defs.instance import open_instance
from foxml_assets.defs.stages import StageRun, evidence_run, training_batches, training_run
from foxml_assets.selection.evaluate import stale_targets
from foxml_assets.stamp import current_stamp
from foxml_assets.training.gate import authorise_training
from foxml_assets.training.pending import pending_jobs
from foxml_assets.workspace import Workspace

STAGES = ("evidence", "candidates", "routing", "plan", "training")

# Dagster's own console log would bury the progress; everything is in the run's event log.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Pipeline:
    """Runs stages in this process against a persistent instance."""

    workspace: Workspace
    instance: dg.DagsterInstance
    job: dg.JobDefinition

    def launch(self, title: str, run: StageRun) -> bool:
        """Run one stage; True if it succeeded. Errors of the layers are raised as they are."""
        console.rule(f"[bold]{title}", align="left")
        started = time.perf_counter()
        result = self.job.execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(name) for name in run.assets],
            tags=run.tags,
            run_config=_QUIET,
        )
        console.print(f"[dim]{time.perf_counter() - started:.1f} s[/dim]")
        return result.success
