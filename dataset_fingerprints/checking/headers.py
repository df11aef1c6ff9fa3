"""Checks of the position that headers give voxels in space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import radians, sin, sqrt

from dataset_fingerprints.checking.checks import Finding, Grade
from dataset_fingerprints.geometry import Grid, affine_distance_mm, show_lengths, show_spacing, skew_degrees
from dataset_fingerprints.header_advice import VOXEL_SIZE_ADVICE
from dataset_fingerprints.reading.alignment import overlap, same_place
from dataset_fingerprints.reading.stored import Header
from dataset_fingerprints.tolerances import (
    REFUSED_DEGREES,
    REPORTED_SHIFT,
    REPORTED_SIZE,
    RIGHT_ANGLE_DEGREES,
    STRAIGHTENED_DEGREES,
)

_UNIT_NAMES = {"meter": "metres", "micron": "micrometres"}

# grade, kind, and what was found without saying in which file
_Fault = tuple[Grade, str, str]


def check_headers(case: str, headers: Mapping[str, Header]) -> tuple[Finding, ...]:
    """Look at the headers of a case's files; files with the same fault share a finding.

    Args:
        case: its name.
        headers: by the file in words, for example "channel T1w".
    """
    faults: dict[_Fault, list[str]] = {}
    for what, header in headers.items():
        for fault in (*_check_unit(header), *_check_forms(header), *_check_axes(header.grid)):
            faults.setdefault(fault, []).append(what)
    return tuple(
        Finding(case=case, grade=grade, kind=kind, message=f"{', '.join(files)}: {text}")
        for (grade, kind, text), files in faults.items()
    )


def check_channel_grids(case: str, names: Sequence[str], grids: Sequence[Grid]) -> tuple[Finding, ...]:
    """Compare the grids of a case's files with the first one's.

    Args:
        case: its name.
        names: of the channels in each file.
        grids: one per file, canonical.
    """
    findings = []
    for name, grid in zip(names[1:], grids[1:], strict=True):
        if same_place(grids[0], grid):
            continue
        covered = overlap(grids[0], grid)
        found = f"channel {name} ({_show(grid)}) lies on another grid than {names[0]} ({_show(grids[0])})"
        if _show(grid) == _show(grids[0]):
            apart_mm = affine_distance_mm(grids[0], grid)
            where = f"both have {_show(grid)}, up to {apart_mm:.3g} mm apart in space"
            found = f"channel {name} lies on another grid than {names[0]} ({where})"
        if covered == 0:
            message = f"{found}, and the two do not overlap in space. Correct the header that is wrong."
            findings.append(Finding(case=case, grade="error", kind="channel-grid", message=message))
        else:
            message = f"{found}. It was resampled onto that (linear) and covers {covered:.0%} of it."
            findings.append(Finding(case=case, grade="warning", kind="channel-grid", message=message))
    return tuple(findings)


def _check_forms(header: Header) -> Iterator[_Fault]:
    """Report what a DICOM slice leaves open, and compare a NIfTI's two ways to place voxels.

    The sform is used, as nibabel does; SimpleITK, and with it nnU-Net, takes the qform unless the sform's code is 1.
    """
    for text in header.assumptions:
        yield "warning", "assumed-place", f"{text}. If this is wrong, convert it to NIfTI with the right header."
    if header.qform is None:
        return
    apart_mm = affine_distance_mm(header.grid, header.qform)
    if apart_mm > REPORTED_SHIFT * min(header.grid.spacing_mm()):
        yield (
            "warning",
            "qform-sform",
            f"qform and sform of the header place voxels up to {apart_mm:.3g} mm apart. The sform is used (nibabel's "
            "rule). If the qform is right, set the code of the sform to 0.",
        )


def _check_unit(header: Header) -> Iterator[_Fault]:
    """Report lengths that were converted, and voxel sizes that a NIfTI gives in two ways."""
    sizes_mm = header.grid.spacing_mm()
    if header.unit:
        yield (
            "warning",
            "unit",
            f"the header gives lengths in {_UNIT_NAMES[header.unit]}, which were converted: the voxels are "
            f"{show_spacing(sizes_mm)} mm. If this is right, nothing has to be done. If not: {VOXEL_SIZE_ADVICE}.",
        )
    if header.pixdim_mm is not None and not _same_sizes(header.pixdim_mm, sizes_mm):
        yield (
            "warning",
            "voxel-size",
            f"the header gives voxel sizes of {show_spacing(header.pixdim_mm)} mm (pixdim), but its affine has "
            f"{show_spacing(sizes_mm)} mm. The affine is used. If the others are right: {VOXEL_SIZE_ADVICE}.",
        )


def _same_sizes(first: Sequence[float], second: Sequence[float]) -> bool:
    return all(abs(a - b) <= REPORTED_SIZE * b for a, b in zip(first, second, strict=True))


def _check_axes(grid: Grid) -> Iterator[_Fault]:
    """Measure how far the axes are from right angles."""
    degrees = skew_degrees(grid)
    if degrees <= RIGHT_ANGLE_DEGREES:
        return
    found = f"the axes of the header are off right angles by {degrees:.2g} degrees"
    if degrees <= STRAIGHTENED_DEGREES:
        yield "fixed", "skewed-axes", f"{found}. They were straightened to the nearest right angles."
    elif degrees <= REFUSED_DEGREES:
        wrong = f"lengths are wrong by up to {_stretch(degrees):.1%}"
        yield "warning", "skewed-axes", f"{found}. They are taken for right angles: {wrong}."
    else:
        yield (
            "error",
            "skewed-axes",
            f"{found}, and lengths would be wrong by up to {_stretch(degrees):.1%}. Resample scan and label map onto a "
            "grid of right angles, for example with nibabel.processing.resample_to_output.",
        )


def _stretch(degrees: float) -> float:
    """Return the largest relative error of a length if axes at 90 - `degrees` are taken for right angles."""
    return 1 / sqrt(1 - sin(radians(degrees))) - 1


def _show(grid: Grid) -> str:
    return f"{show_lengths(grid.shape)} voxels of {show_spacing(grid.spacing_mm())} mm"
