"""Volumes of an evaluation, and Dice over them: made-up volumes with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from autoseg.evaluation.analysis.volumes import summarise_sizes
from tests.autoseg.evaluation.analysis.made_up import make_evaluation

VOLUMES = [0.1, 1.0, 10.0, 100.0]


def test_bias_and_trend_are_those_by_hand() -> None:
    (found,) = summarise_sizes(make_evaluation([0.2, 0.4, 0.6, 0.8], VOLUMES, [volume + 0.5 for volume in VOLUMES]))
    assert found.agreement.limits is not None
    assert (found.agreement.limits.bias, found.agreement.limits.sd) == (pytest.approx(0.5), pytest.approx(0, abs=1e-9))
    assert found.trend is not None
    assert (found.trend.slope, found.trend.intercept) == (pytest.approx(0.2), pytest.approx(0.4))
    assert found.trend.r2 == pytest.approx(1.0)
    assert found.describe_trend() == (
        "Dice changes by +0.200 where a lesion is ten times as large; the volume explains 100% of its variance (R2)."
    )


def test_a_growing_difference_is_said() -> None:
    volumes = np.geomspace(1, 100, 20)
    (found,) = summarise_sizes(make_evaluation([0.5] * 20, volumes.tolist(), (1.2 * volumes).tolist()))
    assert "The difference changes with the size, by +0.182 ml per ml." in found.agreement.describe()


def test_empty_references_are_in_the_volumes_and_not_in_the_trend() -> None:
    (found,) = summarise_sizes(make_evaluation([1.0, 0.2, 0.4, 0.6], [0.0, 0.1, 1.0, 10.0]))
    assert found.agreement.n == 4
    assert found.trend is not None
    assert found.trend.n == 3


def test_two_cases_say_that_they_are_too_few() -> None:
    (found,) = summarise_sizes(make_evaluation([0.2, 0.4], [1.0, 2.0]))
    assert found.agreement.describe() == "Volumes, prediction minus reference: 2 cases are too few."
    assert found.describe_trend().startswith("Dice over the lesion's volume: too few")
