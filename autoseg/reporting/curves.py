"""A training at a glance: loss, validation Dice, learning rate and seconds over its steps, and its final result."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from autoseg.reporting.canvas import choose_colour, darken
from autoseg.reporting.flow import fit, width_of
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.names import counted

Line = Mapping[str, Any]

_INK, _QUIET = "#1b1f24", "#667079"
# Of the line under the title.
_MOST_CHARACTERS = 130
# Names under a panel: their lines, the width of one in pixels, and of the sign before a name; the size of letters.
_ROWS, _LINE, _HANDLE, _LETTERS = 3, 480, 42, 9
# Where they begin, in heights of the panel: there are numbers of steps below the lower ones only.
_ABOVE, _BELOW = -0.04, -0.19
_COLOURS = ("#d1495b", "#2a7fb8", "#c79a00", "#1f9d76", "#c05a9e", "#7a5fd0")


@dataclass(frozen=True, kw_only=True, slots=True)
class FinalScores:
    """The result of the validation after a training.

    Attributes:
        labels: each label's mean Dice, by its name.
        scans: whole scans that were predicted.
    """

    mean_dice: float
    labels: Mapping[str, float]
    scans: int

    def describe(self) -> str:
        """Return the result in words."""
        labels = ", ".join(f"{name} {value:.3f}" for name, value in self.labels.items())
        return (
            f"Final result: mean Dice {self.mean_dice:.3f} of {counted(self.scans, 'whole scan')} that it was not "
            "trained on" + (f" ({labels})" if len(self.labels) > 1 else "")
        )


def draw_curves(lines: Sequence[Line], path: Path, title: str, final: FinalScores | None = None) -> None:
    """Write a PNG of four panels over the steps of a training.

    Args:
        lines: of metrics.jsonl.
        path: the file to write.
        title: the head of the picture.
        final: the result of the whole fold's validation, None before it.
    """
    figure = Figure(figsize=(11, 8.6), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    # Fixed margins: finding them from all texts would take longer than drawing.
    figure.subplots_adjust(left=0.075, right=0.985, bottom=0.14, top=0.87, wspace=0.18, hspace=0.42)
    figure.suptitle(title, fontsize=13, fontweight="bold", color=_INK, y=0.985, va="top", parse_math=False)
    training = [line for line in lines if line.get("kind") == "train"]
    validation = [line for line in lines if line.get("kind") == "validation"]
    under = final.describe() if final else _describe_progress(lines, training)
    figure.text(0.5, 0.935, _shorten(under), ha="center", va="center", fontsize=11, color=_INK, parse_math=False)
    panels = figure.subplots(2, 2, sharex=True)
    _draw(panels[0, 0], "Loss on training patches (lower is better)", "loss", {"loss": _series(training, "loss")})
    _draw(
        panels[0, 1],
        "Dice of whole validation scans (1: perfect, 0: no overlap)",
        "Dice",
        _dice_series(validation),
        _dice_colours,
    )
    _mark_final(panels[0, 1], final, begun=bool(validation))
    rates = {"learning rate": _series(training, "learning_rate")}
    _draw(panels[1, 0], "Learning rate (how far a step changes the network)", "learning rate", rates)
    phases = [key for key in (training[-1] if training else {}) if key.startswith("seconds/")]
    series = {"whole step": _series(training, "seconds_per_iteration")}
    series |= {phase.removeprefix("seconds/"): _series(training, phase) for phase in phases}
    _draw(panels[1, 1], "Time of a training step, and of its parts", "seconds", series)
    panels[1, 1].set_ylim(bottom=0)
    for panel in panels[0]:
        _name_lines(panel, _ABOVE)
    for panel in panels[1]:
        _name_lines(panel, _BELOW)
        panel.set_xlabel("training step", color=_QUIET)
        panel.xaxis.get_major_locator().set_params(integer=True)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=100, metadata={"Software": None})
    write_bytes(path, stream.getvalue())


def _describe_progress(lines: Sequence[Line], training: Sequence[Line]) -> str:
    done = max((int(line["iteration"]) for line in lines), default=0)
    total = training[-1].get("iterations") if training else None
    return f"Training: step {done:,}" + (f" of {total:,}" if isinstance(total, int) else "")


def _shorten(text: str) -> str:
    """Return a text in two lines of the picture; of very many labels only the first are named."""
    lines = textwrap.wrap(text, _MOST_CHARACTERS)
    return "\n".join(lines if len(lines) <= 2 else (lines[0], f"{lines[1][: _MOST_CHARACTERS - 8]} ... )"))


def _mark_final(axes: Axes, final: FinalScores | None, *, begun: bool) -> None:
    """Draw the final mean Dice as a line through the panel, which covers the whole scale of Dice."""
    # A little more than the scale, so that curves of 0 and of 1 are seen.
    axes.set_ylim(-0.02, 1.02)
    if final is not None:
        label = f"final result, mean {final.mean_dice:.3f}"
        axes.axhline(final.mean_dice, color=_INK, linewidth=1.2, linestyle="--", label=label)
    elif not begun:
        axes.text(0.5, 0.5, "no validation yet", transform=axes.transAxes, ha="center", color=_QUIET)


def _name_lines(axes: Axes, below: float) -> None:
    """Name the lines of a panel under it, where nothing is hidden; of very many, some."""
    handles, names = axes.get_legend_handles_labels()
    if len(names) < 2:
        return
    shown = [fit(name, _LINE // 2 - _HANDLE, _LETTERS) for name in names]
    columns = max(2, min(3, _LINE // (max(width_of(name, _LETTERS) for name in shown) + _HANDLE)))
    most = _ROWS * columns
    if len(names) > most:
        kept = most - 3
        handles = [*handles[:kept], *handles[-2:], Line2D([], [], linestyle="none")]
        shown = [*shown[:kept], *shown[-2:], f"and {len(names) - kept - 2} more"]
    axes.legend(
        handles,
        [name.replace("$", r"\$") for name in shown],
        loc="upper left",
        bbox_to_anchor=(0.0, below),
        ncols=columns,
        frameon=False,
        fontsize=_LETTERS,
        labelcolor=_INK,
        handlelength=1.4,
        columnspacing=1.2,
        borderaxespad=0.0,
        borderpad=0.0,
    )


def _dice_colours(names: Sequence[str]) -> list[str]:
    """Return the colours that labels have in all pictures; the mean, at the end, is black."""
    return [*(darken(choose_colour(number)) for number in range(len(names) - 1)), _INK]


def _series(lines: Sequence[Line], key: str) -> tuple[list[float], list[float]]:
    found = [(line["iteration"], line[key]) for line in lines if isinstance(line.get(key), int | float)]
    return [iteration for iteration, _ in found], [value for _, value in found]


def _dice_series(validation: Sequence[Line]) -> dict[str, tuple[list[float], list[float]]]:
    labels = [key for key in (validation[-1] if validation else {}) if key.startswith("dice/")]
    series = {key.removeprefix("dice/"): _series(validation, key) for key in labels}
    return series | {"mean of the latest": _series(validation, "mean_of_latest")}


def _colours(names: Sequence[str]) -> list[str]:
    return [_COLOURS[number % len(_COLOURS)] for number in range(len(names))]


def _draw(
    axes: Axes,
    head: str,
    unit: str,
    series: Mapping[str, tuple[list[float], list[float]]],
    choose: Callable[[Sequence[str]], list[str]] = _colours,
) -> None:
    axes.set_title(head, fontsize=11, color=_INK, loc="left")
    axes.set_ylabel(unit, color=_QUIET)
    axes.grid(visible=True, color="#e6e8eb", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    for (name, (iterations, values)), colour in zip(series.items(), choose(tuple(series)), strict=True):
        axes.plot(iterations, values, color=colour, linewidth=1.6, label=name, marker="." if len(values) < 30 else None)
