"""One trained network on patches with and without overlap, and on the whole image in one pass: memory, time, Dice.

Patches need less memory and repeat work where they overlap; one pass needs all feature maps of an image at once. The
masks differ, also because instance normalisation then looks at the image instead of at a patch.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.evaluation import DICE_ONLY, evaluate_files
from dataset_fingerprints.files.jsonfiles import read_plain_json, write_json
from experiments.peers.measuring import Cost, measure_command

# Patches that overlap by half, or lie side by side, by their distance as a share of one; 0 for the whole image.
OVERLAPPING, SIDE_BY_SIDE, WHOLE = 0.5, 1.0, 0.0
WAYS = {
    "overlapping": OVERLAPPING,
    "side by side": SIDE_BY_SIDE,
    "whole image": WHOLE,
}
COLUMNS = ("way", "Dice", "s per scan", "passes per scan", "peak GiB", "GPU GiB")


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One way of prediction, in a process of its own.

    Attributes:
        dice: mean over the scans; None without references.
        seconds: per scan, without starting and loading.
        passes: of the network per scan.
        gpu_gb: the most that the process held on a GPU; 0 without one.
        cost: of the whole process.
    """

    name: str
    dice: float | None
    seconds: float
    passes: float
    gpu_gb: float
    cost: Cost

    def row(self) -> tuple[str, ...]:
        """Return the figures as texts."""
        return (
            self.name,
            "-" if self.dice is None else f"{self.dice:.3f}",
            f"{self.seconds:.2f}",
            f"{self.passes:g}",
            f"{self.cost.largest_process_gb:.2f}",
            f"{self.gpu_gb:.2f}" if self.gpu_gb else "-",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """A trained fold of a workspace's default plan; of its default configuration where none is named."""

    workspace: Path
    fold: str = "0"
    configuration: str = ""


def compare_inference(trained: Trained, scans: Path, references: Path | None, work: Path) -> Iterator[Measured]:
    """Predict the same scans in every way, each in a fresh process, without flips.

    Args:
        trained: the fold that predicts.
        scans: a folder of scans, or a data set.
        references: masks of the same names; None without Dice.
        work: where masks and figures are written.
    """
    for name, step_share in WAYS.items():
        masks, figures = work / f"masks-{step_share:g}", work / f"figures-{step_share:g}.json"
        job = work / f"job-{step_share:g}.json"
        work.mkdir(parents=True, exist_ok=True)
        # Masks of other scans, of an earlier run, would be scored as well.
        shutil.rmtree(masks, ignore_errors=True)
        paths = {"workspace": trained.workspace, "scans": scans, "masks": masks, "figures": figures}
        chosen = {"fold": trained.fold, "configuration": trained.configuration, "step_share": step_share}
        write_json(job, {key: str(path.absolute()) for key, path in paths.items()} | chosen)
        command = (sys.executable, "-m", "experiments.costs.inference_worker", str(job))
        cost = measure_command(command, work / "inference.log")
        found = read_plain_json(figures)
        evaluation = None if references is None else evaluate_files(masks, references, convention=DICE_ONLY)
        yield Measured(
            name=name,
            dice=None if evaluation is None else evaluation.foreground_mean_dice,
            seconds=_mean(found["seconds"]),
            passes=_mean(found["passes"]),
            gpu_gb=float(found["gpu_gb"]),
            cost=cost,
        )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
