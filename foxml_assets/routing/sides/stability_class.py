"""How steady feature importances are between snapshots, as one of four words."""

from dataclasses import dataclass

import numpy as np

from foxml_assets.core.vocabulary import Stability
from foxml_assets.routing.candidates.table_columns import Bools, Codes, Floats, code
from foxml_assets.routing.policy.routing_config import StabilityClassification


@dataclass(frozen=True)
class SnapshotRows:
    """Agreement of importance snapshots per row; NaN where it was not measured."""

    n_snapshots: Floats
    mean_overlap: Floats
    std_overlap: Floats
    mean_tau: Floats
    std_tau: Floats


@dataclass(frozen=True)
class SkillOverTime:
    """How a row's skill holds over the folds, in standard errors; NaN where it was not measured.

    `fade` is the earlier score minus the recent one, `recent` the recent skill itself.
    """

    fade: Floats
    recent: Floats

    @property
    def known(self) -> Bools:
        return np.isfinite(self.fade) & np.isfinite(self.recent)


def classify_stability(
    metrics: SnapshotRows,
    skill: SkillOverTime,
    stated: Codes,
    rules: StabilityClassification,
    pooled_gone: Bools,
) -> Codes:
    """Stability codes of all rows; `pooled_gone` marks symbols of targets whose pooled skill is gone.

    A row whose skill was followed over the folds is classified by it, else by the agreement of its importance
    snapshots, else by what its source states (`stated`, a code or negative).
    """
    by_snapshots = _by_snapshots(metrics, stated, rules)
    fades = skill.fade >= rules.fade_z
    # One symbol shows too little to tell fading alone; where that of all has faded, its sign is enough.
    in_doubt = (fades | (pooled_gone & (skill.fade >= 0.0))) & (skill.recent < rules.gone_z)
    # Faded until the recent skill is in doubt, or by now clearly worse than chance.
    gone = in_doubt | (skill.recent <= -rules.fade_z)
    by_skill = np.select(
        [gone, fades], [code(Stability.DIVERGED), code(Stability.DRIFTING)], code(Stability.STABLE)
    )
    return np.where(skill.known, by_skill, by_snapshots).astype(np.int8)


def _by_snapshots(metrics: SnapshotRows, stated: Codes, rules: StabilityClassification) -> Codes:
    measured = ~(np.isnan(metrics.mean_overlap) & np.isnan(metrics.mean_tau))
    enough = metrics.n_snapshots >= rules.min_snapshots_for_stability
    unsteady = (metrics.std_overlap > rules.max_std_overlap) | (metrics.std_tau > rules.max_std_tau)
    stable = (metrics.mean_overlap >= rules.stable_overlap_min) & (metrics.mean_tau >= rules.stable_tau_min)
    drifting = (metrics.mean_overlap >= rules.drifting_overlap_min) & (
        metrics.mean_tau >= rules.drifting_tau_min
    )
    below = (metrics.mean_overlap < rules.drifting_overlap_min) | (metrics.mean_tau < rules.drifting_tau_min)
    # A source that does not say from how many snapshots it judged is believed.
    trusted = (np.isnan(metrics.n_snapshots) | enough) & (stated >= 0)
    # The first that holds counts. Comparisons with NaN are false, so a row with one measure of the two,
    # and that one good, meets none and is UNKNOWN.
    conditions = [~measured & trusted, ~(measured & enough), unsteady, stable, drifting, below]
    word = Stability
    words = (word.UNKNOWN, word.DIVERGED, word.STABLE, word.DRIFTING, word.DIVERGED)
    return np.select(conditions, [stated, *map(code, words)], code(word.UNKNOWN)).astype(np.int8)
