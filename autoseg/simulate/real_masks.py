"""Lesion shapes from a folder of masks of patients, in MNI space: mirrored, and warped with the brain they go into."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.simulate.anatomy import Anatomy
from autoseg.simulate.fields import MaskArray
from autoseg.simulate.regions import find_ventricles
from autoseg.simulate.template import load_template
from dataset_fingerprints.errors import AutosegError, DataError
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.images import case_stem, is_image, read_label_map

# A folder of masks often holds other images as well.
_WORDS = ("lesion", "mask")
# Less of a mask inside the template's brain than this, and it is in another space.
_LEAST_INSIDE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class RealMask:
    """One patient's lesions on a RAS+ grid around them.

    Attributes:
        volume_ml: in MNI space.
        origin_mm: MNI coordinate of the first voxel.
        step_mm: 3x3 matrix from voxels to MNI mm.
    """

    name: str
    voxels: NDArray[np.uint8]
    volume_ml: float
    origin_mm: tuple[float, ...]
    step_mm: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RealMaskPlan:
    """Choice of one patient's lesions, and whether they are mirrored at the midline."""

    file: str
    mirrored: bool


def find_masks(folder: Path) -> tuple[str, ...]:
    """Return the names of the masks in a folder: the images whose names say lesion or mask, or all where none does.

    Raises:
        AutosegError: there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise AutosegError(f"{folder}: is not a folder. Expected a folder of lesion masks in MNI space.")
    images = [path.name for path in sorted(folder.iterdir()) if path.is_file() and is_image(path)]
    if not images:
        raise AutosegError(f"{folder}: holds no image. Expected lesion masks in MNI space (NIfTI), one per patient.")
    return tuple(name for name in images if any(word in name.lower() for word in _WORDS)) or tuple(images)


def sample_real_mask(rng: np.random.Generator, folder: Path, min_ml: float, max_ml: float) -> RealMaskPlan:
    """Draw a mask whose volume lies in the range, and its side.

    Raises:
        AutosegError: no mask has such a volume, or a file is not a mask.
    """
    mirrored = bool(rng.integers(2))
    masks = find_masks(folder)
    for index in rng.permutation(len(masks)):
        if min_ml <= read_mask(folder / masks[index]).volume_ml <= max_ml:
            return RealMaskPlan(file=masks[index], mirrored=mirrored)
    raise AutosegError(
        f"{folder}: none of its {counted(len(masks), 'mask')} is of {min_ml:g} to {max_ml:g} ml. Ask for a wider "
        "range of volumes."
    )


def apply_real_mask(plan: RealMaskPlan, folder: Path, anatomy: Anatomy) -> MaskArray:
    """Return the mask on the anatomy's grid, without what falls outside of the brain or into the ventricles."""
    mask = read_mask(folder / plan.file)
    mni_mm = anatomy.mni_mm
    if plan.mirrored:
        mni_mm = mni_mm * np.array([-1.0, 1.0, 1.0], np.float32)[:, None, None, None]
    inverse = np.linalg.inv(np.array(mask.step_mm)).astype(np.float32)
    offsets_mm = mni_mm - np.array(mask.origin_mm, np.float32)[:, None, None, None]
    voxels = np.einsum("ij,jxyz->ixyz", inverse, offsets_mm, optimize=True)
    fraction = ndimage.map_coordinates(mask.voxels, voxels, output=np.float32, order=1)
    allowed = anatomy.brain & ~find_ventricles(anatomy)
    lesion: MaskArray = (fraction > 0.5) & allowed
    if not lesion.any():
        # Smaller than a voxel, or pushed out of the tissue: its nearest voxel of tissue.
        inside = np.argwhere(allowed)
        middle = np.array(mask.voxels.shape)[:, None] / 2
        nearest = inside[np.argmin(np.linalg.norm(voxels[:, allowed] - middle, axis=0))]
        lesion[tuple(nearest)] = True
    return lesion


@lru_cache(maxsize=512)
def read_mask(path: Path) -> RealMask:
    """Read a mask: what is above half of the file's largest value.

    Raises:
        AutosegError: it is empty, no mask, or not in MNI space.
    """
    image = read_label_map(path)
    stored = image.voxels[0]
    values = np.unique(stored)
    if len(values) != 2 or values[0] != 0:
        found = (
            "is empty"
            if len(values) == 1
            else f"holds {len(values)} different values from {values[0]:g} to {values[-1]:g}"
        )
        raise AutosegError(f"{path}: {found}. A lesion mask holds 0 and one other value: correct it or take it out.")
    matrix = image.grid().matrix()
    (box,) = ndimage.find_objects((stored > 0).astype(np.int8))
    _refuse_other_space(path, nibabel.affines.apply_affine(matrix, np.argwhere(stored > 0)))
    first = [axis.start - 1 for axis in box]
    return RealMask(
        name=case_stem(path),
        voxels=np.pad((stored[box] > 0).astype(np.uint8), 1),
        volume_ml=float((stored > 0).sum() * abs(np.linalg.det(matrix[:3, :3])) / 1000),
        origin_mm=tuple(float(value) for value in nibabel.affines.apply_affine(matrix, first)),
        step_mm=tuple(tuple(float(value) for value in row) for row in matrix[:3, :3]),
    )


def _refuse_other_space(path: Path, points_mm: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
    template = load_template((1.0, 1.0, 1.0))
    inside = ndimage.map_coordinates(template.brain, points_mm.T - np.array(template.origin_mm)[:, None], order=0)
    if (share := float((inside > 0.5).mean())) < _LEAST_INSIDE:
        raise DataError(
            f"{path}: only {share:.0%} of the mask lie inside the MNI152 brain. "
            "Expected masks in MNI space: normalise them, or correct the header."
        )
