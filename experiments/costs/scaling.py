"""Growth of the cost of reading, checking and fingerprinting with the number of cases."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from autoseg.pipeline.plans.inspecting import WaitingScans, inspect_dataset
from autoseg.progress import SilentProgress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.geometry import make_grid
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.reading.images import write_label_map
from experiments.peers.measuring import Cost, measure_command

SHAPE = (24, 24, 24)
# A lesion about the size of its wavelength, in a twentieth of the voxels.
_BLUR_VOXELS = 2.0
_SHARE = 0.05
# So many cases are added to those that are known.
ADDED = 5

_INSPECT = "import sys; from experiments.costs.scaling import inspect; inspect(*sys.argv[1:])"


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """Cost of one data set.

    Attributes:
        first: of the first pass, in a process of its own, its start included.
        again: of a pass over the same files.
        added: of a pass after `ADDED` cases came.
        fingerprint_mb: size of fingerprint.json.
    """

    cases: int
    first: Cost
    again: Cost
    added: Cost
    fingerprint_mb: float

    def row(self) -> tuple[str, ...]:
        """Return the figures as texts."""
        return (
            str(self.cases),
            f"{self.first.wall_seconds:.2f}",
            f"{self.first.cpu_seconds:.2f}",
            f"{1000 * self.first.cpu_seconds / self.cases:.2f}",
            f"{1024 * self.first.largest_process_gb:.0f}",
            f"{self.again.cpu_seconds:.2f}",
            f"{self.added.cpu_seconds:.2f}",
            f"{self.fingerprint_mb:.1f}",
        )


COLUMNS = ("cases", "wall s", "CPU s", "CPU ms per case", "peak MiB", "again CPU s", "5 added CPU s", "fingerprint MB")


def measure_scaling(counts: Sequence[int], work: Path) -> tuple[Point, ...]:
    """Make data sets of so many cases each and measure passes over them, each in a fresh process.

    Args:
        counts: numbers of cases, ascending: a larger data set goes on from a smaller one.
        work: an empty or new folder.
    """
    points = []
    raw, written = work / "raw", 0
    for count in counts:
        write_cases(raw, range(written, count))
        workspace = work / f"workspace-{count}"
        first, again = (_inspect(raw, workspace, work / "log") for _ in range(2))
        write_cases(raw, range(count, count + ADDED))
        written = count + ADDED
        points.append(
            Point(
                cases=count,
                first=first,
                again=again,
                added=_inspect(raw, workspace, work / "log"),
                fingerprint_mb=Workspace(root=workspace).fingerprint.stat().st_size / 1e6,
            )
        )
    return tuple(points)


def write_cases(raw: Path, numbers: range) -> None:
    """Write small NIfTI cases in nnU-Net's layout: smooth noise, and a label where it is lowest."""
    grid = make_grid(SHAPE, np.eye(4))
    for number in numbers:
        noise = ndimage.gaussian_filter(np.random.default_rng(number).normal(size=SHAPE), _BLUR_VOXELS)
        mask = noise < np.quantile(noise, _SHARE)
        # Written as label maps are: integers on a grid.
        scan = np.rint(1000 * (noise - noise.min()) / np.ptp(noise)).astype(np.int16)
        write_label_map(raw / "imagesTr" / f"case_{number:05d}_0000.nii.gz", scan, grid)
        write_label_map(raw / "labelsTr" / f"case_{number:05d}.nii.gz", mask.astype(np.uint8), grid)
    description = {"channel_names": {"0": "T1w"}, "labels": {"background": 0, "lesion": 1}, "file_ending": ".nii.gz"}
    write_json(raw / "dataset.json", description)


def inspect(raw: str, workspace: str) -> None:
    """Read, check and fingerprint a data set into a workspace."""
    dataset = read_dataset(Path(raw))
    inspect_dataset(dataset, Workspace(root=Path(workspace)), WaitingScans(limit_bytes=0), SilentProgress())


def _inspect(raw: Path, workspace: Path, log: Path) -> Cost:
    return measure_command((sys.executable, "-c", _INSPECT, str(raw), str(workspace)), log)
