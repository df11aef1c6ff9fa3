"""The files that a training leaves, for whoever is told where they are."""

from __future__ import annotations

from pathlib import Path

from autoseg.pipeline.folds.jobs import TrainingOptions
from autoseg.pipeline.folds.runs import name_folds
from autoseg.pipeline.models.short_trainings import describe_short
from autoseg.pipeline.models.trained_folds import list_lacking
from autoseg.pipeline.next_steps import describe_lacking, name_predict, name_report
from autoseg.pipeline.plans.reading import read_plan
from autoseg.workspace.fold import ALL
from autoseg.workspace.workspace import Workspace
from planners.order import find_configuration


def list_trained(workspace: Workspace, fold: str, options: TrainingOptions) -> tuple[tuple[str, Path], ...]:
    """Return what a fold's training leaves, or that of all folds, as far as it is there, each with what it is."""
    configuration = options.configuration or read_plan(workspace, options.plan_name)[0].default_configuration
    if fold == ALL:
        table, sheet = workspace.cross_validation_reports(options.plan_name, configuration)
        files = [
            ("Folds", workspace.configuration(options.plan_name, configuration)),
            ("Scores", workspace.cross_validation(options.plan_name, configuration)),
        ]
    else:
        folder = workspace.fold(options.plan_name, configuration, fold)
        table, sheet = folder.reports()
        files = [
            ("Fold", folder.root),
            ("Training", folder.picture),
            ("Masks", folder.validation.root),
            ("Scores", folder.validation.metrics),
        ]
    return tuple((what, path) for what, path in (*files, ("Table", table), ("Picture", sheet)) if path.exists())


def name_labels(workspace: Workspace, options: TrainingOptions) -> dict[int | str, str]:
    """Return the names of the labels that a configuration learns by their values."""
    plan, _ = read_plan(workspace, options.plan_name)
    name = options.configuration or plan.default_configuration
    return plan.scheme_of(find_configuration(plan.configurations, name, f"plan {plan.name}")).names()


def advise_after(workspace: Workspace, fold: str, options: TrainingOptions) -> tuple[str, ...]:
    """Return what to say at the end of a fold's training, or of that of all folds: its next step, and any doubt."""
    plan, splits = read_plan(workspace, options.plan_name)
    configuration = options.configuration or plan.default_configuration
    names = name_folds(splits) if fold == ALL else (fold,)
    folders = [workspace.fold(plan.name, configuration, name) for name in names]
    doubt = describe_short(workspace, plan, folders)
    member, lacking = configuration in plan.ensemble, list_lacking(workspace, plan)
    # Without a name all members predict together, as soon as they are trained.
    following = name_predict(workspace, plan, fold, None if member and not lacking else configuration)
    page = f"All of it on one page for a browser: {name_report(workspace, plan, configuration)}."
    still = describe_lacking(workspace, plan, lacking, fold) if member else ""
    return tuple(line for line in (still, f"Next, segment new scans: {following}.", page, doubt) if line)
