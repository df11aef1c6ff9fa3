"""Signs that a mask and a region of interest do not lie in one space, where a lesion load would mean nothing."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
from nilearn import datasets
from numpy.typing import NDArray

from autoseg.clinical.lesion_files import Lesion
from autoseg.clinical.regions import Region
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import Grid, make_grid
from dataset_fingerprints.reading.alignment import overlap

# A template has its axes along those of space, but for rounding; a scan as acquired is mostly turned by degrees.
_TURNED_DEGREES = 1.0
# Less of a region than this lies in the field of view of a mask: its percentages are about a part of it.
_COVERED = 0.98
# More of a lesion than this outside of the template's brain is not explained by its swelling and its atrophy.
_OUTSIDE = 0.5
_SMALLEST_ML = 0.1
# So much of what lies in MNI152 space lies in its brain: lesions and tracts reach a little beyond.
_INSIDE = 0.75
# A template's field of view lies around its midline, to some voxels.
_OFF_CENTRE_MM = 6.0
# So many voxels of a mask say where it lies.
_VOXELS_ASKED = 20_000
# What BIDS calls the space of a scan as it was acquired.
_NATIVE = re.compile(r"space-(orig|native|individual|scanner|T1w|anat)(?![A-Za-z0-9])", re.IGNORECASE)
_ADVICE = (
    "Register the scan to the region's template and warp the mask along; if both are in one space all the same, give "
    "--same-space."
)


def find_refusal(name: str, lesion: Lesion, region: Region) -> str:
    """Return why a mask and a region cannot be in one space, as far as a person may know better; empty for nothing.

    Args:
        name: of the mask's file.
        lesion: out of it.
        region: of interest.
    """
    degrees = _angle_degrees(lesion.grid, region.grid)
    if degrees > _TURNED_DEGREES:
        return (
            f"the mask's axes are turned by {degrees:.1f} degrees against those of {region.name}: it lies in the space "
            f"of its scan, not in that of the region. {_ADVICE}"
        )
    native = _NATIVE.search(name)
    if native and not _NATIVE.search(region.path.name):
        return f"{name} says {native[0]}, which is the space of its scan, not that of {region.name}. {_ADVICE}"
    return ""


def refuse_apart(lesion: Lesion, region: Region) -> None:
    """Make sure that the grids of a mask and a region meet in space at all.

    Raises:
        DataError: they do not.
    """
    if not overlap(region.grid, lesion.grid):
        raise DataError(
            f"the mask's field of view and that of {region.name} do not meet in space. Expected both in one space: "
            "register the scan to the region's template and warp the mask along, or correct the wrong header."
        )


def find_doubts(lesion: Lesion, region: Region, covered: float) -> tuple[str, ...]:
    """Return sentences on what makes a load doubtful.

    Args:
        lesion: of a case.
        region: of interest.
        covered: share of the region's volume that lies on the mask's grid.
    """
    doubts = []
    if covered < _COVERED:
        doubts.append(
            f"only {100 * covered:.0f} % of {region.name} lies in the mask's field of view, and all figures are about "
            "that part."
        )
    outside = _share_outside_brain(lesion)
    if outside > _OUTSIDE and lesion.volume_ml() >= _SMALLEST_ML and _is_in_template(region):
        doubts.append(
            f"{100 * outside:.0f} % of the lesion lies outside of the MNI152 brain, in which {region.name} lies: the "
            "mask is not in that space, or its header is wrong."
        )
    return tuple(doubts)


def doubt_sides(name: str, lesion: Lesion, midline_mm: float) -> str:
    """Return a sentence where left and right cannot be told by the header alone; empty where nothing speaks against it.

    Args:
        name: of the mask's file.
        lesion: out of it.
        midline_mm: x at which left and right are said to meet.
    """
    grid = lesion.grid
    upright = make_grid(grid.shape, np.diag([*grid.spacing_mm(), 1.0]))
    degrees = _angle_degrees(grid, upright)
    middle_mm = float(grid.matrix()[0] @ np.append((np.array(grid.shape) - 1) / 2, 1.0))
    native = _NATIVE.search(name)
    if degrees > _TURNED_DEGREES:
        found = f"its axes are turned by {degrees:.1f} degrees"
    elif native:
        found = f"its name says {native[0]}"
    elif abs(middle_mm - midline_mm) > _OFF_CENTRE_MM:
        found = f"its field of view is centred on x = {middle_mm:.0f} mm"
    else:
        return ""
    return (
        f"{found}: the mask may be in the space of its scan, where x = {midline_mm:g} mm need not be the midline, and "
        "its side may be wrong."
    )


def _angle_degrees(first: Grid, second: Grid) -> float:
    """Return the largest angle between axes of two canonical grids."""
    directions = [grid.matrix()[:3, :3] / np.array(grid.spacing_mm()) for grid in (first, second)]
    cosines = (directions[0] * directions[1]).sum(axis=0)
    return float(np.rad2deg(np.arccos(np.clip(cosines, -1, 1))).max())


def _share_outside_brain(lesion: Lesion) -> float:
    """Return the share of the lesion's voxels that lie outside of the template's brain; 0 without a lesion."""
    return 1.0 - _share_inside(lesion.mask, lesion.grid)


def _is_in_template(region: Region) -> bool:
    return is_mni(region.weights > 0, region.grid)


def is_mni(mask: NDArray[np.bool_], grid: Grid) -> bool:
    """Return whether an (x, y, z) mask lies where the MNI152 brain is, as one in that space does, with upright axes."""
    upright = make_grid(grid.shape, np.diag([*grid.spacing_mm(), 1.0]))
    return _angle_degrees(grid, upright) <= _TURNED_DEGREES and _share_inside(mask, grid) > _INSIDE


def _share_inside(mask: NDArray[np.bool_], grid: Grid) -> float:
    """Return the share of a mask's voxels in the template's brain; of a large mask, of some of them."""
    brain, place = _load_brain()
    points = np.argwhere(mask)
    if not len(points):
        return 1.0
    some = points[:: max(1, len(points) // _VOXELS_ASKED)]
    matrix = np.linalg.inv(place.matrix()) @ grid.matrix()
    voxels = np.rint(some @ matrix[:3, :3].T + matrix[:3, 3]).astype(int)
    inside = ((voxels >= 0) & (voxels < brain.shape)).all(axis=1)
    return float(brain[tuple(voxels[inside].T)].sum() / len(some))


@cache
def _load_brain() -> tuple[NDArray[np.bool_], Grid]:
    """Return the brain of the MNI152 template, which nilearn ships, on 2 mm; its axes are canonical."""
    mask = datasets.load_mni152_brain_mask(resolution=2)
    return mask.get_fdata(dtype=np.float32) > 0, make_grid(mask.shape, np.asarray(mask.affine))
