"""A preview for people and for machines."""

from collections import Counter

import msgspec

from foxml_assets.core.markdown import table
from foxml_assets.core.vocabulary import Route
from foxml_assets.planning.diff.changes import PlanDiff
from foxml_assets.planning.diff.changes_report import diff_markdown
from foxml_assets.planning.diff.preview import Preview, RouteMove, TimeEstimate
from foxml_assets.planning.plan.encoding import encode


class _PreviewDocument(msgspec.Struct, frozen=True):
    by_route: dict[str, tuple[int, int]]
    moves: tuple[RouteMove, ...]
    diff: PlanDiff
    all_jobs: TimeEstimate
    to_train: TimeEstimate


def route_rows(preview: Preview) -> list[tuple[str, int, int]]:
    """One row per route: pairs now, pairs then."""
    before, after = Counter[Route](), Counter[Route]()
    for move in preview.moves:
        if move.before is not None:
            before[move.before] += move.pairs
        if move.after is not None:
            after[move.after] += move.pairs
    return [(route.value, before[route], after[route]) for route in Route]


def move_rows(preview: Preview) -> list[tuple[str, str, int]]:
    """One row per kind of move: from, to, pairs. Pairs that stay are left out."""
    return [
        (move.before or "(new pair)", move.after or "(no pair)", move.pairs)
        for move in preview.moves
        if move.before is not move.after
    ]


def time_rows(preview: Preview) -> list[tuple[str, str, int, int, int]]:
    """Training time: which jobs, time, fits measured before, fits guessed, fits unknown."""
    named = (("jobs not trained yet", preview.to_train), ("all jobs", preview.all_jobs))
    return [(name, duration(one.seconds), one.known, one.guessed, one.unknown) for name, one in named]


def preview_markdown(preview: Preview) -> str:
    """Routes, moves, jobs and training time."""
    parts: list[str] = [table(("route", "pairs now", "pairs then"), route_rows(preview))]
    moves = move_rows(preview)
    if moves:
        parts.append(table(("from", "to", "pairs"), moves))
    header = ("to train", "time on one thread", "measured fits", "guessed", "unknown")
    parts += [table(header, time_rows(preview)), diff_markdown(preview.diff, preview.ready)]
    return "\n\n".join(parts)


def preview_json(preview: Preview) -> bytes:
    """The whole preview but the plans themselves as one JSON object."""
    by_route = {name: (now, then) for name, now, then in route_rows(preview)}
    document = _PreviewDocument(by_route, preview.moves, preview.diff, preview.all_jobs, preview.to_train)
    return encode(document) + b"\n"


def duration(seconds: float) -> str:
    """How long something takes, as one reads it."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
