"""`lesion_classes`: a classifier of lesions, learnt on out-of-fold components, judged by folds, and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.classification import CaseComponents, count_found, train_classifier
from autoseg.evaluation import CONVENTIONS, Evaluation, write_evaluation
from autoseg.evaluation.analysis.levels import LevelTable
from autoseg.models.lesion_classifier import ClassCount, LesionClasses
from autoseg.pipeline.confidence.decisions import find_decision
from autoseg.pipeline.lesion_classes.judging import (
    Judged,
    describe_material,
    find_method,
    judge_folds,
    make_classifier,
)
from autoseg.pipeline.lesion_classes.kept import write_classifier
from autoseg.pipeline.lesion_classes.material import gather, measure_components
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.statistics.levels import place_levels, write_levels
from autoseg.progress import Progress
from autoseg.workspace.links import refuse_links_out
from autoseg.workspace.locks import locked
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import AutosegError, StoppedError
from dataset_fingerprints.files.jsonfiles import refuse_newer

CONVENTION = CONVENTIONS["llambias2024"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LearntClasses:
    """A classifier of lesions that was trained, and how well masks with its classes score.

    Attributes:
        classes: what is known of it.
        evaluation: of the masks with classes, each case by a classifier that knew no component of its subject.
        levels: the same at scan, lesion and voxel level.
        written: files: the classifier, its weights, the scores, the table of levels.
    """

    classes: LesionClasses
    evaluation: Evaluation
    levels: LevelTable
    written: tuple[Path, ...]


def learn_lesion_classes(
    workspace: Workspace, plan_name: str, configurations: Sequence[str], progress: Progress
) -> LearntClasses:
    """Train a classifier of lesions on the components of all out-of-fold masks, judge it by folds, and write both.

    Args:
        workspace: with two trained and validated folds or more, of a model of one label or region.
        plan_name: of the workspace's plan, which may name the classifier.
        configurations: that predict together; empty for those that are selected, or that the plan predicts with.
        progress: receiver of progress reports.

    Raises:
        WorkspaceError: nothing is trained, or lesions have no classes.
        DataError: there are masks of one fold only, or a class is in none of them.
    """
    plan, _ = read_plan(workspace, plan_name)
    names, decision = find_decision(workspace, plan, configurations)
    scores = workspace.lesion_classes_scores(plan_name)
    files = (workspace.lesion_classes(plan_name), workspace.lesion_classes_weights(plan_name), scores)
    refuse_links_out(workspace.root, files)
    with locked(workspace.models(plan_name), "the classes of lesions"):
        refuse_newer(files[0], LesionClasses)
        material = gather(workspace, plan, names, decision)
        components, unread = measure_components(material, progress)
        judged = judge_folds(material, components, CONVENTION, progress)
        description = describe_material(material, components)
        trained = train_classifier(
            find_method(material), components, [label.name for label in description.classes], plan.seed
        )
        description = replace(
            description,
            counts=tuple(_count(description, judged, components)),
            left_out=(*material.left_out, *unread, *judged.lacking),
        )
        kept = write_classifier(workspace, plan_name, make_classifier(description, trained))
        write_evaluation(scores, judged.evaluation, sealed=True)
        levels = write_levels(scores, judged.evaluation)
    return LearntClasses(
        classes=kept.description,
        evaluation=judged.evaluation,
        levels=levels,
        written=(*files, place_levels(scores)),
    )


def learn_if_planned(workspace: Workspace, plan_name: str, progress: Progress) -> None:
    """Learn classes after a training where the plan asks for them; masks are as good without."""
    try:
        if read_plan(workspace, plan_name)[0].lesion_classes is not None:
            progress.say(learn_lesion_classes(workspace, plan_name, (), progress).classes.describe())
    except StoppedError:
        raise
    except AutosegError as error:
        progress.say(f"Lesions get no classes: {error}")


def _count(description: LesionClasses, judged: Judged, components: Sequence[CaseComponents]) -> list[ClassCount]:
    counted = [
        (label, count_found(judged.judges, components, place)) for place, label in enumerate(description.classes)
    ]
    return [
        ClassCount(name=label.name, components=total, cases=cases, found=found)
        for label, (total, cases, found) in counted
    ]
