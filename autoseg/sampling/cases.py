"""Training cases held in memory, with the voxels that foreground patches are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.sampling.previous import PreviousMask, make_previous_mask
from dataset_fingerprints.dataset import Heads

FOREGROUND_VOXELS = 10_000
LESION_VOXELS = 200
HALF_PRECISION_LIMIT = 2048.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Lesions:
    """The components (26-connectivity) of one label or region in one case.

    Attributes:
        sizes: voxels of each.
        voxels: (n, 3) coordinates of some of each one's voxels.
    """

    sizes: NDArray[np.int64]
    voxels: tuple[NDArray[np.int32], ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ResidentCase:
    """One preprocessed training case.

    Attributes:
        image: (channel, x, y, z) float16 or float32, on the training device or in RAM.
        label: (x, y, z) uint8 label indices, on the same device.
        foreground: per label or region the (n, 3) coordinates of some of its voxels, on the host; n may be 0.
        annotated: (n, 3) coordinates of some of the voxels that are not ignored, where some are; else None.
        lesions: per label or region, as `foreground`; empty where single lesions are not told apart.
        previous: the mask of a cascade's first stage, which the network sees beside the image; else None.
    """

    name: str
    image: torch.Tensor
    label: torch.Tensor
    foreground: tuple[NDArray[np.int32], ...]
    annotated: NDArray[np.int32] | None = None
    lesions: tuple[Lesions, ...] = ()
    previous: PreviousMask | None = None

    def maps(self) -> tuple[torch.Tensor, ...]:
        """Return everything (x, y, z) that is cut out as it is: the label map, and a first stage's components."""
        return (self.label,) if self.previous is None else (self.label, self.previous.parts)


def make_resident_case(
    name: str,
    image: NDArray[np.floating],
    label: NDArray[np.integer],
    heads: Heads,
    device: torch.device,
    *,
    find_lesions: bool = False,
) -> ResidentCase:
    """Put a preprocessed case on the device, its image in half precision where the values allow it.

    The voxels kept for placing patches (at most 10,000 per label or region, and 200 per lesion) depend on the case and
    its name only.

    Args:
        image: (channel, x, y, z), normalised.
        label: (x, y, z) label indices.
        heads: which indices are looked for, and which one is ignored.
        device: where the case is kept.
        find_lesions: tell single lesions apart, so that they can be drawn by their size.
    """
    # Half precision is exact for integers up to its limit and has a relative error of 0.05 % elsewhere.
    small = bool(np.abs(image).max(initial=0.0) <= HALF_PRECISION_LIMIT)
    pixels = np.ascontiguousarray(image, dtype=np.float16 if small else np.float32)
    indices = np.ascontiguousarray(label, dtype=np.uint8)
    rng = np.random.default_rng(list(name.encode()))
    return ResidentCase(
        name=name,
        image=torch.from_numpy(pixels).to(device),
        label=torch.from_numpy(indices).to(device),
        foreground=_find_foreground(rng, indices, heads.targets()),
        annotated=_find_annotated(rng, indices, heads.ignored),
        lesions=tuple(_find_lesions(rng, indices, members) for members in heads.targets()) if find_lesions else (),
    )


def add_previous(case: ResidentCase, indices: NDArray[np.uint8], heads: Heads) -> ResidentCase:
    """Return the case with the (x, y, z) label indices that a cascade's first stage predicted, beside its image."""
    return replace(case, previous=make_previous_mask(indices, heads.targets(), case.image.device))


def _find_foreground(
    rng: np.random.Generator, label: NDArray[np.uint8], targets: Sequence[tuple[int, ...]]
) -> tuple[NDArray[np.int32], ...]:
    flat = np.flatnonzero(label)
    values = label.reshape(-1)[flat]
    return tuple(_pick(rng, flat[np.isin(values, members)], label.shape) for members in targets)


def _find_annotated(rng: np.random.Generator, label: NDArray[np.uint8], ignored: int) -> NDArray[np.int32] | None:
    if ignored < 0 or not (label == ignored).any():
        return None
    return _pick(rng, np.flatnonzero(label != ignored), label.shape)


def _find_lesions(rng: np.random.Generator, label: NDArray[np.uint8], members: tuple[int, ...]) -> Lesions:
    components, _ = ndimage.label(np.isin(label, members), np.ones((3, 3, 3)))
    flat = np.flatnonzero(components)
    numbers = components.reshape(-1)[flat]
    sizes = np.bincount(numbers)[1:].astype(np.int64)
    ordered = flat[np.argsort(numbers, kind="stable")]
    parts = np.split(ordered, np.cumsum(sizes)[:-1]) if len(sizes) else []
    return Lesions(sizes=sizes, voxels=tuple(_pick(rng, part, label.shape, LESION_VOXELS) for part in parts))


def _pick(
    rng: np.random.Generator, voxels: NDArray[np.intp], shape: tuple[int, ...], most: int = FOREGROUND_VOXELS
) -> NDArray[np.int32]:
    if len(voxels) > most:
        voxels = rng.choice(voxels, most, replace=False)
    return np.stack(np.unravel_index(voxels, shape), axis=1).astype(np.int32)
