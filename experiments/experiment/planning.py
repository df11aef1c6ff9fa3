"""The plan of a recipe in a workspace, with the folds that all recipes of the workspace share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.pipeline.plans.planning import PlanningOptions, plan_and_preprocess
from autoseg.pipeline.plans.reading import read_plan
from autoseg.progress import Progress
from autoseg.workspace.workspace import Workspace, is_workspace
from dataset_fingerprints.dataset import Dataset, LabelScheme
from dataset_fingerprints.errors import PlanError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
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
    """A recipe with its plan for a data set."""

    recipe: Recipe
    plan: Plan
    splits: Splits

    def names(self) -> tuple[str, ...]:
        """Return the names of the configurations that predict together."""
        return self.recipe.predicts_with(self.plan)

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


def find_or_make_plan(name: str, setting: Setting, progress: Progress) -> PlannedRecipe:
    """Return a recipe with its plan; where there is none yet, it is made, with the folds of the workspace's others.

    Args:
        name: of the recipe.
        setting: where, and how large.
        progress: receiver of progress reports.

    Raises:
        PlanError: the plan that is there is of another scale, data set or planner; or the recipe is of another kind.
        WorkspaceError: there is no plan, and the data set is not named.
    """
    recipe = find_recipe(name)
    workspace, plan_name = setting.workspace, name_plan(name, setting.seed)
    if not workspace.plan(plan_name).is_file():
        options = PlanningOptions(
            workspace=workspace.root,
            plan_name=plan_name,
            planner=name,
            splits=_find_splits(workspace) or "by-subject",
            seed=setting.seed,
            scale=FULL_SIZE if setting.scale is None else setting.scale,
            unlabelled=None if setting.unlabelled is None else setting.unlabelled.absolute(),
        )
        data = _find_data(setting)
        _, made = plan_and_preprocess(data, options, progress)
        if recipe.predicts_with(made) != (made.default_configuration,):
            # Which of them there are is only known of a plan.
            plan_and_preprocess(data, replace(options, configurations=recipe.predicts_with(made)), progress)
    plan, splits = read_plan(workspace, plan_name)
    if plan.planner != name:
        raise PlanError(f"{workspace.plan(plan_name)}: was planned by {plan.planner}, not by {name}. Name another -w.")
    if setting.scale not in (None, plan.scale):
        raise PlanError(
            f"{workspace.plan(plan_name)}: was planned with --scale {plan.scale:g}, and {setting.scale:g} is asked "
            "for. Give the same, or name another workspace."
        )
    return PlannedRecipe(recipe=recipe, plan=plan, splits=splits)


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
    return Path(read_json(setting.workspace.dataset, Dataset).root)
