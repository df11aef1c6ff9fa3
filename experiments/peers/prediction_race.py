"""Imported models beside nnU-Net's own predictor: seconds and memory of both commands, taking turns."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autoseg.models import Cover, write_bundle
from autoseg.models.nnunet import read_nnunet
from dataset_fingerprints.files.jsonfiles import write_json
from experiments.peers.measuring import Cost, measure_command
from experiments.peers.nnunet import make_environment, nnunet_variables
from experiments.peers.nnunet_scans import ScanKind
from experiments.peers.parity import WORKER, NewScan, Trial, describe_job, train, write_scans

# One channel of 1 mm, for seconds and memory.
BRAINS = ScanKind(
    channels=("T1w",), regions=False, shape=(98, 116, 94), spacing_mm=(1.0, 1.0, 1.0), skull_stripped=False
)
RACE = Trial(
    name="race",
    number=913,
    kind=BRAINS,
    planner="ExperimentPlanner",
    models={"3d_fullres": (0,)},
    patches={"3d_fullres": (64, 80, 64), "2d": (64, 80)},
    scans=(
        NewScan(orientation="RAS", spacing_mm=(1.0, 1.0, 1.0), shape=(98, 116, 94)),
        NewScan(orientation="RAS", spacing_mm=(1.0, 1.0, 1.0), shape=(197, 233, 189)),
    ),
    features=(16, 32, 64, 64),
    # So many that masks are no noise, whose thousands of lesions take long to count.
    steps=15,
)
# A network of the size that nnU-Net plans for a card, since on one a small network costs nothing beside the rest.
RACE_ON_GPU = replace(
    RACE,
    name="race-gpu",
    number=914,
    patches={"3d_fullres": (128, 128, 128), "2d": (64, 80)},
    features=(32, 64, 128, 256, 320, 320),
    device="cuda",
)


# What is asked of nnU-Net, and how tables call it.
WAYS = {"predict": "one process", "command": "its command"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """Costs of predicting one scan by a command of each side, start included.

    Attributes:
        way: of nnU-Net: its predictor called in one process, or with the processes of its command.
        seconds: of the scan alone, without the start, as each side says itself.
    """

    scan: str
    flips: bool
    way: str
    autoseg: Cost
    nnunet: Cost
    seconds: tuple[float, float]

    def row(self) -> tuple[str, ...]:
        """Return the cells of a table."""
        ours, theirs = self.seconds
        memory = (self.autoseg.all_processes_gb, self.nnunet.all_processes_gb)
        return (
            self.scan,
            "flips" if self.flips else "no flips",
            WAYS[self.way],
            f"{ours:.1f}",
            f"{theirs:.1f}",
            f"{ours / theirs:.2f}",
            f"{self.autoseg.wall_seconds / self.nnunet.wall_seconds:.2f}",
            f"{self.autoseg.cpu_seconds / self.nnunet.cpu_seconds:.2f}",
            f"{memory[0]:.2f}",
            f"{memory[1]:.2f}",
            f"{memory[0] / memory[1]:.2f}",
        )


def race_predictions(
    work: Path, environment: Path, rounds: int, *, flips: Sequence[bool] = (False, True), trial: Trial = RACE
) -> Iterator[Predicted]:
    """Yield the costs of predicting the same scans with the same weights by both sides' commands, taking turns.

    Args:
        work: for everything that is written; a trained model in it stays.
        environment: where nnU-Net's virtual environment is or goes.
        rounds: how often each scan is predicted by both.
        flips: whether to average them, each.
        trial: the model, the scans, and where nnU-Net computes; autoseg takes a GPU where there is one.
    """
    commands = make_environment(environment)
    train(trial, work, commands)
    files, folder = write_scans(trial, work), trial.folder(work, "3d_fullres")
    bundle = work / f"{trial.name}.zip"
    write_bundle(bundle, read_nnunet(folder).models, Cover(name="race", licence="", card=""), {})
    for mirror in flips:
        for scan, images in zip(trial.scans, files, strict=True):
            for _ in range(rounds):
                ours, own_seconds = _time_ours(bundle, images[0], work, mirror=mirror)
                job = describe_job(trial, work, "3d_fullres", [images]) | {"folds": [0], "mirror": mirror}
                job |= {"float32": False, "probabilities": False}
                for way in WAYS:
                    theirs, seconds = _time_theirs(commands, way, job, work)
                    pair = (own_seconds, seconds)
                    yield Predicted(
                        scan=scan.describe(), flips=mirror, way=way, autoseg=ours, nnunet=theirs, seconds=pair
                    )


def _time_ours(bundle: Path, image: str, work: Path, *, mirror: bool) -> tuple[Cost, float]:
    out = work / "race-masks" / Path(image).name.partition(".")[0]
    command = (sys.executable, "-m", "autoseg", "predict", image, "-o", str(out), "-m", str(bundle), "--overwrite")
    cost = measure_command((*command, "--mirror" if mirror else "--no-mirror"), work / "race-autoseg.log")
    (record,) = out.parent.glob(f"{out.name}-report/prediction.json")
    (scan,) = json.loads(record.read_text(encoding="utf-8"))["cases"]
    return cost, float(scan["seconds"])


def _time_theirs(commands: Path, way: str, job: Mapping[str, Any], work: Path) -> tuple[Cost, float]:
    path, log = work / "race-job.json", work / "race-nnunet.log"
    write_json(path, dict(job))
    cost = measure_command((str(commands / "python"), str(WORKER), way, str(path)), log, nnunet_variables(work))
    return cost, float(sum(json.loads(log.read_text(encoding="utf-8").strip().splitlines()[-1])))
