"""A training at a glance: loss, validation Dice, learning rate and seconds per step over its iterations."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dataset_fingerprints.files.atomic import write_bytes

Line = Mapping[str, Any]

_INK, _QUIET = "#1b1f24", "#667079"
_COLOURS = ("#d1495b", "#2a7fb8", "#c79a00", "#1f9d76", "#c05a9e", "#7a5fd0")


def draw_curves(lines: Sequence[Line], path: Path, title: str) -> None:
    """Write a PNG of four panels over the iterations of a training.

    Args:
        lines: of metrics.jsonl.
        path: the file to write.
        title: the head of the picture.
    """
    figure = Figure(figsize=(11, 7), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    # Fixed margins: finding them from all texts would take longer than drawing.
    figure.subplots_adjust(left=0.075, right=0.985, bottom=0.075, top=0.895, wspace=0.16, hspace=0.16)
    figure.suptitle(title, fontsize=13, fontweight="bold", color=_INK, parse_math=False)
    panels = figure.subplots(2, 2, sharex=True)
    training = [line for line in lines if line.get("kind") == "train"]
    validation = [line for line in lines if line.get("kind") == "validation"]
    _draw(panels[0, 0], "Training loss", {"loss": _series(training, "loss")})
    _draw(panels[0, 1], "Validation Dice (whole volumes, cases in turns)", _dice_series(validation))
    panels[0, 1].set_ylim(0, 1)
    _draw(panels[1, 0], "Learning rate", {"learning rate": _series(training, "learning_rate")})
    phases = [key for key in (training[-1] if training else {}) if key.startswith("seconds/")]
    series = {"whole step": _series(training, "seconds_per_iteration")}
    series |= {phase.removeprefix("seconds/"): _series(training, phase) for phase in phases}
    _draw(panels[1, 1], "Seconds per step", series)
    panels[1, 1].set_ylim(bottom=0)
    for panel in panels[1]:
        panel.set_xlabel("iteration", color=_QUIET)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=100, metadata={"Software": None})
    write_bytes(path, stream.getvalue())


def _series(lines: Sequence[Line], key: str) -> tuple[list[float], list[float]]:
    found = [(line["iteration"], line[key]) for line in lines if isinstance(line.get(key), int | float)]
    return [iteration for iteration, _ in found], [value for _, value in found]


def _dice_series(validation: Sequence[Line]) -> dict[str, tuple[list[float], list[float]]]:
    labels = [key for key in (validation[-1] if validation else {}) if key.startswith("dice/")]
    series = {key.removeprefix("dice/"): _series(validation, key) for key in labels}
    return series | {"latest of every case": _series(validation, "mean_of_latest")}


def _draw(axes: Axes, head: str, series: Mapping[str, tuple[list[float], list[float]]]) -> None:
    axes.set_title(head, fontsize=11, color=_INK, loc="left")
    axes.grid(visible=True, color="#e6e8eb", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    for number, (name, (iterations, values)) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        axes.plot(iterations, values, color=colour, linewidth=1.6, label=name, marker="." if len(values) < 30 else None)
    if len(series) > 1:
        axes.legend(frameon=False, fontsize=9, labelcolor=_INK)
