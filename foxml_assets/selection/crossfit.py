"""Out-of-fold predictions of the pooled model and of every symbol's own model."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from foxml_assets.selection.config import EvidenceConfig
from foxml_assets.selection.folds import Fold
from foxml_assets.selection.screening import BinnedPanel, Screened, bin_panel, screen
from foxml_assets.selection.target_data import Flags, Floats, Ints, TargetData
from foxml_assets.vocabulary import TaskType


@dataclass(frozen=True)
class Importance:
    """Gains of one fitted model; `symbol` is None for the pooled one."""

    fold: int
    symbol: str | None
    gain: Floats
    null_gain: Floats


@dataclass(frozen=True)
class CrossFit:
    """Predictions per row, NaN where a row was not tested; `fold` is -1 there."""

    fold: Ints
    pooled: Floats
    local: Floats
    importances: tuple[Importance, ...]


def cross_fit(
    data: TargetData, pooled_symbols: Flags, config: EvidenceConfig, progress: Callable[[str], None]
) -> CrossFit:
    """Fit one pooled and one model per symbol on every fold.

    `pooled_symbols` marks the symbols whose rows the pooled model may train on; it predicts all. A
    model with fewer than `min_rows` labelled rows, or with a single class, is not fitted.
    """
    binned = bin_panel(data, config)
    # The pooled fits are the long ones: first, so that no thread waits for them at the end.
    jobs: list[tuple[Fold, int | None]] = [(fold, None) for fold in reversed(data.folds)]
    jobs += [(fold, code) for fold in reversed(data.folds) for code in range(len(data.symbols))]

    def run(job: tuple[Fold, int | None]) -> Screened | None:
        return _screen_one(binned, data, job[0], job[1], pooled_symbols, config.min_rows)

    progress(f"fitting {len(jobs)} models")
    with ThreadPoolExecutor(max_workers=config.threads) as pool:
        results = list(pool.map(run, jobs))
    return _assemble(data, jobs, results)


def test_rows(data: TargetData, fold: Fold, symbol: int | None) -> Flags:
    """The labelled rows of the fold's test window, of one symbol or of all."""
    return _labelled_between(data, fold.test_start, fold.test_stop, symbol)


def _labelled_between(data: TargetData, start: int, stop: int, symbol: int | None) -> Flags:
    if symbol is None:
        return data.labelled & (data.bar >= start) & (data.bar < stop)
    chosen = np.zeros(len(data.y), dtype=bool)
    rows = data.rows_of(symbol)
    chosen[rows] = data.labelled[rows] & (data.bar[rows] >= start) & (data.bar[rows] < stop)
    return chosen


def _screen_one(
    binned: BinnedPanel,
    data: TargetData,
    fold: Fold,
    symbol: int | None,
    pooled_symbols: Flags,
    min_rows: int,
) -> Screened | None:
    train = _labelled_between(data, 0, fold.train_stop, symbol)
    if symbol is None:
        train &= np.repeat(pooled_symbols, np.diff(data.starts))
    test = test_rows(data, fold, symbol)
    if int(train.sum()) < min_rows or not test.any():
        return None
    if data.spec.task_type is TaskType.CLASSIFICATION and len(np.unique(data.y[train])) < 2:
        return None
    return screen(binned, data, train, test)


def _assemble(
    data: TargetData, jobs: list[tuple[Fold, int | None]], results: list[Screened | None]
) -> CrossFit:
    n = len(data.y)
    fold_of = np.full(n, -1, dtype=np.int64)
    pooled, local = np.full(n, np.nan), np.full(n, np.nan)
    importances: list[Importance] = []
    for (fold, code), result in zip(jobs, results, strict=True):
        if result is None:
            continue
        test = test_rows(data, fold, code)
        fold_of[test] = fold.index
        (pooled if code is None else local)[test] = result.prediction
        symbol = None if code is None else data.symbols[code]
        importances.append(Importance(fold.index, symbol, result.gain, result.null_gain))
    importances.sort(key=lambda one: (one.symbol is not None, one.symbol or "", one.fold))
    return CrossFit(fold=fold_of, pooled=pooled, local=local, importances=tuple(importances))
