"""What all jobs of a plan share: the place of their models, the settings and the panel."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.planning.plan.data_hashes import DataHashes, data_hash, data_hashes
from foxml_assets.planning.plan.master_plan import ABSENT, Job, TrainingHashes
from foxml_assets.planning.plan.specs import spec_hash
from foxml_assets.storage.layout import Layout
from foxml_assets.training.training_config import TrainingConfig


@dataclass(frozen=True)
class ModelContext:
    """What models are held against; without a panel (`info` None) it is their jobs and the settings alone.

    `holdout_fraction` is the evidence's own. `recorded` is the SHA-256 of manifests, by the hash of the
    job's spec and the family, as the training that made them recorded it elsewhere, where that is known.
    """

    layout: Layout
    info: PanelInfo | None
    config: TrainingConfig
    holdout_fraction: float
    recorded: Mapping[tuple[str, ModelFamily], str] = field(default_factory=dict)

    @cached_property
    def training_hashes(self) -> TrainingHashes:
        """What those of a plan must be taken from for its jobs to be trained here."""
        return self.config.hashes(self.holdout_fraction)

    @cached_property
    def data_hashes(self) -> DataHashes:
        """The hash of each symbol's data in the panel, by target."""
        return data_hashes(self.info)

    def data_hash(self, job: Job) -> str:
        """The hash of what the panel holds for `job` now."""
        return data_hash(self.data_hashes, job.target, job.symbol, job.excluded_symbols)

    def has_settings_of(self, job: Job) -> bool:
        """Whether the plan of `job` was made for these settings."""
        return spec_hash(job, self.training_hashes) == job.spec_hash

    def panel_of(self, job: Job) -> PanelInfo | None:
        """The panel, if it still holds the data that `job` was planned for."""
        # What is absent is equal to nothing.
        return self.info if ABSENT != self.data_hash(job) == job.data_hash else None


@dataclass(frozen=True)
class TrainingContext(ModelContext):
    """What training goes by. The panel is there."""

    info: PanelInfo
