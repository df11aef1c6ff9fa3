"""Observers of a training beside its curve: a picture, and TensorBoard where it is installed."""

from __future__ import annotations

import gc
import importlib.util
import logging
import time
from collections.abc import Sequence
from typing import Any, Protocol

from autoseg.evaluation import Evaluation
from autoseg.reporting import FinalScores, draw_curves
from autoseg.training.curve import Curve, Line
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.simulated import mark_title

_log = logging.getLogger(__name__)

# Drawing takes a fraction of a second, and every validation draws anyway.
PICTURE_SECONDS = 60.0


class Observer(Protocol):
    """Takes every line of a training's report."""

    def __call__(self, line: Line) -> None:
        """Take a line."""
        ...

    def close(self) -> None:
        """Finish: the training ended or was stopped."""
        ...


def make_observers(folder: FoldFolder) -> Sequence[Observer]:
    """Return the picture and, with the extra installed, TensorBoard."""
    observers: list[Observer] = [PictureObserver(folder)]
    if _has_tensorboard():
        observers.append(TensorBoardObserver(folder))
    return observers


def _has_tensorboard() -> bool:
    """Return whether TensorBoard is installed and fits the packages beside it; where it does not fit, say so."""
    if importlib.util.find_spec("tensorboard") is None:
        return False
    try:
        importlib.import_module("torch.utils.tensorboard")
    except Exception as error:  # of whatever kind, as the packages that it needs raise them
        _log.warning(
            "There will be no figures for TensorBoard: it is installed, but cannot be imported (%s: %s). Install it "
            "anew, or remove it.",
            type(error).__name__,
            error,
        )
        return False
    return True


class PictureObserver:
    """The fold's picture, kept up to date."""

    def __init__(self, folder: FoldFolder) -> None:
        self._folder, self._drawn = folder, time.monotonic()

    def __call__(self, line: Line) -> None:
        """Draw after a validation, and now and then."""
        if line["kind"] == "validation" or time.monotonic() - self._drawn > PICTURE_SECONDS:
            self._draw()

    def close(self) -> None:
        """Draw the whole training."""
        self._draw()

    def _draw(self) -> None:
        lines = Curve(path=self._folder.curve).skim()
        if lines:
            draw_curves(lines, self._folder.picture, self._folder.title())
            # A figure and its parts refer to each other: without this, dozens of them wait to be freed.
            gc.collect()
        self._drawn = time.monotonic()


def draw_final(folder: FoldFolder, evaluation: Evaluation, scheme: LabelScheme) -> None:
    """Draw the fold's picture once more, with the result of its validation."""
    lines = Curve(path=folder.curve).skim()
    if not lines:
        return
    names = scheme.names()
    means = {label.label: label.statistics("dice").mean for label in evaluation.summary}
    final = FinalScores(
        mean_dice=evaluation.foreground_mean_dice,
        labels={names.get(label, str(label)): mean for label, mean in means.items() if mean is not None},
        scans=len(evaluation.cases),
    )
    seen = evaluation.seen.brief()
    title = mark_title(f"{folder.title()} ({seen})" if seen else folder.title(), evaluation.simulated)
    draw_curves(lines, folder.picture, title, final)


class TensorBoardObserver:
    """Figures as scalars for TensorBoard; those of steps that a training goes back over are removed."""

    def __init__(self, folder: FoldFolder) -> None:
        self._folder = folder
        self._writer: Any = None
        self._latest = 0

    def __call__(self, line: Line) -> None:
        """Write a line's numbers under its kind."""
        iteration = int(str(line["iteration"]))
        if self._writer is None or iteration < self._latest:
            self._open(iteration)
        self._latest = iteration
        for key, value in line.items():
            if isinstance(value, int | float) and key != "iteration":
                self._writer.add_scalar(f"{line['kind']}/{key}", value, iteration)

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()

    def _open(self, iteration: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.close()
        self._writer = SummaryWriter(str(self._folder.tensorboard), purge_step=iteration)
