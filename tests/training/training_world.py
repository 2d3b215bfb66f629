"""A small real panel on disk, and jobs over it, for the tests of training and reporting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.core.vocabulary import ModelFamily, Route, TaskType, TrainingType
from foxml_assets.families.lightgbm_family import LightGBMParams
from foxml_assets.families.sections import FamiliesConfig
from foxml_assets.families.xgboost_family import XGBoostParams
from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.planning.jobs.builder import METRICS_SNAPSHOT, ROUTING_PLAN_PATH, assemble_plan
from foxml_assets.planning.plan.master_plan import (
    ABSENT,
    SCHEMA_VERSION,
    ExcludedSymbol,
    Job,
    JobMetadata,
    MasterPlan,
    PlanMetadata,
)
from foxml_assets.planning.plan.specs import with_spec_hashes
from foxml_assets.planning.plan.structure import planned_families
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.training_config import TrainingConfig

BOTH_FAMILIES = ("lightgbm", "xgboost")
SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
UP, RETURN, LONELY = "y_up_5d", "fwd_ret_5d", "y_lonely_5d"

CONFIG = TrainingConfig(
    min_train_rows=50,
    families=FamiliesConfig(
        lightgbm=LightGBMParams(rounds=12, min_data_in_leaf=10),
        xgboost=XGBoostParams(rounds=12, min_child_weight=2),
    ),
)


def panel_frame(days: int = 320, seed: int = 3) -> pd.DataFrame:
    """Symbols by days. In BBB the label `LONELY` has one class only; CCC has gaps; DDD ends early."""
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2020-01-01", periods=days)
    parts = []
    for index, symbol in enumerate(SYMBOLS):
        X = rng.normal(size=(days, 4))
        future = 0.8 * X[:, 0] - (0.5 + index / 4) * X[:, 1] + rng.normal(size=days)
        part = pd.DataFrame(X, columns=["mom", "vol", "noise", "gap"])
        part["date"], part["symbol"] = dates, symbol
        part[RETURN] = future
        part[UP] = (future > 0).astype(float)
        part[LONELY] = 1.0 if symbol == "BBB" else part[UP]
        part.loc[part.index[-5:], [RETURN, UP, LONELY]] = np.nan
        part.loc[rng.random(days) < 0.05, "gap"] = np.nan
        parts.append(part)
    parts[2] = parts[2][rng.random(days) > 0.2]
    parts[3] = parts[3].iloc[: days - 30]
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class World:
    """A panel under a root, the settings, and a maker of jobs."""

    context: TrainingContext

    @property
    def layout(self) -> Layout:
        return self.context.layout

    def with_config(self, **changes: object) -> "World":
        """The same with some training settings changed; jobs must be made anew."""
        config = TrainingConfig.model_validate({**self.context.config.model_dump(), **changes})
        return World(replace(self.context, config=config))

    def job(
        self,
        target: str = UP,
        symbol: str | None = None,
        *,
        families: Sequence[ModelFamily] = ("lightgbm",),
        features: Sequence[str] | None = None,
        excluded: Sequence[str] = (),
        priority: int = 80,
        route: Route | None = None,
        score: float | None = None,
    ) -> Job:
        """A job with the spec hash that the settings give it."""
        pooled = symbol is None
        job = Job(
            job_id=f"cs_{target}" if pooled else f"sym_{symbol}_{target}",
            target=target,
            symbol=symbol,
            route=route or (Route.CROSS_SECTIONAL if pooled else Route.SYMBOL_SPECIFIC),
            training_type=TrainingType.CROSS_SECTIONAL if pooled else TrainingType.SYMBOL_SPECIFIC,
            model_families=tuple(families),
            priority=priority,
            reason="for the test",
            metadata=JobMetadata(score=score),
            task_type=TaskType.REGRESSION if target == RETURN else TaskType.CLASSIFICATION,
            horizon_minutes=7200.0,
            features=None if features is None else tuple(features),
            excluded_symbols=tuple(ExcludedSymbol(name, "leaks") for name in excluded),
            data_hash="",
            spec_hash="",
        )
        job = msgspec.structs.replace(job, data_hash=self.context.data_hash(job))
        return with_spec_hashes([job], self.context.training_hashes)[0]


def make_world(
    folder: Path,
    frame: pd.DataFrame | None = None,
    *,
    config: TrainingConfig = CONFIG,
    holdout: float = 0.2,
    horizons: Mapping[str, int] | None = None,
) -> World:
    """Build the panel under `folder` with the product's own code; horizons not given are 5 bars."""
    source = folder / "source.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    (panel_frame() if frame is None else frame).to_parquet(source)
    layout = Layout(folder / "root")
    settings = DataConfig.model_validate(
        {
            "panel": {
                "source": "parquet",
                "path": str(source),
                "time_column": "date",
                "symbol_column": "symbol",
                "targets": [RETURN, UP, LONELY],
                "horizons": {RETURN: 5, UP: 5, LONELY: 5, **(horizons or {})},
            },
            "evidence": {"holdout_fraction": holdout, "n_folds": 2},
        }
    )
    info = build_panel(settings, layout)
    return World(TrainingContext(layout, info, config, holdout))


def plan_of(world: World, jobs: Sequence[Job], **hashes: str) -> MasterPlan:
    """A plan of exactly these jobs; `hashes` override fields of its metadata."""
    fields = {
        "routing_plan_hash": ABSENT,
        "candidates_hash": ABSENT,
        "config_hash": ABSENT,
        "training_hashes": world.context.training_hashes.only(planned_families(jobs)),
        **hashes,
    }
    metadata = PlanMetadata(
        generated_at="2025-12-11T18:45:00Z",
        run_id="20251211_184500",
        git_commit=None,
        schema_version=SCHEMA_VERSION,
        plan_hash="",
        parent_plan_hash=None,
        routing_plan_path=ROUTING_PLAN_PATH,
        metrics_snapshot=METRICS_SNAPSHOT,
        total_jobs=0,
        model_families=BOTH_FAMILIES,
        assured={},
        **fields,
    )
    return assemble_plan(jobs, metadata, total_blocked=0, symbols={})
