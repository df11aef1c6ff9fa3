"""Main masks and sub-masks by their names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dataset_fingerprints.reading.mask_folders import join_parts, sort_masks


@pytest.mark.parametrize(
    ("names", "main", "subs"),
    [
        (["031768_LesionSmooth_stx", "031768_LesionSmooth_1_stx", "031768_LesionSmooth_2_stx"], 0, [1, 2]),
        (["c0003s0008t01_LesionSmooth_stx", "c0003s0008t01_LesionSmooth_1_stx"], 0, [1]),
        (["p1_mask", "p1_submask", "p1_fine_mask"], 0, [2, 1]),
        (["lesion", "sub_lesion", "brain_mask", "T1w"], 0, [1]),
        (["031768_LesionSmooth_stx", "031768_t1w_deface_stx"], 0, []),
    ],
)
def test_the_main_mask_is_the_one_without_a_number_or_a_word_for_a_part(names, main, subs):
    files = [Path(f"{name}.nii.gz") for name in names]

    found = sort_masks(files)

    assert found is not None
    assert found.main == files[main]
    assert found.subs == tuple(files[number] for number in subs)


@pytest.mark.parametrize("names", [["lesion", "mask"], ["lesion_1", "lesion_2"], ["T1w"], []])
def test_two_main_masks_or_none_are_no_such_folder(names):
    assert sort_masks([Path(f"{name}.nii.gz") for name in names]) is None


def test_sub_masks_lie_over_the_main_mask():
    main, sub = np.array([1, 1, 0, 0], bool), np.array([0, 1, 1, 0], bool)

    assert join_parts(main, sub).tolist() == [1, 2, 2, 0]
