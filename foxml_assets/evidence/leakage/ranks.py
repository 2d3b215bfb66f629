"""Features as ranks within symbols, and how well each alone orders a label."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foxml_assets.core.vocabulary import TaskType
from foxml_assets.evidence.arrays import FEWEST_ROWS, Floats, Ints, PanelArrays
from foxml_assets.families.threads import map_threads
from foxml_assets.panel.data_config import EvidenceConfig
from foxml_assets.panel.panel_info import TargetSpec

# A class whose rows all lie in a few episodes tells nothing: any slow feature orders those by luck.
_MIN_EPISODES = 5
_FEWEST_TOGETHER = 20


@dataclass(frozen=True)
class FeatureRanks:
    """Mid-ranks of every feature within its symbol, scaled to (-0.5, 0.5), NaN where it is missing.

    Or what is left of them, of which nothing is known in a symbol's first `lost_rows`.
    """

    panel: PanelArrays
    ranks: npt.NDArray[np.float32]
    lost_rows: int = 0


@dataclass(frozen=True)
class LabelView:
    """One target's labels on the rows of the panel, NaN where missing."""

    spec: TargetSpec
    y: Floats


def feature_ranks(panel: PanelArrays, config: EvidenceConfig) -> FeatureRanks:
    """Rank all features, symbol by symbol."""
    ranks = np.empty(panel.X.shape, dtype=np.float32)

    def one(symbol: int) -> None:
        rows = panel.rows_of(symbol)
        if rows.stop > rows.start:
            ranks[rows] = scaled_ranks(np.asarray(panel.X[rows], dtype=np.float64))

    list(map_threads(one, range(len(panel.symbols)), config.threads))
    return FeatureRanks(panel, ranks)


def label_ranks(panel: PanelArrays, label: LabelView) -> list[Floats]:
    """The ranks of the labels within each symbol, rows x 1."""
    return [scaled_ranks(label.y[panel.rows_of(symbol)][:, None]) for symbol in range(len(panel.symbols))]


def scaled_ranks(values: Floats) -> Floats:
    """Mid-ranks along the first axis, scaled to (-0.5, 0.5); NaN stays NaN and counts for nothing."""
    from scipy.stats import rankdata

    known = ~np.isnan(values)
    # Infinity ranks last, so the ranks of known values are those among known values only.
    ranked = rankdata(np.where(known, values, np.inf), axis=0)
    return np.where(known, (ranked - 0.5) / np.maximum(known.sum(axis=0), 1) - 0.5, np.nan)


def label_skill(
    features: FeatureRanks, label: LabelView, columns: Ints, config: EvidenceConfig, lag: int = 0
) -> Floats:
    """Skill (2 AUC - 1, or rank correlation) of each feature in `columns` on every symbol, `lag` rows ago.

    Symbols x columns. A negative lag reads later rows. NaN where too few rows are known
    (`rows_to_examine`, but for those that the lag or the features lost), a class holds too few, or either
    side is constant.
    """
    panel = features.panel
    examined = rows_to_examine(panel, label, config)
    least = max(examined - abs(lag) - features.lost_rows, min(examined, FEWEST_ROWS) // 2)
    # Rows of one horizon are one episode, because their labels overlap. Short symbols, which are looked at
    # together, have no room for so many.
    episodes = _MIN_EPISODES * label.spec.horizon_bars
    of_class = episodes if _usual_rows(panel, label) >= FEWEST_ROWS else min(episodes, examined // 8)

    def one(symbol: int) -> Floats:
        rows = panel.rows_of(symbol)
        r = shifted(features.ranks[rows][:, columns], lag).astype(np.float64)
        return _symbol_skill(r, label.y[rows], label.spec, least, of_class)

    return np.stack(list(map_threads(one, range(len(panel.symbols)), config.threads)))


def rows_to_examine(panel: PanelArrays, label: LabelView, config: EvidenceConfig) -> int:
    """Labelled rows from which on a symbol is examined: `min_rows`, or what its symbols have where most have
    fewer, but never less than _FEWEST_TOGETHER. Those with less than FEWEST_ROWS tell something together."""
    return min(config.min_rows, max(_usual_rows(panel, label), _FEWEST_TOGETHER))


def labelled_rows(panel: PanelArrays, y: Floats) -> Ints:
    """How many rows of each symbol have a label."""
    return np.bincount(panel.code[~np.isnan(y)], minlength=len(panel.symbols))


def _usual_rows(panel: PanelArrays, label: LabelView) -> int:
    """The median labelled rows of the symbols that have rows, 0 without any."""
    counts = labelled_rows(panel, label.y)[np.diff(panel.starts) > 0]
    return int(np.median(counts)) if len(counts) else 0


def _symbol_skill(r: Floats, y: Floats, spec: TargetSpec, min_rows: int, class_rows: int) -> Floats:
    from scipy.stats import rankdata

    labelled = ~np.isnan(y)
    r, label = r[labelled], y[labelled]
    known = ~np.isnan(r)
    r = np.where(known, r, 0.0)
    n = known.sum(axis=0).astype(np.float64)
    if spec.task_type is TaskType.CLASSIFICATION:
        positive = label > 0.5
        n_positive = known[positive].sum(axis=0)
        n_negative = n - n_positive
        enough = np.minimum(n_positive, n_negative) >= max(1, class_rows)
        # Mean ranks of the two classes differ by AUC - 0.5 (Mann-Whitney), ranks being scaled to length 1.
        above = _divide(r[positive].sum(axis=0), n_positive, enough)
        skill = 2.0 * (above - _divide(r[~positive].sum(axis=0), n_negative, enough))
    else:
        skill = _correlation(r, np.asarray(rankdata(label)) if len(label) else label, known, n)
    # Ranks are those among all rows, labelled or not: the result is that close to AUC, and may pass 1.
    return np.where(n >= min_rows, np.clip(skill, -1.0, 1.0), np.nan)


def shifted(values: npt.NDArray[np.floating], lag: int) -> npt.NDArray[np.floating]:
    """The values `lag` rows earlier (later, if negative); NaN where there are none."""
    out = np.full_like(values, np.nan)
    if lag == 0:
        return values
    if abs(lag) < len(values):
        if lag > 0:
            out[lag:] = values[:-lag]
        else:
            out[:lag] = values[-lag:]
    return out


def _correlation(r: Floats, label: Floats, known: npt.NDArray[np.bool_], n: Floats) -> Floats:
    count = np.maximum(n, 1.0)
    weight = known.astype(np.float64)
    # Sums over the rows each column knows: r is 0 at the others, and `weight` leaves out their labels.
    x_sum, y_sum = r.sum(axis=0), label @ weight
    cross = label @ r - x_sum * y_sum / count
    xx = (r * r).sum(axis=0) - x_sum**2 / count
    yy = (label * label) @ weight - y_sum**2 / count
    scale = np.sqrt(np.maximum(xx, 0.0) * np.maximum(yy, 0.0))
    return _divide(cross, scale, scale > 1e-9)


def _divide(numerator: Floats, denominator: Floats, where: npt.NDArray[np.bool_]) -> Floats:
    out: Floats = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=out, where=where & (denominator > 0))
    return out
