"""`training_report.png`: what was promised of each model against what came of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from foxml_assets.core.pictures import new_figure, png_bytes, say
from foxml_assets.families.registry import find_family
from foxml_assets.reporting.promises import compared_skills, promise_of
from foxml_assets.reporting.report import ModelLine

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MANY = 200


def promise_picture(lines: Sequence[ModelLine]) -> bytes:
    """PNG bytes: each model's skill on the hold-out over the one it was planned on; the line of equality.

    Pooled models are diamonds, those of one symbol circles; colours are the families'.
    """
    compared = compared_skills(lines)
    figure = new_figure(width=7.0, height=4.8)
    axes = figure.add_subplot()
    if not compared:
        say(axes, "no model can be held against a promise yet")
        return png_bytes(figure)
    _draw_equality(axes, [skill for line, promised in compared for skill in (line.skill, promised)])
    size = 40 if len(compared) <= _MANY else 12
    for family in sorted({line.family for line, _ in compared}):
        for marker, is_pooled in (("D", True), ("o", False)):
            own = [
                pair
                for pair in compared
                if pair[0].family == family and (pair[0].symbol is None) is is_pooled
            ]
            if own:
                axes.scatter(
                    [promised for _, promised in own],
                    [line.skill for line, _ in own],
                    s=size,
                    marker=marker,
                    color=find_family(family).colour,
                    alpha=0.75,
                    linewidths=0,
                    label=f"{family}, {'pooled' if is_pooled else 'one symbol'} ({len(own):,})",
                    zorder=3,
                )
    found = promise_of(lines)
    if found is not None:
        title = f"Mean skill: promised {found.promised:.3f}, on the hold-out {found.realised:.3f}"
        axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel("skill that the evidence promised (0 is chance)")
    axes.set_ylabel("skill on the hold-out")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return png_bytes(figure)


def _draw_equality(axes: "Axes", skills: Sequence[float]) -> None:
    """Both axes over the same range, and the line on which the hold-out gives what was promised."""
    low, high = min(0.0, *skills), max(0.0, *skills)
    margin = 0.06 * (high - low) or 0.1
    low, high = low - margin, high + margin
    axes.axhline(0.0, color="#999999", linewidth=1)
    axes.fill_between([low, high], [low, high], low, color="#F2F2F2", linewidth=0)
    axes.plot([low, high], [low, high], color="#555555", linestyle="--", linewidth=1, label="as promised")
    inside, grey = axes.transAxes, "#555555"
    axes.text(0.03, 0.97, "better than promised", transform=inside, va="top", fontsize=9, color=grey)
    axes.text(0.97, 0.03, "worse than promised", transform=inside, ha="right", fontsize=9, color=grey)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
