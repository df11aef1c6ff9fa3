"""Canvas of the pictures: sizes in pixels, text that is not read as a formula, panels, colours, saving."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import hsv_to_rgb, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from dataset_fingerprints.files.atomic import write_bytes

DPI = 100
INK, QUIET, SHADOW, WARNING = "#1b1f24", "#667079", "#00000080", "#b3261e"
# In every picture, by which ours are told from a person's own.
_MADE_BY = "autoseg"
_PNG, _STAMP, _START_BYTES = b"\x89PNG\r\n\x1a\n", f"tEXtSoftware\0{_MADE_BY}".encode(), 4096
# Readable on grey and distinguishable by colour-blind eyes (after Okabe 2008, brightened).
COLOURS = ("#ff5a36", "#35b4ff", "#ffd21f", "#2fd6a0", "#ff8ad8", "#c39bff", "#ffa94d", "#9be15d")


def choose_colour(position: int) -> str:
    """Return the colour of one of several labels: all are different, the first ones most."""
    if position < len(COLOURS):
        return COLOURS[position]
    # Steps of the golden section keep any number of hues apart.
    red, green, blue = hsv_to_rgb((position * 0.618034 % 1.0, 0.55 + 0.4 * (position % 2), 1.0))
    return to_hex((red, green, blue))


def darken(colour: str) -> str:
    """Return a colour of the pictures as it can be seen on white."""
    red, green, blue = to_rgb(colour)
    return to_hex((0.8 * red, 0.8 * green, 0.8 * blue))


def make_figure(width: int, height: int) -> Figure:
    """Return an empty white figure of so many pixels."""
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save_png(figure: Figure, path: Path) -> None:
    """Write the figure as it is, atomically."""
    stream = io.BytesIO()
    # The box is given because a person's own matplotlib settings may ask for another.
    figure.savefig(stream, format="png", dpi=DPI, bbox_inches=figure.bbox_inches, metadata={"Software": _MADE_BY})
    write_bytes(path, stream.getvalue())


def is_drawn(path: Path) -> bool:
    """Return whether a file is a picture that autoseg drew."""
    with path.open("rb") as stream:
        start = stream.read(_START_BYTES)
    return start.startswith(_PNG) and _STAMP in start


def add_panel(figure: Figure, corner: tuple[int, int], side: int) -> Axes:
    """Add a black square without ticks; `corner` is its upper left one, in pixels from the figure's."""
    left, bottom = fraction(figure, (corner[0], corner[1] + side))
    right, top = fraction(figure, (corner[0] + side, corner[1]))
    axes = figure.add_axes((left, bottom, right - left, top - bottom), facecolor="black", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    return axes


def write_text(figure: Figure, text: str, at: tuple[int, int], **style: Any) -> None:
    """Write one line; a dollar sign in a name does not begin a formula."""
    x, y = fraction(figure, at)
    figure.text(x, y, text, **({"va": "center"} | style), parse_math=False)


def mark(axes: Axes, text: str, at: tuple[float, float], alignment: Literal["left", "center", "right"]) -> None:
    """Write onto a panel, at a fraction of it from the lower left, readable on bright and on dark."""
    shadow = [withStroke(linewidth=2.5, foreground="black")]
    axes.text(
        *at, text, transform=axes.transAxes, color="white", size=11, ha=alignment, va="center", path_effects=shadow
    )


def fraction(figure: Figure, at: tuple[int, int]) -> tuple[float, float]:
    """Turn pixels from the upper left corner into matplotlib's fractions from the lower left."""
    width, height = figure.get_size_inches() * figure.dpi
    return at[0] / width, 1.0 - at[1] / height
