"""The same minutes for autoseg and nnU-Net, the same fold and cores; both judged on the cases left out of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import KFold

from autoseg.evaluation import label_targets, score_case
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.images import read_label_map
from dataset_fingerprints.jsonfiles import write_json
from dataset_fingerprints.layouts import read_dataset
from experiments.peers.nnunet import DATASET_ID, make_environment, nnunet_variables, write_nnunet_raw
from experiments.statistics import bootstrap_interval

# nnU-Net's own.
FOLDS, FOLD_SEED = 5, 12345


@dataclass(frozen=True, kw_only=True, slots=True)
class Race:
    """Dice of the cases left out, label by label: (case, label)."""

    labels: tuple[str, ...]
    autoseg: np.ndarray
    nnunet: np.ndarray

    def rows(self) -> list[tuple[str, ...]]:
        """Return per label, and for the mean over labels, both means and their difference with its interval."""
        rows: list[tuple[str, ...]] = []
        for name, ours, theirs in (
            *zip(self.labels, self.autoseg.T, self.nnunet.T, strict=True),
            ("mean", self.autoseg.mean(axis=1), self.nnunet.mean(axis=1)),
        ):
            low, high = bootstrap_interval(ours - theirs)
            gain = f"{np.mean(ours - theirs):+.4f} ({low:+.4f} to {high:+.4f})"
            rows.append((name, f"{ours.mean():.4f}", f"{theirs.mean():.4f}", gain))
        return rows


def race(data: Path, work: Path, environment: Path, minutes: float) -> Race:
    """Train fold 0 of nnU-Net's folds with both, one after the other; what exists is not trained again.

    nnU-Net's schedule is annealed to the minutes, and it validates no patches on the way. Both final validations flip.

    Raises:
        CalledProcessError: a command failed.
    """
    commands = make_environment(environment)
    dataset = read_dataset(data)
    names = sorted(case.name for case in dataset.cases)
    write_nnunet_raw(dataset, work / "raw" / f"Dataset{DATASET_ID}_Peer")
    folds = KFold(FOLDS, shuffle=True, random_state=FOLD_SEED).split(names)
    splits = [{"train": [names[i] for i in train], "val": [names[i] for i in held_out]} for train, held_out in folds]
    write_json(work / "splits_final.json", splits)
    ours = _run_ours(data, work, minutes)
    theirs = _run_theirs(work, commands, minutes)
    return _score(dataset, splits[0]["val"], ours, theirs)


def _run_ours(data: Path, work: Path, minutes: float) -> Path:
    workspace = work / "race-autoseg"
    command = (sys.executable, "-m", "autoseg")
    plan = ("plan_and_preprocess", str(data), "-w", str(workspace), "--splits", str(work / "splits_final.json"))
    with (work / "race-autoseg.log").open("a") as log:
        subprocess.run([*command, *plan, "--max-hours", f"{minutes / 60:.4f}"], check=True, stdout=log, stderr=log)
        train = ("train", "0", "-w", str(workspace), "--max-minutes", str(minutes))
        subprocess.run([*command, *train], check=True, stdout=log, stderr=log)
    (masks,) = workspace.glob("models/default/*/fold_0/validation")
    return masks


def _run_theirs(work: Path, commands: Path, minutes: float) -> Path:
    environment = {**os.environ, **nnunet_variables(work)}
    name = f"Dataset{DATASET_ID}_Peer"
    masks = work / "results" / name / "nnUNetTrainer__nnUNetPlans__3d_fullres" / "fold_0" / "validation"
    if (masks / "summary.json").is_file():
        return masks
    plan = (str(commands / "nnUNetv2_plan_and_preprocess"), "-d", str(DATASET_ID), "-c", "3d_fullres", "-np", "2")
    script = Path(__file__).with_name("nnunet_trainer.py")
    train = (str(commands / "python"), str(script), str(DATASET_ID), "0", "train", str(minutes))
    with (work / "race-nnunet.log").open("a") as log:
        subprocess.run(plan, check=True, stdout=log, stderr=log, env=environment)
        shutil.copy(work / "splits_final.json", work / "preprocessed" / name)
        subprocess.run(train, check=True, stdout=log, stderr=log, env=environment)
    return masks


def _score(dataset: Dataset, held_out: list[str], ours: Path, theirs: Path) -> Race:
    cases = {case.name: case for case in dataset.cases}
    dice: dict[Path, list[list[float]]] = {ours: [], theirs: []}
    for name in held_out:
        reference = read_label_map(cases[name].label_path())
        spacing_mm = reference.grid().spacing_mm()
        true = reference.voxels[0].round().astype(np.int64)
        for folder, rows in dice.items():
            mask = read_label_map(folder / f"{name}.nii.gz").voxels[0].astype(np.int64)
            scores = score_case(mask, true, label_targets(dataset.labels.values()), spacing_mm, name)
            rows.append([label.dice for label in scores.labels])
    labels = tuple(label.name for label in dataset.labels.labels)
    return Race(labels=labels, autoseg=np.array(dice[ours]), nnunet=np.array(dice[theirs]))
