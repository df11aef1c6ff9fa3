"""Cheaper ways to predict: each takes fewer passes than the one before, and none misses a voxel."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from autoseg.prediction import Window, count_passes, describe_effort, list_efforts, predict_logits, watching
from dataset_fingerprints.geometry import Triple
from planners.plan import Prediction
from tests.synthetic.configurations import tiny_configuration

PLANNED = Prediction(step_share=0.5, mirror_axes=(0, 1, 2), gaussian_sigma_share=0.125)


def test_ways_to_predict_begin_with_the_plans_and_get_cheaper() -> None:
    efforts = list(list_efforts(PLANNED))
    assert efforts[0] == PLANNED
    passes = [count_passes((90, 100, 110), (32, 32, 32), effort) for effort in efforts]
    assert passes == sorted(passes, reverse=True)
    assert passes[0] == 8 * passes[2]
    assert efforts[2].mirror_axes == ()
    assert passes[-1] < passes[2] / 2


@pytest.mark.parametrize("axes", [(), (1,), (0, 2)])
@pytest.mark.parametrize("step_share", [0.5, 0.7, 0.95])
def test_no_way_is_listed_twice_or_denser_than_the_plans(axes: tuple[int, ...], step_share: float) -> None:
    efforts = list(list_efforts(Prediction(step_share=step_share, mirror_axes=axes, gaussian_sigma_share=0.125)))
    assert len(set(efforts)) == len(efforts)
    assert all(effort.step_share >= step_share for effort in efforts)
    assert all(set(effort.mirror_axes) <= set(axes) for effort in efforts)


class Counting(nn.Module):
    """Counts the patches that go through it."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = 0

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        self.patches += len(x)
        return (torch.cat((x, -x), 1),)


@pytest.mark.parametrize("shape", [(10, 17, 21), (4, 4, 4), (9, 8, 5)])
@pytest.mark.parametrize("at_once", [1, 3])
def test_the_passes_that_are_counted_are_those_that_are_made_and_reported(shape: Triple, at_once: int) -> None:
    configuration = tiny_configuration()
    network, reported = Counting(), [0]

    def watch(passes: int, total: int) -> None:
        reported[0] += passes
        assert total == count_passes(shape, configuration.patch_shape, configuration.prediction)

    window = Window(
        configuration=configuration,
        outputs=2,
        exclusive=True,
        device=torch.device("cpu"),
        autocast=torch.float32,
        mirror=True,
        tiles_at_once=at_once,
    )
    with watching(watch):
        logits = predict_logits(network, torch.randn(1, *shape), window)
    predict_logits(Counting(), torch.randn(1, *shape), window)
    assert logits.shape == (2, *shape)
    assert network.patches == reported[0] == count_passes(shape, configuration.patch_shape, configuration.prediction)


def test_a_way_is_described_by_its_flips_and_overlap() -> None:
    first, *_, last = list_efforts(PLANNED)
    assert describe_effort(first) == "8 flips averaged, tiles overlap by 50%"
    assert describe_effort(last) == "no flips, tiles overlap by 10%"


def test_of_a_scan_of_which_the_centre_is_looked_at_only_its_tiles_count() -> None:
    prediction = replace(tiny_configuration().prediction, mirror_axes=(), step_share=1.0)
    assert count_passes((40, 40, 10), (10, 10, 10), prediction) == 16
    assert count_passes((40, 40, 10), (10, 10, 10), replace(prediction, centre_shape=(20, 10, 30))) == 2
