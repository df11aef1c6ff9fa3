"""Signs of how good a mask is, which need no reference: measured in one pass over a scan's probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.confidence.components import Components, find_components
from autoseg.prediction import Probabilities, Segmented, choose_labels
from autoseg.prediction.ensemble import MergedLayers
from autoseg.prediction.quantised import quantise_slab
from autoseg.prediction.segmented import list_members
from autoseg.prediction.tally import Tally
from dataset_fingerprints.dataset import Heads
from dataset_fingerprints.geometry import Box, TripleFloat, canonical_grid, enclose

# The smallest volume whose logarithm is looked at.
_LEAST_ML = 1e-3
# Of one label or region: a network that learnt nothing scatters thousands.
MOST_LESIONS = 1000
# Of all networks together in one slab.
SLAB_VALUES = 2_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionSigns:
    """One component of a label or region.

    Attributes:
        centre_mm: the mean place of its voxels in the scan's world, in RAS+ millimetres.
        mean_probability: of its voxels.
        peak_probability: of its voxels.
        agreement: the mean over its voxels of the share of networks whose own mask holds the voxel; None for a single
            network.
    """

    volume_mm3: float
    centre_mm: TripleFloat
    mean_probability: float
    peak_probability: float
    agreement: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskSigns:
    """Signs of how good the mask of one label or region is.

    Attributes:
        voxels: of the mask.
        soft_dice_confidence: the Dice of the mask and the probabilities, 2 sum(p in mask) / (sum(p) + voxels)
            (Soft Dice Confidence; arXiv 2402.10665); 0 for an empty mask.
        expected_voxels: the sum of all probabilities, in the mask and outside of it.
        mean_probability: in the mask; 0 for an empty one.
        agreement: mean Dice of the networks' own masks, pair by pair (Zenk 2025); None for a single network.
        lesions: its components, largest first, at most `MOST_LESIONS`.
    """

    voxels: int
    volume_ml: float
    expected_voxels: float
    soft_dice_confidence: float
    mean_probability: float
    agreement: float | None
    lesions: tuple[LesionSigns, ...]

    def numbers(self) -> tuple[float, ...]:
        """Return what a Dice is predicted from: the confidence, the mean probability, the volume's logarithm."""
        return (self.soft_dice_confidence, self.mean_probability, math.log10(max(self.volume_ml, _LEAST_ML)))


def measure_signs(
    segmented: Segmented, thresholds: Sequence[float] = (), *, divided: bool = True
) -> tuple[MaskSigns, ...]:
    """Return the signs of every label or region of a segmented scan, in the scheme's order.

    Probabilities are rounded to 1/255, as those of a cross-validation are stored, so that both have the same sums.

    Args:
        segmented: the mask, which post-processing may have changed, and the probabilities; with a single member there
            is no agreement.
        thresholds: by which each network's own mask is decided, as in `Decision`.
        divided: whether the components are told apart; else the whole mask counts as one.
    """
    probabilities = segmented.probabilities
    heads = probabilities.scheme.heads()
    components = find_components(segmented.labels, probabilities.scheme, divided=divided)
    box = enclose([probabilities.box, *(one.box for one in components if one.sizes.any())])
    sums = _Sums(probabilities, components, len(segmented.members))
    if segmented.tally is not None:
        sums.take(segmented.tally, box)
        return sums.conclude()
    for slab_box in _slab_boxes(box, (len(segmented.members) + 1) * heads.count()):
        mean, networks = _read_with_networks(probabilities, slab_box)
        if len(networks) < len(segmented.members):  # a mean that is kept in little space does not know its networks
            networks = [member.read_box(slab_box) for member in segmented.members]
        # A single network agrees with itself.
        several = networks if len(segmented.members) > 1 else []
        masks = [_mark(network, heads, thresholds) for network in several]
        sums.add(slab_box, quantise_slab(mean, heads), torch.stack(masks) if masks else None)
    return sums.conclude()


def _slab_boxes(box: Box, values: int) -> list[Box]:
    """Return slabs of a box with as many layers as hold some 2 million values.

    Args:
        box: in the canonical grid.
        values: per voxel, all networks together.
    """
    (start, y, z), (stop, y_stop, z_stop) = box.start, box.stop
    thickness = max(1, SLAB_VALUES // ((y_stop - y) * (z_stop - z) * values))
    return [
        Box(start=(first, y, z), stop=(min(first + thickness, stop), y_stop, z_stop))
        for first in range(start, stop, thickness)
    ]


def _read_with_networks(probabilities: Probabilities, box: Box) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Return the mean probabilities in a box and those of each network, none of which is restored twice."""
    layers = probabilities.layers
    if not isinstance(layers, MergedLayers):
        mean, members = probabilities.read_box(box), list_members(probabilities)
        return mean, [mean] if len(members) == 1 else [member.read_box(box) for member in members]
    parts = [_read_with_networks(member, box) for member in layers.members]
    total = torch.zeros_like(parts[0][0])
    for (mean, _), share in zip(parts, layers.shares, strict=True):
        total.add_(mean.to(total.device), alpha=share)
    return total, [network for _, networks in parts for network in networks]


def _mark(values: torch.Tensor, heads: Heads, thresholds: Sequence[float]) -> torch.Tensor:
    """Return (label or region, x, y, z) whether the mask of some probabilities holds a voxel."""
    indices = choose_labels(values, heads, thresholds)
    return torch.stack([torch.isin(indices, torch.tensor(own, device=indices.device)) for own in heads.targets()])


class _Sums:
    """Sums over slabs: of the whole masks, and of each one's largest components.

    Args:
        probabilities: of the scan.
        components: of its mask.
        networks: that were averaged.
    """

    def __init__(self, probabilities: Probabilities, components: Sequence[Components], networks: int) -> None:
        targets = len(probabilities.scheme.heads().targets())
        self._grid = canonical_grid(probabilities.source_grid)
        self._components, self._networks = components, networks
        # Of probabilities in 1/255: whole numbers, whose sums are the same in any order.
        self._soft, self._inside = np.zeros(targets), np.zeros(targets)
        self._shared = np.zeros((targets, networks, networks))
        self._rows = [_Rows(one) for one in components]

    def take(self, tally: Tally, box: Box) -> None:
        """Take what was counted of all probabilities, whose mask nothing changed afterwards.

        Args:
            box: that holds all of them and the mask.
        """
        self._soft += tally.sums
        for slab_box in _slab_boxes(box, 1):
            own = tally.read(slab_box)
            # Each voxel is looked at as one of its own label.
            mean = np.broadcast_to(own, (len(self._soft), *own.shape))
            for one, rows in zip(self._components, self._rows, strict=True):
                self._add_components(one, rows, slab_box, (mean, None))

    def add(self, box: Box, mean: NDArray[np.uint8], masks: torch.Tensor | None) -> None:
        """Add a slab.

        Args:
            box: of the slab.
            mean: (label or region, x, y, z) probabilities in 1/255.
            masks: (network, label or region, x, y, z); None of a single network.
        """
        self._soft += mean.sum((1, 2, 3), dtype=np.int64)
        agreeing = None
        if masks is not None:
            for target in range(len(mean)):
                self._shared[target] += _count_shared(masks[:, target])
            agreeing = masks.float().mean(0).cpu().numpy()
        for one, rows in zip(self._components, self._rows, strict=True):
            self._add_components(one, rows, box, (mean, agreeing))

    def _add_components(
        self,
        one: Components,
        rows: _Rows,
        box: Box,
        values: tuple[NDArray[np.uint8], NDArray[np.float32] | None],
    ) -> None:
        """Add what lies in a slab of components that do not overlap."""
        both = one.box.overlap(box)
        if both is None:
            return
        numbers = one.numbers[both.relative_to(one.box).slices()]
        where = np.nonzero(numbers)
        found = numbers[where]
        targets = np.array(one.targets)[one.owners[found] - 1]
        at = (targets, *(own + first - start for own, first, start in zip(where, both.start, box.start, strict=True)))
        mean, agreeing = values
        self._inside += np.bincount(targets, weights=mean[at], minlength=len(self._inside))
        places = [own + first for own, first in zip(where, both.start, strict=True)]
        rows.add(found, mean[at], None if agreeing is None else agreeing[at], places)

    def conclude(self) -> tuple[MaskSigns, ...]:
        """Return what the sums say of each label or region."""
        signs = {}
        for one, rows in zip(self._components, self._rows, strict=True):
            for position, target in enumerate(one.targets):
                voxels = int(one.sizes[one.owners == position + 1].sum(dtype=np.int64))
                signs[target] = self._describe(target, voxels, rows.describe(position))
        return tuple(signs[target] for target in sorted(signs))

    def _describe(self, target: int, voxels: int, lesions: Sequence[_Sum]) -> MaskSigns:
        inside, soft = float(self._inside[target]) / 255, float(self._soft[target]) / 255
        return MaskSigns(
            voxels=voxels,
            volume_ml=voxels * math.prod(self._grid.spacing_mm()) / 1000,
            expected_voxels=soft,
            soft_dice_confidence=2 * inside / (soft + voxels) if voxels else 0.0,
            mean_probability=inside / voxels if voxels else 0.0,
            agreement=_mean_dice(self._shared[target]) if self._networks > 1 else None,
            lesions=tuple(map(self._describe_lesion, lesions)),
        )

    def _describe_lesion(self, lesion: _Sum) -> LesionSigns:
        matrix = self._grid.matrix()
        x, y, z = map(float, matrix[:3, :3] @ (lesion.places / lesion.voxels) + matrix[:3, 3])
        return LesionSigns(
            volume_mm3=float(lesion.voxels) * math.prod(self._grid.spacing_mm()),
            centre_mm=(x, y, z),
            mean_probability=lesion.probability / 255 / lesion.voxels,
            peak_probability=float(np.float32(lesion.peak) / np.float32(255)),
            agreement=lesion.agreeing / lesion.voxels if self._networks > 1 else None,
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Sum:
    """Sums over the voxels of a component.

    Attributes:
        probability: in 1/255.
        peak: the largest one, in 1/255.
        agreeing: of the shares of networks that agree.
        places: of the voxels' places in the canonical grid.
    """

    voxels: int
    probability: float
    peak: int
    agreeing: float
    places: NDArray[np.float64]


class _Rows:
    """Sums of the largest components of each target; of the others nothing is kept.

    Args:
        components: that do not overlap.
    """

    def __init__(self, components: Components) -> None:
        self._sizes = components.sizes
        self._numbers = [components.largest(position, MOST_LESIONS) for position in range(len(components.targets))]
        listed = np.concatenate(self._numbers)
        # By number: the row of its sums; row 0 takes those that are not listed.
        self._row_of = np.zeros(len(components.sizes), dtype=np.int32)
        self._row_of[listed] = np.arange(1, len(listed) + 1)
        # Sums of probabilities, agreeing shares and places.
        self._totals = np.zeros((len(listed) + 1, 5))
        self._peaks = np.zeros(len(listed) + 1, dtype=np.uint8)

    def add(
        self,
        numbers: NDArray[np.integer],
        mean: NDArray[np.uint8],
        agreeing: NDArray[np.float32] | None,
        places: Sequence[NDArray[np.integer]],
    ) -> None:
        """Add voxels.

        Args:
            numbers: (voxel) of their components.
            mean: (voxel) their probabilities in 1/255.
            agreeing: (voxel) the shares of networks that agree; None of a single network.
            places: (voxel) per axis.
        """
        rows = self._row_of[numbers]
        for column, values in enumerate((mean, agreeing, *places)):
            if values is not None:
                self._totals[:, column] += np.bincount(rows, weights=values, minlength=len(self._totals))
        np.maximum.at(self._peaks, rows, mean)

    def describe(self, position: int) -> list[_Sum]:
        """Return the sums of a target's largest components, largest first."""
        return [
            _Sum(
                voxels=int(self._sizes[number]),
                probability=float(self._totals[row, 0]),
                peak=int(self._peaks[row]),
                agreeing=float(self._totals[row, 1]),
                places=self._totals[row, 2:],
            )
            for number, row in ((number, self._row_of[number]) for number in self._numbers[position])
        ]


def _count_shared(masks: torch.Tensor) -> NDArray[np.float64]:
    """Return (network, network) how many voxels of a slab both masks hold."""
    flat = masks.flatten(1)
    marked = flat[:, flat.any(0)].float()
    return (marked @ marked.T).double().cpu().numpy()


def _mean_dice(shared: NDArray[np.float64]) -> float:
    """Return the mean Dice of all pairs of masks; 1 where both are empty."""
    sizes = np.diag(shared)
    dice = [
        2 * shared[one, other] / total if (total := sizes[one] + sizes[other]) else 1.0
        for one, other in combinations(range(len(sizes)), 2)
    ]
    return float(np.mean(dice))
