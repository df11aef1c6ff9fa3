"""Raw scans to network arrays and back."""

from autoseg.preprocessing.earlier_masks import add_mask, fit_mask
from autoseg.preprocessing.prepare import Prepared, Record, interpolation, paste, prepare, restore_labels
from autoseg.preprocessing.resampling import resampling_matrix
from autoseg.preprocessing.store import Store, pack_array, read_array, store_key, unpack_array, write_array

__all__ = [
    "Prepared",
    "Record",
    "Store",
    "add_mask",
    "fit_mask",
    "interpolation",
    "pack_array",
    "paste",
    "prepare",
    "read_array",
    "resampling_matrix",
    "restore_labels",
    "store_key",
    "unpack_array",
    "write_array",
]
