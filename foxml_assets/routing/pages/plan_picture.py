"""The picture of a plan: targets by symbols coloured by route, or route shares where that is too many."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from foxml_assets.core.pictures import new_figure, png_bytes, say, shown_name
from foxml_assets.core.vocabulary import Route
from foxml_assets.routing.frames import positions
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import Output

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# From Okabe and Ito's palette, which colour-blind readers can tell apart.
ROUTE_COLOURS: dict[Route, str] = {
    Route.CROSS_SECTIONAL: "#0072B2",
    Route.SYMBOL_SPECIFIC: "#E69F00",
    Route.BOTH: "#009E73",
    Route.EXPERIMENTAL_ONLY: "#CC79A7",
    Route.BLOCKED: "#D9D9D9",
}
_MAX_LABELS = 60
_TARGET_LABEL, _SYMBOL_LABEL = 32, 14
_SHARE_COLUMNS = 1_000


def routes_picture(plan: RoutingPlan, output: Output) -> bytes:
    """PNG bytes of all pairs by route. A plan without pairs gives a picture that says so."""
    from matplotlib.patches import Patch

    n_targets = min(len(plan.targets), output.picture_max_targets)
    grid, symbols = _route_grid(plan, n_targets)
    longest = max((len(shown_name(name, _SYMBOL_LABEL)) for name in symbols[:_MAX_LABELS]), default=0)
    # Inches: margins and legend, a row for each target, and the longest symbol's name, which stands upright.
    height = 1.8 + 0.24 * n_targets + 0.08 * longest
    figure = new_figure(width=11, height=max(2.8, min(24.0, height)))
    axes = figure.add_subplot()
    labels = [shown_name(name, _TARGET_LABEL) for name in plan.targets["target"].head(n_targets)]
    if grid.size == 0:
        say(axes, "no pairs")
    elif len(symbols) <= output.picture_max_symbols:
        _draw_grid(axes, grid, labels, symbols)
    else:
        _draw_shares(axes, grid, labels)
    shown = f"the first {n_targets} of " if n_targets < len(plan.targets) else ""
    axes.set_title(f"{len(plan.pairs):,} pairs of {shown}{len(plan.targets):,} targets by route", loc="left")
    keys = [Patch(color=ROUTE_COLOURS[route], label=_route_label(plan, route)) for route in Route]
    figure.legend(handles=keys, loc="outside lower left", ncols=len(keys), frameon=False, fontsize=8)
    return png_bytes(figure)


def _route_grid(plan: RoutingPlan, n_targets: int) -> tuple[npt.NDArray[np.int8], list[str]]:
    """Route codes of targets by symbols, -1 where there is no such pair."""
    row, symbols = positions(plan.pairs["target"], plan.targets["target"]), plan.pairs["symbol"].cat
    grid = np.full((n_targets, len(symbols.categories)), -1, dtype=np.int8)
    shown = row < n_targets
    grid[row[shown], symbols.codes[shown]] = positions(plan.pairs["route"], Route)[shown]
    return grid, list(symbols.categories)


def _draw_image(axes: "Axes", codes: npt.NDArray[np.integer], labels: list[str]) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap

    colours = ListedColormap(["#FFFFFF", *(ROUTE_COLOURS[route] for route in Route)])
    # Boundaries half-way between the codes; code -1, no such pair, is the white before the routes.
    norm = BoundaryNorm(np.arange(-1.5, len(Route)), colours.N)
    axes.imshow(codes, cmap=colours, norm=norm, aspect="auto", interpolation="nearest")
    # Rounded up, so that no more than _MAX_LABELS are written.
    step = -(-len(labels) // _MAX_LABELS)
    axes.set_yticks(range(0, len(labels), step), labels[::step], fontsize=7)


def _draw_grid(axes: "Axes", grid: npt.NDArray[np.int8], labels: list[str], symbols: list[str]) -> None:
    _draw_image(axes, grid, labels)
    axes.set_xlabel(f"{len(symbols):,} symbols")
    if len(symbols) <= _MAX_LABELS:
        names = [shown_name(name, _SYMBOL_LABEL) for name in symbols]
        axes.set_xticks(range(len(symbols)), names, rotation=90, fontsize=7)
        # Minor ticks between the cells draw the white lines that part them.
        axes.set_xticks(np.arange(-0.5, len(symbols)), minor=True)
        axes.set_yticks(np.arange(-0.5, len(labels)), minor=True)
        axes.grid(which="minor", color="white", linewidth=1)
        axes.tick_params(which="minor", length=0)


def _draw_shares(axes: "Axes", grid: npt.NDArray[np.int8], labels: list[str]) -> None:
    """Stacked bars of route shares, as an image of as many columns as can be seen."""
    counts = np.stack([(grid == at).sum(axis=1) for at in range(len(Route))], axis=1)
    ends = np.cumsum(counts, axis=1) / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    middles = (np.arange(_SHARE_COLUMNS) + 0.5) / _SHARE_COLUMNS
    # Targets x columns x routes: how many routes end left of a column's middle is the code of the one there.
    shares = (middles[None, :, None] >= ends[:, None, :]).sum(axis=2)
    # A target without pairs is past the end of every bar.
    _draw_image(axes, np.where(shares < len(Route), shares, -1), labels)
    axes.set_xticks(np.linspace(0, _SHARE_COLUMNS, 6) - 0.5, [f"{part:.0%}" for part in np.linspace(0, 1, 6)])
    axes.set_xlabel("share of the target's symbols")


def _route_label(plan: RoutingPlan, route: Route) -> str:
    name = route.value.removeprefix("ROUTE_").replace("_", " ").lower()
    return f"{name} ({plan.metadata.by_route[route.value]:,})"
