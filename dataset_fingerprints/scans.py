"""One case in memory: read once, checked, cropped to its body; fingerprint and preprocessing both start from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.body import bounding_box, find_body
from dataset_fingerprints.checks import Finding, check_grids, check_labels, check_twins, check_voxels
from dataset_fingerprints.dataset import Case, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.fingerprint import Box
from dataset_fingerprints.geometry import Grid, Triple, canonical_grid
from dataset_fingerprints.images import read_image, read_label_map


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """A scan cropped to its body, in canonical RAS+ axes.

    Attributes:
        voxels: (channel, x, y, z) inside `box`, float32.
        labels: (x, y, z) label indices inside `box`; None for a scan without a label map.
        body: (x, y, z) inside `box`, True where the scan is not background.
        box: where the crop lies in the canonical grid.
        background: the value around the body, None where no background was proven.
        source_grid: the grid of the file.
        absent: the positions of channels that the scan does not have; their voxels are 0.
    """

    voxels: NDArray[np.float32]
    labels: NDArray[np.uint8] | None
    body: NDArray[np.bool_]
    box: Box
    background: float | None
    source_grid: Grid
    absent: tuple[int, ...] = ()

    def canonical_shape(self) -> Triple:
        """Return the whole scan's shape in canonical axes."""
        return canonical_grid(self.source_grid).shape


def read_scan(name: str, images: Sequence[Path | None], channels: Sequence[str]) -> Scan:
    """Read a scan that has no label map.

    Args:
        name: of the case.
        images: one path per channel, None for a channel that the scan does not have, or a single 4D file.
        channels: their names.

    Raises:
        DataError: a file is damaged, the number of channels is wrong, or the intensities cannot be used.
    """
    absent = tuple(position for position, image in enumerate(images) if image is None)
    present = [channel for position, channel in enumerate(channels) if position not in absent]
    voxels, grid = _read_channels(name, [image for image in images if image is not None], present)
    bad = [finding for finding in check_voxels(name, voxels, present) if finding.kind == "not-finite"]
    if bad:
        raise DataError(f"case {name}: {bad[0].message}")
    scan = _crop(voxels, None, None, grid)
    for position in absent:
        scan = replace(scan, voxels=np.insert(scan.voxels, position, 0, axis=0), absent=absent)
    return scan


def read_case(case: Case, channels: Sequence[str], scheme: LabelScheme) -> tuple[Scan | None, tuple[Finding, ...]]:
    """Read a training case and check it.

    Returns:
        The scan, or None where a finding is an error; and all findings, damaged files included.
    """
    try:
        voxels, grid = _read_channels(case.name, case.image_paths(), channels)
        stored = read_label_map(case.label_path())
    except DataError as error:
        return None, (Finding(case=case.name, grade="error", kind="unreadable", message=str(error)),)
    findings = check_grids(case.name, grid, stored.source_grid)
    if any(finding.grade == "error" for finding in findings):
        return None, findings
    findings = (*findings, *check_twins(case.name, voxels, stored.voxels[0]))
    labels, more = check_labels(case.name, stored.voxels[0], scheme)
    findings = (*findings, *check_voxels(case.name, voxels, channels), *more)
    if any(finding.grade == "error" for finding in findings):
        return None, findings
    return _crop(voxels, labels, scheme.foreground(labels), grid), findings


def _read_channels(name: str, images: Sequence[Path], channels: Sequence[str]) -> tuple[NDArray[np.float32], Grid]:
    image = read_image(images)
    if image.voxels.shape[0] != len(channels):
        raise DataError(
            f"case {name}: has {image.voxels.shape[0]} channels. Expected {len(channels)} ({', '.join(channels)}): "
            "give one file per channel (_0000, _0001, ...) or one 4D file, in the order of dataset.json."
        )
    return image.voxels, image.source_grid


def _crop(
    voxels: NDArray[np.float32],
    labels: NDArray[np.uint8] | None,
    foreground: NDArray[np.bool_] | None,
    grid: Grid,
) -> Scan:
    """Crop to the body and everything labelled; what is ignored may be cut, as nothing is ever predicted there."""
    body = find_body(voxels)
    box = bounding_box(body.mask if foreground is None else body.mask | foreground)
    inside = box.slices()
    return Scan(
        voxels=np.ascontiguousarray(voxels[(slice(None), *inside)]),
        labels=None if labels is None else np.ascontiguousarray(labels[inside]),
        body=np.ascontiguousarray(body.mask[inside]),
        box=box,
        background=body.background,
        source_grid=grid,
    )
