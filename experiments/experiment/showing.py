"""A recipe in tables and sentences: its source, and the plan that follows from a data set; and what a run left."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.hardware import profile_machine
from autoseg.pipeline.plans.explaining import find_fingerprint
from autoseg.training.record import TrainingRecord, read_record
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.geometry import show_lengths, show_spacing
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title
from dataset_fingerprints.sizes import GIB, show_gib
from experiments.experiment.planning import PlannedRecipe
from experiments.experiment.running import Training
from experiments.experiment.scoring import score_folds
from experiments.recipes import Recipe, find_recipe
from planners.choices import Choice, leave_out_defaults, resolve
from planners.editing.explain import describe_cases, describe_choice, describe_scale, describe_view
from planners.networks.memory_decisions import predict_configuration
from planners.order import find_configuration
from planners.parts import LOSSES, NETWORKS, OPTIMIZERS, SCHEDULES, WEIGHTS
from planners.parts.schedules import PolyOptions
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import choose_machine, make_plan
from planners.sizing.growth import describe_patch, list_sizes

# Of a GPU, where the source does not say what it trained on.
USUAL_MEMORY_GB = 24.0
# Trainings of more than this many times their time are told.
LONGER = 1.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table, and what is to be said of it; without rows only the latter."""

    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    remarks: tuple[str, ...] = ()

    def only(self, columns: Sequence[str]) -> tuple[tuple[str, ...], list[list[str]]]:
        """Return some of the columns, and the rows with these alone."""
        places = [self.columns.index(column) for column in columns]
        return tuple(columns), [[row[place] for place in places] for row in self.rows]


def describe_recipe(name: str, place: Path, gpu_memory_gb: float | None = None) -> tuple[Table, ...]:
    """Return what a recipe's source says, what was chosen, and its plan at full size.

    Args:
        name: of the recipe.
        place: a workspace, a fingerprint.json, or the name of a published data set.
        gpu_memory_gb: of the GPU to plan for; None for what the source trained on, or 24.

    Raises:
        AutosegError: there is no such recipe or data set, or the recipe is not for it.
    """
    recipe = find_recipe(name)
    return (*_describe_source(name, recipe), describe_plan(plan_at_full_size(name, place, gpu_memory_gb), recipe))


def plan_at_full_size(name: str, place: Path, gpu_memory_gb: float | None = None) -> Plan:
    """Return the plan of a recipe for a data set, on a GPU, with scans without labels where it trains on such.

    Raises:
        AutosegError: there is no such recipe or data set, or the recipe is not for it.
    """
    recipe = find_recipe(name)
    usual = recipe.memory_gb or USUAL_MEMORY_GB
    machine, memory_gb = choose_machine(profile_machine(), name, usual if gpu_memory_gb is None else gpu_memory_gb)
    request = PlanRequest(name=name, planner=name, machine=machine, memory_gb=memory_gb, unlabelled=recipe.unlabelled)
    return make_plan(find_fingerprint(place), request)


def _describe_source(name: str, recipe: Recipe) -> Iterator[Table]:
    yield Table(title=name, remarks=(recipe.title, f"Source: {recipe.citation}", f"Data: {recipe.data}"))
    yield describe_published(recipe)
    for title, sentences in (
        ("Not stated: chosen", recipe.not_stated),
        ("Stated, and otherwise here", recipe.deviations),
    ):
        if sentences:
            yield Table(title=title, remarks=tuple(f"- {sentence}" for sentence in sentences))


def describe_published(recipe: Recipe) -> Table:
    """Return the figures that a recipe's source publishes, a row each."""
    figures = tuple((one.of, one.measure, one.value, str(one.n or "-")) for one in recipe.published)
    title = "Published figures, none of them ours" if figures else "Published figures: none are stated"
    return Table(title=title, columns=("of", "measure", "value", "n"), rows=figures)


def describe_plan(plan: Plan, recipe: Recipe) -> Table:
    """Return a plan's configurations, a row each, and how they predict."""
    described = [_describe_configuration(plan, entry) for entry in plan.configurations]
    return Table(
        title=mark_title(f"Planned for {plan.dataset} on {plan.machine.name}, {plan.memory_gb:g} GiB", plan.simulated),
        columns=("what", *(entry.name for entry in plan.configurations)),
        rows=tuple((what, *(values[what] for values in described)) for what in described[0]),
        remarks=tuple(_remark(plan, recipe)),
    )


def _remark(plan: Plan, recipe: Recipe) -> Iterator[str]:
    known = {one.name: one for one in plan.configurations}
    used = _describe_members([known[name] for name in plan.predicting()])
    yield f"Predicts with {used}{_after(recipe.postprocessing)}."
    if describe_scale(plan.scale):
        yield f"Scale: {describe_scale(plan.scale)}."
    taught = _join(one.name for one in plan.configurations if one.pseudo_labels is not None)
    if taught:
        yield (
            f"Planned as with scans without labels, which train {taught} too: name yours with `--unlabelled` when you "
            f"run or compare the recipe. Without any it is planned without {taught}."
        )
    yield from map(_describe_sizes, (one for one in plan.configurations if len(list_sizes(one)) > 1))
    needed = {one.name: predict_configuration(plan, one).total() / GIB for one in plan.configurations}
    large = [f"{name} ({show_gib(memory)})" for name, memory in needed.items() if memory > plan.memory_gb]
    if large:
        yield (
            f"Memory: more than the {show_gib(plan.memory_gb)} planned for is needed by {_join(large)}. The "
            "recipe fixes its size: train it on a larger GPU, or smaller with `--scale`."
        )


def _describe_members(configurations: Sequence[Configuration]) -> str:
    """Return in words which configurations predict together: their mean, or those of different labels side by side."""
    names = _join(one.name for one in configurations)
    if len(configurations) == 1:
        return names
    return f"the mean of {names}" if len({one.targets for one in configurations}) == 1 else f"{names} together"


def _join(names: Iterable[str]) -> str:
    *first, last = ("", *names)
    return f"{', '.join(first[1:])} and {last}" if first[1:] else last


def _describe_sizes(configuration: Configuration) -> str:
    """Return the sizes that a training's batches grow through, and the steps of each."""
    sizes = list_sizes(configuration)
    steps = configuration.training.iterations / len(sizes)
    listed = ", ".join(f"{size.batch_size:,} of {show_lengths(size.network_patch())}" for size in sizes)
    title = f"Growth of {configuration.name} (patches of voxels)"
    return f"{title}: {counted(len(sizes), 'size')}, about {steps:,.0f} steps each: {listed}."


def _describe_configuration(plan: Plan, configuration: Configuration) -> dict[str, str]:
    network = resolve(configuration.network, NETWORKS, "network")
    patch, training = configuration.network_patch(), configuration.training
    layers = network.layers(plan.input_channels(configuration), plan.output_channels(configuration), patch)
    return {
        "uses": ", ".join(configuration.needs()) or "nothing of others",
        "looks at": describe_view(plan, configuration),
        "trains on": describe_cases(configuration),
        "voxel size": f"{show_spacing(configuration.preprocessing.spacing_mm)} mm",
        "patch": describe_patch(configuration),
        "batch": str(configuration.batch_size),
        "network": network.describe(),
        "layers": f"{layers.count_convolutions()} convolutions",
        "weights": f"{layers.parameters() / 1e6:.1f} million",
        "memory to train": show_gib(predict_configuration(plan, configuration).total() / GIB),
        "loss": _show_choice(training.loss, LOSSES),
        "optimiser": _show_choice(training.optimizer, OPTIMIZERS),
        "schedule": _show_schedule(training.schedule),
        "weights kept": _show_choice(training.weights, WEIGHTS),
        "steps": f"{training.iterations:,}",
    }


def _show_choice(choice: Choice, table: Mapping[str, type]) -> str:
    """Return a part with its rate, and those of its options that are not as usual."""
    return describe_choice(leave_out_defaults(choice, table, keep=("lr",)))


def _show_schedule(choice: Choice) -> str:
    constant = isinstance(options := resolve(choice, SCHEDULES, "schedule"), PolyOptions) and options.exponent == 0
    return f"{_show_choice(choice, SCHEDULES)}: a constant rate" if constant else _show_choice(choice, SCHEDULES)


def _after(postprocessing: Sequence[Choice]) -> str:
    return f"; then {', '.join(map(describe_choice, postprocessing))}" if postprocessing else ""


def describe_run(
    workspace: Workspace, planned: PlannedRecipe, trainings: Mapping[str, Sequence[Training]], *, scored: bool = True
) -> Iterator[str]:
    """Yield what a run of a recipe trained, the scores of its folds, and how to predict with it, each once.

    Args:
        workspace: with the trainings.
        planned: the recipe.
        trainings: by the fold that they are behind; several folds may share some.
        scored: whether the folds are scored, which takes a while where several configurations predict.
    """
    plan = planned.plan
    each = {(one.configuration, one.fold): one for of_fold in trainings.values() for one in of_fold}
    yield from describe_trainings(workspace, plan, tuple(each.values()))
    if describe_scale(plan.scale):
        yield f"Scale: {describe_scale(plan.scale)}."
    if scored:
        yield from dict.fromkeys(line for fold in trainings for line in describe_scores(workspace, planned, fold))
    words = ("autoseg", "predict", "SCANS", "-o", "MASKS", "-w", str(workspace.root), "--plan", plan.name)
    command = shlex.join((*words, *_name_chosen(workspace, planned)))
    left_out = ", ".join(map(describe_choice, planned.recipe.postprocessing))
    without = f" Its masks are without {left_out}, with which the scores are made." if left_out else ""
    yield f"Predict: `{command}`.{without}"


def _name_chosen(workspace: Workspace, planned: PlannedRecipe) -> Iterator[str]:
    """Yield options that name the configurations that predict, unless these predict where none is named."""
    if planned.names() == planned.plan.predicting() and not workspace.selection(planned.plan.name).exists():
        return
    for name in planned.names():
        yield from ("-c", name)


def describe_trainings(workspace: Workspace, plan: Plan, trainings: Sequence[Training]) -> Iterator[str]:
    """Yield how long each of some trainings was, as far as they are begun."""
    for training in trainings:
        record = read_record(workspace.fold(plan.name, training.configuration, training.fold))
        if record is not None:
            planned = find_configuration(plan.configurations, training.configuration, f"plan {plan.name}")
            length = _describe_length(record, planned.training.iterations, training.minutes)
            yield f"{training.configuration}, fold {training.fold}: {length}."


def _describe_length(record: TrainingRecord, planned: int, minutes: float | None) -> str:
    """Return how long a training was, in steps and minutes, and whether that is more than it had."""
    spent, over = record.seconds / 60, ""
    if minutes is not None and spent > LONGER * minutes:
        over = f", more than the {round(minutes, 2):g} min that it had"
    return f"{record.describe_steps(planned)} in {spent:.1f} min{over}"


def describe_scores(workspace: Workspace, planned: PlannedRecipe, fold: str) -> Iterator[str]:
    """Yield the mean Dice of the cases that a fold did not train on, as the recipe predicts them, and where more is.

    Classes of lesions, which one fold alone cannot judge, do not count.

    Raises:
        WorkspaceError: the fold is not validated.
    """
    plain = replace(planned, plan=replace(planned.plan, lesion_classes=None))
    evaluation, names = score_folds(workspace, plain, [fold]), planned.names()
    of = f", by {_describe_members(planned.predicting())}" if names[1:] else ""
    for label in evaluation.summary:
        dice = label.statistics("dice")
        shown = "is not defined" if dice.mean is None else f"{dice.mean:.3f}"
        word = f", {evaluation.name_of(label.label)}" if len(evaluation.summary) > 1 else ""
        yield f"Dice{word}: {shown} on {counted(dice.n, 'case')} that fold {fold} did not train on{of}."
    tables = [str(workspace.fold(planned.plan.name, name, fold).table) for name in names]
    yield f"Scores of each case: {_join(tables)}."
    if planned.plan.lesion_classes is not None:
        levels = shlex.join(("autoseg", "experiment", "levels", planned.recipe.name, "-w", str(workspace.root)))
        yield f"Scores by class, from two trained folds on: `{levels}`."
