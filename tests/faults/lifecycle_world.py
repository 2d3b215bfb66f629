"""One root through its life: edits of all that a person can edit, commands, kills; and what always holds."""

import hashlib
import io
import shutil
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import stages
import yaml
from fault_world import RETURN, SYMBOLS, UP, FaultWorld, candidate_table, panel_frame
from faults import Fault, Server, contents

from foxml_assets.commands.options import Format
from foxml_assets.commands.plans import print_preview
from foxml_assets.core.errors import FoxmlError
from foxml_assets.core.hashing import file_hash
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.models.manifest import (
    MANIFEST_FILE,
    Manifest,
    manifest_path,
    model_folders,
    read_manifest,
)
from foxml_assets.training.models.retired import retire_models, retired_models
from foxml_assets.training.models.stored import is_done
from foxml_assets.workspace import Workspace

POLICY_EDITS: Mapping[str, Mapping[str, object]] = {
    "symbols first": {"both_strong_behavior": "PREFER_SYMBOL"},
    "both": {"both_strong_behavior": "ROUTE_BOTH"},
    "shrinkage": {"method": "shrinkage"},
    "thresholds": {"method": "thresholds"},
    "states are held": {"hysteresis": 0.05},
    "states are not held": {"hysteresis": 0.0},
    "rate of a plan": {"fdr": {"over": "plan"}},
    "rate of all plans": {"fdr": {"over": "history"}},
    "another order": {"priority": {"experimental": 20, "symbol": {"strong": 95, "weak_but_ok": 10}}},
    "two families": {"families": [{"use": ["ridge", "lightgbm"]}]},
    "one family": {"families": [{"use": ["ridge"]}]},
    "nothing passes": {"min_sample_size": {"cross_sectional": 10**9, "symbol": 10**9}},
    "enough passes": {"min_sample_size": {"cross_sectional": 100, "symbol": 50}},
    "a short history": {"output": {"plan_history": 1}},
}
TRAINING_EDITS: Mapping[str, Mapping[str, object]] = {
    "seed 1": {"seed": 1},
    "seed 2": {"seed": 2},
    "no job has enough rows": {"min_train_rows": 10**6},
    "jobs have enough rows": {"min_train_rows": 50},
    "warn of a stale plan": {"on_stale_plan": "warn"},
    "refuse a stale plan": {"on_stale_plan": "refuse"},
    "refuse without a plan": {"on_missing_plan": "refuse"},
}
DAMAGES: Mapping[str, Callable[[Path], None]] = {
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "garbled": lambda path: path.write_bytes(path.read_bytes()[:-40] + b"\xff" * 40),
    "digits turned": lambda path: path.write_bytes(
        path.read_bytes().translate(bytes.maketrans(b"13", b"31"))
    ),
    "deleted": lambda path: path.unlink(),
}
_LAST_WORD = "fdr_history.json"


@dataclass
class Lifecycle:
    """A world and what was done to it: the names of its targets, and a kept copy of its plan."""

    world: FaultWorld
    server: Server
    renamed: int = 0
    has_kept_plan: bool = False
    fails_every_job: bool = False

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.world.root, self.world.config_dir)

    @property
    def targets(self) -> dict[str, str]:
        """The present names of the two targets by their first ones."""
        suffix = f"_{self.renamed}" if self.renamed else ""
        return {RETURN: f"fwd_ret{suffix}_5d", UP: f"y_up{suffix}_5d"}

    def edit_policy(self, edit: str) -> None:
        """One of POLICY_EDITS."""
        changes = dict(POLICY_EDITS[edit])
        if edit == "nothing passes" or edit == "enough passes":
            changes["development_min_sample_size"] = changes["min_sample_size"]
        self.world.edit("routing", **changes)

    def edit_training(self, edit: str) -> None:
        """One of TRAINING_EDITS."""
        self.world.edit("training", **TRAINING_EDITS[edit])
        if "min_train_rows" in TRAINING_EDITS[edit]:
            self.fails_every_job = TRAINING_EDITS[edit]["min_train_rows"] == 10**6

    def import_scores(self, skill: float) -> None:
        """Import metrics of another skill."""
        candidate_table(skill).replace({"target": self.targets}).to_parquet(self.world.candidates)
        stages.import_table(self.workspace)

    def drop_import(self) -> None:
        """Forget the imported metrics; there is no evidence either."""
        self.world.layout.imported_candidates.unlink(missing_ok=True)

    def edit_panel(self, seed: int, symbols: int) -> None:
        """Other values, or fewer symbols."""
        frame = panel_frame(seed)
        kept = frame[frame["symbol"].isin(SYMBOLS[:symbols])]
        kept.rename(columns=self.targets).to_parquet(self.world.source)

    def rename_targets(self) -> None:
        """The same labels under other names, in the panel, its config and the imported metrics."""
        before = self.targets
        self.renamed += 1
        names = {before[target]: name for target, name in self.targets.items()}
        pd.read_parquet(self.world.source).rename(columns=names).to_parquet(self.world.source)
        settings = yaml.safe_load((self.world.config_dir / "data_config.yaml").read_text(encoding="utf-8"))
        panel = settings["panel"] | {
            "targets": list(names.values()),
            "horizons": dict.fromkeys(names.values(), 5),
        }
        self.world.edit("data", panel=panel)
        if self.world.layout.imported_candidates.exists():
            table = pd.read_parquet(self.world.candidates).replace({"target": names})
            table.to_parquet(self.world.candidates)
            stages.import_table(self.workspace)

    def damage(self, number: int, damage: str) -> None:
        """Damage one artifact. Imported metrics and the history of discoveries are a person's to repair."""
        layout = self.world.layout
        files = [
            path
            for folder in (layout.panel_dir, layout.metrics, layout.models)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path != layout.imported_candidates and path.name != _LAST_WORD
        ]
        if files:
            DAMAGES[damage](files[number % len(files)])

    def keep_plan(self) -> None:
        """Make a copy of the plan's folder, as a person would."""
        if self.world.layout.training_plan_dir.exists():
            shutil.rmtree(self._kept, ignore_errors=True)
            shutil.copytree(self.world.layout.training_plan_dir, self._kept)
            self.has_kept_plan = True

    def restore_plan(self) -> None:
        """Put the kept copy in the place of the plan's folder."""
        if self.has_kept_plan:
            shutil.rmtree(self.world.layout.training_plan_dir, ignore_errors=True)
            shutil.copytree(self._kept, self.world.layout.training_plan_dir)

    def restore_master(self, number: int) -> None:
        """Copy a plan of the history over the master plan."""
        layout = self.world.layout
        found = sorted((layout.training_plan_dir / "history").glob("*.json"))
        if found:
            shutil.copy(found[number % len(found)], layout.master_plan)

    def plan(self) -> None:
        """Plan; from any state of the artifacts that succeeds, and no model that was put aside is lost."""
        retired = self._retired()
        assert self._do(stages.plan) == ""
        assert retired <= self._retired()

    def train(self) -> None:
        """Train. What is refused trains nothing; what is trained is what the plan holds."""
        before, retired = self._models(), self._retired()
        refused = self._do(stages.train)
        self._check_trained(before, refused)
        self._check_retired(retired)

    def run(self) -> None:
        """Everything; from any state of the artifacts it succeeds, and then the next plan is empty."""
        before, retired = self._models(), self._retired()
        refused = self._do(stages.run)
        assert not refused or self.fails_every_job, refused
        self._check_trained(before, refused)
        self._check_retired(retired)
        plan = load_master_training_plan(self.world.layout.master_plan)
        assert retire_models(plan, self.world.layout, datetime.now(UTC)) == ()
        with redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            assert print_preview(self.world.root, self.world.config_dir, None, None, Format.JSON) == 0

    def run_twice(self) -> None:
        """To run again changes nothing."""
        self.run()
        found = contents(self.world.root)
        self.run()
        assert contents(self.world.root) == found

    def kill(self, stage: str, at: int) -> None:
        """Kill a stage at one of its calls, or let it end if it makes fewer."""
        ended = self.server.run(self.world, f"stages:{stage}_command", *self.world.arguments, fault=Fault(at))
        assert ended.code in (-9, 0, 1), ended.output
        assert "Traceback" not in ended.output

    @property
    def _kept(self) -> Path:
        return self.world.folder / "kept plan"

    def _do(self, stage: Callable[[Workspace], None]) -> str:
        """Run a stage; returns why it was refused. Nothing outside the root is touched."""
        outside = _outside(self.world)
        try:
            stage(self.workspace)
        except (FoxmlError, OSError) as error:
            return str(error)
        finally:
            assert _outside(self.world) == outside
        return ""

    def _check_trained(self, before: Mapping[str, str], refused: str) -> None:
        layout = self.world.layout
        after = self._models()
        made = {name for name in after if before.get(name) != after[name]}
        if not layout.master_plan.exists():
            return
        try:
            jobs = load_master_training_plan(layout.master_plan).jobs
        except FoxmlError:
            assert refused
            assert not made
            return
        planned = {
            str(manifest_path(job, family, layout).parent.relative_to(layout.models)): (job, family)
            for job in jobs
            for family in job.model_families
        }
        for folder in made:
            job, family = planned[folder]
            _check_model(job, read_manifest(manifest_path(job, family, layout)))
        if not refused:
            assert all(is_done(job, self.world.model_context()) for job in jobs)

    def _check_retired(self, before: set[str]) -> None:
        """A model that was put aside is there, or in use by the job that it is of."""
        layout = self.world.layout
        gone = before - self._retired()
        if not gone:
            return
        jobs = load_master_training_plan(layout.master_plan).jobs
        assert gone <= {
            f"{layout.model_folder(job.target, job.symbol, family)}/{job.spec_hash}"
            for job in jobs
            for family in job.model_families
        }

    def _models(self) -> dict[str, str]:
        """What is in each folder of a committed model that is in use."""
        layout = self.world.layout
        return {
            folder.relative_to(layout.models).as_posix(): file_hash(folder / MANIFEST_FILE)
            for folder in model_folders(layout)
        }

    def _retired(self) -> set[str]:
        """The names of the models that were put aside."""
        return {model.name for model in retired_models(self.world.layout)}


def _check_model(job: Job, manifest: Manifest) -> None:
    """That a model that was just made is the one of its job."""
    assert (manifest.target, manifest.symbol, manifest.spec_hash) == (job.target, job.symbol, job.spec_hash)
    if job.features is not None:
        assert set(manifest.features) - set(manifest.categorical) == set(job.features)
    excluded = {one.symbol for one in job.excluded_symbols}
    assert not excluded & set(manifest.symbols)
    assert job.symbol is None or manifest.symbols == (job.symbol,)


def _outside(world: FaultWorld) -> dict[str, str]:
    """Every file of the world's folder that is not below its root."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in world.folder.rglob("*")
        if path.is_file() and not path.is_relative_to(world.root)
    }
