"""From what a FoxML run says to candidate rows; what it does not say stays unknown."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TypeAlias, TypeVar

from foxml_assets.core.hashing import canonical_json
from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.importing.foreign_words import FOXML_METRIC, leakage_status, task_in_name, task_type, worst
from foxml_assets.importing.foxml_files import Reading, Snapshot, snapshot_stability

_HORIZON = re.compile(r"_(\d+)(m|min|h|d)(?=_|$)")
# A day counts as 24 hours, open market or not.
_MINUTES = {"m": 1, "min": 1, "h": 60, "d": 1440}
_T = TypeVar("_T")

RowKey: TypeAlias = tuple[str, str | None]


@dataclass(frozen=True)
class FoxmlRun:
    """What was read, by (target, symbol); `features` by target."""

    readings: dict[RowKey, list[Reading]] = field(default_factory=lambda: defaultdict(list))
    snapshots: dict[RowKey, list[Snapshot]] = field(default_factory=lambda: defaultdict(list))
    features: dict[str, list[str]] = field(default_factory=dict)


def candidate_rows(run: FoxmlRun, notes: list[str]) -> Iterator[dict[str, object]]:
    """The rows by target, a pooled one first, measured or not; `notes` takes what was inferred."""
    symbols: dict[str, set[str | None]] = defaultdict(lambda: {None})
    for target, symbol in run.readings:
        symbols[target].add(symbol)
    for target in sorted(symbols):
        # The pooled row's None sorts as the empty text, before every symbol.
        keys = [(target, symbol) for symbol in sorted(symbols[target], key=lambda name: name or "")]
        of_target = [one for key in keys for one in run.readings.get(key, [])]
        yield from (_row(key, run, of_target, notes) for key in keys)


def _row(key: RowKey, run: FoxmlRun, of_target: Sequence[Reading], notes: list[str]) -> dict[str, object]:
    """One candidate row; what its own readings leave open, those of its target may settle."""
    target, symbol = key
    readings = sorted(run.readings.get(key, []), key=lambda one: one.rank)
    # Score and error are taken from one reading, the most trusted that has a score.
    scored = next((one for one in readings if one.score is not None), None)
    score, se = (scored.score, scored.se) if scored is not None else (None, None)
    if score is None and symbol is None:
        score = _mean_of_symbols(target, of_target, notes)
    task, metric = _task_and_metric(target, scored, [*readings, *of_target], notes)
    reported = [pair for one in readings for pair in one.leakage]
    leakage, words = worst([status for _, status in reported]), sorted({word for word, _ in reported})
    notes += [
        f"{target}: leakage word {word!r} is not known"
        for word, status in reported
        if status is LeakageStatus.UNKNOWN and leakage_status(word) is None
    ]
    stability = snapshot_stability(run.snapshots.get(key, []))
    return {
        "target": target,
        "symbol": symbol,
        "task_type": task,
        "score_metric": metric,
        "horizon_minutes": _first(one.horizon for one in readings) or _horizon_in_name(target),
        "sample_size": _first(one.sample_size for one in readings),
        "score": score,
        "score_se": se,
        **asdict(stability),
        "n_snapshots": stability.n_snapshots or None,
        "leakage_status": str(leakage),
        "leakage_reason": f"FoxML says {', '.join(words)}"
        if words and leakage is not LeakageStatus.SAFE
        else None,
        "successful_families": "|".join(sorted({name for one in readings for name in one.successful})),
        "failed_families": "|".join(sorted(_failed(readings))),
        "features": _features(target, readings, run.features) if symbol is None else None,
    }


def _task_and_metric(
    target: str, scored: Reading | None, readings: Sequence[Reading], notes: list[str]
) -> tuple[str | None, str | None]:
    """Task and metric words of a row; the metric is the one of the score, else it follows from the task."""
    word = _first(one.task_word for one in readings)
    metric = scored.metric if scored is not None else None
    if metric is None and scored is not None and scored.metric_word is not None:
        # A metric that is not known here goes on as it is named, so that routing quarantines the row.
        return (str(task_type(word or "") or "") or None), scored.metric_word
    metric = metric or _first(one.metric for one in readings)
    task = task_type(word) if word else (metric.facts.task if metric else None)
    if task is None and not word:
        task = task_in_name(target)
    if metric is None and task is not None:
        metric = FOXML_METRIC[task]
        notes.append(f"{target}: the score names no metric; FoxML's {task} scores are {metric}")
    return (str(task) if task else word), (str(metric) if metric else None)


def _mean_of_symbols(target: str, readings: Sequence[Reading], notes: list[str]) -> float | None:
    """FoxML's own stand-in for a pooled score: the mean over the symbols' models."""
    scores = [one.score for one in readings if one.symbol is not None and one.score is not None]
    if not scores:
        return None
    notes.append(
        f"{target}: no pooled score; the mean over {len(scores)} symbol scores stands in, as in FoxML"
    )
    return sum(scores) / len(scores)


def _features(target: str, readings: Sequence[Reading], selected: dict[str, list[str]]) -> str | None:
    """The selected features with what reports say of them; a feature nobody examined is UNKNOWN."""
    if target not in selected:
        return None
    # Of two reports on a feature the later one counts.
    named = {name: status for one in readings for name, status in one.features.items()}
    return canonical_json(
        {name: named.get(name, LeakageStatus.UNKNOWN) for name in selected[target]}
    ).decode()


def _failed(readings: Sequence[Reading]) -> set[str]:
    failed = {name for one in readings for name in one.failed}
    # A family that fitted somewhere has not failed.
    return failed - {name for one in readings for name in one.successful}


def _first(values: Iterable[_T | None]) -> _T | None:
    return next((value for value in values if value is not None), None)


def _horizon_in_name(target: str) -> float | None:
    found = _HORIZON.search(target)
    return None if found is None else float(int(found[1]) * _MINUTES[found[2]])
