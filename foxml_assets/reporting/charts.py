"""PNG pictures of scores."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.pictures import new_figure, png_bytes, say, shown_name
from foxml_assets.core.vocabulary import Route
from foxml_assets.families.registry import find_family
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.routing.pages.plan_picture import ROUTE_COLOURS
from foxml_assets.training.models.manifest import Manifest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_EVIDENCE_COLOUR = "#D55E00"
_MAX_BARS = 40
_MAX_TARGETS = 60


def model_scores_chart(job: Job, manifests: Sequence[Manifest]) -> bytes:
    """PNG bytes: each family's hold-out score per symbol, beside the evidence the job was planned on.

    Over 40 symbols their scores become a histogram. Without a scored symbol the picture says so.
    """
    scores = pd.DataFrame(
        [
            (item.symbol, manifest.family, item.score.value)
            for manifest in manifests
            for item in manifest.scores.by_symbol
            if item.score.value is not None
        ],
        columns=["symbol", "family", "score"],
    )
    n_bars = min(scores["symbol"].nunique(), _MAX_BARS)
    figure = new_figure(width=5.0 + 0.2 * n_bars, height=3.2)
    axes = figure.add_subplot()
    if scores.empty:
        say(axes, "nothing could be scored")
        return png_bytes(figure)
    metric = manifests[0].scores.within_symbols.metric
    chance = metric.chance
    table = scores.pivot(index="symbol", columns="family", values="score")
    many = len(table) > _MAX_BARS
    if many:
        _draw_histogram(axes, table, metric)
    else:
        _draw_bars(axes, table, metric, chance)
    line = axes.axvline if many else axes.axhline
    line(chance, color="#555555", linewidth=1)
    if job.metadata.score is not None and job.metadata.score_metric is metric:
        line(job.metadata.score, color=_EVIDENCE_COLOUR, linestyle="--", label="evidence")
    axes.set_title(f"{shown_name(job.job_id, 60)}: hold-out {metric.value.upper()}", loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return png_bytes(figure)


def skill_chart(pair_scores: pd.DataFrame) -> bytes:
    """PNG bytes: the hold-out skill of every scored pair (`score_pairs`), by target, coloured by route.

    Filled where the 95 % interval leaves chance out. Best targets first, at most 60; a black tick marks a
    target's mean.
    """
    scored = pair_scores[pair_scores["skill"].notna()]
    means = scored.groupby("target")["skill"].mean().sort_index()
    means = means.sort_values(ascending=False, kind="stable").head(_MAX_TARGETS)
    figure = new_figure(width=9.0, height=max(2.4, 1.2 + 0.3 * len(means)))
    axes = figure.add_subplot()
    if means.empty:
        say(axes, "no pair has a score yet")
        return png_bytes(figure)
    place = {target: row for row, target in enumerate(means.index)}
    for route in Route:
        own = scored[(scored["route"] == route.value) & scored["target"].isin(place)]
        if len(own):
            label = route.value.removeprefix("ROUTE_").replace("_", " ").lower()
            rows = own["target"].map(place).to_numpy(dtype=np.float64)
            colour, sure = ROUTE_COLOURS[route], (own["skill_low"] > 0) | (own["skill_high"] < 0)
            faces = [colour if one else "none" for one in sure]
            axes.scatter(own["skill"], rows, s=20, alpha=0.7, facecolors=faces, edgecolors=colour)
            # Draws nothing: an entry of the legend that is filled whatever the first pair is.
            axes.scatter([], [], s=20, color=colour, label=label)
    axes.scatter([], [], s=20, facecolors="none", edgecolors="#555555", label="not told from chance")
    axes.scatter(means, range(len(means)), marker="|", s=160, color="black", zorder=3)
    axes.axvline(0, color="#555555", linewidth=1)
    axes.set_yticks(range(len(means)), [shown_name(str(target), 32) for target in means.index], fontsize=8)
    # Downwards, so that the best is on top.
    axes.set_ylim(len(means) - 0.5, -0.5)
    axes.set_xlabel("hold-out skill (0 is chance)")
    axes.set_title("Every routed pair as it is served", loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return png_bytes(figure)


def _draw_bars(axes: "Axes", table: pd.DataFrame, metric: ScoreMetric, chance: float) -> None:
    width = 0.8 / len(table.columns)
    for position, family in enumerate(table.columns):
        # The families' bars share 0.8 of a symbol's place, around its middle.
        left = np.arange(len(table)) - 0.4 + (position + 0.5) * width
        colour = find_family(family).colour
        # Bars stand on chance: up is skill, down is the lack of it.
        axes.bar(left, table[family] - chance, width, bottom=chance, color=colour, label=family)
    axes.set_xticks(
        range(len(table)), [shown_name(str(name), 12) for name in table.index], rotation=90, fontsize=7
    )
    axes.set_ylabel(metric.value.upper())


def _draw_histogram(axes: "Axes", table: pd.DataFrame, metric: ScoreMetric) -> None:
    bins = np.histogram_bin_edges(table.to_numpy()[~np.isnan(table.to_numpy())], bins=30)
    for family in table.columns:
        colour = find_family(family).colour
        axes.hist(table[family].dropna(), bins=bins.tolist(), color=colour, alpha=0.6, label=family)
    axes.set_xlabel(metric.value.upper())
    axes.set_ylabel("symbols")
