"""Advice about wrong headers, for people who never looked into one."""

from __future__ import annotations

# What to do about a voxel size that is not the scan's; behind it may stand the right one.
VOXEL_SIZE_ADVICE = (
    "Convert the scan again from its source (DICOM, for example with dcm2niix); or open it in 3D Slicer, enter the "
    "right voxel size (module Volumes, Image Spacing) and save it. Do the same with its label map"
)
