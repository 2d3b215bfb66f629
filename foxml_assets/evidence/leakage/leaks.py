"""What the findings about a target come to: for its features, its symbols and the target itself."""

from dataclasses import dataclass, replace

import numpy as np

from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.arrays import Flags, Floats, PanelArrays
from foxml_assets.evidence.leakage.findings import Finding


@dataclass(frozen=True)
class Leaks:
    """All findings about one target, and what follows for its features and rows.

    `statuses` has one status a feature, for the whole target. `blocked` and `suspect` mark symbols;
    `target_blocked` says that the label itself stands among the features. `examined` marks the symbols on
    which any feature could be measured; a symbol needs `needed_rows` with a label for it.
    `rests_on_past` says that the strongest usable feature is a function of the panel's past,
    `symbol_rests_on_past` the same on each symbol.
    """

    findings: tuple[Finding, ...]
    statuses: tuple[LeakageStatus, ...]
    skill: Floats
    blocked: Flags
    suspect: Flags
    examined: Flags
    needed_rows: int
    target_blocked: bool
    fresh: Flags
    rests_on_past: bool
    symbol_rests_on_past: Flags

    @staticmethod
    def none(panel: PanelArrays) -> "Leaks":
        """A verdict that holds nothing back."""
        n_symbols, n_features = len(panel.symbols), len(panel.features)
        nowhere = np.zeros(n_symbols, dtype=bool)
        statuses = (LeakageStatus.SAFE,) * n_features
        skill = np.zeros((n_symbols, n_features))
        return Leaks(
            findings=(),
            statuses=statuses,
            skill=skill,
            blocked=nowhere,
            suspect=nowhere,
            examined=~nowhere,
            needed_rows=0,
            target_blocked=False,
            fresh=np.zeros(n_features, dtype=bool),
            rests_on_past=True,
            symbol_rests_on_past=~nowhere,
        )

    @property
    def usable(self) -> Flags:
        """Features that models may use."""
        allowed = (LeakageStatus.SAFE, LeakageStatus.UNKNOWN)
        return np.array([status in allowed for status in self.statuses], dtype=bool)

    @property
    def pooled(self) -> Flags:
        """Symbols whose rows the pooled model trains on; all, where the target itself is blocked.

        What copies the label on few symbols would teach it the copy, so a plan leaves these out too.
        """
        few = 2 * self.suspect.sum() < len(self.suspect)
        without = self.blocked | (self.suspect & few)
        return np.ones(len(without), dtype=bool) if self.target_blocked else ~without

    def weighed(self, importance: Floats) -> "Leaks":
        """The same, but that nothing rests on the past where it does not explain what matters most to models.

        A label of sizes is ordered by no single value of what makes it, but models are made of it.
        """
        if not self.fresh[np.argmax(np.where(self.usable, importance, -1.0))]:
            return self
        nowhere = np.zeros_like(self.symbol_rests_on_past)
        return replace(self, rests_on_past=False, symbol_rests_on_past=nowhere)


def strongest_on_each(skill: Floats, usable: Flags) -> Flags:
    """Marks each symbol's strongest usable feature (symbols x features); none where nothing is known."""
    size = np.where(usable, np.abs(np.nan_to_num(skill)), 0.0)
    top = size.max(axis=1, keepdims=True, initial=0.0)
    # Of several equal ones only the first counts.
    first = np.cumsum(size == top, axis=1) == 1
    return np.asarray((size == top) & first & (top > 0.0))


def worst_statuses(measured: Flags, suspect: Flags, blocked: Flags) -> tuple[LeakageStatus, ...]:
    """The worst status that holds for each feature."""
    words = (LeakageStatus.UNKNOWN, LeakageStatus.SAFE, LeakageStatus.SUSPECT, LeakageStatus.BLOCKED)
    # The first condition that holds decides, so the worst comes first; 0 is UNKNOWN.
    worst = np.select([blocked, suspect, measured], [3, 2, 1], 0)
    return tuple(words[at] for at in worst.tolist())
