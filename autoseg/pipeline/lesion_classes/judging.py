"""Scores of masks with classes: every fold's lesions are classified by what the lesions of the others taught."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autoseg.classification import CaseComponents, Judge, LesionReference, Trained, make_judges
from autoseg.evaluation import CaseScores, Convention, Evaluation, Targets, label_targets, score_case, summarise
from autoseg.models import read_settings
from autoseg.models.lesion_classifier import LesionClasses, LesionClassifier, Scaling
from autoseg.pipeline.confidence.unseen_cases import UnseenCase
from autoseg.pipeline.folds.seen_cases import mark_seen
from autoseg.pipeline.lesion_classes.material import Material
from autoseg.pipeline.statistics.case_traits import usual_traits
from autoseg.progress import Progress
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.names import counted
from planners.choices import Choice, choose
from planners.parts.lesion_classifiers import FullyConnectedOptions

# Of plans that name none.
USUAL_METHOD = choose("fully_connected", FullyConnectedOptions())
_UNSCALED = Scaling(logarithms=(), means=(), deviations=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """Judges of folds, and scores of the folds' masks with classes.

    Attributes:
        judges: by fold, classifiers that know no component of the fold's subjects.
        evaluation: of all cases of these folds.
        lacking: in sentences, which folds have no judge.
    """

    judges: Mapping[str, Judge]
    evaluation: Evaluation
    lacking: tuple[str, ...]


def find_method(material: Material) -> Choice:
    """Return the classifier that the plan names, or the usual one."""
    return material.plan.lesion_classes or USUAL_METHOD


def describe_material(material: Material, components: Sequence[CaseComponents]) -> LesionClasses:
    """Return what is known of a classifier before it is trained.

    Args:
        material: the masks.
        components: of these.
    """
    return LesionClasses(
        classes=material.source.classes,
        origin=material.source.origin,
        removed=False,
        method=find_method(material),
        seed=material.plan.seed,
        scaling=_UNSCALED,
        weights="",
        configurations=material.configurations,
        thresholds=material.decision.thresholds,
        postprocessing=material.decision.postprocessing,
        measured_on=tuple(material.folders.values()),
        folds=tuple(dict.fromkeys(case.fold for case in components)),
        counts=(),
        untouched=sum(int((case.classes < 0).sum()) for case in components),
        simulated=material.plan.simulated,
    )


def make_classifier(description: LesionClasses, trained: Trained) -> LesionClassifier:
    """Return a trained classifier, ready to use."""
    outputs = len(trained.weights[f"{len(trained.weights) // 2 - 1}.bias"])
    removed = outputs > len(description.classes)
    return LesionClassifier(
        description=replace(description, scaling=trained.scaling, removed=removed), weights=trained.weights
    )


def judge_folds(
    material: Material,
    components: Sequence[CaseComponents],
    convention: Convention,
    progress: Progress,
    folds: Sequence[str] = (),
) -> Judged:
    """Train a judge for every fold, and score the masks of its cases with the classes that this one gives.

    Args:
        material: the masks.
        components: of these.
        convention: of the scores.
        progress: receiver of progress reports.
        folds: whose cases are scored; empty for all. All others teach their judges either way.

    Raises:
        DataError: there are masks of one fold only.
        WorkspaceError: no fold has a judge.
    """
    description = describe_material(material, components)
    names = [label.name for label in description.classes]
    with progress.task("Classifiers of lesions, a fold left out of each", len(description.folds)) as task:
        trained, lacking = make_judges(description.method, components, names, description.seed, task.advance)
    judges = {
        fold: Judge(classifier=make_classifier(description, one), units=one.units) for fold, one in trained.items()
    }
    measured = {case.case for case in components}
    asked = [case for case in material.cases if not folds or case.fold in folds]
    judged = [case for case in asked if case.fold in judges and case.name in measured]
    if not judged:
        raise WorkspaceError(f"{material.workspace.root}: no fold's lesions can be given classes. {' '.join(lacking)}")
    with progress.task(f"Scores with classes: {counted(len(judged), 'case')}", len(judged)) as task:
        scores = []
        for case in judged:
            scores.append(score_judged(material, judges[case.fold], case, convention))
            task.advance()
    return Judged(judges=judges, evaluation=_summarise(material, scores, convention), lacking=tuple(lacking))


def score_judged(material: Material, judge: Judge, case: UnseenCase, convention: Convention) -> CaseScores:
    """Score the mask of a case with the classes that a judge gives its lesions.

    Raises:
        DataError: the judge was trained on components of the case's subject.
        AutosegError: a file is damaged.
    """
    judge.refuse_seen(case.name, material.unit(case.name))
    mask, spacing_mm = material.read_mask(case)
    predicted = judge.classifier.classify(mask, spacing_mm)
    truth, targets = _to_values(judge.classifier.description, material.source.read(case.name))
    return score_case(predicted, truth, targets, spacing_mm, case.name, convention)


def _to_values(description: LesionClasses, reference: LesionReference) -> tuple[NDArray[np.integer], Targets]:
    """Return (x, y, z) values of classes in a reference, and what is scored in it."""
    scheme = description.scheme()
    values = scheme.to_values(reference.classes).astype(np.int64)
    ignored = min(0, *scheme.values()) - 1
    if reference.ignored is None:
        return values, label_targets(scheme.values())
    values[reference.ignored] = ignored
    return values, Targets(segments=label_targets(scheme.values()).segments, ignored=ignored)


def _summarise(material: Material, scores: Sequence[CaseScores], convention: Convention) -> Evaluation:
    evaluation = summarise(scores, convention, traits=usual_traits(material.workspace))
    marked = mark_seen(evaluation, [read_settings(folder) for folder in material.folders])
    return replace(marked, names=material.source.classes)
