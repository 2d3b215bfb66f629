"""The smallest world that goes through every stage: three symbols, two targets, ridge models.

Its candidates are imported where a plan is all that is wanted; without them it has evidence of its own.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import ModelContext
from foxml_assets.workspace import Workspace

SYMBOLS = ("AAA", "BBB", "CCC")
UP, RETURN = "y_up_5d", "fwd_ret_5d"
_DAYS = 320
_NOISE = {"AAA": 0.3, "BBB": 3.0, "CCC": 30.0}
_ROUTING = {
    "method": "thresholds",
    "both_strong_behavior": "ROUTE_BOTH",
    "fdr": {"over": "history"},
    "hysteresis": 0.02,
    "min_sample_size": {"cross_sectional": 100, "symbol": 50},
    "development_min_sample_size": {"cross_sectional": 100, "symbol": 50},
    "families": [{"use": ["ridge"]}],
    "output": {"plan_history": 2},
}
# Another plan with another model for each of its jobs: one pooled model more, one of a symbol less.
_NEXT_ROUTING = {"both_strong_behavior": "PREFER_SYMBOL", "priority": {"experimental": 20}}
_NEXT_TRAINING = {"families": {"ridge": {"prior_r2": 0.1}}}
_TRAINING = {"batch_size": 3, "min_train_rows": 50, "threads": 1}
_EVIDENCE = {"n_folds": 2, "families": ["ridge"], "threads": 1, "trees": {"own": "none", "rounds": 1}}


@dataclass(frozen=True)
class FaultWorld:
    """A folder with a root, its configs and the source of its panel."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def layout(self) -> Layout:
        return Layout(self.root)

    @property
    def config_dir(self) -> Path:
        return self.folder / "config"

    @property
    def source(self) -> Path:
        return self.folder / "source.parquet"

    @property
    def options(self) -> list[str]:
        """The options that every command of this world takes."""
        return ["--root", str(self.root), "--config-dir", str(self.config_dir)]

    @property
    def candidates(self) -> Path:
        return self.folder / "candidates.parquet"

    @property
    def arguments(self) -> list[str]:
        """Root and config folder, as the stages take them."""
        return [str(self.root), str(self.config_dir)]

    def model_context(self) -> ModelContext:
        """What its models are held against."""
        return Workspace(self.root, self.config_dir).read_inputs().model_context()

    def edit(self, name: str, **changes: object) -> None:
        """Change keys of a config file."""
        path = self.config_dir / f"{name}_config.yaml"
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**settings, **changes}), encoding="utf-8")


def panel_frame(seed: int = 3) -> pd.DataFrame:
    """Symbols by days; what moves them is the same, how much noise is added is not."""
    rng = np.random.default_rng(seed)
    parts = []
    for symbol in SYMBOLS:
        X = rng.normal(size=(_DAYS, 3))
        future = X[:, 0] - 0.5 * X[:, 1] + _NOISE[symbol] * rng.normal(size=_DAYS)
        part = pd.DataFrame(X, columns=["mom", "vol", "noise"])
        part["date"], part["symbol"] = pd.bdate_range("2020-01-01", periods=_DAYS), symbol
        part[RETURN], part[UP] = future, (future > 0).astype(float)
        part.loc[part.index[-5:], [RETURN, UP]] = np.nan
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def candidate_table(skill: float = 0.2) -> pd.DataFrame:
    """Metrics of every target and pair: AAA is strong, BBB is weak, CCC is by chance."""
    rows = []
    for target, metric, chance in ((UP, "auc", 0.5), (RETURN, "ic", 0.0)):
        scores = {None: chance + skill / 2, "AAA": chance + skill, "BBB": chance + skill / 2, "CCC": chance}
        rows += [
            {
                "target": target,
                "symbol": symbol,
                "score_metric": metric,
                "score": score,
                "score_se": 0.005,
                "sample_size": 5_000,
                "leakage_status": "SAFE",
            }
            for symbol, score in scores.items()
        ]
    return pd.DataFrame(rows)


def make_world(folder: Path) -> FaultWorld:
    """Panel source, candidates and configs in `folder`, over an empty root."""
    world = FaultWorld(folder)
    world.config_dir.mkdir(parents=True)
    world.root.mkdir()
    panel_frame().to_parquet(world.source)
    candidate_table().to_parquet(world.candidates)
    write_configs(world)
    return world


def change_policy(world: FaultWorld) -> None:
    """Edit the configs, so that the plan is another one and every job of both has another model."""
    world.edit("routing", **_NEXT_ROUTING)
    world.edit("training", **_NEXT_TRAINING)


def drop_jobs(world: FaultWorld) -> None:
    """Edit the policy, so that the plan has no job."""
    out_of_reach = {"cross_sectional": 10**9, "symbol": 10**9}
    world.edit("routing", min_sample_size=out_of_reach, development_min_sample_size=out_of_reach)


def write_configs(world: FaultWorld) -> None:
    """The three config files; they name the panel's source by its path."""
    data = {
        "panel": {
            "source": "parquet",
            "path": str(world.source),
            "time_column": "date",
            "symbol_column": "symbol",
            "targets": [RETURN, UP],
            "horizons": {RETURN: 5, UP: 5},
        },
        "evidence": _EVIDENCE,
    }
    for name, settings in {"data": data, "routing": _ROUTING, "training": _TRAINING}.items():
        (world.config_dir / f"{name}_config.yaml").write_text(json.dumps(settings), encoding="utf-8")


def copy_world(world: FaultWorld, folder: Path) -> FaultWorld:
    """An independent copy, whose configs name its own source."""
    shutil.copytree(world.folder, folder, symlinks=True)
    copy = FaultWorld(folder)
    data = copy.config_dir / "data_config.yaml"
    data.write_text(
        data.read_text(encoding="utf-8").replace(str(world.source), str(copy.source)), encoding="utf-8"
    )
    return copy
