"""Transforms of the package batchgenerators, so that published augmentation pipelines run as published.

They draw from the global random states of numpy and Python. Each sample's transforms therefore run with both seeded
from the sample's own seed, one sample at a time in a process, and both are put back: a batch follows from its
parameters, in any thread and any process, and no other random numbers change.
"""

from __future__ import annotations

import inspect
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.sampling.augmentations.augmenter import Drawn, Patches, SampleView
from dataset_fingerprints.errors import PlanError, did_you_mean
from dataset_fingerprints.geometry import show_lengths
from planners.choices import Choice
from planners.parts.augmentations import BatchgeneratorsOptions

WHERE = "plan.json: augmentation batchgenerators"
# What `numpy.random.seed` takes.
SEEDS = 2**32
# The argument of a transform that a plan leaves to the patch, so that a patch of another shape needs no other list.
PATCH_SIZE = "patch_size"

Transform = Callable[..., dict[str, Any]]
_GLOBAL_STATES = threading.Lock()


class HostAugmenter:
    """Applies transforms of batchgenerators to one sample after the other, on the host; a GPU waits for it.

    Each sees `data` (1, channel, *axes) float32 and `seg` (1, 1 + mask channels, *axes) int16: label indices first,
    then the channels of other configurations' masks, so that what moves the image moves all of them.

    Args:
        options: the transforms.

    Raises:
        PlanError: there is no such transform or argument.
    """

    def __init__(self, options: BatchgeneratorsOptions) -> None:
        self._choices = options.transforms
        self._steps: dict[tuple[int, ...], list[tuple[str, Transform]]] = {}
        self._build((1, 1))

    def sample(self, rng: np.random.Generator, view: SampleView) -> Drawn:
        """Draw the seed of a sample's transforms."""
        return Drawn(change=int(rng.integers(SEEDS)))

    def apply(self, patches: Patches, changes: Sequence[int]) -> None:
        """Run the transforms on images, labels and masks.

        Raises:
            PlanError: a transform fails, changes the shape, or leaves unknown labels.
        """
        for row, seed in enumerate(changes):
            maps = [patches.labels[row : row + 1], *([] if patches.masks is None else [patches.masks[row]])]
            before = {
                "data": patches.images[row].cpu().numpy()[None].copy(),
                "seg": np.concatenate([values.cpu().numpy().astype(np.int16) for values in maps])[None],
            }
            after = self._run(before, seed)
            _refuse_unknown(after["seg"][0], patches.indices)
            _fill(patches.images[row], after["data"][0])
            _fill(patches.labels[row], after["seg"][0, 0])
            if patches.masks is not None:
                _fill(patches.masks[row], after["seg"][0, 1:])

    def _build(self, shape: tuple[int, ...]) -> list[tuple[str, Transform]]:
        if shape not in self._steps:
            self._steps[shape] = [(choice.name, build_transform(choice, shape)) for choice in self._choices]
        return self._steps[shape]

    def _run(self, values: dict[str, Any], seed: int) -> dict[str, NDArray[Any]]:
        expected, culprit = _shapes_of(values), ""
        steps = self._build(expected["data"][2:])
        with seeded(seed):
            for name, transform in steps:
                before = _shapes_of(values)
                values = _call(name, transform, values)
                culprit = name if _shapes_of(values) != before else culprit
        _refuse_other_shapes(_shapes_of(values), expected, culprit)
        return {key: np.asarray(values[key]) for key in expected}


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Give the global random states of numpy and Python a seed, alone in this process, and put them back."""
    with _GLOBAL_STATES:
        states = np.random.get_state(), random.getstate()
        np.random.seed(seed)
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(states[0])
            random.setstate(states[1])


def build_transform(choice: Choice, shape: tuple[int, ...]) -> Transform:
    """Build a transform of batchgenerators from its class name and arguments; lists become tuples.

    Args:
        choice: class name and arguments.
        shape: of the patch that the network sees, which a transform to patches gives where it names no other.

    Raises:
        PlanError: there is no such class or argument, one is missing, or the class refuses them.
    """
    known = find_transforms()
    if choice.name not in known:
        raise PlanError(f"{WHERE}: there is no transform '{choice.name}'. {did_you_mean(choice.name, known)}")
    parameters = inspect.signature(known[choice.name]).parameters
    options = {name: _to_tuples(value) for name, value in choice.options.items()}
    if PATCH_SIZE in parameters:
        options.setdefault(PATCH_SIZE, shape)
    for argument in options:
        if argument not in parameters:
            advice = did_you_mean(argument, parameters)
            raise PlanError(f"{WHERE}: {choice.name} has no argument '{argument}'. {advice}")
    missing = [name for name, entry in parameters.items() if entry.default is entry.empty and name not in options]
    if missing:
        raise PlanError(f"{WHERE}: {choice.name} needs the argument '{missing[0]}'.")
    try:
        built: Transform = known[choice.name](**options)
    except Exception as error:
        raise PlanError(f"{WHERE}: {choice.name} does not take {choice.options}: {error!r}.") from error
    return built


@cache
def find_transforms() -> Mapping[str, type]:
    """Return the transforms that a plan can name; those that are made of other transforms are not among them."""
    # Imported here because few plans name any of them.
    from batchgenerators.transforms import (
        abstract_transforms,
        channel_selection_transforms,
        color_transforms,
        crop_and_pad_transforms,
        local_transforms,
        noise_transforms,
        resample_transforms,
        sample_normalization_transforms,
        spatial_transforms,
        utility_transforms,
    )

    bases = (abstract_transforms.AbstractTransform, local_transforms.LocalTransform)
    modules = (
        channel_selection_transforms,
        color_transforms,
        crop_and_pad_transforms,
        local_transforms,
        noise_transforms,
        resample_transforms,
        sample_normalization_transforms,
        spatial_transforms,
        utility_transforms,
    )
    found: dict[str, type] = {}
    for module in modules:
        for name, kind in inspect.getmembers(module, inspect.isclass):
            composed = any("transform" in argument for argument in inspect.signature(kind).parameters)
            if kind.__module__ == module.__name__ and issubclass(kind, bases) and kind not in bases and not composed:
                found[name] = kind
    return found


def _to_tuples(value: Any) -> Any:
    return tuple(map(_to_tuples, value)) if isinstance(value, list) else value


def _call(name: str, transform: Transform, values: dict[str, Any]) -> dict[str, Any]:
    try:
        return transform(**values)
    except MemoryError:
        raise
    except Exception as error:
        shape = show_lengths(_shapes_of(values)["data"])
        raise PlanError(f"{WHERE}: {name} failed on images of {shape}: {error!r}. Look at its arguments.") from error


def _shapes_of(values: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {key: np.shape(values[key]) if key in values else () for key in ("data", "seg")}


def _refuse_other_shapes(
    found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]], culprit: str
) -> None:
    for key, shape in expected.items():
        if found[key] != shape:
            there = f"'{key}' with the shape {show_lengths(found[key])}" if found[key] else f"no '{key}'"
            raise PlanError(
                f"{WHERE}: behind {culprit} there is {there}. Expected {show_lengths(shape)} (sample, channels, then "
                f"the patch that the network sees). Leave {culprit} out, or give it the patch's own shape."
            )


def _refuse_unknown(maps: NDArray[Any], indices: frozenset[int]) -> None:
    for values, known in ((maps[0], indices), (maps[1:], frozenset((0, 1)))):
        unknown = [value for value in np.unique(values).tolist() if value not in known]
        if unknown:
            raise PlanError(
                f"{WHERE}: the transforms leave {unknown[0]:g} in 'seg'. Expected indices of labels, "
                f"{', '.join(map(str, sorted(known)))}. What lies outside of a patch is 0: give `border_cval_seg` 0, "
                'or add {"name": "RemoveLabelTransform", "options": {"remove_label": -1}} behind it.'
            )


def _fill(target: torch.Tensor, values: NDArray[Any]) -> None:
    kind = np.uint8 if target.dtype == torch.uint8 else np.float32
    target.copy_(torch.from_numpy(np.ascontiguousarray(values, dtype=kind)))
