"""Agreement of two masks of the same scans on every feature, and the features that are kept for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.statistics.agreement import Coefficient, find_concordance, find_intraclass
from autoseg.radiomics.families import FAMILIES, Family, family_of

CoefficientName = Literal["ccc", "icc"]
# Of two numbers that are the same in all cases: there is nothing to disagree on.
_SAME = Coefficient(value=1.0, ci95=None)
# Two cases say nothing of agreement.
_FEWEST_CASES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureAgreement:
    """Agreement on one feature.

    Attributes:
        name: of the feature.
        family: that it is of.
        concordance: Lin's CCC.
        intraclass: ICC(3,1), two-way mixed, consistency, of single measurements.
        n: number of cases in which both masks have it.
    """

    name: str
    family: Family
    concordance: Coefficient
    intraclass: Coefficient
    n: int

    def value(self, name: CoefficientName) -> float | None:
        """Return one of the coefficients."""
        return (self.concordance if name == "ccc" else self.intraclass).value


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptShare:
    """Number of features of a family that are kept, and of all."""

    family: Family
    kept: int
    of: int

    def percent(self) -> float:
        """Return the share in percent."""
        return 100.0 * self.kept / self.of


def rate_features(
    names: Sequence[str], first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[FeatureAgreement, ...]:
    """Return the agreement on every feature.

    Args:
        names: of the features; those of no family are left out.
        first: (case, feature), of the one kind of masks.
        second: of the same cases, of the other.
    """
    rated = []
    for place, name in enumerate(names):
        family = family_of(name)
        if family is None:
            continue
        known = np.isfinite(first[:, place]) & np.isfinite(second[:, place])
        one, other = first[known, place], second[known, place]
        concordance, intraclass = _rate(one, other)
        rated.append(
            FeatureAgreement(
                name=name, family=family, concordance=concordance, intraclass=intraclass, n=int(known.sum())
            )
        )
    return tuple(rated)


def _rate(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[Coefficient, Coefficient]:
    nothing = Coefficient(value=None, ci95=None)
    if len(one) < _FEWEST_CASES:
        return nothing, nothing
    if np.array_equal(one, other):
        return _SAME, _SAME
    # The coefficients do not depend on the scale; squares of large numbers would lose their last digits.
    scale = max(float(np.abs(one).max()), float(np.abs(other).max()))
    one, other = one / scale, other / scale
    return find_concordance(one, other), find_intraclass(np.stack([one, other], axis=1)).consistent


def is_kept(feature: FeatureAgreement, coefficient: CoefficientName, cutoff: float) -> bool:
    """Return whether a feature agrees by more than a cut-off; one of which nothing is known does not."""
    value = feature.value(coefficient)
    return value is not None and value > cutoff


def count_kept(
    features: Iterable[FeatureAgreement], coefficient: CoefficientName, cutoff: float
) -> tuple[KeptShare, ...]:
    """Return the share of features that are kept, of every family that there is."""
    rated = list(features)
    shares = []
    for family in FAMILIES:
        own = [feature for feature in rated if feature.family == family]
        if own:
            kept = sum(is_kept(feature, coefficient, cutoff) for feature in own)
            shares.append(KeptShare(family=family, kept=kept, of=len(own)))
    return tuple(shares)
