"""A small panel with three targets that many tests evaluate."""

import numpy as np
import pandas as pd
from evidence_panels import ahead, as_class, autoregressive, panel_frame

from foxml_assets.evidence.target_evidence import RowEvidence, TargetEvidence

VALUE, UP, LONG = "fwd_value_2d", "y_up_2d", "fwd_long_4d"


def small_frame(n_bars: int = 480, n_symbols: int = 3, seed: int = 0) -> pd.DataFrame:
    """`signal` drives all labels, `bend` only where it is large; the other features are noise."""
    rng = np.random.default_rng(seed)
    shape = (n_symbols, n_bars)
    signal, bend = autoregressive(rng, shape, 0.8), autoregressive(rng, shape, 0.8)
    value = 0.5 * signal + np.abs(bend) + rng.standard_normal(shape)
    value[:, -2:] = np.nan
    return panel_frame(
        {
            "signal": signal,
            "bend": bend,
            "noise_a": rng.standard_normal(shape),
            "slow": np.cumsum(rng.standard_normal(shape), axis=1),
            VALUE: value,
            UP: as_class(value),
            LONG: ahead(0.5 * signal, 2) + rng.standard_normal(shape),
        }
    )


def row(evidence: TargetEvidence, symbol: str | None = None) -> RowEvidence:
    return next(one for one in evidence.rows if one.symbol == symbol)
