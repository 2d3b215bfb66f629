"""What a run goes by besides the artifacts, read at one moment and passed down, so that no two steps of a
run can read two states of the same file."""

from dataclasses import dataclass
from functools import cached_property

from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import no_panel
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.data_hashes import DataHashes, data_hashes
from foxml_assets.planning.plan.master_plan import TrainingHashes
from foxml_assets.planning.validate.plan_checks import Basis, read_basis
from foxml_assets.planning.validate.validation import Validation, validate_plan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.directories import read_version
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import ModelContext, TrainingContext
from foxml_assets.training.training_config import TrainingConfig


@dataclass(frozen=True)
class RunInputs:
    """The three configs and the panel's description, as they were when the run began. No panel: None."""

    layout: Layout
    data: DataConfig
    policy: RoutingPolicy
    training: TrainingConfig
    panel: PanelInfo | None

    @property
    def training_hashes(self) -> TrainingHashes:
        """Hashes of all settings that change a trained model."""
        return self.training.hashes(self.data.evidence.holdout_fraction)

    @cached_property
    def data_hashes(self) -> DataHashes:
        """Hash of each symbol's data, by target; empty without a panel."""
        return data_hashes(self.panel)

    @property
    def universe(self) -> dict[str, tuple[str, ...]] | None:
        """The symbols to decide for each target; None without a panel."""
        return {spec.name: self.panel.symbols for spec in self.panel.targets} if self.panel else None

    def read_basis(self) -> Basis:
        """What a plan made now would be made from. Raises RoutingPlanError or CandidatesError."""
        return read_basis(self.layout, self.policy, self.panel, self.training_hashes)

    def require_panel(self) -> PanelInfo:
        """The panel's description. Raises PanelError without a panel."""
        if self.panel is None:
            raise no_panel(self.layout)
        return self.panel

    def model_context(self) -> ModelContext:
        """What the models of a plan are held against."""
        return ModelContext(self.layout, self.panel, self.training, self.data.evidence.holdout_fraction)

    def training_context(self) -> TrainingContext:
        """What training needs beside the plan. Raises PanelError without a panel."""
        return TrainingContext(
            layout=self.layout,
            info=self.require_panel(),
            config=self.training,
            holdout_fraction=self.data.evidence.holdout_fraction,
        )

    def validate_plan(self) -> Validation:
        """All checks of the master training plan. Raises FoxmlError if an artifact cannot even be read."""
        layout = self.layout

        def validated() -> Validation:
            basis = self.read_basis()
            return validate_plan(load_master_training_plan(layout.master_plan), layout, basis)

        # The two plans are replaced one after the other.
        return read_version(
            layout.routing_plan_dir, lambda: read_version(layout.training_plan_dir, validated)
        )
