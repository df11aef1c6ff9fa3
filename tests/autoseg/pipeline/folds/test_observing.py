"""Observers of a training: the picture, and TensorBoard, read by TensorBoard itself."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from autoseg.pipeline.folds.observing import PictureObserver, TensorBoardObserver, make_observers
from autoseg.training.curve import Curve
from autoseg.workspace.fold import FoldFolder

event_file_writer = pytest.importorskip(
    "tensorboard.summary.writer.event_file_writer", reason="needs the extra tensorboard"
)
accumulator = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator", reason="needs the extra tensorboard"
)


@pytest.fixture
def plain_curves() -> None:
    """Draw the curves here."""


def read_scalars(fold: Path, name: str) -> dict[int, float]:
    events = accumulator.EventAccumulator(str(fold / "tensorboard"))
    events.Reload()
    points = events.Scalars(name)
    found = {point.step: point.value for point in points}
    assert len(found) == len(points), "a step has one point"
    return found


def test_tensorboard_shows_the_figures_of_metrics_jsonl(trained: Path) -> None:
    (fold,) = (trained / "ws" / "models" / "default").glob("*/fold_0")
    lines = [line for line in Curve(path=FoldFolder(root=fold).curve).read() if line["kind"] == "train"]
    assert lines
    for name in ("loss", "learning_rate", "seconds_per_iteration", "memory_gb"):
        expected = {line["iteration"]: line[name] for line in lines}
        assert read_scalars(fold, f"train/{name}") == pytest.approx(expected, rel=1e-6)


def test_a_training_that_goes_back_or_goes_on_after_a_kill_takes_its_points_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Files of one second are ordered by a number of the process, as text: 10 before 9.
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(0))
    starts = ([(2, 0.9), (4, 0.8), (6, 0.7), (5, 0.75)], [(5, 0.6), (7, 0.5)])
    for losses in starts:
        observer = TensorBoardObserver(FoldFolder(root=tmp_path))
        for iteration, loss in losses:
            observer({"kind": "train", "iteration": iteration, "loss": loss})
        observer.close()
    assert read_scalars(tmp_path, "train/loss") == pytest.approx({2: 0.9, 4: 0.8, 5: 0.6, 7: 0.5})


def test_the_picture_leaves_no_figure_in_memory(trained: Path) -> None:
    (fold,) = (trained / "ws" / "models" / "default").glob("*/fold_0")
    observer = PictureObserver(FoldFolder(root=fold))
    for _ in range(3):
        observer.close()
    assert [found for found in gc.get_objects() if type(found) is Figure] == []


def test_a_tensorboard_that_cannot_be_imported_costs_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    (picture,) = make_observers(FoldFolder(root=tmp_path))
    assert isinstance(picture, PictureObserver)
    assert "no figures for TensorBoard: it is installed, but cannot be imported (ModuleNotFoundError" in caplog.text
