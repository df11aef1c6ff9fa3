from __future__ import annotations

import math

import pytest
import torch

from autoseg.prediction import Uncertainty, merge, spread
from dataset_fingerprints.geometry import Box
from tests.autoseg.prediction.builders import constant
from tests.synthetic.heads import region_scheme

BOX = Box(start=(2, 3, 4), stop=(8, 7, 9))


def test_members_that_agree_do_not_spread() -> None:
    uncertainty = spread([constant((0.3, 0.5, 0.2), BOX)] * 3)
    for slab in uncertainty.slabs(thickness=2):
        # Three thirds of a number miss it by float32's rounding.
        assert slab.deviation.max() < 1e-6
        assert slab.deviation.shape == (2, 2, 4, 5)
    assert spread([constant((0.3, 0.7), BOX)]).mean.box == BOX


def test_the_deviation_is_that_of_the_members_and_the_entropy_that_of_their_mean() -> None:
    certain = [constant((0.0, 1.0), BOX), constant((1.0, 0.0), BOX)]
    slabs = list(spread(certain).slabs(thickness=4))
    assert [slab.box.start[0] for slab in slabs] == [2, 6]
    for slab in slabs:
        assert torch.allclose(slab.deviation, torch.tensor(0.5))
        assert torch.allclose(slab.entropy, torch.tensor(math.log(2)))
    deviation = next(spread([constant((0.2, 0.8), BOX), constant((0.6, 0.4), BOX)]).slabs()).deviation
    assert deviation[0, 0, 0, 0] == pytest.approx(0.2)


def test_a_member_whose_box_ends_says_background_there() -> None:
    uncertainty = spread([constant((0.0, 1.0), BOX), constant((0.0, 1.0), Box(start=(2, 3, 4), stop=(4, 7, 9)))])
    slab = next(uncertainty.slabs())
    assert slab.deviation[0, 0, 0, 0] == 0
    assert slab.deviation[0, -1, 0, 0] == 0.5


def test_entropies_of_regions_add_up() -> None:
    slab = next(spread([constant((0.5, 1.0), BOX, scheme=region_scheme())]).slabs())
    assert torch.allclose(slab.entropy, torch.tensor(math.log(2)))


def test_the_deviation_is_about_the_members_own_mean_whatever_their_weights() -> None:
    members = (constant((0.2, 0.8), BOX), constant((0.6, 0.4), BOX))
    slab = next(Uncertainty(mean=merge(members, (3, 1)), members=members).slabs())
    assert slab.mean[0, 0, 0, 0] == pytest.approx(0.7)
    assert slab.deviation[0, 0, 0, 0] == pytest.approx(0.2)
