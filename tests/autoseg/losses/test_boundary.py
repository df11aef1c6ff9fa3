from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from autoseg.losses.boundary import build_boundary, distance_to, signed_distance
from autoseg.losses.compound import build_dice_ce
from planners.parts.losses import BoundaryOptions, DiceCrossEntropyOptions
from tests.synthetic.heads import plain_heads


@pytest.mark.parametrize("shape", [(9, 12), (7, 8, 10), (1, 6, 5)])
def test_distances_are_scipys_up_to_their_reach(shape: tuple[int, ...]) -> None:
    masks = torch.rand(2, 2, *shape, generator=torch.Generator().manual_seed(0)) > 0.9
    found = distance_to(masks, 5)
    for mask, distance in zip(masks.flatten(0, 1).numpy(), found.flatten(0, 1).numpy(), strict=True):
        expected = ndimage.distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, 5.0)
        assert np.allclose(distance, np.minimum(expected, 5.0), atol=1e-6)


def test_the_border_lies_between_the_voxels_on_its_two_sides() -> None:
    masks = torch.zeros(1, 1, 1, 6, dtype=torch.bool)
    masks[..., 2:4] = True
    assert signed_distance(masks, 9).flatten().tolist() == [1.5, 0.5, -0.5, -0.5, 0.5, 1.5]
    assert not signed_distance(torch.zeros(1, 1, 4, 4, dtype=torch.bool), 9).any()


def test_a_far_false_voxel_costs_more_than_a_near_one() -> None:
    labels = torch.zeros(1, 1, 20, dtype=torch.long)
    labels[..., 2:5] = 1
    loss = build_boundary(BoundaryOptions(weight=1.0), plain_heads(2))
    regional = build_dice_ce(DiceCrossEntropyOptions(), plain_heads(2))
    costs = []
    for place in (5, 15):
        said = labels.clone()
        said[..., place] = 1
        logits = 20.0 * torch.nn.functional.one_hot(said, 2).movedim(-1, 1).float()
        costs.append((loss(logits, labels) - regional(logits, labels)).item())
    # 0.5 and 10.5 voxels from the border, over 20 voxels; exp(-20) of probability is misplaced.
    assert costs == pytest.approx([0.5 / 20, 10.5 / 20], abs=1e-5)


def test_without_cross_entropy_it_is_dice_plus_the_weighted_distance_alone() -> None:
    """One voxel of probability p at distance 0.5 and the rest perfect; worked out by hand."""
    labels = torch.zeros(1, 1, 20, dtype=torch.long)
    labels[..., 2:5] = 1
    probability = torch.where(labels > 0, 1 - 1e-7, 1e-7).double()
    probability[..., 5] = 0.25
    logits = torch.stack((torch.zeros_like(probability), torch.logit(probability)), dim=1)
    loss = build_boundary(BoundaryOptions(weight=2.0, cross_entropy_weight=0.0, smooth=0.0), plain_heads(2))
    dice = 2 * 3 / (3 + 3.25)
    assert loss(logits, labels).item() == pytest.approx(1 - dice + 2.0 * 0.25 * 0.5 / 20, abs=1e-5)


def test_cross_entropy_of_the_boundary_loss_has_weight_1_unless_said_otherwise() -> None:
    logits, labels = torch.randn(2, 2, 6, 7, generator=torch.Generator().manual_seed(0)), torch.zeros(2, 6, 7).long()
    labels[:, 2:4, 3:] = 1
    with_it, without = (
        build_boundary(BoundaryOptions(**changes), plain_heads(2))(logits, labels)
        for changes in ({}, {"cross_entropy_weight": 0.0})
    )
    torch.testing.assert_close(with_it - without, torch.nn.functional.cross_entropy(logits, labels))
