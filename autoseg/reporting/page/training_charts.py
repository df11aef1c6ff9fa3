"""Charts of trainings: loss and validation Dice of every fold over its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from autoseg.reporting.page.charts import colour_of, draw_chart, draw_grid, show_whole_numbers

Series = Mapping[str, tuple[Sequence[float], Sequence[float]]]


def draw_losses(series: Series, *, simulated: bool) -> str:
    """Draw the training loss over the steps, a line per fold."""
    return draw_chart(lambda axes: _draw(axes, series, "loss on training patches"), simulated=simulated)


def draw_dice(series: Series, *, simulated: bool) -> str:
    """Draw the mean Dice of whole validation scans over the steps, a line per fold."""

    def paint(axes: Axes) -> None:
        _draw(axes, series, "Dice of whole validation scans")
        axes.set_ylim(-0.02, 1.02)

    return draw_chart(paint, simulated=simulated)


def _draw(axes: Axes, series: Series, name: str) -> None:
    for position, (fold, (steps, values)) in enumerate(series.items()):
        marker = "." if len(values) < 30 else None
        axes.plot(steps, values, color=colour_of(position), linewidth=1.4, marker=marker, label=fold)
    axes.set_xlabel("training step")
    axes.set_ylabel(name)
    show_whole_numbers(axes.xaxis)
    draw_grid(axes)
    if len(series) > 1:
        axes.legend(fontsize=9, ncols=2 if len(series) > 4 else 1)
