"""Which scans are labelled next: the most uncertain that are unlike each other, by chance, or in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autoseg.labelling.state import Chosen

# Scans nearer to each other than this share of the usual distance differ by no more than noise.
SAME = 0.02
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Portrait:
    """What a scan looks like, coarsely.

    Attributes:
        scan: (value,) of the intensities, of length 1.
        mask: (value,) of what is marked and where, of length 1; all 0 where nothing is.
    """

    case: str
    scan: NDArray[np.float64]
    mask: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Candidate:
    """A scan that can be chosen, and how uncertain a model is about it, 0 to 1."""

    portrait: Portrait
    uncertainty: float


def measure_distances(first: Sequence[Portrait], second: Sequence[Portrait]) -> NDArray[np.float64]:
    """Return (first, second) distances of scans, 0 for the same picture to 1 for an opposite one with other marks.

    It is (1 - c) / 2 times (1 + min(1 - m, 1)) / 2, where c is the cosine of the pictures and m that of the masks: the
    same scan is the same however it is marked. Two empty masks are the same.
    """
    if not first or not second:
        return np.zeros((len(first), len(second)))
    apart = {}
    for part in ("scan", "mask"):
        one, other = (np.stack([getattr(portrait, part) for portrait in side]) for side in (first, second))
        cosine = one @ other.T
        cosine[np.ix_(~one.any(axis=1), ~other.any(axis=1))] = 1.0
        apart[part] = np.clip(1 - cosine, 0, 2)
    distances: NDArray[np.float64] = apart["scan"] / 2 * (1 + np.minimum(apart["mask"], 1)) / 2
    return distances


def choose_uncertain(candidates: Sequence[Candidate], known: Sequence[Portrait], count: int) -> tuple[Chosen, ...]:
    """Return scans one by one: each time that of the largest uncertainty rank times distance to what is known by then.

    The rank, from 1 / n to 1, says no more than the order, for the scale of uncertainties differs between models. Of
    scans that are nearly the same only one is chosen as long as there are others.

    Args:
        candidates: to choose from.
        known: scans that are labelled.
        count: number of scans; fewer where there are fewer candidates.
    """
    if not candidates:
        return ()
    portraits, known = _centre([one.portrait for one in candidates], known)
    ranks = _rank([one.uncertainty for one in candidates])
    between = measure_distances(portraits, portraits)
    usual = float(np.median(between[between > 0])) if (between > 0).any() else 1.0
    nearest = measure_distances(portraits, known).min(axis=1) if known else np.full(len(candidates), usual)
    left = np.ones(len(candidates), dtype=bool)
    chosen: list[Chosen] = []
    while left.any() and len(chosen) < count:
        alike = nearest < SAME * usual
        worth = np.where(left, ranks * np.where(alike, SAME * usual * 1e-3, nearest), -1.0)
        best = int(worth.argmax())
        chosen.append(
            Chosen(
                case=portraits[best].case,
                uncertainty=round(candidates[best].uncertainty, 4),
                distance=round(float(nearest[best]), 4),
            )
        )
        left[best] = False
        nearest = np.minimum(nearest, between[best])
    return tuple(chosen)


def choose_random(names: Sequence[str], count: int, seed: Sequence[int]) -> tuple[Chosen, ...]:
    """Return scans by chance; the same ones for the same seed."""
    order = np.random.default_rng(list(seed)).permutation(len(names))
    return tuple(Chosen(case=names[place]) for place in order[:count])


def choose_first(names: Sequence[str], count: int) -> tuple[Chosen, ...]:
    """Return the first scans in their order."""
    return tuple(Chosen(case=name) for name in names[:count])


def _centre(
    candidates: Sequence[Portrait], known: Sequence[Portrait]
) -> tuple[tuple[Portrait, ...], tuple[Portrait, ...]]:
    """Return portraits without what all scans share, a head in the middle, which would make all of them look alike."""
    mean = np.mean([one.scan for one in (*candidates, *known)], axis=0)

    def centre(portrait: Portrait) -> Portrait:
        own = portrait.scan - mean
        length = float(np.linalg.norm(own))
        # Of scans that are all the same only rounding is left.
        return replace(portrait, scan=own / length if length > _ROUNDING else np.zeros_like(own))

    return tuple(map(centre, candidates)), tuple(map(centre, known))


def _rank(values: Sequence[float]) -> NDArray[np.float64]:
    """Return the ranks of values as shares of their number; equal ones share the mean rank."""
    from scipy import stats

    ranks: NDArray[np.float64] = np.asarray(stats.rankdata(values), dtype=np.float64) / len(values)
    return ranks
