from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from autoseg.losses.compound import build_dice_ce
from autoseg.losses.every_output import EveryOutput, at_every_output, downsample, fit, output_weights
from autoseg.sampling import Batch
from planners.parts.losses import DiceCrossEntropyOptions
from tests.synthetic.batches import measure
from tests.synthetic.heads import plain_heads

SHAPES = [(8, 12, 6), (4, 6, 6), (2, 3, 3)]


def outputs_and_labels() -> tuple[tuple[Tensor, ...], Tensor]:
    generator = torch.Generator().manual_seed(0)
    outputs = tuple(torch.randn(2, 3, *shape, generator=generator).requires_grad_() for shape in SHAPES)
    return outputs, torch.randint(3, (2, *SHAPES[0]), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, (1.0,)), (2, (1.0, 0.0)), (3, (2 / 3, 1 / 3, 0.0)), (5, (8 / 15, 4 / 15, 2 / 15, 1 / 15, 0.0))],
)
def test_weights_halve_sum_to_one_and_leave_the_coarsest_out(count: int, expected: tuple[float, ...]) -> None:
    assert output_weights(count) == pytest.approx(expected)


def test_the_objective_is_the_weighted_mean_over_as_many_outputs_as_there_are() -> None:
    outputs, labels = outputs_and_labels()
    loss = build_dice_ce(DiceCrossEntropyOptions(), plain_heads(3))
    objective = at_every_output(build_dice_ce)(DiceCrossEntropyOptions(), plain_heads(3))
    expected = 2 / 3 * loss(outputs[0], labels) + 1 / 3 * loss(outputs[1], labels[:, 1::2, 1::2])
    torch.testing.assert_close(measure(objective, outputs, labels), expected)
    torch.testing.assert_close(measure(objective, outputs[:2], labels), loss(outputs[0], labels))


def test_of_one_output_it_is_the_loss_itself() -> None:
    outputs, labels = outputs_and_labels()
    loss = build_dice_ce(DiceCrossEntropyOptions(), plain_heads(3))
    assert torch.equal(measure(EveryOutput(loss), outputs[:1], labels), loss(outputs[0], labels))


def test_the_coarsest_output_is_not_computed() -> None:
    outputs, labels = outputs_and_labels()
    measure(EveryOutput(build_dice_ce(DiceCrossEntropyOptions(), plain_heads(3))), outputs, labels).backward()
    assert [output.grad is not None for output in outputs] == [True, True, False]


@pytest.mark.parametrize("shape", [(8, 12, 6), (4, 12, 2), (2, 3, 6), (3, 5, 4), (1, 1, 1)])
def test_labels_are_downsampled_as_by_nearest_exact(shape: tuple[int, int, int]) -> None:
    _, labels = outputs_and_labels()
    expected = F.interpolate(labels[:, None].float(), shape, mode="nearest-exact")[:, 0].to(torch.uint8)
    assert torch.equal(downsample(labels, shape), expected)


def test_what_lies_behind_the_labels_ends_does_not_count() -> None:
    """Labels of 7x11x5 voxels in images that were padded to 8x12x8: of the coarser output, cells of 2 voxels."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (2, 7, 11, 5), generator=generator, dtype=torch.uint8)
    finest = torch.randn(2, 3, 7, 11, 5, generator=generator)
    coarse, coarsest = torch.randn(2, 3, 4, 6, 4, generator=generator), torch.randn(2, 3, 2, 3, 2, generator=generator)
    loss = build_dice_ce(DiceCrossEntropyOptions(), plain_heads(3))
    batch = Batch(images=torch.zeros(2, 1, 8, 12, 8), labels=labels)
    # The centres of the last cells, 7, 11, and 5 and 7, lie behind the ends.
    expected = 2 / 3 * loss(finest, labels) + 1 / 3 * loss(coarse[:, :, :3, :5, :2], labels[:, 1::2, 1::2, 1::2])
    torch.testing.assert_close(EveryOutput(loss)((finest, coarse, coarsest), batch), expected)


def test_of_a_patch_shorter_than_a_cell_one_cell_is_left() -> None:
    logits, labels = torch.randn(1, 2, 2, 2), torch.tensor([[[1, 0]]], dtype=torch.uint8)
    fitted, reference = fit(logits, labels, (8, 8))
    assert torch.equal(fitted, logits[:, :, :1, :1])
    assert reference.tolist() == [[[0]]]
