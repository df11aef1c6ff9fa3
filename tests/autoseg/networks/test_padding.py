from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from autoseg.networks.padding import cut_back, pad_behind


def test_images_that_the_strides_divide_stay_what_they_are() -> None:
    images = torch.randn(1, 2, 8, 16, 24)
    assert pad_behind(images, (8, 8, 8)) is images
    assert cut_back(images, images.shape[2:]) is images


def test_without_divisors_every_length_is_taken() -> None:
    images = torch.randn(1, 2, 7, 5)
    assert pad_behind(images, ()) is images


@pytest.mark.parametrize("shape", [(5, 8), (16, 9), (3, 5, 1)])
def test_zeros_come_behind_the_ends_and_are_cut_off_again(shape: tuple[int, ...]) -> None:
    images = torch.randn(2, 1, *shape)
    padded = pad_behind(images, (4,) * len(shape))
    assert all(length % 4 == 0 and length - 4 < before for length, before in zip(padded.shape[2:], shape, strict=True))
    assert torch.equal(cut_back(padded, shape), images)
    # The sum tells that nothing but zeros was added.
    torch.testing.assert_close(padded.sum(), images.sum())


def test_172_voxels_become_176_where_three_levels_halve() -> None:
    seen = pad_behind(torch.empty(1, 1, 144, 172, 168, device="meta"), (8, 8, 8))
    assert seen.shape[2:] == (144, 176, 168)


def test_padding_is_torchs_own() -> None:
    images = torch.randn(1, 1, 3, 4, 5)
    assert torch.equal(pad_behind(images, (2, 4, 4)), F.pad(images, (0, 3, 0, 0, 0, 1)))
