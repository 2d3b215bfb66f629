"""What the evidence found out about one target: the value that routing starts from."""

from dataclasses import dataclass, field

from foxml_assets.core.assurances import Assurances
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import LeakageStatus, ModelFamily, TaskType


@dataclass(frozen=True)
class Estimate:
    """A score in its metric's own unit, with its standard error and 95 % interval.

    `value` is None where nothing could be scored; `se`, `ci_low`, `ci_high` where no error is known.
    """

    value: float | None
    se: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None


@dataclass(frozen=True)
class StabilityMetrics:
    """Agreement of importance rankings between folds: top-k overlap and Kendall tau."""

    n_snapshots: int
    mean_overlap: float | None
    std_overlap: float | None
    mean_tau: float | None
    std_tau: float | None


@dataclass(frozen=True)
class RowEvidence:
    """Evidence for one candidate row: the pooled model (`symbol` None) or one symbol's own model.

    `score` is that of `families`, whose mean is the best predictor found; `earlier_score` and `recent_score`
    part it by folds. On a symbol row `cs_score` is the pooled model on this symbol, `both_score` the average
    of the two models' predictions, and `difference` the paired difference local minus pooled. On the pooled
    row `local_score` is the mean score of the symbols' own models.
    """

    symbol: str | None
    sample_size: int
    score: Estimate
    leakage_status: LeakageStatus
    leakage_reason: str = ""
    families: tuple[ModelFamily, ...] = ()
    by_family: dict[str, Estimate] = field(default_factory=dict)
    earlier_score: Estimate | None = None
    recent_score: Estimate | None = None
    stability: StabilityMetrics | None = None
    successful_families: tuple[ModelFamily, ...] = ()
    failed_families: tuple[ModelFamily, ...] = ()
    cs_score: Estimate | None = None
    both_score: Estimate | None = None
    difference: Estimate | None = None
    local_score: Estimate | None = None


@dataclass(frozen=True)
class TargetEvidence:
    """All evidence for one target. `features` are the selected ones, each with its leakage status.

    `assured` names features whose leakage is not doubted, with who stands for them and why. `null_score` is
    what a pooled model scored on shuffled labels, `feedback_share` how much of the pooled score short windows
    make by themselves (scores/feedback.py). `settings_hash` identifies how it was computed, `data_hash` from
    what.
    """

    target: str
    task_type: TaskType
    score_metric: ScoreMetric
    horizon_minutes: float | None
    data_hash: str
    settings_hash: str
    rows: tuple[RowEvidence, ...]
    features: dict[str, LeakageStatus] = field(default_factory=dict)
    assured: Assurances = field(default_factory=dict)
    null_score: Estimate = Estimate(None)
    feedback_share: Estimate = Estimate(None)
