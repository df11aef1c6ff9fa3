"""Charts of scores: Dice over the size of lesions, case by case and in boxes, and predicted beside true volumes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from autoseg.reporting.canvas import INK, QUIET
from autoseg.reporting.page.charts import colour_of, draw_chart, draw_grid, name_points, show_volumes

# Sizes of a label in a case, in ml, and the words for what lies between them.
SIZES_ML = (1.0, 10.0, 100.0)
SIZE_NAMES = ("below 1 ml", "1 to 10 ml", "10 to 100 ml", "100 ml or more")
_DICE = (-0.03, 1.03)
_POINTS = "points"
_DOTS: Mapping[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 4.7, "alpha": 0.75, "markeredgewidth": 0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One case's score of one label.

    Attributes:
        volume_ml: in the reference.
        predicted_ml: in the prediction.
    """

    case: str
    volume_ml: float
    predicted_ml: float
    dice: float


def draw_scatter(points: Sequence[Point], position: int, *, simulated: bool) -> str:
    """Draw the Dice of each case over its volume in the reference; cases without the label are left out."""
    shown = [one for one in points if one.volume_ml > 0 and not math.isnan(one.dice)]

    def paint(axes: Axes) -> None:
        volumes, dice = [one.volume_ml for one in shown], [one.dice for one in shown]
        axes.plot(volumes, dice, gid=_POINTS, color=colour_of(position), **_DOTS)
        show_volumes(axes, "x", "volume in the reference, ml")
        axes.set_xlim(_find_decades(volumes))
        axes.set_ylabel("Dice")
        axes.set_ylim(*_DICE)
        draw_grid(axes)

    names = [f"{one.case}: Dice {one.dice:.3f}, {one.volume_ml:.3g} ml" for one in shown]
    return name_points(draw_chart(paint, simulated=simulated), _POINTS, names)


def draw_boxes(points: Sequence[Point], position: int, *, simulated: bool) -> str:
    """Draw boxes of the Dice by volume in the reference: median, quartiles, whiskers to 1.5 times their distance."""
    groups: list[list[float]] = [[] for _ in SIZE_NAMES]
    for one in points:
        if one.volume_ml > 0 and not math.isnan(one.dice):
            groups[sum(one.volume_ml >= edge for edge in SIZES_ML)].append(one.dice)
    filled = [(name, values) for name, values in zip(SIZE_NAMES, groups, strict=True) if values]

    def paint(axes: Axes) -> None:
        names = [f"{name.replace(' or ', chr(10) + 'or ')}\nn = {len(values)}" for name, values in filled]
        boxes = axes.boxplot(
            [values for _, values in filled],
            tick_labels=names,
            widths=0.5,
            patch_artist=True,
            medianprops={"color": INK, "linewidth": 1.6},
            whiskerprops={"color": QUIET},
            capprops={"color": QUIET},
            flierprops={"marker": ".", "markeredgecolor": QUIET, "markersize": 5},
        )
        for box in boxes["boxes"]:
            box.set(facecolor=colour_of(position), alpha=0.6, edgecolor=QUIET)
        axes.set_ylabel("Dice")
        axes.set_ylim(*_DICE)
        draw_grid(axes, "y")

    return draw_chart(paint, simulated=simulated)


def draw_agreement(points: Sequence[Point], position: int, *, simulated: bool) -> str:
    """Draw the predicted volume of each case over that in the reference; volumes of 0 are left out."""
    shown = [one for one in points if one.volume_ml > 0 and one.predicted_ml > 0]

    def paint(axes: Axes) -> None:
        ends = _find_decades([value for one in shown for value in (one.volume_ml, one.predicted_ml)])
        axes.plot(ends, ends, color=QUIET, linewidth=1.2, linestyle="--")
        x, y = [one.volume_ml for one in shown], [one.predicted_ml for one in shown]
        axes.plot(x, y, gid=_POINTS, color=colour_of(position), **_DOTS)
        show_volumes(axes, "x", "volume in the reference, ml")
        show_volumes(axes, "y", "predicted volume, ml")
        axes.set(xlim=ends, ylim=ends)
        draw_grid(axes)

    names = [f"{one.case}: {one.volume_ml:.3g} ml, predicted {one.predicted_ml:.3g} ml" for one in shown]
    return name_points(draw_chart(paint, simulated=simulated), _POINTS, names)


def _find_decades(values: Sequence[float]) -> tuple[float, float]:
    """Return the powers of ten around some values, a little further apart, so that points and numbers are seen."""
    low, high = (min(values), max(values)) if values else (1.0, 10.0)
    return 10.0 ** math.floor(math.log10(low)) / 1.3, 10.0 ** math.ceil(math.log10(high)) * 1.3
