"""Seconds and peak memory of `autoseg predict` in a process of its own, for scans of given shapes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.geometry import Triple, make_grid
from dataset_fingerprints.reading.images import write_label_map
from experiments.peers.measuring import Cost, measure_command

# Of a network that takes little time beside the memory of its logits.
FEATURES = (8, 16, 32)
CONFIGURATION = "3d_fullres"
CASES, CASE_EDGE, STEPS = 6, 56, 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A scan, and how it is predicted.

    Attributes:
        max_memory_gb: the limit that is given; 0 for none.
    """

    shape: Triple
    mirror: bool = False
    max_memory_gb: float = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """What the prediction of one scan cost, and the whole program around it."""

    way: Way
    cost: Cost

    def row(self) -> tuple[str, ...]:
        """Return the figures as texts."""
        return (
            "x".join(map(str, self.way.shape)),
            "8 flips" if self.way.mirror else "none",
            f"{self.way.max_memory_gb:g} GiB" if self.way.max_memory_gb else "what is free",
            f"{self.cost.largest_process_gb:.2f}",
            f"{self.cost.wall_seconds:.1f}",
            f"{self.cost.cpu_seconds:.1f}",
        )


COLUMNS = ("voxels", "flips", "limit", "peak GiB", "s", "CPU s")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tiny:
    """A tiny network.

    Attributes:
        labels: that it tells apart.
        edge: of its patches, in voxels.
        step_share: distance of tiles as a share of a patch.
    """

    labels: int
    edge: int
    step_share: float

    def name(self) -> str:
        """Return a name for its workspace."""
        return f"workspace-{self.labels}-{self.edge}-{self.step_share:g}"


def measure_predictions(work: Path, ways: Sequence[Way], network: Tiny) -> Iterator[Predicted]:
    """Train a tiny network for two steps and predict scans of noise with it, each in a process of its own.

    Args:
        work: an empty or new folder, or that of an earlier run.
        ways: to predict.
        network: that predicts.
    """
    workspace = work / network.name()
    # A killed training goes on.
    if not Workspace(root=workspace).trained_folds("default", CONFIGURATION):
        _train(work, workspace, network)
    for way in ways:
        scan = work / f"{'x'.join(map(str, way.shape))}.nii.gz"
        if not scan.exists():
            write_label_map(scan, make_noise(way.shape, 0), make_grid(way.shape, np.eye(4)))
        flips, limit = "--mirror" if way.mirror else "--no-mirror", str(way.max_memory_gb)
        command = _command("predict", str(scan), "-o", str(work / "mask.nii.gz"), "-w", str(workspace), flips)
        limited = ("--max-memory-gb", limit) if way.max_memory_gb else ()
        yield Predicted(way=way, cost=measure_command((*command, "--overwrite", *limited), work / "predict.log"))


def make_noise(shape: Triple, seed: int) -> NDArray[np.int16]:
    """Return a scan without any background: nothing of it can be left out."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(1, 1000, shape[1:], dtype=np.int16) for _ in range(shape[0])])


def _train(work: Path, workspace: Path, network: Tiny) -> None:
    labels = network.labels
    raw = work / f"raw-{labels}"
    grid = make_grid((CASE_EDGE,) * 3, np.eye(4))
    for number in range(CASES):
        write_label_map(raw / "imagesTr" / f"case_{number}_0000.nii.gz", make_noise(grid.shape, number), grid)
        label = np.zeros(grid.shape, dtype=np.uint8)
        for value in range(1, labels + 1):
            label[2 * value : 2 * value + 2, 5:50, 5:50] = value
        write_label_map(raw / "labelsTr" / f"case_{number}.nii.gz", label, grid)
    names = {"background": 0} | {f"label{value}": value for value in range(1, labels + 1)}
    description = {"channel_names": {"0": "CT"}, "labels": names, "file_ending": ".nii.gz"}
    write_json(raw / "dataset.json", description)
    values = {
        "training.iterations": STEPS,
        f"{CONFIGURATION}.batch_size": 1,
        f"{CONFIGURATION}.patch_shape": [network.edge] * 3,
        f"{CONFIGURATION}.prediction.step_share": network.step_share,
        f"{CONFIGURATION}.network": {
            "name": "unet",
            "options": {
                "features": list(FEATURES),
                "kernels": [[3, 3, 3]] * 3,
                "strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2]],
                "encoder_blocks": [1, 1, 1],
                "decoder_blocks": [1, 1],
            },
        },
    }
    assignments = [text for name, value in values.items() for text in ("--set", f"{name}={json.dumps(value)}")]
    plan = _command("plan_and_preprocess", str(raw), "-w", str(workspace), "-c", CONFIGURATION, *assignments)
    measure_command(plan, work / "plan.log")
    measure_command(_command("train", "full", "-w", str(workspace), "-c", CONFIGURATION), work / "train.log")


def _command(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "autoseg", *arguments)
