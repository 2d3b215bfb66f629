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
    """The panel's schema and fingerprint; lists go by `symbols`.

    `feature_hashes` are of a symbol's keys and all features, `label_hashes`, by target, of its label.
    `training_rows` counts a symbol's rows before the hold-out of `holdout_fraction`, which depends on the
    bars of all symbols.
    """

    time_column: str
    symbol_column: str
    features: tuple[str, ...]
    targets: tuple[TargetSpec, ...]
    symbols: tuple[str, ...]
    n_rows: int
    start: str
    end: str
    holdout_fraction: float
    training_rows: tuple[int, ...]
    feature_hashes: tuple[str, ...]
    label_hashes: dict[str, tuple[str, ...]]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, the keys first."""
        names = (spec.name for spec in self.targets)
        return (self.time_column, self.symbol_column, *self.features, *names)

    @property
    def data_hash(self) -> str:
        """Hash of everything the panel holds."""
        return content_hash([self.features_hash, self.symbols, self.label_hashes])

    @property
    def features_hash(self) -> str:
        """Hash of keys and features, whatever the labels."""
        names = [self.time_column, self.symbol_column, *sorted(self.features)]
        return content_hash([names, dict(zip(self.symbols, self.feature_hashes, strict=True))])

    def target(self, name: str) -> TargetSpec:
        """The spec of the target `name`. Raises KeyError."""
        return {spec.name: spec for spec in self.targets}[name]

    def data_hash_for(self, target: str) -> str:
        """Hash of what the evidence on `target` can depend on: keys, all features and its own label."""
        return content_hash([self.features_hash, self.label_hashes[target]])

    def symbol_hashes(self, target: str) -> dict[str, str]:
        """By symbol, the hash of what a model of `target` learns from the symbol's rows.

        That is their keys, all features and the label, and what the other rows of the panel decide: how many
        of them come before the hold-out, and the horizon in bars.
        """
        horizon = self.target(target).horizon_bars
        parts = zip(self.feature_hashes, self.label_hashes[target], self.training_rows, strict=True)
        hashes = (content_hash([*part, horizon]) for part in parts)
        return dict(zip(self.symbols, hashes, strict=True))
