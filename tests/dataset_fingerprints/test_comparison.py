"""In what two data sets differ."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dataset_fingerprints.comparison import (
    CONTRAST,
    LESION_RATIO,
    SHARE,
    SPACING,
    SPACING_RATIO,
    VOLUME,
    Compared,
    compare_fingerprints,
)
from dataset_fingerprints.measuring.pooling import measure_quantiles
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case

CASE = SyntheticCase(body_shape=(60, 70, 50))


def compared(measure, here, there, name="quantity"):
    return Compared(name=name, measure=measure, here=measure_quantiles(here), there=measure_quantiles(there))


def sentence_of(comparison, name):
    (found,) = [quantity.sentence() for quantity in comparison.quantities if quantity.name == name]
    return found


def test_a_data_set_does_not_differ_from_itself():
    fingerprint = make_fingerprint(repeat_case(5, CASE), labels=2)
    comparison = compare_fingerprints(fingerprint, fingerprint)
    assert comparison.sentences() == ()
    assert comparison.cases == (5, 5)
    assert {quantity.ratio() for quantity in comparison.quantities} <= {1.0, None}


def test_coarser_voxels_and_larger_lesions_are_put_into_words():
    here = make_fingerprint(repeat_case(5, CASE), name="Ours")
    other = replace(CASE, spacing_mm=(1.0, 1.0, 3.0), volume_mm3=4000.0)
    there = make_fingerprint(repeat_case(3, other), name="Theirs")
    comparison = compare_fingerprints(there, here)
    assert sentence_of(comparison, "spacing z") == "spacing z is 3 times coarser: 3 against 1 mm."
    assert sentence_of(comparison, "spacing x") == ""
    assert (
        sentence_of(comparison, "label1: volume per case")
        == "label1: volume per case is 4 times larger: 4 against 1 ml."
    )
    assert sentence_of(compare_fingerprints(here, there), "labelled volume per case").endswith(
        "4 times smaller: 1 against 4 ml."
    )


def test_the_share_of_empty_cases_is_compared_by_difference():
    empty = replace(CASE, volume_mm3=0.0)
    here = make_fingerprint([*repeat_case(3, CASE), *repeat_case(1, empty)])
    there = make_fingerprint(repeat_case(4, CASE))
    sentence = sentence_of(compare_fingerprints(here, there), "label1: share of cases without it")
    assert sentence == "label1: share of cases without it is higher: 0.25 against 0."


@pytest.mark.parametrize(
    ("measure", "here", "there", "reported"),
    [
        (SPACING, [SPACING_RATIO * 0.99], [1.0], False),
        (SPACING, [SPACING_RATIO * 1.01], [1.0], True),
        (SPACING, [1.0], [SPACING_RATIO * 1.01], True),
        (VOLUME, [LESION_RATIO * 0.99, LESION_RATIO * 0.99], [1.0], False),
        (VOLUME, [0.0], [5.0], True),
        (CONTRAST, [-1.0], [-1.4], False),
        (CONTRAST, [-1.0], [0.2], True),
        (SHARE, [0.2], [0.25], False),
        (SHARE, [], [0.25], False),
    ],
)
def test_a_difference_is_reported_from_the_stated_amount_on(measure, here, there, reported):
    assert bool(compared(measure, here, there).sentence()) == reported


def test_large_factors_are_whole_numbers():
    assert compared(VOLUME, [123_456.0], [1000.0]).sentence() == "quantity is 123 times larger: 123 against 1 ml."


def test_what_has_no_ratio_says_so():
    assert compared(CONTRAST, [1.0], [2.0]).ratio() is None
    assert compared(VOLUME, [0.0], [2.0]).ratio() is None
    assert compared(VOLUME, [4.0], [2.0]).ratio() == 2


def test_channels_and_labels_are_matched_by_name_and_what_is_left_over_is_reported():
    here = make_fingerprint(repeat_case(2, CASE), channels=("T1w", "FLAIR"), labels=2, name="Ours")
    there = make_fingerprint(repeat_case(2, CASE), channels=("FLAIR", "CT"), labels=1, name="Theirs")
    comparison = compare_fingerprints(here, there)
    names = [quantity.name for quantity in comparison.quantities]
    assert "FLAIR in the body" in names
    assert "T1w in the body" not in names
    assert comparison.notes == (
        "Only Ours has the channel T1w.",
        "Only Theirs has the channel CT.",
        "Only Ours has the label label2.",
    )
    alone = compare_fingerprints(
        make_fingerprint(repeat_case(2, CASE), channels=("T1w",)),
        make_fingerprint(repeat_case(2, CASE), channels=("0",)),
    )
    assert "T1w in the body" in [quantity.name for quantity in alone.quantities]


def test_other_orientations_are_reported_with_their_shares():
    here = replace(make_fingerprint(repeat_case(4, CASE), name="Ours"), orientations=(("LAS", 3), ("RAS", 1)))
    there = make_fingerprint(repeat_case(4, CASE), name="Theirs")
    (note,) = compare_fingerprints(here, there).notes
    assert "Ours LAS 75%, RAS 25%; Theirs RAS 100%" in note
