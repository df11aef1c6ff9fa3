from __future__ import annotations

import pytest

from autoseg.clinical.agreement import measure_agreement


def test_errors_and_coefficients_of_loads_are_those_of_a_calculation_by_hand() -> None:
    found = measure_agreement([2.0, 3.0, 5.0, 7.0], [1.0, 2.0, 4.0, 8.0])
    assert (found.bias, found.mean_absolute_error, found.sd) == pytest.approx((0.5, 1.0, 1.0))
    # Means 4.25 and 3.75, variances over n 3.6875 and 7.1875, covariance 5.0625 (Lin 1989).
    assert found.concordance.value == pytest.approx(2 * 5.0625 / (3.6875 + 7.1875 + 0.25))
    # Mean squares: of cases 14, of raters 0.5, of the rest 0.5 (Shrout 1979).
    assert found.intraclass.value == pytest.approx((14.0 - 0.5) / (14.0 + 0.5 + 2 * (0.5 - 0.5) / 4))
    assert found.intraclass.ci95 is not None
    low, high = found.intraclass.ci95
    assert low < 13.5 / 14.5 < high


def test_one_case_has_errors_and_no_coefficients() -> None:
    found = measure_agreement([2.0], [1.0])
    assert (found.bias, found.sd, found.intraclass.value, found.concordance.value) == (1.0, None, None, None)
