"""What a world with planted truth is made of: sizes, kinds of targets, kinds of leaks, presets."""

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How the symbols of a target depend on the features."""

    GLOBAL = "global"
    LOCAL = "local"
    MIXED = "mixed"
    NOISE = "noise"
    LEAK = "leak"
    DRIFT = "drift"


class LeakKind(StrEnum):
    """How a column of the panel comes to know a label."""

    COPY = "copy"
    SOME_SYMBOLS = "copy on some symbols"
    CENTRED = "centred window"
    SHIFTED = "shifted ahead"


@dataclass(frozen=True)
class LeakSpec:
    """`auc` is what the column alone reaches, asked for copies only; `shift` is in bars. `volatility`: of
    the response's volatility, against its forward volatility, rather than of its sum."""

    kind: LeakKind
    auc: float | None = None
    shift: int = 0
    volatility: bool = False


LEAKS: tuple[LeakSpec, ...] = (
    LeakSpec(LeakKind.COPY, auc=0.60),
    LeakSpec(LeakKind.SHIFTED, shift=5),
    LeakSpec(LeakKind.COPY, auc=0.75),
    LeakSpec(LeakKind.CENTRED),
    LeakSpec(LeakKind.COPY, auc=0.65),
    LeakSpec(LeakKind.SHIFTED, shift=10, volatility=True),
    LeakSpec(LeakKind.COPY, auc=0.80),
    LeakSpec(LeakKind.SOME_SYMBOLS, auc=0.80),
    LeakSpec(LeakKind.COPY, auc=0.70),
    LeakSpec(LeakKind.SHIFTED, shift=1),
    LeakSpec(LeakKind.COPY, auc=0.90),
    LeakSpec(LeakKind.SHIFTED, shift=10),
    LeakSpec(LeakKind.COPY, auc=0.97),
    LeakSpec(LeakKind.SHIFTED, shift=5, volatility=True),
    LeakSpec(LeakKind.SOME_SYMBOLS, auc=0.95),
    LeakSpec(LeakKind.CENTRED, volatility=True),
)
"""A seed plants the next ones of this cycle, so that a few seeds plant all of them."""


@dataclass(frozen=True)
class KindCounts:
    """How many targets of each kind a world has."""

    global_: int = 10
    local: int = 8
    mixed: int = 6
    noise: int = 6
    leak: int = 7
    drift: int = 3

    def kinds(self) -> tuple[Kind, ...]:
        """One entry a target, in the order of `Kind`."""
        counts = (self.global_, self.local, self.mixed, self.noise, self.leak, self.drift)
        return tuple(kind for kind, count in zip(Kind, counts, strict=True) for _ in range(count))


@dataclass(frozen=True)
class WorldSpec:
    """The sizes and habits of a world. AUCs are goals for the best possible model of one row's features.

    `noise_correlation` is shared by all symbols. `heavy_tails` is the share of base features with
    Student-t innovations. `own_share` bounds the share of a local or mixed target's symbols with a
    relation of their own. With `series_targets` one global target is momentum and one is volatility, and
    trailing columns of them join the features. `short_symbols` start late, with `short_bars` (fewest, most)
    of evidence.
    """

    name: str = "default"
    kinds: KindCounts = field(default_factory=KindCounts)
    n_symbols: int = 20
    n_features: int = 12
    evidence_bars: int = 3_000
    holdout_bars: int = 9_000
    bar_minutes: int = 1_440
    noise_correlation: float = 0.2
    heavy_tails: float = 0.25
    global_auc: tuple[float, float] = (0.51, 0.68)
    mixed_auc: tuple[float, float] = (0.51, 0.62)
    local_auc: tuple[float, float] = (0.53, 0.67)
    own_share: tuple[float, float] = (0.15, 0.5)
    series_targets: bool = True
    short_symbols: int = 0
    short_bars: tuple[int, int] = (300, 900)

    def auc_range(self, kind: Kind) -> tuple[float, float]:
        """From the weakest to the strongest relation of a kind's targets."""
        return {Kind.GLOBAL: self.global_auc, Kind.MIXED: self.mixed_auc}.get(kind, self.local_auc)

    @property
    def n_bars(self) -> int:
        return self.evidence_bars + self.holdout_bars

    @property
    def n_targets(self) -> int:
        return len(self.kinds.kinds())


_FEW = KindCounts(global_=5, local=4, mixed=3, noise=3, leak=4, drift=1)

PRESETS: dict[str, WorldSpec] = {
    spec.name: spec
    for spec in (
        WorldSpec(),
        WorldSpec(name="short_symbols", short_symbols=6),
        WorldSpec(name="few_features", n_features=5, series_targets=False),
        WorldSpec(name="many_features", n_features=60, kinds=_FEW),
        WorldSpec(name="minute", bar_minutes=1, evidence_bars=6_000, heavy_tails=0.6, kinds=_FEW),
        WorldSpec(name="five_symbols", n_symbols=5),
        WorldSpec(name="many_symbols", n_symbols=100, kinds=_FEW, holdout_bars=5_000),
    )
}
