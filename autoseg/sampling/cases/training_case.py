"""Training cases: where their voxels are, and which of them patches are placed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
import torch
from numpy.typing import NDArray

from autoseg.sampling.cases.shown_masks import ShownMask
from autoseg.sampling.cases.voxels import CaseVoxels, Cutout, hold_voxels
from dataset_fingerprints.dataset import Case, Heads
from dataset_fingerprints.geometry import Box, Triple

FOREGROUND_VOXELS = 10_000
LESION_VOXELS = 200

# (n, 3), in the smallest type that holds them: they stay in memory also of cases that do not.
Coordinates = NDArray[np.unsignedinteger]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Lesions:
    """The components (26-connectivity) of one label or region in one case.

    Attributes:
        sizes: voxels of each.
        voxels: (n, 3) coordinates of some of each one's voxels.
    """

    sizes: NDArray[np.int64]
    voxels: tuple[Coordinates, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Origin of a case; fields that the data set does not give are empty."""

    site: str = ""
    subject: str = ""
    group: str = ""
    task: str = ""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainingCase:
    """One preprocessed training case, or the box of one that a configuration looks at.

    Its voxels, coordinates and masks all count from the first voxel of that box; nothing outside of it is seen.

    Attributes:
        labels: the indices above 0 that its label map holds.
        foreground: per label or region the (n, 3) coordinates of some of its voxels, on the host; n may be 0.
        annotated: (n, 3) coordinates of some of the voxels that are not ignored, where some are; else None.
        lesions: per label or region, as `foreground`; empty where single lesions are not separated.
        masks: of other configurations, which the network sees beside the image, in the order of its inputs; the
            voxels hold a map of components for each.
        origin: what cases may be balanced over.
    """

    name: str
    voxels: CaseVoxels
    labels: tuple[int, ...]
    foreground: tuple[Coordinates, ...]
    annotated: Coordinates | None = None
    lesions: tuple[Lesions, ...] = ()
    masks: tuple[ShownMask, ...] = ()
    origin: Origin = Origin()

    def cut(self, start: Triple, edges: Triple) -> Cutout:
        """Read a box that may reach out of the case; in place of one beside it the voxels nearest to it are read.

        A patch of a grid that reaches far out of its case and is shrunk may lie beside it.
        """
        shape = self.voxels.shape
        low = [min(max(first, 0), most - 1) for first, most in zip(start, shape, strict=True)]
        ends = [min(first + edge, most) for first, edge, most in zip(start, edges, shape, strict=True)]
        high = [max(end, first + 1) for first, end in zip(low, ends, strict=True)]
        box = Box(start=(low[0], low[1], low[2]), stop=(high[0], high[1], high[2]))
        image, maps = self.voxels.read_box(box)
        return Cutout(image=image, maps=maps, start=box.start, labels=self.labels, masks=self.masks)


def find_origin(case: Case) -> Origin:
    """Return where a raw case comes from."""
    return Origin(site=case.site, subject=case.subject, group=case.group, task=case.task)


def make_resident_case(
    name: str,
    image: NDArray[np.floating],
    label: NDArray[np.integer],
    heads: Heads,
    device: torch.device,
    *,
    find_lesions: bool = False,
) -> TrainingCase:
    """Put a preprocessed case on the device: `hold_voxels`, then `make_case`."""
    return make_case(name, hold_voxels(image, label, device), label, heads, find_lesions=find_lesions)


def make_case(
    name: str,
    voxels: CaseVoxels,
    label: NDArray[np.integer],
    heads: Heads,
    *,
    find_lesions: bool = False,
) -> TrainingCase:
    """Return a case with the voxels that its patches are placed on.

    These (at most 10,000 per label or region, and 200 per lesion) depend on the label map and the name only.

    Args:
        name: of the case.
        voxels: where its arrays are.
        label: (x, y, z) label indices, of the same shape.
        heads: which indices are looked for, and which one is ignored.
        find_lesions: separate single lesions, so that they can be drawn by their size.
    """
    indices = np.ascontiguousarray(label, dtype=np.uint8)
    rng = np.random.default_rng(list(name.encode()))
    return TrainingCase(
        name=name,
        voxels=voxels,
        labels=tuple(int(index) for index in np.flatnonzero(np.bincount(indices.ravel())) if index),
        foreground=_find_foreground(rng, indices, heads.targets()),
        annotated=_find_annotated(rng, indices, heads.ignored),
        lesions=tuple(_find_lesions(rng, indices, members) for members in heads.targets()) if find_lesions else (),
    )


def _find_foreground(
    rng: np.random.Generator, label: NDArray[np.uint8], targets: Sequence[tuple[int, ...]]
) -> tuple[Coordinates, ...]:
    flat = np.flatnonzero(label)
    values = label.reshape(-1)[flat]
    return tuple(_pick(rng, flat[np.isin(values, members)], label.shape) for members in targets)


def _find_annotated(rng: np.random.Generator, label: NDArray[np.uint8], ignored: int) -> Coordinates | None:
    if ignored < 0 or not (label == ignored).any():
        return None
    return _pick(rng, np.flatnonzero(label != ignored), label.shape)


def _find_lesions(rng: np.random.Generator, label: NDArray[np.uint8], members: tuple[int, ...]) -> Lesions:
    components, _ = scipy.ndimage.label(np.isin(label, members), np.ones((3, 3, 3)))
    flat = np.flatnonzero(components)
    numbers = components.reshape(-1)[flat]
    sizes = np.bincount(numbers)[1:].astype(np.int64)
    ordered = flat[np.argsort(numbers, kind="stable")]
    parts = np.split(ordered, np.cumsum(sizes)[:-1]) if len(sizes) else []
    return Lesions(sizes=sizes, voxels=tuple(_pick(rng, part, label.shape, LESION_VOXELS) for part in parts))


def _pick(
    rng: np.random.Generator, voxels: NDArray[np.intp], shape: tuple[int, ...], most: int = FOREGROUND_VOXELS
) -> Coordinates:
    if len(voxels) > most:
        voxels = rng.choice(voxels, most, replace=False)
    return np.stack(np.unravel_index(voxels, shape), axis=1).astype(np.min_scalar_type(max(shape)))
