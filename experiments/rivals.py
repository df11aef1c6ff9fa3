"""Planners against each other: the same scans, the same minutes, side by side, judged on held-out scans.

Every planner goes through the three commands as a user would give them, each in a process that has its share of the
cores to itself. Both run at the same time, so that whatever else the machine does slows them alike.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation import DEFAULT_CONVENTIONS
from autoseg.evaluation.lesions import LesionMatch, match_lesions
from autoseg.evaluation.overlap import measure_overlap
from autoseg.simulate import SimulationOptions, simulate_dataset
from autoseg.workspace import FULL
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.images import read_label_map
from dataset_fingerprints.jsonfiles import write_json
from experiments.sharing import keep_to_share
from experiments.statistics import Statistic, bootstrap_interval

TRUTH_FOLDER = "labelsTs"
SIMULATION = SimulationOptions(cases=60, held_out_cases=40, spacing_mm=3.0, seed=21)


@dataclass(frozen=True, kw_only=True, slots=True)
class Contest:
    """What both planners are given.

    Attributes:
        planners: two entries of `planners.PLANNERS`.
        minutes: to train each network in.
        seeds: as many networks per planner.
    """

    planners: tuple[str, str]
    minutes: float
    seeds: int
    simulation: SimulationOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One network's masks, scan by scan in the order of their names.

    Attributes:
        dice: per scan.
        volume_ml: the reference's per scan.
        found: reference lesions with a voxel in the mask, per scan.
        lesions: reference lesions per scan.
        false: lesions of the mask without a voxel in the reference, per scan.
    """

    planner: str
    seed: int
    dice: tuple[float, ...]
    volume_ml: tuple[float, ...]
    found: tuple[int, ...]
    lesions: tuple[int, ...]
    false: tuple[int, ...]


def hold_contest(contest: Contest, work: Path) -> list[Outcome]:
    """Train, predict and score all networks; what is finished in `work` is not done again.

    Raises:
        AutosegError: a command failed; the message names its log.
    """
    simulated = simulate_dataset(work / "raw", contest.simulation)
    outcomes = []
    for seed in range(contest.seeds):
        runners = [
            subprocess.Popen(
                ["sh", "-ec", _script(contest, work, planner, seed)],
                preexec_fn=keep_to_share(place, len(contest.planners)),
            )
            for place, planner in enumerate(contest.planners)
        ]
        for planner, runner in zip(contest.planners, runners, strict=True):
            if runner.wait():
                raise AutosegError(f"{planner}, seed {seed}: failed. See {_log(work, planner, seed)}.")
        truth = simulated.folder / TRUTH_FOLDER
        outcomes += [_score(planner, seed, _masks(work, planner, seed), truth) for planner in contest.planners]
        write_json(work / "outcomes.json", outcomes)
    return outcomes


def compare(outcomes: Sequence[Outcome], planners: tuple[str, str]) -> list[tuple[str, ...]]:
    """Return a row per group of scans and measure: both planners' figures and their difference with its interval.

    A scan's figures are means over the seeds, lesions their sums; intervals are over scans.
    """
    volumes = np.array(outcomes[0].volume_ml)
    groups = {
        "all": np.ones(len(volumes), dtype=bool),
        "smallest quarter": volumes <= np.percentile(volumes, 25),
    }
    sides = [[outcome for outcome in outcomes if outcome.planner == planner] for planner in planners]
    dice = [np.mean([run.dice for run in side], axis=0)[:, None] for side in sides]
    totals = [_totals(side) for side in sides]
    rows: list[tuple[str, ...]] = []
    for name, members in groups.items():
        for title, values, statistic in (
            ("Dice", dice, _mean_dice),
            ("share of lesions found", totals, _recall),
            ("share of predicted lesions that are some", totals, _precision),
        ):
            contrast = _contrast(values[0][members], values[1][members], statistic)
            rows.append((f"{name} ({members.sum()})", title, *contrast))
    return rows


def _totals(side: Sequence[Outcome]) -> NDArray[np.float64]:
    """Return (scan, 3), summed over seeds: lesions found, lesions there, predicted lesions that are none."""
    names = ("found", "lesions", "false")
    return np.stack([np.sum([getattr(run, name) for run in side], axis=0) for name in names], axis=1, dtype=np.float64)


def _contrast(first: NDArray[np.float64], second: NDArray[np.float64], of: Statistic) -> tuple[str, str, str]:
    """Show a statistic of two sides' values, (scan, m) each, and how sure its difference is."""

    def difference(means: NDArray[np.float64]) -> NDArray[np.float64]:
        return of(means[..., : first.shape[1]]) - of(means[..., first.shape[1] :])

    both = np.concatenate([first, second], axis=1)
    first_shown, second_shown = (
        f"{_show(of(side.mean(axis=0)))} ({' to '.join(map(_show, bootstrap_interval(side, of)))})"
        for side in (first, second)
    )
    low, high = bootstrap_interval(both, difference)
    return first_shown, second_shown, f"{difference(both.mean(axis=0)):+.3f} ({low:+.3f} to {high:+.3f})"


def _show(value: float | NDArray[np.float64]) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def _mean_dice(means: NDArray[np.float64]) -> NDArray[np.float64]:
    return means[..., 0]


def _recall(means: NDArray[np.float64]) -> NDArray[np.float64]:
    return means[..., 0] / means[..., 1]


def _precision(means: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return means[..., 0] / (means[..., 0] + means[..., 2])


def _script(contest: Contest, work: Path, planner: str, seed: int) -> str:
    """Return the three commands, as one would type them."""
    workspace, masks = work / f"{planner}-{seed}-autoseg", _masks(work, planner, seed)
    plan = (
        f"plan_and_preprocess {work / 'raw'} -w {workspace} --planner {planner} --seed {seed}"
        f" --max-hours {contest.minutes / 60:.6f}"
    )
    train = f"train {FULL} -w {workspace} --max-minutes {contest.minutes}"
    predict = f"predict {work / 'raw' / 'imagesTs'} -w {workspace} -o {masks} --no-mirror"
    command = f"{sys.executable} -m autoseg"
    return f"exec >> {_log(work, planner, seed)} 2>&1; {command} {plan}; {command} {train}; {command} {predict}"


def _masks(work: Path, planner: str, seed: int) -> Path:
    return work / f"{planner}-{seed}-masks"


def _log(work: Path, planner: str, seed: int) -> Path:
    return work / f"{planner}-{seed}.log"


def _score(planner: str, seed: int, masks: Path, truth: Path) -> Outcome:
    scored = [_score_scan(masks / path.name, path) for path in sorted(truth.glob("*.nii.gz"))]
    matches = [match for match, _, _ in scored]
    return Outcome(
        planner=planner,
        seed=seed,
        dice=tuple(dice for _, dice, _ in scored),
        volume_ml=tuple(volume_ml for _, _, volume_ml in scored),
        found=tuple(match.found for match in matches),
        lesions=tuple(match.reference for match in matches),
        false=tuple(match.prediction - match.right for match in matches),
    )


def _score_scan(mask: Path, truth: Path) -> tuple[LesionMatch, float, float]:
    """Return matched lesions, Dice, and the reference's volume in ml."""
    reference = read_label_map(truth)
    predicted, true = read_label_map(mask).voxels[0] > 0, reference.voxels[0] > 0
    match = match_lesions(predicted, true, DEFAULT_CONVENTIONS.lesions)
    volume_ml = float(true.sum() * np.prod(reference.grid().spacing_mm()) / 1000)
    return match, measure_overlap(predicted, true).dice(), volume_ml
