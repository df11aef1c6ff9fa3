"""A case in up to three planes as a picture: what reference and prediction mark alone, and what both do."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from autoseg.reporting.canvas import DPI, add_panel, choose_colour, fraction, make_figure, mark, write_text
from autoseg.reporting.flow import fit
from autoseg.reporting.page.charts import MARK
from autoseg.reporting.sheet_rows import Shown
from autoseg.reporting.slices import CaseSlice

# Colours of the viewer's (`templates/viewer.js`), too.
BOTH, MISSED, WRONG = "#2fd6a0", "#ff5a36", "#35b4ff"
_AGREEMENT = (("in both", BOTH), ("missed: only in the reference", MISSED), ("only predicted", WRONG))
# Light on black.
_TEXT, _MARK = "#dde1e5", "#ff8a80"
_PANEL, _GAP, _FOOT, _STRENGTH = 380, 6, 34, 0.55
# Of several labels, those that are named.
_MOST_NAMED = 6
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A picture and its size in pixels."""

    png: bytes
    width: int
    height: int


def draw_planes(planes: Sequence[CaseSlice], shown: Sequence[Shown], *, simulated: bool) -> Drawn:
    """Draw slices of a case side by side.

    A single label or region is drawn by what both masks, or one of them, mark; of several, the reference is drawn in a
    line of its own above the prediction.

    Args:
        planes: of one case, with a reference each; label values are those of `shown`.
        shown: the labels or regions, in the order in which they are drawn.
        simulated: write a mark into it.
    """
    lines = 1 if len(shown) == 1 else 2
    width = max(2 * _PANEL, len(planes) * _PANEL + (len(planes) - 1) * _GAP)
    height = lines * (_PANEL + _GAP) + _FOOT
    figure = make_figure(width, height)
    figure.set_facecolor("black")
    for column, plane in enumerate(planes):
        for line in range(lines):
            axes = add_panel(figure, (column * (_PANEL + _GAP), line * (_PANEL + _GAP)), _PANEL)
            _draw_panel(axes, plane, _colour(plane, shown, line))
            head = "" if lines == 1 else ("reference: ", "prediction: ")[line]
            mark(axes, f"{head}{plane.place}", (0.03, 0.95), "left")
    _write_legend(figure, _AGREEMENT if lines == 1 else _name_colours(shown), height - _FOOT // 2)
    if simulated:
        at = (width - 10, height - _FOOT // 2)
        write_text(figure, MARK, at, color=_MARK, size=10, weight="bold", ha="right")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI, bbox_inches=figure.bbox_inches, metadata={"Software": None})
    return Drawn(png=stream.getvalue(), width=width, height=height)


def _colour(plane: CaseSlice, shown: Sequence[Shown], line: int) -> list[tuple[Mask, str]]:
    """Return what is marked in which colour."""
    assert plane.reference is not None
    if len(shown) == 1:
        true, predicted = (np.isin(labels, shown[0].values) for labels in (plane.reference, plane.prediction))
        return [(true & predicted, BOTH), (true & ~predicted, MISSED), (predicted & ~true, WRONG)]
    labels = (plane.reference, plane.prediction)[line]
    return [(np.isin(labels, one.values), choose_colour(one.position or 0)) for one in shown]


def _draw_panel(axes: Axes, plane: CaseSlice, marked: Sequence[tuple[Mask, str]]) -> None:
    """Draw one slice in the middle of a square, every pixel as high and wide as it is in mm."""
    colours = np.repeat(plane.scan[..., None] / 255.0, 3, axis=-1)
    for mask, colour in marked:
        colours[mask] = (1 - _STRENGTH) * colours[mask] + _STRENGTH * np.array(to_rgb(colour))
    high, wide = (count * length for count, length in zip(plane.scan.shape, plane.pixel_mm, strict=True))
    side = max(high, wide)
    axes.imshow(colours, extent=(0.0, wide, 0.0, high), interpolation="nearest")
    axes.set(xlim=(wide / 2 - side / 2, wide / 2 + side / 2), ylim=(high / 2 - side / 2, high / 2 + side / 2))
    mark(axes, plane.edges[0], (0.03, 0.5), "left")
    mark(axes, plane.edges[1], (0.97, 0.5), "right")


def _name_colours(shown: Sequence[Shown]) -> list[tuple[str, str]]:
    return [(fit(one.name, 140, 10), choose_colour(one.position or 0)) for one in shown[:_MOST_NAMED]]


def _write_legend(figure: Figure, named: Sequence[tuple[str, str]], middle: int) -> None:
    figure.legend(
        [Line2D([], [], color=colour, linewidth=6) for _, colour in named],
        [name.replace("$", r"\$") for name, _ in named],
        loc="center left",
        bbox_to_anchor=fraction(figure, (10, middle)),
        ncols=len(named),
        frameon=False,
        fontsize=10,
        labelcolor=_TEXT,
        handlelength=1.0,
        borderaxespad=0.0,
        borderpad=0.0,
    )
