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
from autoseg.prediction import Probabilities, Segmented, choose_labels, select_targets
from autoseg.prediction.ensemble import MergedLayers
from autoseg.prediction.segmented import list_members
from dataset_fingerprints.dataset import Heads
from dataset_fingerprints.geometry import Box, TripleFloat, canonical_grid

# The smallest volume whose logarithm is looked at.
_LEAST_ML = 1e-3
# Of one label or region: a network that learnt nothing scatters thousands.
MOST_LESIONS = 1000
# Of all networks together in one slab.
SLAB_VALUES = 8_000_000


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
        mean_probability: in the mask; 0 for an empty one.
        agreement: mean Dice of the networks' own masks, pair by pair (Zenk 2025); None for a single network.
        lesions: its components, largest first, at most `MOST_LESIONS`.
    """

    voxels: int
    volume_ml: float
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
    sums = _Sums(probabilities, components, len(segmented.members))
    for slab_box in _slab_boxes(probabilities, len(segmented.members)):
        mean, networks = _read_with_networks(probabilities, slab_box)
        # A single network agrees with itself.
        several = networks if len(segmented.members) > 1 else []
        masks = [_mark(network, heads, thresholds) for network in several]
        rounded = (select_targets(mean, heads) * 255).round() / 255
        sums.add(slab_box, rounded, torch.stack(masks) if masks else None)
    return sums.conclude()


def _slab_boxes(probabilities: Probabilities, networks: int) -> list[Box]:
    """Return slabs of as many layers as hold some 8 million values of all networks together."""
    (start, y, z), (stop, y_stop, z_stop) = probabilities.box.start, probabilities.box.stop
    layer = (y_stop - y) * (z_stop - z) * probabilities.scheme.heads().count() * (networks + 1)
    thickness = max(1, SLAB_VALUES // layer)
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
    """Sums over slabs.

    Args:
        probabilities: of the scan.
        components: of its mask.
        networks: that were averaged.
    """

    def __init__(self, probabilities: Probabilities, components: Sequence[Components], networks: int) -> None:
        targets = len(probabilities.scheme.heads().targets())
        self._grid, self._components, self._networks = (
            canonical_grid(probabilities.source_grid),
            components,
            networks,
        )
        self._soft = np.zeros(targets)
        self._shared = np.zeros((targets, networks, networks))
        self._owners = [np.repeat(one.targets, one.counts) for one in components]
        # Per component: voxels, sum of probabilities, sum of agreeing shares, sums of places.
        self._totals = [np.zeros((sum(one.counts) + 1, 6)) for one in components]
        self._peaks = [np.zeros(sum(one.counts) + 1, dtype=np.float32) for one in components]
        for one, totals in zip(components, self._totals, strict=True):
            # Layer by layer: numpy counts copies of eight bytes per voxel.
            for layer in one.numbers:
                totals[:, 0] += np.bincount(layer.ravel(), minlength=len(totals))

    def add(self, box: Box, mean: torch.Tensor, masks: torch.Tensor | None) -> None:
        """Add a slab.

        Args:
            box: of the slab.
            mean: (label or region, x, y, z) probabilities.
            masks: (network, label or region, x, y, z); None of a single network.
        """
        self._soft += mean.sum((1, 2, 3), dtype=torch.float64).cpu().numpy()
        values = [mean.cpu().numpy()]
        if masks is not None:
            for target in range(len(mean)):
                self._shared[target] += _count_shared(masks[:, target])
            values.append(masks.float().mean(0).cpu().numpy())
        for place, one in enumerate(self._components):
            self._add_components(place, one, box, values)

    def _add_components(self, place: int, one: Components, box: Box, values: Sequence[NDArray[np.float32]]) -> None:
        """Add what lies in a slab of components that do not overlap."""
        both = one.box.overlap(box)
        if both is None:
            return
        numbers = one.numbers[both.relative_to(one.box).slices()]
        where = np.nonzero(numbers)
        found = numbers[where]
        owners = self._owners[place][found - 1]
        here = [own + first - start for own, first, start in zip(where, both.start, box.start, strict=True)]
        totals = self._totals[place]
        for column, layer in enumerate(values, start=1):
            totals[:, column] += np.bincount(found, weights=layer[(owners, *here)], minlength=len(totals))
        for column, (own, first) in enumerate(zip(where, both.start, strict=True), start=3):
            totals[:, column] += np.bincount(found, weights=own + first, minlength=len(totals))
        np.maximum.at(self._peaks[place], found, values[0][(owners, *here)])

    def conclude(self) -> tuple[MaskSigns, ...]:
        """Return what the sums say of each label or region."""
        signs = {}
        for totals, peaks, one in zip(self._totals, self._peaks, self._components, strict=True):
            for target, first, last in one.ranges():
                own = slice(first + 1, last + 1)
                signs[target] = self._describe(target, totals[own], peaks[own])
        return tuple(signs[target] for target in sorted(signs))

    def _describe(self, target: int, totals: NDArray[np.float64], peaks: NDArray[np.float32]) -> MaskSigns:
        voxels, inside = float(totals[:, 0].sum()), float(totals[:, 1].sum())
        voxel_mm3, matrix = math.prod(self._grid.spacing_mm()), self._grid.matrix()
        lesions = []
        for row in np.argsort(-totals[:, 0], kind="stable")[:MOST_LESIONS]:
            count, mean, agreeing, *places = totals[row]
            x, y, z = map(float, matrix[:3, :3] @ (np.array(places) / count) + matrix[:3, 3])
            lesions.append(
                LesionSigns(
                    volume_mm3=float(count) * voxel_mm3,
                    centre_mm=(x, y, z),
                    mean_probability=float(mean / count),
                    peak_probability=float(peaks[row]),
                    agreement=float(agreeing / count) if self._networks > 1 else None,
                )
            )
        return MaskSigns(
            voxels=int(voxels),
            volume_ml=voxels * voxel_mm3 / 1000,
            soft_dice_confidence=2 * inside / (float(self._soft[target]) + voxels) if voxels else 0.0,
            mean_probability=inside / voxels if voxels else 0.0,
            agreement=_mean_dice(self._shared[target]) if self._networks > 1 else None,
            lesions=tuple(lesions),
        )


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
