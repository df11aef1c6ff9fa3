"""Scores of a recipe's folds: the mean of its configurations, decided and changed as the recipe says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from autoseg.evaluation import (
    DEFAULT_CONVENTION,
    CaseScores,
    Convention,
    Evaluation,
    scheme_targets,
    score_case,
    summarise,
)
from autoseg.pipeline.folds.out_of_fold import find_scores, read_probabilities
from autoseg.pipeline.folds.runs import cases_of, read_run
from autoseg.pipeline.folds.seen_cases import mark_seen
from autoseg.pipeline.lesion_classes.judging import judge_folds
from autoseg.pipeline.lesion_classes.material import gather, measure_components
from autoseg.pipeline.statistics.case_traits import usual_traits
from autoseg.prediction import Decision, combine, decide
from autoseg.preprocessing import Store, store_key
from autoseg.progress import Progress, SilentProgress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.names import counted, some_of
from experiments.experiment.planning import PlannedRecipe
from planners.targets import as_regions


def score_folds(
    workspace: Workspace,
    planned: PlannedRecipe,
    folds: Sequence[str],
    convention: Convention = DEFAULT_CONVENTION,
    progress: Progress | None = None,
) -> Evaluation:
    """Score the cases that some folds did not train on, as the recipe predicts them.

    Where the recipe gives lesions classes, they are scored by class. Each fold's classes are given by a classifier
    that was trained on the lesions of all others that are trained, whether they are scored or not.

    Args:
        workspace: with the folds, trained and validated.
        planned: the recipe, whose configurations are averaged.
        folds: that are scored together.
        convention: of the scores.
        progress: receiver of progress reports; None for none.

    Raises:
        WorkspaceError: a fold is not validated.
        DataError: lesions have classes, and no other fold is trained.
    """
    plan = planned.plan
    if plan.lesion_classes is not None:
        return _score_classes(workspace, planned, folds, (convention, progress or SilentProgress()))
    scores = [case for fold in folds for case in _score_fold(workspace, planned, fold, convention)]
    runs = [read_run(workspace.fold(plan.name, name, fold)) for name in planned.names() for fold in folds]
    evaluation = mark_seen(summarise(scores, convention, traits=usual_traits(workspace)), runs)
    scored = {label.label for label in evaluation.summary}
    scheme, _ = planned.find_labels()
    return replace(evaluation, names=tuple(label for label in scheme.labels if label.value in scored))


def _score_classes(
    workspace: Workspace, planned: PlannedRecipe, folds: Sequence[str], how: tuple[Convention, Progress]
) -> Evaluation:
    convention, progress = how
    decision = Decision(postprocessing=planned.recipe.postprocessing)
    material = gather(workspace, planned.plan, planned.names(), decision)
    components, _ = measure_components(material, progress)
    judged = judge_folds(material, components, convention, progress, folds)
    evaluation = judged.evaluation
    expected = {case for fold in folds for case in cases_of(planned.splits, fold).validation}
    missing = sorted(expected - {case.case for case in evaluation.cases})
    if missing:
        raise WorkspaceError(
            f"{workspace.root}: {counted(len(missing), 'case')} of plan {planned.plan.name} cannot be scored with "
            f"classes: {some_of(missing, 5)}. Train and validate their folds, and all others, whose lesions teach. "
            + " ".join(judged.lacking)
        )
    return evaluation


def _score_fold(
    workspace: Workspace, planned: PlannedRecipe, fold: str, convention: Convention
) -> Iterator[CaseScores]:
    plan, names, cases = planned.plan, planned.names(), cases_of(planned.splits, fold).validation
    folders = [workspace.fold(plan.name, name, fold) for name in names]
    own = [find_scores(folder, cases) for folder in folders]
    missing = [folder.title() for folder, scores in zip(folders, own, strict=True) if scores is None]
    if missing:
        raise WorkspaceError(
            f"{workspace.root}: {missing[0]} of plan {plan.name} is not trained and validated. Give "
            f"`autoseg experiment run {planned.recipe.name} {fold}` first."
        )
    if len(names) == 1 and not planned.recipe.postprocessing and convention == DEFAULT_CONVENTION:
        yield from own[0] or ()
        return
    predicting = planned.predicting()
    scheme, relabelled = planned.find_labels()
    store = Store(
        folder=workspace.store(store_key(predicting[0].preprocessing, plan.scheme)),
        indices=plan.scheme.index_count(),
        relabelled=relabelled,
    )
    learned = [plan.scheme_of(one) for one in predicting]
    regions = [as_regions(plan.scheme, one.targets) for one in predicting]
    decision = Decision(postprocessing=planned.recipe.postprocessing)
    for case in cases:
        grid = store.read_record(case).source_grid
        found = zip(folders, learned, strict=True)
        mean = combine([read_probabilities(folder.validation, case, own, grid) for folder, own in found], regions)
        yield score_case(
            scheme.to_values(decide(mean, decision)),
            scheme.to_values(store.read_reference(case)),
            scheme_targets(scheme),
            canonical_grid(grid).spacing_mm(),
            case,
            convention,
        )
