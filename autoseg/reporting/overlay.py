"""A scan and what should lie on it, both where their headers place them in space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull

from autoseg.reporting.canvas import (
    COLOURS,
    INK,
    QUIET,
    SHADOW,
    add_panel,
    fraction,
    make_figure,
    mark,
    save_png,
    write_text,
)
from autoseg.reporting.flow import fit, width_of, wrap
from autoseg.reporting.slices import find_window

_SIDE, _PANEL, _GAP = 20, 320, 8
_HEAD, _LINE, _FOOT = 70, 20, 14
WIDTH = 2 * _SIDE + 3 * _PANEL + 2 * _GAP
_COLUMNS = 3
_NOTE = "Dotted: edge of a file's grid (dashed where it does not reach the plane). Dark grey: outside of the scan."
# Outside of the scan's field of view, in grey levels; inside, black is 0.
_OUTSIDE = 0.18
_MARGIN_MM = 4.0
# So many voxels of a mask say where it lies.
_VOXELS_ASKED = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """An array and where a header places it.

    Attributes:
        voxels: (x, y, z).
        affine: (4, 4), voxel indices to RAS+ mm.
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """Something drawn over the scan: the line around a mask, and thinly the edge of the grid that it lies on.

    Attributes:
        name: for the legend.
        mask: booleans; all False draws the edge of the grid alone.
    """

    name: str
    mask: Placed


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlay:
    """One case to draw.

    Attributes:
        title: the head of the picture.
        notes: sentences below it.
        outlines: from the one that the picture is centred on to the least important.
    """

    title: str
    notes: tuple[str, ...]
    scan: Placed
    outlines: tuple[Outline, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plane:
    """A cut through space: its axes in RAS+, to the right and upwards, and what stands at its left and right edge."""

    name: str
    right: int
    up: int
    through: int
    edges: tuple[str, str]


# Radiological view: the patient's right and the front on the viewer's left.
_PLANES = (
    _Plane(name="axial", right=0, up=1, through=2, edges=("R", "L")),
    _Plane(name="coronal", right=0, up=2, through=1, edges=("R", "L")),
    _Plane(name="sagittal", right=1, up=2, through=0, edges=("A", "P")),
)


def draw_overlay(overlay: Overlay, path: Path) -> None:
    """Write a PNG with three planes through the first outline's middle; grids may differ in every way."""
    lines = [line for note in overlay.notes for line in wrap(note, WIDTH - 2 * _SIDE, 10)]
    legend = _LINE * (1 + -(-len(overlay.outlines) // _COLUMNS))
    height = _HEAD + _PANEL + legend + _LINE * (1 + len(lines)) + _FOOT
    figure = make_figure(WIDTH, height)
    _write_title(figure, overlay.title)
    centre, box = _choose_view(overlay)
    window = find_window(overlay.scan.voxels)
    for number, plane in enumerate(_PLANES):
        corner = (_SIDE + number * (_PANEL + _GAP), _HEAD)
        place = f"{plane.name}, {'xyz'[plane.through]} = {centre[plane.through]:.0f} mm"
        write_text(figure, place, (corner[0], _HEAD - 12), color=QUIET, size=11)
        axes = add_panel(figure, corner, _PANEL)
        _draw_plane(axes, overlay, plane, (centre, box), window)
    _draw_legend(figure, overlay.outlines, _HEAD + _PANEL + legend // 2)
    for number, line in enumerate((_NOTE, *lines)):
        at = (_SIDE, _HEAD + _PANEL + legend + number * _LINE + _LINE // 2)
        write_text(figure, line, at, color=INK if number else QUIET, size=10)
    save_png(figure, path)


def _write_title(figure: Figure, title: str) -> None:
    """Write the title in one line; a longer one is written smaller, in two."""
    room = WIDTH - 2 * _SIDE
    size = 16 if width_of(title, 16, bold=True) <= room else 11
    lines = wrap(title, room, size, bold=True)[:2]
    for number, line in enumerate(lines):
        at = (_SIDE, 24 if len(lines) == 1 else 14 + 18 * number)
        write_text(figure, line, at, color=INK, size=size, weight="bold")


def _choose_view(overlay: Overlay) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the point that the planes go through and the (2, 3) corners of the space shown, in mm.

    The planes go through the voxel of the first mask that is nearest to its middle, or through the middle of the scan
    where the mask is empty or lies outside of the scan.
    """
    placed = (overlay.scan, *(outline.mask for outline in overlay.outlines))
    corners = np.concatenate([_corners_mm(item) for item in placed])
    box = np.stack([corners.min(axis=0) - _MARGIN_MM, corners.max(axis=0) + _MARGIN_MM])
    middle = _to_mm(overlay.scan.affine, (np.array(overlay.scan.voxels.shape)[:, None] - 1) / 2)[0]
    for outline in overlay.outlines:
        points = np.argwhere(outline.mask.voxels)
        if not len(points):
            continue
        found = _to_mm(outline.mask.affine, points[:: max(1, len(points) // _VOXELS_ASKED)].T)
        nearest = found[np.linalg.norm(found - np.median(found, axis=0), axis=1).argmin()]
        index = np.linalg.inv(overlay.scan.affine) @ np.append(nearest, 1.0)
        if _inside(index[:3, None], overlay.scan.voxels.shape)[0]:
            return nearest, box
    return middle, box


def _draw_plane(
    axes: Axes,
    overlay: Overlay,
    plane: _Plane,
    view: tuple[NDArray[np.float64], NDArray[np.float64]],
    window: tuple[float, float],
) -> None:
    """Sample everything on a square raster in mm, the same length in every panel, and draw it."""
    centre, box = view
    side = float((box[1] - box[0]).max())
    middles = box.mean(axis=0)
    steps = (np.arange(_PANEL) + 0.5) / _PANEL * side - side / 2
    # The first row is at the top, and both right and front are on the left.
    rights, ups = np.meshgrid(middles[plane.right] - steps, middles[plane.up] - steps)
    points = np.empty((3, _PANEL * _PANEL))
    points[plane.right], points[plane.up], points[plane.through] = rights.ravel(), ups.ravel(), centre[plane.through]
    scan, inside = _sample(overlay.scan, points)
    low, high = window
    grey = np.where(inside, np.clip((np.nan_to_num(scan) - low) / (high - low), 0, 1), _OUTSIDE)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    # The most important one last, on top of the others.
    for number, outline in reversed(list(enumerate(overlay.outlines))):
        values, there = _sample(outline.mask, points)
        colour = COLOURS[number % len(COLOURS)]
        _draw_line(axes, there.astype(float), colour, 0.8, "dotted")
        _draw_line(axes, np.where(there, values, 0.0), colour, 1.6, "solid")
        if not there.any():
            corners = _corners_mm(outline.mask)[:, (plane.right, plane.up)]
            pixels = (middles[[plane.right, plane.up]] + side / 2 - corners) / side * _PANEL - 0.5
            hull = pixels[ConvexHull(pixels).vertices]
            axes.plot(*np.append(hull, hull[:1], axis=0).T, color=colour, linewidth=0.8, linestyle="dashed")
    mark(axes, plane.edges[0], (0.025, 0.5), "left")
    mark(axes, plane.edges[1], (0.975, 0.5), "right")


def _draw_line(axes: Axes, values: NDArray[np.float64], colour: str, width: float, style: str) -> None:
    if values.max() <= 0.5 or values.min() > 0.5:
        return
    line = axes.contour(values, levels=[0.5], colors=[colour], linewidths=width, linestyles=style)
    line.set_path_effects([withStroke(linewidth=width + 1.0, foreground=SHADOW)])


def _draw_legend(figure: Figure, outlines: Sequence[Outline], middle: int) -> None:
    if not outlines:
        return
    colours = [COLOURS[number % len(COLOURS)] for number in range(len(outlines))]
    figure.legend(
        [Line2D([], [], color=colour, linewidth=3) for colour in colours],
        [fit(outline.name, WIDTH // _COLUMNS - 56, 10).replace("$", r"\$") for outline in outlines],
        loc="center left",
        bbox_to_anchor=fraction(figure, (_SIDE, middle)),
        ncols=_COLUMNS,
        frameon=False,
        fontsize=10,
        labelcolor=INK,
        borderaxespad=0.0,
        borderpad=0.0,
    )


def _sample(placed: Placed, points_mm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return values at (3, n) points as a square, and where these lie inside of the array."""
    inverse = np.linalg.inv(placed.affine)
    places = inverse[:3, :3] @ points_mm + inverse[:3, 3:]
    inside = _inside(places, placed.voxels.shape)
    values = ndimage.map_coordinates(placed.voxels.astype(np.float32), places, order=1, mode="nearest")
    return values.reshape(_PANEL, _PANEL).astype(np.float64), inside.reshape(_PANEL, _PANEL)


def _inside(places: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which (3, n) voxel positions lie in a voxel, which reaches half an edge beyond its centre."""
    return np.asarray(((places >= -0.5) & (places <= np.array(shape)[:, None] - 0.5)).all(axis=0))


def _corners_mm(placed: Placed) -> NDArray[np.float64]:
    """Return the eight outer corners of a grid."""
    edges = [(-0.5, length - 0.5) for length in placed.voxels.shape]
    return _to_mm(placed.affine, np.array(np.meshgrid(*edges)).reshape(3, -1))


def _to_mm(affine: NDArray[np.float64], places: NDArray[Any]) -> NDArray[np.float64]:
    """Turn (3, n) voxel positions into (n, 3) points in mm."""
    return np.asarray((affine[:3, :3] @ places + affine[:3, 3:]).T)
