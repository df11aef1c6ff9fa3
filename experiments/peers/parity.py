"""Imported models beside nnU-Net's own predictor: the same masks and probabilities."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from autoseg.models import Model, ModelSet
from autoseg.models.nnunet import read_nnunet
from autoseg.pipeline.models.trained import load_models
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.geometry import (
    Box,
    Triple,
    TripleFloat,
    canonical_grid,
    find_reorientation,
    from_canonical,
)
from experiments.peers.nnunet import make_environment, nnunet_variables
from experiments.peers.nnunet_scans import ScanKind, draw, write_raw, write_scan

CASES = 8
STEPS = 60
WORKER = Path(__file__).with_name("nnunet_models.py")
CASCADE, LOW = "3d_cascade_fullres", "3d_lowres"
# The bounds of a model that predicts what nnU-Net predicts.
MOST_OTHER_VOXELS, LARGEST_DIFFERENCE = 1e-4, 1e-3

BALLS = ScanKind(channels=("T1w",), regions=False, shape=(44, 52, 38), spacing_mm=(1.0, 1.0, 1.2), skull_stripped=False)
LESIONS = ScanKind(
    channels=("T1w", "CT"), regions=True, shape=(56, 60, 16), spacing_mm=(0.8, 0.8, 4.0), skull_stripped=True
)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewScan:
    """A scan that nnU-Net did not train on.

    Attributes:
        shape: along canonical axes.
    """

    orientation: str
    spacing_mm: TripleFloat
    shape: Triple

    def describe(self) -> str:
        """Return what it is in a few words."""
        spacing = "x".join(f"{length:g}" for length in self.spacing_mm)
        return f"{'x'.join(map(str, self.shape))} {self.orientation}, {spacing} mm"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """Models of one data set by one planner of nnU-Net; lists of lengths are along its axes, z, y, x.

    Attributes:
        number: of the data set.
        models: folds by configuration.
        scans: to predict.
        device: that nnU-Net trains and predicts on; cpu or cuda.
    """

    name: str
    number: int
    kind: ScanKind
    planner: str
    models: Mapping[str, tuple[int | str, ...]]
    patches: Mapping[str, tuple[int, ...]]
    scans: tuple[NewScan, ...]
    features: tuple[int, ...] = (8, 16, 16)
    steps: int = STEPS
    device: str = "cpu"

    def folder(self, work: Path, configuration: str) -> Path:
        """Return where nnU-Net keeps a trained configuration."""
        plans = "nnUNetPlans" if self.planner == "ExperimentPlanner" else "nnUNetResEncUNetMPlans"
        return work / "results" / self.dataset() / f"nnUNetTrainer__{plans}__{configuration}"

    def dataset(self) -> str:
        """Return the data set's name."""
        return f"Dataset{self.number}_Peer"


_SCANS = (
    NewScan(orientation="RAS", spacing_mm=(1.0, 1.0, 1.2), shape=(45, 53, 37)),
    NewScan(orientation="LAS", spacing_mm=(1.5, 1.5, 1.5), shape=(33, 36, 30)),
    NewScan(orientation="PIR", spacing_mm=(1.0, 1.2, 1.0), shape=(44, 41, 50)),
    NewScan(orientation="LPS", spacing_mm=(0.7, 0.7, 5.0), shape=(60, 70, 9)),
    NewScan(orientation="ASL", spacing_mm=(2.0, 2.0, 2.0), shape=(20, 22, 24)),
)
_THICK = (
    NewScan(orientation="RAS", spacing_mm=(0.8, 0.8, 4.0), shape=(56, 60, 16)),
    NewScan(orientation="LPS", spacing_mm=(0.9, 0.9, 3.0), shape=(50, 56, 20)),
    NewScan(orientation="SPL", spacing_mm=(0.8, 0.8, 8.0), shape=(56, 60, 9)),
    NewScan(orientation="LAS", spacing_mm=(1.6, 1.6, 4.0), shape=(26, 28, 15)),
)
_PATCHES: Mapping[str, tuple[int, ...]] = {"3d_fullres": (32, 40, 32), LOW: (24, 24, 24), "2d": (40, 48)}
TRIALS = (
    Trial(
        name="plain",
        number=911,
        kind=BALLS,
        planner="ExperimentPlanner",
        models={"3d_fullres": (0, 1), "2d": (0,), LOW: ("all",), CASCADE: ("all",)},
        patches=_PATCHES,
        scans=_SCANS,
    ),
    Trial(
        name="residual",
        number=911,
        kind=BALLS,
        planner="nnUNetPlannerResEncM",
        models={"3d_fullres": (0,)},
        patches=_PATCHES,
        scans=_SCANS,
    ),
    Trial(
        name="regions",
        number=912,
        kind=LESIONS,
        planner="ExperimentPlanner",
        models={"3d_fullres": (0, 1), "2d": (0,)},
        patches={"3d_fullres": (16, 40, 40), "2d": (48, 48)},
        scans=_THICK,
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Differences between both masks and probabilities of a scan.

    Attributes:
        voxels: share of voxels with another label.
        marked: voxels with a label in nnU-Net's mask.
        probability: largest difference of a probability.
    """

    model: str
    scan: str
    voxels: float
    marked: int
    probability: float

    def row(self) -> tuple[str, ...]:
        """Return the cells of a table."""
        fits = self.voxels <= MOST_OTHER_VOXELS and self.probability <= LARGEST_DIFFERENCE
        cells = (f"{self.voxels:.4%}", str(self.marked), f"{self.probability:.1e}", "yes" if fits else "NO")
        return (self.model, self.scan, *cells)


def compare_predictions(
    work: Path, environment: Path, names: Sequence[str] = (), *, half: bool = False
) -> Iterator[Difference]:
    """Train tiny models with nnU-Net, import them, and yield how both sides' predictions differ, scan by scan.

    Flips and steps are the same. nnU-Net adds tiles in half precision, which alone moves probabilities by more than the
    bound; unless `half` is asked for, it adds them in single precision here.

    Args:
        work: for everything that is written; trained models in it stay.
        environment: where nnU-Net's virtual environment is or goes.
        names: of trials; empty for all.
        half: leave nnU-Net's sums in half precision.
    """
    commands = make_environment(environment)
    for trial in TRIALS:
        if names and trial.name not in names:
            continue
        train(trial, work, commands)
        files = write_scans(trial, work)
        earlier: list[str] = []
        for configuration, folds in trial.models.items():
            job = describe_job(trial, work, configuration, files) | {"folds": list(folds), "float32": not half}
            if configuration == CASCADE:
                job["earlier"] = dict(zip(job["out"], earlier, strict=True))
            _run_theirs(commands, "predict", job, work)
            earlier = job["out"] if configuration == LOW else earlier
            imported = read_nnunet(trial.folder(work, configuration), folds=tuple(map(str, folds)))
            model = load_models(in_single_precision(imported.models))
            for scan, images, out in zip(trial.scans, files, job["out"], strict=True):
                title = f"{trial.name} {configuration}, {len(folds)} folds"
                yield _compare(title, scan, _predict(model, images), out)


def train(trial: Trial, work: Path, commands: Path) -> None:
    """Train a trial's models with nnU-Net where they are not trained yet."""
    folders = [
        trial.folder(work, configuration) / f"fold_{fold}"
        for configuration, folds in trial.models.items()
        for fold in folds
    ]
    if all((folder / "checkpoint_final.pth").is_file() for folder in folders):
        return
    write_raw(work / "raw" / trial.dataset(), trial.kind, CASES)
    job = {
        "dataset": trial.number,
        "planner": trial.planner,
        "models": {name: list(folds) for name, folds in trial.models.items()},
        "patches": {name: list(patch) for name, patch in trial.patches.items()},
        "features": list(trial.features),
        "coarser": 1.6,
        "steps": trial.steps,
        "device": trial.device,
    }
    _run_theirs(commands, "train", job, work)


def write_scans(trial: Trial, work: Path) -> list[list[str]]:
    """Write the scans that a trial predicts, and return the files of each one's channels."""
    files = []
    for number, scan in enumerate(trial.scans):
        volumes, _ = draw(replace(trial.kind, spacing_mm=scan.spacing_mm), seed=100 + number, shape=scan.shape)
        folder = work / "scans" / trial.dataset()
        files.append(write_scan(folder, f"new{number}", volumes, scan.spacing_mm, scan.orientation))
    return files


def in_single_precision(models: ModelSet) -> ModelSet:
    """Return the same models, whose convolutions are computed in single precision wherever they are."""
    stages = tuple({name: tuple(map(_without_autocast, group)) for name, group in one.items()} for one in models.stages)
    return replace(models, stages=stages)


def _without_autocast(model: Model) -> Model:
    configurations = tuple(
        replace(one, training=replace(one.training, mixed_precision=False)) for one in model.run.configurations
    )
    return replace(model, run=replace(model.run, configurations=configurations))


def describe_job(trial: Trial, work: Path, configuration: str, files: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return what the worker is to predict with a trial's models: channels of each scan, and where masks go."""
    out = work / "out" / f"{trial.name}-{configuration}"
    out.mkdir(parents=True, exist_ok=True)
    return {
        "model": str(trial.folder(work, configuration)),
        "scans": [list(images) for images in files],
        "out": [str(out / f"{number}.nii.gz") for number in range(len(files))],
        "device": trial.device,
        "mirror": True,
        "probabilities": True,
        "float32": True,
    }


def _run_theirs(commands: Path, what: str, job: Mapping[str, Any], work: Path) -> None:
    path, log = work / f"{what}.json", work / f"nnunet-{what}.log"
    write_json(path, dict(job))
    # Compiling takes longer than these trainings.
    variables = {**os.environ, **nnunet_variables(work), "nnUNet_compile": "f"}
    with log.open("a") as stream:
        done = subprocess.run(
            (commands / "python", WORKER, what, path), stdout=stream, stderr=stream, env=variables, check=False
        )
    if done.returncode:
        raise AutosegError(f"nnU-Net failed with exit code {done.returncode}. See {log}.")


def _predict(model: Any, images: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Return mask and probabilities along the axes of the file."""
    scan = model.read("scan", [Path(image) for image in images])
    segmented = model.segment(scan)
    turn = find_reorientation(scan.source_grid)
    whole = Box(start=(0, 0, 0), stop=canonical_grid(scan.source_grid).shape)
    values = segmented.probabilities.read_box(whole).numpy()
    return from_canonical(segmented.labels, turn), from_canonical(values, turn)


def _compare(title: str, scan: NewScan, ours: tuple[NDArray[Any], NDArray[np.float32]], theirs: str) -> Difference:
    mask = np.asarray(nibabel.load(theirs).dataobj)  # type: ignore[attr-defined]
    probabilities = np.load(f"{theirs}.npy").transpose(0, 3, 2, 1)
    return Difference(
        model=title,
        scan=scan.describe(),
        voxels=float(np.mean(mask != ours[0])),
        marked=int(np.count_nonzero(mask)),
        probability=float(np.abs(probabilities - ours[1]).max()),
    )
