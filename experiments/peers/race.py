"""The same minutes for autoseg and nnU-Net, the same fold and cores; both judged on the cases left out of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import KFold

from autoseg.evaluation import DICE_ONLY, bootstrap_interval, label_targets, score_case
from autoseg.evaluation.statistics import USUAL_INTERVAL
from autoseg.hardware import count_cores
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.reading.images import read_label_map
from dataset_fingerprints.units import find_units
from experiments.costs.side_by_side import Script, run_together, spell
from experiments.peers.nnunet import DATASET_ID, make_environment, nnunet_variables, write_nnunet_raw
from planners.plan import FOLDS

# nnU-Net's own.
FOLD_SEED = 12345
NAME = f"Dataset{DATASET_ID}_Peer"
SPLITS_FILE = "splits_final.json"
SIDES = 2
RESAMPLES = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Race:
    """Dice of the cases left out, label by label: (case, label).

    Attributes:
        units: of the cases: those of one subject or group share theirs; empty where each case has its own.
    """

    minutes: float
    labels: tuple[str, ...]
    autoseg: np.ndarray
    nnunet: np.ndarray
    units: tuple[str, ...] = ()

    def rows(self) -> list[tuple[str, ...]]:
        """Return per label, and for the mean over labels, both means and their difference with its interval."""
        rows: list[tuple[str, ...]] = []
        for name, ours, theirs in (
            *zip(self.labels, self.autoseg.T, self.nnunet.T, strict=True),
            ("mean", self.autoseg.mean(axis=1), self.nnunet.mean(axis=1)),
        ):
            low, high = bootstrap_interval(
                ours - theirs, units=self.units or None, kind=USUAL_INTERVAL, resamples=RESAMPLES
            )
            gain = f"{np.mean(ours - theirs):+.4f} ({low:+.4f} to {high:+.4f})"
            rows.append((name, f"{ours.mean():.4f}", f"{theirs.mean():.4f}", gain))
        return rows

    def means(self) -> tuple[float, float]:
        """Return both sides' mean Dice over cases and labels."""
        return float(self.autoseg.mean()), float(self.nnunet.mean())


def minutes_to(dice: float, budgets: Sequence[float], reached: Sequence[float]) -> str:
    """Return how many minutes of training lead to a Dice, between budgets along a line, or what is known of it.

    Args:
        dice: to reach.
        budgets: ascending, each of a training that was annealed to it.
        reached: the Dice at the end of each.
    """
    if reached[0] >= dice:
        return f"at most {budgets[0]:g}"
    points = zip(zip(budgets, reached, strict=True), zip(budgets[1:], reached[1:], strict=True), strict=False)
    for (before, low), (after, high) in points:
        if high >= dice:
            return f"{before + (after - before) * (dice - low) / (high - low):.1f}"
    return f"more than {budgets[-1]:g}"


def show_times(races: Sequence[Race]) -> list[tuple[str, ...]]:
    """Return per Dice that nnU-Net reached: the minutes of each side."""
    budgets = [race.minutes for race in races]
    ours, theirs = zip(*(race.means() for race in races), strict=True)
    return [(f"{dice:.4f}", minutes_to(dice, budgets, ours), minutes_to(dice, budgets, theirs)) for dice in theirs]


def race(data: Path, work: Path, environment: Path, minutes: float) -> Race:
    """Train fold 0 of nnU-Net's folds with both, side by side on half of the cores each; what exists stays.

    nnU-Net's schedule is annealed to the minutes, and it validates no patches on the way. Both final validations flip.

    Raises:
        AutosegError: a side failed, and the message names the logs; or the folder is of a race with other folds.
    """
    commands = make_environment(environment)
    dataset = read_dataset(data)
    names = sorted(case.name for case in dataset.cases)
    write_nnunet_raw(dataset, work / "raw" / NAME)
    folds = KFold(FOLDS, shuffle=True, random_state=FOLD_SEED).split(names)
    splits = [{"train": [names[i] for i in train], "val": [names[i] for i in held_out]} for train, held_out in folds]
    write_json(work / SPLITS_FILE, splits)
    _prepare_theirs(work, commands)
    script = Path(__file__).with_name("nnunet_trainer.py")
    workspace, results = work / f"race-autoseg-{minutes:g}", work / f"race-nnunet-{minutes:g}"
    masks = results / NAME / "nnUNetTrainer__nnUNetPlans__3d_fullres" / "fold_0" / "validation"
    plan = ("plan_and_preprocess", data, "-w", workspace, "--splits", work / SPLITS_FILE)
    plan_ours = spell(sys.executable, "-m", "autoseg", *plan, "--max-hours", f"{minutes / 60:.4f}")
    train_ours = spell(sys.executable, "-m", "autoseg", "train", "0", "-w", workspace, "--max-minutes", minutes)
    ours = f"{plan_ours}; {train_ours}"
    theirs = spell(commands / "python", script, DATASET_ID, 0, "train", minutes)
    sides = [Script(text=ours, log=work / "race-autoseg.log")]
    if not (masks / "summary.json").is_file():
        loaders = str(max(1, count_cores() // SIDES))
        variables = {"nnUNet_results": str(results.resolve()), "nnUNet_n_proc_DA": loaders}
        sides.append(
            Script(text=theirs, log=work / "race-nnunet.log", variables={**nnunet_variables(work), **variables})
        )
    if any(run_together(sides, SIDES)):
        raise AutosegError(f"A side of the race failed. See {work / 'race-*.log'}.")
    trained = Workspace(root=workspace)
    (configuration,) = trained.configuration_names("default")
    our_masks = trained.fold("default", configuration, "0").validation.root
    labels = tuple(label.name for label in dataset.labels.labels)
    held_out, unit_of = splits[0]["val"], find_units(dataset.cases)
    ours_scored, theirs_scored = (_score(dataset, held_out, folder) for folder in (our_masks, masks))
    units = tuple(unit_of[name] for name in held_out)
    return Race(minutes=minutes, labels=labels, autoseg=ours_scored, nnunet=theirs_scored, units=units)


def _prepare_theirs(work: Path, commands: Path) -> None:
    folder = work / "preprocessed" / NAME
    kept = folder / SPLITS_FILE
    if not kept.is_file():
        plan = (str(commands / "nnUNetv2_plan_and_preprocess"), "-d", str(DATASET_ID), "-c", "3d_fullres", "-np", "2")
        # What was left there may be of other scans, whose fingerprint nnU-Net would take for that of these.
        shutil.rmtree(folder, ignore_errors=True)
        with (work / "race-nnunet.log").open("a") as log:
            subprocess.run(plan, check=True, stdout=log, stderr=log, env={**os.environ, **nnunet_variables(work)})
        shutil.copy(work / SPLITS_FILE, folder)
    elif kept.read_bytes() != (work / SPLITS_FILE).read_bytes():
        raise AutosegError(
            f"{kept}: holds other folds than those of the data set now, so that nnU-Net could be judged on cases that "
            "it was trained on. Name a new folder with --work."
        )


def _score(dataset: Dataset, held_out: list[str], masks: Path) -> np.ndarray:
    cases = {case.name: case for case in dataset.cases}
    rows = []
    for name in held_out:
        reference = read_label_map(cases[name].label_path())
        true = reference.voxels[0].round().astype(np.int64)
        mask = read_label_map(masks / f"{name}.nii.gz").voxels[0].astype(np.int64)
        targets = label_targets(dataset.labels.values())
        scores = score_case(mask, true, targets, reference.grid().spacing_mm(), name, DICE_ONLY)
        rows.append([label.number("dice") for label in scores.labels])
    return np.array(rows)
