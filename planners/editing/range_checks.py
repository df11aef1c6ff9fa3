"""Limits of a plan's own numbers: what lies beyond them is a mistake, or no training could hold it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import AXIS_NAMES, show_lengths, show_spacing
from planners.choices import Choice
from planners.machine import MachineProfile
from planners.networks.topology import pad_up
from planners.parts.networks import NetworkOptions
from planners.plan import Configuration

MOST_ITERATIONS = 10**9
MOST_VOXELS = 2**31
MOST_CHANNELS = 256
# Label maps hold indices in one byte, with one for background.
MOST_LABELS = 255
# The largest number that any option may hold.
_LARGEST = 1e12
_INT32 = 2**31
# Digits of a number that a message shows.
_SHOWN = 40
# Ranges by words; a number that is not one lies in none.
_Row = tuple[str, float, float, float, str]


def find_range_problems(configuration: Configuration) -> Iterator[str]:
    """Yield the numbers of a configuration that lie beyond their limits."""
    name = configuration.name
    for field, value, least, most, expected in _rows(configuration):
        if not least <= value <= most:
            yield f"{name}.{field} is {str(value)[:_SHOWN]}. Expected {expected}."
    if not all(0 < length <= 1_000 for length in configuration.preprocessing.spacing_mm):
        found = show_spacing(configuration.preprocessing.spacing_mm)
        yield f"{name}.preprocessing.spacing_mm is {found}. Expected three lengths above 0, of 1000 mm at most."
    for entry in configuration.crops():
        if not 0 <= entry.margin_mm < math.inf or not 0 < entry.threshold <= 1:
            yield (
                f"{name}.inputs: the crop to {entry.configuration} has a margin of {entry.margin_mm:g} "
                f"mm and a threshold of {entry.threshold:g}. Expected 0 mm or more, and more than 0, at most 1."
            )
    mirrored, axes = configuration.prediction.mirror_axes, configuration.network_axes()
    if len(set(mirrored)) != len(mirrored) or not set(mirrored) <= set(axes):
        yield f"{name}.prediction.mirror_axes holds {list(mirrored)}. Expected some of {list(axes)}, each once."


def _rows(configuration: Configuration) -> tuple[_Row, ...]:
    """Return fields, their values, and what these may be."""
    training, prediction = configuration.training, configuration.prediction
    above_zero = 1e-300
    return (
        ("slice_axis", configuration.slice_axis, -1, 2, "-1, or an axis: 0 to 2"),
        ("preprocessing.coarse_axis", configuration.preprocessing.coarse_axis, -1, 2, "-1, or an axis: 0 to 2"),
        ("batch_size", configuration.batch_size, 1, 65_536, "1 or more, at most 65536"),
        ("training.iterations", training.iterations, 1, MOST_ITERATIONS, "1 or more, at most 1000000000"),
        ("training.gradient_clip", training.gradient_clip, above_zero, _LARGEST, "more than 0"),
        ("training.validation_cases", training.validation_cases, 0, MOST_ITERATIONS, "0 or more"),
        ("training.validation_rounds", training.validation_rounds, 0, MOST_ITERATIONS, "0 or more"),
        ("prediction.step_share", prediction.step_share, 0.01, 1, "0.01 to 1: more than 0, at most 1"),
        (
            "prediction.gaussian_sigma_share",
            prediction.gaussian_sigma_share,
            0.01,
            100,
            "more than 0: 0.01 to 100",
        ),
    )


def find_patch_problems(configuration: Configuration, network: NetworkOptions) -> Iterator[str]:
    """Yield what is wrong with a configuration's patch."""
    patch = configuration.patch_shape
    field = f"{configuration.name}.patch_shape"
    seen = pad_up(configuration.network_patch(), network.divisors())
    if min(patch) < 1 or math.prod(seen) * configuration.batch_size > MOST_VOXELS:
        found = show_lengths([max(-_LARGEST, min(length, _LARGEST)) for length in patch])
        yield f"{field} is {found}. Expected positive lengths, {MOST_VOXELS} voxels at most in a batch."
        return
    if configuration.slice_axis >= 0 and patch[configuration.slice_axis] != 1:
        yield (
            f"{field} is {show_lengths(patch)}, but slices have length 1 along {AXIS_NAMES[configuration.slice_axis]}. "
            "Put a configuration's name before the field to change that one only."
        )
    for name in ("centre_shape", "tile_shape"):
        shape = getattr(configuration.prediction, name)
        if shape is not None and (min(shape) < 1 or math.prod(shape) > MOST_VOXELS):
            found = show_lengths([max(-_LARGEST, min(length, _LARGEST)) for length in shape])
            yield (
                f"{configuration.name}.prediction.{name} is {found}. Expected positive lengths, {MOST_VOXELS} voxels "
                "at most, or null."
            )


def find_option_size_problems(choice: Choice, where: str) -> Iterator[str]:
    """Yield the options of a part that hold a number that is none, or beyond all bounds."""
    for name, value in choice.options.items():
        for number in _numbers(value):
            if not abs(number) <= _LARGEST:
                yield f"{where}: {name} holds {str(number)[:_SHOWN]}. Expected numbers of at most {_LARGEST:g}."


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, dict):
        yield from _numbers(list(value.values()))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def find_data_problems(scheme: LabelScheme, channels: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the labels and channels that a plan or a run states."""
    if not 1 <= len(channels) <= MOST_CHANNELS:
        yield f"channels lists {len(channels)}. Expected 1 to {MOST_CHANNELS}."
    values = scheme.values()
    if not values or scheme.index_count() > MOST_LABELS + 1:
        yield f"scheme.labels lists {len(values)} labels. Expected 1 to {MOST_LABELS}, ignored voxels counted in."
    known = scheme.known_values()
    if len(set(known)) != len(known):
        yield f"scheme.labels holds the values {list(known)}. Expected different ones, none of them 0."
    far = [value for value in (*known, *scheme.region_export_order) if not -_INT32 <= value < _INT32]
    if far:
        yield f"scheme.labels holds the value {far[0]}. Expected values that fit into 32 bits."
    strange = [region.name for region in scheme.regions if not region.values or not set(region.values) <= set(values)]
    if strange:
        yield f"scheme.regions: '{strange[0]}' is made of values that are no labels. Expected some of {list(values)}."
    order = scheme.region_export_order
    if len(order) != len(scheme.regions) or not set(order) <= set(values):
        yield f"scheme.region_export_order is {list(order)}. Expected the value of a label for each region."


def find_channel_problems(configuration: Configuration, channels: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the choice of channels that a configuration sees."""
    chosen = configuration.preprocessing.channels
    if chosen is None:
        return
    if not chosen or len(set(chosen)) != len(chosen) or not set(chosen) <= set(range(len(channels))):
        listed = ", ".join(f"{position} ({name})" for position, name in enumerate(channels))
        yield (
            f"{configuration.name}.preprocessing.channels is {list(chosen)}. Expected null for all, or some of "
            f"{listed}, each once."
        )


def find_machine_problems(machine: MachineProfile, memory_gb: float, seed: int) -> Iterator[str]:
    """Yield what is wrong with the machine that a plan is for, and with its seed."""
    for field, value in (("memory_gb", memory_gb), ("machine.memory_gb", machine.memory_gb)):
        if not 0 < value <= 1e6:
            yield f"{field} is {value}. Expected more than 0, at most 1000000 GiB."
    if not 1 <= machine.cores <= MOST_ITERATIONS:
        yield f"machine.cores is {machine.cores}. Expected 1 or more."
    speed = machine.multiplications_per_second
    if speed is not None and not 0 < speed < math.inf:
        yield f"machine.multiplications_per_second is {speed}. Expected more than 0."
    if not 0 <= seed < 2**32:
        yield f"seed is {seed}. Expected 0 or more, less than {2**32}."
