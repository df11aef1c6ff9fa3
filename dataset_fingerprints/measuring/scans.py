"""One case in memory: read once, checked, cropped to its body; fingerprint and preprocessing both start from it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.checking.checks import Finding, check_grids, check_labels, check_twins, check_voxels
from dataset_fingerprints.checking.headers import check_channel_grids, check_headers
from dataset_fingerprints.checking.presence import check_channel_count, check_label_presence, check_presence
from dataset_fingerprints.dataset import Case, LabelScheme, is_there
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.failures import Failure, attempt, lacks_memory
from dataset_fingerprints.geometry import Box, Grid, Triple, canonical_grid, find_reorientation, to_canonical
from dataset_fingerprints.reading.body import bounding_box, find_body
from dataset_fingerprints.reading.images import Image, join_channels, read_channels, read_label_map
from dataset_fingerprints.reading.stored import Header

# Behind what is said of scans to predict of which not all channels hold one value everywhere.
_CONSTANT = " It is predicted by its other channels: expect a worse mask."

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
        header: of the scan's first file, for its mask; None for a scan that is not from a file.
        around: the value of every channel outside of the body; empty where no background was proven.
    """

    voxels: NDArray[np.float32]
    labels: NDArray[np.uint8] | None
    body: NDArray[np.bool_]
    box: Box
    background: float | None
    source_grid: Grid
    absent: tuple[int, ...] = ()
    header: Header | None = None
    around: tuple[float, ...] = ()

    def without_voxels(self) -> Scan:
        """Return the same without any of its voxels, of which there are 0 along the first axis then."""
        return replace(self, voxels=self.voxels[:, :0].copy())

    def canonical_shape(self) -> Triple:
        """Return the whole scan's shape in canonical axes."""
        return canonical_grid(self.source_grid).shape


def read_scan(
    name: str, images: Sequence[Path | None], channels: Sequence[str], series: str = "", *, said: bool = True
) -> Scan:
    """Read a scan that has no label map; what is odd but usable is logged.

    Args:
        name: of the case.
        images: one path per channel, None for a channel that the scan does not have, or a single 4D file.
        channels: their names.
        series: which DICOM series of a folder with several, by description or SeriesInstanceUID.
        said: whether what is odd is logged: not when a scan is read once more.

    Raises:
        DataError: a file is missing or damaged, the number of channels is wrong, or the intensities cannot be used.
    """
    absent = tuple(position for position, image in enumerate(images) if image is None)
    present = [channel for position, channel in enumerate(channels) if position not in absent]
    opened, findings = _read_files(name, [str(path) for path in images if path is not None], present, series)
    findings += check_headers(name, _headers_of(opened))
    # A channel of one value is of no use for training, but others may do. An empty mask of a scan that holds nothing
    # else would count as one of a healthy brain.
    constant = [finding for finding in findings if finding.kind == "constant"]
    usable = constant if len(constant) < len(present) else []
    refusals = [finding.message for finding in findings if finding.grade == "error" and finding not in usable]
    if refusals:
        raise DataError(f"case {name}: {' '.join(refusals)}")
    for finding in findings if said else ():
        answer = _CONSTANT if finding in constant else ""
        _log.warning("case %s: %s%s", name, finding.message, answer)
    image = join_channels([file.image for file in opened])
    scan = replace(_crop(image.voxels, None, None, image.source_grid), header=image.header)
    for position in absent:
        around = (*scan.around[:position], 0.0, *scan.around[position:]) if scan.around else ()
        scan = replace(scan, voxels=np.insert(scan.voxels, position, 0, axis=0), absent=absent, around=around)
    return scan


def make_scan(voxels: NDArray[np.floating], grid: Grid) -> Scan:
    """Return a scan of voxels that are in memory, cropped to its body.

    Args:
        voxels: (channel, i, j, k) along the axes of the grid.
        grid: where they lie.

    Raises:
        DataError: voxels are NaN, infinite, or beyond the numbers of 32 bits, or all the same.
    """
    with np.errstate(over="ignore"):
        single = voxels.astype(np.float32)
    if not np.isfinite(single).all():
        raise DataError("the array holds voxels that are NaN, infinite or beyond 3e38. Replace them, for example by 0.")
    canonical = to_canonical(single, find_reorientation(grid))
    if all(channel.min() == channel.max() for channel in canonical):
        raise DataError(f"the array is {canonical.flat[0]:g} everywhere. Expected a scan.")
    return _crop(np.ascontiguousarray(canonical), None, None, grid)


def read_case(case: Case, channels: Sequence[str], scheme: LabelScheme) -> tuple[Scan | None, tuple[Finding, ...]]:
    """Read a training case and check it; of a scheme without labels only its scan.

    Returns:
        The scan, or None where a finding is an error; and all findings, missing and damaged files included: one
        fault of a case does not hide another.
    """
    opened, findings = _read_files(case.name, case.images, channels)
    if not scheme.labels:
        findings += check_headers(case.name, _headers_of(opened))
        sound = not any(finding.grade == "error" for finding in findings)
        return _join(opened) if sound else None, findings
    stored, more = _read_label(case)
    findings += more
    if stored is None:
        return None, (*findings, *check_headers(case.name, _headers_of(opened)))
    findings += check_headers(case.name, _headers_of(opened) | {"the label map": stored.header})
    if opened:
        findings += check_grids(case.name, opened[0].image.source_grid, stored.source_grid)
    twins = [finding for file in opened for finding in check_twins(case.name, file.image.voxels, stored.voxels[0])]
    labels, more = check_labels(case.name, stored.voxels[0], scheme)
    # A scan in the label map's place has no values of labels, which is known already.
    findings += tuple(twins) or more
    if any(finding.grade == "error" for finding in findings):
        return None, findings
    image = join_channels([file.image for file in opened])
    return _crop(image.voxels, labels, scheme.foreground(labels), image.source_grid), findings


def _join(opened: Sequence[_ReadFile]) -> Scan:
    """Return the scan that sound files make, without labels."""
    image = join_channels([file.image for file in opened])
    return _crop(image.voxels, None, None, image.source_grid)


@dataclass(frozen=True, kw_only=True, slots=True)
class _ReadFile:
    """One of the files of a scan.

    Attributes:
        names: of the channels in it.
    """

    names: tuple[str, ...]
    image: Image


def _read_files(
    case: str, files: Sequence[str], channels: Sequence[str], series: str = ""
) -> tuple[tuple[_ReadFile, ...], tuple[Finding, ...]]:
    """Read the files of a scan that can be read, and check them; without an error found they are complete."""
    findings = check_presence(case, files, channels)
    opened: list[_ReadFile] = []
    for position, file in enumerate(files):
        if is_there(file):
            image = attempt(case, f"{file}: cannot be read", partial(read_channels, Path(file), series), lacks_memory)
            if isinstance(image, Failure):
                findings += (unreadable(image),)
            else:
                names = _name_volumes(files, position, image.voxels.shape[0], channels)
                opened.append(_ReadFile(names=names, image=image))
    for entry in opened:
        findings += check_voxels(case, entry.image.voxels, entry.names)
    if len(opened) == len(files):
        findings += check_channel_count(case, [len(file.names) for file in opened], channels)
        findings += check_channel_grids(
            case, [file.names[0] for file in opened], [file.image.grid() for file in opened]
        )
    return tuple(opened), findings


def _read_label(case: Case) -> tuple[Image | None, tuple[Finding, ...]]:
    findings = check_label_presence(case.name, case.label)
    if findings:
        return None, findings
    what = f"{case.label}: cannot be read"
    image = attempt(case.name, what, lambda: read_label_map(case.label_path()), lacks_memory)
    return (None, (unreadable(image),)) if isinstance(image, Failure) else (image, ())


def _headers_of(opened: Sequence[_ReadFile]) -> dict[str, Header]:
    """Return the headers of a scan's files with what they are in words."""
    return {f"channel {file.names[0]}" if len(file.names) == 1 else "the scan": file.image.header for file in opened}


def unreadable(failure: Failure) -> Finding:
    """Return the finding of a case that could not be read, or not be worked on."""
    return Finding(case=failure.case, grade="error", kind="unreadable", message=failure.message)


def _name_volumes(files: Sequence[str], position: int, volumes: int, channels: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the channels that a file holds, or its own name where the case's files do not fit them."""
    if len(files) == 1 and volumes == len(channels):
        return tuple(channels)
    if volumes == 1 and len(files) == len(channels):
        return (channels[position],)
    return (Path(files[position]).name,) * volumes


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
        around=body.around,
    )
