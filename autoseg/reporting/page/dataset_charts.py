"""Charts of a data set: volumes of labels, voxel sizes, intensities, sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from autoseg.reporting.canvas import QUIET
from autoseg.reporting.flow import fit
from autoseg.reporting.page.charts import colour_of, draw_chart, draw_grid, show_volumes, show_whole_numbers

# Labels, channels and sites that are drawn; the others are in tables.
MOST_LINES, MOST_BARS = 6, 16
_BINS, _AXES = 24, ("left to right", "back to front", "down to up")


def draw_volumes(volumes_ml: Mapping[str, Sequence[float]], name: str, *, simulated: bool) -> str:
    """Draw how often volumes occur, on a logarithmic axis; those of 0 are left out.

    Args:
        volumes_ml: by label or region.
        name: of the axis.
        simulated: mark the chart.
    """
    shown = {label: found for label, values in volumes_ml.items() if (found := [one for one in values if one > 0])}
    everything = [value for values in shown.values() for value in values] or [1.0]
    low, high = min(everything) / 1.2, max(everything) * 1.2
    edges = np.geomspace(low, high, min(_BINS, max(6, len(everything) // 3)) + 1)

    def paint(axes: Axes) -> None:
        for position, (label, values) in enumerate(list(shown.items())[:MOST_LINES]):
            style = {"color": colour_of(position), "label": fit(label, 150, 9)}
            axes.hist(values, bins=list(edges), alpha=0.75 if len(shown) == 1 else 0.45, **style)  # type: ignore[arg-type]
        show_volumes(axes, "x", name)
        axes.set_ylabel("number")
        show_whole_numbers(axes.yaxis)
        draw_grid(axes, "y")
        if len(shown) > 1:
            axes.legend(fontsize=9)

    return draw_chart(paint, simulated=simulated)


def draw_spacings(spacings_mm: Sequence[Sequence[float]], *, simulated: bool) -> str:
    """Draw the voxel size of every case along each axis."""
    values = np.asarray(spacings_mm, dtype=np.float64)

    def paint(axes: Axes) -> None:
        for axis in range(values.shape[1]):
            places = axis + _spread(values[:, axis])
            axes.plot(places, values[:, axis], ".", color=colour_of(1), markersize=5, alpha=0.6)
            axes.plot([axis - 0.3, axis + 0.3], [np.median(values[:, axis])] * 2, color=QUIET, linewidth=1.5)
        axes.set_xticks(range(values.shape[1]), _AXES[: values.shape[1]])
        axes.set_ylim(0, float(values.max()) * 1.12)
        axes.set_ylabel("edge of a voxel, mm")
        draw_grid(axes, "y")

    return draw_chart(paint, simulated=simulated)


def draw_intensities(body: Sequence[float], foreground: Sequence[float], name: str, *, simulated: bool) -> str:
    """Draw how intensities are distributed in the body and in the labels, of one channel.

    Args:
        body: values that stand for equally many voxels each.
        foreground: the same inside the labels.
        name: of the channel.
        simulated: mark the chart.
    """
    low, high = np.percentile(body, [0.5, 99.5])
    edges = np.linspace(low, high if high > low else low + 1, 61)

    def paint(axes: Axes) -> None:
        for position, (label, values) in enumerate((("in the labels", foreground), ("in the body", body))):
            if len(values):
                weights = np.full(len(values), 100 / len(values))
                counts, _ = np.histogram(values, edges, weights=weights)
                axes.stairs(counts, edges, color=colour_of(position), fill=True, alpha=0.45, label=label)
        axes.set_xlabel(f"intensity of {fit(name, 240, 10)}")
        axes.set_ylabel("% of the voxels")
        draw_grid(axes, "y")
        axes.legend(fontsize=9)

    return draw_chart(paint, simulated=simulated)


def draw_sites(counts: Mapping[str, int], *, simulated: bool) -> str:
    """Draw the cases of every site, the largest first."""
    shown = list(counts.items())[:MOST_BARS]
    rest = sum(counts.values()) - sum(count for _, count in shown)
    shown += [(f"{len(counts) - MOST_BARS} others", rest)] if rest else []

    def paint(axes: Axes) -> None:
        places = range(len(shown))
        bars = axes.barh(places, [count for _, count in shown], color=colour_of(3), height=0.66)
        axes.bar_label(bars, padding=3, color=QUIET, fontsize=9)
        axes.set_yticks(places, [fit(site, 130, 9) for site, _ in shown])
        axes.invert_yaxis()
        axes.set_xlabel("cases")
        show_whole_numbers(axes.xaxis)
        axes.margins(x=0.1)
        draw_grid(axes, "x")

    return draw_chart(paint, simulated=simulated)


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return offsets that keep equal values from hiding each other: evenly over a third of the space."""
    offsets = np.zeros(len(values))
    for value in np.unique(values):
        same = np.flatnonzero(values == value)
        offsets[same] = np.linspace(-0.28, 0.28, len(same)) if len(same) > 1 else 0.0
    return offsets
