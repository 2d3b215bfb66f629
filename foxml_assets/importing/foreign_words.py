"""What comes from other systems: their words, and what they mean here. A word that stands nowhere is unknown,
never safe."""

from dataclasses import dataclass

import pandas as pd

from foxml_assets.core.metrics import ScoreMetric, find_metric
from foxml_assets.core.vocabulary import LeakageStatus, TaskType

LEAKAGE_WORDS: dict[str, LeakageStatus] = {
    "OK": LeakageStatus.SAFE,
    "SAFE": LeakageStatus.SAFE,
    "CLEAN": LeakageStatus.SAFE,
    "PASS": LeakageStatus.SAFE,
    "NO_LEAKAGE": LeakageStatus.SAFE,
    "SUSPECT": LeakageStatus.SUSPECT,
    "SUSPICIOUS": LeakageStatus.SUSPECT,
    "HIGH_SCORE": LeakageStatus.SUSPECT,
    "INCONSISTENT": LeakageStatus.SUSPECT,
    "WARNING": LeakageStatus.SUSPECT,
    "SUSPICIOUS_STRONG": LeakageStatus.BLOCKED,
    "LEAKAGE": LeakageStatus.BLOCKED,
    "LEAKAGE_DETECTED": LeakageStatus.BLOCKED,
    "LEAKAGE_UNRESOLVED": LeakageStatus.BLOCKED,
    "LEAKAGE_UNRESOLVED_MAX_RETRIES": LeakageStatus.BLOCKED,
    "BLOCKED": LeakageStatus.BLOCKED,
    "UNKNOWN": LeakageStatus.UNKNOWN,
    "SKIPPED": LeakageStatus.UNKNOWN,
    "NOT_RUN": LeakageStatus.UNKNOWN,
}

# Ascending. UNKNOWN is above SAFE: one detector that cannot tell is not cleared by another.
_SEVERITY = (LeakageStatus.SAFE, LeakageStatus.UNKNOWN, LeakageStatus.SUSPECT, LeakageStatus.BLOCKED)

_TASK_WORDS: dict[str, TaskType] = {
    "classification": TaskType.CLASSIFICATION,
    "binary": TaskType.CLASSIFICATION,
    "binary_classification": TaskType.CLASSIFICATION,
    "multiclass_classification": TaskType.CLASSIFICATION,
    "regression": TaskType.REGRESSION,
}

# FoxML names its labels so, and takes their task from the name itself.
_TASK_OF_PREFIX = {"y_will_": TaskType.CLASSIFICATION, "fwd_ret": TaskType.REGRESSION}

# The metric of FoxML's scores that name none.
FOXML_METRIC: dict[TaskType, ScoreMetric] = {
    TaskType.CLASSIFICATION: ScoreMetric.AUC,
    TaskType.REGRESSION: ScoreMetric.R2,
}


def task_in_name(target: str) -> TaskType | None:
    """The task that FoxML's way of naming a label says; None for other names."""
    return next((task for prefix, task in _TASK_OF_PREFIX.items() if target.startswith(prefix)), None)


def leakage_status(word: str) -> LeakageStatus | None:
    """The status that a detector's word stands for; None for a word that is not listed."""
    return LEAKAGE_WORDS.get(word.strip().upper().replace(" ", "_"))


def worst(statuses: list[LeakageStatus]) -> LeakageStatus:
    """The most severe status; UNKNOWN if there is none."""
    return max(statuses, key=_SEVERITY.index, default=LeakageStatus.UNKNOWN)


def score_metric(word: str) -> ScoreMetric | None:
    """The metric a name stands for: `roc_auc__cs__mean` is AUC. None for a metric not known here."""
    return find_metric(word.strip().lower().split("__")[0])


def task_type(word: str) -> TaskType | None:
    """The task type a name stands for, with or without an enum's prefix."""
    return _TASK_WORDS.get(word.strip().lower().rsplit(".", 1)[-1])


@dataclass(frozen=True)
class Imported:
    """What an import gives: candidates, and notes of what was inferred or is missing."""

    candidates: pd.DataFrame
    notes: tuple[str, ...]
