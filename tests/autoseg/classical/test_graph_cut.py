from __future__ import annotations

from itertools import product

import numpy as np

from autoseg.classical import BrainScan
from autoseg.classical.graph_cut import GraphCutOptions, _cut


def test_cut_is_the_cheapest_of_all_labellings() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        costs = np.round(rng.normal(0, 2, 6), 2)
        first, second = np.array([0, 1, 2, 3, 4, 0, 2]), np.array([1, 2, 3, 4, 5, 5, 5])
        prices = np.round(rng.uniform(0, 2, 7), 2)

        def energy(taken: np.ndarray, costs=costs, ends=(first, second), prices=prices) -> float:  # type: ignore[no-untyped-def]
            return float(costs[taken].sum() + prices[taken[ends[0]] != taken[ends[1]]].sum())

        found = _cut(costs, [(first.astype(np.int32), second.astype(np.int32), prices)])
        best = min(energy(np.array(choice, dtype=bool)) for choice in product((False, True), repeat=6))
        # Capacities are rounded to hundredths, which the numbers here are.
        assert abs(energy(found) - best) < 1e-9


def test_smoothness_removes_single_dark_voxels_and_keeps_the_block() -> None:
    rng = np.random.default_rng(1)
    voxels = 100 + rng.normal(0, 4, (16, 16, 16))
    voxels[2:7, 2:7, 2:7] -= 40
    voxels[12, 12, 12] -= 40
    scan = BrainScan(voxels=voxels, brain=np.ones(voxels.shape, dtype=bool), spacing_mm=(1.0, 1.0, 1.0))
    smooth = GraphCutOptions(one_sided=0.0, edge_sigmas=50.0, smoothness=20.0).segment(scan)
    rough = GraphCutOptions(one_sided=0.0, smoothness=0.0).segment(scan)
    assert smooth[3:6, 3:6, 3:6].all()
    assert rough[12, 12, 12]
    assert not smooth[12, 12, 12]


def test_a_price_beyond_32_bits_ties_voxels_together_and_does_not_turn_negative() -> None:
    first, second = np.array([0], dtype=np.int32), np.array([1], dtype=np.int32)
    found = _cut(np.array([-3.0, 1.0]), [(first, second, np.array([1e9]))])
    assert found.tolist() == [True, True]
