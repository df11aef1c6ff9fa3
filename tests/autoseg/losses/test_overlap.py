from __future__ import annotations

import pytest
import torch

from autoseg.losses.compound import build_dice_ce
from autoseg.losses.overlap import build_dice, build_tversky
from planners.parts.losses import DiceCrossEntropyOptions, DiceOptions, TverskyOptions
from tests.synthetic.heads import plain_heads


def random_batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 2, 6, 7, generator=generator, dtype=torch.float64)
    return logits, torch.randint(2, (2, 6, 7), generator=generator)


def test_dice_is_the_compound_loss_without_cross_entropy() -> None:
    logits, labels = random_batch()
    compound = build_dice_ce(DiceCrossEntropyOptions(cross_entropy_weight=0.0), plain_heads(2))
    torch.testing.assert_close(build_dice(DiceOptions(), plain_heads(2))(logits, labels), compound(logits, labels))


@pytest.mark.parametrize(("weights", "exponent"), [((0.3, 0.7), 1.0), ((0.5, 0.5), 0.75), ((1.0, 1.0), 1.0)])
def test_tversky_is_its_formula(weights: tuple[float, float], exponent: float) -> None:
    logits, labels = random_batch()
    options = TverskyOptions(
        false_positives=weights[0], false_negatives=weights[1], exponent=exponent, smooth=0.0, batch_dice=True
    )
    p, g = logits.softmax(1)[:, 1], labels == 1
    both = (p * g).sum()
    index = both / (both + weights[0] * (p * ~g).sum() + weights[1] * ((1 - p) * g).sum())
    torch.testing.assert_close(build_tversky(options, plain_heads(2))(logits, labels), (1 - index) ** exponent)


def test_tversky_punishes_missing_voxels_more_than_false_ones_by_default() -> None:
    labels = torch.zeros(1, 10, 10, dtype=torch.long)
    labels[0, 2:6, 2:6] = 1
    smaller, larger = labels.clone(), labels.clone()
    smaller[0, 2] = 0
    larger[0, 6, 2:6] = 1
    loss = build_tversky(TverskyOptions(), plain_heads(2))
    missing, extra = (
        loss(20.0 * torch.nn.functional.one_hot(said, 2).movedim(-1, 1).float(), labels) for said in (smaller, larger)
    )
    assert missing > extra
