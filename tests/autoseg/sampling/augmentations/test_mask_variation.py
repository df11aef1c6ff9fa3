from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from autoseg.sampling import PatchGeometry, TrainingCase, sample_batch
from autoseg.sampling.augmentations.mask_variation import (
    CHANGES,
    MaskRanges,
    MaskVariation,
    apply_variations,
    sample_variation,
)
from autoseg.sampling.cases.shown_masks import MOST_COMPONENTS, split_mask
from planners.parts import AUGMENTATIONS
from tests.autoseg.sampling.builders import (
    BUSY,
    GEOMETRIES,
    example,
    make_batch,
    make_case,
    make_geometry,
    make_rules,
    standard,
    two_blocks,
    with_masks,
)
from tests.synthetic.heads import plain_heads

PLAIN = plain_heads(3)
NO_MASK_CHANGE: dict[str, Any] = {"mask_change_probability": 0.0, "mask_drop_probability": 0.0}
SHAPE = (16, 18, 14)


def show(indices: np.ndarray, variation: MaskVariation, targets: tuple[tuple[int, ...], ...]) -> np.ndarray:
    components, mask = split_mask(indices, targets)
    return apply_variations(torch.from_numpy(components)[None], [mask], [variation])[0].numpy()


def test_a_mask_without_a_voxel_gives_channels_of_zeros() -> None:
    assert (
        show(np.zeros(SHAPE, dtype=np.uint8), MaskVariation(), PLAIN.targets()).tolist()
        == np.zeros((2, *SHAPE)).tolist()
    )


def test_regions_get_a_channel_each_that_may_overlap() -> None:
    indices = two_blocks()
    channels = show(indices, MaskVariation(), ((1, 2), (2,)))
    np.testing.assert_array_equal(channels[0], indices > 0)
    np.testing.assert_array_equal(channels[1], indices == 2)


def test_a_dropped_component_is_gone_and_the_others_stay() -> None:
    channels = show(two_blocks(), MaskVariation(dropped=(1,)), PLAIN.targets())
    expected = two_blocks()
    expected[2:5, 2:5, 2:5] = 0
    np.testing.assert_array_equal(channels[0], expected == 1)
    np.testing.assert_array_equal(channels[1], expected == 2)


def test_more_specks_than_the_number_type_holds_do_not_come_back_as_others() -> None:
    indices = np.zeros((64, 64, 80), dtype=np.uint8)
    indices[::2, ::2, ::2] = 1
    components, mask = split_mask(indices, ((1,),))
    assert int(components.max()) == MOST_COMPONENTS == len(mask.sizes) - 1
    shown = apply_variations(torch.from_numpy(components)[None], [mask], [MaskVariation()])[0, 0].numpy()
    assert shown.sum() == MOST_COMPONENTS
    assert not shown[indices == 0].any()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("voxels", [1, 2, 5])
def test_outlines_move_nearly_as_by_a_ball(change: str, voxels: int) -> None:
    indices = np.zeros((40, 42, 38), dtype=np.uint8)
    indices[12:28, 12:30, 12:26] = 1
    indices[18:20, 18:20, 12:26] = 0
    moved = show(indices, MaskVariation(changes=((change, voxels), None)), PLAIN.targets())[0] > 0
    steps = np.indices((2 * voxels + 1,) * 3) - voxels
    ball = (steps**2).sum(0) <= (voxels + 0.5) ** 2
    exact = {
        "dilate": ndimage.binary_dilation,
        "erode": ndimage.binary_erosion,
        "open": ndimage.binary_opening,
        "close": ndimage.binary_closing,
    }[change](indices == 1, ball)
    # An octagon is not a ball: corners differ.
    assert 2 * (moved & exact).sum() / (moved.sum() + exact.sum()) > 0.93


def test_the_border_of_a_patch_neither_adds_to_a_mask_nor_takes_from_it() -> None:
    whole = np.ones(SHAPE, dtype=np.uint8)
    for change in CHANGES:
        assert show(whole, MaskVariation(changes=((change, 3), None)), PLAIN.targets())[0].all()


def test_a_flat_patch_keeps_its_slice() -> None:
    indices = np.zeros((12, 12, 1), dtype=np.uint8)
    indices[4:8, 4:8] = 1
    grown = show(indices, MaskVariation(changes=(("dilate", 1), None)), PLAIN.targets())[0]
    assert grown.sum() == 16 + 16


class TestDraws:
    _, mask = split_mask(two_blocks(), PLAIN.targets())

    def draw(self, start: tuple[int, int, int], shape: tuple[int, int, int], **ranges: Any) -> list[MaskVariation]:
        rng = np.random.default_rng(0)
        return [sample_variation(rng, self.mask, start, shape, MaskRanges(**ranges)) for _ in range(400)]

    def test_only_components_in_the_patch_and_small_enough_are_dropped(self) -> None:
        dropped = {draw.dropped for draw in self.draw((0, 0, 0), (8, 8, 8), drop_probability=1.0)}
        assert dropped == {(1,), (3,)}
        assert {draw.dropped for draw in self.draw((0, 0, 0), (6, 6, 6), drop_probability=1.0)} == {(1,), (3,)}
        assert {draw.dropped for draw in self.draw((9, 9, 7), (6, 6, 6), drop_probability=1.0)} == {()}

    def test_outlines_move_as_often_as_asked_and_by_all_distances(self) -> None:
        draws = self.draw((0, 0, 0), SHAPE, change_probability=0.4)
        changed = [change for draw in draws for change in draw.changes if change is not None]
        # 400 patches, 0.4 of them changed, half of two labels each: 160 expected, a standard deviation of 13.
        assert 100 < len(changed) < 220
        assert {voxels for _, voxels in changed} == set(range(1, 9))
        assert {name for name, _ in changed} == set(CHANGES)

    def test_nothing_is_drawn_by_default(self) -> None:
        assert set(self.draw((0, 0, 0), SHAPE)) == {MaskVariation()}


def masked_case(seed: int) -> TrainingCase:
    """A case that another configuration segmented without an error."""
    case = make_case(channels=2, seed=seed)
    return with_masks(case, PLAIN, case.voxels.maps[0].numpy())


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES.keys())
@pytest.mark.parametrize("busy", [False, True])
def test_masks_are_cut_by_the_grid_of_the_labels(geometry: PatchGeometry, busy: bool) -> None:
    rules = make_rules(geometry, standard(**({**BUSY, **NO_MASK_CHANGE} if busy else NO_MASK_CHANGE)))
    cases = [masked_case(seed) for seed in range(3)]
    parameters = sample_batch(np.random.default_rng(1), cases, rules)
    images, labels = make_batch(parameters, cases, rules)
    assert images.shape[1] == 4
    copied = [not sample.cut.spatial.interpolates() for sample in parameters.samples]
    for index in (1, 2):
        masks, same = images[:, 1 + index], (labels == index).float()
        torch.testing.assert_close(masks[copied], same[copied], rtol=0, atol=0)
        # Interpolated labels follow the larger share, masks the nearest voxel: they part along the outlines, which most
        # voxels of these blocks of 27 lie on. A shift by one voxel would leave 0.67.
        assert 2 * (masks * same).sum() / (masks + same).sum() > 0.75


def test_a_mask_changes_nothing_of_images_and_labels() -> None:
    rules, plain = make_rules(make_geometry(batch_size=8)), [make_case(channels=2, seed=seed) for seed in range(3)]
    cases = [masked_case(seed) for seed in range(3)]
    parameters = sample_batch(np.random.default_rng(1), plain, rules)
    assert parameters == sample_batch(np.random.default_rng(1), cases, rules)
    alone, labels = make_batch(parameters, plain, rules)
    both, same = make_batch(parameters, cases, rules)
    torch.testing.assert_close(both[:, :2], alone, rtol=0, atol=0)
    torch.testing.assert_close(same, labels, rtol=0, atol=0)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_samples_with_masks_are_made_one_by_one_as_in_a_batch(name: str) -> None:
    rules, cases = make_rules(make_geometry(batch_size=6), example(name)), [masked_case(seed) for seed in range(3)]
    parameters = sample_batch(np.random.default_rng(2), cases, rules)
    images, _ = make_batch(parameters, cases, rules)
    for row, sample in enumerate(parameters.samples):
        alone, _ = make_batch(dataclasses.replace(parameters, samples=(sample,)), cases, rules)
        # Interpolation in a box of another size rounds in another way; masks come from the nearest voxel.
        torch.testing.assert_close(images[row, 2:], alone[0, 2:], rtol=0, atol=0)


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES.keys())
def test_several_masks_are_shown_in_their_order(geometry: PatchGeometry) -> None:
    case = make_case(channels=2)
    label = case.voxels.maps[0].numpy()
    shifted = np.roll(label, 2, axis=0)
    rules = make_rules(geometry, standard(**NO_MASK_CHANGE))
    shown = []
    for masks in ((label,), (shifted,), (label, shifted)):
        cases = [with_masks(case, PLAIN, *masks)]
        # The same places and turns for all: drawn for the case with both masks.
        parameters = sample_batch(np.random.default_rng(4), [with_masks(case, PLAIN, label, shifted)], rules)
        shown.append(make_batch(parameters, cases, rules)[0])
    first, second, both = shown
    assert both.shape[1] == 2 + 2 * 2
    torch.testing.assert_close(both[:, :4], first, rtol=0, atol=0)
    torch.testing.assert_close(both[:, 4:], second[:, 2:], rtol=0, atol=0)


def test_each_of_several_masks_errs_by_itself() -> None:
    case = make_case(channels=2)
    label = case.voxels.maps[0].numpy()
    cases, rules = [with_masks(case, PLAIN, label, label)], make_rules(make_geometry(batch_size=40), standard())
    drawn = [sample.cut.masks for sample in sample_batch(np.random.default_rng(0), cases, rules).samples]
    assert all(len(variations) == 2 for variations in drawn)
    assert any(first != second for first, second in drawn)
