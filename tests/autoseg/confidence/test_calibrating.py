from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoseg.confidence import Measured, assess, calibrate
from autoseg.models.predicted_dice import LEAST_CASES, DiceCalibration
from tests.autoseg.confidence.builders import make_signs, plant


def calibration_of(cases: list[Measured], names: tuple[str, ...] = ("lesion",)) -> DiceCalibration:
    targets, scan = calibrate(cases, names)
    return DiceCalibration(
        configurations=("c",), thresholds=(), postprocessing=(), measured_on=(), targets=targets, scan=scan
    )


def predict(calibration: DiceCalibration, confidence: float) -> float:
    found = assess((make_signs(confidence),), calibration).scan
    assert found is not None
    return found.value


@pytest.mark.parametrize("count", [40, 200])
def test_a_planted_relation_is_found_and_its_error_is_that_of_the_noise(count):
    calibration = calibration_of(plant(count, noise=0.05))
    for confidence in (0.4, 0.6, 0.8, 0.95):
        assert predict(calibration, confidence) == pytest.approx(1.2 * confidence - 0.3, abs=0.05)
    (target,) = calibration.targets
    assert target.error.mean_absolute == pytest.approx(0.05 * np.sqrt(2 / np.pi), rel=0.4)
    assert target.error.correlation > 0.9
    assert target.error.mean_absolute < target.error.constant / 2
    assert calibration.scan == target.error


def test_intervals_hold_as_many_new_cases_as_they_say():
    shares = []
    for seed in range(20):
        calibration = calibration_of(plant(60, noise=0.08, seed=seed))
        fresh = plant(100, noise=0.08, seed=1000 + seed)
        found = [assess(case.signs, calibration).scan for case in fresh]
        shares.append(np.mean([one.low <= case.dice[0] <= one.high for one, case in zip(found, fresh, strict=True)]))
    # 20 calibrations of 60 cases: the mean coverage has a standard error of about 0.01.
    assert np.mean(shares) == pytest.approx(0.9, abs=0.04)
    assert calibration.scan.coverage == pytest.approx(0.9, abs=0.1)


def test_where_signs_say_nothing_the_mean_is_predicted():
    rng = np.random.default_rng(1)
    cases = [replace(case, dice=(float(rng.uniform(0.4, 0.6)),)) for case in plant(100, noise=0)]
    calibration = calibration_of(cases)
    assert predict(calibration, 0.3) == pytest.approx(0.5, abs=0.06)
    assert predict(calibration, 1.0) == pytest.approx(0.5, abs=0.06)


def test_a_better_sign_never_predicts_a_worse_mask_even_where_the_cases_say_so():
    cases = [replace(case, dice=(1 - case.dice[0],)) for case in plant(60, noise=0.05)]
    predicted = [predict(calibration_of(cases), confidence) for confidence in np.linspace(0, 1, 9)]
    assert np.all(np.diff(predicted) >= 0)


def test_too_few_cases_predict_nothing_and_say_so():
    calibration = calibration_of(plant(LEAST_CASES - 1, noise=0.05))
    assert assess((make_signs(0.8),), calibration).scan is None
    assert "fewer than 10 out-of-fold masks" in calibration.describe()
    assert assess((make_signs(0.8),), None).scan is None
    assert assess((make_signs(0.8),), calibration_of([])).scan is None


def test_an_empty_mask_is_as_good_as_other_empty_masks_were():
    empty = (make_signs(0.0, voxels=0),)
    assert assess(empty, calibration_of(plant(20, 0.05, empty=4))).scan is None
    found = assess(empty, calibration_of(plant(20, 0.05, empty=10))).scan
    assert (found.value, found.low, found.high) == (0.5, 0, 1)


def test_folds_take_turns_and_without_them_subjects_do():
    cases = plant(30, noise=0.02)
    single = [replace(case, fold="0") for case in cases]
    assert calibration_of(single).scan.mean_absolute < 0.05
    # Of a single subject nothing can be left out.
    assert calibration_of([replace(case, subject="one") for case in single]).scan is None


def test_a_scan_of_several_labels_has_the_mean_of_those_that_are_known():
    cases = [
        replace(case, signs=(*case.signs, make_signs(0.0, 0)), dice=(*case.dice, 1.0)) for case in plant(40, noise=0.05)
    ]
    calibration = calibration_of(cases, ("lesion", "rare"))
    found = assess((make_signs(0.8), make_signs(0.0, 0)), calibration)
    assert found.targets[1].value == 1
    assert found.scan.value == pytest.approx((found.targets[0].value + 1) / 2)
    half = found.scan.high - found.scan.value
    assert half < found.targets[0].high - found.targets[0].value
    unknown = assess((make_signs(0.8), make_signs(0.9, 50)), calibration)
    assert unknown.targets[1] is None
    assert unknown.scan.value == pytest.approx(unknown.targets[0].value)
