"""Graph cut: the cheapest border between foreground and background, by the maximum flow of a graph of voxels.

After Boykov and Jolly 2001: every voxel is tied to foreground and background by how well its intensity fits either,
and to its six neighbours the more, the more alike they are. The minimum cut is found by scipy's maximum flow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from autoseg.classical.brain_scan import BrainScan
from autoseg.classical.clustering import find_centres
from dataset_fingerprints.errors import PlanError

# Capacities are integers of 32 bits: so many steps in a unit of the energy, and no link has more.
_STEPS, _STRONGEST = 100, 1_000_000
# A model of intensities narrower than this, in SD of the brain, would take noise for evidence.
_NARROWEST = 0.25
_CLUSTERS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphCutOptions:
    """The foreground of a minimum cut, where that is the dark cluster of the brain and the background all others.

    Attributes:
        smoothness: price of a border between two like neighbours; 0 decides every voxel for itself.
        edge_sigmas: neighbours that differ by so many SD of the brain are cut for 60 % of that price.
        one_sided: weight of being darker than the mirror image, which ventricles and sulci are not.
    """

    smoothness: float = 4.0
    edge_sigmas: float = 0.5
    one_sided: float = 4.0

    def __post_init__(self) -> None:
        if self.edge_sigmas <= 0:
            raise PlanError(f"graph_cut: edge_sigmas is {self.edge_sigmas:g}. Expected more than 0.")

    def segment(self, scan: BrainScan) -> NDArray[np.bool_]:
        """Return the mask (x, y, z); empty where the brain holds a single value."""
        mask = np.zeros(scan.brain.shape, dtype=bool)
        values = scan.scores[scan.brain]
        centres = find_centres(values, _CLUSTERS)
        if len(centres) < 2:
            return mask
        dark = values < (centres[0] + centres[1]) / 2
        costs = _fit(values, values[dark]) - _fit(values, values[~dark])
        # Nothing for a voxel as dark as its mirror image, a reward from one SD on.
        costs += self.one_sided * (1.0 - 2.0 * np.clip(scan.darker_than_mirrored[scan.brain], 0.0, 1.0))
        mask[scan.brain] = _cut(costs, list(self._links(scan)))
        return mask

    def _links(self, scan: BrainScan) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]]:
        """Yield along each axis the numbers of neighbours in the brain, and the price of a border between them."""
        numbers = np.full(scan.brain.shape, -1, dtype=np.int32)
        numbers[scan.brain] = np.arange(np.count_nonzero(scan.brain), dtype=np.int32)
        for axis in range(3):
            first, second = (
                tuple(one if place == axis else slice(None) for place in range(3))
                for one in (slice(None, -1), slice(1, None))
            )
            both = scan.brain[first] & scan.brain[second]
            steps = scan.scores[first][both] - scan.scores[second][both]
            prices = self.smoothness * np.exp(-0.5 * (steps / self.edge_sigmas) ** 2)
            yield numbers[first][both], numbers[second][both], prices


def _fit(values: NDArray[np.float64], model: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return minus the logarithm of the normal density of values under the mean and SD of a model's."""
    sd = max(float(model.std()), _NARROWEST)
    return np.asarray(0.5 * ((values - model.mean()) / sd) ** 2 + np.log(sd))


def _cut(
    costs: NDArray[np.float64], links: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]]
) -> NDArray[np.bool_]:
    """Return which voxels the minimum cut leaves with the foreground.

    Args:
        costs: of taking a voxel for foreground, minus that of background.
        links: numbers of neighbours, and the price of a border between them.
    """
    count = len(costs)
    every = np.arange(count, dtype=np.int32)
    source, sink = np.full(count, count, dtype=np.int32), np.full(count, count + 1, dtype=np.int32)
    starts, ends, capacities = [source, every], [every, sink], [np.maximum(-costs, 0), np.maximum(costs, 0)]
    for first, second, prices in links:
        starts += [first, second]
        ends += [second, first]
        capacities += [prices, prices]
    whole = np.rint(np.minimum(np.concatenate(capacities) * _STEPS, _STRONGEST)).astype(np.int32)
    used = whole > 0
    places = (np.concatenate(starts)[used], np.concatenate(ends)[used])
    graph = sparse.csr_array((whole[used], places), shape=(count + 2, count + 2))
    left = graph - csgraph.maximum_flow(graph, count, count + 1).flow
    left.data = np.maximum(left.data, 0)
    left.eliminate_zeros()
    reached = csgraph.breadth_first_order(left, count, return_predecessors=False)
    foreground = np.zeros(count + 2, dtype=bool)
    foreground[reached] = True
    return foreground[:count]
