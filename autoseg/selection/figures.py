"""Scores of all cases by all candidates, and means of some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.models.selection import ScoreName
from autoseg.selection.measuring import CaseScore


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Figures:
    """Scores of one label or region, or of all of them together, (case, candidate) each.

    Attributes:
        found_large: large lesions that are found.
        found_small: small ones.
        large: (case,) large lesions in the reference.
        small: (case,) small ones.
    """

    dice: NDArray[np.float64]
    lesion_f1: NDArray[np.float64]
    found_large: NDArray[np.int64]
    found_small: NDArray[np.int64]
    large: NDArray[np.int64]
    small: NDArray[np.int64]

    def score(self, name: ScoreName) -> NDArray[np.float64]:
        """Return the score (case, candidate) that is asked for."""
        if name == "dice":
            return self.dice
        return self.lesion_f1 if name == "lesion_f1" else (self.dice + self.lesion_f1) / 2

    def take(self, cases: NDArray[np.bool_]) -> Figures:
        """Return those of some cases."""
        return Figures(
            dice=self.dice[cases],
            lesion_f1=self.lesion_f1[cases],
            found_large=self.found_large[cases],
            found_small=self.found_small[cases],
            large=self.large[cases],
            small=self.small[cases],
        )

    def pick(self, chosen: NDArray[np.int64]) -> Figures:
        """Return one candidate per case as the only one, (case, 1)."""
        places = chosen[:, None]
        return Figures(
            dice=np.take_along_axis(self.dice, places, axis=1),
            lesion_f1=np.take_along_axis(self.lesion_f1, places, axis=1),
            found_large=np.take_along_axis(self.found_large, places, axis=1),
            found_small=np.take_along_axis(self.found_small, places, axis=1),
            large=self.large,
            small=self.small,
        )

    def recall_large(self) -> NDArray[np.float64]:
        """Return the share of large lesions that each candidate finds; NaN without any."""
        return _share(self.found_large, self.large)

    def recall_small(self) -> NDArray[np.float64]:
        """Return the same of small lesions."""
        return _share(self.found_small, self.small)


def _share(found: NDArray[np.int64], lesions: NDArray[np.int64]) -> NDArray[np.float64]:
    total = int(lesions.sum())
    share: NDArray[np.float64] = found.sum(axis=0) / total if total else np.full(found.shape[1], np.nan)
    return share


def collect(cases: Sequence[CaseScore]) -> Figures:
    """Return the scores of all cases by the same candidates."""
    return Figures(
        dice=np.stack([case.scores.dice for case in cases]),
        lesion_f1=np.stack([case.scores.lesion_f1 for case in cases]),
        found_large=np.stack([case.scores.found_large for case in cases]),
        found_small=np.stack([case.scores.found_small for case in cases]),
        large=np.array([case.large for case in cases]),
        small=np.array([case.small for case in cases]),
    )


def average(targets: Sequence[Figures]) -> Figures:
    """Return the mean over labels or regions of their scores, and the sums of their lesions."""
    return Figures(
        dice=np.mean([one.dice for one in targets], axis=0),
        lesion_f1=np.mean([one.lesion_f1 for one in targets], axis=0),
        found_large=np.sum([one.found_large for one in targets], axis=0),
        found_small=np.sum([one.found_small for one in targets], axis=0),
        large=np.sum([one.large for one in targets], axis=0),
        small=np.sum([one.small for one in targets], axis=0),
    )


def stack(candidates: Sequence[Figures]) -> Figures:
    """Return the candidates of several figures of the same cases side by side."""
    return Figures(
        dice=np.concatenate([one.dice for one in candidates], axis=1),
        lesion_f1=np.concatenate([one.lesion_f1 for one in candidates], axis=1),
        found_large=np.concatenate([one.found_large for one in candidates], axis=1),
        found_small=np.concatenate([one.found_small for one in candidates], axis=1),
        large=candidates[0].large,
        small=candidates[0].small,
    )


def assemble(figures: Sequence[Figures], chosen: NDArray[np.int64]) -> Figures:
    """Return each case's scores from one of several figures of the same cases and candidates."""
    rows = np.arange(len(chosen))
    return Figures(
        dice=np.stack([one.dice for one in figures])[chosen, rows],
        lesion_f1=np.stack([one.lesion_f1 for one in figures])[chosen, rows],
        found_large=np.stack([one.found_large for one in figures])[chosen, rows],
        found_small=np.stack([one.found_small for one in figures])[chosen, rows],
        large=figures[0].large,
        small=figures[0].small,
    )
