"""A world on disk: the panel in long format and a config folder that reads it."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml

from benchmarks.worlds.world import World

REPOSITORY = Path(__file__).parents[2]


def write_panel(world: World, path: Path, first_bar: int = 0) -> None:
    """One Parquet file from `first_bar` on, by symbol and time, every number single precision."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    writer: pq.ParquetWriter | None = None
    for at, symbol in enumerate(world.symbols):
        start = max(first_bar, world.starts[at])
        columns = {
            "timestamp": pa.array(world.times[start:].to_numpy().astype("datetime64[us]")),
            "symbol": pa.array([symbol] * (len(world.times) - start)).dictionary_encode(),
            **{name: pa.array(world.X[at, start:, f]) for f, name in enumerate(world.features)},
            **{
                plan.name: pa.array(world.labels[t, at, start:], from_pandas=True)
                for t, plan in enumerate(world.targets)
            },
        }
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="lz4")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def write_config(
    world: World,
    panel: Path,
    folder: Path,
    overrides: Mapping[str, Mapping[str, object]],
    first_bar: int = 0,
) -> None:
    """The repository's config with the world's panel; `overrides` are merged in, by file name.

    A panel from `first_bar` on has its hold-out begin as much later, so that the evidence keeps its length.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(REPOSITORY / "config", folder)
    fraction = (world.spec.holdout_bars - first_bar) / (world.spec.n_bars - first_bar)
    read_panel = {
        "source": "parquet",
        "path": str(panel.absolute()),
        "time_column": "timestamp",
        "symbol_column": "symbol",
        "targets": ["y_*", "fwd_*"],
    }
    # The project floors fraction * bars, so the fraction is rounded up.
    fraction = float(np.ceil(fraction * 1e9 - 1e-3) / 1e9)
    edit_config(folder / "data_config.yaml", {"evidence": {"holdout_fraction": fraction}})
    edit_config(folder / "data_config.yaml", {"panel": read_panel}, replace=True)
    for name, changes in overrides.items():
        edit_config(folder / name, changes)


def edit_config(path: Path, changes: Mapping[str, object], *, replace: bool = False) -> None:
    """Merge `changes` into a YAML file, or put them in the place of its top-level keys."""
    settings: dict[str, object] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if replace:
        settings |= changes
    else:
        merge(settings, changes)
    path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


def merge(settings: dict[str, object], changes: Mapping[str, object]) -> None:
    """Put `changes` into `settings`, mapping by mapping."""
    for key, value in changes.items():
        below = settings.get(key)
        if isinstance(value, Mapping) and isinstance(below, dict):
            merge(below, value)
        else:
            settings[key] = value
