"""Comparison with batchgeneratorsv2 where it can be imported: autoseg turns and changes patches as it does."""

from __future__ import annotations

import pytest

pytest.importorskip(
    "batchgeneratorsv2", reason="batchgeneratorsv2 is nnU-Net's and no dependency: python -m experiments augmentation"
)

from experiments.peers.augmentation import compare_intensities, compare_labels, compare_turns


@pytest.mark.parametrize(("case_edge", "patch_edge"), [(64, 24), (24, 48)])
def test_patches_are_turned_about_the_same_axes_to_the_same_places(case_edge: int, patch_edge: int) -> None:
    turned = compare_turns(case_edge, patch_edge)
    # float32 coordinates of 64 voxels are off by up to 1e-5 voxels; the images have a standard deviation of 1.
    assert turned.images < 1e-4
    assert turned.transposed > 0.5
    # The peer keeps shares in half precision, whose rounding decides what is nearly a tie.
    assert turned.linear < 0.002
    assert turned.nearest > turned.linear


def test_changed_intensities_have_the_same_statistics() -> None:
    for statistic in compare_intensities():
        # The blur mirrors its border in another way, which shows in a cube of 24 voxels.
        limit = 0.02 if statistic.transform == "blur" else 0.0
        same = abs(statistic.errors) < 4.5 or abs(statistic.ours - statistic.theirs) < limit
        assert same, statistic


def test_turned_labels_are_as_close_to_where_they_belong() -> None:
    for radius, ours, theirs in compare_labels():
        assert ours > theirs - 0.005, radius
