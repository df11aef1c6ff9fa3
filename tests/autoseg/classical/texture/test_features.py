"""Features of windows beside values worked out by hand and by scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import graycomatrix, graycoprops

from autoseg.classical.texture import TextureOptions, measure_textures
from autoseg.classical.texture.co_occurrence import measure_pairs
from autoseg.classical.texture.patches import GreyScale, cut_patch, measure_patches
from autoseg.classical.texture.runs import measure_runs
from autoseg.classical.texture.windows import Windows

SIZE = 9
MIDDLE = (slice(SIZE // 2, SIZE // 2 + 1),) * 2


def window_on_whole_image() -> Windows:
    return Windows(np.ones((SIZE, SIZE), dtype=bool), SIZE, MIDDLE)


@pytest.mark.parametrize("distance", [1, 2])
def test_co_occurrence_is_that_of_scikit_image_over_four_directions_together(distance: int) -> None:
    levels = np.random.default_rng(0).integers(0, 4, (SIZE, SIZE))
    found = measure_pairs(levels, 4, distance, window_on_whole_image())
    # Pixels of a diagonal are steps along both axes, which scikit-image reaches from this length on.
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    parts = [
        graycomatrix(levels.astype(np.uint8), [distance * length], [angle], levels=4, symmetric=True)
        for angle, length in zip(angles, (1, np.sqrt(2), 1, np.sqrt(2)), strict=True)
    ]
    matrix = np.sum(parts, axis=0).astype(float)
    matrix /= matrix.sum()
    for ours, theirs in {"contrast": "contrast", "homogeneity": "homogeneity", "energy": "ASM"}.items():
        assert found[ours][0, 0] == pytest.approx(graycoprops(matrix, theirs)[0, 0])
    assert found["correlation"][0, 0] == pytest.approx(graycoprops(matrix, "correlation")[0, 0])


def test_runs_of_stripes_are_counted_by_hand() -> None:
    """Stripes along the second axis: along them 9 runs of 9, across them 81 of 1, and on diagonals 81 of 1."""
    levels = np.repeat(np.arange(SIZE)[:, None] % 2, SIZE, axis=1)
    found = {name: values[0, 0] for name, values in measure_runs(levels, SIZE, window_on_whole_image()).items()}
    runs = 9 + 3 * 81
    assert found["short_runs"] == pytest.approx((9 / 81 + 3 * 81) / runs)
    assert found["long_runs"] == pytest.approx((9 * 81 + 3 * 81) / runs)
    assert found["runs"] == pytest.approx(runs / (4 * 81))


def test_moments_and_shares_are_those_of_the_voxels_inside() -> None:
    rng = np.random.default_rng(1)
    grey, inside = rng.random((SIZE, SIZE)), rng.random((SIZE, SIZE)) > 0.4
    found = measure_textures(grey, inside, MIDDLE, TextureOptions(size=SIZE, levels=4))
    values = grey[inside]
    assert found["mean"][0, 0] == pytest.approx(values.mean())
    assert found["sd"][0, 0] == pytest.approx(values.std())
    standard = (values - values.mean()) / values.std()
    assert found["skewness"][0, 0] == pytest.approx((standard**3).mean())
    assert found["kurtosis"][0, 0] == pytest.approx((standard**4).mean() - 3)
    shares = np.histogram(values, bins=4, range=(0, 1))[0] / len(values)
    assert [found[f"share_{level}"][0, 0] for level in range(1, 5)] == pytest.approx(list(shares))
    assert found["entropy"][0, 0] == pytest.approx(-(shares * np.log2(shares)).sum())


def test_voxels_outside_change_nothing() -> None:
    rng = np.random.default_rng(2)
    inside = np.zeros((40, 40), dtype=bool)
    inside[5:30, 8:35] = True
    grey = rng.random((40, 40))
    other = np.where(inside, grey, rng.random((40, 40)))
    places, options = (slice(5, 30, 3), slice(8, 35, 3)), TextureOptions(size=9)
    first, second = (measure_textures(one, inside, places, options) for one in (grey, other))
    for name, values in first.items():
        assert np.allclose(values, second[name], atol=1e-9), name


def test_parallel_lines_have_one_direction_and_noise_has_none() -> None:
    lines = np.repeat(np.sin(np.arange(40) / 2)[:, None] / 2 + 0.5, 40, axis=1)
    noise = np.random.default_rng(3).random((40, 40))
    whole, middle = np.ones((40, 40), dtype=bool), (slice(20, 21),) * 2
    options = TextureOptions(size=20)
    assert measure_textures(lines, whole, middle, options)["parallel"][0, 0] == pytest.approx(1)
    assert measure_textures(noise, whole, middle, options)["parallel"][0, 0] < 0.3


def test_top_hats_see_small_spots_and_nothing_of_large_ones() -> None:
    small, large = np.zeros((40, 40)), np.zeros((40, 40))
    small[20, 20] = 1
    large[14:27, 14:27] = 1
    whole, middle, options = np.ones((40, 40), dtype=bool), (slice(20, 21),) * 2, TextureOptions(size=10, radius=2)
    found = [measure_textures(one, whole, middle, options) for one in (small, large, 1 - small)]
    assert [one["bright_structures"][0, 0] for one in found] == pytest.approx([0.01, 0, 0])
    assert [one["dark_structures"][0, 0] for one in found] == pytest.approx([0, 0, 0.01])


@pytest.mark.parametrize("middle", [(30, 30), (2, 58), (0, 0)])
def test_a_patch_that_was_cut_out_has_the_features_of_its_place_in_the_slice(middle: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    voxels, inside = rng.random((60, 60)).astype(np.float32), rng.random((60, 60)) > 0.1
    # Runs that go on beyond the surroundings, and edges of the slice.
    voxels[:, 20:40] = 0.5
    options, scale = TextureOptions(size=10), GreyScale(low=0.1, high=0.9)
    cut = measure_patches([cut_patch(voxels, inside, middle, options)], scale, options)
    places = tuple(slice(place, place + 1) for place in middle)
    whole = measure_textures(scale.apply(voxels), inside, places, options)  # type: ignore[arg-type]
    # Roots of variances that running sums leave: 1e-8 where it is 0.
    assert cut[0] == pytest.approx([float(values[0, 0]) for values in whole.values()], abs=1e-6)
