"""`data_config.yaml`: where the panel comes from and how its evidence is computed."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from foxml_assets.config_files import ConfigModel
from foxml_assets.hashing import content_hash
from foxml_assets.vocabulary import ModelFamily, TaskType


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""Column names; each an exact name, a glob (`y_*`) or a regular expression (`re:^y_.*$`)."""


class DemoPanel(ConfigModel):
    """Daily closes of 20 S&P 500 stocks, 1990-2022. `symbols` and `start` cut it down."""

    source: Literal["demo"]
    symbols: tuple[str, ...] | None = None
    start: date | None = None


class ParquetPanel(ConfigModel):
    """A panel in long format. `path` is a file, a folder or a glob, relative to the working directory."""

    source: Literal["parquet"]
    path: str = Field(min_length=1)
    time_column: str = Field("timestamp", min_length=1)
    symbol_column: str = Field("symbol", min_length=1)
    targets: Patterns = Field(min_length=1)
    features: Patterns = ("*",)
    exclude_features: Patterns = ()
    horizons: dict[str, int | str] = Field(default_factory=dict)
    task_types: dict[str, TaskType] = Field(default_factory=dict)


class ScreeningConfig(ConfigModel):
    """The small boosted trees that screen every pair."""

    rounds: int = Field(40, ge=1, le=10_000)
    leaves: int = Field(15, ge=2, le=1_024)
    bins: int = Field(63, ge=2, le=255)
    learning_rate: float = Field(0.05, gt=0.0, le=1.0)
    min_leaf_rows: int = Field(100, ge=1)


class BootstrapConfig(ConfigModel):
    """The block bootstrap over time. Long blocks keep regimes whole: short ones give errors too small."""

    replicates: int = Field(500, ge=50, le=100_000)
    min_block_bars: int = Field(60, ge=1)
    max_blocks_per_fold: int = Field(60, ge=2, le=1_000)


class LeakageConfig(ConfigModel):
    """Bars of the leakage detectors, in skill (2 AUC - 1, or rank correlation), in absolute value."""

    near_copy_skill: float = Field(0.8, gt=0.0, le=1.0)
    lag_collapse_skill: float = Field(0.15, gt=0.0, le=1.0)
    lag_collapse_ratio: float = Field(0.5, gt=0.0, lt=1.0)
    max_credible_skill: float = Field(0.8, gt=0.0, le=1.0)


class EvidenceConfig(ConfigModel):
    """How every target is evaluated. Bars are distinct timestamps of the panel."""

    holdout_fraction: float = Field(0.15, ge=0.0, lt=0.9)
    n_folds: int = Field(5, ge=2, le=50)
    embargo_bars: int = Field(5, ge=0)
    min_rows: int = Field(200, ge=20)
    top_k: int = Field(20, ge=1)
    overlap_top_k: int = Field(10, ge=1)
    families: tuple[ModelFamily, ...] = Field((ModelFamily.LIGHTGBM, ModelFamily.XGBOOST), min_length=1)
    probe_rows: int = Field(2_000, ge=100)
    threads: int = Field(2, ge=1, le=256)
    seed: int = Field(7, ge=0, le=2**31 - 1)
    screening: ScreeningConfig = ScreeningConfig()
    bootstrap: BootstrapConfig = BootstrapConfig()
    leakage: LeakageConfig = LeakageConfig()

    def config_hash(self) -> str:
        """Hash of every setting that can change the evidence; the number of threads cannot."""
        return content_hash(self.model_dump(mode="json", exclude={"threads"}))


class DataConfig(ConfigModel):
    """The whole of `data_config.yaml`."""

    panel: Annotated[DemoPanel | ParquetPanel, Field(discriminator="source")]
    evidence: EvidenceConfig = EvidenceConfig()

    @model_validator(mode="after")
    def _distinct_keys(self) -> "DataConfig":
        panel = self.panel
        if isinstance(panel, ParquetPanel) and panel.time_column == panel.symbol_column:
            raise ValueError("time_column and symbol_column must differ")
        return self
