"""An overlap map of lesions as a picture: axial slices of a brain with the number of cases in colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from autoseg.reporting.canvas import INK, QUIET, add_panel, fraction, make_figure, mark, save_png, write_text
from autoseg.reporting.slices import find_window
from dataset_fingerprints.reading.body import bounding_box

_PANEL, _GAP, _SIDE, _HEAD, _FOOT = 190, 6, 20, 50, 74
_COLUMNS, _ROWS = 6, 2
_COLOURS = "hot"
# The map begins at this share of its colours, so that one case is seen on black.
_FIRST = 0.25


def draw_lesion_map(
    counts: NDArray[np.integer],
    background: NDArray[np.floating] | None,
    heights_mm: NDArray[np.float64],
    title: str,
    path: Path,
) -> None:
    """Write a PNG of axial slices from the lowest to the highest with a lesion.

    Args:
        counts: (x, y, z) numbers of cases in canonical RAS+ axes; at least one is above 0.
        background: (x, y, z) brain behind them; None for none.
        heights_mm: of the slices along z.
        title: the head of the picture.
        path: the file to write.
    """
    width = 2 * _SIDE + _COLUMNS * _PANEL + (_COLUMNS - 1) * _GAP
    height = _HEAD + _ROWS * (_PANEL + _GAP) + _FOOT
    figure = make_figure(width, height)
    write_text(figure, title, (_SIDE, 24), color=INK, size=13, weight="bold")
    most = int(counts.max())
    counts, background = _crop(counts, background)
    window = (0.0, 1.0) if background is None else find_window(background)
    for number, index in enumerate(_choose_slices(counts)):
        row, column = divmod(number, _COLUMNS)
        axes = add_panel(figure, (_SIDE + column * (_PANEL + _GAP), _HEAD + row * (_PANEL + _GAP)), _PANEL)
        if background is not None:
            axes.imshow(_turn(background[..., index]), cmap="gray", vmin=window[0], vmax=window[1])
        plane = _turn(counts[..., index]).astype(np.float64)
        share = _FIRST + (1 - _FIRST) * plane / most
        axes.imshow(np.ma.masked_where(plane == 0, share), cmap=_COLOURS, vmin=0, vmax=1, interpolation="nearest")
        mark(axes, f"z = {heights_mm[index]:.0f} mm", (0.03, 0.05), "left")
        if number == 0:
            mark(axes, "R", (0.03, 0.5), "left")
            mark(axes, "L", (0.97, 0.5), "right")
    left, bottom = fraction(figure, (_SIDE, height - 40))
    colours = figure.add_axes((left, bottom, 0.4, 14 / height))
    ramp = np.linspace(_FIRST, 1, 256)[None]
    colours.imshow(ramp, cmap=_COLOURS, vmin=0, vmax=1, aspect="auto", extent=(0, most, 0, 1))
    colours.set_yticks([])
    colours.tick_params(labelsize=9, colors=QUIET)
    colours.xaxis.set_major_locator(MaxNLocator(integer=True))
    write_text(figure, "cases with a lesion here", (int(width * 0.42) + 2 * _SIDE, height - 34), color=QUIET, size=10)
    save_png(figure, path)


def _choose_slices(counts: NDArray[np.integer]) -> list[int]:
    """Return the slices to draw, evenly spread over those with a lesion."""
    inside = np.flatnonzero(counts.any(axis=(0, 1)))
    spread = np.linspace(inside[0], inside[-1], min(_COLUMNS * _ROWS, int(inside[-1] - inside[0]) + 1))
    return [int(index) for index in np.rint(spread)]


def _crop(
    counts: NDArray[np.integer], background: NDArray[np.floating] | None
) -> tuple[NDArray[np.integer], NDArray[np.floating] | None]:
    """Return both without the air around brain and lesions; all slices stay."""
    shown = (counts > 0) if background is None else (counts > 0) | (background > 0)
    x, y, _ = bounding_box(shown).slices()
    return counts[x, y], None if background is None else background[x, y]


def _turn(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return a slice as radiologists see it: front at the top, the patient's right on the viewer's left."""
    return plane[::-1, ::-1].T
