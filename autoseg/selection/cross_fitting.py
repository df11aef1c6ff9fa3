"""Choice of a candidate on all folds but one, scored on that one; and whether its gain is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.models.selection import Change, ScoreName
from autoseg.selection.figures import Figures, assemble
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

    def folds_of(self) -> list[NDArray[np.bool_]]:
        """Return, per fold, which cases are in it."""
        return [self.folds == fold for fold in np.unique(self.folds)]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CrossFitted:
    """A choice between candidates, of which the first is what is compared with.

    Attributes:
        best: the choice on all cases.
        chosen: (case,) the choice without the case's fold.
        agreeing: how many folds' choices are the best one.
        change: on cases without a part in the choice.
        fitted: gain of the best one on all cases, which chose it.
    """

    best: int
    chosen: NDArray[np.int64]
    agreeing: int
    change: Change
    fitted: float

    def loses_dice(self) -> bool:
        """Return whether the mean Dice falls by more than it may."""
        return self.change.dice < -MOST_DICE_LOST - _ROUNDING

    def loses_lesions(self) -> bool:
        """Return whether more of the large lesions are lost than may be."""
        lost = self.change.large_recall
        return lost is not None and lost < -MOST_RECALL_LOST - _ROUNDING

    def differs(self) -> bool:
        """Return whether the best one gains less than the choices of the folds did, which then say nothing of it."""
        return self.fitted < self.change.gain.low

    def holds(self) -> bool:
        """Return whether another candidate is better by more than chance, and nothing is lost that may not be."""
        gains = self.best > 0 and self.change.gain.low > _ROUNDING and not self.differs()
        return gains and not self.loses_dice() and not self.loses_lesions()


def choose(figures: Figures, score: ScoreName, share: float = 1.0) -> int:
    """Return the candidate with the best mean score of those that lose no more than they may; of equal ones the first.

    Args:
        figures: of the cases to choose on.
        score: that counts.
        share: of what may be lost: what just fits here loses more elsewhere.
    """
    means, dice, recall = figures.score(score).mean(axis=0), figures.dice.mean(axis=0), figures.recall_large()
    allowed = dice >= dice[0] - share * MOST_DICE_LOST - _ROUNDING
    allowed &= ~(recall < recall[0] - share * MOST_RECALL_LOST - _ROUNDING)
    reached = np.where(allowed, means, -np.inf)
    return int(np.argmax(reached >= reached.max() - _ROUNDING))


def cross_fit(sources: Sequence[Figures], score: ScoreName, deal: Deal, of_case: NDArray[np.int64]) -> CrossFitted:
    """Choose on all folds but one and score on that one, in turn; and choose on all of them.

    Where what is chosen loses more on other cases than it may, choices that lose nothing are tried.

    Args:
        sources: scores of the same cases and candidates, of several predictions; the first is to be used in the end.
        score: that counts.
        deal: folds and subjects.
        of_case: (case,) the prediction that was chosen without the case's fold.
    """
    rows = assemble(sources, of_case)
    tried = []
    for share in (1.0, 0.0):
        chosen = np.zeros(len(of_case), dtype=np.int64)
        for own in deal.folds_of():
            source = sources[int(of_case[own][0])]
            chosen[own] = choose(source.take(~own), score, share)
        tried.append(judge(rows, score, deal, chosen, best=choose(sources[0], score, share)))
    return next((found for found in tried if found.holds()), tried[0])


def judge(figures: Figures, score: ScoreName, deal: Deal, chosen: NDArray[np.int64], *, best: int) -> CrossFitted:
    """Return what a choice per case, made without the case, gains over the first candidate.

    Args:
        figures: of all cases.
        score: that counts.
        deal: folds and subjects.
        chosen: (case,) the choices.
        best: the choice on all cases.
    """
    scores = figures.score(score)
    rows = np.arange(len(chosen))
    before, after = scores[:, 0], scores[rows, chosen]
    first, picked = figures.pick(np.zeros_like(chosen)), figures.pick(chosen)
    change = Change(
        score=(float(before.mean()), float(after.mean())),
        gain=find_interval(after - before, scores[:, 1:] - before[:, None], deal.units),
        dice=float((picked.dice - first.dice).mean()),
        large_recall=_difference(picked.recall_large(), first.recall_large()),
        small_recall=_difference(picked.recall_small(), first.recall_small()),
    )
    agreeing = sum(int(chosen[own][0]) == best for own in deal.folds_of())
    fitted = float((scores[:, best] - before).mean())
    return CrossFitted(best=best, chosen=chosen, agreeing=agreeing, change=change, fitted=fitted)


def _difference(after: NDArray[np.float64], before: NDArray[np.float64]) -> float | None:
    """Return the change of a recall; None where there are no lesions."""
    change = float((after - before)[0])
    return None if np.isnan(change) else change
