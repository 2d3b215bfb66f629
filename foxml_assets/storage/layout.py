"""Where every artifact lives under one root."""

from dataclasses import dataclass
from pathlib import Path

from foxml_assets.core.names import symbol_segment, target_segment
from foxml_assets.core.vocabulary import ModelFamily


@dataclass(frozen=True)
class Layout:
    """Paths of all artifacts under `root`. Building a path creates nothing."""

    root: Path

    @property
    def panel_dir(self) -> Path:
        return self.root / "DATA"

    @property
    def panel(self) -> Path:
        return self.panel_dir / "panel.parquet"

    @property
    def panel_info(self) -> Path:
        return self.panel_dir / "panel.json"

    @property
    def metrics(self) -> Path:
        return self.root / "METRICS"

    @property
    def feature_selections(self) -> Path:
        return self.metrics / "feature_selections"

    def feature_selection(self, target: str) -> Path:
        return self.feature_selections / target_segment(target)

    @property
    def feature_replay(self) -> Path:
        """What building the features again without the future found, once for all targets."""
        return self.feature_selections / "replay.json"

    @property
    def routing_candidates(self) -> Path:
        """The parquet file; where pyarrow cannot be imported its `.csv` sibling holds the table."""
        return self.metrics / "routing_candidates.parquet"

    @property
    def imported_candidates(self) -> Path:
        """A table that stands in for the evidence, if the user imported one."""
        return self.metrics / "imported_candidates.parquet"

    @property
    def routing_plan_dir(self) -> Path:
        return self.metrics / "routing_plan"

    @property
    def routing_plan(self) -> Path:
        return self.routing_plan_dir / "routing_plan.json"

    @property
    def fdr_history(self) -> Path:
        """What the plans under `fdr.over: history` spent and found; it stands and falls with the plan."""
        return self.routing_plan_dir / "fdr_history.json"

    @property
    def training_plan_dir(self) -> Path:
        return self.metrics / "training_plan"

    @property
    def master_plan(self) -> Path:
        return self.training_plan_dir / "master_training_plan.json"

    @property
    def plan_diff(self) -> Path:
        """What the current plan changed; a Markdown page of the same name stands beside it."""
        return self.metrics / "training_plan_diff.json"

    @property
    def training_report(self) -> Path:
        return self.metrics / "training_report.json"

    @property
    def routing_audit(self) -> Path:
        """What the plan earns against training everything; page, picture and pairs stand beside it."""
        return self.metrics / "routing_audit" / "routing_audit.json"

    @property
    def baselines(self) -> Path:
        """Models that only the audit compares with. No plan asks for them, so they are never its orphans."""
        return self.routing_audit.parent / "baselines"

    def for_baselines(self) -> "Layout":
        """The same root, but with the audit's models in place of the plan's."""
        return _BaselineLayout(self.root)

    @property
    def models(self) -> Path:
        return self.root / "MODELS"

    @property
    def staged_models(self) -> Path:
        """Where models are made, on the file system of the others."""
        return self.models / ".staged"

    @property
    def retired_models(self) -> Path:
        """Models that left the plan, by the folder that they had and their spec."""
        return self.models / "retired"

    def model_dir(self, target: str, symbol: str | None, family: ModelFamily) -> Path:
        """The folder of one trained model; `symbol` is None for the pooled model."""
        return self.models / self.model_folder(target, symbol, family)

    def model_folder(self, target: str, symbol: str | None, family: ModelFamily) -> str:
        """The same, relative to `models`."""
        if symbol is None:
            return f"cross_sectional/{target_segment(target)}/{family}"
        return f"symbol_specific/{target_segment(target)}/{symbol_segment(symbol)}/{family}"

    def stored_folder(self, model_folder: str) -> str:
        """Where in an object store the files of the model of that folder are."""
        return model_folder

    @property
    def model_memory(self) -> Path:
        """What was verified of the models. Nothing depends on it but how much is read again."""
        return self.root / ".cache" / "models.json"


@dataclass(frozen=True)
class _BaselineLayout(Layout):
    @property
    def models(self) -> Path:
        return self.baselines

    def stored_folder(self, model_folder: str) -> str:
        # A plan's model that is pruned may be a baseline's too.
        return f"baselines/{model_folder}"

    @property
    def model_memory(self) -> Path:
        return self.root / ".cache" / "baselines.json"
