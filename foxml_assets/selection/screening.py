"""Many small boosted models over one panel that is binned once."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from foxml_assets.families.openmp import wait_passively
from foxml_assets.selection.config import EvidenceConfig
from foxml_assets.selection.target_data import Flags, Floats, Ints, TargetData
from foxml_assets.vocabulary import TaskType

if TYPE_CHECKING:
    import lightgbm as lgb


@dataclass(frozen=True)
class BinnedPanel:
    """All rows of a target, binned with the bounds of the first training window.

    Later windows use the same bounds, so that no bin looks ahead and no model pays for binning again.
    """

    dataset: "lgb.Dataset"
    params: dict[str, int | float | bool | str]
    rounds: int


@dataclass(frozen=True)
class Screened:
    """Predictions on the test rows, and the gain per feature with the true and with a shifted label."""

    prediction: Floats
    gain: Floats
    null_gain: Floats


def bin_panel(data: TargetData, config: EvidenceConfig) -> BinnedPanel:
    """Bin the features of `data`; the bounds come from rows before the first fold's test window."""
    wait_passively()
    import lightgbm as lgb

    screening = config.screening
    classification = data.spec.task_type is TaskType.CLASSIFICATION
    params: dict[str, int | float | bool | str] = {
        "objective": "binary" if classification else "regression",
        "num_leaves": screening.leaves,
        "learning_rate": screening.learning_rate,
        "min_data_in_leaf": screening.min_leaf_rows,
        "max_bin": screening.bins,
        "feature_pre_filter": False,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "seed": config.seed,
        "verbosity": -1,
    }
    first = data.bar < data.folds[0].train_stop
    label = np.zeros(len(data.y))
    reference = lgb.Dataset(data.X[first], label=label[first], params=params).construct()
    dataset = lgb.Dataset(data.X, label=label, reference=reference, params=params).construct()
    return BinnedPanel(dataset=dataset, params=params, rounds=screening.rounds)


def screen(
    binned: BinnedPanel,
    data: TargetData,
    train: Flags,
    test: Flags,
) -> Screened:
    """Fit on the `train` rows and predict the `test` rows (masks over the rows of `data`).

    The second fit sees the labels of every symbol shifted by half of its training rows: its gains are
    what the features' shape alone earns, without any signal.
    """
    rows = np.flatnonzero(train)
    y = data.y[rows]
    # Built first: a label set before the subset exists is silently replaced by the parent's.
    subset = binned.dataset.subset(rows.tolist()).construct()
    booster = _fit(binned, subset, y)
    gain = booster.feature_importance("gain").astype(np.float64)
    prediction = cast("npt.NDArray[np.float64]", booster.predict(data.X[test], num_threads=1))
    null = _fit(binned, subset, shift_labels(y, rows, data.starts))
    return Screened(
        prediction=prediction, gain=gain, null_gain=null.feature_importance("gain").astype(np.float64)
    )


def shift_labels(y: Floats, rows: Ints, starts: Ints) -> Floats:
    """The labels of each symbol, rolled by half their number; `rows` are sorted panel rows."""
    bounds = np.searchsorted(rows, starts)
    parts = [y[start:stop] for start, stop in pairwise(bounds)]
    return np.concatenate([np.roll(part, len(part) // 2) for part in parts])


def _fit(binned: BinnedPanel, subset: "lgb.Dataset", y: Floats) -> "lgb.Booster":
    import lightgbm as lgb

    return lgb.train(binned.params, subset.set_label(y), num_boost_round=binned.rounds)
