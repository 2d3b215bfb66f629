"""Which model families can be fitted on a target at all, found out by fitting them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foxml_assets.errors import TrainingError
from foxml_assets.families.registry import fit, probe_params
from foxml_assets.selection.config import EvidenceConfig
from foxml_assets.selection.target_data import Flags, TargetData
from foxml_assets.vocabulary import ModelFamily


@dataclass(frozen=True)
class FamilyOutcome:
    """One family tried on `rows` rows; `error` is empty where it fitted and predicts finite values."""

    family: ModelFamily
    rows: int
    error: str


def probe_families(
    data: TargetData, pooled_symbols: Flags, config: EvidenceConfig
) -> tuple[FamilyOutcome, ...]:
    """Fit each configured family on a few labelled rows, spread evenly over all symbols and times."""
    usable = np.flatnonzero(data.labelled & np.repeat(pooled_symbols, np.diff(data.starts)))
    count = min(config.probe_rows, len(usable))
    rows = usable[np.linspace(0, len(usable) - 1, count).astype(np.int64)] if count else usable
    return tuple(
        FamilyOutcome(family, count, _probe(family, data, rows, config.seed)) for family in config.families
    )


def successful(outcomes: Sequence[FamilyOutcome]) -> tuple[ModelFamily, ...]:
    """The families that could be fitted."""
    return tuple(outcome.family for outcome in outcomes if not outcome.error)


def failed(outcomes: Sequence[FamilyOutcome]) -> tuple[ModelFamily, ...]:
    """The families that could not."""
    return tuple(outcome.family for outcome in outcomes if outcome.error)


def _probe(family: ModelFamily, data: TargetData, rows: np.ndarray, seed: int) -> str:
    try:
        model = fit(
            family, data.spec.task_type, data.X[rows], data.y[rows], params=probe_params(family), seed=seed
        )
        finite = bool(np.isfinite(model.predict(data.X[rows])).all())
    except (TrainingError, ImportError) as error:
        return str(error)
    return "" if finite else "predictions are not finite"
