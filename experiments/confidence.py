"""Predicted Dice on scans that nothing was trained on: what does it hold, and which sign of a good mask is the best?

All folds of a small network are trained on simulated scans, the prediction is calibrated on their cross-validation, and
both are put to held-out scans: some as those of the training, some harder, of thick slices and with small lesions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from autoseg.confidence import Assessment, assess, measure_signs
from autoseg.evaluation import DICE_ONLY, label_targets, score_case
from autoseg.models.predicted_dice import DiceCalibration
from autoseg.pipeline.confidence.predicted_dice import measure_predicted_dice
from autoseg.pipeline.faces import face
from autoseg.pipeline.folds.runs import name_folds
from autoseg.pipeline.models.sources import ModelChoice, find_source
from autoseg.pipeline.models.trained import load_models
from autoseg.pipeline.plans.reading import read_plan
from autoseg.prediction import Decision, LoadedModel, Segmented, decide
from autoseg.progress import Progress
from autoseg.reporting.canvas import INK, QUIET, choose_colour, darken, make_figure, save_png
from autoseg.simulate import SimulationOptions, simulate_dataset
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.reading.images import read_label_map

CONFIGURATION = "3d_fullres"
SIMULATION = SimulationOptions(cases=50, held_out_cases=30, spacing_mm=4.0, seed=31)
COLUMNS = ("scans", "predicted by", "n", "true", "r", "rank r", "error", "bias", "90 % interval holds")
# The name of what `predict` says, among the ways to predict.
SAID = "the mean"


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A held-out scan.

    Attributes:
        group: `alike` or `harder`.
        dice: true.
        value: predicted; NaN for an empty mask of which nothing is predicted.
        low: end of the interval, as `high`.
        agreement: mean Dice of the networks' masks, pair by pair.
        confidence: Soft Dice Confidence of the mean.
        networks: mean of what is predicted of each network alone.
        network_dice: mean true Dice of each network alone.
    """

    group: str
    case: str
    dice: float
    value: float
    low: float
    high: float
    agreement: float
    confidence: float
    networks: float
    network_dice: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """What was found.

    Attributes:
        calibration: on the cross-validation.
        held: all held-out scans.
    """

    calibration: DiceCalibration
    held: tuple[Held, ...]

    def rows(self) -> list[tuple[str, ...]]:
        """Return a row per group of scans and way to predict."""
        groups = {"all": self.held}
        for group in dict.fromkeys(one.group for one in self.held):
            groups[group] = tuple(one for one in self.held if one.group == group)
        return [row for group, held in groups.items() for row in _compare(group, held)]


def run_study(work: Path, simulation: SimulationOptions, iterations: int, progress: Progress) -> Study:
    """Simulate, train, calibrate and look at the held-out scans; what is finished in `work` is not done again."""
    raw = simulate_dataset(work / "raw", simulation).folder
    harder = replace(
        simulation, cases=1, seed=simulation.seed + 1, voxels="thick-slices", anisotropic_share=1.0, max_lesion_ml=15.0
    )
    folders = {"alike": raw, "harder": simulate_dataset(work / "harder-raw", harder).folder}
    workspace = _train(raw, work / "ws", iterations, progress)
    calibration = measure_predicted_dice(workspace, "default", (CONFIGURATION,), Decision(), progress)
    model = load_models(find_source(workspace, ModelChoice(configurations=(CONFIGURATION,))).read())
    held: list[Held] = []
    for group, folder in folders.items():
        scans = sorted((folder / "imagesTs").iterdir())
        with progress.task(f"Held-out scans, {group}", len(scans)) as task:
            for scan in scans:
                truth = folder / "labelsTs" / scan.name.replace("_0000", "")
                held.append(_look(group, model, scan, truth))
                task.advance()
    study = Study(calibration=calibration, held=tuple(held))
    write_json(work / "study.json", study)
    return study


def _train(raw: Path, place: Path, iterations: int, progress: Progress) -> Workspace:
    """Train all folds one after the other in this process."""
    options = {
        "features": [8, 16, 32],
        "kernels": [[3] * 3] * 3,
        "strides": [[1] * 3, [2] * 3, [2] * 3],
        "encoder_blocks": [1, 1, 1],
        "decoder_blocks": [1, 1],
    }
    values = {
        f"{CONFIGURATION}.patch_shape": [32, 32, 32],
        **{f"{CONFIGURATION}.network.options.{name}": value for name, value in options.items()},
        "training.iterations": iterations,
        "training.validation_rounds": 0,
        "training.compiled": "false",
        "batch_size": 2,
        "prediction.mirror_axes": [0],
    }
    workspace = Workspace(root=place)
    if not workspace.plan_names():
        assignments = tuple(f"{name}={value}" for name, value in values.items())
        face.plan_and_preprocess(
            raw, workspace=place, configurations=(CONFIGURATION,), assignments=assignments, progress=progress
        )
    for fold in name_folds(read_plan(workspace, "default")[1]):
        face.train(workspace, fold, configuration=CONFIGURATION, iterations=iterations, progress=progress)
    return workspace


def _look(group: str, model: LoadedModel, scan: Path, truth: Path) -> Held:
    """Return what is predicted of one scan, and what is true."""
    read = model.read(scan.name, [scan])
    segmented = model.segment(read)
    reference = read_label_map(truth).voxels[0].round().astype(np.int64)
    spacing_mm = canonical_grid(read.source_grid).spacing_mm()

    def score(labels: NDArray[np.integer]) -> float:
        targets = label_targets(model.scheme.values())
        return score_case(labels, reference, targets, spacing_mm, scan.name, DICE_ONLY).labels[0].number("dice")

    alone = [_segment_alone(model, segmented, place) for place in range(len(segmented.members))]
    found = assess(measure_signs(segmented), model.calibration)
    networks = [assess(measure_signs(one), model.calibration) for one in alone]
    sign, scan_dice = found.signs[0], found.scan
    return Held(
        group=group,
        case=scan.name,
        dice=score(segmented.labels),
        value=np.nan if scan_dice is None else scan_dice.value,
        low=np.nan if scan_dice is None else scan_dice.low,
        high=np.nan if scan_dice is None else scan_dice.high,
        agreement=np.nan if sign.agreement is None else sign.agreement,
        confidence=sign.soft_dice_confidence,
        networks=float(np.mean([_value(one) for one in networks])),
        network_dice=float(np.mean([score(one.labels) for one in alone])),
    )


def _segment_alone(model: LoadedModel, segmented: Segmented, place: int) -> Segmented:
    """Return what one network makes of a scan."""
    own = segmented.members[place]
    return Segmented(labels=model.scheme.to_values(decide(own)), probabilities=own, members=(own,))


def _value(found: Assessment) -> float:
    """Return a predicted Dice, 0 for an empty mask."""
    return 0.0 if found.scan is None else found.scan.value


def _compare(group: str, held: Sequence[Held]) -> Iterator[tuple[str, ...]]:
    """Yield a row per way to predict the Dice of some scans, of those whose mask is not empty."""
    known = [one for one in held if not np.isnan(one.value)]
    true = np.array([one.dice for one in known])
    ways = {
        SAID: [one.value for one in known],
        "each network": [one.networks for one in known],
        "agreement": [one.agreement for one in known],
        "Soft Dice Conf.": [one.confidence for one in known],
    }
    inside = np.mean([one.low <= one.dice <= one.high for one in known]) if known else np.nan
    for name, values in ways.items():
        predicted = np.array(values)
        yield (
            group,
            name,
            str(len(known)),
            f"{true.mean():.3f}",
            f"{np.corrcoef(predicted, true)[0, 1]:.2f}",
            f"{stats.spearmanr(predicted, true).statistic:.2f}",
            f"{np.abs(predicted - true).mean():.3f}",
            f"{(predicted - true).mean():+.3f}",
            f"{inside:.0%}" if name == SAID else "",
        )


def draw_study(study: Study, path: Path) -> None:
    """Draw predicted against true Dice, with intervals."""
    figure = make_figure(640, 600)
    axes = figure.add_axes((0.12, 0.11, 0.84, 0.8))
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1)
    for position, group in enumerate(dict.fromkeys(one.group for one in study.held)):
        own = [one for one in study.held if one.group == group and not np.isnan(one.value)]
        values = np.array([one.value for one in own])
        bars = [values - [one.low for one in own], [one.high for one in own] - values]
        axes.errorbar(
            [one.dice for one in own],
            values,
            yerr=np.array(bars),
            fmt="o",
            markersize=5,
            linewidth=0.6,
            alpha=0.75,
            color=darken(choose_colour(position)),
            label=f"{group}, {len(own)} scans",
        )
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="true Dice", ylabel="predicted Dice, with 90 % interval")
    axes.set_title("Held-out simulated scans", color=INK, loc="left")
    axes.legend(frameon=False, loc="upper left")
    save_png(figure, path)
