from __future__ import annotations

import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from hypothesis.extra import numpy as arrays

from autoseg.evaluation import pair_masks
from autoseg.evaluation.metrics.surfaces.hausdorff import HausdorffOptions
from autoseg.evaluation.metrics.surfaces.hausdorff_variants import (
    HausdorffElementsOptions,
    HausdorffPooledOptions,
    HausdorffSetsOptions,
)
from tests.autoseg.evaluation.masks import ONE_MM, make_ball, make_box

MASKS = arrays.arrays(np.bool_, (4, 5, 3))
SPACING_MM = (1.0, 0.5, 3.0)


@given(prediction=MASKS, reference=MASKS)
def test_the_distance_over_sets_agrees_with_simpleitk(prediction, reference):
    if not (prediction.any() and reference.any()):
        return
    images = [SimpleITK.GetImageFromArray(mask.transpose(2, 1, 0).astype(np.uint8)) for mask in (reference, prediction)]
    for image in images:
        image.SetSpacing(SPACING_MM)
    peer = SimpleITK.HausdorffDistanceImageFilter()
    peer.Execute(*images)
    pair = pair_masks(prediction, reference, SPACING_MM)
    # Its distance map is of single precision.
    assert HausdorffSetsOptions().measure(pair) == pytest.approx(peer.GetHausdorffDistance(), rel=1e-5)


def test_sets_know_a_centre_that_surfaces_do_not():
    ball = make_ball((31, 31, 31), 12.0) > 0
    shell = ball & ~(make_ball((31, 31, 31), 10.0) > 0)
    pair = pair_masks(ball, shell, ONE_MM)
    assert HausdorffSetsOptions().measure(pair) > 10.0
    assert HausdorffOptions().measure(pair) < 3.0
    # Half of the ball's voxels and more lie within a voxel of the shell.
    assert HausdorffSetsOptions(percentile=50.0).measure(pair) < 4.0


def test_pooling_both_directions_gives_at_most_the_larger_of_both():
    small, large = (make_box((30, 6, 6), (0, 0, 0), (length, 6, 6)) > 0 for length in (2, 30))
    pair = pair_masks(small, large, ONE_MM)
    pooled, larger = HausdorffPooledOptions().measure(pair), HausdorffOptions(percentile=95.0).measure(pair)
    assert pooled < larger


def test_distances_between_plates_are_their_shift_for_elements_too():
    reference = make_box((12, 8, 8), (3, 0, 0), (4, 8, 8)) > 0
    pair = pair_masks(np.roll(reference, 4, 0), reference, (1.5, 1.0, 1.0))
    # Half of the surface is the near side, a voxel nearer.
    found = [HausdorffElementsOptions(percentile=percentile).measure(pair) for percentile in (45.0, 95.0, 100.0)]
    assert found == pytest.approx([4.5, 6.0, 6.0])
    titles = (HausdorffElementsOptions(percentile=95.0).about.title, HausdorffSetsOptions().about.title)
    assert titles == ("HD95 by area", "HD over sets")
