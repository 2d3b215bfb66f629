"""PNG pictures drawn on figures of their own: no global state, so any thread may draw."""

import io
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def new_figure(*, width: float, height: float) -> "Figure":
    """An empty figure of that size in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=100, layout="constrained")


def say(axes: "Axes", text: str) -> None:
    """Show a text in place of a picture."""
    axes.text(0.5, 0.5, text, ha="center", va="center")
    axes.set_axis_off()


def shown_name(name: str, limit: int) -> str:
    """`name` as a label of at most `limit` characters: a dollar sign would start mathematics."""
    text = "".join(char if char.isprintable() else "?" for char in name)
    return (text if len(text) <= limit else f"{text[: limit - 1]}…").replace("$", r"\$")


def png_bytes(figure: "Figure") -> bytes:
    """The figure as PNG: the same figure, the same bytes."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
