"""Targets as tasks of a Dask scheduler."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from foxml_assets.core.errors import DetectorError, PanelError
from foxml_assets.engines.cluster import connected, require_same_software
from foxml_assets.engines.flight import Flight
from foxml_assets.engines.worker_panel import place_panel
from foxml_assets.evidence.arrays import load_arrays
from foxml_assets.evidence.evaluating.evaluated import Evaluated
from foxml_assets.evidence.evaluating.stale import settings_hash
from foxml_assets.evidence.evaluating.target_task import (
    PanelOrder,
    TargetOrder,
    evaluate_order,
    forget,
    software,
)
from foxml_assets.evidence.replay.replay_file import current_replay
from foxml_assets.families.threads import one_blas_thread_throughout
from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import read_panel
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.object_store import ObjectStore

# What is wrong with the panel or the settings is so for every target.
_OF_ALL_TARGETS = (PanelError, DetectorError)


def evaluate_on_dask(
    scheduler: str,
    targets: Sequence[str],
    info: PanelInfo,
    config: DataConfig,
    layout: Layout,
    progress: Callable[[str], None],
    panel_store: ObjectStore | None,
) -> Iterator[tuple[str, Evaluated | Exception]]:
    """Evaluate `targets`, each on a worker, and yield how each ended.

    Workers share the root; with a store for the panel they see none. Raises EngineError without a scheduler,
    or when it is lost, and StoreError if the panel cannot be put there; else as on threads.
    """
    families, detectors = config.evidence.families, config.evidence.leakage.detectors
    with connected(scheduler) as client:
        require_same_software(client, partial(software, families, detectors))
        place = place_panel(layout, panel_store, info)
        # Here, and once: the code and the source of a feature builder are nothing that workers need.
        with one_blas_thread_throughout():
            replay = current_replay(
                lambda: load_arrays(info, config.evidence, partial(read_panel, layout)),
                info,
                config,
                layout,
                progress,
            )
        panel = PanelOrder(place, config.evidence, replay)
        hashes = {
            name: settings_hash(info.target(name), panel.settings, replay.replay_hash) for name in targets
        }
        orders = ((name, TargetOrder(name, known, panel)) for name, known in hashes.items())
        progress("asking which features look ahead")
        flight = Flight[TargetOrder, Evaluated](client, evaluate_order, until=math.inf)
        try:
            for name, result in flight.carry(orders):
                if isinstance(result, _OF_ALL_TARGETS):
                    raise result
                yield name, result
        finally:
            if client.status == "running":
                # Training needs the memory too; a worker that has gone needs none.
                client.run(forget, panel, on_error="return")
