"""Values of a plan that may be searched: for each, alternatives to the plan's own, as `--set` values."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from dataset_fingerprints.errors import PlanError, did_you_mean
from dataset_fingerprints.geometry import Triple, show_lengths
from dataset_fingerprints.sizes import GIB, show_gib
from planners.choices import Choice, resolve, to_plain
from planners.editing.overrides import set_values
from planners.editing.step_down import LEAST_COARSEST, step_down
from planners.networks.memory_decisions import predict_configuration
from planners.order import find_configuration
from planners.parts import AUGMENTATIONS, LOSSES, NETWORKS, OPTIMIZERS
from planners.parts.networks.widths import LEAST_FEATURES
from planners.plan import Configuration, Plan
from planners.sizing.budgets import PLANNED_SHARE

# In the order in which they are tried.
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
        several = [part.strip() for part in name.split(",")]
        if several[1:] and all(part in OPEN for part in several):
            repeated = " ".join(f"--over {part}" for part in several)
            raise PlanError(f"--over {name}: takes one name and can be repeated. Give {repeated}.")
        if name not in OPEN:
            raise PlanError(f"--over {name}: nothing of that name is searched. {did_you_mean(name, OPEN)}")
    return tuple(name for name in OPEN if name in names) if names else tuple(OPEN)


def list_alternatives(
    configuration: Configuration, names: Sequence[str], scan_shape: Sequence[float] = (math.inf,) * 3
) -> Alternatives:
    """Return what can be tried in the place of a configuration's values.

    Args:
        configuration: as planned.
        names: of values, keys of `OPEN`.
        scan_shape: median lengths of the preprocessed scans in voxels, beyond which no patch becomes larger.

    Returns:
        By value; one without an alternative, such as the features of a network that has no such option, is left out.
    """
    listed: dict[str, Callable[[Configuration], Iterator[Alternative]]] = {
        "rate": _list_rates,
        "loss": _list_losses,
        "augmentation": _list_augmentations,
        "features": _list_widths,
        "patch": partial(_list_patches, scan_shape=scan_shape),
    }
    found = {name: tuple(listed[name](configuration)) for name in names}
    return {name: alternatives for name, alternatives in found.items() if alternatives}


def vary(plan: Plan, name: str, assignments: Sequence[str]) -> tuple[Plan, tuple[str, ...]]:
    """Return a plan with other values of a configuration, and the values that it got.

    Where these take more memory than the plan was made for, the training becomes smaller step by step, as one does that
    runs out of memory; only a patch that is asked for stays.

    Args:
        plan: stays as it is.
        name: of the configuration.
        assignments: as for `set_values`, of this configuration alone.

    Raises:
        PlanError: the values do not fit together, or do not fit into the memory.
    """
    before = find_configuration(plan.configurations, name, f"plan {plan.name}")
    allowed = max(PLANNED_SHARE * plan.memory_gb * GIB, predict_configuration(plan, before).total())
    changed = set_values(plan, assignments)
    asked = find_configuration(changed.configurations, name, "the plan")
    smaller = _fit(changed, asked, allowed, keeps_patch=asked.patch_shape != before.patch_shape)
    if smaller == asked:
        return changed, tuple(assignments)
    sizes = {
        "training.recomputed": smaller.training.recomputed,
        "batch_size": smaller.batch_size,
        "patch_shape": list(smaller.patch_shape),
    }
    made = [f"{name}.{field}={json.dumps(value)}" for field, value in sizes.items()]
    overruled = tuple(assignment.partition("=")[0] for assignment in made)
    given = (*(each for each in assignments if not each.startswith(overruled)), *made)
    return set_values(plan, given), given


def _fit(plan: Plan, asked: Configuration, allowed: float, *, keeps_patch: bool) -> Configuration:
    """Return a configuration as much smaller as the memory asks for.

    Raises:
        PlanError: it cannot be as small.
    """
    configuration = asked
    while (needed := predict_configuration(plan, configuration).total()) > allowed:
        evidence = f"{show_gib(needed / GIB)} predicted, {show_gib(allowed / GIB)} allowed"
        smaller, _ = step_down(configuration, evidence, plan.memory_gb)
        if keeps_patch and smaller.patch_shape != configuration.patch_shape:
            raise PlanError(
                f"patches of {show_lengths(configuration.network_patch())} do not fit into the memory ({evidence})"
            )
        configuration = smaller
    return configuration


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


def _list_patches(configuration: Configuration, scan_shape: Sequence[float]) -> Iterator[Alternative]:
    """Yield a larger patch with the batch as it is, and a smaller one with more of them."""
    if configuration.prediction.tile_shape is not None:
        return
    for name, factor in _PATCHES:
        patch = _stretch(configuration, factor, scan_shape)
        if patch == configuration.patch_shape:
            continue
        fewer = math.prod(configuration.patch_shape) / math.prod(patch)
        batch = max(1, round(configuration.batch_size * max(fewer, 1.0)))
        yield _assign(name, configuration, {"patch_shape": list(patch), "batch_size": batch})


def _stretch(configuration: Configuration, factor: float, scan_shape: Sequence[float]) -> Triple:
    """Return the patch with lengths multiplied, as multiples of what the network needs.

    The sliced axis stays, and so do those along which a patch that is to be larger holds the whole scan.
    """
    patch = list(configuration.patch_shape)
    divisors = resolve(configuration.network, NETWORKS, "network").divisors()
    for axis, divisor in zip(configuration.network_axes(), divisors, strict=True):
        wanted = patch[axis] * factor / divisor
        if factor > 1:
            whole = patch[axis] >= scan_shape[axis]
            patch[axis] = patch[axis] if whole else math.ceil(wanted) * divisor
        else:
            patch[axis] = max(min(patch[axis], LEAST_COARSEST * divisor), math.floor(wanted) * divisor)
    return (patch[0], patch[1], patch[2])


def _assign(name: str, configuration: Configuration, values: Mapping[str, Any]) -> Alternative:
    assignments = (f"{configuration.name}.{field}={json.dumps(value)}" for field, value in values.items())
    return Alternative(name=name, assignments=tuple(assignments))
