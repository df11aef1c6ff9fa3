"""Textures: what windows of a slice look like as numbers, and a classifier of them that labels every voxel."""

from autoseg.classical.texture.features import FEATURES, measure_textures
from autoseg.classical.texture.options import TextureOptions
from autoseg.classical.texture.patches import GreyScale, PatchVoxels, find_scale, measure_patches
from autoseg.classical.texture.svm import Rating, TextureClassifier, fit_classifier, rate_classifier

__all__ = [
    "FEATURES",
    "GreyScale",
    "PatchVoxels",
    "Rating",
    "TextureClassifier",
    "TextureOptions",
    "find_scale",
    "fit_classifier",
    "measure_patches",
    "measure_textures",
    "rate_classifier",
]
