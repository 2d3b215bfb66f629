"""Truncation replay: features built again without the rows after a cut must be what they were with them.

The only proof that a feature does not look ahead; all else infers it from the panel.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

from foxml_assets.core.errors import BuilderError
from foxml_assets.evidence.arrays import Ints, PanelArrays
from foxml_assets.evidence.replay.built import Built, Rows, as_built, source_rows
from foxml_assets.evidence.replay.comparison import (
    Replayed,
    Tail,
    carried_over,
    changed_again,
    compare,
    not_the_panels,
)
from foxml_assets.panel.builders import BuildFunction, UserCode, load_builder, working_directory_first
from foxml_assets.panel.data_config import FeatureBuilder, ReplayConfig
from foxml_assets.panel.panel_info import PanelInfo

_MAX_LISTED = 10
# Multiples of it modulo 1 spread evenly without repeating (a Kronecker sequence).
_GOLDEN = 0.6180339887498949
_CALL_FIX = "mend the function: it is called with the rows of its source up to some time, in long format"


def cut_bars(n_bars: int, cuts: int) -> tuple[int, ...]:
    """Bars to cut at, one in each of `cuts` equal parts, at places that fall in step with no calendar."""
    part = np.arange(cuts)
    places = (part + (0.5 + part * _GOLDEN) % 1.0) * n_bars / cuts
    return tuple(np.unique(places.astype(np.int64)).tolist())


def replay_builder(
    builder: FeatureBuilder,
    panel: PanelArrays,
    bars: Sequence[int],
    info: PanelInfo,
    config: ReplayConfig,
    progress: Callable[[str], None],
) -> dict[str, Replayed]:
    """Build on the source up to each of `bars`, then on all of it, and compare each feature of the panel.

    The cuts come first: what a builder keeps of all its rows cannot help it then. Raises BuilderError for
    a builder that fails, is impure or does not make what the panel holds; PanelError for its source.
    """
    source = source_rows(builder, panel, info)
    # A builder without a source row before a cut has nothing to build from.
    cuts = [bar for bar in bars if (source.times <= panel.times[bar]).any()]
    if not cuts:
        raise _refused(builder, "has no source rows before the hold-out", "give it the rows it needs")
    with working_directory_first():
        run = _Run(builder, load_builder(builder), source, panel, info, progress, n_builds=len(cuts) + 2)
        tails = [run.tail(bar, config.last_rows) for bar in cuts]
        full = run.build(None)
        again = run.tail(cuts[0], config.last_rows)
    names = [name for name in panel.features if name in full.frame.columns]
    _check(builder, tails[0], again, full, names, config)
    # The same last row at the first cut as with all rows: it was not built from the argument.
    if tails[0].last == full.last and (source.times > panel.times[cuts[0]]).any():
        what = f"returns rows up to {full.last} when it is given those up to {panel.times[cuts[0]]}"
        raise _refused(builder, what, "build from the argument, and from nothing else")
    carried = carried_over(full, source.placed(panel), np.concatenate([tail.rows for tail in tails]), names)
    found = compare(builder.function, full, tails, names, config.tolerance)
    return {name: one.as_carried(carried.get(name)) for name, one in found.items()}


def _check(
    builder: FeatureBuilder, one: Tail, again: Tail, full: Built, names: Sequence[str], config: ReplayConfig
) -> None:
    if not names:
        what = f"returns no feature of the panel, only {', '.join(map(str, full.frame.columns[:20]))}"
        raise _refused(builder, what, "give its columns the names that they have in the panel")
    changed = changed_again(one, again, config.tolerance)
    if changed is not None:
        what = f"is impure: of the same rows it makes another {changed} the second time"
        raise _refused(builder, what, "take out randomness, and what it keeps between two calls")
    problems = not_the_panels(full, names, config.tolerance)
    if problems:
        raise BuilderError(
            f"the feature builder {builder.function} does not make what the panel holds",
            problems=problems[:_MAX_LISTED],
            fix="build the panel with it again, or give what it does not make another name in the panel",
        )


class _Run:
    """Calls one builder again and again, and tells what it costs."""

    def __init__(
        self,
        builder: FeatureBuilder,
        function: BuildFunction,
        source: Rows,
        panel: PanelArrays,
        info: PanelInfo,
        progress: Callable[[str], None],
        *,
        n_builds: int,
    ) -> None:
        self._builder, self._function, self._source = builder, function, source
        self._panel, self._info, self._progress = panel, info, progress
        self._n_builds, self._done = n_builds, 0

    def tail(self, bar: int, last_rows: int) -> Tail:
        """Build without what comes after `bar`, and keep the last rows of every symbol."""
        built, panel = self.build(bar), self._panel
        rows = np.concatenate([_last(panel, symbol, bar, last_rows) for symbol in range(len(panel.symbols))])
        located = built.locate(rows)
        values = {name: built.values(name, located) for name in panel.features if name in built.frame.columns}
        return Tail(bar, rows, values, built.last)

    def build(self, bar: int | None) -> Built:
        """Call the function on a copy of the source's rows up to `bar`, of all rows if it is None."""
        frame, began = self._source.frame, time.perf_counter()
        if bar is not None:
            frame = frame[self._source.times <= self._panel.times[bar]].reset_index(drop=True)
        with UserCode(self._builder, "raises an error", _CALL_FIX):
            result = self._function(frame.copy())
        built = as_built(result, self._builder, self._panel, self._info)
        upto = "all rows" if bar is None else f"rows up to {self._panel.times[bar].isoformat()}"
        self._done += 1
        self._progress(
            f"replay of {self._builder.function}, {self._done} of {self._n_builds}: {upto} ({len(frame):,})"
            f" built in {time.perf_counter() - began:.1f} s"
        )
        return built


def _last(panel: PanelArrays, symbol: int, bar: int, count: int) -> Ints:
    rows = panel.rows_between(symbol, 0, bar + 1)
    return np.arange(max(rows.start, rows.stop - count), rows.stop)


def _refused(builder: FeatureBuilder, what: str, fix: str) -> BuilderError:
    return BuilderError(f"the feature builder {builder.function} {what}", fix=fix)
