"""How well one feature alone orders the label, within symbols: now, a horizon ago, a horizon ahead."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from foxml_assets.selection.config import EvidenceConfig
from foxml_assets.selection.target_data import Flags, Floats, Ints, TargetData
from foxml_assets.vocabulary import TaskType

# A class whose rows all lie in a few episodes tells nothing: any slow feature orders those by luck.
_MIN_EPISODES = 5


@dataclass(frozen=True)
class FeatureSkill:
    """Signed skill of single features: symbols x features, NaN where it cannot be measured.

    `lagged` is the skill of the feature's value one horizon earlier, `ahead` of the one a horizon later.
    `rows` counts the labelled rows of each symbol.
    """

    now: Floats
    lagged: Floats
    ahead: Floats
    rows: Ints


def feature_skill(data: TargetData, config: EvidenceConfig) -> FeatureSkill:
    """Skill of every feature of `data` on every symbol."""
    horizon = data.spec.horizon_bars
    classification = data.spec.task_type is TaskType.CLASSIFICATION
    min_class_rows = _MIN_EPISODES * horizon

    def measure(symbol: int) -> tuple[Floats, Floats, Floats]:
        rows = data.rows_of(symbol)
        X, y = data.X[rows].astype(np.float64), data.y[rows]
        labelled = ~np.isnan(y)
        now, lagged, ahead = (
            single_skill(
                shifted[labelled],
                y[labelled],
                classification=classification,
                min_rows=config.min_rows,
                min_class_rows=min_class_rows,
            )
            for shifted in (X, _shift(X, horizon), _shift(X, -horizon))
        )
        return now, lagged, ahead

    with ThreadPoolExecutor(max_workers=config.threads) as pool:
        measured = list(pool.map(measure, range(len(data.symbols))))
    now, lagged, ahead = (np.vstack([one[at] for one in measured]) for at in range(3))
    counts = np.add.reduceat(data.labelled.astype(np.int64), data.starts[:-1])
    return FeatureSkill(now=now, lagged=lagged, ahead=ahead, rows=counts)


def single_skill(X: Floats, y: Floats, *, classification: bool, min_rows: int, min_class_rows: int) -> Floats:
    """2 AUC - 1, or the rank correlation, of every column of `X` (rows x features) with `y` (rows).

    A column counts on the rows it is known in. NaN where these are fewer than `min_rows`, or a class has
    fewer than `min_class_rows`, or either side is constant.
    """
    known = ~np.isnan(X)
    counts = known.sum(axis=0)
    if len(y) == 0:
        return np.full(X.shape[1], np.nan)
    # Infinity ranks last, so the ranks of known values are those among known values only.
    ranks = np.where(known, rankdata(np.where(known, X, np.inf), axis=0), 0.0)
    if classification:
        skill = _signed_auc(ranks, y > 0.5, known, min_class_rows)
    else:
        skill = _correlation(ranks, rankdata(y), known)
    return np.where(counts >= min_rows, skill, np.nan)


def _signed_auc(ranks: Floats, positive: Flags, known: Flags, min_class_rows: int) -> Floats:
    chosen = positive[:, None] & known
    n_positive = chosen.sum(axis=0).astype(np.float64)
    n_negative = known.sum(axis=0) - n_positive
    above = np.where(chosen, ranks, 0.0).sum(axis=0) - n_positive * (n_positive + 1.0) / 2.0
    enough = np.minimum(n_positive, n_negative) >= max(1, min_class_rows)
    return 2.0 * _divide(above, n_positive * n_negative, enough) - 1.0


def _correlation(ranks: Floats, y_rank: Floats, known: Flags) -> Floats:
    n = np.maximum(known.sum(axis=0), 1)
    x = np.where(known, ranks - ranks.sum(axis=0) / n, 0.0)
    y = np.where(known, y_rank[:, None], 0.0)
    y = np.where(known, y - y.sum(axis=0) / n, 0.0)
    scale = np.sqrt((x * x).sum(axis=0) * (y * y).sum(axis=0))
    return _divide((x * y).sum(axis=0), scale, scale > 0.0)


def _divide(numerator: Floats, denominator: Floats, where: Flags) -> Floats:
    out: Floats = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=out, where=where)
    return out


def _shift(X: Floats, rows: int) -> Floats:
    shifted: Floats = np.full_like(X, np.nan)
    if rows > 0:
        shifted[rows:] = X[:-rows]
    else:
        shifted[:rows] = X[-rows:]
    return shifted
