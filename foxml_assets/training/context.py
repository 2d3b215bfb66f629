"""What every job of one training run shares."""

from dataclasses import dataclass

from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.storage.layout import Layout
from foxml_assets.training.training_config import TrainingConfig, plan_training_hash


@dataclass(frozen=True)
class TrainingContext:
    """The panel, the settings and the place of the models. `holdout_fraction` is the evidence's own."""

    layout: Layout
    info: PanelInfo
    config: TrainingConfig
    holdout_fraction: float

    @property
    def training_hash(self) -> str:
        """What `training_hash` of a plan must be for its jobs to be trained here."""
        return plan_training_hash(self.config, self.holdout_fraction)
