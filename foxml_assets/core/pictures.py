"""PNG pictures drawn on figures of their own: no global state, so any thread may draw."""

import io
import os
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _settle_matplotlib() -> None:
    """Have matplotlib keep its cache of fonts below the temporary folder, and nothing in the user's home."""
    folder = Path(tempfile.gettempdir()) / f"foxml-matplotlib-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    # Whoever made a folder of that name first could put settings into it.
    is_own = not folder.is_symlink() and folder.stat().st_uid == os.getuid()
    os.environ["MPLCONFIGDIR"] = str(folder) if is_own else tempfile.mkdtemp(prefix="foxml-matplotlib-")


# Matplotlib asks for it when it is first imported, which is after this module.
if "MPLCONFIGDIR" not in os.environ:
    _settle_matplotlib()


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
