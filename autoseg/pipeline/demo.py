"""`demo`: the main job from beginning to end, on scans that are simulated on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autoseg.classical import BrainScan
from autoseg.classical.threshold import ThresholdOptions
from autoseg.evaluation import (
    DICE_ONLY,
    Evaluation,
    evaluate_files,
    label_targets,
    refuse_failures,
    score_case,
    write_evaluation,
)
from autoseg.hardware import count_cores
from autoseg.pipeline.folds.jobs import TrainingOptions
from autoseg.pipeline.folds.one_fold import train_fold
from autoseg.pipeline.next_steps import name_report
from autoseg.pipeline.outputs import refuse_simulation_place
from autoseg.pipeline.plans.planning import PlanningOptions, plan_and_preprocess
from autoseg.pipeline.predictions.predicting import PredictionOptions, predict
from autoseg.progress import Progress
from autoseg.reporting import SheetRow, Shown, cut_slice, draw_contact_sheet
from autoseg.simulate import (
    SimulatedCase,
    SimulationOptions,
    image_path,
    label_path,
    simulate_dataset,
)
from autoseg.workspace.fold import METRICS
from autoseg.workspace.workspace import SUFFIX
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.reading.images import read_image, read_label_map

# Coarser voxels and larger lesions than real data have, so that minutes on a CPU show something.
SIMULATION = SimulationOptions(cases=24, held_out_cases=6, spacing_mm=3.0, seed=1, min_lesion_ml=2.0)
LESION = 1
# Marks the folder of a demo.
_MARKER = ".autoseg-demo"
# The classical 3 SD below the brain's mean marks next to nothing in such scans; 2 SD is the fairer rival.
THRESHOLD_SIGMAS = (3.0, 2.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoResult:
    """Result of the demo.

    Attributes:
        held_out: scores of the scans that nothing was trained on.
        threshold_dice: per held-out scan, the Dice of an intensity threshold at each of `THRESHOLD_SIGMAS`.
        page: the command that puts all of it on one page.
    """

    folder: Path
    cases: tuple[SimulatedCase, ...]
    held_out: Evaluation
    threshold_dice: tuple[tuple[float, ...], ...]
    metrics: Path
    picture: Path
    page: str

    def rows(self) -> tuple[tuple[str, tuple[float, ...]], ...]:
        """Return per held-out scan its name and: volume in ml, contrast-to-noise, thresholds' Dice, autoseg's Dice."""
        scores = {case.case: case.labels[0].number("dice") for case in self.held_out.cases}
        return tuple(
            (case.name, (case.volume_ml, case.contrast_to_noise, *thresholds, scores[case.name]))
            for case, thresholds in zip(self.cases, self.threshold_dice, strict=True)
        )

    def mean_threshold_dice(self) -> tuple[float, ...]:
        """Return each threshold's mean Dice over the held-out scans."""
        return tuple(float(mean) for mean in np.mean(self.threshold_dice, axis=0))


def run_demo(folder: Path, max_minutes: float, progress: Progress) -> DemoResult:
    """Simulate, plan and preprocess, train one fold, predict the held-out scans, score them and draw them.

    Started again after an interruption, it goes on.

    Args:
        folder: where everything is left.
        max_minutes: for training and validation; the plan is made for them.
        progress: receiver of progress reports.

    Raises:
        DataError: the folder holds something that no demo has made.
    """
    TrainingOptions(max_minutes=max_minutes).check()
    _claim(folder)
    raw, workspace_folder, masks = folder / "raw", folder / f"demo{SUFFIX}", folder / "masks"
    total = SIMULATION.cases + SIMULATION.held_out_cases
    with progress.task("Simulating scans", total) as task:
        dataset = simulate_dataset(raw, SIMULATION, lambda _: task.advance())
    held_out = tuple(case for case in dataset.cases if case.held_out)
    workspace, plan = plan_and_preprocess(
        raw, PlanningOptions(workspace=workspace_folder, max_hours=max_minutes / 60), progress
    )
    train_fold(workspace, "0", TrainingOptions(max_minutes=max_minutes), progress)
    predict([raw / "imagesTs"], masks, workspace, PredictionOptions(overwrite=True), progress)
    evaluation = evaluate_files(masks, raw / "labelsTs", label_targets((LESION,)), workers=count_cores(), strict=True)
    evaluation = replace(evaluation, simulated=True)
    write_evaluation(folder / METRICS, evaluation)
    refuse_failures(evaluation)
    picture = folder / "contact_sheet.png"
    thresholds = _draw(raw, masks, held_out, evaluation, picture)
    return DemoResult(
        folder=folder,
        cases=held_out,
        held_out=evaluation,
        threshold_dice=thresholds,
        metrics=folder / METRICS,
        picture=picture,
        page=name_report(workspace, plan),
    )


def _claim(folder: Path) -> None:
    """Mark a new or empty folder as the demo's; only what is marked is written into."""
    refuse_simulation_place(folder)
    if folder.is_file():
        raise DataError(f"{folder}: is a file. Name a new folder for the demo with -o.")
    marker = folder / _MARKER
    if marker.is_file():
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise DataError(f"{folder}: holds what no demo has made. Name an empty or a new folder with -o.")
    write_bytes(marker, b"Made by autoseg demo, which goes on in this folder and replaces its files.\n")


def _draw(
    raw: Path, masks: Path, cases: Sequence[SimulatedCase], evaluation: Evaluation, picture: Path
) -> tuple[tuple[float, ...], ...]:
    """Draw all held-out scans, and return the thresholds' Dice on each."""
    dice = {case.case: case.labels[0].number("dice") for case in evaluation.cases}
    rows, thresholds = [], []
    for case in cases:
        scan = read_image([image_path(raw, case)]).voxels[0]
        stored = read_label_map(label_path(raw, case))
        reference = (stored.voxels[0] == LESION).astype(np.uint8)
        prediction = (read_label_map(masks / f"{case.name}.nii.gz").voxels[0] == LESION).astype(np.uint8)
        spacing_mm, targets = stored.grid().spacing_mm(), label_targets((LESION,))
        seen = BrainScan(voxels=scan, brain=scan != 0, spacing_mm=spacing_mm)
        ways = [ThresholdOptions(sigmas=sigmas) for sigmas in THRESHOLD_SIGMAS]
        guesses = ((way.segment(seen) * LESION).astype(np.uint8) for way in ways)
        scored = (score_case(guess, reference, targets, spacing_mm, case.name, DICE_ONLY) for guess in guesses)
        thresholds.append(tuple(scores.labels[0].number("dice") for scores in scored))
        caption = f"Dice {dice[case.name]:.2f} · {case.volume_ml:.1f} ml"
        rows.append(
            SheetRow(
                case=case.name,
                plane=cut_slice(scan, reference, prediction, spacing_mm),
                caption=caption,
            )
        )
    shown = (Shown(name="lesion", values=(LESION,)),)
    draw_contact_sheet(rows, picture, "Simulated scans that autoseg was not trained on", shown)
    return tuple(thresholds)
