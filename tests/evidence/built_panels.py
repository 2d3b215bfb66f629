"""Raw bars, a research package that builds features of them in a folder, and the panel that it made."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evidence_panels import SMALL, Run, config_of, run

from foxml_assets.panel.data_config import DataConfig

TARGET, OTHER = "fwd_ret_3d", "y_up_2d"

HEAD = """
import numpy as np
import pandas as pd

KEYS = ["timestamp", "symbol"]
"""
HONEST_AND_NOT = """
def build(bars):
    bars = bars.sort_values(["symbol", "timestamp"])
    by_symbol = bars.groupby("symbol", sort=False)
    ret = by_symbol["close"].pct_change()
    of_symbol = ret.groupby(bars["symbol"], sort=False)
    out = bars[KEYS].assign(ret_1=ret)
    out["mean_8"] = of_symbol.transform(lambda x: x.rolling(8).mean())
    out["vol_8"] = of_symbol.transform(lambda x: x.rolling(8).std())
    out["ewm"] = of_symbol.transform(lambda x: x.ewm(halflife=5).mean())
    out["rank"] = ret.groupby(bars["timestamp"]).rank(pct=True)
    out["earnings"] = by_symbol["reported"].ffill()
    out["centred"] = of_symbol.transform(lambda x: x.rolling(9, center=True).mean())
    out["z_score"] = of_symbol.transform(lambda x: (x - x.mean()) / x.std())
    out["tomorrow"] = of_symbol.shift(-1)
    out["close"] = bars["close"]
    return out
"""
HONEST = {"ret_1", "mean_8", "vol_8", "ewm", "rank", "earnings"}
LEAKY = {"centred", "z_score", "tomorrow"}


@dataclass(frozen=True)
class Research:
    """A working directory: `bars.parquet`, the package `name` with its `features.py`, and `panel.parquet`."""

    folder: Path
    name: str

    @property
    def code(self) -> Path:
        return self.folder / self.name / "features.py"

    def write_code(self, body: str) -> None:
        self.code.parent.mkdir(exist_ok=True)
        self.code.write_text(HEAD + body, encoding="utf-8")

    def bars(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "bars.parquet")

    def build(self) -> pd.DataFrame:
        """What the function makes of all bars, executed as a researcher would."""
        scope: dict[str, object] = {}
        exec(compile(self.code.read_text(), str(self.code), "exec"), scope)  # noqa: S102
        return scope["build"](self.bars())  # type: ignore[operator]

    def write_panel(self, **more: np.ndarray) -> None:
        """The features with two labels made of the closes, and columns that nobody builds."""
        built = self.build()
        closes = self.bars().sort_values(["symbol", "timestamp"]).reset_index(drop=True)
        ahead = closes.groupby("symbol")["close"].shift(-3) / closes["close"] - 1.0
        labels = closes[["timestamp", "symbol"]].assign(**{TARGET: ahead, **more})
        two = closes.groupby("symbol")["close"].shift(-2)
        labels[OTHER] = (two > closes["close"]).where(two.notna()).astype("float64")
        panel = labels.merge(built, on=["timestamp", "symbol"], how="left")
        panel.to_parquet(self.folder / "panel.parquet", index=False)

    def config(self, leakage: dict[str, object] | None = None, **builder: object) -> DataConfig:
        registered = {"function": f"{self.name}.features:build", "source": "bars.parquet", **builder}
        return config_of(
            Path("panel.parquet"),
            {**SMALL, "top_k": 20, "families": ["ridge"], "leakage": leakage or {}},
            exclude_features=["close"],
            builders=[registered],
        )

    def run(self, *targets: str, leakage: dict[str, object] | None = None, **builder: object) -> Run:
        with self.here():
            return run(self.folder / "out", self.config(leakage, **builder), *(targets or (TARGET,)))

    @contextmanager
    def here(self) -> Iterator[None]:
        """The working directory is where the package lies."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            yield


def write_bars(path: Path, n_symbols: int = 4, n_bars: int = 360) -> None:
    """Daily closes, the last symbol from a third on, and a number reported every quarter."""
    rng = np.random.default_rng(0)
    parts = []
    for number in range(n_symbols):
        close = 100.0 * np.exp(np.cumsum(0.01 * rng.standard_normal(n_bars)))
        days = pd.date_range("2020-01-01", periods=n_bars, freq="D")
        reported = np.where(np.arange(n_bars) % 63 == 5 * number, rng.standard_normal(n_bars), np.nan)
        frame = pd.DataFrame(
            {"timestamp": days, "symbol": f"S{number:03d}", "close": close, "reported": reported}
        )
        parts.append(frame.iloc[n_bars // 3 if number == n_symbols - 1 else 0 :])
    pd.concat(parts).to_parquet(path, index=False)


def research(folder: Path, body: str = HONEST_AND_NOT) -> Research:
    """A working directory with bars, code and the panel that the code makes."""
    folder.mkdir(parents=True, exist_ok=True)
    # Modules are known by name for the whole process, so every folder has a package of its own.
    made = Research(folder, "research_" + re.sub(r"\W", "_", folder.name))
    write_bars(folder / "bars.parquet")
    made.write_code(body)
    made.write_panel()
    return made
