"""`training_config.yaml`: how a job becomes models."""

from typing import Annotated

from pydantic import AfterValidator, Field

from foxml_assets.core.config_files import ConfigModel
from foxml_assets.core.hashing import content_hash
from foxml_assets.core.vocabulary import OnMissingPlan, OnStalePlan
from foxml_assets.engines.settings import THREADS, EngineSettings, OnThreads
from foxml_assets.families.sections import FamiliesConfig
from foxml_assets.planning.plan.master_plan import TrainingHashes
from foxml_assets.storage.object_store import ObjectStore, check_store_url

StoreUrl = Annotated[str, AfterValidator(check_store_url)]

# Raise it when a change of this code changes the models it trains; every job then becomes stale.
CODE_VERSION = 1


class AutomaticTraining(ConfigModel):
    """What may be trained without being asked for, once the user has trained for the first time."""

    enabled: bool = True
    max_jobs: int = Field(200, ge=0, le=1_000_000)


class StorageConfig(ConfigModel):
    """Object stores for what is large: the panel that workers read, and the files of the models."""

    panel: StoreUrl | None = None
    models: StoreUrl | None = None

    @property
    def panel_store(self) -> ObjectStore | None:
        """Where workers find the panel; None where they find it under the root."""
        return ObjectStore(self.panel) if self.panel is not None else None

    @property
    def model_store(self) -> ObjectStore | None:
        """Where the files of models are put; None where they stay beside their manifests."""
        return ObjectStore(self.models) if self.models is not None else None


class TrainingConfig(ConfigModel):
    """The whole of `training_config.yaml`."""

    seed: int = Field(20_240_229, ge=0, le=2**31 - 1)
    engine: EngineSettings = Field(THREADS, discriminator="kind")
    storage: StorageConfig = StorageConfig()
    threads: int = Field(2, ge=1, le=256)
    batch_size: int = Field(200, ge=1, le=100_000)
    automatic_training: AutomaticTraining = AutomaticTraining()
    symbol_as_feature: bool = True
    min_train_rows: int = Field(250, ge=1)
    min_score_rows: int = Field(20, ge=2)
    on_missing_plan: OnMissingPlan = OnMissingPlan.TRAIN_ALL
    on_stale_plan: OnStalePlan = OnStalePlan.REFUSE
    families: FamiliesConfig = Field(default_factory=FamiliesConfig)

    @property
    def sure_threads(self) -> int:
        """How many jobs are trained at the same time at least: the workers of a cluster come and go."""
        return self.threads if isinstance(self.engine, OnThreads) else 1

    def hashes(self, holdout_fraction: float) -> TrainingHashes:
        """Hashes of the settings, and the code, that decide which models exist and what they hold."""
        # The others decide when, how fast or whether to train, and how models are scored.
        deciding = self.model_dump(mode="json", include={"seed", "symbol_as_feature", "min_train_rows"})
        return TrainingHashes(
            content_hash([CODE_VERSION, deciding, holdout_fraction]),
            {
                name: content_hash(self.families.of(name).model_dump(mode="json"))
                for name in self.families.names
            },
        )
