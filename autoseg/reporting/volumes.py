"""Pictures of volumes: differences over means with limits of agreement, and Dice over the logarithm of the volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from autoseg.reporting.canvas import INK, QUIET, WARNING, choose_colour, darken, make_figure, save_png
from autoseg.reporting.flow import fit

_WIDTH, _HEIGHT = 480, 380
_POINT = darken(choose_colour(1))
# Of differences, beyond which a linear axis would hide those of small lesions.
_LINEAR_ML = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Differences:
    """Two volumes in ml of every case, and their limits of agreement.

    Attributes:
        bias: second minus first.
        lower: limit of agreement.
        upper: limit of agreement.
    """

    title: str
    first: Sequence[float]
    second: Sequence[float]
    bias: float
    lower: float
    upper: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """Dice and volume in ml of every case, and the line through them over log10 of the volume.

    Attributes:
        note: of the line, under the title.
    """

    title: str
    volumes: Sequence[float]
    dice: Sequence[float]
    slope: float | None
    intercept: float
    note: str


def draw_volumes(panels: Sequence[Differences | Sizes], path: Path, columns: int = 2) -> None:
    """Write a PNG with a panel each, side by side in rows."""
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure = make_figure(columns * _WIDTH, rows * _HEIGHT)
    figure.subplots_adjust(
        left=70 / (columns * _WIDTH),
        right=1 - 20 / (columns * _WIDTH),
        top=1 - 58 / (rows * _HEIGHT),
        bottom=52 / (rows * _HEIGHT),
        wspace=0.27,
        hspace=0.45,
    )
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for one, panel in zip(axes, panels, strict=False):
        _draw_differences(one, panel) if isinstance(panel, Differences) else _draw_sizes(one, panel)
    for one in axes[len(panels) :]:
        one.set_visible(False)
    save_png(figure, path)


def _draw_differences(axes: Axes, panel: Differences) -> None:
    first, second = np.asarray(panel.first), np.asarray(panel.second)
    _start(axes, panel.title, f"bias {panel.bias:+.3g} ml, limits {panel.lower:+.3g} to {panel.upper:+.3g} ml")
    means = (first + second) / 2
    axes.plot(means, second - first, "o", color=_POINT, markersize=4.5, alpha=0.7, markeredgewidth=0)
    for value, colour, style in ((panel.bias, INK, "-"), (panel.lower, WARNING, "--"), (panel.upper, WARNING, "--")):
        axes.axhline(value, color=colour, linewidth=1.3, linestyle=style)
    axes.axhline(0, color=QUIET, linewidth=0.8)
    # Volumes span four orders of magnitude, and include 0.
    axes.set_xscale("symlog", linthresh=_LINEAR_ML)
    axes.set_xlim(-0.05, 1.25 * max(float(means.max()), _LINEAR_ML))
    axes.set_xlabel("mean of both, ml", color=QUIET, fontsize=9)
    axes.set_ylabel("difference, ml", color=QUIET, fontsize=9)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _draw_sizes(axes: Axes, panel: Sizes) -> None:
    volumes, dice = np.asarray(panel.volumes), np.asarray(panel.dice)
    known = (volumes > 0) & ~np.isnan(dice)
    _start(axes, panel.title, panel.note)
    axes.plot(volumes[known], dice[known], "o", color=_POINT, markersize=4.5, alpha=0.7, markeredgewidth=0)
    axes.set_xscale("log")
    axes.set_ylim(-0.03, 1.03)
    if panel.slope is not None and known.any():
        ends = np.array([volumes[known].min(), volumes[known].max()])
        axes.plot(ends, panel.intercept + panel.slope * np.log10(ends), color=INK, linewidth=1.4)
    axes.set_xlabel("volume in the reference, ml", color=QUIET, fontsize=9)
    axes.set_ylabel("Dice", color=QUIET, fontsize=9)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _start(axes: Axes, title: str, note: str) -> None:
    axes.set_title(fit(title, 400, 11), fontsize=11, color=INK, loc="left", pad=20, parse_math=False)
    axes.text(0, 1.03, fit(note, 400, 9), transform=axes.transAxes, fontsize=9, color=QUIET, parse_math=False)
    axes.grid(visible=True, color="#e6e8eb", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
