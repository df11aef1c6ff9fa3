"""`select` on simulated scans with lesion shapes of patients: scores of held-out scans with and without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autoseg.evaluation import Convention, bootstrap_interval, choose_metrics, scheme_targets, score_case
from autoseg.evaluation.statistics import USUAL_INTERVAL
from autoseg.models.selection import Selection, Trial
from autoseg.pipeline.faces import face, model_face
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.selection.selecting import list_target_rules
from autoseg.prediction import Decision, LoadedModel, decide, decision_of
from autoseg.progress import Progress
from autoseg.selection.rules import join_thresholds
from autoseg.simulate import SimulationOptions, simulate_dataset
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.reading.images import read_label_map
from planners.plan import Plan

SIMULATION = SimulationOptions(cases=60, held_out_cases=40, spacing_mm=4.0, seed=12)
METRICS = ("dice", "lesion_f1")
COLUMNS = ("masks", "Dice", "lesion F1", "mean of both", "minus plain (95 % over scans)")
_SCANS, _REFERENCES = "imagesTs", "labelsTs"
_PLAIN = "plain"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOutScores:
    """Scores of held-out scans.

    Attributes:
        trial: of the lesions: what was selected, and the stated gain.
        scores: by the way to make masks, (scan, 2) Dice and lesion F1.
    """

    trial: Trial
    scores: Mapping[str, np.ndarray]

    def rows(self) -> list[tuple[str, ...]]:
        """Return a row per way to make masks."""
        plain = self.scores[_PLAIN].mean(axis=1)
        rows = []
        for name, scores in self.scores.items():
            means, gains = scores.mean(axis=0), scores.mean(axis=1) - plain
            low, high = bootstrap_interval(gains, kind=USUAL_INTERVAL)
            contrast = "-" if name == _PLAIN else f"{gains.mean():+.4f} ({low:+.4f} to {high:+.4f})"
            rows.append((name, *(f"{mean:.4f}" for mean in (*means, means.mean())), contrast))
        return rows

    def describe(self) -> str:
        """Return what was stated of the best rule, in a sentence."""
        gain = self.trial.change.gain
        return (
            f"{self.trial.best}: {'taken' if self.trial.taken else 'not taken'} ({self.trial.reason}); stated gain "
            f"{gain.mean:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})."
        )


def compare_on_lesions(
    work: Path, masks: Path, minutes: float, progress: Progress, simulation: SimulationOptions = SIMULATION
) -> HeldOutScores:
    """Train a cross-validation briefly, select, and score held-out scans with and without what was selected.

    Args:
        work: where everything is written; a training that was interrupted goes on.
        masks: a folder of lesion masks in MNI space; its shapes are used.
        minutes: to train each fold in.
        progress: receiver of progress reports.
        simulation: the scans, without their masks' folder.

    Raises:
        AutosegError: there are not only lesions in the scans, or a step fails.
    """
    simulated = simulate_dataset(work / "raw", replace(simulation, lesion_masks=str(masks.resolve())))
    workspace = face.plan_and_preprocess(
        work / "raw", workspace=work / "workspace", max_hours=minutes / 60, progress=progress
    )
    face.train(workspace, "all", max_minutes=minutes, progress=progress)
    selection = face.select(workspace, progress=progress)
    plan, _ = read_plan(workspace, "default")
    ways = _list_ways(plan, selection)
    model = model_face.load_model(workspace, configurations=selection.configurations, mirror=False)
    scored = list(_score_scans(model, simulated.folder, ways))
    *_, trial = selection.evidence.trials
    return HeldOutScores(
        trial=trial, scores={name: np.array([scores[place] for scores in scored]) for place, name in enumerate(ways)}
    )


def _list_ways(plan: Plan, selection: Selection) -> dict[str, Decision]:
    """Return the plain rule, what was selected, and the best rule whether it was taken or not."""
    (name,), (rules,) = [label.name for label in plan.scheme.labels], list_target_rules(plan, plan.scheme)
    best = rules[selection.evidence.trials[-1].place]
    decision = Decision(thresholds=join_thresholds([best]), postprocessing=best.postprocessing(name))
    return {_PLAIN: Decision(), "selected": decision_of(selection), "best on the cross-validation": decision}


def _score_scans(model: LoadedModel, raw: Path, ways: Mapping[str, Decision]) -> Iterator[list[tuple[float, ...]]]:
    """Yield the scores of every held-out scan, way by way."""
    convention = Convention(name="selecting", metrics=choose_metrics(METRICS))
    references = sorted((raw / _REFERENCES).glob("*.nii.gz"))
    if not references:
        raise AutosegError(f"{raw / _REFERENCES}: holds no masks. Simulate held-out cases.")
    for reference in references:
        case = reference.name.removesuffix(".nii.gz")
        probabilities = model.predict(_find_scans(raw, case)).probabilities
        true = read_label_map(reference).voxels[0].round().astype(np.int64)
        spacing_mm = canonical_grid(probabilities.source_grid).spacing_mm()
        found = []
        for decision in ways.values():
            predicted = model.scheme.to_values(decide(probabilities, decision))
            scores = score_case(predicted, true, scheme_targets(model.scheme), spacing_mm, case, convention).labels[0]
            found.append(tuple(scores.number(name) for name in METRICS))
        yield found


def _find_scans(raw: Path, case: str) -> Sequence[Path]:
    return sorted((raw / _SCANS).glob(f"{case}_*.nii.gz"))
