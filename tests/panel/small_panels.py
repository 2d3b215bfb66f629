"""Small panels with a known truth, and configs that read them."""

from pathlib import Path

import numpy as np
import pandas as pd

from foxml_assets.core.config_files import parse_config
from foxml_assets.panel.data_config import DataConfig

SMALL_EVIDENCE = """
evidence:
  n_folds: 3
  embargo_bars: 2
  min_rows: 60
  top_k: 3
  overlap_top_k: 2
  probe_rows: 200
  trees: {rounds: 15, leaves: 7, min_leaf_rows: 10}
  blocks: {min_block_bars: 10}
"""


def parquet_config(
    path: Path, panel: str = "", evidence: str = SMALL_EVIDENCE, kind: str = "parquet"
) -> DataConfig:
    """A config that reads the panel at `path`; `panel` holds more lines of its section."""
    lines = panel or 'targets: ["y_*", "fwd_*"]'
    text = f"panel:\n  source: {kind}\n  path: {path}\n" + "".join(f"  {x}\n" for x in lines.splitlines())
    return parse_config((text + evidence).encode(), DataConfig, file=Path("data_config.yaml"))


def small_frame(
    n_bars: int = 480, symbols: tuple[str, ...] = ("AAA", "BBB", "CCC"), seed: int = 0
) -> pd.DataFrame:
    """A panel of daily bars in which `signal` drives both labels and three features are noise.

    `signal` moves slowly. `fwd_value_2d` is half of it and noise, known two bars later; `y_up_2d` is its
    sign. `late` is the label blurred: a feature that saw the future.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for symbol in symbols:
        slow = pd.Series(rng.standard_normal(n_bars)).ewm(halflife=10).mean()
        signal = (slow / slow.std()).to_numpy()
        driven = 0.5 * signal + rng.standard_normal(n_bars)
        label = driven + 0.3 * rng.standard_normal(n_bars)
        label[-2:] = np.nan
        parts.append(
            pd.DataFrame(
                {
                    "timestamp": pd.date_range("2020-01-01", periods=n_bars, freq="D"),
                    "symbol": symbol,
                    "signal": signal,
                    "noise_a": rng.standard_normal(n_bars),
                    "noise_b": rng.standard_normal(n_bars),
                    "slow": rng.standard_normal(n_bars).cumsum(),
                    "late": label + 1.2 * rng.standard_normal(n_bars),
                    "fwd_value_2d": label,
                    "y_up_2d": np.where(np.isnan(label), np.nan, label > 0.0),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
