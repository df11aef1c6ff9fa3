import pytest

from autoseg.clinical.recovery import Recovery, predict_recovery, summarise_recovery

# Feng 2015: FM-UE before and after.
PATIENTS = [
    Recovery(person="A", initial=8, follow_up=8),
    Recovery(person="B", initial=11, follow_up=65),
    Recovery(person="C", initial=8, follow_up=12),
]


@pytest.mark.parametrize(("initial", "points"), [(8, 41.0), (11, 38.9), (66, 0.4), (0, 46.6)])
def test_rule_predicts_seven_tenths_of_what_can_be_gained(initial: float, points: float) -> None:
    assert predict_recovery(initial) == pytest.approx(points)


def test_observed_recovery_is_the_change_of_the_score() -> None:
    assert [one.observed() for one in PATIENTS] == [0, 54, 4]


def test_only_the_patient_who_recovered_is_a_fitter() -> None:
    assert [one.is_fitter() for one in PATIENTS] == [False, True, False]


def test_share_that_makes_a_fitter_can_be_chosen() -> None:
    assert Recovery(person="C", initial=8, follow_up=12, fitter_share=0.05).is_fitter()


def test_person_without_a_second_score_is_neither() -> None:
    waiting = Recovery(person="D", initial=20)
    assert waiting.observed() is None
    assert waiting.is_fitter() is None
    assert summarise_recovery([waiting]) is None


def test_summary_is_of_those_with_both_scores() -> None:
    summary = summarise_recovery([*PATIENTS, Recovery(person="D", initial=20)])
    assert summary is not None
    assert (summary.persons, summary.fitters) == (3, 1)
    assert summary.mean_observed == pytest.approx(58 / 3)
    assert summary.bias == pytest.approx((58 - (41.0 + 38.9 + 41.0)) / 3)
    assert summary.mean_absolute_error == pytest.approx((41.0 + 15.1 + 37.0) / 3)
