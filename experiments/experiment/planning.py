"""The plan of a recipe in a workspace, with the folds that all recipes of the workspace share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.pipeline.plans.planning import PlanningOptions, plan_and_preprocess
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.plans.same_dataset import find_data, refuse_other_place
from autoseg.progress import Progress
from autoseg.workspace.workspace import Workspace, is_workspace
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import PlanError, WorkspaceError
from experiments.recipes import Recipe, find_recipe
from planners.defaults import FULL_SIZE
from planners.editing.option_checks import check_seed
from planners.editing.scaling import check_scale
from planners.order import find_configuration
from planners.plan import Configuration, Plan, Splits
from planners.targets import map_indices


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """Circumstances that recipes are tried out in.

    Attributes:
        workspace: that they are planned and trained in.
        data: the data set; None for the one that the workspace is of.
        scale: that features, patch and batch are divided by; None for that of an earlier plan, or full size.
        seed: of weights and batches.
        unlabelled: scans without labels, for recipes that train on them as well; None for none.
    """

    workspace: Workspace
    data: Path | None = None
    scale: float | None = None
    seed: int = 0
    unlabelled: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedRecipe:
    """A recipe with its plan for a data set.

    Attributes:
        chosen: configurations that are trained and predict in place of those that the recipe names; empty for these.
    """

    recipe: Recipe
    plan: Plan
    splits: Splits
    chosen: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Return the names of the configurations that predict together."""
        return self.chosen or self.plan.predicting()

    def choose(self, configurations: Sequence[str]) -> PlannedRecipe:
        """Return the recipe with other configurations of its plan; with none, as it is.

        Raises:
            PlanError: there is none of a name.
        """
        for name in configurations:
            find_configuration(self.plan.configurations, name, f"plan {self.plan.name}")
        return replace(self, chosen=tuple(dict.fromkeys(configurations)))

    def predicting(self) -> tuple[Configuration, ...]:
        """Return these configurations."""
        where = f"plan {self.plan.name}"
        return tuple(find_configuration(self.plan.configurations, name, where) for name in self.names())

    def find_labels(self) -> tuple[LabelScheme, tuple[int, ...]]:
        """Return the labels of their masks, and by which the data set's become these, as in `Store`."""
        first, *others = self.predicting()
        if any(one.targets != first.targets for one in others):
            return self.plan.scheme, ()
        return self.plan.scheme_of(first), map_indices(self.plan.scheme, first.targets)


def open_setting(
    workspace: Path, data: Path | None, scale: float | None, seed: int = 0, unlabelled: Path | None = None
) -> Setting:
    """Return the circumstances that a person names.

    Raises:
        PlanError: the seed or the scale cannot be meant.
    """
    check_seed("--seed", seed)
    if scale is not None:
        check_scale(scale)
    root = Workspace(root=workspace.absolute())
    return Setting(workspace=root, data=data, scale=scale, seed=seed, unlabelled=unlabelled)


def name_plan(recipe: str, seed: int) -> str:
    """Return the name of the plan of a recipe with a seed."""
    return recipe if seed == 0 else f"{recipe}-seed-{seed}"


def find_or_make_plan(
    name: str, setting: Setting, progress: Progress, configurations: Sequence[str] = ()
) -> PlannedRecipe:
    """Return a recipe with its plan; where there is none yet, it is made, with the folds of the workspace's others.

    Args:
        name: of the recipe.
        setting: where, and how large.
        progress: receiver of progress reports.
        configurations: of its plan, in place of those that the recipe predicts with; empty for these.

    Raises:
        PlanError: the plan that is there is of another scale or planner, or without scans without labels; or the recipe
            is of another kind, or has no such configuration.
        WorkspaceError: the workspace is of another data set; or there is no plan, and the data set is not named.
    """
    recipe = find_recipe(name)
    workspace, plan_name = setting.workspace, name_plan(name, setting.seed)
    if not workspace.plan(plan_name).is_file():
        _make_plan(name, setting, progress, configurations)
    elif setting.data is not None:
        refuse_other_place(workspace, setting.data.absolute())
    plan, splits = read_plan(workspace, plan_name)
    if plan.planner != name:
        raise PlanError(f"{workspace.plan(plan_name)}: was planned by {plan.planner}, not by {name}. Name another -w.")
    planned = PlannedRecipe(recipe=recipe, plan=plan, splits=splits)
    _refuse_other_setting(planned, setting)
    return planned.choose(configurations)


def _make_plan(name: str, setting: Setting, progress: Progress, configurations: Sequence[str]) -> None:
    """Plan a recipe, and preprocess for what it predicts with and for what else is asked for."""
    options = PlanningOptions(
        workspace=setting.workspace.root,
        plan_name=name_plan(name, setting.seed),
        planner=name,
        further_configurations=tuple(configurations),
        splits=_find_splits(setting.workspace) or "by-subject",
        seed=setting.seed,
        scale=FULL_SIZE if setting.scale is None else setting.scale,
        unlabelled=None if setting.unlabelled is None else setting.unlabelled.absolute(),
    )
    plan_and_preprocess(_find_data(setting), options, progress)


def _refuse_other_setting(planned: PlannedRecipe, setting: Setting) -> None:
    """Make sure that a plan was made as it would be made now.

    Raises:
        PlanError: it was not.
    """
    path, scale = setting.workspace.plan(planned.plan.name), planned.plan.scale
    if setting.scale not in (None, scale):
        raise PlanError(
            f"{path}: was planned with --scale {scale:g}, and {setting.scale:g} is asked for. Give the same, or name "
            "another workspace."
        )
    if setting.unlabelled is not None and not setting.unlabelled.exists():
        raise PlanError(f"{setting.unlabelled}: there is no such folder or table (--unlabelled). Correct the path.")
    if setting.unlabelled is not None and planned.recipe.unlabelled and not planned.splits.unlabelled:
        raise PlanError(
            f"{path}: was planned without scans without labels, and {setting.unlabelled} is named. Leave --unlabelled "
            "out, or name another workspace."
        )


def _find_splits(workspace: Workspace) -> Splits | None:
    """Return the folds of a plan that is there, which are those of all recipes."""
    if not is_workspace(workspace.root):
        return None
    names = sorted(workspace.plan_names(), key=lambda name: (name != "default", name))
    return next((read_plan(workspace, name)[1] for name in names), None)


def _find_data(setting: Setting) -> Path:
    if setting.data is not None:
        return setting.data.absolute()
    if not setting.workspace.dataset.is_file():
        raise WorkspaceError(f"{setting.workspace.root}: is not a workspace yet. Name the data set with --data.")
    return find_data(setting.workspace)
