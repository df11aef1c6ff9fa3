"""Whether the values of a plan fit together; asked after a person changed some of them."""

from __future__ import annotations

from collections.abc import Iterator

from dataset_fingerprints.errors import PlanError
from planners.networks.topology import find_divisors, pad_up
from planners.plan import Configuration, Plan
from planners.rules.normalization import find_normalization_problems
from planners.rules.spacing import AXIS_NAMES


def check_plan(plan: Plan) -> None:
    """Make sure that a plan can be trained.

    Raises:
        PlanError: values that contradict each other or the network; the message lists all of them.
    """
    problems = [problem for configuration in plan.configurations for problem in _find_problems(configuration)]
    names = [configuration.name for configuration in plan.configurations]
    problems += _find_stage_problems(plan)
    if plan.default_configuration not in names:
        problems.append(f"default_configuration is '{plan.default_configuration}'. Expected {' or '.join(names)}.")
    if problems:
        raise PlanError("The plan does not fit together: " + " ".join(problems))


def _find_problems(configuration: Configuration) -> Iterator[str]:
    topology_problems = list(_find_topology_problems(configuration))
    yield from topology_problems or _find_patch_problems(configuration)
    yield from _find_range_problems(configuration)


def _find_stage_problems(plan: Plan) -> Iterator[str]:
    """Find second stages without a first one. A stage that starts from another one is no first stage."""
    firsts = [entry.name for entry in plan.configurations if not entry.previous_stage]
    for entry in plan.configurations:
        if entry.previous_stage and entry.previous_stage not in firsts:
            yield f"{entry.name}.previous_stage is '{entry.previous_stage}'. Expected {' or '.join(firsts)}."


def _find_topology_problems(configuration: Configuration) -> Iterator[str]:
    topology, axes = configuration.topology, len(configuration.network_axes())
    stages = len(topology.features)
    lengths = {
        "kernels": (len(topology.kernels), stages),
        "strides": (len(topology.strides), stages),
        "encoder_blocks": (len(topology.encoder_blocks), stages),
        "decoder_blocks": (len(topology.decoder_blocks), stages - 1),
    }
    for name, (found, expected) in lengths.items():
        if found != expected:
            yield (
                f"{configuration.name}.topology.{name} has {found} stages, but {stages} features ask for {expected}. "
                "Give the lists together, with one entry per stage."
            )
    for name, rows in (("kernels", topology.kernels), ("strides", topology.strides)):
        if any(len(row) != axes or min(row) < 1 for row in rows):
            yield f"{configuration.name}.topology.{name} is {rows}. Expected {axes} positive numbers per stage."


def _find_patch_problems(configuration: Configuration) -> Iterator[str]:
    axes, patch = configuration.network_axes(), configuration.patch_shape
    field = f"{configuration.name}.patch_shape"
    if min(patch) < 1:
        yield f"{field} is {_times(patch)}. Expected positive lengths."
        return
    if configuration.slice_axis >= 0 and patch[configuration.slice_axis] != 1:
        yield (
            f"{field} is {_times(patch)}, but slices have length 1 along {AXIS_NAMES[configuration.slice_axis]}. "
            "Put a configuration's name before the field to change that one only."
        )
    seen = tuple(patch[axis] for axis in axes)
    divisors = find_divisors(configuration.topology.strides)
    fitting = pad_up(seen, divisors)
    if fitting != seen:
        names = ", ".join(AXIS_NAMES[axis] for axis in axes)
        yield (
            f"{field} is {_times(seen)} along {names}, but the network needs multiples of {_times(divisors)}. "
            f"The next larger patch is {_times(fitting)}."
        )


def _find_range_problems(configuration: Configuration) -> Iterator[str]:
    training, sampling, prediction = configuration.training, configuration.sampling, configuration.prediction
    ranges: tuple[tuple[str, float, bool, str], ...] = (
        ("batch_size", configuration.batch_size, configuration.batch_size >= 1, "1 or more"),
        ("training.iterations", training.iterations, training.iterations >= 1, "1 or more"),
        ("training.gradient_clip", training.gradient_clip, training.gradient_clip > 0, "more than 0"),
        ("training.ema_decay", training.ema_decay, 0 <= training.ema_decay < 1, "0 or more, less than 1"),
        ("training.validation_cases", training.validation_cases, training.validation_cases >= 0, "0 or more"),
        ("training.validation_rounds", training.validation_rounds, training.validation_rounds >= 0, "0 or more"),
        ("sampling.foreground_share", sampling.foreground_share, 0 <= sampling.foreground_share <= 1, "0 to 1"),
        ("sampling.jitter_share", sampling.jitter_share, 0 <= sampling.jitter_share <= 1, "0 to 1"),
        ("sampling.lesion_balance", sampling.lesion_balance, 0 <= sampling.lesion_balance <= 1, "0 to 1"),
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
        found = _times(configuration.preprocessing.spacing_mm)
        yield f"{configuration.name}.preprocessing.spacing_mm is {found}. Expected three lengths above 0."
    for index, choice in enumerate(configuration.preprocessing.normalization):
        for problem in find_normalization_problems(choice):
            yield f"{configuration.name}.preprocessing.normalization.{index} ({choice.name}) {problem}"
    outside = [axis for axis in prediction.mirror_axes if axis not in configuration.network_axes()]
    if outside:
        axes = configuration.network_axes()
        yield f"{configuration.name}.prediction.mirror_axes holds {outside}. Expected some of {list(axes)}."


def _times(lengths: tuple[int, ...] | tuple[float, ...]) -> str:
    return "x".join(f"{length:g}" for length in lengths)
