"""Scores of a recipe's folds: the mean of its configurations, decided and changed as the recipe says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from autoseg.evaluation import CaseScores, Evaluation, scheme_targets, score_case, summarise
from autoseg.pipeline.folds.out_of_fold import find_scores, read_probabilities
from autoseg.pipeline.folds.runs import cases_of, read_run
from autoseg.pipeline.folds.seen_cases import mark_seen
from autoseg.pipeline.statistics.case_traits import usual_traits
from autoseg.prediction import Decision, combine, decide
from autoseg.preprocessing import Store, store_key
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.geometry import canonical_grid
from experiments.experiment.planning import PlannedRecipe
from planners.order import find_configuration


def score_folds(workspace: Workspace, planned: PlannedRecipe, folds: Sequence[str]) -> Evaluation:
    """Score the cases that some folds did not train on, as the recipe predicts them.

    Args:
        workspace: with the folds, trained and validated.
        planned: the recipe, whose configurations are averaged.
        folds: that are scored together.

    Raises:
        WorkspaceError: a fold is not validated.
    """
    plan = planned.plan
    scores = [case for fold in folds for case in _score_fold(workspace, planned, fold)]
    runs = [read_run(workspace.fold(plan.name, name, fold)) for name in planned.names() for fold in folds]
    evaluation = mark_seen(summarise(scores, traits=usual_traits(workspace)), runs)
    scored = {label.label for label in evaluation.summary}
    return replace(evaluation, names=tuple(label for label in plan.scheme.labels if label.value in scored))


def _score_fold(workspace: Workspace, planned: PlannedRecipe, fold: str) -> Iterator[CaseScores]:
    plan, names, cases = planned.plan, planned.names(), cases_of(planned.splits, fold).validation
    folders = [workspace.fold(plan.name, name, fold) for name in names]
    own = [find_scores(folder, cases) for folder in folders]
    missing = [folder.title() for folder, scores in zip(folders, own, strict=True) if scores is None]
    if missing:
        raise WorkspaceError(f"{workspace.root}: {missing[0]} of plan {plan.name} is not trained and validated.")
    own_labels = any(one.labels for one in plan.configurations if one.name in names)
    if len(names) == 1 and not own_labels and not planned.recipe.postprocessing:
        yield from own[0] or ()
        return
    configurations = [find_configuration(plan.configurations, name, f"plan {plan.name}") for name in names]
    schemes = [one.learned(plan.scheme) for one in configurations]
    key = store_key(configurations[0].preprocessing, plan.scheme)
    store = Store(folder=workspace.store(key), indices=plan.scheme.index_count())
    decision = Decision(postprocessing=planned.recipe.postprocessing)
    for case in cases:
        grid = store.read_record(case).source_grid
        found = zip(folders, schemes, strict=True)
        mean = combine([read_probabilities(folder.validation, case, scheme, grid) for folder, scheme in found])
        yield score_case(
            plan.scheme.to_values(decide(mean, decision)),
            plan.scheme.to_values(store.read_reference(case)),
            scheme_targets(plan.scheme),
            canonical_grid(grid).spacing_mm(),
            case,
        )
