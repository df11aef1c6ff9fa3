"""Memory of a training: its dependence on the residency of the cases, and its growth with the iterations."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from autoseg.models.tensors import load_tensors
from autoseg.training.curve import Curve
from autoseg.training.record import CaseResidency, read_record
from autoseg.workspace.fold import FULL, FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.geometry import make_grid
from dataset_fingerprints.reading.images import write_label_map
from experiments.peers.measuring import measure_command
from experiments.work_folders import refuse_used

# With small patches the network needs little beside the cases.
_BATCH = "3d_fullres.batch_size=2"
# Of the cases' size, what they may take.
SHARES = (0.0, 0.1, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A training with some of its cases in memory.

    Attributes:
        peak_gb: resident memory of the process at its peak, in GiB.
        reading_seconds: of a step, waiting for the disk.
        same: whether the weights are those of the first training.
    """

    residency: CaseResidency
    peak_gb: float
    seconds: float
    reading_seconds: float
    same: bool

    def row(self, first: Held) -> tuple[str, ...]:
        """Return the figures as texts, the peak also beside the first one's."""
        found = self.residency
        return (
            f"{found.in_memory} of {found.cases()} ({found.needed_gb:.3f})",
            f"{found.memory_free_gb:.3f}",
            f"{self.peak_gb:.3f}",
            f"{self.peak_gb - first.peak_gb:+.3f}",
            f"{self.seconds:.3f}",
            f"{self.reading_seconds:.4f}",
            "yes" if self.same else "NO",
        )


HELD_COLUMNS = ("cases in memory (GiB)", "limit", "peak GiB", "to the first", "s per step", "waiting", "same weights")


def compare_residency(work: Path, cases: int, edge: int, iterations: int) -> Iterator[Held]:
    """Train on cubes of noise through the command line: all on the disk, a tenth in memory, all in memory.

    Args:
        work: an empty or new folder.
        cases: how many.
        edge: of a cube, in voxels.
        iterations: of each training.

    Raises:
        AutosegError: the folder holds something, or a command failed; the message names its log.
    """
    refuse_used(work)
    raw, workspace = work / "raw", work / "workspace"
    _write_noise(raw, cases, edge)
    _plan(raw, workspace, work, (f"training.iterations={iterations}", *_patch(32)))
    needed, weights = 0.0, None
    for share in SHARES:
        fold = _train(workspace, work, ("--memory-gb", f"{share * needed:.6f}"))
        residency, held = _read_residency(fold), load_tensors(fold.weights)[0]
        needed, weights = 1.001 * residency.needed_gb, weights or held
        lines = [line for line in Curve(path=fold.curve).read() if line["kind"] == "train"]
        yield Held(
            residency=residency,
            peak_gb=float((work / "peak").read_text(encoding="utf-8")),
            seconds=_mean(lines, "seconds_per_iteration"),
            reading_seconds=_mean(lines, "seconds/reading"),
            same=all(torch.equal(held[name], weights[name]) for name in weights),
        )
        shutil.rmtree(fold.root)


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """Memory that a training held at its reports."""

    iterations: tuple[int, ...]
    now_gb: tuple[float, ...]
    most_gb: tuple[float, ...]

    def rows(self, spans: int = 10) -> list[tuple[str, ...]]:
        """Return a row for every span of the training: its iterations, mean and range of what was held, most so far."""
        rows: list[tuple[str, ...]] = []
        for chosen in np.array_split(np.arange(len(self.iterations)), min(spans, len(self.iterations))):
            held = [self.now_gb[index] for index in chosen]
            span = f"{self.iterations[chosen[0]]} to {self.iterations[chosen[-1]]}"
            spread = f"{min(held):.3f} to {max(held):.3f}"
            rows.append((span, f"{np.mean(held):.3f}", spread, f"{self.most_gb[chosen[-1]]:.3f}"))
        return rows

    def slope_mb(self) -> float:
        """Return the growth in MiB per 1,000 iterations, by a line through the second half of the reports."""
        half = len(self.iterations) // 2
        return float(np.polyfit(self.iterations[half:], self.now_gb[half:], 1)[0]) * 1000 * 1024


GROWTH_COLUMNS = ("iterations", "held, GiB", "least and most", "most so far")


def watch_growth(data: Path, work: Path, iterations: int, edge: int) -> Growth:
    """Train on all cases of a data set with the strongest augmentation, in patches of `edge` voxels.

    Raises:
        AutosegError: the folder holds something, the cases do not fit into memory, or a command failed.
    """
    refuse_used(work)
    augmentation = "sampling.augmentations=strong"
    _plan(data, work / "workspace", work, (f"training.iterations={iterations}", augmentation, *_patch(edge)))
    fold = _train(work / "workspace", work, ())
    residency = _read_residency(fold)
    if residency.on_disk:
        raise AutosegError(f"{fold.root}: {residency.on_disk} cases do not fit into memory. Take a smaller data set.")
    lines = [line for line in Curve(path=fold.curve).read() if line["kind"] == "train"]
    at, now, most = ([float(str(line[key])) for line in lines] for key in ("iteration", "memory_now_gb", "memory_gb"))
    return Growth(iterations=tuple(int(number) for number in at), now_gb=tuple(now), most_gb=tuple(most))


def _patch(edge: int) -> tuple[str, ...]:
    return (_BATCH, f"3d_fullres.patch_shape={json.dumps([edge] * 3)}")


def _plan(data: Path, workspace: Path, work: Path, assignments: Sequence[str]) -> None:
    values = [text for value in assignments for text in ("--set", value)]
    command = (sys.executable, "-m", "autoseg", "plan_and_preprocess", str(data), "-w", str(workspace))
    measure_command((*command, "-c", "3d_fullres", *values), work / "plan.log")


def _train(workspace: Path, work: Path, options: Sequence[str]) -> FoldFolder:
    """Train on all cases, which leaves none to validate."""
    command = (sys.executable, "-m", "autoseg", "train", FULL, "-w", str(workspace), "-c", "3d_fullres", *options)
    cost = measure_command(command, work / "train.log")
    (work / "peak").write_text(str(cost.largest_process_gb))
    return Workspace(root=workspace).fold("default", "3d_fullres", FULL)


def _read_residency(fold: FoldFolder) -> CaseResidency:
    record = read_record(fold)
    if record is None or record.residency is None:
        raise AutosegError(f"{fold.record}: does not say where the training cases were. Train the fold anew.")
    return record.residency


def _mean(lines: Sequence[dict[str, object]], figure: str) -> float:
    return float(np.mean([float(str(line[figure])) for line in lines]))


def _write_noise(raw: Path, cases: int, edge: int) -> None:
    grid = make_grid((edge, edge, edge), np.eye(4))
    for number in range(cases):
        rng = np.random.default_rng(number)
        scan = rng.integers(0, 1000, (edge, edge, edge)).astype(np.int16)
        label = np.zeros(scan.shape, dtype=np.uint8)
        x, y, z = (int(rng.integers(edge - 12)) for _ in range(3))
        label[x : x + 12, y : y + 12, z : z + 12] = 1
        write_label_map(raw / "imagesTr" / f"case_{number:04d}_0000.nii.gz", scan, grid)
        write_label_map(raw / "labelsTr" / f"case_{number:04d}.nii.gz", label, grid)
    description = {"channel_names": {"0": "T1w"}, "labels": {"background": 0, "lesion": 1}, "file_ending": ".nii.gz"}
    write_json(raw / "dataset.json", description)
