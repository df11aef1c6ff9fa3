"""What can be wrong with the place that headers give voxels in space."""

from __future__ import annotations

from collections.abc import Sequence
from math import radians, sin, sqrt

from dataset_fingerprints.alignment import overlap, same_place
from dataset_fingerprints.checks import Finding
from dataset_fingerprints.geometry import Grid, affine_distance_mm, show_shape, show_spacing, skew_degrees
from dataset_fingerprints.stored import Header
from dataset_fingerprints.tolerances import REFUSED_DEGREES, RIGHT_ANGLE_DEGREES, STRAIGHTENED_DEGREES, TOLD_SHIFT


def check_header(case: str, what: str, header: Header) -> tuple[Finding, ...]:
    """Look at one file's header.

    Args:
        case: its name.
        what: the file in words, for example "channel T1w".
        header: as read.
    """
    return (*_check_forms(case, what, header), *_check_axes(case, what, header.grid))


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
        if covered == 0:
            message = f"{found}, and the two do not overlap in space. Mend the header that is wrong."
            findings.append(Finding(case=case, grade="error", kind="channel-grid", message=message))
        else:
            message = f"{found}. It was resampled onto that (linear) and covers {covered:.0%} of it."
            findings.append(Finding(case=case, grade="warning", kind="channel-grid", message=message))
    return tuple(findings)


def _check_forms(case: str, what: str, header: Header) -> tuple[Finding, ...]:
    """Compare a NIfTI's two ways to place voxels.

    The sform is used, as nibabel does; SimpleITK, and with it nnU-Net, takes the qform unless the sform's code is 1.
    """
    if header.qform is None:
        return ()
    apart_mm = affine_distance_mm(header.grid, header.qform)
    if apart_mm <= TOLD_SHIFT * min(header.grid.spacing_mm()):
        return ()
    message = (
        f"{what}: qform and sform of the header place voxels up to {apart_mm:.3g} mm apart. The sform is used "
        "(nibabel's rule). If the qform is right, set the code of the sform to 0."
    )
    return (Finding(case=case, grade="warning", kind="qform-sform", message=message),)


def _check_axes(case: str, what: str, grid: Grid) -> tuple[Finding, ...]:
    """Measure how far the axes are from right angles."""
    degrees = skew_degrees(grid)
    if degrees <= RIGHT_ANGLE_DEGREES:
        return ()
    found = f"{what}: the axes of the header are off right angles by {degrees:.2g} degrees"
    if degrees <= STRAIGHTENED_DEGREES:
        message = f"{found}. They were straightened to the nearest right angles."
        return (Finding(case=case, grade="fixed", kind="skewed-axes", message=message),)
    if degrees <= REFUSED_DEGREES:
        message = f"{found}. They are taken for right angles: lengths are wrong by up to {_stretch(degrees):.1%}."
        return (Finding(case=case, grade="warning", kind="skewed-axes", message=message),)
    message = (
        f"{found}, and lengths would be wrong by up to {_stretch(degrees):.1%}. Resample scan and label map onto a "
        "grid of right angles, for example with nibabel.processing.resample_to_output."
    )
    return (Finding(case=case, grade="error", kind="skewed-axes", message=message),)


def _stretch(degrees: float) -> float:
    """Return the largest relative error of a length if axes at 90 - `degrees` are taken for right angles."""
    return 1 / sqrt(1 - sin(radians(degrees))) - 1


def _show(grid: Grid) -> str:
    return f"{show_shape(grid.shape)} voxels of {show_spacing(grid.spacing_mm())} mm"
