"""The panel in an object store, for machines that do not see the root."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import pandas as pd

from foxml_assets.core.errors import PanelError, Problem
from foxml_assets.core.hashing import content_hash
from foxml_assets.core.names import target_segment
from foxml_assets.panel.files.row_groups import read_rows
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import decode_info, info_bytes
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.object_store import ObjectStore

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_BLOCK_BYTES = 8 << 20
_PUT = "delete that folder of the store, and the next foxml run or foxml train puts the panel there"


@dataclass(frozen=True)
class StoredPanel:
    """A panel below the hash of its description, which holds those of all values: it never changes there."""

    store: ObjectStore
    panel_hash: str

    def put(self, layout: Layout, info: PanelInfo) -> None:
        """Put the panel under `layout`, of that `info`, into the store, unless it is there.

        Its description is written last, and says that it is whole. Raises StoreError, and PanelError if the
        panel is missing or another.
        """
        description = info_bytes(info)
        if self.store.get(self._description) == description:
            return
        try:
            content = layout.panel.read_bytes()
        except FileNotFoundError:
            content = b""
        rows = read_rows(io.BytesIO(content), info, [], file=layout.panel)
        times = rows[[info.time_column]].drop_duplicates().sort_values(info.time_column, ignore_index=True)
        self.store.put(self._rows, content)
        self.store.put(self._times, times.to_parquet())
        for spec in info.targets:
            labels = read_rows(io.BytesIO(content), info, [spec.name], file=layout.panel)
            self.store.put(self._labels(spec.name), labels.to_parquet())
        self.store.put(self._description, description)

    def info(self) -> PanelInfo:
        """Its description. Raises StoreError, and PanelError if it is not there or another."""
        content = self.store.get(self._description)
        if content is None:
            raise PanelError(f"{self.store.address(self._description)} is missing", fix=_PUT)
        info = decode_info(content)
        if content_hash(info) != self.panel_hash:
            raise PanelError(f"{self.store.address(self._description)} is of another panel", fix=_PUT)
        return info

    def times(self, info: PanelInfo) -> pd.Series:
        """The distinct times of its rows. Raises StoreError, and PanelError if they are not there."""
        return self._table(self._times)[info.time_column]

    def read(self, info: PanelInfo, columns: Sequence[str], symbols: Sequence[str] | None) -> pd.DataFrame:
        """As `read_rows`: only these columns and row groups are fetched. Raises StoreError and PanelError."""
        if symbols is None and len(columns) == 1 and columns[0] in [spec.name for spec in info.targets]:
            return self._table(self._labels(columns[0]))
        # A symbol's columns are a few ranges; of many symbols there are thousands, close to each other.
        block = 0 if symbols is not None and len(symbols) == 1 else _BLOCK_BYTES
        try:
            with self.store.opened(self._rows, block_bytes=block) as stream:
                return read_rows(stream, info, columns, symbols, footer=_footer(self))
        except PanelError as error:
            what = f"{self.store.address(self._rows)}: {error.summary}"
            raise PanelError(what, problems=error.problems, fix=_PUT) from error

    def footer(self) -> "pq.FileMetaData":
        """Where the row groups are in its file. Raises StoreError, and PanelError if the file is damaged."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with self.store.opened(self._rows) as stream:
            try:
                return pq.read_metadata(stream)
            except pa.ArrowException as error:
                problem = Problem("", str(error))
                raise PanelError("is damaged", problems=[problem]) from error

    def _table(self, key: str) -> pd.DataFrame:
        """A table that stands apart from the rows. Raises StoreError and PanelError."""
        import pyarrow as pa

        content = self.store.get(key)
        if content is None:
            raise PanelError(f"{self.store.address(key)} is missing", fix=_PUT)
        try:
            return pd.read_parquet(io.BytesIO(content))
        except pa.ArrowException as error:
            problem = Problem("", str(error))
            raise PanelError(f"{self.store.address(key)} is damaged", problems=[problem], fix=_PUT) from error

    @property
    def _rows(self) -> str:
        return f"{self.panel_hash}/panel.parquet"

    @property
    def _times(self) -> str:
        # A file of its own: in the rows they are two ranges for each symbol.
        return f"{self.panel_hash}/times.parquet"

    def _labels(self, target: str) -> str:
        # Likewise: the evidence of one target needs them of all symbols, and nothing else of the rows anew.
        return f"{self.panel_hash}/labels/{target_segment(target)}.parquet"

    @property
    def _description(self) -> str:
        return f"{self.panel_hash}/panel.json"


@lru_cache(maxsize=2)
def _footer(panel: StoredPanel) -> "pq.FileMetaData":
    """Read once for all jobs: of thousands of symbols it is some ten megabytes."""
    return panel.footer()
