"""Boosted trees as a screener: one panel binned once, small models for every target on shared bins."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from foxml_assets.core.vocabulary import TaskType
from foxml_assets.evidence.arrays import Flags, Floats, Ints, PanelArrays
from foxml_assets.families.threads import wait_passively
from foxml_assets.panel.data_config import EvidenceConfig
from foxml_assets.panel.folds import Fold

if TYPE_CHECKING:
    import lightgbm as lgb

_OBJECTIVES = {TaskType.CLASSIFICATION: "binary", TaskType.REGRESSION: "regression"}


@dataclass(frozen=True)
class BinnedPanel:
    """All rows, binned with the bounds of the first training window, the symbol's code as last column.

    Later windows use the same bounds, so that no bin looks ahead and no model pays for binning again.
    """

    dataset: "lgb.Dataset"
    columns: npt.NDArray[np.float32] | Floats
    n_features: int


@dataclass(frozen=True)
class TreeFit:
    """Predictions of the test rows and the gain of each feature."""

    prediction: Floats
    gain: Floats


def bin_panel(panel: PanelArrays, first_stop: int, config: EvidenceConfig) -> BinnedPanel:
    """Bin the features; bounds come from rows of bars before `first_stop`."""
    wait_passively()
    import lightgbm as lgb

    params = _dataset_params(config)
    columns = np.column_stack([panel.X, panel.code.astype(panel.X.dtype)])
    categorical = [columns.shape[1] - 1]
    first = panel.bar < first_stop
    # The reference must know every code, or unseen symbols would share one bin.
    reference = lgb.Dataset(
        columns[first], label=np.zeros(int(first.sum())), categorical_feature=categorical, params=params
    ).construct()
    dataset = lgb.Dataset(
        columns,
        label=np.zeros(len(columns)),
        reference=reference,
        categorical_feature=categorical,
        params=params,
    ).construct()
    return BinnedPanel(dataset, columns, panel.X.shape[1])


def fit_trees(
    binned: BinnedPanel,
    task_type: TaskType,
    y: Floats,
    train: Ints,
    test: Ints,
    usable: Flags,
    *,
    with_symbol: bool,
    config: EvidenceConfig,
) -> TreeFit:
    """Fit on the rows `train` and predict the rows `test`, with the `usable` features only."""
    import lightgbm as lgb

    # The last column is the symbol's code, constant in an own model.
    allowed = np.append(usable, with_symbol)
    params: dict[str, object] = {
        **_dataset_params(config),
        "objective": _OBJECTIVES[task_type],
        "num_leaves": config.trees.leaves if with_symbol else config.trees.own_leaves,
        "learning_rate": config.trees.learning_rate,
        "min_data_in_leaf": config.trees.min_leaf_rows,
    }
    if not allowed.all():
        # A split on a column without contribution gains nothing, so none is made.
        params["feature_contri"] = allowed.astype(float).tolist()
    # Built first: a label set before the subset exists is silently replaced by the parent's.
    subset = binned.dataset.subset(train.tolist()).construct()
    booster = lgb.train(params, subset.set_label(y[train]), num_boost_round=config.trees.rounds)
    prediction = cast("Floats", booster.predict(binned.columns[test], num_threads=1))
    gain = booster.feature_importance("gain").astype(np.float64)[: binned.n_features]
    return TreeFit(prediction, gain)


def training_rows(
    panel: PanelArrays, fold: Fold, known: Flags, symbols: Flags, max_rows: int, seed: int
) -> Ints:
    """The labelled rows of `symbols` in the fold's training window; a fixed sample of `max_rows` if more."""
    rows = np.flatnonzero((panel.bar < fold.train_stop) & known & np.repeat(symbols, np.diff(panel.starts)))
    if len(rows) <= max_rows:
        return rows
    drawn = np.random.default_rng([seed, fold.index]).choice(len(rows), max_rows, replace=False)
    # In the order of the panel, as all rows would be.
    return rows[np.sort(drawn)]


def _dataset_params(config: EvidenceConfig) -> dict[str, object]:
    return {
        "max_bin": config.trees.bins,
        # Else binning drops columns by a leaf size that is not that of the models.
        "feature_pre_filter": False,
        "deterministic": True,
        # LightGBM would time both layouts and take the faster one, which need not be the same twice.
        "force_col_wise": True,
        "num_threads": 1,
        "seed": config.seed,
        "verbosity": -1,
    }
