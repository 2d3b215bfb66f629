"""A picture of the lag profiles of a target's findings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from foxml_assets.core.pictures import new_figure, png_bytes, say, shown_name
from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.leakage.findings import Finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PANELS = 6
_ACROSS = 3
# From Okabe and Ito's palette, which colour-blind readers can tell apart.
_COLOURS = {LeakageStatus.BLOCKED: "#D55E00", LeakageStatus.SUSPECT: "#0072B2"}


def profile_picture(findings: Sequence[Finding]) -> bytes:
    """PNG bytes: skill by lag of the first MOST_PANELS of `findings`, beside what a copy would show."""
    shown = [one for one in findings if one.profile][:MOST_PANELS]
    # Rows of the grid: the number of panels by _ACROSS, rounded up.
    rows = max(1, -(-len(shown) // _ACROSS))
    across = min(max(1, len(shown)), _ACROSS)
    figure = new_figure(width=max(4.5, 3.4 * across), height=0.6 + 2.3 * rows)
    panels = figure.subplots(rows, across, squeeze=False).ravel()
    for axes, one in zip(panels, shown, strict=False):
        _draw(axes, one)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    if shown:
        figure.supxlabel("feature: rows after the label's row  ←  0  →  rows before it", fontsize=8)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=2,
                      frameon=False, fontsize=8)  # fmt: skip
    else:
        say(panels[0], "there is no lag profile")
    return png_bytes(figure)


def _draw(axes: "Axes", one: Finding) -> None:
    lags = [point.lag for point in one.profile]
    skill, copy = ([_height(value) for value in values] for values in zip(
        *((point.skill, point.copy) for point in one.profile), strict=True))  # fmt: skip
    axes.axhline(0, color="#bbbbbb", linewidth=1)
    axes.axvline(0, color="#bbbbbb", linewidth=1)
    axes.plot(lags, copy, color="black", linestyle=":", zorder=3, label="a copy of the label")
    axes.locator_params(axis="x", nbins=6, integer=True)
    axes.plot(
        lags, skill, color=_COLOURS.get(one.status), marker="o", markersize=4, label="skill of the feature"
    )
    of = "" if one.symbol is None else f" on {shown_name(one.symbol, 10)}"
    title = f"{shown_name(one.feature, 26)}{of}: {one.detector}, {one.status.value}"
    axes.set_title(title, fontsize=8, loc="left")
    axes.tick_params(labelsize=7)


def _height(value: float | None) -> float:
    return float("nan") if value is None else value
