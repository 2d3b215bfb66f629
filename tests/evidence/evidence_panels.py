"""Panels made in memory and on disk, and what evidence says about them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy.signal import lfilter

from foxml_assets.core.config_files import parse_config
from foxml_assets.core.metrics import metric_of
from foxml_assets.core.vocabulary import LeakageStatus, TaskType
from foxml_assets.engines.settings import THREADS, EngineSettings
from foxml_assets.evidence.arrays import PanelArrays
from foxml_assets.evidence.evaluate import evaluate_targets
from foxml_assets.evidence.leakage.ahead.lookahead import PastAndFuture, past_and_future
from foxml_assets.evidence.leakage.find import find_leaks
from foxml_assets.evidence.leakage.known import Known, known_features
from foxml_assets.evidence.leakage.leaks import Leaks
from foxml_assets.evidence.leakage.missing import Missing, missing_features
from foxml_assets.evidence.leakage.ranks import FeatureRanks, LabelView, feature_ranks
from foxml_assets.evidence.replay.replay_file import Replay
from foxml_assets.evidence.scores.blocks import make_blocks
from foxml_assets.evidence.scores.pooled_or_own import score_pooled
from foxml_assets.evidence.screening.predictions import TargetCase, Variant
from foxml_assets.evidence.screening.ridge_screen import LinearTask, linear_screen
from foxml_assets.evidence.target_evidence import TargetEvidence
from foxml_assets.families.threads import one_blas_thread_throughout
from foxml_assets.panel.data_config import DataConfig, EvidenceConfig
from foxml_assets.panel.folds import Fold, purge_bars, walk_forward
from foxml_assets.panel.panel_info import TargetSpec
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.object_store import ObjectStore

Columns = dict[str, np.ndarray]


def make_panel(columns: Columns, lengths: list[int] | None = None, dtype: str = "float64") -> PanelArrays:
    """A panel of columns, each symbols x bars; symbol s holds its last `lengths[s]` bars only."""
    n_symbols, n_bars = next(iter(columns.values())).shape
    lengths = lengths or [n_bars] * n_symbols
    held = [np.arange(n_bars - length, n_bars) for length in lengths]
    table = np.stack(
        [np.concatenate([values[s, held[s]] for s in range(n_symbols)]) for values in columns.values()]
    )
    return PanelArrays(
        features=tuple(columns),
        symbols=tuple(f"S{s:03d}" for s in range(n_symbols)),
        X=np.ascontiguousarray(table.T.astype(dtype)),
        bar=np.concatenate(held).astype(np.int64),
        starts=np.cumsum([0, *lengths]).astype(np.int64),
        times=pd.date_range("2015-01-01", periods=n_bars, freq="D"),
    )


def label_rows(panel: PanelArrays, label: np.ndarray) -> np.ndarray:
    """A label of symbols x bars on the rows of the panel."""
    return label[panel.code, panel.bar]


def autoregressive(rng: np.random.Generator, shape: tuple[int, int], memory: float) -> np.ndarray:
    """Unit variance, x_t = memory * x_(t-1) + shock."""
    shocks = rng.standard_normal(shape) * np.sqrt(1.0 - memory**2)
    shocks[:, 0] /= np.sqrt(1.0 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], shocks, axis=1))


def trailing_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last `window` bars, NaN in the first ones."""
    return pd.DataFrame(values.T).rolling(window).mean().to_numpy().T


def ahead(values: np.ndarray, bars: int) -> np.ndarray:
    """The values `bars` later (earlier, if negative), NaN where there are none."""
    return pd.DataFrame(values.T).shift(-bars).to_numpy().T


def as_class(values: np.ndarray, share: float = 0.5) -> np.ndarray:
    """0/1 by whether a value lies in its symbol's top `share`."""
    bar = np.nanquantile(values, 1.0 - share, axis=1, keepdims=True)
    return np.where(np.isnan(values), np.nan, values > bar)


def spec_of(label: np.ndarray, horizon: int) -> TargetSpec:
    """A target of daily bars; labels of 0 and 1 are classification."""
    binary = np.isin(label[~np.isnan(label)], (0.0, 1.0)).all()
    task = TaskType.CLASSIFICATION if binary else TaskType.REGRESSION
    return TargetSpec("y", task, horizon, horizon * 1_440.0)


@dataclass(frozen=True)
class Examined:
    """A panel with its ranks, its past and its future, for any number of labels."""

    panel: PanelArrays
    ranks: FeatureRanks
    past: PastAndFuture
    known: Known
    missing: Missing | None
    config: EvidenceConfig

    def leaks(self, label: np.ndarray, horizon: int) -> Leaks:
        """What is found about a label of symbols x bars."""
        view = LabelView(spec_of(label, horizon), label_rows(self.panel, label))
        folds = walk_forward(len(self.panel.times), purge_bars(horizon), self.config)
        view.y[self.panel.bar >= folds[-1].test_stop] = np.nan

        def skill_left(full: np.ndarray, kept: np.ndarray) -> tuple[float, float]:
            return _pooled_skill(self, view, folds, full), _pooled_skill(self, view, folds, kept)

        with one_blas_thread_throughout():
            return find_leaks(self.ranks, self.past, view, self.known, self.missing, skill_left, self.config)


def examine(panel: PanelArrays, **leakage: object) -> Examined:
    """Ask the panel about its past and future; `leakage` changes settings of the detectors."""
    defaults = EvidenceConfig(holdout_fraction=0.0)
    config = defaults.model_copy(update={"leakage": defaults.leakage.model_copy(update=leakage)})
    with one_blas_thread_throughout():
        ranks = feature_ranks(panel, config)
        past = past_and_future(ranks, len(panel.times), config.leakage)
        known = known_features(panel, config.leakage, Replay())
        missing = missing_features(panel, known, len(panel.times), config)
    return Examined(panel, ranks, past, known, missing, config)


def statuses(leaks: Leaks, panel: PanelArrays) -> dict[str, LeakageStatus]:
    """The features that are not SAFE, by name."""
    named = zip(panel.features, leaks.statuses, strict=True)
    return {name: status for name, status in named if status is not LeakageStatus.SAFE}


def _pooled_skill(of: Examined, view: LabelView, folds: tuple[Fold, ...], usable: np.ndarray) -> float:
    task = LinearTask(view.y[None], usable[None], np.ones((1, len(of.panel.symbols)), dtype=bool))
    screen = linear_screen(of.panel, folds, task, of.config)
    case = TargetCase(view.spec, view.y, of.panel, folds, Leaks.none(of.panel), of.config)
    blocks = make_blocks(folds, view.spec.horizon_bars, of.config.blocks)
    score = score_pooled(case, (Variant(("ridge",), screen.pooled[0]),), blocks).score.value
    return 0.0 if score is None else metric_of(view.spec.task_type).to_skill(score)


SMALL: dict[str, object] = {
    "threads": 1,
    "n_folds": 3,
    "embargo_bars": 2,
    "min_rows": 60,
    "top_k": 3,
    "overlap_top_k": 2,
    "probe_rows": 200,
    "trees": {"rounds": 15, "leaves": 7, "min_leaf_rows": 10},
    "blocks": {"min_block_bars": 10},
}


def panel_frame(columns: Columns, first_day: str = "2020-01-01") -> pd.DataFrame:
    """Columns of symbols x bars as a long frame of daily bars."""
    n_symbols, n_bars = next(iter(columns.values())).shape
    frame = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    frame["timestamp"] = np.tile(pd.date_range(first_day, periods=n_bars, freq="D"), n_symbols)
    frame["symbol"] = np.repeat([f"S{s:03d}" for s in range(n_symbols)], n_bars)
    return frame


def config_of(path: Path, evidence: dict[str, object] | None = None, **panel: object) -> DataConfig:
    """Settings that read the panel at `path`."""
    source = {"source": "parquet", "path": str(path), "targets": ["y_*", "fwd_*"], **panel}
    text = yaml.safe_dump({"panel": source, "evidence": SMALL if evidence is None else evidence})
    return parse_config(text.encode(), DataConfig, file=Path("data_config.yaml"))


@dataclass(frozen=True)
class Run:
    """Targets evaluated on a panel on disk."""

    layout: Layout
    config: DataConfig
    evidence: dict[str, TargetEvidence]
    told: tuple[str, ...]


def evaluate(
    root: Path,
    frame: pd.DataFrame,
    *targets: str,
    evidence: dict[str, object] | None = None,
    **panel: object,
) -> Run:
    """Write the panel below `root` and evaluate `targets`, all if none is named."""
    root.mkdir(parents=True, exist_ok=True)
    path = root / "panel.parquet"
    frame.to_parquet(path, index=False)
    return run(root / "out", config_of(path, evidence, **panel), *targets)


def run(
    root: Path,
    config: DataConfig,
    *targets: str,
    engine: EngineSettings = THREADS,
    panel_store: ObjectStore | None = None,
) -> Run:
    """Build the panel of `config` below `root` and evaluate `targets`, all if none is named."""
    layout = Layout(root)
    info = build_panel(config, layout)
    names = targets or tuple(spec.name for spec in info.targets)
    told: list[str] = []
    found = tuple(evaluate_targets(names, info, config, layout, told.append, engine, panel_store))
    return Run(layout, config, {one.target: one for one in found}, tuple(told))


def findings(run_: Run, target: str) -> pd.DataFrame:
    """The findings on disk about `target`."""
    path = run_.layout.feature_selection(target) / "leakage.json"
    return pd.read_json(path) if path.stat().st_size > 4 else pd.DataFrame(columns=["feature", "symbol"])


def folder_bytes(folder: Path) -> dict[str, bytes]:
    """All files under `folder` by relative path, but for those that say how long it took."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "timing.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def with_threads(config: DataConfig, threads: int) -> DataConfig:
    """The same settings with another number of threads."""
    return config.model_copy(update={"evidence": config.evidence.model_copy(update={"threads": threads})})
