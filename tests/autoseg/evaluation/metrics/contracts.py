"""Contract of every metric, as functions that take one."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from autoseg.evaluation import MaskPair, pair_masks
from autoseg.evaluation.metrics import describe_empty, describe_matching
from dataset_fingerprints.geometry import TripleFloat
from tests.autoseg.evaluation.masks import make_ball, make_box, make_points

SPACING_MM = (1.0, 1.5, 4.0)
SHAPE = (14, 12, 9)
NOTHING = np.zeros(SHAPE, dtype=bool)
BALL = make_ball(SHAPE, 4.0) > 0
BOX = make_box(SHAPE, (3, 2, 1), (9, 8, 6)) > 0
POINTS = make_points(SHAPE, (1, 1, 1), (2, 2, 2), (7, 6, 4), (12, 10, 7)) > 0
NOISE = np.random.default_rng(0).random(SHAPE) < 0.1
# A single slice, with three lesions and two.
FLAT = (BALL | POINTS)[:, :, 4:5], (BOX | NOISE)[:, :, 4:5]
PAIRS = ((BALL, BOX), (POINTS, BALL), (BOX, POINTS), (NOISE, POINTS), (BALL, NOISE), FLAT)
# How a score grows when voxels are twice as long along every axis.
GROWTH = {"": 1.0, "voxels": 1.0, "mm": 2.0, "mm2": 4.0, "ml": 8.0, "mm3": 8.0}


def measure(
    metric: Any, prediction: NDArray[np.bool_], reference: NDArray[np.bool_], spacing_mm: TripleFloat = SPACING_MM
) -> float | None:
    return metric.measure(make_pair(metric, prediction, reference, spacing_mm))


def make_pair(
    metric: Any, prediction: NDArray[np.bool_], reference: NDArray[np.bool_], spacing_mm: TripleFloat = SPACING_MM
) -> MaskPair:
    """Pair two masks; a metric of probabilities gets those of a network that is surer inside the prediction."""
    probabilities = None
    if metric.about.needs_probabilities:
        probabilities = np.where(prediction, 0.75, 0.25).astype(np.float32)
    return pair_masks(prediction, reference, spacing_mm, probabilities=probabilities)


def same(first: float | None, second: float | None) -> bool:
    """Compare scores up to rounding: sums may be taken in another order."""
    return first is second if first is None or second is None else math.isclose(first, second, abs_tol=1e-9)


def variants(metric: Any) -> Iterator[Any]:
    """Yield the metric with each of its empty-mask options changed."""
    for name in ("both_empty", "one_empty", "undefined"):
        if name in {field.name for field in fields(metric)}:
            yield from (replace(metric, **{name: value}) for value in (None, 0.25))


def describes_itself(metric: Any) -> None:
    about = metric.about
    assert about.title
    assert about.definition
    assert about.better in ("higher", "lower", "neither")
    assert about.unit in GROWTH
    assert type(metric)() == type(metric)()


def is_a_value(metric: Any) -> None:
    for field in fields(metric):
        with pytest.raises(FrozenInstanceError):
            setattr(metric, field.name, None)


def gives_identical_masks_the_perfect_score(metric: Any) -> None:
    for masks in PAIRS:
        for mask in masks:
            found = measure(metric, mask, mask)
            assert metric.about.perfect is None or same(found, metric.about.perfect)


def gives_nothing_more_than_the_perfect_score(metric: Any) -> None:
    perfect, better = metric.about.perfect, metric.about.better
    for pair in PAIRS:
        found = measure(metric, *pair)
        if found is not None and perfect is not None and better != "neither":
            assert found <= perfect if better == "higher" else found >= perfect


def scores_two_empty_masks_as_it_declares(metric: Any) -> None:
    for variant in (metric, *variants(metric)):
        _scores_as_declared(variant, (NOTHING, NOTHING), "both_empty")


def scores_one_empty_mask_as_it_declares(metric: Any) -> None:
    for variant in (metric, *variants(metric)):
        for pair in ((BOX, NOTHING), (NOTHING, BOX)):
            _scores_as_declared(variant, pair, "one_empty")


def _scores_as_declared(metric: Any, pair: tuple[NDArray[np.bool_], NDArray[np.bool_]], rule: str) -> None:
    found = measure(metric, *pair)
    if hasattr(metric, rule):
        assert same(found, getattr(metric, rule))
    elif hasattr(metric, "undefined"):
        defined = measure(replace(metric, undefined=None), *pair)
        assert same(found, metric.undefined if defined is None else defined)
    elif not metric.about.empty:
        assert found is not None
        assert math.isfinite(found)
        assert rule == "one_empty" or found == 0


def says_its_rules_in_words(metric: Any) -> None:
    assert describe_empty(metric)
    assert bool(describe_matching(metric)) == hasattr(metric, "connectivity")


def has_no_score_without_the_probabilities_it_needs(metric: Any) -> None:
    if metric.about.needs_probabilities:
        for pair in PAIRS:
            assert metric.measure(pair_masks(*pair, SPACING_MM)) is None
            assert measure(metric, *pair) is not None


def is_stored_as_a_plain_number(metric: Any) -> None:
    for pair in (*PAIRS, (NOTHING, NOTHING), (BOX, NOTHING), (NOTHING, BOX)):
        found = measure(metric, *pair)
        assert found is None or (
            type(found) in (int, float) and json.loads(json.dumps(found, allow_nan=False)) == found
        )


def is_symmetric_where_it_says_so(metric: Any) -> None:
    if metric.about.symmetric:
        for first, second in PAIRS:
            assert same(measure(metric, first, second), measure(metric, second, first))


def looks_at_no_axis_in_particular(metric: Any) -> None:
    for pair in () if metric.about.order_matters else PAIRS:
        expected = measure(metric, *pair)
        for axes in ((1, 2, 0), (2, 1, 0)):
            x, y, z = (SPACING_MM[axis] for axis in axes)
            assert same(measure(metric, *(mask.transpose(axes) for mask in pair), spacing_mm=(x, y, z)), expected)


def ignores_the_background_around(metric: Any) -> None:
    for pair in PAIRS[:-1]:
        padded = measure(metric, *(np.pad(mask, 2) for mask in pair))
        if not metric.about.whole_image:
            assert same(padded, measure(metric, *pair))


def counts_the_background_where_it_says_so(metric: Any) -> None:
    if metric.about.whole_image and not metric.about.needs_probabilities:
        pairs = PAIRS[:-1]
        padded = [measure(metric, *(np.pad(mask, 2) for mask in pair)) for pair in pairs]
        assert padded != [measure(metric, *pair) for pair in pairs]


def scale_options(metric: Any, **factors: float) -> Any:
    """Return the metric with its options of some units scaled, by the endings of their names."""
    values = {field.name: getattr(metric, field.name) for field in fields(metric)}
    units = {name: name.rpartition("_")[2] for name in values}
    scaled = {name: value * factors[units[name]] for name, value in values.items() if value and units[name] in factors}
    return replace(metric, **scaled)


def follows_the_voxel_size_by_its_unit(metric: Any) -> None:
    for pair in PAIRS:
        found = measure(metric, *pair, spacing_mm=(1.0, 1.0, 1.0))
        doubled = measure(scale_options(metric, mm=2.0, mm3=8.0), *pair, spacing_mm=(2.0, 2.0, 2.0))
        assert same(doubled, None if found is None else found * GROWTH[metric.about.unit])


def scores_a_flat_image_in_its_plane(metric: Any) -> None:
    """Scores of a single slice do not depend on its thickness, except for volumes."""
    prediction, reference = FLAT
    thin, thick = (
        measure(scale_options(metric, mm3=thickness), prediction, reference, (1.0, 1.0, thickness))
        for thickness in (1.0, 3.0)
    )
    if metric.about.unit in ("ml", "mm3"):
        thick = None if thick is None else thick / 3
    assert same(thin, thick)


CONTRACT: tuple[Callable[[Any], None], ...] = (
    describes_itself,
    is_a_value,
    gives_identical_masks_the_perfect_score,
    gives_nothing_more_than_the_perfect_score,
    scores_two_empty_masks_as_it_declares,
    scores_one_empty_mask_as_it_declares,
    says_its_rules_in_words,
    has_no_score_without_the_probabilities_it_needs,
    is_stored_as_a_plain_number,
    is_symmetric_where_it_says_so,
    looks_at_no_axis_in_particular,
    ignores_the_background_around,
    counts_the_background_where_it_says_so,
    follows_the_voxel_size_by_its_unit,
    scores_a_flat_image_in_its_plane,
)
