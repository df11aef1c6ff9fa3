"""One picture of many cases: scan, reference and prediction side by side, to see at a glance what goes wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from autoseg.reporting.canvas import (
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
    write_text,
)
from autoseg.reporting.flow import fit, width_of, wrap
from autoseg.reporting.sheet_rows import SheetRow, Shown
from autoseg.reporting.slices import CaseSlice

# Everything on the sheet is placed in pixels from its upper left corner.
_SIDE, _GAP = 20, 8
_HEAD, _LINE, _FOOT = 66, 20, 54
# Between two cases on one line.
_APART = 28
# Sizes of letters: of the title and of small lines; of names and captions, where cases are large and where small.
_TITLE, _SMALL, _LARGE, _MEDIUM = 17, 10, 13, 11
_TITLE_LINE, _TITLE_LINES = 26, 3
# Lines of a warning or of figures at most.
_MOST_LINES = 8
# Of a case's lines of text: what is around them, and the height of each.
_STRIP, _TEXT_LINE = 20, 20

_FILL = 0.25
_NOTE = "Slice with the largest labelled area."
_SIDES = " Radiological view: R is the patient's right, A the front."
_LEGEND_COLUMNS, _MOST_NAMED = 5, 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Sizes of a sheet, in pixels.

    Attributes:
        heads: of the panels of a case.
        panel: edge of a panel.
        beside: cases on one line.
        strips: heights of the text above the panels, for each line of cases.
        title: lines of the title.
    """

    heads: tuple[str, ...]
    panel: int
    beside: int
    strips: tuple[int, ...]
    title: int

    def cell(self) -> int:
        """Return the width of a case."""
        return _measure_cell(self.heads, self.panel)

    def width(self) -> int:
        """Return the width of the sheet."""
        return _measure_width(self.heads, self.panel, self.beside)

    def begin(self, line: int, named: int) -> int:
        """Return where a line of cases begins on a sheet with so many names in its legend."""
        return self.top(named) + sum(self.strips[:line]) + line * (self.panel + _GAP)

    def height(self, named: int) -> int:
        """Return the height of the sheet."""
        return self.begin(len(self.strips), named) + _FOOT

    def head(self) -> int:
        """Return where the legend begins."""
        return _HEAD - 16 + (self.title - 1) * _TITLE_LINE

    def top(self, named: int) -> int:
        """Return where the first case begins."""
        return self.head() + 16 + _LINE * (1 + math.ceil(named / _LEGEND_COLUMNS))


def _measure_cell(heads: Sequence[str], panel: int) -> int:
    return len(heads) * (panel + _GAP) - _GAP


def _measure_width(heads: Sequence[str], panel: int, beside: int) -> int:
    return 2 * _SIDE + beside * (_measure_cell(heads, panel) + _APART) - _APART


def choose_layout(rows: Sequence[SheetRow], title: str = "") -> Layout:
    """Choose the sizes of a sheet: few cases large, many smaller and in two columns."""
    compared = any(row.plane.reference is not None for row in rows)
    few = len(rows) <= 6 and compared
    panel, beside = (300, 1) if few else (220, 2)
    white = "Prediction (white line: reference)" if few else "Prediction (white: reference)"
    heads = ("Scan", "Reference", white) if compared else ("Scan", "Prediction")
    lines = [len(_lay_out(row, _measure_cell(heads, panel), panel, large=few)) for row in rows]
    strips = [_STRIP + _TEXT_LINE * max(lines[start : start + beside]) for start in range(0, len(lines), beside)]
    head = wrap(title, _measure_width(heads, panel, beside) - 2 * _SIDE, _TITLE, bold=True, most=_TITLE_LINES)
    return Layout(heads=heads, panel=panel, beside=beside, strips=tuple(strips), title=max(1, len(head)))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Piece:
    """Text of a case, so many pixels from its left edge, or ending there."""

    text: str
    left: int
    style: Mapping[str, Any]


def _lay_out(row: SheetRow, width: int, panel: int, *, large: bool) -> list[list[_Piece]]:
    """Return the lines of text of a case: name, caption and place in one where they fit, all else below."""
    size, place = _LARGE if large else _MEDIUM, row.plane.place
    bold = {"color": INK, "size": size, "weight": "bold"}
    room = width - (width_of(place, _SMALL) + _APART // 2 if place else 0)
    placed = [_Piece(text=place, left=width, style={"color": QUIET, "size": _SMALL, "ha": "right"})] if place else []
    names = wrap(row.case, room, size, bold=True)
    captioned = width_of(row.case, size, bold=True) + 12
    taken = width_of(row.caption, size)
    captioned = max(captioned, panel + _GAP) if large and panel + _GAP + taken <= room else captioned
    lines = [[_Piece(text=name, left=0, style=bold)] for name in names] or [[]]
    lines[0] += placed
    below = [(row.detail, INK, _SMALL), (row.warning, WARNING, _SMALL)]
    if len(names) == 1 and captioned + taken <= room:
        lines[0].append(_Piece(text=row.caption, left=captioned, style={"color": INK, "size": size}))
    else:
        below.insert(0, (row.caption, INK, size))
    for text, colour, letters in below:
        style = {"color": colour, "size": letters}
        wrapped = wrap(text, width, letters, most=_MOST_LINES)
        lines += [[_Piece(text=line, left=0, style=style)] for line in wrapped]
    return lines


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
    layout = choose_layout(rows, title)
    sides = _SIDES if any(any(row.plane.edges) for row in rows) else ""
    choice = _NOTE if any(row.plane.place for row in rows) else ""
    room = layout.width() - 2 * _SIDE
    feet = [line for text in (f"{choice}{sides}", note) for line in wrap(text, room, _SMALL)]
    height = layout.height(named) + max(0, len(feet) - 2) * _LINE
    figure = make_figure(layout.width(), height)
    _draw_head(figure, layout, title, shown[:named], len(shown) - named)
    for number, row in enumerate(rows):
        line, column = divmod(number, layout.beside)
        corner = (_SIDE + column * (layout.cell() + _APART), layout.begin(line, named))
        _draw_case(figure, layout, corner, row, shown, layout.strips[line])
    for number, text in enumerate(feet):
        at = (_SIDE, layout.height(named) - _FOOT + 14 + number * _LINE)
        write_text(figure, text, at, color=QUIET, size=_SMALL)
    save_png(figure, path)


def _find_shown(rows: Sequence[SheetRow]) -> tuple[Shown, ...]:
    maps = [labels for row in rows for labels in (row.plane.reference, row.plane.prediction) if labels is not None]
    found = sorted({int(value) for labels in maps for value in np.unique(labels)} - {0})
    return tuple(Shown(name=f"label {value}", values=(value,)) for value in found)


def _draw_head(figure: Figure, layout: Layout, title: str, named: Sequence[Shown], more: int) -> None:
    room = layout.width() - 2 * _SIDE
    for number, line in enumerate(wrap(title, room, _TITLE, bold=True, most=_TITLE_LINES)):
        write_text(figure, line, (_SIDE, 30 + number * _TITLE_LINE), color=INK, size=_TITLE, weight="bold")
    for column in range(layout.beside):
        for position, head in enumerate(layout.heads):
            left = _SIDE + column * (layout.cell() + _APART) + position * (layout.panel + _GAP)
            write_text(figure, head, (left, layout.top(len(named)) - 10), color=QUIET, size=10)
    if not named:
        return
    columns = min(len(named), _LEGEND_COLUMNS)
    # A dollar sign in a name does not begin a formula.
    names = [fit(one.name, room // columns - 44, _SMALL).replace("$", r"\$") for one in named]
    if more:
        names[-1] += f" (and {more} more)"
    figure.legend(
        [Line2D([], [], color=_choose(one, position), linewidth=4) for position, one in enumerate(named)],
        names,
        loc="upper left",
        bbox_to_anchor=fraction(figure, (_SIDE, layout.head())),
        ncols=columns,
        frameon=False,
        fontsize=10,
        labelcolor=INK,
        handlelength=1.0,
        columnspacing=1.2,
        borderaxespad=0.0,
        borderpad=0.0,
    )


def _choose(one: Shown, drawn: int) -> str:
    return choose_colour(drawn if one.position is None else one.position)


def _draw_case(
    figure: Figure, layout: Layout, corner: tuple[int, int], row: SheetRow, shown: Sequence[Shown], strip: int
) -> None:
    """Draw one case's lines of text and its panels, `corner` being the upper left one."""
    plane, (left, top) = row.plane, corner
    lines = _lay_out(row, layout.cell(), layout.panel, large=layout.beside == 1)
    # Text that is shorter than that of the case beside it stands close to the panels.
    first = top + strip - _TEXT_LINE * len(lines) - 2
    for number, line in enumerate(lines):
        for piece in line:
            write_text(figure, piece.text, (left + piece.left, first + number * _TEXT_LINE), **piece.style)
    corners = [(left + column * (layout.panel + _GAP), top + strip) for column in range(len(layout.heads))]
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
    colours = [_choose(one, position) for position, one in enumerate(shown)]
    for colour, mask in zip(colours, masks, strict=True):
        tint[mask] = (*to_rgb(colour), _FILL)
    height, width = _size_mm(plane)
    axes.imshow(tint, extent=(0.0, width, height, 0.0), interpolation="nearest", aspect="auto")
    for colour, mask in zip(colours, masks, strict=True):
        _draw_outline(axes, mask, plane, colour, 1.4)


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
