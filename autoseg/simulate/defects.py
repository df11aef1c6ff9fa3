"""Ways to spoil the files of a case, as they are met in real data sets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoseg.simulate.stored import Matrix, StoredVolume, store
from dataset_fingerprints.geometry import canonical_grid, find_reorientation, make_grid, to_canonical

_TILT_DEGREES = 7.0
_SHEAR = 0.02
_UNEXPECTED_VALUE = 7
# No scanner stores scans like this, so it is the rarest orientation of every data set.
_ODD_ORIENTATION = "PIR"


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseFiles:
    """The files of a case before they are written; None for one that is left out."""

    channels: tuple[StoredVolume | None, ...]
    label: StoredVolume | None

    def first(self) -> StoredVolume:
        """Return the first channel."""
        return _present(self.channels[0])

    def mask(self) -> StoredVolume:
        """Return the label map."""
        return _present(self.label)


def leave_as_is(files: CaseFiles) -> CaseFiles:
    """Return a sound case: what is odd about it is that another one is like it."""
    return files


def drop_label(files: CaseFiles) -> CaseFiles:
    """Leave the label map out."""
    return replace(files, label=None)


def drop_second_channel(files: CaseFiles) -> CaseFiles:
    """Leave the second channel out."""
    return replace(files, channels=(files.channels[0], None))


def truncate_image(files: CaseFiles) -> CaseFiles:
    """Write only the first part of the image's compressed bytes."""
    return _with_first(files, replace(files.first(), kept=0.6))


def crop_label(files: CaseFiles) -> CaseFiles:
    """Cut the last slice off the label map."""
    return _with_label(files, voxels=files.mask().voxels[:, :, :-1])


def shift_label_far(files: CaseFiles) -> CaseFiles:
    """Move the label map's header by two and a half voxels."""
    return _with_label(files, affine=_shifted(files.mask().affine, 2.5))


def shift_label_a_little(files: CaseFiles) -> CaseFiles:
    """Move the label map's header by three tenths of a voxel."""
    return _with_label(files, affine=_shifted(files.mask().affine, 0.3))


def disagree_in_qform(files: CaseFiles) -> CaseFiles:
    """Give the image a qform that is turned and moved against its sform."""
    image = files.first()
    turned = _shifted(_tilt() @ image.affine, 4.0)
    return _with_first(files, replace(image, qform=turned))


def shear_axes(files: CaseFiles) -> CaseFiles:
    """Let the axes of all files meet at a little less than a right angle."""
    shear = np.eye(4)
    shear[0, 1] = _SHEAR
    return _with_affine(files, shear @ files.first().affine)


def round_axes(files: CaseFiles) -> CaseFiles:
    """Tilt all files, and keep three decimals of the direction cosines."""
    affine = files.first().affine
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    tilted = _tilt() @ affine
    tilted[:3, :3] = np.round(tilted[:3, :3] / spacing_mm, 3) * spacing_mm
    return _with_affine(files, tilted)


def shift_second_channel(files: CaseFiles) -> CaseFiles:
    """Move the second channel's header by two and a half voxels."""
    second = _present(files.channels[1])
    return replace(files, channels=(files.channels[0], replace(second, affine=_shifted(second.affine, 2.5))))


def crop_second_channel(files: CaseFiles) -> CaseFiles:
    """Cut two slices off the second channel."""
    second = _present(files.channels[1])
    return replace(files, channels=(files.channels[0], replace(second, voxels=second.voxels[:, :, :-2])))


def put_nan(files: CaseFiles) -> CaseFiles:
    """Put NaN into the middle of the image."""
    return _with_middle(files, np.nan)


def put_infinity(files: CaseFiles) -> CaseFiles:
    """Put infinity into the middle of the image."""
    return _with_middle(files, np.inf)


def flatten_image(files: CaseFiles) -> CaseFiles:
    """Make the image 1 everywhere."""
    return _with_first(files, replace(files.first(), voxels=np.ones_like(files.first().voxels)))


def add_unexpected_value(files: CaseFiles) -> CaseFiles:
    """Put a value that the data set does not name into a corner of the label map."""
    voxels = files.mask().voxels.copy()
    voxels[:2, :2, :2] = _UNEXPECTED_VALUE + bool((voxels == _UNEXPECTED_VALUE).any())
    return _with_label(files, voxels=voxels)


def lose_digits_of_label(files: CaseFiles) -> CaseFiles:
    """Store the lesion's value as a little less, as files are that passed through scaled integers."""
    voxels = files.mask().voxels.astype(np.float64)
    return _with_label(files, voxels=np.where(voxels > 0, voxels - 1e-4, 0.0))


def interpolate_label(files: CaseFiles) -> CaseFiles:
    """Resample the label map half a voxel aside with interpolation, which leaves halves at its border."""
    voxels = files.mask().voxels.astype(np.float32)
    return _with_label(files, voxels=0.5 * (voxels + np.roll(voxels, 1, axis=0)))


def empty_label(files: CaseFiles) -> CaseFiles:
    """Take the lesion out of the label map."""
    return _with_label(files, voxels=np.zeros_like(files.mask().voxels))


def store_image_as_label(files: CaseFiles) -> CaseFiles:
    """Store the image in the label map's place."""
    return replace(files, label=files.first())


def stretch_slices(files: CaseFiles) -> CaseFiles:
    """Say in all headers that the slices are two and a half times as far apart as they are."""
    affine = files.first().affine.copy()
    affine[:3, 2] *= 2.5
    return _with_affine(files, affine, has_qform=True)


def turn_axes(files: CaseFiles) -> CaseFiles:
    """Store all files in an orientation that no other case has."""
    return CaseFiles(
        channels=tuple(_turned(_present(channel)) for channel in files.channels), label=_turned(files.mask())
    )


def _turned(volume: StoredVolume) -> StoredVolume:
    grid = make_grid(volume.voxels.shape, volume.affine)
    canonical = to_canonical(volume.voxels, find_reorientation(grid))
    return store(canonical, canonical_grid(grid).matrix(), _ODD_ORIENTATION)


def _shifted(affine: Matrix, voxels: float) -> Matrix:
    """Return an affine moved along the first axis by this many of its smallest voxel edges."""
    shifted = affine.copy()
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    shifted[:3, 3] += affine[:3, 0] / spacing_mm[0] * spacing_mm.min() * voxels
    return shifted


def _tilt() -> Matrix:
    """Return a turn about two axes: one about a single axis stays a turn when it is rounded."""
    angle = np.deg2rad(_TILT_DEGREES)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    about_x, about_z = np.eye(4), np.eye(4)
    about_x[1:3, 1:3] = about_z[:2, :2] = turn
    return about_z @ about_x


def _with_first(files: CaseFiles, image: StoredVolume) -> CaseFiles:
    return replace(files, channels=(image, *files.channels[1:]))


def _with_label(files: CaseFiles, voxels: NDArray[Any] | None = None, affine: Matrix | None = None) -> CaseFiles:
    label = files.mask()
    return replace(
        files,
        label=replace(
            label,
            voxels=label.voxels if voxels is None else voxels,
            affine=label.affine if affine is None else affine,
        ),
    )


def _with_affine(files: CaseFiles, affine: Matrix, *, has_qform: bool = False) -> CaseFiles:
    """Give all files one affine; skewed ones without the qform, which cannot hold them."""
    return CaseFiles(
        channels=tuple(replace(_present(channel), affine=affine, has_qform=has_qform) for channel in files.channels),
        label=replace(files.mask(), affine=affine, has_qform=has_qform),
    )


def _with_middle(files: CaseFiles, value: float) -> CaseFiles:
    image = files.first()
    voxels = image.voxels.copy()
    voxels[tuple(slice(length // 2, length // 2 + 3) for length in voxels.shape)] = value
    return _with_first(files, replace(image, voxels=voxels))


def _present(volume: StoredVolume | None) -> StoredVolume:
    if volume is None:
        raise ValueError("the case has no such file")
    return volume
