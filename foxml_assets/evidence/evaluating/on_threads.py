"""Targets one after the other in this process; what they share is made once, and threads work within."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from foxml_assets.evidence.arrays import load_arrays
from foxml_assets.evidence.evaluating.evaluated import Evaluated
from foxml_assets.evidence.evaluating.one_target import evaluate_case, screened_cases
from foxml_assets.evidence.evaluating.shared import share
from foxml_assets.evidence.replay.replay_file import current_replay
from foxml_assets.evidence.timing import stopwatch
from foxml_assets.families.threads import one_blas_thread_throughout
from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.folds import purge_bars
from foxml_assets.panel.panel_info import PanelInfo, TargetSpec
from foxml_assets.panel.panel_store import read_panel
from foxml_assets.storage.layout import Layout

# Labels and ridge predictions of a batch stand in memory together: three numbers a row and target.
_TARGETS_AT_A_TIME = 16


def evaluate_on_threads(
    targets: Sequence[str],
    info: PanelInfo,
    config: DataConfig,
    layout: Layout,
    progress: Callable[[str], None],
) -> Iterator[tuple[str, Evaluated]]:
    """Evaluate `targets`, those that share their folds together, with the time since the one before."""
    passed, read_rows = stopwatch(), partial(read_panel, layout)
    with one_blas_thread_throughout():
        panel = load_arrays(info, config.evidence, read_rows)
        replay = current_replay(lambda: panel, info, config, layout, progress)
        progress("asking which features look ahead")
        shared = share(panel, config.evidence, replay)
        for batch in _batches([info.target(name) for name in targets]):
            for case, screen, null in screened_cases(batch, info, shared, read_rows):
                yield case.spec.name, evaluate_case(case, screen, null, info, shared, passed)
                passed = stopwatch()


def _batches(specs: Sequence[TargetSpec]) -> Iterator[list[TargetSpec]]:
    """Targets that share their folds, as many at a time as memory should hold."""
    # Few distinct purges, because horizons are rounded up: targets of one share the work on a fold.
    by_purge: dict[int, list[TargetSpec]] = {}
    for spec in specs:
        by_purge.setdefault(purge_bars(spec.horizon_bars), []).append(spec)
    for _, group in sorted(by_purge.items()):
        for start in range(0, len(group), _TARGETS_AT_A_TIME):
            yield group[start : start + _TARGETS_AT_A_TIME]
