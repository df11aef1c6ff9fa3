"""Statistics of scores as numbers: intervals of means, tests of two systems, agreement of two measurements.

Nothing here knows an evaluation; `autoseg.evaluation.analysis` applies them to one.
"""

from autoseg.evaluation.statistics.description import Statistics, measure_statistics
from autoseg.evaluation.statistics.resampling import (
    LEAST_CASES,
    RESAMPLES,
    USUAL_INTERVAL,
    IntervalKind,
    Statistic,
    Units,
    bootstrap_interval,
)

__all__ = [
    "LEAST_CASES",
    "RESAMPLES",
    "USUAL_INTERVAL",
    "IntervalKind",
    "Statistic",
    "Statistics",
    "Units",
    "bootstrap_interval",
    "measure_statistics",
]
