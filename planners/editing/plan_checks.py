"""Check that the parts of a plan exist and its values fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dataset_fingerprints.errors import FileFormatError, PlanError
from dataset_fingerprints.geometry import AXIS_NAMES, show_lengths, show_spacing
from planners.choices import Checked, Choice, resolve
from planners.networks.topology import pad_up
from planners.order import find_order_problems
from planners.parts import AUGMENTATIONS, NETWORKS, PARTS
from planners.parts.networks import NetworkOptions
from planners.plan import Configuration, Plan

# Names of plans and configurations are names of folders.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_plan(plan: Plan) -> None:
    """Make sure that a plan can be trained.

    Raises:
        PlanError: parts that do not exist, or values that contradict each other; the message lists all of them.
    """
    problems = [problem for configuration in plan.configurations for problem in _find_problems(configuration)]
    problems += find_order_problems(plan.configurations)
    names = [configuration.name for configuration in plan.configurations]
    problems += [
        f"'{name}' cannot be a folder's name. Expected letters, digits, dots, dashes and underscores."
        for name in (plan.name, *names)
        if not NAME.fullmatch(name)
    ]
    if plan.seed < 0:
        problems.append(f"seed is {plan.seed}. Expected 0 or more.")
    if not names:
        problems.append("it has no configurations. Expected one or more.")
    elif plan.default_configuration not in names:
        problems.append(f"default_configuration is '{plan.default_configuration}'. Expected {' or '.join(names)}.")
    if problems:
        raise PlanError("The plan does not fit together: " + " ".join(problems))


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
    network = resolve(configuration.network, NETWORKS, "network")
    axes = len(configuration.network_axes())
    in_network = [f"{configuration.name}.network.options.{problem}" for problem in network.find_shape_problems(axes)]
    yield from in_network or _find_patch_problems(configuration, network)
    if configuration.training.recomputed and not network.recomputable():
        yield (
            f"{configuration.name}.training.recomputed is true, but this network cannot be recomputed: running "
            "averages of batch norms would count every batch twice. Expected false, or network.options.norm=instance."
        )
    yield from _find_range_problems(configuration)
    yield from _find_option_problems(configuration)


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


def _find_patch_problems(configuration: Configuration, network: NetworkOptions) -> Iterator[str]:
    axes, patch = configuration.network_axes(), configuration.patch_shape
    field = f"{configuration.name}.patch_shape"
    if min(patch) < 1:
        yield f"{field} is {show_lengths(patch)}. Expected positive lengths."
        return
    if configuration.slice_axis >= 0 and patch[configuration.slice_axis] != 1:
        yield (
            f"{field} is {show_lengths(patch)}, but slices have length 1 along {AXIS_NAMES[configuration.slice_axis]}. "
            "Put a configuration's name before the field to change that one only."
        )
    seen, divisors = configuration.network_patch(), network.divisors()
    fitting = pad_up(seen, divisors)
    if fitting != seen:
        names = ", ".join(AXIS_NAMES[axis] for axis in axes)
        yield (
            f"{field} is {show_lengths(seen)} along {names}, but the network needs multiples of "
            f"{show_lengths(divisors)}. The next larger patch is {show_lengths(fitting)}."
        )


def _find_range_problems(configuration: Configuration) -> Iterator[str]:
    training, prediction = configuration.training, configuration.prediction
    ranges: tuple[tuple[str, float, bool, str], ...] = (
        ("batch_size", configuration.batch_size, configuration.batch_size >= 1, "1 or more"),
        ("training.iterations", training.iterations, training.iterations >= 1, "1 or more"),
        ("training.gradient_clip", training.gradient_clip, training.gradient_clip > 0, "more than 0"),
        ("training.validation_cases", training.validation_cases, training.validation_cases >= 0, "0 or more"),
        ("training.validation_rounds", training.validation_rounds, training.validation_rounds >= 0, "0 or more"),
        ("prediction.step_share", prediction.step_share, 0 < prediction.step_share <= 1, "more than 0, at most 1"),
        (
            "prediction.gaussian_sigma_share",
            prediction.gaussian_sigma_share,
            prediction.gaussian_sigma_share > 0,
            "more than 0",
        ),
    )
    for field, value, fits, expected in ranges:
        if not fits:
            yield f"{configuration.name}.{field} is {value}. Expected {expected}."
    if min(configuration.preprocessing.spacing_mm) <= 0:
        found = show_spacing(configuration.preprocessing.spacing_mm)
        yield f"{configuration.name}.preprocessing.spacing_mm is {found}. Expected three lengths above 0."
    for entry in configuration.crops():
        if entry.margin_mm < 0 or not 0 < entry.threshold <= 1:
            yield (
                f"{configuration.name}.inputs: the crop to {entry.configuration} has a margin of {entry.margin_mm:g} "
                f"mm and a threshold of {entry.threshold:g}. Expected 0 mm or more, and more than 0, at most 1."
            )
    outside = [axis for axis in prediction.mirror_axes if axis not in configuration.network_axes()]
    if outside:
        axes = configuration.network_axes()
        yield f"{configuration.name}.prediction.mirror_axes holds {outside}. Expected some of {list(axes)}."
