"""Check that the parts of a plan exist and its values fit together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import FileFormatError, PlanError
from dataset_fingerprints.names import counted
from planners.choices import Checked, Choice, resolve
from planners.editing.label_checks import find_box_problems
from planners.editing.range_checks import (
    find_channel_problems,
    find_data_problems,
    find_machine_problems,
    find_option_size_problems,
    find_patch_problems,
    find_range_problems,
)
from planners.order import find_order_problems
from planners.parts import AUGMENTATIONS, LESION_CLASSIFIERS, NETWORKS, PARTS
from planners.plan import Configuration, Plan
from planners.run import Run
from planners.sizing.growth import find_growth_problems
from planners.targets import choose_scheme, find_target_problems

# Slices on either side that a 2D network may see as channels.
MOST_NEIGHBOURS = 64


def check_plan(plan: Plan) -> None:
    """Make sure that a plan can be trained.

    Raises:
        PlanError: parts that do not exist, or values that contradict each other; the message lists all of them.
    """
    problems = list(_find_shared_problems(plan))
    names = [configuration.name for configuration in plan.configurations]
    if plan.max_hours is not None and not 0 < plan.max_hours < math.inf:
        problems.append(f"max_hours is {plan.max_hours}. Expected more than 0.")
    if not names:
        problems.append("it has no configurations. Expected one or more.")
    elif plan.default_configuration not in names:
        problems.append(f"default_configuration is '{plan.default_configuration}'. Expected {' or '.join(names)}.")
    problems += _find_ensemble_problems(plan, names)
    # Of labels that do not exist none can be counted.
    problems += _find_classifier_problems(plan, sound=not problems)
    if problems:
        raise PlanError("The plan does not fit together: " + " ".join(problems))


def _find_ensemble_problems(plan: Plan, names: Sequence[str]) -> Iterator[str]:
    unknown = [name for name in plan.ensemble if name not in names]
    if unknown:
        yield f"ensemble holds '{unknown[0]}'. Expected some of {', '.join(names)}."
    if len({*plan.ensemble}) < len(plan.ensemble):
        yield f"ensemble is {', '.join(plan.ensemble)}. Expected each name once."


def _find_classifier_problems(plan: Plan, *, sound: bool) -> Iterator[str]:
    """Yield what is wrong with a plan's classifier of lesions and, where all else is sound, with the labels for it."""
    if plan.lesion_classes is None:
        return
    try:
        options: object = resolve(plan.lesion_classes, LESION_CLASSIFIERS, LESION_CLASSIFIERS.word)
    except (PlanError, FileFormatError) as error:
        yield str(error)
        return
    if isinstance(options, Checked):
        yield from (f"lesion_classes, {plan.lesion_classes.name}: {problem}" for problem in options.find_problems())
    for configuration in plan.configurations if sound else ():
        targets = len(plan.scheme_of(configuration).heads().targets())
        if configuration.name == plan.default_configuration and targets != 1:
            yield (
                f"lesion_classes is {plan.lesion_classes.name}, but {configuration.name} tells {targets} labels or "
                f"regions apart itself. Expected one, whose lesions are given classes. {_advise_on_targets(plan)}"
            )


def _advise_on_targets(plan: Plan) -> str:
    """Return how a plan whose default configuration tells labels apart comes by lesions without classes."""
    without = "leave the classifier out (--set lesion_classes=null)"
    if plan.scheme.regions:  # which `targets` cannot merge
        return f"Write the regions as one label in the data set, or {without}."
    values = ",".join(map(str, plan.scheme.values()))
    return f"Learn all labels as one (--set '{plan.default_configuration}.targets=[[{values}]]'), or {without}."


def check_run(run: Run) -> None:
    """Make sure that what a fold was begun with can be trained on and predicted with.

    Raises:
        PlanError: it cannot; the message lists all reasons.
    """
    problems = list(_find_shared_problems(run))
    if not run.configurations or run.own().name != run.configuration:
        problems.append(f"its last configuration is not '{run.configuration}', which it is said to train.")
    if problems:
        raise PlanError("What the fold was begun with (run.json) does not fit together: " + " ".join(problems))


def _find_shared_problems(plan: Plan | Run) -> Iterator[str]:
    in_data = list(find_data_problems(plan.scheme, plan.channels))
    for configuration in plan.configurations:
        yield from _find_problems(configuration)
        found = len(configuration.preprocessing.normalization)
        if found != len(plan.channels):
            yield (
                f"{configuration.name}.preprocessing.normalization holds {found} for "
                f"{counted(len(plan.channels), 'channel')}. "
                "Expected one for each."
            )
        yield from find_channel_problems(configuration, plan.channels)
        yield from () if in_data else _find_label_problems(configuration, plan.scheme)
    in_order = list(find_order_problems(plan.configurations))
    yield from in_order
    if not in_order and not in_data and not any(_list_target_problems(plan)):
        yield from find_box_problems(plan.scheme, plan.configurations)
    yield from in_data
    yield from find_machine_problems(plan.machine, plan.memory_gb, plan.seed)


def _list_target_problems(plan: Plan | Run) -> Iterator[str]:
    for configuration in plan.configurations:
        yield from find_target_problems(configuration.name, configuration.targets, plan.scheme)


def _find_label_problems(configuration: Configuration, scheme: LabelScheme) -> Iterator[str]:
    """Yield what of a configuration does not fit to the labels of the data set, which are sound."""
    in_targets = list(find_target_problems(configuration.name, configuration.targets, scheme))
    yield from in_targets
    if not in_targets:
        learned = choose_scheme(scheme, configuration.targets)
        yield from _find_halves_problems(configuration, learned)
        yield from _find_weight_problems(configuration, learned.heads().count())


def _find_halves_problems(configuration: Configuration, scheme: LabelScheme) -> Iterator[str]:
    if configuration.halves is None:
        return
    where = f"{configuration.name}.halves"
    yield from (f"{where}: {problem}" for problem in configuration.halves.find_problems(scheme))
    if configuration.preprocessing.nnunet is not None:
        yield f"{where} is of our own preprocessing, and preprocessing.nnunet is that of nnU-Net. Expected one of them."


def find_choices(configuration: Configuration) -> Iterator[tuple[str, Choice]]:
    """Yield every field of a configuration that names a part, and the choice; lists are yielded one by one."""
    for field in PARTS:
        value: Any = configuration
        for name in field.split("."):
            value = getattr(value, name)
        yield from ((field, choice) for choice in ((value,) if isinstance(value, Choice) else value))


def _find_problems(configuration: Configuration) -> Iterator[str]:
    unknown = list(_find_part_problems(configuration))
    if unknown:
        yield from unknown
        return
    out_of_range = list(find_range_problems(configuration))
    for field, choice in find_choices(configuration):
        out_of_range += find_option_size_problems(choice, f"{configuration.name}.{field}, {choice.name}")
    if out_of_range:
        yield from out_of_range
        return
    network = resolve(configuration.network, NETWORKS, "network")
    axes = len(configuration.network_axes())
    in_network = [f"{configuration.name}.network.options.{problem}" for problem in network.find_shape_problems(axes)]
    in_patch = in_network or list(find_patch_problems(configuration, network))
    yield from in_patch or find_growth_problems(configuration)
    if configuration.training.recomputed and not network.recomputable():
        yield (
            f"{configuration.name}.training.recomputed is true, but this network cannot be recomputed: running "
            "averages of batch norms would count every batch twice. Expected false, or network.options.norm=instance."
        )
    yield from _find_neighbour_problems(configuration)
    yield from _find_option_problems(configuration)


def _find_neighbour_problems(configuration: Configuration) -> Iterator[str]:
    found = configuration.neighbours
    if not 0 <= found <= MOST_NEIGHBOURS:
        yield f"{configuration.name}.neighbours is {found}. Expected 0 to {MOST_NEIGHBOURS} slices on either side."
    elif found and configuration.slice_axis < 0:
        yield f"{configuration.name}.neighbours is {found}, of a 3D configuration. Expected 0: it sees all slices."


def _find_part_problems(configuration: Configuration) -> Iterator[str]:
    for field, choice in find_choices(configuration):
        try:
            resolve(choice, PARTS[field], PARTS[field].word)
        except (PlanError, FileFormatError) as error:
            yield f"{configuration.name}: {error}"


def _find_option_problems(configuration: Configuration) -> Iterator[str]:
    """Find options beyond their limits, and augmentations that exclude each other."""
    for field, choice in find_choices(configuration):
        options: object = resolve(choice, PARTS[field], field)
        if isinstance(options, Checked):
            where = f"{configuration.name}.{field}, {choice.name}"
            yield from (f"{where}: {problem}" for problem in options.find_problems())
    chosen = configuration.sampling.augmentations
    turning = [entry.name for entry in chosen if resolve(entry, AUGMENTATIONS, "augmentation").turns_patches()]
    if len(turning) > 1:
        where = f"{configuration.name}.sampling.augmentations"
        yield f"{where} holds {', '.join(turning)}. Expected at most one that turns patches."


def _find_weight_problems(configuration: Configuration, heads: int) -> Iterator[str]:
    """Find weights of classes that are not one for each."""
    weights = configuration.training.loss.options.get("class_weights")
    if isinstance(weights, list) and weights and len(weights) != heads:
        yield (
            f"{configuration.name}.training.loss.options.class_weights holds {counted(len(weights), 'number')}. "
            f"Expected {heads}: of background and every label, or of every region."
        )
