"""Scans as networks see them: read from NIfTI files, cropped to the body, normalised and resampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from scipy import ndimage

from autoseg.models.portable.program.files import Array, Json, RefusedError
from autoseg.preprocessing.ranges import is_one_value, map_percentiles, map_range, standardize
from autoseg.preprocessing.resampling import Kind, resample, target_shape
from autoseg.preprocessing.white_stripe import standardize_by_stripe
from dataset_fingerprints.geometry import (
    Box,
    Grid,
    Triple,
    affine_distance_mm,
    canonical_grid,
    find_reorientation,
    make_box,
    make_grid,
    to_canonical,
)

# The share of border voxels with one value from which that is background.
PROOF_SHARE = 0.25
# Two grids whose corners lie closer than this share of a voxel are one.
SAME_SHARE = 0.1
# Options of that normalisation, where a plan leaves them out.
WHITE_STRIPE: dict[str, Any] = {"peak": "last", "width": 0.05, "brain_only": False}
PERCENTILES: dict[str, Any] = {"lower_percentile": 0.5, "upper_percentile": 99.5}
TARGET: dict[str, Any] = {"low": 0.0, "high": 1.0}
UNITS_MM = {1: 1000.0, 3: 0.001}
# Voxels so many times beyond those of all training scans are far outside.
FACTOR = 1.75
SMALLEST_VOXEL_MM, LARGEST_VOXEL_MM = 1e-4, 1000.0


@dataclass(frozen=True)
class Scan:
    """A scan in canonical RAS+ axes, cropped to its body.

    Attributes:
        voxels: (channel, x, y, z) float32 inside the box.
        body: (x, y, z) inside the box, True where the scan is not background.
        box: in the canonical grid.
        source_grid: of the file.
        image: the first file.
    """

    voxels: Array
    body: Array
    box: Box
    source_grid: Grid
    image: Any


def read_scan(files: Sequence[Path], channels: int) -> Scan:
    """Return a scan of so many channels, one file each or all in one.

    Raises:
        RefusedError: a file cannot be read, or they do not fit each other or the model.
    """
    opened = [read_file(file) for file in files]
    image, grid, first = opened[0]
    for file, (_, other, _) in zip(files[1:], opened[1:], strict=True):
        same = other.shape == grid.shape
        if not same or affine_distance_mm(grid, other) > SAME_SHARE * min(grid.spacing_mm()):
            raise RefusedError(f"{file}: lies on another grid than {files[0].name}. Resample it onto that first.")
    voxels = np.concatenate([first, *(stored for _, _, stored in opened[1:])])
    if len(voxels) != channels:
        raise RefusedError(f"{files[0]}: has {len(voxels)} channels, expected {channels}.")
    if all(channel.min() == channel.max() for channel in voxels):
        raise RefusedError(f"{files[0]}: is {voxels.flat[0]:g} everywhere. Expected a scan: export it again.")
    voxels = to_canonical(voxels, find_reorientation(grid))
    body = find_body(voxels)
    box = bounding_box(body)
    return Scan(
        voxels=np.ascontiguousarray(voxels[(slice(None), *box.slices())]),
        body=np.ascontiguousarray(body[box.slices()]),
        box=box,
        source_grid=grid,
        image=image,
    )


def read_file(file: Path) -> tuple[Any, Grid, Array]:
    """Return a NIfTI image, its grid in mm and its voxels (channel, i, j, k).

    Raises:
        RefusedError: it is not such an image, or cannot be used.
    """
    try:
        image: Any = nibabel.load(file)
        stored = np.asanyarray(image.dataobj)
    except Exception as error:  # of any kind, as damage shows itself
        raise RefusedError(f"{file}: cannot be read as NIfTI ({error}).") from error
    if not isinstance(image, nibabel.Nifti1Image) or stored.dtype.kind not in "biuf":
        raise RefusedError(f"{file}: is not a NIfTI image of real numbers. Convert the scan to .nii.gz.")
    shape = (*stored.shape, 1, 1, 1)
    if any(length > 1 for length in shape[5:]) or (shape[3] != 1 and shape[4] != 1):
        raise RefusedError(f"{file}: has {stored.ndim} axes, expected x, y, z and at most one of channels.")
    with np.errstate(over="ignore"):
        voxels = np.moveaxis(stored.reshape(*shape[:3], -1), -1, 0).astype(np.float32)
    affine = np.array(image.affine, dtype=np.float64)
    affine[:3] *= UNITS_MM.get(int(image.header["xyzt_units"]) & 7, 1.0)
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not ((lengths >= SMALLEST_VOXEL_MM) & (lengths < LARGEST_VOXEL_MM)).all() or not np.linalg.det(affine):
        raise RefusedError(f"{file}: its header does not place its voxels in space. Correct the affine.")
    if not voxels.size or not np.isfinite(voxels).all():
        raise RefusedError(f"{file}: holds voxels that are not finite numbers. Replace them, for example by 0.")
    return image, make_grid(shape[:3], affine), voxels


def describe_voxels(scan: Scan, known: Sequence[Json]) -> str:
    """Return a sentence about voxels of a size that no training scan is near; empty where there is one, or none known.

    Args:
        scan: to predict.
        known: measurements of the training scans, as scans.json lists them.
    """
    own = canonical_grid(scan.source_grid).spacing_mm()
    sizes = [[entry["spacing_mm"][axis] for entry in known] for axis in range(3)]
    ranges = [(min(axis), max(axis)) for axis in sizes if axis]
    if all(low / FACTOR <= length <= high * FACTOR for length, (low, high) in zip(own, ranges, strict=False)):
        return ""
    shown, low, high = (
        "x".join(f"{length:.3g}" for length in lengths)
        for lengths in (own, [least for least, _ in ranges], [most for _, most in ranges])
    )
    return (
        f"Unlike the training scans: voxels of {shown} mm, in training {low} to {high} mm: expect a worse mask. Is the "
        "unit of the header right? Use a scan of the resolution that the model knows."
    )


def find_body(voxels: Array) -> Array:
    """Return where a scan (channel, x, y, z) is not a constant background that is connected to its border."""
    background = np.ones(voxels.shape[1:], dtype=bool)
    for channel in voxels:
        values, counts = np.unique(faces_of(channel), return_counts=True)
        most = int(counts.argmax())
        if counts[most] < PROOF_SHARE * counts.sum():
            return np.ones(voxels.shape[1:], dtype=bool)
        background &= channel == values[most]
    numbers, count = ndimage.label(background)
    outside = np.isin(np.arange(count + 1), faces_of(numbers))
    outside[0] = False
    body: Array = ~outside[numbers]
    return body


def faces_of(array: Array) -> Array:
    """Return the values on the six faces of an array; those on edges more than once."""
    return np.concatenate([np.moveaxis(array, axis, 0)[index].ravel() for axis in range(3) for index in (0, -1)])


def bounding_box(mask: Array) -> Box:
    """Return the smallest box around a mask, or all of it where it is empty."""
    inside = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    ends = [(on[0], on[-1] + 1) if len(on) else (0, length) for on, length in zip(inside, mask.shape, strict=True)]
    return make_box(*zip(*ends, strict=True))


def prepare(scan: Scan, preprocessing: Json) -> Array:
    """Return (channel, x, y, z) normalised and resampled to a configuration's voxels."""
    pairs = [*zip(scan.voxels, preprocessing["normalization"], strict=True)]
    seen = preprocessing.get("channels") or range(len(pairs))
    channels = [normalize(channel, scan.body, one["name"], one["options"]) for channel, one in (pairs[n] for n in seen)]
    coarse_axis = preprocessing["coarse_axis"]
    x, y, z = (interpolation(axis == coarse_axis) for axis in range(3))
    return resample(np.stack(channels), choose_shape(scan, preprocessing), (x, y, z))


def interpolation(coarse: bool) -> Kind:
    """Return how an axis is resampled."""
    return "linear" if coarse else "cubic"


def choose_shape(scan: Scan, preprocessing: Json) -> Triple:
    """Return the lengths of the preprocessed array."""
    x, y, z = preprocessing["spacing_mm"]
    return target_shape(scan.box.shape(), canonical_grid(scan.source_grid).spacing_mm(), (x, y, z))


def normalize(channel: Array, body: Array, name: str, options: Json) -> Array:
    """Return a channel (x, y, z) normalised by one of `NORMALIZATIONS`."""
    if name in ("ct", "ct_window", "percentile_range", "rescale"):
        return normalize_range(channel, body, name, options)
    if name == "none":
        return channel
    if name == "scale":
        scaled: Array = channel * np.float32(options.get("factor", 1 / 255))
        return scaled
    if name == "white_stripe":
        peak, width, brain_only = (options.get(*pair) for pair in WHITE_STRIPE.items())
        return standardize_by_stripe(channel, body, peak, width, brain_only)
    counted = body if name == "zscore_body" else np.ones_like(body)
    inside = channel[counted]
    if inside.size:
        percentiles = (options.get("lower_percentile", 0.0), options.get("upper_percentile", 100.0))
        if percentiles != (0, 100):
            low, high = np.percentile(inside, percentiles)
            channel, inside = np.clip(channel, low, high), np.clip(inside, low, high)
        centre, scale = float(inside.mean(dtype=np.float64)), float(inside.std(dtype=np.float64))
        if is_one_value(scale, float(inside.min()), float(inside.max())):
            return np.zeros_like(channel)
        channel = standardize(channel, centre, scale)
    return np.where(body, channel, np.float32(0)) if name == "zscore_body" else channel


def normalize_range(channel: Array, body: Array, name: str, options: Json) -> Array:
    """Return a channel (x, y, z) of which a range of intensities is mapped to another one."""
    if name == "ct":
        return standardize(np.clip(channel, options["lower"], options["upper"]), options["mean"], options["sd"])
    if name == "rescale":
        low, high = float(channel.min()), float(channel.max())
        one_value = is_one_value(high - low, low, high)
        return np.zeros_like(channel) if one_value else standardize(channel, low, high - low)
    target = read_pair(options, TARGET)
    if name == "ct_window":
        half = options["width"] / 2
        return map_range(channel, (options["level"] - half, options["level"] + half), target, clipped=True)
    brain_only, clipped = options.get("brain_only", True), options.get("clip", True)
    return map_percentiles(
        channel, body, read_pair(options, PERCENTILES), target, clipped=clipped, brain_only=brain_only
    )


def read_pair(options: Json, defaults: dict[str, Any]) -> tuple[float, float]:
    """Return two options of a part."""
    first, second = (options.get(*pair) for pair in defaults.items())
    return first, second
