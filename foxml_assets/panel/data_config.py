"""`data_config.yaml`: where the panel comes from and how its evidence is computed."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from foxml_assets.core.config_files import ConfigModel
from foxml_assets.core.entry_points import DETECTORS
from foxml_assets.core.hashing import content_hash
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.families.params import RidgeParams
from foxml_assets.families.sections import FamilyName
from foxml_assets.panel.raw_panel import TimeUnit


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""Column names; each an exact name, a glob (`y_*`) or a regular expression (`re:^y_.*$`)."""


DetectorName = Annotated[str, AfterValidator(DETECTORS.check)]


class OwnTrees(StrEnum):
    """Which pairs' own models are screened with trees: all, those that ridge leaves open, or none."""

    ALL = "all"
    UNDECIDED = "undecided"
    NONE = "none"


class OnNearCopy(StrEnum):
    """What a near copy of the label does: block its pair or target, or only be left out."""

    BLOCK = "block"
    EXCLUDE = "exclude"


class DemoPanel(ConfigModel):
    """Daily closes of 20 S&P 500 stocks, 1990-2022. `symbols` and `start` cut it down."""

    source: Literal["demo"]
    symbols: tuple[str, ...] | None = None
    start: date | None = None

    @property
    def time_unit(self) -> TimeUnit | None:
        """As `FilePanel.time_unit`: its times are dates."""
        return None


class FeatureBuilder(ConfigModel):
    """A function that builds features of the panel from the rows of `source`, so that it can be replayed.

    `function` is `package.module:name`. `version` stands for its code; without one its module's file does.
    """

    function: str = Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")
    source: str = Field(min_length=1)
    version: str | None = Field(None, min_length=1, coerce_numbers_to_str=True)


class FilePanel(ConfigModel):
    """A panel in long format. `path` is a file, a folder or a glob, relative to the working directory.

    `time_unit` says what a whole number in the time column counts since 1970; other times need none.
    """

    source: Literal["parquet", "csv"]
    path: str = Field(min_length=1)
    time_column: str = Field("timestamp", min_length=1)
    time_unit: TimeUnit | None = None
    symbol_column: str = Field("symbol", min_length=1)
    targets: Patterns = Field(min_length=1)
    features: Patterns = ("*",)
    exclude_features: Patterns = ()
    horizons: dict[str, int | str] = Field(default_factory=dict)
    task_types: dict[str, TaskType] = Field(default_factory=dict)
    builders: tuple[FeatureBuilder, ...] = ()


class TreeScreen(ConfigModel):
    """The small boosted trees that screen beside ridge: every pooled model, and own models as `own` says."""

    own: OwnTrees = OwnTrees.UNDECIDED
    rounds: int = Field(40, ge=1, le=10_000)
    leaves: int = Field(15, ge=2, le=1_024)
    own_leaves: int = Field(4, ge=2, le=1_024)
    bins: int = Field(63, ge=2, le=255)
    learning_rate: float = Field(0.05, gt=0.0, le=1.0)
    min_leaf_rows: int = Field(100, ge=1)
    max_rows: int = Field(100_000, ge=1_000)


class BlockConfig(ConfigModel):
    """Blocks of time for standard errors. Long ones keep regimes whole: short ones give errors too small."""

    min_block_bars: int = Field(60, ge=1)
    max_blocks_per_fold: int = Field(60, ge=2, le=1_000)


class ReplayConfig(ConfigModel):
    """How registered builders are replayed: the cut times, and what is compared at each of them."""

    cuts: int = Field(8, ge=2, le=1_000)
    last_rows: int = Field(5, ge=1)
    tolerance: float = Field(1e-6, ge=0.0, lt=1.0)


class LeakageConfig(ConfigModel):
    """Thresholds of the leakage detectors; skill is 2 AUC - 1, or rank correlation, in absolute value."""

    near_copy_skill: float = Field(0.8, gt=0.0, le=1.0)
    on_near_copy: OnNearCopy = OnNearCopy.BLOCK
    past_r2: float = Field(0.5, gt=0.0, lt=1.0)
    look_ahead_share: float = Field(0.25, gt=0.0, le=1.0)
    look_ahead_sure: float = Field(0.5, gt=0.0, le=1.0)
    look_ahead_skill: float = Field(0.15, gt=0.0, le=1.0)
    look_ahead_keeps: float = Field(0.75, gt=0.0, le=1.0)
    look_ahead_great: float = Field(0.4, gt=0.0, le=1.0)
    lasting_skill: float = Field(0.3, gt=0.0, le=1.0)
    lasting_share: float = Field(0.3, gt=0.0, le=1.0)
    made_of_news: float = Field(0.6, gt=0.0, le=1.0)
    news_skill: float = Field(0.12, gt=0.0, le=1.0)
    sudden_news_skill: float = Field(0.36, gt=0.0, le=1.0)
    symbol_news_skill: float = Field(0.36, gt=0.0, le=1.0)
    news_keeps: float = Field(0.9, gt=0.0, lt=1.0)
    many_symbols: float = Field(0.2, gt=0.0, le=1.0)
    max_credible_skill: float = Field(0.8, gt=0.0, le=1.0)
    max_feedback_share: float = Field(0.25, gt=0.0, le=1.0)
    examined_rows: int = Field(120_000, ge=1_000)
    known_safe: dict[str, str] = Field(default_factory=dict)
    calendar: Patterns = ()
    detectors: tuple[DetectorName, ...] = ()
    replay: ReplayConfig = ReplayConfig()


class EvidenceConfig(ConfigModel):
    """How every target is evaluated. Bars are distinct timestamps of the panel."""

    holdout_fraction: float = Field(0.15, ge=0.0, lt=0.9)
    n_folds: int = Field(5, ge=2, le=50)
    embargo_bars: int = Field(5, ge=0)
    min_rows: int = Field(200, ge=20)
    top_k: int = Field(20, ge=1)
    overlap_top_k: int = Field(10, ge=1)
    families: tuple[FamilyName, ...] = Field(("lightgbm", "xgboost", "ridge"), min_length=1)
    probe_rows: int = Field(2_000, ge=100)
    threads: int = Field(2, ge=1, le=256)
    seed: int = Field(7, ge=0, le=2**31 - 1)
    keep_predictions: bool = False
    ridge: RidgeParams = RidgeParams()
    trees: TreeScreen = TreeScreen()
    blocks: BlockConfig = BlockConfig()
    leakage: LeakageConfig = LeakageConfig()

    def config_hash(self) -> str:
        """Hash of every setting that can change the evidence; what is kept beside it, and threads, cannot.

        Settings of the replay are part of the replay's own hash: without a builder they change nothing.
        """
        unused = {"replay"} if self.leakage.detectors else {"replay", "detectors"}
        settings = self.model_dump(
            mode="json", exclude={"threads": True, "keep_predictions": True, "leakage": unused}
        )
        return content_hash(settings)


class ExpectedPanel(ConfigModel):
    """What is expected of a panel that follows another. No artifact depends on it."""

    max_shrink: float = Field(0.1, ge=0.0, lt=1.0)


class DataConfig(ConfigModel):
    """The whole of `data_config.yaml`."""

    panel: Annotated[DemoPanel | FilePanel, Field(discriminator="source")]
    evidence: EvidenceConfig = EvidenceConfig()
    checks: ExpectedPanel = ExpectedPanel()

    @model_validator(mode="after")
    def _distinct_keys(self) -> "DataConfig":
        panel = self.panel
        if isinstance(panel, FilePanel) and panel.time_column == panel.symbol_column:
            raise ValueError("time_column and symbol_column must differ")
        return self

    def placed_in(self, folder: Path) -> "DataConfig":
        """The same with its relative paths in `folder` instead of the working directory."""
        panel = self.panel
        if isinstance(panel, DemoPanel):
            return self
        builders = tuple(
            one.model_copy(update={"source": str(folder / one.source)}) for one in panel.builders
        )
        placed = panel.model_copy(update={"path": str(folder / panel.path), "builders": builders})
        return self.model_copy(update={"panel": placed})
