"""What the materialized panel holds, by column and by content."""

from dataclasses import dataclass

from foxml_assets.core.hashing import content_hash
from foxml_assets.core.vocabulary import TaskType


@dataclass(frozen=True)
class TargetSpec:
    """A label column. `horizon_bars` counts distinct timestamps from the row to the label's last input."""

    name: str
    task_type: TaskType
    horizon_bars: int
    horizon_minutes: float


@dataclass(frozen=True)
class PanelInfo:
    """The panel's schema and fingerprint. `column_hashes` covers the key columns and every used column."""

    time_column: str
    symbol_column: str
    features: tuple[str, ...]
    targets: tuple[TargetSpec, ...]
    symbols: tuple[str, ...]
    n_rows: int
    start: str
    end: str
    column_hashes: dict[str, str]

    @property
    def data_hash(self) -> str:
        """Hash of everything the panel holds."""
        return content_hash(self.column_hashes)

    @property
    def features_hash(self) -> str:
        """Hash of keys and features, whatever the labels."""
        used = [self.time_column, self.symbol_column, *self.features]
        return content_hash({column: self.column_hashes[column] for column in used})

    def target(self, name: str) -> TargetSpec:
        """The spec of the target `name`. Raises KeyError."""
        return {spec.name: spec for spec in self.targets}[name]

    def data_hash_for(self, target: str) -> str:
        """Hash of what a model of `target` can depend on: keys, all features and its own label."""
        used = [self.time_column, self.symbol_column, *self.features, target]
        return content_hash({column: self.column_hashes[column] for column in used})
