"""The tables beside the evidence: scores per symbol and fold, and importances per fold."""

import numpy as np
import pandas as pd

from foxml_assets.evidence.arrays import Floats
from foxml_assets.evidence.scores.pooled_or_own import SymbolScores
from foxml_assets.evidence.screening.predictions import TargetCase

MODELS = ("local", "pooled", "both")
# The columns of `importance_table`.
IMPORTANCES = ("fold", "feature", "gain", "weight")


def score_table(case: TargetCase, found: tuple[SymbolScores, ...]) -> pd.DataFrame:
    """Within-symbol scores per symbol, model (`local`, `pooled`, `both`) and fold, with its windows."""
    n_symbols, n_folds = len(case.panel.symbols), len(case.folds)
    # From symbols x folds x models to symbols x models x folds, the order of the rows below.
    values = np.stack([one.by_fold for one in found]).transpose(0, 2, 1)
    times = case.panel.times
    last = len(times) - 1
    windows = [
        tuple(times[min(bar, last)].isoformat() for bar in (fold.train_stop, fold.test_start, fold.test_stop))
        for fold in case.folds
    ]
    table = pd.DataFrame(
        {
            "symbol": np.repeat(np.array(case.panel.symbols, dtype=object), len(MODELS) * n_folds),
            "model": np.tile(np.repeat(np.array(MODELS, dtype=object), n_folds), n_symbols),
            "fold": np.tile(np.arange(n_folds), n_symbols * len(MODELS)),
            "score": values.ravel(),
        }
    )
    for at, name in enumerate(("train_stop", "test_start", "test_stop")):
        table[name] = np.array([window[at] for window in windows], dtype=object)[table["fold"].to_numpy()]
    text = dict.fromkeys(("symbol", "model", "train_stop", "test_start", "test_stop"), "str")
    scored = table[np.isfinite(table["score"])].reset_index(drop=True)
    return pd.DataFrame(scored.astype(text))


def importance_table(case: TargetCase, gain: Floats, weights: Floats) -> pd.DataFrame:
    """Of the pooled model per fold and feature: gain of the trees and coefficient of the ridge's z-score."""
    n_folds, n_features = len(case.folds), len(case.panel.features)
    return pd.DataFrame(
        {
            "fold": np.repeat(np.arange(n_folds), n_features),
            "feature": pd.Series(list(case.panel.features) * n_folds, dtype="str"),
            "gain": gain.ravel(),
            "weight": weights.ravel(),
        }
    )


def read_importance_table(table: pd.DataFrame) -> tuple[tuple[str, ...], Floats, Floats]:
    """Features, gain and weights (folds x features) as `importance_table` was given them."""
    n_folds = int(table["fold"].max()) + 1 if len(table) else 0
    # Each fold lists all features in the same order, so the first fold tells them.
    features = tuple(table["feature"].iloc[: len(table) // max(n_folds, 1)])
    gain, weights = (
        table[name].to_numpy(dtype=np.float64, na_value=np.nan).reshape(n_folds, len(features))
        for name in ("gain", "weight")
    )
    return features, gain, weights


def mean_importance(gain: Floats, weights: Floats) -> Floats:
    """Importance of every feature over folds: the mean of its shares of gain and of absolute weight."""
    known = [share for share in map(mean_shares, (gain, weights)) if np.isfinite(share).any()]
    if not known:
        return np.zeros(gain.shape[1])
    return np.asarray(np.mean([np.nan_to_num(share) for share in known], axis=0))


def mean_shares(values: Floats) -> Floats:
    """The mean over folds of each feature's share of all absolute values; NaN where there is no model."""
    values = np.abs(values)
    total = np.nansum(values, axis=1, keepdims=True)
    shares: Floats = np.full(values.shape, np.nan)
    np.divide(values, total, out=shares, where=np.isfinite(values) & (total > 0.0))
    known = shares[np.isfinite(shares).any(axis=1)]
    return np.asarray(np.nanmean(known, axis=0)) if len(known) else np.full(values.shape[1], np.nan)
