"""Two folds at once on one GPU, beside one after the other."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import write_json
from experiments.gpu.bench import Bench, Row

FOLDS = 2


def compare_folds(bench: Bench) -> Iterator[Row | str]:
    """Yield the seconds of `train all` with two jobs and with one, each from the same start."""
    iterations = 3 if bench.tiny else 200
    splits = _write_splits(bench.simulated(), bench.work / "two_folds.json")
    set_iterations = ("--set", f"training.iterations={iterations}")
    planned = bench.planned("folds-2", "--splits", str(splits), *set_iterations)
    shutil.copytree(planned, bench.work / "folds-1")
    seconds: dict[int, float] = {}
    for jobs in (2, 1):
        workspace = bench.work / f"folds-{jobs}"
        start = time.perf_counter()
        bench.autoseg("train", "all", "-w", str(workspace), "-c", "3d_fullres", "--jobs", str(jobs))
        seconds[jobs] = time.perf_counter() - start
        trained = len(Workspace(root=workspace).trained_folds("default", "3d_fullres"))
        yield {"folds at once": jobs, "seconds": seconds[jobs], "trained": trained}
    yield f"Two at once take {seconds[2] / seconds[1]:.2f} of the time of one after the other."


def _write_splits(raw: Path, path: Path) -> Path:
    """Write folds that are each judged on a half of the cases."""
    names = sorted(file.name.removesuffix(".nii.gz") for file in (raw / "labelsTr").glob("*.nii.gz"))
    halves = [names[number::FOLDS] for number in range(FOLDS)]
    write_json(path, [{"train": halves[1 - number], "val": halves[number]} for number in range(FOLDS)])
    return path
