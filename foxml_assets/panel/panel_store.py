"""The materialized panel: one validated Parquet file, a row group per symbol, and its description."""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.errors import PanelError, Problem
from foxml_assets.core.hashing import canonical_json
from foxml_assets.panel.data_config import DataConfig, DemoPanel
from foxml_assets.panel.demo.demo_panel import demo_panel
from foxml_assets.panel.files.reading import read_file_panel
from foxml_assets.panel.files.row_groups import HASH_KEY, REBUILD, read_rows
from foxml_assets.panel.folds import holdout_start, purge_bars, walk_forward
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_values import ValidPanel, validate
from foxml_assets.panel.raw_panel import RawPanel
from foxml_assets.storage.exact_json import decode_exactly
from foxml_assets.storage.files import write_if_changed
from foxml_assets.storage.layout import Layout

Ints = npt.NDArray[np.int64]

# What reads columns of the rows of some symbols, or of all, as `read_panel` does.
ReadRows = Callable[[PanelInfo, Sequence[str], Sequence[str] | None], pd.DataFrame]


def build_panel(config: DataConfig, layout: Layout) -> PanelInfo:
    """Read, check and write the panel; files that already hold the same bytes are left alone.

    Raises PanelError before anything is written, naming everything that is wrong with the source.
    """
    source = config.panel
    if isinstance(source, DemoPanel):
        raw = demo_panel(source)
    else:
        raw = read_file_panel(source, *_columns_before(layout))
    valid = validate(raw)
    # Folds that cannot be cut would surface only after the write, target by target.
    for target in valid.targets:
        walk_forward(valid.n_bars, purge_bars(target.horizon_bars), config.evidence)
    info = _describe(raw, valid, config.evidence.holdout_fraction)
    write_if_changed(layout.panel, _parquet_bytes(valid.frame, info))
    write_if_changed(layout.panel_info, info_bytes(info))
    return info


def info_bytes(info: PanelInfo) -> bytes:
    """What the file of a description holds."""
    return msgspec.json.format(canonical_json(info), indent=2) + b"\n"


def load_panel_info(layout: Layout) -> PanelInfo:
    """The description of the panel under `layout`. Raises PanelError when it is missing or damaged."""
    path = layout.panel_info
    if not path.is_file():
        raise no_panel(layout)
    return decode_info(path.read_bytes(), path)


def decode_info(content: bytes, file: Path | None = None) -> PanelInfo:
    """The description that `content`, of `file`, holds. Raises PanelError when it is damaged."""
    try:
        info, problems = decode_exactly(content, PanelInfo)
    except msgspec.DecodeError as error:
        problem = Problem("", str(error))
        raise PanelError(
            "the panel's description is damaged", file=file, problems=[problem], fix=REBUILD
        ) from error
    problems += tuple(_length_problems(info))
    if problems:
        raise PanelError("the panel's description is damaged", file=file, problems=problems, fix=REBUILD)
    return info


def no_panel(layout: Layout) -> PanelError:
    """The refusal of whatever needs a panel before there is one."""
    return PanelError("there is no panel yet", file=layout.panel_info, fix=REBUILD)


def read_panel(
    layout: Layout, info: PanelInfo, columns: Sequence[str], symbols: Sequence[str] | None = None
) -> pd.DataFrame:
    """`read_rows` of the panel under `layout`."""
    return read_rows(layout.panel, info, columns, symbols, file=layout.panel)


def _columns_before(layout: Layout) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Features and targets of the panel that is there; a damaged one, about to be replaced, has none."""
    try:
        info = load_panel_info(layout)
    except PanelError:
        return (), ()
    return info.features, tuple(target.name for target in info.targets)


def _length_problems(info: PanelInfo) -> Iterator[Problem]:
    """Lists that do not go by the symbols, and labels that are not those of the targets."""
    lists = {"training_rows": info.training_rows, "feature_hashes": info.feature_hashes}
    lists |= {f"label_hashes.{spec.name}": info.label_hashes.get(spec.name, ()) for spec in info.targets}
    for name, values in lists.items():
        if len(values) != len(info.symbols):
            yield Problem(f"$.{name}", f"should have {len(info.symbols)} values, one a symbol", len(values))


def _describe(raw: RawPanel, valid: ValidPanel, holdout_fraction: float) -> PanelInfo:
    frame, time = valid.frame, valid.frame[raw.time_column]
    first_rows = _first_rows(frame, raw.symbol_column)
    return PanelInfo(
        time_column=raw.time_column,
        symbol_column=raw.symbol_column,
        features=raw.features,
        targets=valid.targets,
        symbols=valid.symbols,
        n_rows=len(frame),
        start=time.min().isoformat(),
        end=time.max().isoformat(),
        holdout_fraction=holdout_fraction,
        training_rows=_training_rows(time, first_rows, holdout_fraction),
        feature_hashes=_hashes(frame[[raw.time_column, *sorted(raw.features)]], first_rows),
        label_hashes={spec.name: _hashes(frame[[spec.name]], first_rows) for spec in valid.targets},
    )


def _first_rows(frame: pd.DataFrame, symbol_column: str) -> Ints:
    """Where the rows of each symbol begin; they are sorted by symbol."""
    sizes = frame.groupby(symbol_column, sort=False).size().to_numpy()
    return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)


def _training_rows(time: pd.Series, first_rows: Ints, holdout_fraction: float) -> tuple[int, ...]:
    """Of each symbol, how many rows come before the hold-out."""
    at = _plain_values(time)
    bars = np.unique(at)
    start = holdout_start(len(bars), holdout_fraction)
    is_before = at < bars[start] if start < len(bars) else np.ones(len(at), dtype=bool)
    return tuple(np.add.reduceat(is_before, first_rows, dtype=np.int64).tolist())


def _hashes(columns: pd.DataFrame, first_rows: Ints) -> tuple[str, ...]:
    """Of each symbol, one hash over its rows of all `columns`."""
    digests = [hashlib.sha256() for _ in first_rows]
    for name, column in columns.items():
        values, head = _plain_values(column), canonical_json([name, str(column.dtype)])
        for digest, own in zip(digests, np.split(values, first_rows[1:]), strict=True):
            # The number of values keeps apart what would else be the same bytes in a row.
            digest.update(head + len(own).to_bytes(8, "little"))
            digest.update(own)
    return tuple(digest.hexdigest() for digest in digests)


def _plain_values(column: pd.Series) -> npt.NDArray[np.generic]:
    """The values as numbers, contiguous and little-endian, so that equal ones are equal bytes."""
    if column.dtype.kind == "M" or isinstance(column.dtype, pd.DatetimeTZDtype):
        values = column.astype("int64").to_numpy()
    else:
        values = column.to_numpy()
    if values.dtype.kind == "f":
        # NaN has many bit patterns, and all count as one.
        values = np.where(np.isnan(values), np.array(np.nan, values.dtype), values)
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))


def _parquet_bytes(frame: pd.DataFrame, info: PanelInfo) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [info.time_column, info.symbol_column, *info.features, *(target.name for target in info.targets)]
    table = pa.Table.from_pandas(frame[names], preserve_index=False).replace_schema_metadata(
        {HASH_KEY: info.data_hash}
    )
    # The rows of each symbol are a row group, so that a symbol can be read alone.
    bounds = _first_rows(frame, info.symbol_column)
    buffer = io.BytesIO()
    with pq.ParquetWriter(
        buffer, table.schema, compression="zstd", use_dictionary=[info.symbol_column]
    ) as writer:
        for start, stop in zip(bounds, [*bounds[1:], len(frame)], strict=True):
            writer.write_table(table.slice(start, stop - start), row_group_size=int(stop - start))
    return buffer.getvalue()
