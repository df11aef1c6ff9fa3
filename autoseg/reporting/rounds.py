"""A picture of the rounds of a labelling loop: held-out Dice, what people changed, and their minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes

from autoseg.reporting.canvas import INK, QUIET, make_figure, save_png

_COLOUR, _FAINT = "#2a7fb8", "#9dbfd6"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundPoint:
    """One round.

    Attributes:
        trained: number of cases that it was trained on.
        dice: of each held-out case.
        interval: of their mean, 95 %; None of few cases.
        changed_percent: of the corrected volume; None where nobody has corrected masks of it.
        minutes: mean per scan; None where nobody said.
    """

    number: int
    trained: int
    dice: tuple[float, ...]
    interval: tuple[float, float] | None
    changed_percent: float | None
    minutes: float | None


def draw_rounds(points: Sequence[RoundPoint], path: Path, title: str) -> None:
    """Write a PNG of three panels over the rounds."""
    figure = make_figure(1100, 420)
    figure.subplots_adjust(left=0.07, right=0.985, bottom=0.16, top=0.8, wspace=0.24)
    figure.suptitle(title, fontsize=13, fontweight="bold", color=INK, y=0.975, va="top", parse_math=False)
    dice, changed, minutes = figure.subplots(1, 3)
    _begin(dice, "Dice of held-out cases", points)
    for point in points:
        dice.plot([point.number] * len(point.dice), point.dice, ".", color=_FAINT)
        if point.interval is not None:
            dice.plot([point.number] * 2, point.interval, "-", color=INK, linewidth=2)
    means = [(point.number, sum(point.dice) / len(point.dice)) for point in points if point.dice]
    _draw(dice, means)
    dice.set_ylim(-0.02, 1.02)
    _begin(changed, "Changed by people, % of the volume", points)
    _draw(changed, [(one.number, one.changed_percent) for one in points if one.changed_percent is not None])
    _begin_at_zero(changed)
    _begin(minutes, "Minutes per corrected scan", points)
    _draw(minutes, [(one.number, one.minutes) for one in points if one.minutes is not None])
    _begin_at_zero(minutes)
    save_png(figure, path)


def _begin(axes: Axes, head: str, points: Sequence[RoundPoint]) -> None:
    axes.set_title(head, fontsize=11, color=INK, loc="left")
    axes.grid(visible=True, color="#e6e8eb", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xticks([one.number for one in points], [f"{one.number}\n{one.trained} cases" for one in points])
    axes.set_xlim(points[0].number - 0.5, points[-1].number + 0.5)
    axes.set_xlabel("round", color=QUIET)


def _begin_at_zero(axes: Axes) -> None:
    """Let a panel begin at 0, with a little space above its highest point."""
    axes.set_ylim(0, max(axes.dataLim.y1, 0.0) * 1.08 or 1.0)


def _draw(axes: Axes, values: Sequence[tuple[int, float]]) -> None:
    if values:
        numbers, heights = zip(*values, strict=True)
        axes.plot(numbers, heights, color=_COLOUR, linewidth=1.6, marker="o")
    else:
        axes.text(0.5, 0.5, "nothing yet", transform=axes.transAxes, ha="center", color=QUIET)
