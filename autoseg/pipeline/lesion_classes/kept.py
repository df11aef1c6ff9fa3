"""The file of a workspace's classifier of lesions, and whether it holds for the models that predict."""

from __future__ import annotations

import logging
from dataclasses import replace

from autoseg.models.lesion_classifier import REMEDY, LesionClasses, LesionClassifier
from autoseg.models.tensors import load_tensors, save_tensors
from autoseg.pipeline.confidence.unseen_cases import are_known
from autoseg.pipeline.models.trained_folds import TrainedFolds
from autoseg.prediction import Decision
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.hashes import hash_file
from dataset_fingerprints.files.jsonfiles import read_json, write_json

_log = logging.getLogger(__name__)


def write_classifier(workspace: Workspace, plan_name: str, classifier: LesionClassifier) -> LesionClassifier:
    """Write a classifier, weights first, and return it with their hash in its description."""
    weights = workspace.lesion_classes_weights(plan_name)
    save_tensors(weights, classifier.weights, {})
    description = replace(classifier.description, weights=hash_file(weights))
    write_json(workspace.lesion_classes(plan_name), description)
    return replace(classifier, description=description)


def read_classifier(workspace: Workspace, plan_name: str) -> LesionClassifier | None:
    """Return the classifier of a plan's models; None where none was trained.

    Raises:
        FileFormatError: its description is damaged.
        WorkspaceError: its weights are, or they are those of another description.
    """
    place, weights = workspace.lesion_classes(plan_name), workspace.lesion_classes_weights(plan_name)
    if not place.is_file():
        return None
    description = read_json(place, LesionClasses, REMEDY)
    classifier = LesionClassifier(description=description, weights=load_tensors(weights, REMEDY)[0])
    classifier.refuse_misfit(str(weights))
    return classifier


def find_classifier(
    workspace: Workspace, plan_name: str, trained: TrainedFolds, decision: Decision, *, warned: bool = True
) -> LesionClassifier | None:
    """Return the classifier of the lesions that some folds find; None where there is none for these.

    Args:
        workspace: with the folds.
        plan_name: of the workspace's plan.
        trained: that predict together.
        decision: that makes masks of what they predict.
        warned: whether it is logged where there is one that does not hold for them.
    """
    try:
        found = read_classifier(workspace, plan_name)
    except AutosegError as error:
        doubt, found = f"Lesions get no classes: {error}", None
    else:
        doubt = "" if found is None else doubt_classifier(workspace, plan_name, found, trained, decision)
    if doubt and warned:
        _log.warning("%s", doubt)
    return None if doubt else found


def doubt_classifier(
    workspace: Workspace, plan_name: str, found: LesionClassifier, trained: TrainedFolds, decision: Decision
) -> str:
    """Return why a classifier does not hold for folds that predict together, in a sentence; empty where it does.

    Args:
        workspace: with the folds.
        plan_name: of the workspace's plan.
        found: the classifier.
        trained: the folds.
        decision: that makes masks of what they predict.
    """
    about, names = found.description, {[*one][-1] for one in trained.stages}
    if hash_file(workspace.lesion_classes_weights(plan_name)) != about.weights:
        why = "is of other weights than lie beside it"
    elif names != {*about.configurations}:
        why = f"was trained on masks of {' and '.join(about.configurations)}"
    elif (about.thresholds, about.postprocessing) != (decision.thresholds, decision.postprocessing):
        why = "was trained on masks that are decided by another rule"
    elif not are_known(trained, about.measured_on):
        why = "was trained on masks of other weights"
    else:
        return ""
    return f"{workspace.lesion_classes(plan_name)}: {why}, so that lesions get no classes. {REMEDY}"
