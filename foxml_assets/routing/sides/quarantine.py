"""Rows whose evidence cannot be trusted: found column by column, each with the reasons in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.assurances import read_assurances
from foxml_assets.core.errors import UnsafeNameError
from foxml_assets.core.names import check_symbol_name, check_target_name
from foxml_assets.core.vocabulary import SignalState
from foxml_assets.routing.candidates.alignment import Alignment
from foxml_assets.routing.frames import UNREADABLE, Bools, category, code, floats
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.sides.side_rows import EstimateRows, SideRows, by_metric, target_tasks


class Fault(StrEnum):
    """What can be wrong with a row, in the words of its reason."""

    DUPLICATE = "the row appears more than once"
    NO_POOLED_ROW = "the target has no cross-sectional row"
    TARGET_NAME = "the target's name cannot be a partition key"
    SYMBOL_NAME = "the symbol's name cannot be a partition key"
    TASK_TYPE = "task_type is missing or not a known word"
    TASK_CONFLICT = "task_type differs from that of the target's other rows"
    METRIC = "score_metric is missing or not a known word"
    NO_THRESHOLDS = "the policy has no thresholds for this score_metric"
    SCORE_MISSING = "score is missing"
    SCORE_RANGE = "score is outside the range of its metric"
    INTERVAL = "score_se or the interval is negative, infinite or reversed"
    SAMPLE_SIZE = "sample_size is missing, negative or not a whole number"
    HORIZON = "horizon_minutes is negative or infinite"
    STABILITY = "stability is not a known word"
    STABILITY_METRICS = "a stability metric is out of range"
    OVER_TIME = "earlier_score or recent_score is out of range or has a bad interval"
    LEAKAGE = "leakage_status is not a known word"
    FEATURES = "features is not a JSON object of feature to leakage status"
    ASSURED = "assured is not a JSON object of feature to who stands for it"
    PAIR_SCORES = "cs_score, both_score or difference is out of range or has a bad interval"
    OWN_MEAN = "local_score is out of range or has a bad interval"


@dataclass(frozen=True)
class Faults:
    """The faults of every row as bit sets: bit n stands for the nth Fault."""

    bits: npt.NDArray[np.uint32]

    @property
    def any(self) -> Bools:
        return np.asarray(self.bits != 0)

    def texts(self) -> pd.Categorical:
        """What is wrong with each row in words, null where it is sound."""
        # Few of the possible sets occur, and each is put into words once.
        distinct, inverse = np.unique(self.bits, return_inverse=True)
        named = ([fault for at, fault in enumerate(Fault) if bits >> at & 1] for bits in distinct.tolist())
        return category(["; ".join(faults) or None for faults in named], inverse)


@dataclass(frozen=True)
class SideEvidence:
    """What a side is judged by: its rows, what is wrong with them, and which leak, sound or not."""

    rows: SideRows
    faults: Faults
    leaks: Bools

    @property
    def sound(self) -> Bools:
        """Rows that are there, and that nothing is wrong with."""
        return self.rows.present & ~self.faults.any


def find_faults(
    cs: SideRows, local: SideRows, alignment: Alignment, policy: RoutingPolicy
) -> tuple[Faults, Faults]:
    """What is wrong with the rows of either side, the other one known."""
    at = alignment.pair_target
    task = target_tasks(cs, local, alignment)
    bad_target = _unusable_names(alignment.targets, check_target_name)
    bad_symbol = _unusable_names(alignment.symbols, check_symbol_name)
    cs_given = [
        (Fault.DUPLICATE, alignment.cs_counts > 1),
        (Fault.TARGET_NAME, bad_target),
        (Fault.OWN_MEAN, _bad_score(cs, cs.own_mean)),
    ]
    local_given = [
        (Fault.DUPLICATE, alignment.pair_counts > 1),
        (Fault.NO_POOLED_ROW, alignment.cs_rows[at] < 0),
        (Fault.TARGET_NAME, bad_target[at]),
        (Fault.SYMBOL_NAME, bad_symbol[alignment.pair_symbol]),
        (Fault.PAIR_SCORES, _bad_pair_scores(local)),
        (Fault.TASK_CONFLICT, (local.task >= 0) & (local.task != task[at])),
    ]
    return _faults(cs, policy, cs_given), _faults(local, policy, local_given)


def _faults(rows: SideRows, policy: RoutingPolicy, given: Sequence[tuple[Fault, Bools]]) -> Faults:
    """The faults of `rows`; `given` are those that only the whole table shows.

    A score may be missing where there are too few samples: nothing was to be scored.
    """
    few = (rows.sample_size >= 0) & (rows.sample_size < policy.sample_minimum(rows.side))
    # A comparison with NaN is false: what is unknown is at fault only where `isnan` asks.
    checks: list[tuple[Fault, Bools]] = [
        *given,
        (Fault.TASK_TYPE, rows.task < 0),
        (Fault.METRIC, rows.metric < 0),
        (Fault.NO_THRESHOLDS, (rows.metric >= 0) & np.isnan(rows.thresholds[SignalState.WEAK_BUT_OK])),
        (Fault.SCORE_MISSING, np.isnan(rows.score.value) & ~few),
        (Fault.SCORE_RANGE, _outside_metric(rows, rows.score)),
        (Fault.INTERVAL, _bad_interval(rows.score)),
        (Fault.SAMPLE_SIZE, np.isnan(rows.sample_size) | (rows.sample_size < 0)),
        (Fault.HORIZON, (rows.horizon < 0) | np.isinf(rows.horizon)),
        (Fault.STABILITY, rows.stated_stability == UNREADABLE),
        (Fault.STABILITY_METRICS, _bad_snapshots(rows)),
        (Fault.OVER_TIME, _bad_score(rows, rows.earlier) | _bad_score(rows, rows.recent)),
        (Fault.LEAKAGE, rows.leakage == UNREADABLE),
        # Code -1, no list, picks the last, which is the readable one for none.
        (Fault.FEATURES, np.array([not it.readable for it in rows.feature_lists])[rows.features.codes]),
        (Fault.ASSURED, _unreadable_assured(rows)),
    ]
    bits = np.zeros(len(rows.rows), dtype=np.uint32)
    for fault, found in checks:
        bits[found] |= np.uint32(1 << code(fault))
    # The nulls of a row that does not exist are no faults of it.
    bits[~rows.present] = 0
    return Faults(bits)


def _unusable_names(names: Sequence[str], check: Callable[[str], str]) -> Bools:
    """Which names could not be in a partition key, by `check` or because no file could hold them."""

    def is_usable(name: str) -> bool:
        try:
            check(name)
            # A lone surrogate has no UTF-8.
            name.encode()
        except (UnsafeNameError, UnicodeEncodeError):
            return False
        return True

    return np.array([not is_usable(name) for name in names], dtype=np.bool_)


def _bad_pair_scores(rows: SideRows) -> Bools:
    """Where the scores of the other choices on a pair, as far as they are given, cannot be true."""
    # Two ICs lie at most 2 apart, two AUCs 1.
    bad_difference = _bad_interval(rows.difference) | (np.abs(rows.difference.value) > 2)
    return _bad_score(rows, rows.pooled) | _bad_score(rows, rows.both) | bad_difference


def _bad_score(rows: SideRows, score: EstimateRows) -> Bools:
    """Where a score, as far as it is given, cannot be one of the rows' metric."""
    return _bad_interval(score) | _outside_metric(rows, score)


def _unreadable_assured(rows: SideRows) -> Bools:
    assured = rows.texts["assured"].array
    unreadable = [read_assurances(word) is None for word in assured.categories]
    # Code -1, nothing stated, picks the False at the end.
    return np.asarray(np.array([*unreadable, False])[assured.codes])


def _outside_metric(rows: SideRows, score: EstimateRows) -> Bools:
    low = by_metric(rows.metric, lambda metric: metric.facts.low)
    high = by_metric(rows.metric, lambda metric: metric.facts.high)
    # Without a metric both are NaN, which nothing is below or above.
    return np.isinf(score.value) | (score.value < low) | (score.value > high)


def _bad_interval(score: EstimateRows) -> Bools:
    infinite = np.isinf(score.se) | np.isinf(score.low) | np.isinf(score.high)
    # A bootstrap interval need not enclose the point score, so only its order is judged.
    return (score.se < 0) | infinite | (score.low > score.high)


def _bad_snapshots(rows: SideRows) -> Bools:
    count, overlap, overlap_std, tau, tau_std = (floats(column) for _, column in rows.snapshots.items())
    bad = (count < 0) | (np.abs(overlap) > 1) | (np.abs(tau) > 1)
    for spread in (overlap_std, tau_std):
        bad |= (spread < 0) | np.isinf(spread)
    return bad
