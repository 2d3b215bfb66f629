"""How a feature's news relates to a label: as a copy does, or as something that drives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from foxml_assets.core.metrics import ScoreMetric, metric_of
from foxml_assets.evidence.arrays import FEWEST_ROWS, Flags, Floats, Ints, PanelArrays
from foxml_assets.evidence.leakage.ranks import (
    FeatureRanks,
    LabelView,
    label_skill,
    labelled_rows,
    shifted,
)
from foxml_assets.evidence.scores.sums import block_sums, scores
from foxml_assets.panel.data_config import EvidenceConfig

# Agreement with the label's own memory is asked for within this share of the skill, and 3 standard errors.
_PROFILE_TOLERANCE = 0.1
_PROFILE_ERRORS = 3.0
# Share of the skill that counts as a large gap.
_TELLING = 0.6
_MAX_NEWS_LAGS = 20
_SOME_MEMORY = 0.3


def mean_skill(skill: Floats) -> Floats:
    """The mean over symbols (rows) of what is known; NaN where nothing is."""
    known = ~np.isnan(skill)
    counts = known.sum(axis=0)
    out: Floats = np.full(skill.shape[1], np.nan)
    np.divide(np.where(known, skill, 0.0).sum(axis=0), counts, out=out, where=counts > 0)
    return out


@dataclass(frozen=True)
class LabelMemory:
    """How well the label's own news tells the label `lag` rows later (earlier, if negative), as a share of
    how well it tells it in the same row."""

    share: Mapping[int, float]
    horizon: int

    @property
    def fades(self) -> bool:
        """Whether it is still known a row away, but not a horizon away on one side at least.

        Only then does a lag profile tell a copy from honest news: without memory both are gone in a row, and
        what stays as it is fades like anything that moves as slowly.
        """
        near = max(self.share[1], self.share[-1])
        far = min(self.share[self.horizon], self.share[-self.horizon])
        return near >= _SOME_MEMORY and far < _SOME_MEMORY


def label_memory(own_news: FeatureRanks, label: LabelView, config: EvidenceConfig) -> LabelMemory:
    """The memory of a label, of its `own_news` (`label_news`)."""
    horizon, column = label.spec.horizon_bars, np.array([0])

    def skill(lag: int) -> float:
        return float(np.nan_to_num(mean_skill(label_skill(own_news, label, column, config, lag))[0]))

    now = skill(0)
    lags = _profile_lags(horizon)
    return LabelMemory({lag: skill(lag) / now if now > 0.0 else 0.0 for lag in lags}, horizon)


def moves_like_the_label(
    news: FeatureRanks, label: LabelView, memory: LabelMemory, columns: Ints, config: EvidenceConfig
) -> tuple[Flags, Flags]:
    """Where a feature's news fades over earlier and later rows as the label's own news does.

    What a copy, y plus noise, brings beyond the panel's past is what the label brings beyond it, plus noise,
    and orders the label k rows away by its skill times the memory at k. What drives the label keeps its
    skill for as long as its memory lasts, and differs before and after. Symbols x columns, and the same for
    the mean over symbols.
    """
    panel = news.panel
    skill = label_skill(news, label, columns, config)
    error = _skill_errors(panel, label)[:, None]
    known = np.maximum((~np.isnan(skill)).sum(axis=0), 1)
    now = np.abs(mean_skill(skill))
    alike, overall = np.ones(skill.shape, dtype=bool), np.ones(len(columns), dtype=bool)
    for lag, share in memory.share.items():
        gap = label_skill(news, label, columns, config, lag) - share * skill
        alike &= np.abs(gap) <= _allowed(skill, error)
        mean = mean_skill(gap)
        spread = np.sqrt(np.nan_to_num(mean_skill((gap - mean) ** 2)) / known)
        # Symbols that move together make their mean less sure than their spread says.
        least = 0.5 * float(np.median(error)) / np.sqrt(known)
        allowed = _allowed(now, np.maximum(spread, least))
        # Over all symbols a large gap must be out of the question, not only unseen.
        overall &= (np.abs(mean) <= allowed) & (allowed <= _TELLING * now)
    return alike, overall


def is_beyond_chance(skill: Floats, panel: PanelArrays, label: LabelView) -> Flags:
    """Whether the mean over symbols of a skill (symbols x columns) is more than luck makes of so few rows."""
    known = np.maximum((~np.isnan(skill)).sum(axis=0), 1)
    error = float(np.median(_skill_errors(panel, label))) / np.sqrt(known)
    return np.asarray(np.abs(np.nan_to_num(mean_skill(skill))) >= _PROFILE_ERRORS * error)


def beyond_others_here(skill: Floats, panel: PanelArrays, label: LabelView) -> Flags:
    """The same on each symbol alone (symbols x columns), and beyond what the feature has on all of them: of
    many short symbols some have the double of it by luck."""
    error = _skill_errors(panel, label)[:, None]
    common = np.nan_to_num(mean_skill(skill))
    beyond = np.minimum(np.abs(np.nan_to_num(skill)), np.abs(np.nan_to_num(skill) - common))
    return np.asarray(beyond >= _PROFILE_ERRORS * error)


def found_together(near: Flags, skill: Floats, panel: PanelArrays, label: LabelView, least: float) -> Flags:
    """`near` (symbols x features) without what a short symbol shows alone.

    Luck is as great on so few rows: all of them together must show `least` of skill.
    """
    short = labelled_rows(panel, label.y) < FEWEST_ROWS
    together = np.abs(np.nan_to_num(mean_skill(skill[short]))) >= least
    return np.asarray(near & (together[None, :] | ~short[:, None]))


def _skill_errors(panel: PanelArrays, label: LabelView) -> Floats:
    """Standard error of a single feature's skill on each symbol, overlapping labels counted once."""
    rows = labelled_rows(panel, label.y)
    # Of n independent rows a rank correlation has variance 1 / n; rows of one horizon count as one.
    return np.asarray(np.sqrt(label.spec.horizon_bars / np.maximum(rows, 1.0)))


def _allowed(skill: Floats, error: Floats) -> Floats:
    return np.asarray(_PROFILE_TOLERANCE * np.abs(skill) + _PROFILE_ERRORS * error)


def made_of_news(news: FeatureRanks, label: LabelView, column: int) -> float:
    """Mean within-symbol skill at telling the label from one feature's news of the last horizon.

    A window that reaches into the future brings the label piece by piece: no single value copies it, the
    news of one horizon together do. Least squares on the earlier half of the bars, scored on the later; NaN
    where no symbol has enough rows.
    """
    lags = min(label.spec.horizon_bars, _MAX_NEWS_LAGS)
    panel = news.panel
    middle = float(np.median(panel.bar))
    gram, cross = np.zeros((lags, lags)), np.zeros(lags)
    later: list[tuple[Floats, Floats]] = []
    for symbol in range(len(panel.symbols)):
        rows = panel.rows_of(symbol)
        series = news.ranks[rows][:, [column]].astype(np.float64)
        table, y, bar = (
            np.hstack([shifted(series, lag) for lag in range(lags)]),
            label.y[rows],
            panel.bar[rows],
        )
        known = ~np.isnan(table).any(axis=1) & ~np.isnan(y)
        # Labels of the earlier half end before the later one begins.
        early, late = known & (bar < middle - label.spec.horizon_bars), known & (bar >= middle)
        # Fewer rows teach so many weights nothing.
        if min(early.sum(), late.sum()) < 2 * lags + 20:
            continue
        # Centred by symbol, as levels of symbols teach nothing; in X'y the mean of y then cancels.
        centred = table[early] - table[early].mean(axis=0)
        gram += centred.T @ centred
        cross += centred.T @ y[early]
        later.append((table[late], y[late]))
    if not later or not np.trace(gram) > 0.0:
        return float("nan")
    # A thousandth of the mean diagonal: keeps the system regular and hardly shrinks the weights.
    ridge = 1e-3 * np.trace(gram) / lags * np.eye(lags)
    weights = np.linalg.solve(gram + ridge, cross)
    metric = metric_of(label.spec.task_type)
    found = [metric.to_skill(_one_score(metric, y, table @ weights)) for table, y in later]
    known_skill = [value for value in found if np.isfinite(value)]
    return float(np.mean(known_skill)) if known_skill else float("nan")


def skill_in_the_horizon(
    features: FeatureRanks, label: LabelView, columns: Ints, config: EvidenceConfig
) -> Floats:
    """Mean skill of what the features in `columns` are in the middle of the label's horizon; 0 where unknown.

    A label that is the future of a feature is nearest to it there, a copy of the label is nearest in its row.
    """
    middle = (label.spec.horizon_bars + 1) // 2
    return np.nan_to_num(mean_skill(label_skill(features, label, columns, config, -middle)))


def feature_memory(features: FeatureRanks, column: int, lag: int) -> float:
    """Mean autocorrelation of a feature's ranks at `lag` over symbols; 0 where it is unknown."""
    panel = features.panel
    by_symbol = [features.ranks[panel.rows_of(symbol)][:, [column]] for symbol in range(len(panel.symbols))]
    return float(np.mean(_memory([ranks.astype(np.float64) for ranks in by_symbol], lag)))


def _autocorrelation(ranks: Floats, lag: int) -> float:
    moved = shifted(ranks, lag)
    both = ~np.isnan(ranks[:, 0]) & ~np.isnan(moved[:, 0])
    a, b = ranks[both, 0], moved[both, 0]
    if len(a) <= 2 or not np.ptp(a) > 0.0 or not np.ptp(b) > 0.0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _one_score(metric: ScoreMetric, y: Floats, prediction: Floats) -> float:
    same = np.zeros(len(y), dtype=np.int64)
    return float(scores(block_sums(metric, y, prediction[None, :], same, same, 1)).value[0])


def _profile_lags(horizon: int) -> tuple[int, ...]:
    """A row, half a horizon and a horizon away, before and after."""
    near = sorted({1, (horizon + 1) // 2, horizon})
    return (*near, *(-lag for lag in near))


def _memory(ranks: Sequence[Floats], lag: int) -> Floats:
    """Autocorrelation at `lag` of each symbol's ranks (rows x 1); 0 where it is unknown."""
    return np.array([_autocorrelation(one, lag) for one in ranks])
