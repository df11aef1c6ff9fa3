"""One picture of many cases: scan, reference and prediction side by side, to see at a glance what goes wrong."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from autoseg.report.axial import AxialSlice, cut_slice
from dataset_fingerprints.geometry import TripleFloat
from dataset_fingerprints.jsonfiles import write_bytes

DPI = 100
_PANEL = 300
_GAP = 8
_SIDE = 20
_HEAD = 92
_STRIP = 46
_FOOT = 40
WIDTH = 2 * _SIDE + 3 * _PANEL + 2 * _GAP

_INK, _QUIET, _PAPER = "#1b1f24", "#667079", "#ffffff"
# Readable on grey and told apart by colour-blind eyes (Okabe 2008, brightened).
_COLOURS = ("#ff5a36", "#35b4ff", "#ffd21f", "#2fd6a0", "#ff8ad8", "#c39bff", "#ffa94d", "#9be15d")
_FILL = 0.28
_MAX_LETTERS = 58


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetRow:
    """One case of a contact sheet; arrays are (x, y, z) in canonical RAS+.

    Attributes:
        image: one channel's intensities.
        reference: label values, or None for a scan without a reference.
        prediction: label values.
        caption: a few words on the case, for example `Dice 0.71 · 12.3 ml`.
        spacing_mm: voxel size, for the right proportions.
    """

    case: str
    image: NDArray[np.floating]
    reference: NDArray[np.integer] | None
    prediction: NDArray[np.integer]
    caption: str
    spacing_mm: TripleFloat = (1.0, 1.0, 1.0)


def sheet_height(cases: int) -> int:
    """Return the height in pixels of a sheet of so many cases; its width is always `WIDTH`."""
    return _HEAD + cases * (_STRIP + _PANEL) + _FOOT


def draw_contact_sheet(rows: Sequence[SheetRow], path: Path, title: str) -> None:
    """Write a PNG with the axial slice of each case where its lesion is largest, in radiological orientation.

    Args:
        rows: the cases, from top to bottom.
        path: the file to write.
        title: the head of the sheet.

    Raises:
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError("a contact sheet needs at least one row")
    figure = Figure(figsize=(WIDTH / DPI, sheet_height(len(rows)) / DPI), dpi=DPI, facecolor=_PAPER)
    canvas = FigureCanvasAgg(figure)
    colours = _choose_colours(rows)
    _draw_head(figure, title, colours)
    for number, row in enumerate(rows):
        _draw_row(figure, row, _HEAD + number * (_STRIP + _PANEL), colours)
    _write(figure, _NOTE, (_SIDE, sheet_height(len(rows)) - _FOOT // 2), color=_QUIET, size=10)
    stream = io.BytesIO()
    canvas.print_png(stream, metadata={"Software": None})
    write_bytes(path, stream.getvalue())


def _choose_colours(rows: Sequence[SheetRow]) -> dict[int, str]:
    """Give each label of the sheet a colour, the same in every row."""
    maps = [labels for row in rows for labels in (row.reference, row.prediction) if labels is not None]
    found = sorted({int(value) for labels in maps for value in np.unique(labels)} - {0})
    return {value: _COLOURS[position % len(_COLOURS)] for position, value in enumerate(found)}


def _draw_head(figure: Figure, title: str, colours: dict[int, str]) -> None:
    _write(figure, _shorten(title, 70), (_SIDE, 28), color=_INK, size=17, weight="bold")
    heads = ("Scan", "Reference", "Prediction, reference in white")
    for column, head in enumerate(heads):
        _write(figure, head, (_left_of(column), _HEAD - 20), color=_QUIET, size=11)
    if len(colours) < 2:
        return
    lines = [Line2D([], [], color=colour, linewidth=4) for colour in colours.values()]
    figure.legend(
        lines,
        [f"label {value}" for value in colours],
        loc="upper right",
        bbox_to_anchor=_fraction(figure, WIDTH - _SIDE, 16),
        ncols=min(len(lines), 6),
        frameon=False,
        fontsize=10,
        labelcolor=_INK,
        handlelength=1.0,
        columnspacing=1.2,
        borderaxespad=0.0,
    )


def _draw_row(figure: Figure, row: SheetRow, top: int, colours: dict[int, str]) -> None:
    """Draw one case's strip of text and its three panels, from `top` pixels downwards."""
    plane = cut_slice(row.image, row.reference, row.prediction, row.spacing_mm)
    middle = top + _STRIP // 2
    _write(figure, _shorten(row.case, 40), (_SIDE, middle), color=_INK, size=13, weight="bold")
    _write(figure, _shorten(row.caption, 70), (_left_of(1), middle), color=_INK, size=13)
    _write(figure, f"z = {plane.index}", (WIDTH - _SIDE, middle), color=_QUIET, size=11, ha="right")
    _draw_panel(figure, plane, (_left_of(0), top + _STRIP))
    second = _draw_panel(figure, plane, (_left_of(1), top + _STRIP))
    if plane.reference is None:
        second.text(0.5, 0.08, "no reference", transform=second.transAxes, color="#c9d1d9", size=11, ha="center")
    else:
        _overlay(second, plane.reference, colours)
    third = _draw_panel(figure, plane, (_left_of(2), top + _STRIP))
    _overlay(third, plane.prediction, colours)
    if plane.reference is not None:
        for value in colours:
            _outline(third, plane.reference == value, "white", 0.8)


def _draw_panel(figure: Figure, plane: AxialSlice, corner: tuple[int, int]) -> Axes:
    """Draw the scan on a black square whose upper left corner lies at `corner` in pixels."""
    left, bottom = _fraction(figure, corner[0], corner[1] + _PANEL)
    height = sheet_pixels(figure)[1]
    square = figure.add_axes((left, bottom, _PANEL / WIDTH, _PANEL / height), facecolor="black", xticks=[], yticks=[])
    square.spines[:].set_visible(False)
    rows, columns = plane.scan.shape
    square.imshow(plane.scan, cmap="gray", vmin=0.0, vmax=1.0, aspect=plane.aspect, interpolation="bilinear")
    _frame(square, rows * plane.aspect, columns, plane.aspect)
    for letter, x, side in (("R", 0.025, "left"), ("L", 0.975, "right")):
        square.text(x, 0.5, letter, transform=square.transAxes, color="#c9d1d9", size=11, ha=side, va="center")
    return square
