"""The main job in minutes: plan, train fold 0 of Hippocampus (or of simulated scans), and a Dice of whole volumes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from autoseg.evaluation import read_evaluation
from autoseg.training.curve import Curve
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from experiments.gpu.bench import Bench, Row

# Of the time: that of the training, and what validation, reading and writing may take.
MOST_MINUTES, AROUND_SECONDS = 3.0, 50.0


def train_for_minutes(bench: Bench) -> Iterator[Row | str]:
    """Yield seconds of planning, and the training's steps and mean Dice."""
    workspace, data = bench.work / "whole-job", bench.data or bench.simulated()
    start, minutes = time.perf_counter(), _minutes(bench)
    options: tuple[str, ...] = ("--max-hours", f"{minutes / 60:.4f}")
    if bench.tiny:
        options = ("--set", "3d_fullres.patch_shape=[16,16,16]", "--set", "training.iterations=3")
    bench.autoseg("plan_and_preprocess", str(data), "-w", str(workspace), "-c", "3d_fullres", *options)
    planned = time.perf_counter() - start
    yield f"Data: {data.name}; planned and preprocessed in {planned:.1f} s."
    minutes = _minutes(bench)
    limit = () if bench.tiny else ("--max-minutes", f"{minutes:.2f}")
    fold = Workspace(root=workspace).fold("default", "3d_fullres", "0")
    start = time.perf_counter()
    try:
        bench.autoseg("train", "0", "-w", str(workspace), "-c", "3d_fullres", *limit)
    finally:
        yield from _on_the_way(fold)
    steps = [line["iteration"] for line in Curve(path=fold.curve).read() if line["kind"] == "train"]
    dice = read_evaluation(fold.validation.metrics).foreground_mean_dice
    yield {
        "training": f"{minutes:.1f} minutes" if limit else "3 steps",
        "command s": time.perf_counter() - start,
        "steps": float(str(steps[-1])) if steps else None,
        "mean Dice": dice,
    }
    yield f"Mean Dice {dice:.3f}."


def _minutes(bench: Bench) -> float:
    """Return how long the training may take."""
    return max(0.2, min(MOST_MINUTES, (bench.left() - AROUND_SECONDS) / 60))


def _on_the_way(fold: FoldFolder) -> Iterator[str]:
    """Yield what the last validation before the end found."""
    lines = list(Curve(path=fold.curve).read()) if Path(fold.curve).is_file() else []
    found = [line for line in lines if line["kind"] == "validation"]
    if found:
        shown = {key: value for key, value in found[-1].items() if isinstance(value, int | float)}
        yield f"Last validation on the way: {json.dumps(shown)[:160]}"
