"""Which model families can be fitted on a target at all, found out by fitting them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foxml_assets.core.errors import TrainingError
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.evidence.arrays import Ints
from foxml_assets.evidence.screening.predictions import TargetCase
from foxml_assets.families.registry import fit, probe_params


@dataclass(frozen=True)
class FamilyOutcome:
    """One family tried on `rows` rows; `error` is empty where it fitted and predicts finite values."""

    family: ModelFamily
    rows: int
    error: str


def probe_families(case: TargetCase) -> tuple[FamilyOutcome, ...]:
    """Fit each configured family on a few labelled rows, spread evenly over all symbols and times."""
    pooled = np.repeat(case.leaks.pooled, np.diff(case.panel.starts))
    usable = np.flatnonzero(~np.isnan(case.y) & pooled)
    count = min(case.config.probe_rows, len(usable))
    # Rows are sorted by symbol and time, so even steps reach all of both.
    rows = usable[np.linspace(0, len(usable) - 1, count).astype(np.int64)] if count else usable
    return tuple(FamilyOutcome(family, count, _probe(family, case, rows)) for family in case.config.families)


def successful(outcomes: Sequence[FamilyOutcome]) -> tuple[ModelFamily, ...]:
    """The families that could be fitted."""
    return tuple(outcome.family for outcome in outcomes if not outcome.error)


def failed(outcomes: Sequence[FamilyOutcome]) -> tuple[ModelFamily, ...]:
    """The families that could not."""
    return tuple(outcome.family for outcome in outcomes if outcome.error)


def _probe(family: ModelFamily, case: TargetCase, rows: Ints) -> str:
    X, y = case.panel.X[rows][:, case.leaks.usable], case.y[rows]
    try:
        model = fit(family, case.spec.task_type, X, y, params=probe_params(family), seed=case.config.seed)
        finite = bool(np.isfinite(model.predict(X)).all())
    except (TrainingError, ImportError) as error:
        return str(error)
    return "" if finite else "predictions are not finite"
