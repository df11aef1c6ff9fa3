"""Agreement of a clinical measure between predicted and reference masks: the one place that says what is reported."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoseg.evaluation.statistics.agreement import Coefficient, find_concordance, find_intraclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """Errors of a measure over cases, predicted minus reference, in its own unit.

    Attributes:
        bias: mean error.
        sd: standard deviation of the errors over n - 1; None of a single case.
        intraclass: ICC(2,1), absolute agreement (Shrout 1979); without a value of a single case.
        concordance: Lin's coefficient (Lin 1989); the same.
    """

    cases: int
    mean_predicted: float
    mean_reference: float
    mean_absolute_error: float
    bias: float
    sd: float | None
    intraclass: Coefficient
    concordance: Coefficient


def measure_agreement(predicted: Sequence[float], reference: Sequence[float]) -> Agreement:
    """Compare a measure of predicted masks with that of their references.

    Args:
        predicted: one value per case, of at least one case.
        reference: the same cases in the same order.
    """
    values = np.array([predicted, reference], dtype=np.float64)
    errors = [one - other for one, other in zip(predicted, reference, strict=True)]
    count = len(errors)
    bias = math.fsum(errors) / count
    spread = math.fsum((error - bias) ** 2 for error in errors)
    return Agreement(
        cases=count,
        mean_predicted=math.fsum(predicted) / count,
        mean_reference=math.fsum(reference) / count,
        mean_absolute_error=math.fsum(map(abs, errors)) / count,
        bias=bias,
        sd=math.sqrt(spread / (count - 1)) if count > 1 else None,
        intraclass=find_intraclass(values.T).absolute,
        concordance=find_concordance(*values),
    )
