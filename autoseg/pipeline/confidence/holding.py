"""What was selected and measured of a workspace's models, and which of it holds for the weights that they have now."""

from __future__ import annotations

from dataclasses import dataclass

from autoseg.models import Selection
from autoseg.models.lesion_classifier import LesionClasses, LesionClassifier
from autoseg.models.predicted_dice import REMEDY, DiceCalibration, PredictedDiceFile
from autoseg.models.quality import MeasuredEfforts, QualityFile
from autoseg.pipeline.confidence.predicted_dice import doubt_calibration
from autoseg.pipeline.confidence.quality import doubt_efforts
from autoseg.pipeline.lesion_classes.kept import doubt_classifier, read_classifier
from autoseg.pipeline.models.trained_folds import find_if_trained
from autoseg.pipeline.selection.selected import GONE, read_selection, say_unused
from autoseg.prediction import decision_of
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import read_json
from planners.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """What predicts today, by what was selected and measured.

    Attributes:
        selection: None where nothing was selected, or for other weights.
        efforts: of the configurations of which flips and overlaps were measured with the weights of today.
        predicted_dice: calibrations, likewise.
        lesion_classes: the classifier of lesions, likewise; None where there is none.
        unused: in sentences, what is there but does not hold any more.
    """

    selection: Selection | None = None
    efforts: tuple[MeasuredEfforts, ...] = ()
    predicted_dice: tuple[DiceCalibration, ...] = ()
    lesion_classes: LesionClasses | None = None
    unused: tuple[str, ...] = ()


def find_holding(workspace: Workspace, plan: Plan) -> Holding:
    """Return what holds for the trained folds of a plan, by the judgement that `predict` follows.

    Raises:
        FileFormatError: a file is damaged.
    """
    selection = read_selection(workspace, plan.name)
    unselected = _doubt_selection(workspace, plan, selection)
    holds = selection if not unselected else None
    efforts, calibrations = _read(workspace, plan.name)
    of_efforts = [_doubt_efforts(workspace, plan, one) for one in efforts]
    of_dice = [_doubt_calibration(workspace, plan, one, holds) for one in calibrations]
    classifier = read_classifier(workspace, plan.name)
    of_classes = "" if classifier is None else _doubt_classifier(workspace, plan, classifier, holds)
    return Holding(
        selection=holds,
        efforts=tuple(one for one, doubt in zip(efforts, of_efforts, strict=True) if not doubt),
        predicted_dice=tuple(one for one, doubt in zip(calibrations, of_dice, strict=True) if not doubt),
        lesion_classes=None if classifier is None or of_classes else classifier.description,
        unused=tuple(dict.fromkeys(filter(None, (unselected, *of_efforts, *of_dice, of_classes)))),
    )


def _read(workspace: Workspace, plan: str) -> tuple[tuple[MeasuredEfforts, ...], tuple[DiceCalibration, ...]]:
    quality, dice = workspace.quality(plan), workspace.predicted_dice(plan)
    efforts = read_json(quality, QualityFile, REMEDY).configurations if quality.is_file() else ()
    return efforts, read_json(dice, PredictedDiceFile, REMEDY).calibrations if dice.is_file() else ()


def _doubt_selection(workspace: Workspace, plan: Plan, selection: Selection | None) -> str:
    if selection is None:
        return ""
    found = find_if_trained(workspace, plan, selection.configurations)
    return GONE if found is None else say_unused(selection, found.folders())


def _doubt_efforts(workspace: Workspace, plan: Plan, measured: MeasuredEfforts) -> str:
    found = find_if_trained(workspace, plan, [measured.configuration])
    if found is None:
        place = workspace.quality(plan.name)
        return f"{place}: flips of {measured.configuration} are not used: its folds are not there. {REMEDY}"
    return doubt_efforts(workspace, plan.name, measured, found)


def _doubt_calibration(
    workspace: Workspace, plan: Plan, calibration: DiceCalibration, selection: Selection | None
) -> str:
    found = find_if_trained(workspace, plan, calibration.configurations)
    if found is None:
        names = " and ".join(calibration.configurations)
        place = workspace.predicted_dice(plan.name)
        return f"{place}: the Dice of {names} is not predicted: their folds are not there. {REMEDY}"
    same = selection is not None and set(selection.configurations) == set(calibration.configurations)
    return doubt_calibration(workspace, plan.name, calibration, found, decision_of(selection if same else None))


def _doubt_classifier(
    workspace: Workspace, plan: Plan, classifier: LesionClassifier, selection: Selection | None
) -> str:
    names = classifier.description.configurations
    found = find_if_trained(workspace, plan, names)
    if found is None:
        place = workspace.lesion_classes(plan.name)
        return f"{place}: lesions get no classes: the folds of {' and '.join(names)} are not there."
    same = selection is not None and set(selection.configurations) == set(names)
    return doubt_classifier(workspace, plan.name, classifier, found, decision_of(selection if same else None))
