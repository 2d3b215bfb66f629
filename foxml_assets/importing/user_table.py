"""A user's own table of metrics (Parquet or CSV) as routing candidates."""

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from foxml_assets.core.errors import CandidatesError, Problem
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.importing.foreign_words import (
    FOXML_METRIC,
    Imported,
    leakage_status,
    score_metric,
    task_in_name,
    task_type,
)
from foxml_assets.routing.candidates.candidates import CANDIDATE_NAMES, typed_candidates
from foxml_assets.routing.candidates.candidates_file import read_raw_table
from foxml_assets.storage.tables import is_pandas_index

_ALIASES = {
    "metric": "score_metric",
    "metric_name": "score_metric",
    "n": "sample_size",
    "n_samples": "sample_size",
    "se": "score_se",
    "ci_low": "score_ci_low",
    "ci_high": "score_ci_high",
    "failed_model_families": "failed_families",
    "leakage": "leakage_status",
}
# Columns of FoxML's own candidates that carry nothing routing needs.
_IGNORED = frozenset({"mode", "timestamp", "git_commit", "feature_set_id", "model_status"})
_NESTED = frozenset({"successful_families", "failed_families", "failed_model_families", "stability_metrics"})
_STABILITY = ("mean_overlap", "std_overlap", "mean_tau", "std_tau", "n_snapshots")
_REQUIRED = ("target", "symbol", "score", "sample_size")
_FIX = "see docs/formats.md for the columns and an example"


def import_candidates(path: Path) -> Imported:
    """The table at `path` as candidates.

    Raises CandidatesError, with all problems of the file at once, if it cannot be read, lacks a needed
    column or holds one that is not known. Single bad rows are left to routing, which quarantines them.
    """
    if not path.is_file():
        raise CandidatesError("the file does not exist", file=path, fix="name a .parquet or .csv file")
    if path.suffix.lower() not in (".parquet", ".csv"):
        problem = Problem("", "must end in .parquet or .csv", path.name)
        raise CandidatesError("the kind of file is not known", file=path, problems=[problem], fix=_FIX)
    notes: list[str] = []
    raw = _without_index(read_raw_table(path, may_be_nested=_NESTED), notes)
    raw = _renamed(_with_task_of_name(raw, notes), path)
    table = _flat_families(_expanded_stability(raw, notes))
    table = table.drop(columns=[name for name in _IGNORED if name in table.columns])
    table = _with_metric(table, path, notes)
    if "leakage_status" not in table.columns:
        notes.append("there is no leakage_status, so every row counts as UNKNOWN")
    else:
        table = table.assign(leakage_status=_in_our_words(table["leakage_status"], leakage_status))
    notes += [f"there is no {name}: {text}" for name, text in _WITHOUT.items() if name not in table.columns]
    return Imported(typed_candidates(table), tuple(notes))


_WITHOUT = {
    "score_se": "without standard errors or intervals false discoveries are not controlled",
    "n_snapshots": "stability is taken from the stability column alone",
    "successful_families": "whether families fitted is not held against any row",
}


def _without_index(raw: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """`raw` without the index that pandas writes along if it is not told otherwise."""
    found = [name for name in raw.columns if is_pandas_index(str(name))]
    notes += [f"{name} is the index of a pandas table and is left out" for name in found]
    return raw.drop(columns=found)


def _with_task_of_name(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """FoxML's own table, known by its `mode`, with tasks and metrics by its target names, if it has none."""
    names = {_ALIASES.get(str(name), str(name)) for name in table.columns}
    if not {"mode", "target"} <= names or {"score_metric", "task_type"} & names:
        return table
    tasks = [task for target in table["target"] if (task := task_in_name(str(target))) is not None]
    if len(tasks) < len(table):
        return table
    notes.append(
        "there is no task_type: as in FoxML y_will_ means classification (auc), fwd_ret regression (r2)"
    )
    metrics = [FOXML_METRIC[task].value for task in tasks]
    return table.assign(task_type=[task.value for task in tasks], score_metric=metrics)


def _renamed(raw: pd.DataFrame, path: Path) -> pd.DataFrame:
    """`raw` under the candidates' column names; every wrong column is listed in one error."""
    # An alias beside the column that it stands for is left as it is, and reported below.
    aliases = {name: alias for name, alias in _ALIASES.items() if alias not in raw.columns}
    renamed = raw.rename(columns=aliases)
    known = {*CANDIDATE_NAMES, *_IGNORED, *_ALIASES, "stability_metrics"}
    problems = [Problem(name, "column is missing") for name in _REQUIRED if name not in renamed.columns]
    problems += [Problem(str(name), "column is not known") for name in renamed.columns if name not in known]
    if "score_metric" not in renamed.columns and "task_type" not in renamed.columns:
        problems.append(
            Problem("score_metric", "column is missing, and there is no task_type to infer it from")
        )
    problems += [
        Problem(name, f"says the same as {_ALIASES[name]}") for name in renamed.columns if name in _ALIASES
    ]
    twice = renamed.columns[renamed.columns.duplicated()].unique()
    problems += [Problem(str(name), "is given under two names") for name in twice]
    if problems:
        raise CandidatesError(
            "the columns are not those of candidates", file=path, problems=problems, fix=_FIX
        )
    return renamed


def _with_metric(table: pd.DataFrame, path: Path, notes: list[str]) -> pd.DataFrame:
    """`table` with task_type and score_metric, each inferred from the other where it is safe."""
    if "task_type" in table.columns:
        table = table.assign(task_type=_in_our_words(table["task_type"], task_type))
    if "score_metric" in table.columns:
        table = table.assign(score_metric=_in_our_words(table["score_metric"], score_metric))
    elif (table["task_type"] == "classification").all():
        notes.append("there is no score_metric: classification scores are taken as AUC")
        table = table.assign(score_metric="auc")
    else:
        problem = Problem("score_metric", "column is missing; a regression score may be ic or r2")
        raise CandidatesError("the metric is not known", file=path, problems=[problem], fix=_FIX)
    if "task_type" not in table.columns:
        notes.append("there is no task_type: auc means classification, ic and r2 mean regression")
        tasks = table["score_metric"].map({metric.value: metric.facts.task.value for metric in ScoreMetric})
        table = table.assign(task_type=tasks)
    return table


def _in_our_words(words: pd.Series, meaning: Callable[[str], object]) -> pd.Series:
    """`words` by their `meaning` here; one without stays as it is, so that routing quarantines its row."""
    return words.map(lambda word: meaning(str(word)) or word, na_action="ignore")


def _flat_families(table: pd.DataFrame) -> pd.DataFrame:
    """Lists of families as texts joined by `|`."""
    listed = [name for name in ("successful_families", "failed_families") if name in table.columns]
    return table.assign(**{name: table[name].map(_joined, na_action="ignore") for name in listed})


def _joined(value: object) -> str:
    listed = _literal(value) if isinstance(value, str) and value.startswith("[") else value
    # Lists in a Parquet file arrive as arrays.
    if isinstance(listed, np.ndarray):
        listed = listed.tolist()
    return "|".join(map(str, listed)) if isinstance(listed, list | tuple) else str(value)


def _expanded_stability(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """FoxML's column of metric objects as one column per metric."""
    if "stability_metrics" not in table.columns:
        return table
    objects = [_literal(value) if isinstance(value, str) else value for value in table["stability_metrics"]]
    found = [value if isinstance(value, dict) else {} for value in objects]
    expanded = pd.DataFrame(
        {name: [one.get(name) for one in found] for name in _STABILITY if name not in table.columns},
        index=table.index,
    )
    if "n_snapshots" in expanded.columns:
        # FoxML computes these metrics from two snapshots up, but does not always say from how many.
        expanded["n_snapshots"] = [one.get("n_snapshots", 2) if one else None for one in found]
        notes.append("stability_metrics without a count are taken as from two snapshots")
    return pd.concat([table.drop(columns="stability_metrics"), expanded], axis=1)


def _literal(text: str) -> object:
    """The value that a cell of a CSV spells out, or None if it cannot be read."""
    try:
        # Dictionaries print a missing number as nan, which is no literal.
        return ast.literal_eval(text.replace("nan", "None"))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
