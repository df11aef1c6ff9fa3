"""A trained recipe at scan, lesion and voxel level."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoseg.evaluation import CONVENTIONS, Evaluation, write_evaluation
from autoseg.pipeline.folds.runs import name_folds
from autoseg.pipeline.statistics.levels import place_levels, write_levels
from autoseg.progress import Progress
from dataset_fingerprints.errors import WorkspaceError
from experiments.experiment.comparing import FOLDER
from experiments.experiment.planning import Setting, find_or_make_plan, name_plan
from experiments.experiment.scoring import score_folds
from experiments.recipes import Recipe, find_recipe

CONVENTION = CONVENTIONS["llambias2024"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelScores:
    """Scores of a recipe by class.

    Attributes:
        evaluation: of all folds that were scored.
        scores: the file that they are written to.
        table: that of the levels.
    """

    recipe: Recipe
    evaluation: Evaluation
    scores: Path
    table: Path


def score_levels(name: str, setting: Setting, folds: tuple[str, ...], progress: Progress) -> LevelScores:
    """Score a trained recipe by class, at three levels, and write scores and table.

    Args:
        name: of the recipe.
        setting: where it was trained.
        folds: to score; empty for all that are trained.
        progress: receiver of progress reports.

    Raises:
        WorkspaceError: it is not trained there.
        DataError: its masks are of one class, or of classes that no other fold has taught.
    """
    recipe, workspace, plan_name = find_recipe(name), setting.workspace, name_plan(name, setting.seed)
    if not workspace.plan(plan_name).is_file():
        raise WorkspaceError(
            f"{workspace.root}: {plan_name} is not planned there. Give `autoseg experiment run {name} 0` first."
        )
    planned = find_or_make_plan(name, setting, progress)
    trained = [
        fold
        for fold in name_folds(planned.splits)
        if all(workspace.fold(plan_name, one, fold).validation.metrics.is_file() for one in planned.names())
    ]
    if not (folds or trained):
        raise WorkspaceError(
            f"{workspace.root}: no fold of {plan_name} is trained and validated. Give `autoseg experiment run {name} "
            "0` first."
        )
    evaluation = score_folds(workspace, planned, folds or trained, CONVENTION, progress)
    scores = workspace.root / FOLDER / f"{plan_name}-levels.json"
    scores.parent.mkdir(exist_ok=True)
    write_evaluation(scores, evaluation)
    write_levels(scores.with_name(f"{plan_name}.json"), evaluation)
    table = place_levels(scores.with_name(f"{plan_name}.json"))
    return LevelScores(recipe=recipe, evaluation=evaluation, scores=scores, table=table)
