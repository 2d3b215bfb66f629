"""What is known of the features before any target is looked at: by the user's word, and by replay."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from foxml_assets.core.assurances import Assurance, Assurances
from foxml_assets.core.errors import PanelError, Problem
from foxml_assets.core.vocabulary import AssuredBy
from foxml_assets.evidence.arrays import Flags, PanelArrays
from foxml_assets.evidence.leakage.clock import told_by_clock
from foxml_assets.evidence.replay.comparison import Replayed
from foxml_assets.evidence.replay.replay_file import Replay
from foxml_assets.panel.data_config import LeakageConfig
from foxml_assets.panel.patterns import lookup, matches_any, nearest, unmatched

_SETTING = "evidence.leakage"


@dataclass(frozen=True)
class Known:
    """The features of a panel, and what is known of some of them.

    `assured` are those that the user or replay stands for; `changed` those that replay found to look ahead
    and the user does not stand for; `by_clock` those that date and time of day tell.
    """

    features: tuple[str, ...]
    assured: Assurances
    changed: Mapping[str, Replayed]
    by_clock: frozenset[str]

    @cached_property
    def doubted(self) -> Flags:
        """Features that are asked whether they look ahead or bring news of a label."""
        settled = {*self.assured, *self.changed, *self.by_clock}
        return self._where(lambda name: name not in settled)

    @cached_property
    def may_copy(self) -> Flags:
        """Features that are asked whether they are near copies: all that the user gives no reason for.

        A calendar is the user's claim, and replay cannot tell whether the rows of a source hold the label.
        """
        return self._where(lambda name: self._by(name) is not AssuredBy.USER)

    @cached_property
    def proven(self) -> Flags:
        """Features that replay proved to use earlier rows only."""
        return self._where(lambda name: self._by(name) is AssuredBy.REPLAY)

    @cached_property
    def look_ahead(self) -> Flags:
        """Features that replay found to look ahead."""
        return self._where(lambda name: name in self.changed)

    def _by(self, name: str) -> AssuredBy | None:
        return self.assured[name].by if name in self.assured else None

    def _where(self, holds: Callable[[str], bool]) -> Flags:
        return np.array([holds(name) for name in self.features], dtype=bool)


def known_features(panel: PanelArrays, config: LeakageConfig, replay: Replay) -> Known:
    """What `known_safe`, `calendar` and `replay` say, the user's reason before all, a calendar before replay.

    Raises PanelError for patterns that name no feature, and for a calendar feature that is not the same for
    all symbols.
    """
    _check_patterns(panel.features, config)
    assured, changed = {}, {}
    for name in panel.features:
        found, reason = replay.features.get(name), lookup(name, config.known_safe)
        looks_ahead = found is not None and found.change is not None
        despite = found.in_words(name) if found is not None and looks_ahead else ""
        if reason is not None:
            assured[name] = Assurance(AssuredBy.USER, reason=reason, despite=despite)
        elif matches_any(name, config.calendar):
            assured[name] = Assurance(AssuredBy.CALENDAR, despite=despite)
        elif found is not None and looks_ahead:
            changed[name] = found
        elif found is not None and replay.is_proven(name):
            assured[name] = Assurance(AssuredBy.REPLAY, cuts=found.cuts)
    _check_calendar(panel, config)
    return Known(panel.features, assured, changed, told_by_clock(panel))


def _check_patterns(features: tuple[str, ...], config: LeakageConfig) -> None:
    problems = []
    for setting, patterns in (("known_safe", tuple(config.known_safe)), ("calendar", config.calendar)):
        for pattern in unmatched(patterns, features):
            near = nearest(pattern, features)
            meant = f"; did you mean {', '.join(near)}?" if near else ""
            problems.append(Problem(f"{_SETTING}.{setting}", f"names no feature{meant}", pattern))
    if problems:
        raise PanelError(
            "the panel does not hold what data_config.yaml says",
            problems=problems,
            fix=f"choose from its features: {', '.join(features[:40])}",
        )


def _check_calendar(panel: PanelArrays, config: LeakageConfig) -> None:
    problems = list(_unequal(panel, config))
    if problems:
        raise PanelError(
            "what is known in advance is the same for all symbols, and these features are not",
            problems=problems,
            fix=f"take them out of `{_SETTING}.calendar`; what differs by symbol can be vouched for under"
            f" `{_SETTING}.known_safe`, with a reason",
        )


def _unequal(panel: PanelArrays, config: LeakageConfig) -> Iterator[Problem]:
    for at, name in enumerate(panel.features):
        if not matches_any(name, config.calendar):
            continue
        values = np.asarray(panel.X[:, at], dtype=np.float64)
        low, high = np.full(len(panel.times), np.nan), np.full(len(panel.times), np.nan)
        # Lowest and highest value of all symbols at each bar; fmin and fmax pass over NaN.
        np.fmin.at(low, panel.bar, values)
        np.fmax.at(high, panel.bar, values)
        apart = np.flatnonzero(low < high)
        if len(apart):
            bar = int(apart[0])
            here = np.flatnonzero(panel.bar == bar)
            lowest, highest = (int(here[values[here] == end[bar]][0]) for end in (low, high))
            first, second = sorted((lowest, highest))
            one, other = (f"{values[row]:.6g} on {panel.symbols[panel.code[row]]}" for row in (first, second))
            when = panel.times[bar].isoformat()
            yield Problem(f"feature {name}", f"is {one} and {other} at {when}; {len(apart):,} times differ")
