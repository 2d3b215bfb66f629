"""The size a user has: 50 targets x 500 symbols x 2,500 daily bars x 40 features, 25,000 pairs.

    python benchmarks/truth.py --world big --write DIR

writes its panel and a config folder, for `foxml run --config-dir DIR/config --root DIR/root`.
"""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.worlds.files import write_config, write_panel
from benchmarks.worlds.spec import KindCounts, WorldSpec
from benchmarks.worlds.world import World, make_world

BIG = WorldSpec(
    name="big",
    kinds=KindCounts(global_=18, local=14, mixed=6, noise=12, leak=0, drift=0),
    n_symbols=500,
    n_features=40,
    evidence_bars=2_125,
    holdout_bars=375,
    own_share=(0.05, 0.3),
    series_targets=False,
)


def write_world(
    spec: WorldSpec, seed: int, folder: Path, overrides: Mapping[str, Mapping[str, object]]
) -> World:
    """Write `panel.parquet` and `config/` into `folder`."""
    world = make_world(spec, seed)
    write_panel(world, folder / "panel.parquet")
    write_config(world, folder / "panel.parquet", folder / "config", overrides)
    return world
