"""The tables beside the evidence: scores per fold, and importances per fold."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from foxml_assets.selection.blocks import whole_windows
from foxml_assets.selection.crossfit import CrossFit
from foxml_assets.selection.estimates import metric_of
from foxml_assets.selection.scores import replicate_scores
from foxml_assets.selection.stability import excess_gain
from foxml_assets.selection.target_data import Floats, TargetData


@dataclass(frozen=True)
class FoldScore:
    """One model on one symbol in one fold; times are the first ones of training end and test."""

    symbol: str
    model: str
    fold: int
    train_stop: str
    test_start: str
    test_stop: str
    n_rows: int
    score: float


def score_table(data: TargetData, fit: CrossFit) -> pd.DataFrame:
    """Within-symbol scores per symbol, model (`pooled`, `local`, `both`) and fold."""
    rows = [asdict(score) for score in _scores(data, fit)]
    columns = list(FoldScore.__dataclass_fields__)
    return pd.DataFrame(rows, columns=columns).astype(
        {"fold": "int64", "n_rows": "int64", "score": "float64"}
    )


def importance_table(data: TargetData, fit: CrossFit) -> pd.DataFrame:
    """Gain, gain under a shifted label and the excess share, per model, fold and feature."""
    parts = [
        pd.DataFrame(
            {
                "symbol": pd.Series([one.symbol] * len(data.features), dtype="str"),
                "fold": one.fold,
                "feature": pd.Series(data.features, dtype="str"),
                "gain": one.gain,
                "null_gain": one.null_gain,
                "excess_share": excess_gain(one),
            }
        )
        for one in fit.importances
    ]
    columns = ["symbol", "fold", "feature", "gain", "null_gain", "excess_share"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _scores(data: TargetData, fit: CrossFit) -> Iterator[FoldScore]:
    metric = metric_of(data.spec.task_type)
    both = 0.5 * (fit.pooled + fit.local)
    predictions: tuple[tuple[str, Floats], ...] = (
        ("pooled", fit.pooled),
        ("local", fit.local),
        ("both", both),
    )
    blocks = whole_windows(data.folds)
    for code, symbol in enumerate(data.symbols):
        rows = data.rows_of(code)
        for fold in data.folds:
            inside = fit.fold[rows] == fold.index
            for model, prediction in predictions:
                scored = inside & ~np.isnan(prediction[rows])
                if not scored.any():
                    continue
                y, x, bar = data.y[rows][scored], prediction[rows][scored], data.bar[rows][scored]
                score = replicate_scores(metric, y, x, bar, blocks)[0]
                yield FoldScore(
                    symbol=symbol,
                    model=model,
                    fold=fold.index,
                    train_stop=_time(data, fold.train_stop),
                    test_start=_time(data, fold.test_start),
                    test_stop=_time(data, fold.test_stop),
                    n_rows=int(scored.sum()),
                    score=float(score),
                )


def _time(data: TargetData, bar: int) -> str:
    return data.times[min(bar, len(data.times) - 1)].isoformat()
