"""The kind of figure that all cases give together, instead of one each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.metrics.metric import About, MetricOptions


class PooledOptions(Protocol):
    """An entry of `POOLED`: a frozen dataclass whose fields are options.

    A figure is made of means over cases, so that its interval comes from resampled cases (`bootstrap_interval`).
    """

    @property
    def about(self) -> About:
        """The description; a class attribute unless it depends on options."""
        ...

    def needs(self) -> Mapping[str, MetricOptions]:
        """Return the scores of a case that the figure is made of, by the names that they have in results."""
        ...

    def terms(self, scores: Mapping[str, float]) -> tuple[float, ...]:
        """Return what one case adds to the sums."""
        ...

    def pool(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the figure of (..., term) means over cases; NaN where it is not defined."""
        ...


def divide(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return quotients, NaN where the whole is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: NDArray[np.float64] = np.where(whole > 0, part / whole, np.nan)
    return quotient
