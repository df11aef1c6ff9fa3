"""Tests of two systems on the same cases, and the correction for many of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from autoseg.evaluation.statistics.resampling import Units, average_by_unit, find_places, resample_means

# As many that a p-value of 0.01 is known to about a seventh of it.
TEST_RESAMPLES = 5000
# Signed ranks of so many subjects, where none are tied, have an exact p-value; the normal one of ten is 0.005 at least.
_EXACT = 50
# Of at most so many differences that are not 0, all signs are tried, also with ties.
_ENUMERATED = 14


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedTests:
    """P-values of two-sided tests of paired scores; None where a test cannot be made.

    Attributes:
        bootstrap: that the mean difference is 0, by resampling subjects, with the tails of Student's t for few.
        wilcoxon: that differences lie symmetrically around 0 (signed-rank test, Wilcoxon 1945), of subjects' means.
        t: that the mean difference is 0 (paired t-test), of subjects' means.
        rank_sum: that scores of both come from one distribution, without the pairing (Mann 1947): the weakest, given
            because articles that compare with other data use it.
    """

    bootstrap: float | None
    wilcoxon: float | None
    t: float | None
    rank_sum: float | None


def compare_pairs(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    *,
    units: Units = None,
    resamples: int = TEST_RESAMPLES,
    seed: int = 0,
) -> PairedTests:
    """Test the scores of two systems on the same cases against each other.

    Args:
        first: (n,) scores.
        second: (n,) scores of the same cases.
        units: (n,) subjects; tests that take cases for independent are given the subjects' means.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """
    places = find_places(units, len(first))
    one, other = average_by_unit(first, places), average_by_unit(second, places)
    differences = other - one
    if len(differences) < 2:
        return PairedTests(bootstrap=None, wilcoxon=None, t=None, rank_sum=None)
    if not differences.any():
        return PairedTests(bootstrap=1.0, wilcoxon=1.0, t=1.0, rank_sum=compare_ranks(one, other))
    return PairedTests(
        bootstrap=_test_by_resampling(
            resample_means(second - first, units=places, resamples=resamples, seed=seed), len(differences)
        ),
        wilcoxon=_test_signed_ranks(differences),
        t=_test_mean(differences),
        rank_sum=compare_ranks(one, other),
    )


def compare_ranks(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Return the p-value of the rank-sum test; None without a case on each side."""
    from scipy import stats

    if not len(first) or not len(second):
        return None
    return float(stats.mannwhitneyu(first, second, alternative="two-sided").pvalue)


def correct_holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return p-values corrected for their number (Holm 1979); None stays None, and does not count."""
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, place) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * p))
        corrected[place] = highest
    return tuple(corrected)


def _test_by_resampling(means: NDArray[np.float64], units: int) -> float:
    """Return the p-value of no difference: twice the rarer side of 0 among the resampled differences.

    A bootstrap of few subjects finds too much, as its intervals are too narrow; both are corrected by the same. Where
    no resample lies beyond 0, the tail of a normal distribution goes on from them.
    """
    rarer, spread = min(int((means <= 0).sum()), int((means >= 0).sum())), float(means.std())
    plain = float(special.ndtri(min(0.5, (rarer + 1) / (len(means) + 1))))
    if rarer == 0:
        plain = min(plain, -abs(float(means.mean())) / spread if spread > 0 else -np.inf)
    return float(2 * special.stdtr(units - 1, plain * np.sqrt((units - 1) / units)))


def _test_signed_ranks(differences: NDArray[np.float64]) -> float:
    from scipy import stats

    sizes = np.abs(differences)
    if np.count_nonzero(sizes) <= _ENUMERATED:
        return _enumerate_signs(differences)
    exact = len(sizes) <= _EXACT and sizes.all() and len(np.unique(sizes)) == len(sizes)
    # Cases without a difference are ranked, and lie on neither side (Pratt 1959): to leave them out overstates it.
    return float(stats.wilcoxon(differences, zero_method="pratt", method="exact" if exact else "approx").pvalue)


def _enumerate_signs(differences: NDArray[np.float64]) -> float:
    """Return the share of all signs of the ranks that are as far from none, zeros ranked as above."""
    from scipy import stats

    ranks = np.asarray(stats.rankdata(np.abs(differences)))
    kept = ranks[differences != 0]
    signs = 1 - 2 * ((np.arange(2 ** len(kept))[:, None] >> np.arange(len(kept))) & 1)
    found = abs(float((np.sign(differences) * ranks).sum()))
    return float((np.abs(signs @ kept) >= found - 1e-9).mean())


def _test_mean(differences: NDArray[np.float64]) -> float:
    n, spread = len(differences), float(differences.std(ddof=1))
    if spread == 0:
        return 0.0
    t = abs(float(differences.mean())) * np.sqrt(n) / spread
    return float(2 * special.stdtr(n - 1, -t))
