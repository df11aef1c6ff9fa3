"""Readers and a model: made-up agreement with known answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoseg.evaluation.analysis.readers import compare_readers, conclude
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.failures import Failure
from tests.autoseg.evaluation.analysis.made_up import make_evaluation

GENERATOR = np.random.default_rng(0)
FIRST = GENERATOR.exponential(10, size=30)
SECOND, MODEL = FIRST + GENERATOR.normal(0, 0.2, size=30), FIRST + GENERATOR.normal(1, 0.2, size=30)
AMONG = 0.8 + 0.02 * GENERATOR.standard_normal(30)


def compare(with_model=AMONG - 0.1):
    evaluations = {
        ("a", "b"): make_evaluation(AMONG.tolist(), SECOND.tolist(), FIRST.tolist()),
        ("m", "a"): make_evaluation((with_model + 0.01).tolist(), FIRST.tolist(), MODEL.tolist()),
        ("m", "b"): make_evaluation((with_model - 0.01).tolist(), SECOND.tolist(), MODEL.tolist()),
    }
    return compare_readers(evaluations, ["a", "b"], "m")


def test_the_model_stands_beside_the_readers_case_by_case() -> None:
    found = compare()
    contrast = next(one for one in found.contrasts if one.metric == "dice")
    assert contrast.among == pytest.approx(AMONG.mean())
    assert contrast.with_model == pytest.approx(AMONG.mean() - 0.1)
    assert contrast.ci95 == pytest.approx((-0.1, -0.1))
    assert conclude(contrast, "Dice").endswith("The model agrees with readers less than they do with each other.")


def test_a_model_as_good_as_readers_is_not_called_equal() -> None:
    found = compare(AMONG + 0.02 * GENERATOR.standard_normal(30))
    contrast = next(one for one in found.contrasts if one.metric == "dice")
    assert "No difference is shown, which does not prove that there is none." in conclude(contrast, "Dice")


def test_volumes_of_every_pair_are_those_of_its_raters() -> None:
    found = compare()
    biases = {(one.first, one.second): one.limits.bias for one in found.volumes if one.limits}
    assert biases == {
        ("b", "a"): pytest.approx((FIRST - SECOND).mean()),
        ("a", "m"): pytest.approx((MODEL - FIRST).mean()),
        ("b", "m"): pytest.approx((MODEL - SECOND).mean()),
    }
    assert found.all_readers[1].absolute.value > 0.99


def test_two_raters_have_no_contrast() -> None:
    evaluation = make_evaluation(AMONG.tolist(), FIRST.tolist(), MODEL.tolist())
    found = compare_readers({("m", "a"): evaluation}, ["a"], "m")
    assert found.contrasts == ()
    assert found.all_readers == {}
    assert len(found.pairs) == 2


def test_cases_that_one_reader_lacks_are_left_out_and_named() -> None:
    whole = make_evaluation(AMONG.tolist())
    part = replace(whole, cases=whole.cases[2:])
    found = compare_readers({("a", "b"): whole, ("m", "a"): part, ("m", "b"): part}, ["a", "b"], "m")
    assert len(found.cases) == 28
    assert found.remarks == ("Left out, because not all have a mask of it that can be scored: c0, c1.",)


def test_cases_that_no_pair_could_score_are_named_with_the_reason() -> None:
    failure = Failure(case="x", error="DataError", message="m/x.nii.gz: is damaged.")
    pair = replace(make_evaluation(AMONG.tolist()), failures=(failure,))
    found = compare_readers({("a", "b"): pair}, ["a", "b"])
    assert found.remarks == (
        "Left out, because not all have a mask of it that can be scored: x.",
        "case x: m/x.nii.gz: is damaged.",
    )


def test_readers_without_a_common_case_are_refused() -> None:
    other = make_evaluation([0.5], names=["x"])
    with pytest.raises(DataError, match="no case is in all of them"):
        compare_readers({("a", "b"): make_evaluation([0.5]), ("m", "a"): other}, ["a", "b"], "m")
