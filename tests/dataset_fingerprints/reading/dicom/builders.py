"""DICOM series of a few slices, as files of one slice or as frames of one file, and looks at what is read of them."""

from __future__ import annotations

import re
from math import cos, radians, sin

import numpy as np
import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading import dicom
from dataset_fingerprints.reading.images import read_channel_count, read_channels, read_grid, read_label_map
from tests.synthetic.dicom_files import (
    AXIAL,
    ORIENTATION,
    POSITION,
    SOP_CLASS,
    SPACING,
    THICKNESS,
    frame_tags,
    write_slice,
)

COUNT = 5
STEP_MM = 4.0
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
CORONAL = (1, 0, 0, 0, 0, -1)
OBLIQUE = (cos(0.3), sin(0.3), 0, -sin(0.3) * cos(0.2), cos(0.3) * cos(0.2), sin(0.2))
TURNED = (cos(0.05), sin(0.05), 0, -sin(0.05), cos(0.05), 0)


def pixels_of(number):
    return (np.arange(12).reshape(3, 4) + 100 * number).astype(np.int16)


def tilted(degrees):
    """Directions of slices that are turned about x while the table goes along z."""
    return (1, 0, 0, 0, cos(radians(degrees)), -sin(radians(degrees)))


def write_series(folder, tags=None, count=COUNT, step=(0, 0, STEP_MM), name="{}.dcm", **options):
    """Write slices from 7, -8, 9 on; `tags` are the same for all, or a function of the number."""
    for number in range(count):
        own = tags(number) if callable(tags) else tags or {}
        place = {POSITION: np.array((7, -8, 9)) + number * np.array(step, float)}
        write_slice(folder / name.format(number), pixels_of(number), {**place, **own}, **options)
    return folder


def read_stored(folder, series=""):
    """Read the voxels along the axes of the files, as (i, j, k), and the affine from there to LPS mm."""
    stored = dicom.read_voxels(folder, None, series)
    affine = stored.header.grid.matrix()
    affine[:3] = LPS_TO_RAS @ affine[:3]
    assert stored.header == dicom.read_header(folder, series)
    return stored.voxels[0], affine


def expect_refusal(folder, message):
    """Make sure that everything that reads a folder refuses it with this message, and writes nothing there."""
    before = sorted(folder.rglob("*"))
    for read in (read_channels, read_grid, read_channel_count, read_label_map):
        with pytest.raises(DataError, match=re.compile(message, re.DOTALL)):
            read(folder)
    assert sorted(folder.rglob("*")) == before


def only(number, tags):
    """Return tags that one slice has and no other."""
    return lambda slice_number: tags if slice_number == number else {}


STACK = np.stack([pixels_of(number) for number in range(COUNT)])


def write_frames(folder, frames=lambda number: {}, shared=None, kind=None, step=(0, 0, STEP_MM)):
    """Write the same slices, from 0, 0, 0 on, as one file; `frames` gives the tags of each, over the shared ones."""
    own = [{POSITION: number * np.array(step, float)} | frames(number) for number in range(COUNT)]
    tags = frame_tags(own, {ORIENTATION: AXIAL, SPACING: (3, 2), THICKNESS: 5, **(shared or {})})
    write_slice(folder / "all.dcm", STACK, tags | ({SOP_CLASS: kind} if kind else {}))
    return folder
