"""One case in memory: read once, checked, cropped to its body; fingerprint and preprocessing both start from it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.body import bounding_box, find_body
from dataset_fingerprints.checks import Finding, check_grids, check_labels, check_twins, check_voxels
from dataset_fingerprints.dataset import Case, LabelScheme, is_there
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.fingerprint import Box
from dataset_fingerprints.geometry import Grid, Triple, canonical_grid
from dataset_fingerprints.headers import check_channel_grids, check_header
from dataset_fingerprints.images import Image, join_channels, read_channels, read_label_map
from dataset_fingerprints.presence import check_channel_count, check_label_presence, check_presence

_log = logging.getLogger(__name__)


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
    """Read a scan that has no label map; what is odd but usable is logged.

    Args:
        name: of the case.
        images: one path per channel, None for a channel that the scan does not have, or a single 4D file.
        channels: their names.

    Raises:
        DataError: a file is missing or damaged, the number of channels is wrong, or the intensities cannot be used.
    """
    absent = tuple(position for position, image in enumerate(images) if image is None)
    present = [channel for position, channel in enumerate(channels) if position not in absent]
    image, findings = _gather_scan(name, [str(path) for path in images if path is not None], present)
    if image is None:
        refusals = [finding.message for finding in findings if finding.grade == "error"]
        raise DataError(f"case {name}: {' '.join(refusals)}")
    for finding in findings:
        _log.warning("case %s: %s", name, finding.message)
    scan = _crop(image.voxels, None, None, image.source_grid)
    for position in absent:
        scan = replace(scan, voxels=np.insert(scan.voxels, position, 0, axis=0), absent=absent)
    return scan


def read_case(case: Case, channels: Sequence[str], scheme: LabelScheme) -> tuple[Scan | None, tuple[Finding, ...]]:
    """Read a training case and check it.

    Returns:
        The scan, or None where a finding is an error; and all findings, missing and damaged files included: one
        fault of a case does not hide another.
    """
    image, findings = _gather_scan(case.name, case.images, channels)
    stored, more = _gather_label_map(case)
    findings += more
    if stored is None:
        return None, findings
    labels, more = check_labels(case.name, stored.voxels[0], scheme)
    findings += more
    if image is not None:
        findings += check_grids(case.name, image.source_grid, stored.source_grid)
        findings += check_twins(case.name, image.voxels, stored.voxels[0])
    if image is None or any(finding.grade == "error" for finding in findings):
        return None, findings
    return _crop(image.voxels, labels, scheme.foreground(labels), image.source_grid), findings


def _gather_scan(case: str, files: Sequence[str], channels: Sequence[str]) -> tuple[Image | None, tuple[Finding, ...]]:
    """Read all channels of a case and check them; None if they do not make a scan."""
    findings = check_presence(case, files, channels)
    images: dict[str, Image] = {}
    for file in filter(is_there, files):
        try:
            images[file] = read_channels(Path(file))
        except DataError as error:
            findings += (_unreadable(case, error),)
    complete = len(images) == len(files)
    if complete:
        findings += check_channel_count(case, [image.voxels.shape[0] for image in images.values()], channels)
    for file, image in images.items():
        names = _names_of(file, files, image.voxels.shape[0], channels)
        findings += check_header(case, f"channel {names[0]}" if len(names) == 1 else "the scan", image.header)
        findings += check_voxels(case, image.voxels, names)
    if complete:
        first_names = [_names_of(file, files, 1, channels)[0] for file in images]
        findings += check_channel_grids(case, first_names, [image.grid() for image in images.values()])
    # A scan of one value everywhere is no use for training, but there is an answer to it.
    if not complete or any(finding.grade == "error" and finding.kind != "constant" for finding in findings):
        return None, findings
    return join_channels(images), findings


def _gather_label_map(case: Case) -> tuple[Image | None, tuple[Finding, ...]]:
    findings = check_label_presence(case.name, case.label)
    if findings:
        return None, findings
    try:
        image = read_label_map(case.label_path())
    except DataError as error:
        return None, (_unreadable(case.name, error),)
    return image, check_header(case.name, "the label map", image.header)


def _unreadable(case: str, error: DataError) -> Finding:
    return Finding(case=case, grade="error", kind="unreadable", message=str(error))


def _names_of(file: str, files: Sequence[str], volumes: int, channels: Sequence[str]) -> Sequence[str]:
    """Return the names of the channels that a file holds, or its own name where the case's files do not fit them."""
    if len(files) == 1 and volumes == len(channels):
        return channels
    if volumes == 1 and len(files) == len(channels):
        return [channels[files.index(file)]]
    return [Path(file).name] * volumes


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
