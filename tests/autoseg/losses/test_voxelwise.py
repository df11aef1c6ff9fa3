from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from autoseg.losses.compound import build_dice_ce, build_dice_topk
from autoseg.losses.targets import head_masks
from autoseg.losses.voxelwise import build_cross_entropy, build_focal
from dataset_fingerprints.dataset import Heads
from planners.parts.losses import CrossEntropyOptions, DiceCrossEntropyOptions, DiceTopKOptions, FocalOptions
from tests.synthetic.heads import plain_heads, plain_scheme, region_scheme


def random_batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 6, 7, generator=generator, dtype=torch.float64)
    return logits, torch.randint(3, (2, 6, 7), generator=generator)


def test_cross_entropy_is_torchs() -> None:
    logits, labels = random_batch()
    found = build_cross_entropy(CrossEntropyOptions(), plain_heads(3))(logits, labels)
    torch.testing.assert_close(found, F.cross_entropy(logits, labels))


def test_cross_entropy_with_an_ignore_label_is_torchs() -> None:
    logits, labels = random_batch()
    found = build_cross_entropy(CrossEntropyOptions(), plain_scheme(1, ignore_value=7).heads())(logits[:, :2], labels)
    torch.testing.assert_close(found, F.cross_entropy(logits[:, :2], labels, ignore_index=2))


def test_focal_is_its_formula_and_cross_entropy_without_its_power() -> None:
    logits, labels = random_batch()
    right = logits.softmax(1).gather(1, labels[:, None])
    expected = -((1 - right) ** 2 * right.log()).mean()
    torch.testing.assert_close(build_focal(FocalOptions(), plain_heads(3))(logits, labels), expected)
    flat = build_focal(FocalOptions(gamma=0.0), plain_heads(3))(logits, labels)
    torch.testing.assert_close(flat, F.cross_entropy(logits, labels))


@pytest.mark.parametrize("heads", [plain_heads(3), region_scheme().heads()], ids=["labels", "regions"])
@pytest.mark.parametrize("gamma", [0.1, 0.5, 1.0, 1.5])
def test_the_gradient_of_focal_is_finite_where_nothing_is_wrong_any_more(gamma: float, heads: Heads) -> None:
    labels = torch.randint(3, (2, 6, 7), generator=torch.Generator().manual_seed(0))
    logits = torch.where(head_masks(labels, heads), 200.0, -200.0).requires_grad_()
    build_focal(FocalOptions(gamma=gamma), heads)(logits, labels).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_top_k_is_the_mean_of_the_worst_voxels(share: float) -> None:
    logits, labels = random_batch()
    loss = build_dice_topk(DiceTopKOptions(hardest_fraction=share, dice_weight=0.0), plain_heads(3))
    worst = F.cross_entropy(logits, labels, reduction="none").flatten().sort(descending=True).values
    torch.testing.assert_close(loss(logits, labels), worst[: round(share * len(worst))].mean())


def test_top_k_is_not_diluted_by_ignored_voxels() -> None:
    logits, labels = random_batch()
    heads = region_scheme(ignore_value=9).heads()
    labels[:] = 3
    labels[0, 0, :2] = 1
    loss = build_dice_topk(DiceTopKOptions(hardest_fraction=0.5, dice_weight=0.0), heads)
    alone = F.binary_cross_entropy_with_logits(
        logits[0, :2, 0, :2], torch.tensor([[1.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    )
    torch.testing.assert_close(loss(logits[:, :2], labels), alone)


@pytest.mark.parametrize("weights", [(0.1, 1.0, 4.0), (1.0, 1.0, 1.0), (0.0, 2.0, 0.5)])
def test_cross_entropy_with_weights_of_classes_is_torchs(weights: tuple[float, ...]) -> None:
    logits, labels = random_batch()
    found = build_cross_entropy(CrossEntropyOptions(class_weights=weights), plain_heads(3))(logits, labels)
    expected = F.cross_entropy(logits, labels, weight=torch.tensor(weights, dtype=torch.float64))
    torch.testing.assert_close(found, expected)


def test_ignored_voxels_have_no_weight() -> None:
    logits, labels = random_batch()
    heads, weights = plain_scheme(1, ignore_value=7).heads(), (0.25, 3.0)
    found = build_cross_entropy(CrossEntropyOptions(class_weights=weights), heads)(logits[:, :2], labels)
    expected = F.cross_entropy(logits[:, :2], labels, weight=torch.tensor(weights, dtype=torch.float64), ignore_index=2)
    torch.testing.assert_close(found, expected)


def test_weights_of_regions_count_inside_of_them_and_1_outside() -> None:
    logits, labels = random_batch()
    heads, weights = region_scheme().heads(), (3.0, 0.5)
    found = build_cross_entropy(CrossEntropyOptions(class_weights=weights), heads)(logits[:, :2], labels)
    masks = head_masks(labels, heads).double()
    shown = torch.tensor(weights, dtype=torch.float64).view(1, 2, 1, 1) * masks + 1 - masks
    costs = F.binary_cross_entropy_with_logits(logits[:, :2], masks, reduction="none")
    torch.testing.assert_close(found, (costs * shown).sum() / shown.sum())


def test_dice_plus_cross_entropy_takes_the_weights_for_its_cross_entropy_only() -> None:
    logits, labels = random_batch()
    weights = (0.1, 1.0, 4.0)
    options = DiceCrossEntropyOptions(class_weights=weights)
    both = build_dice_ce(options, plain_heads(3))(logits, labels)
    dice = build_dice_ce(DiceCrossEntropyOptions(cross_entropy_weight=0.0), plain_heads(3))(logits, labels)
    expected = F.cross_entropy(logits, labels, weight=torch.tensor(weights, dtype=torch.float64))
    torch.testing.assert_close(both - dice, expected)
