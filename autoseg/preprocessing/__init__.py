"""Raw scans to network arrays and back."""

from autoseg.preprocessing.arrays import pack_array, read_array, reported, unpack_array, write_array
from autoseg.preprocessing.crops import (
    Crop,
    centres_inside,
    crop_to_centre,
    divide_case,
    find_views,
    fit_crops,
    whole,
)
from autoseg.preprocessing.earlier_masks import add_mask, fit_mask, fit_mask_as_nnunet
from autoseg.preprocessing.frames import is_sound
from autoseg.preprocessing.prepare import Prepared, Record, find_way_back, interpolation, paste, prepare
from autoseg.preprocessing.resampling import resampling_matrix
from autoseg.preprocessing.sizes import estimate_preparing
from autoseg.preprocessing.store import Store, find_stores, store_key
from autoseg.preprocessing.views import View

__all__ = [
    "Crop",
    "Prepared",
    "Record",
    "Store",
    "View",
    "add_mask",
    "centres_inside",
    "crop_to_centre",
    "divide_case",
    "estimate_preparing",
    "find_stores",
    "find_views",
    "find_way_back",
    "fit_crops",
    "fit_mask",
    "fit_mask_as_nnunet",
    "interpolation",
    "is_sound",
    "pack_array",
    "paste",
    "prepare",
    "read_array",
    "reported",
    "resampling_matrix",
    "store_key",
    "unpack_array",
    "whole",
    "write_array",
]
