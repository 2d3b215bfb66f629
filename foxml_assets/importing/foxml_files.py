"""What single files of a FoxML run say about a row: scores, sizes, leaks, families, importances."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.scores.stability import agreement
from foxml_assets.evidence.target_evidence import StabilityMetrics
from foxml_assets.importing.foreign_words import leakage_status, score_metric
from foxml_assets.importing.json_values import JsonObject, member, members, number, text, texts

# FoxML's mark of a target that could not be evaluated.
_FAILED_SCORE = -999.0
# Of the importances of a snapshot, in which overlap is counted.
TOP_K = 20
# The methods whose snapshots FoxML itself judges, first the pooled one.
_PREFERRED = ("multi_model_aggregated", "lightgbm")


@dataclass(frozen=True)
class Reading:
    """What one file says about one row; None where it says nothing. A lower `rank` is believed first.

    `leakage` holds the words of detectors, each with the status that it stands for.
    """

    symbol: str | None
    rank: int
    score: float | None = None
    se: float | None = None
    metric_word: str | None = None
    task_word: str | None = None
    sample_size: float | None = None
    horizon: float | None = None
    leakage: tuple[tuple[str, LeakageStatus], ...] = ()
    successful: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    features: dict[str, LeakageStatus] = field(default_factory=dict)

    @property
    def metric(self) -> ScoreMetric | None:
        return score_metric(self.metric_word) if self.metric_word else None


@dataclass(frozen=True)
class Snapshot:
    """The importances of one fit."""

    target: str
    symbol: str | None
    method: str
    importances: dict[str, float]


def from_metrics(content: JsonObject, target: str, symbol: str | None) -> Iterator[Reading]:
    """A cohort's metrics.json: grouped (`primary_metric`, `coverage`) or flat, as older runs wrote it."""
    primary = member(content, "primary_metric")
    word = text(primary, "name") or text(content, "metric_name") or _named_score(content)
    value, se = _primary_score(primary)
    if not primary:
        value = number(content, "score", "auc", "mean_score", *([word] if word else []))
    if word == "consensus_score":
        # Agreement of feature rankings: not a score of predictions.
        value, se, word = None, None, None
    yield Reading(
        *(symbol, 0),
        score=None if value == _FAILED_SCORE else value,
        se=se,
        metric_word=word,
        task_word=text(content, "task_type") or text(member(content, "scope"), "task_family"),
        sample_size=_sample_size(member(content, "coverage")) or _sample_size(content),
        horizon=number(content, "horizon_minutes"),
        leakage=_leakage(content),
    )


def from_cohort(content: JsonObject, target: str, symbol: str | None) -> Iterator[Reading]:
    """A cohort's metadata.json: sizes and horizon."""
    task, horizon = text(content, "task_type"), number(content, "horizon_minutes")
    yield Reading(symbol, 1, task_word=task, sample_size=_sample_size(content), horizon=horizon)


def from_confidence(content: JsonObject, target: str, symbol: str | None) -> Iterator[Reading]:
    """target_confidence.json: the mean score over models, if nothing better is there."""
    yield Reading(
        *(symbol, 3),
        score=number(content, "mean_score", "auc"),
        metric_word=text(content, "metric_name"),
        sample_size=_sample_size(content),
    )


def from_models(content: JsonObject, target: str, symbol: str | None) -> Iterator[Reading]:
    """model_metadata.json: scores under `<target>:<symbol>:<family>`, and the families' outcomes."""
    scores: dict[str | None, list[float]] = {}
    outcomes: dict[str | None, dict[str, bool]] = {}
    for key, entry in content.items():
        if not isinstance(entry, dict) or "score" not in entry:
            continue
        owner, family = _owner(key, target, symbol)
        value = number(entry, "score")
        failed = text(member(entry, "reproducibility"), "status") == "FAILED"
        # Python's JSON may hold NaN and Infinity, which are no scores.
        failed |= value is None or not math.isfinite(value)
        outcomes.setdefault(owner, {})[family] = not failed
        if value is not None and not failed:
            scores.setdefault(owner, []).append(value)
    for status in members(content, "family_statuses"):
        named = text(status, "family")
        if named is not None:
            # A family that found no signal has fitted all the same.
            succeeded = text(status, "status") in ("success", "no_signal_fallback")
            outcomes.setdefault(text(status, "symbol") or symbol, {})[named] = succeeded
    for owner, families in outcomes.items():
        listed = scores.get(owner, [])
        yield Reading(
            *(owner, 2),
            score=sum(listed) / len(listed) if listed else None,
            successful=frozenset(name for name, ok in families.items() if ok),
            failed=frozenset(name for name, ok in families.items() if not ok),
        )


def from_leakage(content: JsonObject, target: str, symbol: str | None) -> Iterator[Reading]:
    """A leakage report: the verdict, and the features that it names."""
    # By model, lists that begin with the name of a feature.
    suspects = {
        str(pair[0])
        for listed in member(content, "suspicious_features").values()
        if isinstance(listed, list)
        for pair in listed
        if isinstance(pair, list) and pair
    }
    leaking = {*texts(content, "leaky_features"), *texts(content, "leaking_features")}
    named = dict.fromkeys(sorted(suspects), LeakageStatus.SUSPECT)
    # The right side wins: a leaking feature is more than a suspect.
    named |= dict.fromkeys(sorted(leaking), LeakageStatus.BLOCKED)
    owner = symbol or text(content, "symbol")
    yield Reading(owner, 0, leakage=_leakage(content), features=named)


Reader: TypeAlias = Callable[[JsonObject, str, str | None], Iterator[Reading]]
# By the name of a file. Some files are known by their folders alone.
READERS: dict[str, Reader] = {
    "metrics.json": from_metrics,
    "metrics.parquet": from_metrics,
    "metadata.json": from_cohort,
    "model_metadata.json": from_models,
    "multi_model_metadata.json": from_models,
    "model_family_status.json": from_models,
    "target_confidence.json": from_confidence,
}
# Of their files, one for each cohort, the last counts.
OF_COHORTS = (from_metrics, from_cohort)


def snapshot(content: JsonObject, target: str | None, symbol: str | None) -> Snapshot:
    """The snapshot in a file's content. Raises ValueError if it holds no importances."""
    features, values = content.get("features"), content.get("importances")
    named = target or text(content, "target")
    if not isinstance(features, list) or not isinstance(values, list) or len(features) != len(values):
        raise ValueError("features and importances are not lists of one length")
    if not all(isinstance(value, int | float) for value in values) or named is None:
        raise ValueError("importances are not numbers, or no target is named")
    universe = text(content, "universe_sig", "universe_id") or "ALL"
    # The universe of one symbol's fit is written `<symbol>:...`, that of a pooled one is a plain word.
    owner = symbol or (universe.split(":")[0] if ":" in universe else None)
    importances = {str(name): float(value) for name, value in zip(features, values, strict=True)}
    return Snapshot(named, owner, text(content, "method") or "", importances)


def snapshot_stability(snapshots: Sequence[Snapshot]) -> StabilityMetrics:
    """Agreement between the snapshots of one row, of the method FoxML prefers or has most of.

    Overlap is of the top 20 features, corrected for chance, as everywhere in this project.
    """
    by_method: defaultdict[str, list[Snapshot]] = defaultdict(list)
    for one in snapshots:
        by_method[one.method].append(one)
    # The preferred methods first, then those with most snapshots; the name decides ties.
    methods = (*_PREFERRED, *sorted(by_method, key=lambda method: (-len(by_method[method]), method)))
    chosen = next((by_method[method] for method in methods if len(by_method[method]) > 1), snapshots)
    names = sorted({name for one in chosen for name in one.importances})
    # A feature that a fit does not list had no importance in it.
    vectors = [np.array([one.importances.get(name, 0.0) for name in names]) for one in chosen]
    return agreement(vectors, TOP_K)


def _leakage(content: JsonObject) -> tuple[tuple[str, LeakageStatus], ...]:
    """What a file's detectors reported. A word not known here is UNKNOWN.

    `status` tells how the evaluation went, so it can raise an alarm but never clear a row.
    """
    words = (
        text(content, "leakage_status", "leakage_flag", "leakage"),
        text(member(content, "leakage"), "status", "leakage_status", "leakage_flag"),
    )
    found = [(word, leakage_status(word) or LeakageStatus.UNKNOWN) for word in words if word is not None]
    outcome = text(content, "status") or ""
    alarm = leakage_status(outcome)
    if alarm in (LeakageStatus.SUSPECT, LeakageStatus.BLOCKED):
        found.append((outcome, alarm))
    flags = (name for name, flag in member(content, "leakage_flags").items() if flag is True)
    return (*found, *((name, LeakageStatus.SUSPECT) for name in flags))


def _primary_score(primary: JsonObject) -> tuple[float | None, float | None]:
    """Score and standard error; FoxML states classification scores as skill above its baseline."""
    skill, baseline = number(primary, "skill_mean"), number(primary, "baseline")
    value = number(primary, "mean") if skill is None or baseline is None else baseline + skill
    return value, number(primary, "skill_se", "se")


def _named_score(content: JsonObject) -> str | None:
    """The key of a flat file that names a known metric's mean, as `spearman_ic__cs__mean` does."""
    return next((key for key in sorted(content) if key.endswith("__mean") and score_metric(key)), None)


def _sample_size(content: JsonObject) -> float | None:
    return number(content, "n_effective", "sample_size", "n_samples", "n_effective_cs", "N")


def _owner(key: str, target: str, symbol: str | None) -> tuple[str | None, str]:
    """Symbol and family of a key `<target>:<symbol>:<family>`, in the order that names the target."""
    *names, family = key.split(":")
    others = [name for name in names if name != target]
    return (others[-1] if others else symbol), family
