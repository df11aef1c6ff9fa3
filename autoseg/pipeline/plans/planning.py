"""`plan_and_preprocess`: from a raw data set to a plan and preprocessed arrays."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from autoseg.hardware import count_cores, measure_speed, profile_machine
from autoseg.pipeline.folds.begun import choose_splits, report_changed_contents, report_other_labels, report_other_plan
from autoseg.pipeline.outputs import refuse_similar_plan, refuse_workspace_place
from autoseg.pipeline.plans.at_work import report_running
from autoseg.pipeline.plans.inspecting import Inspected, WaitingScans, choose_limits, examine_dataset, find_dataset
from autoseg.pipeline.plans.same_dataset import find_place, refuse_other_dataset
from autoseg.pipeline.plans.unlabelled import (
    choose_users,
    examine_unlabelled,
    find_unlabelled,
    list_names,
    remark_on_subjects,
    remark_on_use,
)
from autoseg.preprocessing import Store, estimate_preparing, find_stores, prepare
from autoseg.progress import Progress
from autoseg.sampling import find_origin, refuse_unusable_parts
from autoseg.workspace.locks import locked
from autoseg.workspace.workspace import Workspace, new_workspace
from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.errors import DataError, FileFormatError, PlanError
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.files.atomic import sweep
from dataset_fingerprints.files.jsonfiles import read_json, refuse_newer, write_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.layouts import AUTOMATIC, Selection
from dataset_fingerprints.measuring.memory_gate import MemoryGate
from dataset_fingerprints.measuring.scans import Scan, read_case
from dataset_fingerprints.names import check_folder_name, counted
from dataset_fingerprints.units import find_units
from planners.centre_folds import BY_SUBJECT, split_by_site
from planners.defaults import FULL_SIZE
from planners.editing.following import Followed, follow
from planners.editing.option_checks import check_hours, check_seed
from planners.editing.overrides import (
    find_assigned_halves,
    find_assigned_parts,
    find_named_configurations,
    refuse_unknown_fields,
    refuse_unknown_parts,
    set_values,
)
from planners.editing.plan_checks import find_choices
from planners.editing.scaling import check_scale, scale_plan
from planners.machine import MachineProfile
from planners.order import order_by_need
from planners.plan import Configuration, Plan, Splits
from planners.planner import PlanRequest
from planners.possible_names import refuse_impossible_names
from planners.presets import choose_machine, make_plan
from planners.rare_labels import describe_lacking
from planners.rules.switches import choose_rules
from planners.splits import describe_number, make_splits, read_splits
from planners.subsets import choose_subsets


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanningOptions:
    """Options of planning; all have a default.

    Attributes:
        labels: the folder of the label maps, where the data set is given as the folder of its scans.
        workspace: None for `<name>-autoseg`, called after the data set's folder or CSV, in the current directory.
        gpu_memory_gb: plan for a GPU with this memory, also where this machine has none; None for this machine.
        configurations: names of those to preprocess; empty for those that the plan predicts with.
        further_configurations: names of those to preprocess beside these.
        splits: a splits_final.json of nnU-Net's or a table of folds; those of another plan; "by-site" for folds that
            leave sites out; "by-subject" for folds of our own, whatever the planner's are; or None for the planner's.
        assignments: `--set` values.
        switches: `--rule` values.
        max_hours: plan for trainings of this long per fold; None for as long as the field trains.
        selection: the files of the data set that are meant, where its layout leaves a choice.
        like: a trained model whose network, patch, voxel size and normalisation are taken, or None.
        scale: what features, patches and batches are divided by, to try the plan out; 1 for full size.
        unlabelled: a folder or a table of scans without labels, for configurations that train on them as well.
    """

    labels: Path | None = None
    workspace: Path | None = None
    plan_name: str = "default"
    planner: str = "default"
    gpu_memory_gb: float | None = None
    configurations: tuple[str, ...] = ()
    further_configurations: tuple[str, ...] = ()
    splits: Path | Splits | Literal["by-site", "by-subject"] | None = None
    seed: int = 0
    assignments: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    max_hours: float | None = None
    selection: Selection = AUTOMATIC
    like: Followed | None = None
    scale: float = FULL_SIZE
    unlabelled: Path | None = None

    def choose(self, plan: Plan) -> tuple[str, ...]:
        """Return the names of the configurations to preprocess."""
        return (*(self.configurations or plan.predicting()), *self.further_configurations)

    def name_configurations(self) -> tuple[str, ...]:
        """Return the names of configurations that a person gave."""
        return (
            *self.configurations,
            *self.further_configurations,
            *find_named_configurations(self.assignments),
        )


def plan_and_preprocess(root: Path, options: PlanningOptions, progress: Progress) -> tuple[Workspace, Plan]:
    """Fingerprint a data set, make the plan and the folds, and preprocess the chosen configurations.

    What exists and is still true is kept: started again after a kill, it does what is missing.

    Raises:
        DataError: the data cannot be used.
        PlanError: an option names something that does not exist.
        WorkspaceError: the workspace cannot be used.
    """
    _refuse_options(options)
    dataset = find_dataset(root, options.labels, progress, options.selection)
    origins = [find_origin(case) for case in dataset.cases]
    refuse_unusable_parts(find_assigned_parts(options.assignments), origins)
    given = _read_given(options.splits, dataset)
    unlabelled = find_unlabelled(options.unlabelled, dataset)
    workspace = new_workspace(find_place(dataset), options.workspace)
    workspace.refuse_links_of_planning(options.plan_name)
    _refuse_place(workspace, options.plan_name, ((root, dataset), (options.unlabelled, unlabelled)))
    report_running(workspace, progress)
    with locked(workspace.root, "this workspace's plan"):
        sweep(*workspace.planning_folders())
        _refuse_newer(workspace, options.plan_name)
        refuse_other_dataset(workspace, dataset)
        waiting = WaitingScans()
        examined = examine_dataset(dataset, workspace, waiting, progress)
        fingerprint = examined.fingerprint
        apart = examine_unlabelled(unlabelled, fingerprint, workspace, waiting, progress)
        plan = _plan(fingerprint, options, _list_plans(workspace, options.plan_name), unlabelled)
        chosen = order_by_need(plan.configurations, options.choose(plan), f"plan {plan.name}")
        refuse_unusable_parts((part for configuration in chosen for part in find_choices(configuration)), origins)
        users = choose_users(chosen, unlabelled)
        made = _complete(given or _make_splits(fingerprint, options, plan), plan, dataset, unlabelled)
        splits = choose_splits(workspace, plan, made, given=given is not None, progress=progress)
        if given is not None:
            whose = "as another plan has them" if isinstance(options.splits, Splits) else "of your own"
            progress.say(f"{counted(len(splits.folds), 'fold')} {whose} ({splits.origin}).")
        remarks = (
            *describe_number(splits, fingerprint),
            *describe_lacking(fingerprint, splits),
            *remark_on_subjects(unlabelled if users else None, dataset),
            *remark_on_use(plan, users, unlabelled),
        )
        for remark in remarks:
            progress.say(remark)
        _report_changes(workspace, plan, fingerprint, progress)
        if not workspace.dataset.is_file():
            # So that nobody plans another data set here, should this be killed.
            write_json(workspace.dataset, dataset)
        for found, needed in ((examined, chosen), *((found, users) for found in apart)):
            for key, configuration in find_stores(needed, plan.scheme).items():
                _preprocess(found, (configuration, Store(folder=workspace.store(key))), waiting, progress)
        # Not before everything has gone well: a planning that is refused leaves the workspace as it was.
        examined.write(workspace)
        for found in apart:
            found.write(workspace.unlabelled)
        write_json(workspace.splits(plan.name), splits)
        write_json(workspace.plan(plan.name), plan)
    return workspace, plan


def _refuse_place(workspace: Workspace, plan_name: str, sources: Sequence[tuple[Path | None, Dataset | None]]) -> None:
    """Make sure that the workspace lies apart from all raw files, and that its plans' names can be told apart."""
    for place, dataset in sources:
        if place is not None and dataset is not None:
            refuse_workspace_place(place, dataset, workspace)
    refuse_similar_plan(workspace, plan_name)


def _make_splits(fingerprint: DatasetFingerprint, options: PlanningOptions, plan: Plan) -> Splits:
    """Deal out folds as the plan does, or by subject where that was asked for."""
    return make_splits(fingerprint, options.seed, "by_subject" if options.splits == BY_SUBJECT else plan.folds)


def _complete(made: Splits, plan: Plan, dataset: Dataset, unlabelled: Dataset | None) -> Splits:
    """Return folds with what else there is of cases: scans without labels, and those that some configurations want."""
    subsets = choose_subsets((one.only_cases for one in plan.configurations), dataset.cases)
    return replace(made, unlabelled=list_names(unlabelled), subsets=subsets)


def _report_changes(workspace: Workspace, plan: Plan, fingerprint: DatasetFingerprint, progress: Progress) -> None:
    """Say what of the workspace was made from other files, other labels or another plan."""
    report_changed_contents(workspace, fingerprint, progress)
    report_other_labels(workspace, plan, progress)
    report_other_plan(workspace, plan, progress)


def _read_given(splits: Path | Splits | str | None, dataset: Dataset) -> Splits | None:
    """Return the folds that a person asked for, or None."""
    if splits is None or splits == BY_SUBJECT or isinstance(splits, Splits):
        return splits if isinstance(splits, Splits) else None
    return read_splits(splits, find_units(dataset.cases)) if isinstance(splits, Path) else split_by_site(dataset.cases)


def _refuse_options(options: PlanningOptions) -> None:
    """Find out at once what would otherwise be reported after the whole data set was read."""
    check_folder_name(options.plan_name, "a plan (--plan-name)")
    machine, memory_gb = choose_machine(profile_machine(), options.planner, options.gpu_memory_gb)
    choose_rules((), options.switches)
    refuse_unknown_parts(options.assignments)
    refuse_unknown_fields(options.assignments)
    if options.like is None:  # else the names are those of the model that is followed
        refuse_impossible_names(options.name_configurations(), options.planner, machine, memory_gb)
    check_seed("--seed", options.seed)
    _refuse_scale(options)
    if options.max_hours is not None:
        check_hours("--max-hours", options.max_hours)


def _refuse_scale(options: PlanningOptions) -> None:
    check_scale(options.scale)
    if options.scale != FULL_SIZE and options.like is not None:
        raise PlanError("--like takes the network of a trained model, and --scale makes it narrower: give one of them.")


def _refuse_newer(workspace: Workspace, plan: str) -> None:
    """Leave alone what a newer version of autoseg made."""
    refuse_newer(workspace.dataset, Dataset)
    refuse_newer(workspace.fingerprint, DatasetFingerprint)
    refuse_newer(workspace.plan(plan), Plan)


def _list_plans(workspace: Workspace, plan_name: str) -> tuple[Path, ...]:
    """Return the files of a workspace's plans, that of the plan to make first."""
    return tuple(map(workspace.plan, dict.fromkeys((plan_name, *workspace.plan_names()))))


def _plan(
    fingerprint: DatasetFingerprint, options: PlanningOptions, known: Sequence[Path], unlabelled: Dataset | None
) -> Plan:
    machine, memory_gb = choose_machine(profile_machine(), options.planner, options.gpu_memory_gb)
    if options.max_hours is not None and machine == profile_machine():
        machine = _find_speed(machine, known)
    request = PlanRequest(
        name=options.plan_name,
        planner=options.planner,
        machine=machine,
        memory_gb=memory_gb,
        seed=options.seed,
        switches=options.switches,
        max_hours=options.max_hours,
        unlabelled=len(unlabelled.cases) if unlabelled else 0,
        halves=find_assigned_halves(options.assignments),
    )
    plan = make_plan(fingerprint, request)
    plan = scale_plan(plan, options.scale) if options.like is None else follow(plan, options.like)
    return set_values(plan, options.assignments)


def _find_speed(machine: MachineProfile, plans: Sequence[Path]) -> MachineProfile:
    """Return the machine with its speed: as the first of earlier plans found it, or measured.

    Every measurement differs a little: folds that were begun with a plan could not go on with another one, and plans
    that are to differ by a seed alone would differ in their steps.
    """
    for path in plans:
        with suppress(FileFormatError):
            known = read_json(path, Plan).machine
            if known.multiplications_per_second and replace(known, multiplications_per_second=None) == machine:
                return known
    return measure_speed(machine)


def _preprocess(
    found: Inspected, target: tuple[Configuration, Store], waiting: WaitingScans, progress: Progress
) -> None:
    (configuration, store), dataset = target, found.dataset
    measured = {case.case: case for case in found.fingerprint.cases}
    gate = MemoryGate(limit_bytes=choose_limits().memory_bytes)

    def preprocess(case: Case) -> None:
        if case.name in missing:
            known, parameters = measured[case.name], configuration.preprocessing
            with gate.hold(estimate_preparing(known, parameters.spacing_mm)):
                scan = waiting.take(case.name) or _read_again(dataset, case)
                store.write(case.name, prepare(scan, parameters, dataset.labels.index_count()), known.identities)

    def try_one(case: Case) -> Failure | None:
        failure = attempt(case.name, "cannot be preprocessed", partial(preprocess, case))
        task.advance()
        return failure

    title = "Preprocessing" if dataset.labels.labels else "Preprocessing scans without labels"
    with progress.task(title, len(dataset.cases)) as task, ThreadPoolExecutor(count_cores()) as pool:
        held = pool.map(lambda case: store.holds(case.name, measured[case.name].identities), dataset.cases)
        missing = {case.name for case, there in zip(dataset.cases, held, strict=True) if not there}
        older = sum(map(store.is_of_other_code, missing))
        if older:
            progress.say(_describe_older(older))
        replaced = any(store.has(name) for name in missing)
        what = "a training that reads these arrays, some of which would be replaced"
        with locked(store.folder.root, what) if replaced else nullcontext():
            # Every case is tried, and all that failed are reported together.
            failures = [failure for failure in pool.map(try_one, dataset.cases) if failure]
    if failures:
        raise DataError(
            f"{dataset.root}: {len(failures)} of {counted(len(dataset.cases), 'case')} could not be preprocessed:\n"
            f"{list_failures(failures)}\nCorrect them or take them out, then give the same command again: what was "
            "finished is kept."
        )


def _describe_older(cases: int) -> str:
    """Return a sentence about cases that another version of autoseg has preprocessed."""
    were, again = counted(cases, "case was", "cases were"), "is" if cases == 1 else "are"
    return (
        f"{were} preprocessed by another version of autoseg, and {again} preprocessed again. Folds that are begun go "
        "on with the new arrays; the changelog says what these change."
    )


def _read_again(dataset: Dataset, case: Case) -> Scan:
    scan, findings = read_case(case, dataset.channels, dataset.labels)
    if scan is None:
        raise DataError(f"case {case.name}: changed while it was worked on: {findings[0].message}")
    return scan
