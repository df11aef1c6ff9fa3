"""Training batches: which patches are seen and how they are varied.

Every random number of a batch is drawn on the host by `sample_batch`; `apply_batch` then makes the tensors on any
device, so that a batch can be made again exactly from its parameters.
"""

from autoseg.sampling.augmentation import (
    AugmentationOptions,
    NoAugmentation,
    StandardAugmentation,
    StrongAugmentation,
)
from autoseg.sampling.batch import BatchParameters, SampleParameters, apply_batch, sample_batch
from autoseg.sampling.cases import Lesions, ResidentCase, add_previous, make_resident_case
from autoseg.sampling.patches import Patch, PatchGeometry

AUGMENTATIONS: dict[str, type[AugmentationOptions]] = {
    "none": NoAugmentation,
    "standard": StandardAugmentation,
    "strong": StrongAugmentation,
}

__all__ = [
    "AUGMENTATIONS",
    "AugmentationOptions",
    "BatchParameters",
    "Lesions",
    "NoAugmentation",
    "Patch",
    "PatchGeometry",
    "ResidentCase",
    "SampleParameters",
    "StandardAugmentation",
    "StrongAugmentation",
    "add_previous",
    "apply_batch",
    "make_resident_case",
    "sample_batch",
]
