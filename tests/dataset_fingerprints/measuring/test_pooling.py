"""The data set's fingerprint, against the cases it is made of."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.measuring.intensities import (
    measure_channel,
    measure_intensities,
    pool_sketches,
    sketch_intensities,
)
from dataset_fingerprints.measuring.pooling import MAX_PARTS, summarise
from tests.synthetic.passes import pass_over
from tests.synthetic.scans import write_csv, write_pairs

COLUMNS = {"site": ["a", "a", "b", "", "a", "b"], "group": ["", "", "x", "x", "", ""]}


@pytest.fixture(scope="module")
def fingerprint(tmp_path_factory):
    root = tmp_path_factory.mktemp("sites")
    write_pairs(root / "scans", root / "masks", 6)
    (root / "dataset.json").write_text('{"labels": {"dark": 1, "bright": 2}}')
    rows = [
        {"image:T1w": f"scans/sub-00{index}.nii.gz", "label": f"masks/sub-00{index}.nii.gz", "session": str(index)}
        | {column: values[index] for column, values in COLUMNS.items()}
        for index in range(6)
    ]
    dataset = read_dataset(write_csv(root / "cases.csv", rows))
    return summarise(dataset, pass_over(dataset)[0].records())


def test_sites_and_groups_are_summarised_where_they_are_known(fingerprint):
    assert [(site.name, site.cases, site.subjects) for site in fingerprint.sites] == [("a", 3, 3), ("b", 2, 2)]
    assert [(group.name, group.cases) for group in fingerprint.groups] == [("x", 2)]
    members = [case for case in fingerprint.cases if case.site == "a"]
    volumes = [sum(label.volume_mm3 for label in case.labels) for case in members]
    medians = [case.channels[0].body.median for case in members]
    site = fingerprint.sites[0]
    assert site.volume_mm3.p50 == pytest.approx(np.median(volumes))
    assert site.body_median[0].p50 == pytest.approx(np.median(medians))
    assert (site.cases_without, site.spacing_mm[0].p50, site.shape[2].p50) == (0.0, 1.0, 20.0)


def test_session_site_and_group_are_kept_per_case(fingerprint):
    found = [(case.session, case.site, case.group) for case in fingerprint.cases]
    assert found == [(str(i), COLUMNS["site"][i], COLUMNS["group"][i]) for i in range(6)]


def test_shapes_extents_and_distances_are_those_of_the_cases(fingerprint):
    lesions = [lesion for case in fingerprint.cases for lesion in case.labels[0].lesions]
    label = fingerprint.labels[0]
    assert label.lesion_extent_voxels.p100 == max(max(lesion.extent_voxels) for lesion in lesions)
    distances = [case.labels[0].border_distance_mm for case in fingerprint.cases]
    assert label.border_distance_mm.p00 == min(distances)
    assert [axis.p50 for axis in fingerprint.shape] == [24, 28, 20]
    assert fingerprint.body_shape[0].p100 < 24


def test_the_bodys_intensities_are_pooled_with_equal_weight_per_case(fingerprint):
    body = fingerprint.channels[0].body
    medians = [case.channels[0].body.median for case in fingerprint.cases]
    assert min(medians) <= body.median <= max(medians)
    assert body.voxels == sum(case.channels[0].body.voxels for case in fingerprint.cases)


def test_no_more_parts_are_summarised_than_stated(fingerprint, tmp_path):
    from dataclasses import replace

    cases = [replace(fingerprint.cases[0], case=str(index), group=str(index)) for index in range(MAX_PARTS + 5)]
    write_pairs(tmp_path / "images", tmp_path / "labels", 1)
    assert len(summarise(read_dataset(tmp_path), cases).groups) == MAX_PARTS


@pytest.mark.parametrize("count", [1, 2, 7, 1000])
def test_intensities_are_what_numpy_says(count):
    values = np.random.default_rng(count).normal(100, 20, count).astype(np.float32)
    found = measure_intensities(np.sort(values))
    expected = np.percentile(values.astype(np.float64), (0.5, 50, 99.5))
    # Interpolated in double precision here, the values themselves are single precision.
    assert (found.percentile_00_5, found.median, found.percentile_99_5) == pytest.approx(tuple(expected), rel=1e-6)
    assert (found.minimum, found.maximum, found.voxels) == (values.min(), values.max(), count)
    assert (found.mean, found.sd) == pytest.approx((values.mean(dtype=np.float64), values.std(dtype=np.float64)))
    points = (np.arange(100) + 0.5) / 100
    # Six digits are kept.
    assert sketch_intensities(np.sort(values)) == pytest.approx(tuple(np.quantile(values, points)), rel=1e-5)


def test_sketches_of_two_cases_pool_to_what_both_hold():
    low, high = (np.sort(np.random.default_rng(0).normal(mean, 1, 500).astype(np.float32)) for mean in (10, 30))
    pooled = pool_sketches([sketch_intensities(low), sketch_intensities(high), ()], voxels=1000)
    # A sketch stands for a case with a hundred values.
    assert pooled.mean == pytest.approx(20, abs=0.1)
    assert pooled.sd == pytest.approx(np.concatenate([low, high]).std(), rel=0.01)


def test_a_channel_without_foreground_has_none_of_its_numbers():
    voxels = np.ones((3, 3, 3), np.float32)
    found = measure_channel(voxels, voxels > 0, voxels > 1)
    assert (found.foreground.voxels, found.foreground.median, found.foreground_sketch) == (0, None, ())
    assert (found.body.voxels, len(found.body_sketch)) == (27, 100)
