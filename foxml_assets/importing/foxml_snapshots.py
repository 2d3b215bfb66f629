"""Stability from FoxML's importance snapshots: JSON files with `features` and `importances`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foxml_assets.evidence.scores.stability import agreement
from foxml_assets.evidence.target_evidence import StabilityMetrics
from foxml_assets.importing.json_values import JsonObject, text

TOP_K = 20

# The methods whose snapshots FoxML itself judges, first the pooled one.
_PREFERRED = ("multi_model_aggregated", "lightgbm")


@dataclass(frozen=True)
class Snapshot:
    """The importances of one fit."""

    target: str
    symbol: str | None
    method: str
    importances: dict[str, float]


def snapshot(content: JsonObject, target: str | None, symbol: str | None) -> Snapshot:
    """The snapshot in a file's content. Raises ValueError if it holds no importances."""
    features, values = content.get("features"), content.get("importances")
    named = target or text(content, "target")
    if not isinstance(features, list) or not isinstance(values, list) or len(features) != len(values):
        raise ValueError("features and importances are not lists of one length")
    if not all(isinstance(value, int | float) for value in values) or named is None:
        raise ValueError("importances are not numbers, or no target is named")
    universe = text(content, "universe_sig", "universe_id") or "ALL"
    # The universe of one symbol's fit is written `<symbol>:...`, that of a pooled one is a plain word.
    owner = symbol or (universe.split(":")[0] if ":" in universe else None)
    importances = {str(name): float(value) for name, value in zip(features, values, strict=True)}
    return Snapshot(named, owner, text(content, "method") or "", importances)


def snapshot_stability(snapshots: Sequence[Snapshot]) -> StabilityMetrics:
    """Agreement between the snapshots of one row, of the method FoxML prefers or has most of.

    Overlap is of the top 20 features, corrected for chance, as everywhere in this project.
    """
    by_method: defaultdict[str, list[Snapshot]] = defaultdict(list)
    for one in snapshots:
        by_method[one.method].append(one)
    # The preferred methods first, then those with most snapshots; the name decides ties.
    methods = (*_PREFERRED, *sorted(by_method, key=lambda method: (-len(by_method[method]), method)))
    chosen = next((by_method[method] for method in methods if len(by_method[method]) > 1), snapshots)
    names = sorted({name for one in chosen for name in one.importances})
    # A feature that a fit does not list had no importance in it.
    vectors = [np.array([one.importances.get(name, 0.0) for name in names]) for one in chosen]
    return agreement(vectors, TOP_K)
