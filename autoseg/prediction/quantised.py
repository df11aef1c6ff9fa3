"""Probabilities as they are stored: in 1/255, inside the box where there are any."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.prediction.probabilities import Probabilities, Slab, select_targets
from dataset_fingerprints.dataset import Heads, LabelScheme
from dataset_fingerprints.geometry import Box, Grid, enclose
from dataset_fingerprints.reading.body import bounding_box


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantised:
    """Probabilities of the labels or regions in 1/255, inside the box where any is at least 1/255.

    Attributes:
        box: in the scan's canonical grid.
        values: (label or region, x, y, z) uint8.
    """

    box: Box
    values: NDArray[np.uint8]

    def restore(self, scheme: LabelScheme, source_grid: Grid) -> Probabilities:
        """Return the probabilities again, rounded to 1/255.

        Args:
            scheme: that they were predicted by.
            source_grid: of the scan's file.
        """
        layers = QuantisedLayers(values=self.values, exclusive=scheme.heads().exclusive)
        return Probabilities(scheme=scheme, source_grid=source_grid, box=self.box, layers=layers)


@dataclass(frozen=True, kw_only=True, slots=True)
class QuantisedLayers:
    """Probabilities in 1/255 of the labels or regions.

    Attributes:
        values: (label or region, x, y, z) uint8.
        exclusive: whether labels compete, so that background has what they leave.
    """

    values: NDArray[np.uint8]
    exclusive: bool

    @property
    def held(self) -> bool:
        """True."""
        return True

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the probabilities of some layers."""
        return restore_slab(torch.from_numpy(self.values[:, start:stop]), exclusive=self.exclusive)


class Quantiser:
    """Takes probabilities slab by slab and keeps them as they are stored.

    Args:
        probabilities: that the slabs are of.
    """

    def __init__(self, probabilities: Probabilities) -> None:
        self._heads, self._box = probabilities.scheme.heads(), probabilities.box
        self._kept: list[Quantised] = []

    def see(self, slab: Slab) -> None:
        """Keep a slab, in the box where there are any."""
        values = quantise_slab(slab.values, self._heads)
        marked = np.asarray(values.any(axis=0))
        if marked.any():
            inside = bounding_box(marked)
            trimmed = np.ascontiguousarray(values[(slice(None), *inside.slices())])
            self._kept.append(Quantised(box=inside.moved(slab.box.start), values=trimmed))

    def finish(self) -> Quantised:
        """Return all slabs together; where there were no probabilities, all of their box."""
        box = enclose([entry.box for entry in self._kept]) if self._kept else self._box
        result = np.zeros((len(self._heads.targets()), *box.shape()), dtype=np.uint8)
        for entry in self._kept:
            result[(slice(None), *entry.box.relative_to(box).slices())] = entry.values
        return Quantised(box=box, values=result)


class NetworkQuantiser:
    """Keeps the probabilities of a single network in 1/255 while slabs go by.

    Args:
        probabilities: that the slabs are of.
    """

    def __init__(self, probabilities: Probabilities) -> None:
        self._probabilities, self._quantiser = probabilities, Quantiser(probabilities)
        self.see = self._quantiser.see

    def finish(self) -> tuple[Probabilities, tuple[Probabilities, ...]]:
        """Return what was kept, and the same as the only member."""
        own = self._probabilities
        kept = replace(self._quantiser.finish().restore(own.scheme, own.source_grid), fallbacks=own.fallbacks)
        return kept, (kept,)


def quantise(probabilities: Probabilities) -> Quantised:
    """Return probabilities as they are stored; where there are none, all of their box."""
    quantiser = Quantiser(probabilities)
    for slab in probabilities.slabs():
        quantiser.see(slab)
    return quantiser.finish()


def quantise_slab(values: torch.Tensor, heads: Heads) -> NDArray[np.uint8]:
    """Return the probabilities (label or region, ...) in 1/255 that are in probabilities (output, ...)."""
    found: NDArray[np.uint8] = (select_targets(values, heads) * 255).round().to(torch.uint8).cpu().numpy()
    return found


def restore_slab(values: torch.Tensor, *, exclusive: bool) -> torch.Tensor:
    """Return the probabilities (output, ...) again, rounded to 1/255.

    Args:
        values: (label or region, ...) uint8 in 1/255.
        exclusive: whether labels compete, so that background has what they leave.
    """
    targets = values.float() / 255
    if not exclusive:
        return targets
    # Rounded up, several labels may have more than 1 together; divided by their sum, 1e-7 more than 1 may be left.
    targets = targets / targets.sum(0).clamp_min(1)
    return torch.cat([(1 - targets.sum(0, keepdim=True)).clamp_min_(0), targets])
