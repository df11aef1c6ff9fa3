from __future__ import annotations

import numpy as np
import pytest
import torch

from autoseg.prediction import Probabilities, StoredLayers, find_box, quantise, spread
from autoseg.prediction.quantised import QuantisedLayers, restore_slab
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import Box, make_box, make_grid
from tests.autoseg.prediction.builders import SHAPE, constant
from tests.synthetic.heads import plain_scheme, region_scheme

BOX = make_box((2, 1, 3), (22, 25, 18))
GRID = make_grid(SHAPE, np.eye(4))


def random_probabilities(scheme: LabelScheme, seed: int = 0) -> Probabilities:
    """Return noise with steep sides, that is 0 in 1/255 outside of a small part of the box."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(scheme.heads().count(), *BOX.shape(), generator=generator) * 3
    logits[1 if scheme.heads().exclusive else 0 :] -= 30
    logits[-1, 4:9, 3:11, 5:6] += 30
    logits[-2 if not scheme.heads().exclusive else 1, 7:12, 3:11, 5:9] += 30
    values = logits.softmax(0) if scheme.heads().exclusive else logits.sigmoid()
    return Probabilities(scheme=scheme, source_grid=GRID, box=BOX, layers=StoredLayers(values=values))


@pytest.mark.parametrize("scheme", [plain_scheme(2), region_scheme()], ids=["labels", "regions"])
def test_probabilities_come_back_rounded_and_only_their_box_is_kept(scheme: LabelScheme) -> None:
    probabilities = random_probabilities(scheme)
    stored = quantise(probabilities)
    assert stored.values.dtype == np.uint8
    assert stored.box == make_box((6, 4, 8), (14, 12, 12))
    back = stored.restore(scheme, GRID)
    whole = make_box((0, 0, 0), SHAPE)
    # Rounded to the nearest 1/255; where labels compete background has what they leave, so their errors add up.
    assert torch.allclose(back.read_box(whole), probabilities.read_box(whole), atol=1.001 / 255)
    if scheme.heads().exclusive:
        assert torch.allclose(back.read_box(BOX).sum(0), torch.ones(BOX.shape()), atol=1e-6)
        assert back.read_box(BOX).min() >= 0


def test_slabs_of_any_thickness_are_stored_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities = random_probabilities(plain_scheme(2))
    at_once = quantise(probabilities)
    monkeypatch.setattr("autoseg.prediction.probabilities.SLAB_VALUES", 1)
    by_layer = quantise(probabilities)
    assert by_layer.box == at_once.box
    assert np.array_equal(by_layer.values, at_once.values)


def test_where_there_is_nothing_the_whole_box_is_kept_empty() -> None:
    stored = quantise(constant((0.999, 0.001), BOX))
    assert stored.box == BOX
    assert not stored.values.any()


def test_labels_that_are_rounded_up_are_not_more_than_certain_together() -> None:
    both = constant((0.0, 0.5, 0.5), BOX)
    back = quantise(both).restore(plain_scheme(2), GRID).read_box(BOX)
    assert back.min() >= 0
    assert torch.allclose(back.sum(0), torch.ones(BOX.shape()))


def test_what_is_left_for_background_is_never_below_0() -> None:
    # Sums of five numbers, divided by their sum, miss 1 by float32's rounding, to either side.
    several = torch.from_numpy(np.random.default_rng(0).integers(50, 60, (5, 40, 50, 50), dtype=np.uint8))
    assert restore_slab(several, exclusive=True).min() == 0
    layers = QuantisedLayers(values=several.numpy(), exclusive=True)
    box = make_box((0, 0, 0), (40, 50, 50))
    grid = make_grid(box.shape(), np.eye(4))
    probabilities = Probabilities(scheme=plain_scheme(5), source_grid=grid, box=box, layers=layers)
    assert np.isfinite(spread([probabilities]).measure().entropy).all()


@pytest.mark.parametrize("threshold", [0.5, 0.25, 0.9])
def test_the_box_around_what_was_found_is_the_same_from_the_store(threshold: float) -> None:
    for seed in range(3):
        probabilities = random_probabilities(plain_scheme(2), seed)
        found = find_box(probabilities, threshold)
        assert found is not None
        assert find_box(quantise(probabilities).restore(plain_scheme(2), GRID), threshold) == found
    assert find_box(constant((0.999, 0.001), BOX), 0.5) is None


def test_a_probability_that_reaches_the_threshold_counts_as_found() -> None:
    half = make_box((4, 5, 6), (5, 7, 9))
    assert find_box(constant((0.5, 0.5), half), 0.5) == half
    assert find_box(quantise(constant((0.5, 0.5), half)).restore(plain_scheme(1), GRID), 0.5) == half
    assert find_box(constant((0.5, 0.5), half), 0.51) is None
    assert find_box(constant((0.4, 0.3, 0.3), Box(start=(0, 0, 0), stop=(1, 1, 1))), 0.5) is None
