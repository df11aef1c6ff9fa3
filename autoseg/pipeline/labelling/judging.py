"""A round's model on the held-out cases: Dice, and how far its surfaces lie from those of people."""

from __future__ import annotations

from pathlib import Path

from autoseg.evaluation import DEFAULT_CONVENTION, Evaluation, scheme_targets
from autoseg.evaluation.files import round_labels
from autoseg.labelling.corrections import list_scored, measure_scored
from autoseg.labelling.state import HeldOutScore
from autoseg.pipeline.labelling.loop_state import OpenLoop
from autoseg.pipeline.models.sources import ModelChoice
from autoseg.pipeline.predictions.predicting import PredictionOptions, predict
from autoseg.pipeline.scores.scoring import ScoringOptions, score_masks
from autoseg.progress import Progress
from autoseg.workspace.loop import RoundFolder
from dataset_fingerprints.reading.images import read_label_map


def judge_round(opened: OpenLoop, choice: ModelChoice, progress: Progress) -> tuple[HeldOutScore, ...]:
    """Predict and score the held-out cases, and return a score per case and label.

    Raises:
        AutosegError: a case cannot be predicted or scored.
    """
    place = opened.now()
    _forget_older_masks(place)
    masks = predict([place.test], place.test_masks, place.workspace, PredictionOptions(choice=choice), progress)
    options = ScoringOptions(targets=scheme_targets(opened.loop.labels), convention=DEFAULT_CONVENTION)
    evaluation = score_masks(place.test_masks, place.test, options, place.scores)
    predicted = dict(zip(opened.loop.test, masks.paths, strict=True))
    scores: list[HeldOutScore] = []
    with progress.task("Measuring surfaces", len(predicted)) as task:
        for case, path in predicted.items():
            scores += _score_case(opened, evaluation, case, path)
            task.advance()
    return tuple(scores)


def _score_case(opened: OpenLoop, evaluation: Evaluation, case: str, mask: Path) -> list[HeldOutScore]:
    """Return the scores of a case, label by label."""
    scheme, path = opened.loop.labels, opened.loop.case(case).label_path()
    predicted, reference = read_label_map(mask), read_label_map(path)
    true, found = round_labels(path, reference.voxels[0]), round_labels(mask, predicted.voxels[0])
    surfaces = measure_scored(true, found, scheme, reference.grid().spacing_mm())
    dice = {one.label: one.value("dice") for own in evaluation.cases if own.case == case for one in own.labels}
    return [
        HeldOutScore(
            case=case,
            structure=structure.name,
            dice=dice[segment.label],
            rms_mm=surfaces[structure.name].mm,
            points=surfaces[structure.name].points,
        )
        for structure, segment in zip(list_scored(scheme), scheme_targets(scheme).segments, strict=True)
    ]


def _forget_older_masks(place: RoundFolder) -> None:
    """Remove masks of the held-out cases that were made before the weights became what they are."""
    workspace = place.workspace
    weights = [
        file.stat().st_mtime_ns
        for plan in workspace.plan_names()
        for name in workspace.configuration_names(plan)
        for fold in workspace.folds(plan, name)
        for file in fold.weight_files()
    ]
    for mask in place.test_masks.glob("*"):
        if mask.stat().st_mtime_ns < max(weights, default=0):
            mask.unlink()
