from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from autoseg.losses import DiceCrossEntropyOptions

CLASSES = 4


def random_batch() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(3, CLASSES, 4, 5, 6))
    labels = generator.integers(CLASSES, size=(3, 4, 5, 6))
    labels[1] = 0
    labels[2][labels[2] == 3] = 2
    return logits, labels


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
    found = options.build(CLASSES)(torch.from_numpy(logits), torch.from_numpy(labels))
    assert found.item() == pytest.approx(reference(logits, labels, options), rel=1e-12)


def test_batch_dice_differs_where_samples_differ() -> None:
    logits, labels = map(torch.from_numpy, random_batch())
    alone = DiceCrossEntropyOptions().build(CLASSES)(logits, labels)
    together = DiceCrossEntropyOptions(batch_dice=True).build(CLASSES)(logits, labels)
    assert abs(alone - together) > 0.01


def test_a_class_absent_from_labels_and_prediction_has_a_dice_of_one() -> None:
    logits = torch.zeros(1, 2, 8, 8)
    logits[:, 0] = 100.0
    loss = DiceCrossEntropyOptions().build(2)(logits, torch.zeros(1, 8, 8, dtype=torch.uint8))
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
