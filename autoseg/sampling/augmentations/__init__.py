"""Augmentation of patches: builders of the entries of `planners.parts.AUGMENTATIONS`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autoseg.sampling.augmentations.augmenter import Augmenter, Cut, Drawn, NoAugmenter, Patches, SampleView
from autoseg.sampling.augmentations.host_transforms import HostAugmenter
from autoseg.sampling.augmentations.standard import StandardAugmenter
from planners.builders import BuilderTable
from planners.choices import Choice
from planners.parts import AUGMENTATIONS
from planners.parts.augmentations import BatchgeneratorsOptions, NoneOptions, StandardOptions, StrongOptions

AugmenterBuilder = Callable[[Any], Augmenter]

BUILDERS: BuilderTable[AugmenterBuilder] = BuilderTable(
    AUGMENTATIONS,
    {
        BatchgeneratorsOptions: HostAugmenter,
        NoneOptions: lambda options: NoAugmenter(),
        StandardOptions: StandardAugmenter,
        StrongOptions: lambda options: StandardAugmenter(options.as_standard()),
    },
)

__all__ = [
    "BUILDERS",
    "Augmenter",
    "AugmenterBuilder",
    "Cut",
    "Drawn",
    "Patches",
    "SampleView",
    "build_augmenters",
]


def build_augmenters(choices: Sequence[Choice]) -> tuple[Augmenter, ...]:
    """Build the augmentations that a plan lists, in the order in which they are applied.

    Raises:
        PlanError: there is no such augmentation, or one cannot be built with its options.
    """
    augmenters = []
    for choice in choices:
        options, build = BUILDERS.find(choice)
        augmenters.append(build(options))
    return tuple(augmenters)
