"""DICOM series: which a folder holds, where their slices lie, and their voxels."""

from dataset_fingerprints.reading.dicom.series import (
    Series,
    find_series,
    holds_series,
    list_series,
    name_folders,
    order_slices,
    read_header,
    read_voxels,
    series_folders,
)

__all__ = [
    "Series",
    "find_series",
    "holds_series",
    "list_series",
    "name_folders",
    "order_slices",
    "read_header",
    "read_voxels",
    "series_folders",
]
