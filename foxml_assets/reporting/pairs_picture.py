"""`pair_scores.png`: the hold-out skill of every pair as it is served."""

import numpy as np
import pandas as pd

from foxml_assets.core.pictures import new_figure, png_bytes, say, shown_name
from foxml_assets.core.vocabulary import Route
from foxml_assets.routing.pages.plan_picture import ROUTE_COLOURS

_MAX_TARGETS = 60


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
