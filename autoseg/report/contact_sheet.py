"""One picture of many cases: scan, reference and prediction side by side, to see at a glance what goes wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from autoseg.report.canvas import (
    INK,
    QUIET,
    SHADOW,
    WARNING,
    add_panel,
    choose_colour,
    fraction,
    make_figure,
    mark,
    save_png,
    shorten,
    write_text,
)
from autoseg.report.slices import CaseSlice

# Everything on the sheet is placed in pixels from its upper left corner.
_SIDE, _GAP = 20, 8
_HEAD, _LINE, _FOOT = 66, 20, 54
# Between two cases on one line.
_APART = 28
# Pixels that a letter takes, of a bold name, a caption and a small line.
_BOLD, _PLAIN, _SMALL = 11.0, 9.0, 7.6

_FILL = 0.25
_NOTE = "Slice with the largest labelled area."
_SIDES = " Radiological view: R is the patient's right, A the front."
_LEGEND_COLUMNS, _MOST_NAMED = 5, 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A label or region of a sheet: the name in its legend, and the label values that it is made of."""

    name: str
    values: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetRow:
    """One case of a contact sheet.

    Attributes:
        caption: a few words on the case, for example `Dice 0.71 · 12.3 ml`.
        detail: more on the case, on a line of its own, or empty.
        warning: a sentence that is drawn below, or empty.
    """

    case: str
    plane: CaseSlice
    caption: str
    detail: str = ""
    warning: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Sizes of a sheet, in pixels.

    Attributes:
        heads: of the panels of a case.
        panel: edge of a panel.
        beside: cases on one line.
        strip: height of a case's lines of text.
    """

    heads: tuple[str, ...]
    panel: int
    beside: int
    strip: int

    def cell(self) -> int:
        """Return the width of a case."""
        return len(self.heads) * (self.panel + _GAP) - _GAP

    def width(self) -> int:
        """Return the width of the sheet."""
        return 2 * _SIDE + self.beside * (self.cell() + _APART) - _APART

    def row(self) -> int:
        """Return the height of a line of cases."""
        return self.strip + self.panel + _GAP

    def height(self, cases: int, named: int) -> int:
        """Return the height of a sheet of so many cases with so many names in its legend."""
        return self.top(named) + math.ceil(cases / self.beside) * self.row() + _FOOT

    def top(self, named: int) -> int:
        """Return where the first case begins."""
        return _HEAD + _LINE * (1 + math.ceil(named / _LEGEND_COLUMNS))


def choose_layout(rows: Sequence[SheetRow]) -> Layout:
    """Choose the sizes of a sheet: few cases large, many smaller and in two columns."""
    compared = any(row.plane.reference is not None for row in rows)
    heads = ("Scan", "Reference", "Prediction (white line: reference)") if compared else ("Scan", "Prediction")
    few = len(rows) <= 6 and compared
    strip = 40 + sum(_LINE - 2 for lines in ([row.detail for row in rows], [row.warning for row in rows]) if any(lines))
    return Layout(heads=heads, panel=300 if few else 220, beside=1 if few else 2, strip=strip)


def draw_contact_sheet(
    rows: Sequence[SheetRow], path: Path, title: str, shown: Sequence[Shown] = (), note: str = ""
) -> None:
    """Write a PNG with one slice of each case, through its largest labelled area.

    Args:
        rows: the cases, in reading order.
        path: the file to write.
        title: the head of the sheet.
        shown: labels and regions, from the first to the last drawn; empty for all labels found, by their values.
        note: a line at the foot.

    Raises:
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError("a contact sheet needs at least one row")
    shown = tuple(shown) or _find_shown(rows)
    named = min(len(shown), _MOST_NAMED)
    layout = choose_layout(rows)
    figure = make_figure(layout.width(), layout.height(len(rows), named))
    _draw_head(figure, layout, title, shown[:named], len(shown) - named)
    for number, row in enumerate(rows):
        line, column = divmod(number, layout.beside)
        corner = (_SIDE + column * (layout.cell() + _APART), layout.top(named) + line * layout.row())
        _draw_case(figure, layout, corner, row, shown)
    sides = _SIDES if any(any(row.plane.edges) for row in rows) else ""
    choice = _NOTE if any(row.plane.place for row in rows) else ""
    for number, text in enumerate((f"{choice}{sides}", note)):
        at = (_SIDE, layout.height(len(rows), named) - _FOOT + 14 + number * _LINE)
        write_text(figure, shorten(text, int((layout.width() - 2 * _SIDE) / _SMALL)), at, color=QUIET, size=10)
    save_png(figure, path)


def _find_shown(rows: Sequence[SheetRow]) -> tuple[Shown, ...]:
    maps = [labels for row in rows for labels in (row.plane.reference, row.plane.prediction) if labels is not None]
    found = sorted({int(value) for labels in maps for value in np.unique(labels)} - {0})
    return tuple(Shown(name=f"label {value}", values=(value,)) for value in found)


def _draw_head(figure: Figure, layout: Layout, title: str, named: Sequence[Shown], more: int) -> None:
    letters = int((layout.width() - 2 * _SIDE) / 12.5)
    write_text(figure, shorten(title, letters), (_SIDE, 30), color=INK, size=17, weight="bold")
    for column in range(layout.beside):
        for position, head in enumerate(layout.heads):
            left = _SIDE + column * (layout.cell() + _APART) + position * (layout.panel + _GAP)
            write_text(figure, head, (left, layout.top(len(named)) - 10), color=QUIET, size=10)
    if not named:
        return
    names = [shorten(one.name, 28) for one in named]
    if more:
        names[-1] += f" (and {more} more)"
    figure.legend(
        [Line2D([], [], color=choose_colour(position), linewidth=4) for position in range(len(named))],
        names,
        loc="upper left",
        bbox_to_anchor=fraction(figure, (_SIDE, 50)),
        ncols=min(len(named), _LEGEND_COLUMNS),
        frameon=False,
        fontsize=10,
        labelcolor=INK,
        handlelength=1.0,
        columnspacing=1.2,
        borderaxespad=0.0,
        borderpad=0.0,
    )


def _draw_case(figure: Figure, layout: Layout, corner: tuple[int, int], row: SheetRow, shown: Sequence[Shown]) -> None:
    """Draw one case's lines of text and its panels, `corner` being the upper left one."""
    plane, (left, top) = row.plane, corner
    middle, width = top + 20, layout.cell()
    room = width - int(_SMALL * (len(plane.place) + 1))
    name = shorten(row.case, max(8, int(0.45 * room / _BOLD)))
    captioned = left + max(layout.panel + _GAP if layout.beside == 1 else 0, int(_BOLD * (len(name) + 1)))
    letters = int((room - (captioned - left)) / _PLAIN) if layout.beside == 1 else int((room - captioned + left) / 8)
    size = 13 if layout.beside == 1 else 11
    write_text(figure, name, (left, middle), color=INK, size=size, weight="bold")
    write_text(figure, shorten(row.caption, letters), (captioned, middle), color=INK, size=size)
    write_text(figure, plane.place, (left + width, middle), color=QUIET, size=10, ha="right")
    lines = [(text, colour) for text, colour in ((row.detail, INK), (row.warning, WARNING)) if text]
    for number, (text, colour) in enumerate(lines, start=1):
        at = (left, middle + number * (_LINE - 2))
        write_text(figure, shorten(text, int(width / _SMALL), end=True), at, color=colour, size=10)
    corners = [(left + column * (layout.panel + _GAP), top + layout.strip) for column in range(len(layout.heads))]
    panels = [_draw_scan(figure, plane, at, layout.panel) for at in corners]
    _draw_labels(panels[-1], plane.prediction, plane, shown)
    if len(panels) == 2:
        return
    if plane.reference is None:
        mark(panels[1], "no reference", (0.5, 0.05), "center")
        return
    _draw_labels(panels[1], plane.reference, plane, shown)
    for one in shown:
        _draw_outline(panels[-1], np.isin(plane.reference, one.values), plane, "white", 0.8)


def _draw_scan(figure: Figure, plane: CaseSlice, corner: tuple[int, int], side_pixels: int) -> Axes:
    """Draw the slice in the middle of a black square whose upper left corner lies at `corner`; axes are in mm."""
    height, width = _size_mm(plane)
    side = max(height, width)
    axes = add_panel(figure, corner, side_pixels)
    axes.imshow(plane.scan, cmap="gray", vmin=0, vmax=255, extent=(0.0, width, height, 0.0), interpolation="bilinear")
    axes.set(
        xlim=((width - side) / 2, (width + side) / 2), ylim=((height + side) / 2, (height - side) / 2), aspect="auto"
    )
    mark(axes, plane.edges[0], (0.025, 0.5), "left")
    mark(axes, plane.edges[1], (0.975, 0.5), "right")
    return axes


def _draw_labels(axes: Axes, labels: NDArray[np.integer], plane: CaseSlice, shown: Sequence[Shown]) -> None:
    """Tint each label's area and draw its outline."""
    tint = np.zeros((*labels.shape, 4))
    masks = [np.isin(labels, one.values) for one in shown]
    for position, mask in enumerate(masks):
        tint[mask] = (*to_rgb(choose_colour(position)), _FILL)
    height, width = _size_mm(plane)
    axes.imshow(tint, extent=(0.0, width, height, 0.0), interpolation="nearest", aspect="auto")
    for position, mask in enumerate(masks):
        _draw_outline(axes, mask, plane, choose_colour(position), 1.4)


def _draw_outline(axes: Axes, mask: NDArray[np.bool_], plane: CaseSlice, colour: str, width: float) -> None:
    """Draw the line around the mask, closed also where the mask touches the border of the slice."""
    if not mask.any():
        return
    padded = np.pad(mask, 1).astype(float)
    y_mm, x_mm = ((np.arange(length) - 0.5) * step for length, step in zip(padded.shape, plane.pixel_mm, strict=True))
    line = axes.contour(x_mm, y_mm, padded, levels=[0.5], colors=[colour], linewidths=width)
    if colour == "white":
        # White matter is nearly white, too.
        line.set_path_effects([withStroke(linewidth=width + 1.0, foreground=SHADOW)])


def _size_mm(plane: CaseSlice) -> tuple[float, float]:
    """Return the slice's height and width."""
    return plane.scan.shape[0] * plane.pixel_mm[0], plane.scan.shape[1] * plane.pixel_mm[1]
