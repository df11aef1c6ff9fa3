"""One picture of many cases: scan, reference and prediction side by side, to see at a glance what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from autoseg.report.axial import AxialSlice, cut_slice
from autoseg.report.canvas import (
    COLOURS,
    INK,
    QUIET,
    SHADOW,
    add_panel,
    fraction,
    make_figure,
    mark,
    save_png,
    shorten,
    write_text,
)
from dataset_fingerprints.geometry import TripleFloat

# Everything on the sheet is placed in pixels from its upper left corner.
_SIDE, _PANEL, _GAP = 20, 300, 8
_HEAD, _STRIP, _FOOT = 84, 40, 40
WIDTH = 2 * _SIDE + 3 * _PANEL + 2 * _GAP

_FILL = 0.25
_NOTE = "Axial slice with the largest labelled area. Radiological view, from the feet: R is the patient's right."


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
    """Return the height in pixels of a sheet of so many cases; the width is always `WIDTH`."""
    return _HEAD + cases * (_STRIP + _PANEL + _GAP) + _FOOT


def draw_contact_sheet(rows: Sequence[SheetRow], path: Path, title: str) -> None:
    """Write a PNG with one axial slice of each case, in radiological view, through its largest labelled area.

    Args:
        rows: the cases, from top to bottom.
        path: the file to write.
        title: the head of the sheet.

    Raises:
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError("a contact sheet needs at least one row")
    figure = make_figure(WIDTH, sheet_height(len(rows)))
    colours = _choose_colours(rows)
    _draw_head(figure, title, colours)
    for number, row in enumerate(rows):
        _draw_row(figure, row, _HEAD + number * (_STRIP + _PANEL + _GAP), colours)
    write_text(figure, _NOTE, (_SIDE, sheet_height(len(rows)) - _FOOT // 2), color=QUIET, size=10)
    save_png(figure, path)


def _choose_colours(rows: Sequence[SheetRow]) -> Mapping[int, str]:
    """Give each label of the sheet a colour, the same in every row."""
    maps = [labels for row in rows for labels in (row.reference, row.prediction) if labels is not None]
    found = sorted({int(value) for labels in maps for value in np.unique(labels)} - {0})
    return {value: COLOURS[position % len(COLOURS)] for position, value in enumerate(found)}


def _draw_head(figure: Figure, title: str, colours: Mapping[int, str]) -> None:
    write_text(figure, shorten(title, 60), (_SIDE, 30), color=INK, size=17, weight="bold")
    for column, head in enumerate(("Scan", "Reference", "Prediction (white line: reference)")):
        write_text(figure, head, (_left_of(column), _HEAD - 16), color=QUIET, size=11)
    if len(colours) < 2:
        return
    figure.legend(
        [Line2D([], [], color=colour, linewidth=4) for colour in colours.values()],
        [f"label {value}" for value in colours],
        loc="upper right",
        bbox_to_anchor=fraction(figure, (WIDTH - _SIDE, 20)),
        ncols=min(len(colours), 5),
        frameon=False,
        fontsize=10,
        labelcolor=INK,
        handlelength=1.0,
        columnspacing=1.2,
        borderaxespad=0.0,
        borderpad=0.0,
    )


def _draw_row(figure: Figure, row: SheetRow, top: int, colours: Mapping[int, str]) -> None:
    """Draw one case's line of text and its three panels, from `top` pixels downwards."""
    plane = cut_slice(row.image, row.reference, row.prediction, row.spacing_mm)
    middle = top + _STRIP // 2
    write_text(figure, shorten(row.case, 26), (_SIDE, middle), color=INK, size=13, weight="bold")
    write_text(figure, shorten(row.caption, 60), (_left_of(1), middle), color=INK, size=13)
    write_text(figure, f"z = {plane.index}", (WIDTH - _SIDE, middle), color=QUIET, size=11, ha="right")
    _, reference, prediction = (_draw_scan(figure, plane, (_left_of(column), top + _STRIP)) for column in range(3))
    _draw_labels(prediction, plane.prediction, plane, colours)
    if plane.reference is None:
        mark(reference, "no reference", (0.5, 0.05), "center")
        return
    _draw_labels(reference, plane.reference, plane, colours)
    for value in colours:
        _draw_outline(prediction, plane.reference == value, plane, "white", 0.8)


def _draw_scan(figure: Figure, plane: AxialSlice, corner: tuple[int, int]) -> Axes:
    """Draw the slice in the middle of a black square whose upper left corner lies at `corner`; axes are in mm."""
    height, width = _size_mm(plane)
    side = max(height, width)
    axes = add_panel(figure, corner, _PANEL)
    axes.imshow(plane.scan, cmap="gray", vmin=0.0, vmax=1.0, extent=(0.0, width, height, 0.0), interpolation="bilinear")
    axes.set(
        xlim=((width - side) / 2, (width + side) / 2), ylim=((height + side) / 2, (height - side) / 2), aspect="auto"
    )
    mark(axes, "R", (0.025, 0.5), "left")
    mark(axes, "L", (0.975, 0.5), "right")
    return axes


def _draw_labels(axes: Axes, labels: NDArray[np.integer], plane: AxialSlice, colours: Mapping[int, str]) -> None:
    """Tint each label's area and draw its outline."""
    tint = np.zeros((*labels.shape, 4))
    for value, colour in colours.items():
        tint[labels == value] = (*to_rgb(colour), _FILL)
    height, width = _size_mm(plane)
    axes.imshow(tint, extent=(0.0, width, height, 0.0), interpolation="nearest", aspect="auto")
    for value, colour in colours.items():
        _draw_outline(axes, labels == value, plane, colour, 1.4)


def _draw_outline(axes: Axes, mask: NDArray[np.bool_], plane: AxialSlice, colour: str, width: float) -> None:
    """Draw the line around the mask, closed also where the mask touches the border of the slice."""
    if not mask.any():
        return
    padded = np.pad(mask, 1).astype(float)
    y_mm, x_mm = ((np.arange(length) - 0.5) * step for length, step in zip(padded.shape, plane.pixel_mm, strict=True))
    line = axes.contour(x_mm, y_mm, padded, levels=[0.5], colors=[colour], linewidths=width)
    if colour == "white":
        # White matter is nearly white, too.
        line.set_path_effects([withStroke(linewidth=width + 1.0, foreground=SHADOW)])


def _size_mm(plane: AxialSlice) -> tuple[float, float]:
    """Return the slice's height and width."""
    return plane.scan.shape[0] * plane.pixel_mm[0], plane.scan.shape[1] * plane.pixel_mm[1]


def _left_of(column: int) -> int:
    return _SIDE + column * (_PANEL + _GAP)
