"""What a plan leaves open to be searched: for each such value, alternatives to the plan's own, as `--set` values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dataset_fingerprints.errors import PlanError, did_you_mean
from dataset_fingerprints.geometry import Triple, show_lengths
from dataset_fingerprints.sizes import GIB, show_gib
from planners.choices import Choice, resolve, to_plain
from planners.editing.overrides import set_values
from planners.editing.step_down import LEAST_BATCH, LEAST_COARSEST
from planners.networks.memory_decisions import predict_configuration
from planners.order import find_configuration
from planners.parts import AUGMENTATIONS, LOSSES, NETWORKS, OPTIMIZERS
from planners.parts.networks.widths import LEAST_FEATURES
from planners.plan import Configuration, Plan
from planners.sizing.budgets import PLANNED_SHARE

# What is searched, in the order in which it is tried.
OPEN: Mapping[str, str] = MappingProxyType(
    {
        "rate": "the learning rate",
        "loss": "the loss",
        "augmentation": "the augmentation",
        "features": "the network's features",
        "patch": "patch and batch",
    }
)
_RATES = (("times 3", 3.0), ("a third", 1 / 3), ("times 10", 10.0))
_WIDTHS = (("wider", 1.5), ("narrower", 1 / 1.5))
_PATCHES = (("larger", 1.25), ("smaller", 0.75))
_LOSSES = ("dice_ce", "dice_topk", "dice_focal")
_AUGMENTATIONS = (
    ("strong", Choice(name="strong")),
    ("strong, half as often", Choice(name="strong", options={"probability_factor": 0.5})),
    ("standard", Choice(name="standard")),
    ("none", Choice(name="none")),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Alternative:
    """Another value than the plan's own.

    Attributes:
        name: in words.
        assignments: as for `set_values`.
    """

    name: str
    assignments: tuple[str, ...]


Alternatives = Mapping[str, tuple[Alternative, ...]]


def check_open(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of values that are searched; all of them where none are given.

    Raises:
        PlanError: there is no such value.
    """
    for name in names:
        if name not in OPEN:
            raise PlanError(f"--over {name}: nothing of that name is searched. {did_you_mean(name, OPEN)}")
    return tuple(name for name in OPEN if name in names) if names else tuple(OPEN)


def list_alternatives(configuration: Configuration, names: Sequence[str]) -> Alternatives:
    """Return what can be tried in the place of a configuration's values.

    Args:
        configuration: as planned.
        names: of values, keys of `OPEN`.

    Returns:
        By value; one without an alternative, such as the features of a network that has no such option, is left out.
    """
    listed = {
        "rate": _list_rates,
        "loss": _list_losses,
        "augmentation": _list_augmentations,
        "features": _list_widths,
        "patch": _list_patches,
    }
    found = {name: tuple(listed[name](configuration)) for name in names}
    return {name: alternatives for name, alternatives in found.items() if alternatives}


def vary(plan: Plan, name: str, assignments: Sequence[str]) -> tuple[Plan, tuple[str, ...]]:
    """Return a plan with other values of a configuration, and the values that it got.

    Where these take more memory than the plan was made for, batches become smaller.

    Args:
        plan: stays as it is.
        name: of the configuration.
        assignments: as for `set_values`, of this configuration alone.

    Raises:
        PlanError: the values do not fit together, or not even the smallest batch fits into the memory.
    """
    before = find_configuration(plan.configurations, name, f"plan {plan.name}")
    allowed = max(PLANNED_SHARE * plan.memory_gb * GIB, predict_configuration(plan, before).total())
    changed = set_values(plan, assignments)
    batch = find_configuration(changed.configurations, name, "the plan").batch_size
    for size in range(batch, min(LEAST_BATCH, batch) - 1, -1):
        more = () if size == batch else (f"{name}.batch_size={size}",)
        fitting = set_values(changed, more)
        configuration = find_configuration(fitting.configurations, name, "the plan")
        needed = predict_configuration(fitting, configuration).total()
        if needed <= allowed:
            return fitting, (*(each for each in assignments if not more or ".batch_size=" not in each), *more)
    raise PlanError(
        f"does not fit into the memory: {show_gib(needed / GIB)} for patches of "
        f"{show_lengths(configuration.network_patch())}, {show_gib(allowed / GIB)} allowed"
    )


def _list_rates(configuration: Configuration) -> Iterator[Alternative]:
    rate = resolve(configuration.training.optimizer, OPTIMIZERS, "optimizer").lr
    for name, factor in _RATES:
        value = float(f"{rate * factor:.3g}")
        yield _assign(name, configuration, {"training.optimizer.options.lr": value})


def _list_losses(configuration: Configuration) -> Iterator[Alternative]:
    """Yield other losses, and the plan's usual one with the Dice counted the other way."""
    own = resolve(configuration.training.loss, LOSSES, "loss")
    pooled = bool(getattr(own, "batch_dice", False))
    choices = [(name, Choice(name=name, options={"batch_dice": pooled})) for name in _LOSSES]
    other = "each patch's own Dice" if pooled else "Dice of the whole batch"
    choices.append((f"dice_ce, {other}", Choice(name="dice_ce", options={"batch_dice": not pooled})))
    for name, choice in choices:
        if resolve(choice, LOSSES, "loss") != own:
            yield _assign(name, configuration, {"training.loss": to_plain(choice)})


def _list_augmentations(configuration: Configuration) -> Iterator[Alternative]:
    own = [resolve(choice, AUGMENTATIONS, "augmentation") for choice in configuration.sampling.augmentations]
    for name, choice in _AUGMENTATIONS:
        if [resolve(choice, AUGMENTATIONS, "augmentation")] != own:
            yield _assign(name, configuration, {"sampling.augmentations": [to_plain(choice)]})


def _list_widths(configuration: Configuration) -> Iterator[Alternative]:
    """Yield wider and narrower networks, of those that have the option `features`."""
    own = getattr(resolve(configuration.network, NETWORKS, "network"), "features", None)
    if not isinstance(own, tuple):
        return
    for name, factor in _WIDTHS:
        features = [max(1, round(count * factor / LEAST_FEATURES)) * LEAST_FEATURES for count in own]
        if tuple(features) != own:
            yield _assign(name, configuration, {"network.options.features": features})


def _list_patches(configuration: Configuration) -> Iterator[Alternative]:
    """Yield a larger patch with the batch as it is, and a smaller one with more of them."""
    if configuration.prediction.tile_shape is not None:
        return
    for name, factor in _PATCHES:
        patch = _stretch(configuration, factor)
        if patch == configuration.patch_shape:
            continue
        fewer = math.prod(configuration.patch_shape) / math.prod(patch)
        batch = max(1, round(configuration.batch_size * max(fewer, 1.0)))
        yield _assign(name, configuration, {"patch_shape": list(patch), "batch_size": batch})


def _stretch(configuration: Configuration, factor: float) -> Triple:
    """Return the patch with each length multiplied, as multiples of what the network needs; the sliced axis stays."""
    patch = list(configuration.patch_shape)
    divisors = resolve(configuration.network, NETWORKS, "network").divisors()
    for axis, divisor in zip(configuration.network_axes(), divisors, strict=True):
        wanted = patch[axis] * factor / divisor
        if factor > 1:
            patch[axis] = math.ceil(wanted) * divisor
        else:
            patch[axis] = max(min(patch[axis], LEAST_COARSEST * divisor), math.floor(wanted) * divisor)
    return (patch[0], patch[1], patch[2])


def _assign(name: str, configuration: Configuration, values: Mapping[str, Any]) -> Alternative:
    assignments = (f"{configuration.name}.{field}={json.dumps(value)}" for field, value in values.items())
    return Alternative(name=name, assignments=tuple(assignments))
