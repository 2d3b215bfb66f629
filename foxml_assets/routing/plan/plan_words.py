"""What the texts of a plan's tables may be: words of a vocabulary, or JSON that is read where it is used."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec
import pandas as pd

from foxml_assets.core.assurances import Assurances
from foxml_assets.core.errors import Problem
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import LeakageStatus, Route, SignalState, Stability, TaskType
from foxml_assets.routing.candidates.table_columns import Column, Kind
from foxml_assets.routing.policy.routing_words import ErrorControl, HorizonTier, RouteRule
from foxml_assets.storage.exact_json import decode_json

_SIDES = ("cs", "local")
_WORDS: Mapping[str, type[StrEnum]] = {
    "task_type": TaskType,
    "score_metric": ScoreMetric,
    "local_metric": ScoreMetric,
    "tier": HorizonTier,
    "route": Route,
    "rule": RouteRule,
    **{f"{side}_state": SignalState for side in _SIDES},
    **{f"{side}_tier": HorizonTier for side in _SIDES},
    **{f"{side}_stability": Stability for side in _SIDES},
    **{f"{side}_leakage_status": LeakageStatus for side in _SIDES},
    **{f"{side}_error_control": ErrorControl for side in _SIDES},
}
_STATUSES = dict[str, LeakageStatus]
_DOCUMENTS: Mapping[str, type[object]] = {
    "features": _STATUSES,
    "dropped_features": _STATUSES,
    "assured": Assurances,
}
# Without it no trace can be told.
_ALWAYS = frozenset(f"{side}_error_control" for side in _SIDES)


def unreadable_texts(table: pd.DataFrame, columns: Sequence[Column]) -> tuple[Problem, ...]:
    """The texts in `table` that no router writes, and nulls where there is always one."""
    problems: list[Problem] = []
    for column in columns:
        if column.kind is not Kind.TEXT:
            continue
        name, held = column.name, table[column.name]
        missing = int(held.isna().sum()) if column.always or name in _ALWAYS else 0
        problems += [Problem(name, "has empty values", missing)] if missing else []
        # Each distinct text is read once, however many rows share it.
        wrong = ((text, _wrong(name, text)) for text in held.cat.categories)
        problems += [Problem(name, what, text) for text, what in wrong if what]
    return tuple(problems)


def _wrong(name: str, text: str) -> str:
    words, document = _WORDS.get(name), _DOCUMENTS.get(name)
    if words is not None and text not in set(words):
        return f"must be one of {', '.join(words)}"
    try:
        if document is not None:
            decode_json(text, document)
    except msgspec.DecodeError as error:
        return f"cannot be read: {error}"
    return ""
