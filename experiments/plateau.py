"""What gets a short training of small lesions off the plateau where everything is background.

Every arm trains the same folds of the same simulated scans for the same number of iterations; arms differ in a few
values of the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoseg.evaluation import CaseScores
from autoseg.pipeline.jobs import TrainingOptions
from autoseg.pipeline.planning import PlanningOptions, plan_and_preprocess
from autoseg.pipeline.training import train_fold
from autoseg.progress import SilentProgress
from autoseg.simulate import SimulationOptions, simulate_dataset
from dataset_fingerprints.errors import AutosegError, did_you_mean
from experiments.statistics import bootstrap_interval

COMMON = ("training.validation_rounds=0",)
ARMS: dict[str, tuple[str, ...]] = {
    "as planned": (),
    "pooled Dice": ("training.loss.options.batch_dice=true",),
    "balanced lesions": ("sampling.lesion_balance=1.0",),
    "foreground only": ("sampling.foreground_share=1.0",),
    "pooled Dice, balanced": ("training.loss.options.batch_dice=true", "sampling.lesion_balance=1.0"),
}
SIMULATION = SimulationOptions(cases=60, held_out_cases=1, spacing_mm=3.0, seed=11)


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """What all arms have in common.

    Attributes:
        iterations: of every training.
        folds: that every arm trains.
    """

    iterations: int = 400
    simulation: SimulationOptions = SIMULATION
    folds: tuple[str, ...] = ("0", "1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """The scores of one arm, case by case in the order of their names."""

    name: str
    cases: tuple[CaseScores, ...]

    def values(self, metric: str) -> np.ndarray:
        """Return a metric of the only label for every case."""
        return np.array([getattr(case.labels[0], metric) for case in self.cases], dtype=np.float64)

    def row(self, reference: Arm) -> tuple[str, ...]:
        """Return means, the share of scans without any hit, and the difference to another arm's Dice."""
        dice, other = self.values("dice"), reference.values("dice")
        small = self.values("reference_volume_ml") <= np.median(self.values("reference_volume_ml"))
        low, high = bootstrap_interval(dice - other)
        gain = "-" if self is reference else f"{np.mean(dice - other):+.3f} ({low:+.3f} to {high:+.3f})"
        figures = (dice.mean(), dice[small].mean(), self.values("lesion_f1").mean(), np.mean(dice == 0))
        return (self.name, *(f"{figure:.3f}" for figure in figures), gain)


def choose_arms(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the arms of these names, or all.

    Raises:
        AutosegError: there is no arm of a name.
    """
    for name in names:
        if name not in ARMS:
            raise AutosegError(f"There is no arm '{name}'. {did_you_mean(name, ARMS)}")
    return {name: assignments for name, assignments in ARMS.items() if name in names or not names}


def compare_arms(work: Path, arms: Mapping[str, Sequence[str]], study: Study) -> Iterator[Arm]:
    """Train every arm on every fold and yield its scores; what is finished is not trained again.

    Args:
        work: a folder for the simulated scans and the workspace.
        arms: names, and the values that are set in the plan.
        study: what they have in common.
    """
    progress = SilentProgress()
    dataset = simulate_dataset(work / "raw", study.simulation).folder
    for name, assignments in arms.items():
        plan_name = name.replace(" ", "-").replace(",", "")
        options = PlanningOptions(
            workspace=work / "ws",
            plan_name=plan_name,
            assignments=(*COMMON, f"training.iterations={study.iterations}", *assignments),
        )
        workspace, _ = plan_and_preprocess(dataset, options, progress)
        evaluations = (
            train_fold(workspace, fold, TrainingOptions(plan_name=plan_name), progress) for fold in study.folds
        )
        cases = (case for evaluation in evaluations if evaluation for case in evaluation.cases)
        yield Arm(name=name, cases=tuple(sorted(cases, key=lambda case: case.case)))
