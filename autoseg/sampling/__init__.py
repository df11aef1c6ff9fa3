"""Training batches: which patches are seen and how they are varied.

A `BatchMaker` makes the batch of every iteration. All random numbers of a batch are drawn on the host by
`sample_batch`; `apply_batch` then makes the tensors on any device, so that a batch can be made again exactly from its
parameters. What it is made from is cut out of the cases in between, by `cut_sample`; a `Feed` does so ahead of time
where cases are not on the training device.
"""

from autoseg.sampling.batch import (
    Batch,
    BatchParameters,
    BatchRules,
    SampleParameters,
    apply_batch,
    build_rules,
    cut_sample,
    sample_batch,
)
from autoseg.sampling.batch_maker import BatchMaker
from autoseg.sampling.cases.shown_masks import ShownMask, split_mask
from autoseg.sampling.cases.training_case import (
    Lesions,
    Origin,
    TrainingCase,
    find_origin,
    make_case,
    make_resident_case,
)
from autoseg.sampling.cases.voxels import CaseVoxels, Cutout, ResidentVoxels, hold_voxels
from autoseg.sampling.feed import Feed
from autoseg.sampling.part_checks import refuse_unusable_parts
from autoseg.sampling.patches.geometry import Patch, PatchGeometry

__all__ = [
    "Batch",
    "BatchMaker",
    "BatchParameters",
    "BatchRules",
    "CaseVoxels",
    "Cutout",
    "Feed",
    "Lesions",
    "Origin",
    "Patch",
    "PatchGeometry",
    "ResidentVoxels",
    "SampleParameters",
    "ShownMask",
    "TrainingCase",
    "apply_batch",
    "build_rules",
    "cut_sample",
    "find_origin",
    "hold_voxels",
    "make_case",
    "make_resident_case",
    "refuse_unusable_parts",
    "sample_batch",
    "split_mask",
]
