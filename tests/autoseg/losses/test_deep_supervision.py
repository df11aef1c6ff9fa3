from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from autoseg.losses import DeepSupervisionLoss, DiceCrossEntropyOptions
from autoseg.losses.deep_supervision import downsample, scale_weights
from tests.synthetic.heads import plain_heads

SHAPES = [(8, 12, 6), (4, 6, 6), (2, 3, 3)]


def outputs_and_labels() -> tuple[tuple[Tensor, ...], Tensor]:
    generator = torch.Generator().manual_seed(0)
    outputs = tuple(torch.randn(2, 3, *shape, generator=generator).requires_grad_() for shape in SHAPES)
    return outputs, torch.randint(3, (2, *SHAPES[0]), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("scales", "expected"),
    [(1, (1.0,)), (2, (1.0, 0.0)), (3, (2 / 3, 1 / 3, 0.0)), (5, (8 / 15, 4 / 15, 2 / 15, 1 / 15, 0.0))],
)
def test_weights_halve_sum_to_one_and_leave_the_coarsest_out(scales: int, expected: tuple[float, ...]) -> None:
    assert scale_weights(scales) == pytest.approx(expected)


def test_loss_is_the_weighted_mean_over_the_scales() -> None:
    outputs, labels = outputs_and_labels()
    loss = DiceCrossEntropyOptions().build(plain_heads(3))
    found = DeepSupervisionLoss(loss, 3)(outputs, labels)
    expected = 2 / 3 * loss(outputs[0], labels) + 1 / 3 * loss(outputs[1], labels[:, 1::2, 1::2])
    torch.testing.assert_close(found, expected)


def test_one_scale_is_the_loss_itself() -> None:
    outputs, labels = outputs_and_labels()
    loss = DiceCrossEntropyOptions().build(plain_heads(3))
    torch.testing.assert_close(DeepSupervisionLoss(loss, 1)(outputs[:1], labels), loss(outputs[0], labels))


def test_the_coarsest_scale_is_not_computed() -> None:
    outputs, labels = outputs_and_labels()
    DeepSupervisionLoss(DiceCrossEntropyOptions().build(plain_heads(3)), 3)(outputs, labels).backward()
    assert [output.grad is not None for output in outputs] == [True, True, False]


def test_another_number_of_outputs_than_scales_is_refused() -> None:
    outputs, labels = outputs_and_labels()
    with pytest.raises(ValueError, match="returned 2 outputs, but the loss was built for 3"):
        DeepSupervisionLoss(DiceCrossEntropyOptions().build(plain_heads(3)), 3)(outputs[:2], labels)


@pytest.mark.parametrize("shape", [(8, 12, 6), (4, 12, 2), (2, 3, 6), (3, 5, 4), (1, 1, 1)])
def test_labels_are_downsampled_as_by_nearest_exact(shape: tuple[int, int, int]) -> None:
    _, labels = outputs_and_labels()
    expected = F.interpolate(labels[:, None].float(), shape, mode="nearest-exact")[:, 0].to(torch.uint8)
    assert torch.equal(downsample(labels, shape), expected)
