"""Choice of a label map from probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.models.selection import Selection
from autoseg.postprocessing import LabelMap, postprocess
from autoseg.prediction.noted import NotedProbabilities
from autoseg.prediction.probabilities import Probabilities, Slab, select_targets
from dataset_fingerprints.dataset import Heads
from dataset_fingerprints.geometry import Box, canonical_grid
from planners.choices import Choice


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Rule that turns probabilities into labels.

    Attributes:
        thresholds: per label or region, in the scheme's order: the probability above which it marks a voxel; of several
            labels that compete the most probable one does. Empty for the usual rule: of competing labels and
            background the most probable one marks, of regions every one above one half.
        postprocessing: from `planners.parts.POSTPROCESSING`, one after the other.
    """

    thresholds: tuple[float, ...] = ()
    postprocessing: tuple[Choice, ...] = ()


USUAL = Decision()
SlabReader = Callable[[Slab], None]


def decision_of(selection: Selection | None) -> Decision:
    """Return the rule that a selection chose; the usual one without a selection."""
    if selection is None:
        return USUAL
    return Decision(thresholds=selection.thresholds, postprocessing=selection.postprocessing)


def decide(
    probabilities: Probabilities, decision: Decision = USUAL, see: Sequence[SlabReader] = ()
) -> NDArray[np.uint8]:
    """Return the label indices (x, y, z) of a scan on its whole canonical grid; background outside the box.

    Args:
        probabilities: of the scan.
        decision: how they become labels.
        see: called with every slab as it goes by, in ascending order: where logits are not held, reading probabilities
            later, or their members', lets the network look at the scan again; inside these calls it does not.

    Raises:
        ValueError: there are thresholds, but not one per label or region.
        PlanError: there is no such post-processing, label or region.
    """
    heads, grid = probabilities.scheme.heads(), canonical_grid(probabilities.source_grid)
    indices = np.zeros(grid.shape, dtype=np.uint8)
    noted = NotedProbabilities(probabilities) if decision.postprocessing and not probabilities.layers.held else None
    for slab in probabilities.slabs():
        chosen = choose_labels(slab.values, heads, decision.thresholds)
        indices[slab.box.slices()] = chosen.cpu().numpy()
        if noted is not None:
            noted.note(slab, chosen)
        for look in see:
            look(slab)
        del slab, chosen  # while the network looks at the next layers
    if not decision.postprocessing:
        return indices

    def find_peaks(target: int, box: Box, components: NDArray[np.integer]) -> NDArray[np.float32]:
        if noted is not None:
            return noted.measure_peaks(target, box, components)
        return measure_peaks(probabilities, target, box, components)

    label_map = LabelMap(
        indices=indices, scheme=probabilities.scheme, spacing_mm=grid.spacing_mm(), find_peaks=find_peaks
    )
    return postprocess(label_map, decision.postprocessing)


def choose_labels(values: torch.Tensor, heads: Heads, thresholds: Sequence[float] = ()) -> torch.Tensor:
    """Return the label indices (...), uint8, that probabilities (output, ...) stand for.

    Regions are written one over the other, later ones over earlier ones.

    Args:
        values: with background first where labels compete.
        heads: what the outputs stand for.
        thresholds: as in `Decision`.

    Raises:
        ValueError: there are thresholds, but not one per label or region.
    """
    targets = select_targets(values, heads)
    if thresholds and len(thresholds) != len(targets):
        raise ValueError(f"there are {len(thresholds)} thresholds for {len(targets)} labels or regions")
    if heads.exclusive and not thresholds:
        return _find_largest(values)
    limits = torch.tensor(thresholds or [0.5] * len(targets), device=values.device)
    marks = targets > limits.view(-1, *[1] * (targets.ndim - 1))
    if heads.exclusive:
        return (_find_largest(torch.where(marks, targets, 0)) + 1).mul_(marks.any(0))
    indices = torch.zeros(targets.shape[1:], dtype=torch.uint8, device=values.device)
    for mark, index in zip(marks, heads.written, strict=True):
        indices[mark] = index
    return indices


def _find_largest(values: torch.Tensor) -> torch.Tensor:
    """Return the place of the largest along the first axis, uint8, of equal ones the first."""
    # Of a few outputs, argmax finds the same ten to twenty times slower on a CPU.
    return values.max(0).indices.to(torch.uint8)


def measure_peaks(
    probabilities: Probabilities, target: int, box: Box, components: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Return the largest probability in each component, number 0 being what is in none.

    Args:
        probabilities: of the scan.
        target: the label or region, by its place in the scheme.
        box: of the components, in the canonical grid, inside the probabilities' own.
        components: (x, y, z) numbered from 1 inside the box.
    """
    peaks = np.zeros(int(components.max()) + 1, dtype=np.float32)
    _, y, z = box.relative_to(probabilities.box).slices()
    for slab in probabilities.slabs(box.start[0], box.stop[0]):
        values = select_targets(slab.values, probabilities.scheme.heads())[target, :, y, z]
        layers = components[slab.box.start[0] - box.start[0] : slab.box.stop[0] - box.start[0]]
        inside = layers > 0
        np.maximum.at(peaks, layers[inside], values.cpu().numpy()[inside])
    return peaks
