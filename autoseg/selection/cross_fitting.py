"""Choice of a candidate on all folds but one, scored on that one; and whether its gain is more than chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.models.selection import Gain, ScoreName
from autoseg.selection.figures import Figures
from autoseg.selection.intervals import find_interval

# What may be lost: mean Dice, and recall of large lesions.
MOST_DICE_LOST = 0.002
MOST_RECALL_LOST = 0.01
# Means of equal scores may differ by this in their last digits.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Deal:
    """Cases as they take turns.

    Attributes:
        folds: (case,) the number of its fold.
        units: (case,) the number of its subject, whose cases are drawn together.
    """

    folds: NDArray[np.int64]
    units: NDArray[np.int64]

    def without_each(self) -> list[NDArray[np.bool_]]:
        """Return, per fold, which cases are in it."""
        return [self.folds == fold for fold in np.unique(self.folds)]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CrossFitted:
    """A choice between candidates, of which the first is what is compared with.

    Attributes:
        best: the choice on all cases.
        chosen: (case,) the choice without the case's fold.
        before: (case,) score of the first candidate.
        after: (case,) score of the chosen one.
        gain: of the mean score.
        dice: change of the mean Dice.
        large_recall: change of the recall of large lesions; NaN without any.
        small_recall: that of small ones.
    """

    best: int
    chosen: NDArray[np.int64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    gain: Gain
    dice: float
    large_recall: float
    small_recall: float

    def loses_dice(self) -> bool:
        """Return whether the mean Dice falls by more than it may."""
        return self.dice < -MOST_DICE_LOST - _ROUNDING

    def loses_lesions(self) -> bool:
        """Return whether more of the large lesions are lost than may be."""
        return self.large_recall < -MOST_RECALL_LOST - _ROUNDING

    def holds(self) -> bool:
        """Return whether the gain is more than chance, and nothing is lost that may not be."""
        return self.gain.low > _ROUNDING and not self.loses_dice() and not self.loses_lesions()


def choose(figures: Figures, score: ScoreName) -> int:
    """Return the candidate with the best mean score of those that lose no more than they may; of equal ones the first.

    Args:
        figures: of the cases to choose on.
        score: that counts.
    """
    means, dice, recall = figures.score(score).mean(axis=0), figures.dice.mean(axis=0), figures.recall_large()
    allowed = dice >= dice[0] - MOST_DICE_LOST - _ROUNDING
    allowed &= ~(recall < recall[0] - MOST_RECALL_LOST - _ROUNDING)
    reached = np.where(allowed, means, -np.inf)
    return int(np.argmax(reached >= reached.max() - _ROUNDING))


def cross_fit(figures: Figures, score: ScoreName, deal: Deal) -> CrossFitted:
    """Choose on all folds but one and score on that one, in turn; and choose on all of them."""
    chosen = np.zeros(len(deal.folds), dtype=np.int64)
    for own in deal.without_each():
        chosen[own] = choose(figures.take(~own), score)
    return judge(figures, score, deal, chosen)


def judge(figures: Figures, score: ScoreName, deal: Deal, chosen: NDArray[np.int64]) -> CrossFitted:
    """Return what a choice per case, made without the case, gains over the first candidate."""
    scores = figures.score(score)
    rows = np.arange(len(chosen))
    before, after = scores[:, 0], scores[rows, chosen]
    first, picked = figures.pick(np.zeros_like(chosen)), figures.pick(chosen)
    return CrossFitted(
        best=choose(figures, score),
        chosen=chosen,
        before=before,
        after=after,
        gain=find_interval(after - before, scores[:, 1:] - before[:, None], deal.units),
        dice=float((picked.dice - first.dice).mean()),
        large_recall=float((picked.recall_large() - first.recall_large())[0]),
        small_recall=float((picked.recall_small() - first.recall_small())[0]),
    )
