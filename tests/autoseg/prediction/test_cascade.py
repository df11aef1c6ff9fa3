from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from autoseg.prediction import Cascade, Fallback, SharedInputs, Stage, decide
from autoseg.preprocessing import fit_mask, prepare
from dataset_fingerprints.geometry import Box, make_box
from planners.stage_inputs import CropTo, MaskOf
from tests.autoseg.prediction.builders import (
    SHAPE,
    Constant,
    HandMade,
    configure,
    make_member,
    make_scan,
    make_volume,
)
from tests.synthetic.heads import plain_scheme

SCHEME = plain_scheme(2)
EMPTY = Constant((1.0, 0.0, 0.0), make_box((0, 0, 0), SHAPE))


class Recording(nn.Module):
    """Sees label 2 everywhere, and keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self.seen.append(x.clone())
        logits = torch.zeros(len(x), 3, *x.shape[2:])
        logits[:, 2] = 9.0
        return (logits,)


def test_a_stage_sees_an_earlier_ones_masks_beside_the_scan() -> None:
    scan = make_scan(make_volume()[0], spacing_mm=(1.0, 1.2, 0.8))
    second = configure("second", (1.5, 1.5, 1.5), (MaskOf(configuration="first"),))
    inputs = SharedInputs(scan)
    inputs.add_result("first", HandMade(SCHEME).predict(scan))
    seen = inputs.of(second, SCHEME)
    prepared = prepare(scan, second.preprocessing, 3)
    mask = fit_mask(decide(HandMade(SCHEME).predict(scan)), prepared.record, 3)
    assert seen.image.shape == (3, *prepared.image.shape[1:])
    assert np.array_equal(seen.image[:1], prepared.image)
    assert np.array_equal(seen.image[1:], np.stack([mask == 1, mask == 2]))
    assert seen.crop == Box(start=(0, 0, 0), stop=prepared.record.shape)


def test_a_network_is_shown_the_box_of_an_earlier_stage_and_finds_nothing_outside_of_it() -> None:
    scan = make_scan(make_volume()[0])
    network = Recording()
    refine = configure("refine", inputs=(CropTo(configuration="locate", margin_mm=2.0),))
    stages = (
        Stage(configuration="locate", predictor=Constant((0.2, 0.1, 0.7), make_box((5, 6, 7), (14, 15, 16)))),
        Stage(configuration="refine", predictor=make_member(refine, SCHEME, network)),
    )
    probabilities = Cascade(stages=stages).predict(scan)
    expected = make_box((3, 4, 5), (16, 17, 18))
    assert probabilities.box == expected
    shown = {tuple(tile.shape[2:]) for tile in network.seen}
    assert shown == {(8, 8, 8)}
    indices = decide(probabilities)
    assert (indices[expected.slices()] == 2).all()
    assert indices.sum() == 2 * 13**3
    largest = max(float(tile.max()) for tile in network.seen)
    assert largest == scan.voxels[0][expected.slices()].max()


@pytest.mark.parametrize("spacing_mm", [(2.0, 2.0, 2.0), (0.7, 1.0, 1.3)], ids=str)
def test_crops_and_voxels_of_any_size_give_the_labels_that_the_whole_scan_gives(
    spacing_mm: tuple[float, float, float],
) -> None:
    scan = make_scan(make_volume()[0])
    inputs = (CropTo(configuration="locate", margin_mm=3.0),)
    whole, cropped = (
        make_member(configure("refine", spacing_mm, used), SCHEME).predict_shared(shared)
        for used, shared in (((), SharedInputs(scan)), (inputs, located(scan)))
    )
    assert np.prod(cropped.box.shape()) < 0.7 * np.prod(SHAPE)
    assert np.array_equal(decide(whole), decide(cropped))
    assert set(np.unique(decide(cropped))) == {0, 1, 2}
    assert cropped.box.overlap(make_box((4, 5, 4), (18, 21, 16))) == make_box((4, 5, 4), (18, 21, 16))


def located(scan: object) -> SharedInputs:
    inputs = SharedInputs(scan)  # type: ignore[arg-type]
    inputs.add_result("locate", HandMade(SCHEME).predict(inputs.scan))
    return inputs


def test_a_stage_that_finds_nothing_leaves_the_whole_scan_and_that_is_reported_to_the_end() -> None:
    voxels, _ = make_volume()
    crop = (CropTo(configuration="locate", margin_mm=2.0),)
    after = (MaskOf(configuration="refine"),)
    stages = (
        Stage(configuration="locate", predictor=EMPTY),
        Stage(configuration="refine", predictor=make_member(configure("refine", inputs=crop), SCHEME)),
        Stage(configuration="last", predictor=make_member(configure("last", inputs=after), SCHEME)),
    )
    probabilities = Cascade(stages=stages).predict(make_scan(voxels))
    assert probabilities.box == make_box((0, 0, 0), SHAPE)
    assert probabilities.fallbacks == (Fallback(configuration="refine", source="locate"),)
    assert probabilities.fallbacks[0].describe() == (
        "locate found nothing to crop to, so refine looked at the whole scan."
    )
    assert set(np.unique(decide(probabilities))) == {0, 1, 2}


def test_three_dimensions_may_locate_for_two() -> None:
    scan = make_scan(make_volume()[0])
    slices = configure("slices", inputs=(CropTo(configuration="locate", margin_mm=1.0),), slice_axis=2)
    stages = (
        Stage(configuration="locate", predictor=make_member(configure("locate", (2.0, 2.0, 2.0)), SCHEME)),
        Stage(configuration="slices", predictor=make_member(slices, SCHEME)),
    )
    found = decide(Cascade(stages=stages).predict(scan))
    assert np.array_equal(found, decide(make_member(configure("slices", slice_axis=2), SCHEME).predict(scan)))


def test_a_stage_without_what_it_needs_says_so() -> None:
    scan = make_scan(make_volume()[0])
    member = make_member(configure("second", inputs=(MaskOf(configuration="first"),)), SCHEME)
    with pytest.raises(ValueError, match=r"second needs the result of first\. Predict with a Cascade"):
        member.predict(scan)
    cropping = make_member(configure("second", inputs=(CropTo(configuration="first", margin_mm=0),)), SCHEME)
    with pytest.raises(ValueError, match="second needs the result of first"):
        Cascade(stages=(Stage(configuration="second", predictor=cropping),)).predict(scan)
