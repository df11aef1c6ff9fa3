"""The public functions about data, plans, training and scores, as `import autoseg` offers them.

They are silent unless a `progress` is given, keep no state between calls, and set no environment variable for good.
What imports torch is imported when it is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING

from autoseg.hardware import calm_threads
from autoseg.pipeline.faces.arguments import (
    INTEGERS,
    PATH,
    TEXT,
    as_number,
    as_several,
    as_whole_number,
    check_argument,
    check_arguments,
    split_names,
)
from autoseg.pipeline.faces.located import Location, find_located
from autoseg.pipeline.plans.explanation import Explanation
from autoseg.pipeline.selection.selecting_call import select
from autoseg.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from autoseg.evaluation import Evaluation
    from autoseg.workspace.workspace import Workspace

__all__ = ["Location", "evaluate", "explain", "plan_and_preprocess", "select", "train"]


def plan_and_preprocess(
    dataset: Location,
    *,
    labels: Location | None = None,
    channels: Sequence[str] = (),
    mask: str = "",
    workspace: Location | None = None,
    plan_name: str = "default",
    planner: str = "default",
    gpu_memory_gb: float | None = None,
    max_hours: float | None = None,
    configurations: Sequence[str] = (),
    splits: Location | None = None,
    seed: int = 0,
    rules: Sequence[str] = (),
    assignments: Sequence[str] = (),
    like: Location | None = None,
    scale: float = 1.0,
    unlabelled: Location | None = None,
    progress: Progress | None = None,
) -> Workspace:
    """Look at a data set, decide everything that has to be decided, preprocess it, and return the workspace.

    What exists and is still true is kept: called again, it does what is missing.

    Args:
        dataset: a raw data set: a BIDS tree, a folder per patient, an nnU-Net or MSD folder, a pair of folders, a CSV
            or TSV of paths; or the folder of the scans where `labels` is given.
        labels: the folder of the label maps.
        channels: of a tree or a CSV, the images to take: `T1w`, `acq-hr_T1w`; empty for those that most cases have.
        mask: of a tree with several kinds of label maps, a part of the names of those that are meant: `label-L`.
        workspace: where to put everything; None for `<name>-autoseg` in the current directory, called after the data
            set's folder or CSV.
        plan_name: a name for the plan.
        planner: what decides the plan: `default`, `nnunet`, `nnunet-resenc-m`, `-l` or `-xl`, the name of a recipe, or
            a planner that another installed package registers.
        gpu_memory_gb: plan for a GPU with so many GiB, also where this machine has none; None for this machine.
        max_hours: plan for trainings of this many hours per fold.
        configurations: to preprocess; empty for those that the plan predicts with.
        splits: folds of your own: nnU-Net's splits_final.json, or a CSV or TSV with the columns Name and Fold;
            `by-site` for folds that leave whole sites out; `by-subject` for folds of our own with any planner.
        seed: of folds, weights and batches.
        rules: rules to switch on or off: `balanced_lesions=on`.
        assignments: values of the plan to change, as `--set` does: `training.iterations=5000`.
        like: a trained model to plan like, so that all of its weights fit in `train(from_model=...)`: a model.zip, a
            workspace, or the folder of a fold; its network, patch, voxel size and normalisation are taken.
        scale: divides features, patch and batch, to try out a plan that is too large here; 1 for full size.
        unlabelled: scans without labels, for configurations that train on them as well (`pseudo_labels`): a folder of
            scans, or a CSV or TSV of paths.
        progress: receiver of progress reports; None for none.

    Raises:
        AutosegError: the data cannot be used, an option names what does not exist, or the workspace cannot be used.
    """
    check_arguments(locals())
    for name, value in (("plan_name", plan_name), ("planner", planner)):  # which other functions do without
        check_argument(name, value, TEXT)
    if labels is not None:
        check_argument("labels", labels, PATH)
    from autoseg.pipeline.plans.planning import PlanningOptions
    from autoseg.pipeline.plans.planning import plan_and_preprocess as run
    from dataset_fingerprints.layouts import Selection
    from planners.centre_folds import choose_source

    followed = None
    if like is not None:
        from autoseg.pipeline.plans.following import read_followed

        followed = read_followed(Path(like).absolute())
    options = PlanningOptions(
        labels=None if labels is None else Path(labels).absolute(),
        workspace=None if workspace is None else Path(workspace).absolute(),
        plan_name=plan_name,
        planner=planner,
        gpu_memory_gb=as_number(gpu_memory_gb),
        configurations=as_several(configurations),
        splits=choose_source(splits),
        seed=index(seed),
        assignments=as_several(assignments),
        switches=as_several(rules),
        max_hours=as_number(max_hours),
        selection=Selection(channels=as_several(channels), mask=mask),
        like=followed,
        scale=float(scale),
        unlabelled=None if unlabelled is None else Path(unlabelled).absolute(),
    )
    workspace_made, _ = run(Path(dataset).absolute(), options, progress or SilentProgress())
    return find_located(workspace_made)


def train(
    workspace: Workspace | Location | None = None,
    fold: int | str = 0,
    *,
    configuration: str | None = None,
    plan_name: str | None = None,
    max_minutes: float | None = None,
    iterations: int | None = None,
    patience: int | None = None,
    with_previous: bool = False,
    memory_gb: float | None = None,
    memory_share: float = 1.0,
    folds_at_once: int | None = None,
    restart: bool = False,
    assignments: Sequence[str] = (),
    from_model: Location | None = None,
    allow_seen: bool = False,
    progress: Progress | None = None,
) -> Evaluation | None:
    """Train one fold, or go on with it, and return its scores on the cases that it was not trained on.

    Args:
        workspace: with a plan and preprocessed cases; None for the current directory's.
        fold: 0 to 4; `all` for the five, each in a process of its own; `full` for one model of all cases.
        configuration: None for the plan's default.
        plan_name: of the workspace's plan; None for `default`, or for the only one that there is.
        max_minutes: per fold, for training and all validation; None for the plan's number of iterations.
        iterations: in place of the plan's; more than were done extend a finished fold.
        patience: end after so many rounds of validation without a new best.
        with_previous: also train the folds of other configurations that are missing.
        memory_gb: memory for training cases; None for what is free.
        memory_share: of a GPU's memory, for a training that shares it with others.
        folds_at_once: where `fold` is `all`.
        restart: begin anew, and remove what was trained before.
        assignments: values of the plan to change, for this training alone.
        from_model: a trained model to start from: an exported model.zip, a workspace, or the folder of a fold; None for
            random weights. The fold keeps what it needs of it.
        allow_seen: also start from a model that was trained on cases that the fold is judged on; the scores say so.
        progress: receiver of progress reports; None for none.

    Returns:
        The scores; for `all` those of every case; None for `full`, which leaves no case to judge it by.

    Raises:
        AutosegError: something is missing, differs from an earlier start, or another process trains the fold.
    """
    check_arguments(locals())
    calm_threads()
    from autoseg.pipeline.folds.cross_validation import train_all
    from autoseg.pipeline.folds.jobs import TrainingOptions
    from autoseg.pipeline.folds.one_fold import train_fold
    from autoseg.pipeline.plans.reading import choose_plan
    from autoseg.workspace.fold import ALL

    found, listener = find_located(workspace), progress or SilentProgress()
    options = TrainingOptions(
        plan_name=choose_plan(found, plan_name, listener),
        configuration=configuration,
        iterations=as_whole_number(iterations),
        max_minutes=as_number(max_minutes),
        patience=as_whole_number(patience),
        assignments=as_several(assignments),
        with_previous=with_previous,
        memory_gb=as_number(memory_gb),
        folds_at_once=as_whole_number(folds_at_once),
        memory_share=float(memory_share),
        restart=restart,
        from_model=None if from_model is None else str(Path(from_model).absolute()),
        allow_seen=allow_seen,
    )
    if fold == ALL:
        return train_all(found, options, listener)
    return train_fold(found, str(fold), options, listener)


def evaluate(
    prediction: Location,
    reference: Location,
    *,
    labels: Sequence[int] = (),
    regions: Sequence[str] = (),
    ignore: int | None = None,
    convention: str = "autoseg",
    metrics: Sequence[str] = (),
    mask: str = "",
    names: Sequence[str] = (),
    workspace: Workspace | Location | None = None,
    by: Sequence[str] = (),
    traits: Location | None = None,
    strict: bool = False,
    probability_maps: Location | None = None,
    levels: bool = False,
    out: Location | None = None,
) -> Evaluation:
    """Score predicted masks against reference masks, case by case and in summary.

    Args:
        prediction: a label file, or a folder of them, in sub-folders as the references or a BIDS derivative.
        reference: the reference file or folder, with the same names; or a data set as training takes it.
        labels: values to score; empty for those that the data set names, or for all in the references.
        regions: values to score as one mask: `core=2,3`.
        ignore: the references' value of unlabelled voxels.
        convention: the definitions of the figures: a name of `autoseg.evaluation.CONVENTIONS`.
        metrics: names of `autoseg.evaluation.METRICS` or `POOLED` to add to those of the convention.
        mask: of a tree with several kinds of label maps, a part of the names of those that are meant.
        names: of labels by their values: `lesion=1`; else those of the data set, or of a dataset.json beside the files.
        workspace: whose names of labels, subjects, sites and so on are taken; None for those of the references.
        by: what else the scores are shown by, in a table beside `out` (-groups.csv): `size` of the lesions in ml,
            `quartile`, `site`, `chronicity`, or a column of `traits` or of the data set's own table.
        traits: a table (CSV or TSV) with a line per case or subject, whose columns `by` can name as well.
        strict: refuse cases that have only a prediction or only a reference, which are listed otherwise.
        probability_maps: the folder of the maps that `predict` wrote with `probabilities`, or of a fold's validation,
            for ROC-AUC, PR-AUC and maximal Dice; None for none.
        levels: score at scan, lesion and voxel level, a row per label, in a table beside `out` (-levels.csv); metrics
            that it needs are added.
        out: a file to write the figures into, and beside it a table of the cases (.csv); None for none. Tables beside
            an earlier one with other figures or options are removed where they are not written anew.

    Raises:
        DataError: no case has both files, or can be scored; or one lacks a file and `strict` is given; or `out` is a
            file of something else.
        PartlyDoneError: some cases cannot be scored; its `result` is the evaluation of the others, which is written.
    """
    check_arguments(locals())
    check_argument("labels", labels, INTEGERS)
    from autoseg.evaluation import Targets, add_metrics, choose_convention, label_targets, parse_region
    from autoseg.evaluation.analysis.levels import NEEDED
    from autoseg.pipeline.scores.label_names import parse_names
    from autoseg.pipeline.scores.scoring import ScoringOptions, score_masks

    values = tuple(map(index, as_several(labels)))
    segments = (*label_targets(values).segments, *(parse_region(text) for text in as_several(regions)))
    asked = split_names(as_several(metrics))
    options = ScoringOptions(
        targets=Targets(segments=segments, ignored=None if ignore is None else index(ignore)),
        convention=add_metrics(choose_convention(convention), (*asked, *(NEEDED if levels else ()))),
        asked=asked,
        mask=mask,
        names=parse_names(as_several(names)),
        workspace=None if workspace is None else find_located(workspace),
        by=as_several(by),
        traits=None if traits is None else Path(traits),
        strict=strict,
        levels=levels,
        maps=None if probability_maps is None else Path(probability_maps),
    )
    return score_masks(Path(prediction), Path(reference), options, None if out is None else Path(out))


def explain(
    target: Workspace | Location | None = None,
    *,
    plan_name: str | None = None,
    planner: str | None = None,
    gpu_memory_gb: float | None = None,
    rules: Sequence[str] = (),
    max_hours: float | None = None,
    cost: bool = False,
) -> Explanation:
    """Return what was decided for a data set, and why; or what would be, before any scan is there.

    Args:
        target: a workspace, a fingerprint.json, or the name of a published data set such as `atlas_r2_mni`; None for
            the workspace of the current directory.
        plan_name: of the workspace's plan; None for `default`, or for the only one that there is.
        planner: plan on the spot with this planner.
        gpu_memory_gb: plan on the spot for a GPU with so many GiB.
        rules: plan on the spot with these rules switched: `balanced_lesions=on`.
        max_hours: plan on the spot for trainings of this long per fold.
        cost: measure a small part of the work on this machine, some seconds long, and estimate hours and gigabytes of
            all of it, here and on larger machines.

    Raises:
        AutosegError: there is nothing of that name, or it cannot be read or planned for.
    """
    check_arguments(locals())
    from autoseg.pipeline.plans.explaining import ExplainOptions, find_costs, find_known, find_plan, find_selected
    from autoseg.workspace.workspace import Workspace

    options = ExplainOptions(
        plan_name=plan_name,
        planner=planner,
        gpu_memory_gb=as_number(gpu_memory_gb),
        switches=as_several(rules),
        max_hours=as_number(max_hours),
    )
    place = target.root if isinstance(target, Workspace) else target
    where = None if place is None else Path(place)
    plan = find_plan(where, options)
    known, holding = find_known(where, options, plan), find_selected(where, options, plan)
    costs = find_costs(where, options, plan) if cost else None
    return Explanation(plan=plan, known=known, holding=holding, costs=costs)
