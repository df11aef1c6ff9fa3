from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from autoseg.losses.compound import build_dice_ce
from planners.parts.losses import DiceCrossEntropyOptions
from tests.synthetic.heads import plain_heads, plain_scheme, region_scheme

CLASSES = 4
IGNORED = 3


def random_batch() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(3, CLASSES, 4, 5, 6))
    labels = generator.integers(CLASSES, size=(3, 4, 5, 6))
    labels[1] = 0
    labels[2][labels[2] == 3] = 2
    return logits, labels


def reference_of_regions(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Dice and binary cross-entropy of two regions over the voxels that are not ignored, written out."""
    counted = labels != IGNORED
    dices, entropies = [], []
    for region, members in enumerate(((1, 2), (2,))):
        p = 1 / (1 + np.exp(-logits[:, region]))
        g = np.isin(labels, members)
        entropies.append(-np.where(g, np.log(p), np.log(1 - p))[counted].mean())
        for sample in range(len(labels)):
            chosen = counted[sample]
            ps, gs = p[sample][chosen], g[sample][chosen]
            dices.append((2 * (ps * gs).sum() + 1e-5) / (ps.sum() + gs.sum() + 1e-5))
    return float(1 - np.mean(dices) + np.mean(entropies))


def reference(logits: NDArray[np.float64], labels: NDArray[np.int64], options: DiceCrossEntropyOptions) -> float:
    """The formulas written out, a voxel list at a time."""
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    groups = [list(range(len(logits)))] if options.batch_dice else [[sample] for sample in range(len(logits))]
    dices = []
    for group in groups:
        for number in range(1, CLASSES):
            p, g = probabilities[group, number].ravel(), (labels[group] == number).ravel()
            dices.append((2 * (p * g).sum() + options.smooth) / (p.sum() + g.sum() + options.smooth))
    true_probabilities = np.take_along_axis(probabilities, labels[:, None], axis=1)
    cross_entropy = -np.log(true_probabilities).mean()
    return float(options.dice_weight * (1 - np.mean(dices)) + options.cross_entropy_weight * cross_entropy)


@pytest.mark.parametrize(
    "options",
    [
        DiceCrossEntropyOptions(),
        DiceCrossEntropyOptions(batch_dice=True),
        DiceCrossEntropyOptions(dice_weight=0.3, cross_entropy_weight=2.0, smooth=1.0),
        DiceCrossEntropyOptions(dice_weight=0.0),
        DiceCrossEntropyOptions(cross_entropy_weight=0.0, batch_dice=True),
    ],
)
def test_loss_equals_the_formula_written_out_in_numpy(options: DiceCrossEntropyOptions) -> None:
    logits, labels = random_batch()
    found = build_dice_ce(options, plain_heads(CLASSES))(torch.from_numpy(logits), torch.from_numpy(labels))
    assert found.item() == pytest.approx(reference(logits, labels, options), rel=1e-12)


def test_batch_dice_differs_where_samples_differ() -> None:
    logits, labels = map(torch.from_numpy, random_batch())
    alone = build_dice_ce(DiceCrossEntropyOptions(), plain_heads(CLASSES))(logits, labels)
    together = build_dice_ce(DiceCrossEntropyOptions(batch_dice=True), plain_heads(CLASSES))(logits, labels)
    assert abs(alone - together) > 0.01


def test_a_class_absent_from_labels_and_prediction_has_a_dice_of_one() -> None:
    logits = torch.zeros(1, 2, 8, 8)
    logits[:, 0] = 100.0
    loss = build_dice_ce(DiceCrossEntropyOptions(), plain_heads(2))(logits, torch.zeros(1, 8, 8, dtype=torch.uint8))
    assert loss.item() == pytest.approx(0.0, abs=1e-6)


def test_regions_with_ignored_voxels_equal_the_formula_written_out_in_numpy() -> None:
    logits, labels = random_batch()
    logits = logits[:, :2]
    loss = build_dice_ce(DiceCrossEntropyOptions(), region_scheme(ignore_value=9).heads())
    found = loss(torch.from_numpy(logits), torch.from_numpy(labels))
    assert (labels == IGNORED).any()
    assert found.item() == pytest.approx(reference_of_regions(logits, labels), rel=1e-12)


def test_ignored_voxels_change_nothing_whatever_is_predicted_there() -> None:
    logits, labels = map(torch.from_numpy, random_batch())
    heads = plain_scheme(2, ignore_value=9).heads()
    loss = build_dice_ce(DiceCrossEntropyOptions(), heads)
    other = torch.where((labels == IGNORED)[:, None], 5.0, logits[:, :3])
    assert loss(other, labels).item() == pytest.approx(loss(logits[:, :3], labels).item(), rel=1e-12)
    kept = (labels != IGNORED)[0]
    alone = loss(logits[:1, :3][:, :, kept], labels[:1, kept])
    assert loss(logits[:1, :3], labels[:1]).item() == pytest.approx(alone.item(), rel=1e-12)


def test_a_batch_that_is_ignored_as_a_whole_has_no_gradient() -> None:
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = build_dice_ce(DiceCrossEntropyOptions(), plain_scheme(2, ignore_value=9).heads())
    loss(logits, torch.full((1, 4, 4), IGNORED)).backward()
    assert logits.grad is not None
    assert not logits.grad.any()
