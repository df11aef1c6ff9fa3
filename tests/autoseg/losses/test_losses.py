"""Contract of every entry of the table of losses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from autoseg.losses import build_objective
from dataset_fingerprints.dataset import LabelScheme
from planners.choices import Choice
from planners.parts import LOSSES
from tests.synthetic.batches import measure
from tests.synthetic.heads import plain_heads, plain_scheme, region_scheme

SHAPES = {2: (5, 6), 3: (4, 3, 5)}
CLASSES = 3

pytestmark = pytest.mark.parametrize("name", LOSSES)


def build(name: str) -> nn.Module:
    return build_objective(Choice(name=name), plain_heads(CLASSES))


def random_logits(dimensions: int, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, CLASSES, *SHAPES[dimensions], generator=generator, dtype=dtype)


def random_labels(dimensions: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(CLASSES, (2, *SHAPES[dimensions]), generator=generator)


def logits_sure_of(labels: Tensor) -> Tensor:
    return 20.0 * nn.functional.one_hot(labels, CLASSES).movedim(-1, 1).float()


@pytest.mark.parametrize("label", [0, 1], ids=["empty", "full"])
@pytest.mark.parametrize("scale", [1.0, 1e4], ids=["unsure", "sure"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_loss_and_gradient_are_finite_on_empty_and_full_masks(
    name: str, dimensions: int, scale: float, label: int
) -> None:
    logits = (scale * random_logits(dimensions)).requires_grad_()
    loss = measure(build(name), logits, torch.full((2, *SHAPES[dimensions]), label))
    loss.backward()
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("dimensions", [2, 3])
def test_sure_and_right_is_near_the_least_loss_and_sure_and_wrong_far_from_it(name: str, dimensions: int) -> None:
    loss, labels = build(name), random_labels(dimensions)
    right = measure(loss, logits_sure_of(labels), labels)
    wrong = measure(loss, logits_sure_of((labels + 1) % CLASSES), labels)
    # exp(-20) = 2e-9 of probability is misplaced; the rest is float32 rounding.
    assert right.item() == pytest.approx(0.0, abs=1e-5)
    assert wrong > measure(loss, random_logits(dimensions), labels) > right


def test_gradient_is_that_of_finite_differences(name: str) -> None:
    logits = random_logits(2, torch.float64).requires_grad_()
    labels = random_labels(2)
    assert torch.autograd.gradcheck(lambda values: measure(build(name), values, labels), (logits,))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_any_integer_type_of_label_gives_the_same_loss(name: str, dtype: torch.dtype) -> None:
    loss, labels = build(name), random_labels(3)
    assert torch.equal(measure(loss, random_logits(3), labels.to(dtype)), measure(loss, random_logits(3), labels))


def test_loss_is_float32_under_autocast_and_for_bfloat16_logits(name: str) -> None:
    loss, labels = build(name), random_labels(3)
    logits = random_logits(3).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = measure(loss, logits, labels)
    assert found.dtype == torch.float32
    assert torch.equal(found, measure(loss, logits.float(), labels))


def test_memory_order_of_the_logits_does_not_matter(name: str) -> None:
    loss, labels, logits = build(name), random_labels(3), random_logits(3)
    # Sums of 120 float32 numbers in another order.
    torch.testing.assert_close(
        measure(loss, logits.contiguous(memory_format=torch.channels_last_3d), labels), measure(loss, logits, labels)
    )


@pytest.mark.parametrize(
    "scheme", [plain_scheme(2, 9), region_scheme(), region_scheme(9)], ids=["ignore", "regions", "both"]
)
def test_right_answers_cost_nothing_with_regions_and_ignored_voxels(name: str, scheme: LabelScheme) -> None:
    heads = scheme.heads()
    labels = torch.randint(scheme.index_count(), (2, 4, 5, 6), generator=torch.Generator().manual_seed(1))
    masks = torch.stack([torch.isin(labels, torch.tensor(members)) for members in heads.members], dim=1)
    sure = torch.where(masks, 20.0, -20.0)
    loss = build_objective(Choice(name=name), heads)
    # exp(-20) = 2e-9 of probability is misplaced; the rest is float32 rounding.
    assert measure(loss, sure, labels).item() == pytest.approx(0.0, abs=1e-5)
    assert measure(loss, -sure, labels) > 0.9


def test_any_number_of_outputs_is_taken_and_the_finest_is_trained(name: str) -> None:
    labels = torch.randint(CLASSES, (2, 4, 8, 8), generator=torch.Generator().manual_seed(1))
    shapes = [(4, 8, 8), (2, 4, 4), (1, 2, 2)]
    for count in (1, 2, 3):
        outputs = tuple(torch.randn(2, CLASSES, *shape).requires_grad_() for shape in shapes[:count])
        value = measure(build(name), outputs, labels)
        value.backward()
        assert value.ndim == 0
        assert outputs[0].grad is not None
        assert outputs[0].grad.abs().sum() > 0
