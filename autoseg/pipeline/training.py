"""`train`: one fold, all folds, or one model of all cases."""

from __future__ import annotations

import importlib.metadata
import math
import platform
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from autoseg.evaluation import Evaluation, read_evaluation, summarise, write_evaluation
from autoseg.hardware import autocast_type, choose_device, count_cores
from autoseg.pipeline.observing import make_observers
from autoseg.pipeline.parts import check_parts
from autoseg.pipeline.planning import find_configuration
from autoseg.pipeline.stages import StageInput, find_input, missing_folds
from autoseg.pipeline.validation import METRICS_FILE, TrainingValidator, validate_fold
from autoseg.prediction import load_ensemble, make_window
from autoseg.preprocessing import Store
from autoseg.progress import Progress
from autoseg.sampling import ResidentCase, add_previous, make_resident_case
from autoseg.training.folder import FoldFolder, RunRecord
from autoseg.training.setting import Setup
from autoseg.training.trainer import Trainer
from autoseg.workspace import FULL, Workspace, locked
from dataset_fingerprints.atomic import sweep
from dataset_fingerprints.errors import PlanError, WorkspaceError
from dataset_fingerprints.jsonfiles import read_json, write_json
from planners.budgets import PLANNED_SHARE
from planners.memory import GIB, resident_bytes
from planners.memory_decisions import predict_configuration
from planners.overrides import set_values
from planners.plan import Configuration, Fold, Plan, Splits

CROSS_VALIDATION_FILE = "cross_validation.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingOptions:
    """What a person may say about training; everything has a default.

    Attributes:
        configuration: None for the plan's default.
        iterations: in place of the plan's; more than a finished fold has done extend it.
        max_minutes: of training per fold, the final validation not counted in; None for the plan's iterations.
        patience: rounds of validation without a new best after which a fold ends; None for an earlier start's, or none.
        assignments: `--set` values.
        with_previous: of a cascade's first stage, train what folds are missing.
    """

    plan_name: str = "default"
    configuration: str | None = None
    iterations: int | None = None
    max_minutes: float | None = None
    patience: int | None = None
    assignments: tuple[str, ...] = ()
    with_previous: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """One fold to train: everything resolved."""

    plan: Plan
    configuration: Configuration
    fold: str
    cases: Fold
    inputs: StageInput
    folder: FoldFolder
    max_minutes: float | None
    patience: int | None

    def extends(self, record: RunRecord) -> bool:
        """Tell whether a trained fold is asked for more steps, or more time, than it has had."""
        if self.max_minutes is not None:
            return self.max_minutes > max(record.max_minutes or 0.0, record.seconds / 60)
        return record.max_minutes is None and self.configuration.training.iterations > record.planned_iterations


def train_fold(workspace: Workspace, fold: str, options: TrainingOptions, progress: Progress) -> Evaluation | None:
    """Train one fold, or go on with it, and validate it.

    Args:
        workspace: with a plan and preprocessed cases.
        fold: a number, or `full` for one model of all cases.
        options: what a person said.
        progress: who listens.

    Returns:
        The fold's scores, or None for `full`, which leaves no case to judge it by.

    Raises:
        AutosegError: something is missing, differs from an earlier start, or another process trains the fold.
    """
    _refuse_options(options)
    if options.with_previous:
        _train_previous(workspace, options, progress)
    job = _resolve(workspace, fold, options)
    check_parts(job.configuration)
    with locked(job.folder.root, f"fold {fold}"):
        sweep(job.folder.root, *job.folder.root.rglob("validation/**/"))
        job.folder.claim(replace(job.plan, configurations=(job.configuration,)))
        record = job.folder.read_run()
        if record is not None and record.status != "training" and job.extends(record):
            _forget_validation(job.folder)
            record = replace(record, status="training")
        if record is None or record.status == "training":
            record = _train(job, record, progress)
        if not job.cases.validation:
            return None
        if record.status == "finished":
            progress.say(f"Fold {fold} is finished.")
            return read_evaluation(job.folder.validation / METRICS_FILE)
        ensemble = load_ensemble([job.folder.root], choose_device(), mirror=True)
        evaluation = validate_fold(ensemble, job.inputs, job.cases.validation, job.folder.validation, progress)
        write_json(job.folder.run, replace(record, status="finished"))
        return evaluation


def _train_previous(workspace: Workspace, options: TrainingOptions, progress: Progress) -> None:
    """Train and validate the folds of the first stage that are missing; nothing for what starts from the scan."""
    plan, splits = read_plan(workspace, options.plan_name)
    first = find_configuration(plan, options.configuration or plan.default_configuration).previous_stage
    earlier = replace(options, configuration=first, with_previous=False)
    for fold in missing_folds(workspace, plan, splits, first) if first else ():
        progress.say(f"First stage {first}, fold {fold} of {len(splits.folds)}")
        train_fold(workspace, fold, earlier, progress)


def _refuse_options(options: TrainingOptions) -> None:
    if options.max_minutes is not None and not options.max_minutes > 0:
        raise PlanError(f"The time to train for is {options.max_minutes:g} minutes. Expected more than 0.")
    if options.iterations is not None and options.iterations < 1:
        raise PlanError(f"--iterations is {options.iterations}. Expected 1 or more.")
    if options.patience is not None and options.patience < 1:
        raise PlanError(f"--patience is {options.patience}. Expected 1 or more rounds of validation.")


def _forget_validation(folder: FoldFolder) -> None:
    """Remove the scores of weights that are about to change."""
    shutil.rmtree(folder.validation, ignore_errors=True)


def train_all(workspace: Workspace, options: TrainingOptions, progress: Progress) -> Evaluation:
    """Train every fold and summarise them: each case is scored once, by the fold that did not train on it."""
    plan, splits = read_plan(workspace, options.plan_name)
    configuration = options.configuration or plan.default_configuration
    evaluations = []
    for fold in range(len(splits.folds)):
        progress.say(f"Fold {fold} of {len(splits.folds)}")
        evaluation = train_fold(workspace, str(fold), options, progress)
        evaluations.append(evaluation)
    scores = [case for evaluation in evaluations if evaluation for case in evaluation.cases]
    summary = summarise(scores)
    write_evaluation(workspace.configuration(plan.name, configuration) / CROSS_VALIDATION_FILE, summary)
    return summary


def read_plan(workspace: Workspace, name: str) -> tuple[Plan, Splits]:
    """Read a plan and its folds.

    Raises:
        WorkspaceError: there is no such plan.
    """
    path = workspace.plan(name)
    if not path.is_file():
        known = ", ".join(workspace.plan_names()) or "none"
        raise WorkspaceError(
            f"{workspace.root}: has no plan '{name}' (plans: {known}). "
            "Run `autoseg plan_and_preprocess DATASET` to make one."
        )
    return read_json(path, Plan), read_json(workspace.splits(name), Splits)


def _resolve(workspace: Workspace, fold: str, options: TrainingOptions) -> _Job:
    plan, splits = read_plan(workspace, options.plan_name)
    steps = () if options.iterations is None else (f"training.iterations={options.iterations}",)
    plan = set_values(plan, (*options.assignments, *steps))
    configuration = find_configuration(plan, options.configuration or plan.default_configuration)
    cases = _cases_of(splits, fold)
    inputs = find_input(workspace, plan, splits, configuration)
    missing = [case for case in (*cases.train, *cases.validation) if not inputs.store.has(case)]
    if missing:
        raise WorkspaceError(
            f"{workspace.root}: {len(missing)} cases are not preprocessed for {configuration.name}, for example "
            f"{missing[0]}. Run `autoseg plan_and_preprocess DATASET -c {configuration.name}` first."
        )
    return _Job(
        plan=plan,
        configuration=configuration,
        fold=fold,
        cases=cases,
        inputs=inputs,
        folder=FoldFolder(root=workspace.fold(plan.name, configuration.name, fold)),
        max_minutes=options.max_minutes,
        patience=options.patience,
    )


def _cases_of(splits: Splits, fold: str) -> Fold:
    if fold == FULL:
        first = splits.folds[0]
        return Fold(train=tuple(sorted((*first.train, *first.validation))), validation=())
    if not fold.isdigit() or int(fold) >= len(splits.folds):
        raise PlanError(
            f"There is no fold '{fold}'. Give 0 to {len(splits.folds) - 1}, `all` for the whole cross-validation, "
            f"or `{FULL}` for one model of all cases."
        )
    return splits.folds[int(fold)]


def _train(job: _Job, earlier: RunRecord | None, progress: Progress) -> RunRecord:
    device = choose_device()
    minutes = job.max_minutes if job.max_minutes is not None else earlier.max_minutes if earlier else None
    patience = job.patience if job.patience is not None else earlier.patience if earlier else 0
    autocast = autocast_type(device) if job.configuration.training.mixed_precision else torch.float32
    record = RunRecord(
        status="training",
        fold=job.fold,
        configuration=job.configuration.name,
        train_cases=job.cases.train,
        validation_cases=job.cases.validation,
        iterations=0,
        seconds=0.0,
        max_minutes=minutes,
        planned_iterations=job.configuration.training.iterations,
        patience=patience,
        device=_device_name(device),
        autocast=str(autocast).removeprefix("torch."),
        versions=_versions(),
    )
    write_json(job.folder.run, record)
    heads = job.plan.scheme.heads()
    setup = Setup(
        configuration=job.configuration,
        channels=job.plan.input_channels(job.configuration),
        heads=heads,
        cases=_load_cases(job, device, progress),
        validation_cases=job.cases.validation,
        seed=(job.plan.seed, _fold_number(job.fold)),
        max_minutes=minutes,
        patience=patience,
        device=device,
        autocast=autocast,
    )
    window = make_window(job.configuration, heads.count(), device, mirror=False)
    validator = TrainingValidator(inputs=job.inputs, window=window)
    observers = make_observers(job.folder)
    try:
        position = Trainer(setup, job.folder, validator, progress, observers).run()
    finally:
        for observer in observers:
            observer.close()
    record = replace(record, status="trained", iterations=position.iteration, seconds=round(position.seconds, 1))
    write_json(job.folder.run, record)
    return record


def _load_cases(job: _Job, device: torch.device, progress: Progress) -> Sequence[ResidentCase]:
    """Hold the training cases on the device, as many as the training leaves room for; the others in memory."""
    channels = len(job.plan.channels)
    store, cascade = job.inputs.store, bool(job.configuration.previous_stage)
    sizes = [resident_bytes(_voxels(store, case), channels, cascade=cascade) for case in job.cases.train]
    resident = fit_into(sizes, _room_bytes(job, device))
    progress.say(
        f"{len(sizes)} training cases, {sum(sizes) / GIB:.2f} GiB: {sum(resident)} held on the {device.type.upper()}"
        + ("." if all(resident) else ", the others in memory: the training fills the rest of the device.")
    )
    heads, balanced = job.plan.scheme.heads(), job.configuration.sampling.lesion_balance > 0

    def load(case: str, here: bool) -> ResidentCase:
        image, labels = store.read(case)
        home = device if here else torch.device("cpu")
        resident = make_resident_case(case, image, labels, heads, home, find_lesions=balanced)
        mask = job.inputs.read_mask(case)
        return resident if mask is None else add_previous(resident, mask, heads)

    with ThreadPoolExecutor(count_cores()) as pool:
        return list(pool.map(load, job.cases.train, resident))


def fit_into(sizes: Sequence[int], room: float) -> list[bool]:
    """Tell for each of these sizes, in order, whether it still fits into the room that the ones before left."""
    fits = []
    for size in sizes:
        fits.append(size <= room)
        room -= size * fits[-1]
    return fits


def _room_bytes(job: _Job, device: torch.device) -> float:
    """Return what a GPU has free beside the predicted peak of the training; elsewhere all cases share the memory."""
    if device.type != "cuda":
        return math.inf
    free, _ = torch.cuda.mem_get_info()
    return free - predict_configuration(job.plan, job.configuration).tensors() / PLANNED_SHARE


def _voxels(store: Store, case: str) -> int:
    x, y, z = store.read_record(case).shape
    return x * y * z


def _fold_number(fold: str) -> int:
    return 1_000 if fold == FULL else int(fold)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(0) if device.type == "cuda" else f"{device.type}, {count_cores()} cores"


def _versions() -> tuple[tuple[str, str], ...]:
    packages = ("autoseg-lesion", "torch", "numpy")
    # Run from a plain checkout, autoseg itself is not installed.
    installed = {entry.metadata["Name"]: entry.version for entry in importlib.metadata.distributions()}
    known = ((name, installed[name]) for name in packages if name in installed)
    return (("python", platform.python_version()), *known)


def fold_folders(workspace: Workspace, plan: Plan, configuration: str) -> tuple[Path, ...]:
    """Return the folders of a configuration's trained folds; the full model only where there is no other."""
    root = workspace.configuration(plan.name, configuration)
    folds = tuple(path.parent for path in sorted(root.glob("fold_*/weights.safetensors")))
    full = root / FULL
    return folds or ((full,) if (full / "weights.safetensors").is_file() else ())
