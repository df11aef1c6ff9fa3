"""Training batches: which patches are seen and how they are varied.

Every random number of a batch is drawn on the host by `sample_batch`; `apply_batch` then makes the tensors on any
device, so that a batch can be made again exactly from its parameters. What it is made from is cut out of the cases in
between, by `cut_sample`; a `Feed` does so ahead of time where cases are not on the training device.
"""

from autoseg.sampling.augmentation import Augmenter, NoAugmenter, StandardAugmenter, build_augmenter
from autoseg.sampling.batch import Batch, BatchParameters, SampleParameters, apply_batch, cut_sample, sample_batch
from autoseg.sampling.cases import Lesions, TrainingCase, make_case, make_resident_case
from autoseg.sampling.feed import Feed
from autoseg.sampling.patches import Patch, PatchGeometry
from autoseg.sampling.shown_masks import PreviousMask, split_mask
from autoseg.sampling.voxels import Box, CaseVoxels, Cutout, ResidentVoxels, hold_voxels

__all__ = [
    "Augmenter",
    "Batch",
    "BatchParameters",
    "Box",
    "CaseVoxels",
    "Cutout",
    "Feed",
    "Lesions",
    "NoAugmenter",
    "Patch",
    "PatchGeometry",
    "PreviousMask",
    "ResidentVoxels",
    "SampleParameters",
    "StandardAugmenter",
    "TrainingCase",
    "apply_batch",
    "build_augmenter",
    "cut_sample",
    "hold_voxels",
    "make_case",
    "make_resident_case",
    "sample_batch",
    "split_mask",
]
