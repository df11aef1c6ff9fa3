from __future__ import annotations

import pytest

from autoseg.clinical.volumes import measure_volumes, name_bins

# Lesion volumes of 55 cases of a course on ATLAS, in ml.
COURSE_ML = (
    2.594,
    61.096,
    139.979,
    3.145,
    17.424,
    0.915,
    359.826,
    0.135,
    26.097,
    5.231,
    59.862,
    3.183,
    9.897,
    1.156,
    36.535,
    22.883,
    1.038,
    1.214,
    7.469,
    0.375,
    1.180,
    34.330,
    0.726,
    67.076,
    7.209,
    2.441,
    2.810,
    1.015,
    5.848,
    141.278,
    1.701,
    123.248,
    4.102,
    1.573,
    222.005,
    8.119,
    66.057,
    130.660,
    0.089,
    1.806,
    19.158,
    40.818,
    6.161,
    14.618,
    13.653,
    16.615,
    5.247,
    19.138,
    6.826,
    281.558,
    69.392,
    1.201,
    2.790,
    52.789,
    47.632,
)


def test_distribution_of_a_course_is_that_of_its_list() -> None:
    found = measure_volumes(COURSE_ML)
    assert found is not None
    assert (found.cases, found.empty) == (55, 0)
    assert (found.smallest, found.largest) == (0.089, 359.826)
    assert found.mean == pytest.approx(39.65, abs=0.005)
    assert [found.percentiles[part] for part in (25, 50, 75)] == pytest.approx([2.12, 7.469, 44.2], abs=0.03)
    assert found.bins == (1, 4, 16, 9, 6, 6, 6, 7)


def test_every_bin_has_a_name() -> None:
    assert name_bins() == ("<0.1", "0.1-1", "1-5", "5-10", "10-20", "20-50", "50-100", ">=100")


def test_volume_on_a_border_falls_into_the_bin_above() -> None:
    found = measure_volumes([0.1, 100.0])
    assert found is not None
    assert found.bins == (0, 1, 0, 0, 0, 0, 0, 1)


def test_empty_cases_are_counted_apart() -> None:
    found = measure_volumes([0.0, 2.0, 0.0])
    assert found is not None
    assert (found.cases, found.empty, found.mean) == (1, 2, 2.0)
    assert measure_volumes([0.0]) is None
