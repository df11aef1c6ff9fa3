"""The proportional recovery rule for the Fugl-Meyer assessment of the upper extremity (FMA-UE, 0 to 66 points).

Predicted recovery is 0.7 x (66 - initial) + 0.4 (Winters 2015). It describes groups better than persons, and the
correlation of recovery with the initial score is inflated, since one is computed from the other (Hope 2019).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

BEST_SCORE = 66.0
SLOPE, OFFSET = 0.7, 0.4
# No line between who recovers as predicted and who does not is agreed on; this one is ours.
FITTER_SHARE = 0.5


def predict_recovery(initial: float) -> float:
    """Return by how many points the rule expects a person to improve until the plateau at 3 to 6 months."""
    return SLOPE * (BEST_SCORE - initial) + OFFSET


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovery:
    """One person's scores.

    Attributes:
        follow_up: the score at 3 to 6 months; None where it is not known yet.
        fitter_share: of the predicted recovery, what a person must reach to count as recovering by the rule.
    """

    person: str
    initial: float
    follow_up: float | None = None
    fitter_share: float = FITTER_SHARE

    def predicted(self) -> float:
        """Return the predicted recovery in points."""
        return predict_recovery(self.initial)

    def observed(self) -> float | None:
        """Return the observed recovery in points; None without a second score."""
        return None if self.follow_up is None else self.follow_up - self.initial

    def is_fitter(self) -> bool | None:
        """Return whether the person recovered as the rule has it; None without a second score, or room to improve."""
        observed, room = self.observed(), BEST_SCORE - self.initial
        if observed is None or not room:
            return None
        # The rule expects up to 0.1 points more of people near the best score than the scale has.
        return observed >= self.fitter_share * min(self.predicted(), room)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecoverySummary:
    """Recovery of all persons with two scores who could improve.

    Attributes:
        bias: mean of observed minus predicted recovery, in points.
        mean_absolute_error: mean of the distance between the two.
    """

    persons: int
    fitters: int
    mean_predicted: float
    mean_observed: float
    bias: float
    mean_absolute_error: float


def summarise_recovery(people: Sequence[Recovery]) -> RecoverySummary | None:
    """Return the recovery of a group; None where nobody has two scores, or all had the best one from the start."""
    able = [one for one in people if one.is_fitter() is not None]
    both = [(one.predicted(), observed) for one in able if (observed := one.observed()) is not None]
    if not both:
        return None
    errors = [observed - predicted for predicted, observed in both]
    count = len(both)
    return RecoverySummary(
        persons=count,
        fitters=sum(bool(one.is_fitter()) for one in people),
        mean_predicted=math.fsum(predicted for predicted, _ in both) / count,
        mean_observed=math.fsum(observed for _, observed in both) / count,
        bias=math.fsum(errors) / count,
        mean_absolute_error=math.fsum(map(abs, errors)) / count,
    )
