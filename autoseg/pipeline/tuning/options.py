"""Options of a search, checked before anything heavy is imported or read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autoseg.pipeline.tuning.schedule import divide, is_short, refuse_short
from dataset_fingerprints.errors import PlanError
from planners.editing.alternatives import check_open
from planners.editing.option_checks import MOST_COUNT, MOST_HOURS, check_amount, check_seed

if TYPE_CHECKING:
    from autoseg.models.selection import ScoreName

_LEAST_CANDIDATES, _MOST_CANDIDATES = 2, 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class TuningOptions:
    """Options of a search.

    Attributes:
        configuration: None for the plan's default.
        hours: for everything; None where `iterations` says how long trainings are.
        iterations: of the longest trainings, in place of a share of the time.
        candidates: of the first rung, with the plan as it is; None for a number by the time.
        over: what is varied; empty for all that can be.
        seed: of the division and of what is drawn.
        restart: begin anew, and remove what was searched before.
    """

    plan_name: str = "default"
    configuration: str | None = None
    hours: float | None = None
    iterations: int | None = None
    candidates: int | None = None
    over: tuple[str, ...] = ()
    score: ScoreName = "mean"
    seed: int = 0
    restart: bool = False

    def check(self) -> None:
        """Make sure that the options can be meant.

        Raises:
            PlanError: one cannot; the message names it.
        """
        if self.hours is not None:
            check_amount("--hours", self.hours, MOST_HOURS, "more than 0")
        if self.iterations is not None:
            check_amount("--iterations", self.iterations, MOST_COUNT, "1 or more")
        if self.candidates is not None and not _LEAST_CANDIDATES <= self.candidates <= _MOST_CANDIDATES:
            raise PlanError(
                f"--candidates is {self.candidates}. Expected {_LEAST_CANDIDATES} to {_MOST_CANDIDATES}, the plan as "
                "it is among them."
            )
        check_seed("--seed", self.seed)
        check_open(self.over)
        divide(self.hours, self.iterations, self.candidates)

    def refuse_short(self) -> None:
        """Make sure that the time is not too short for every new search; one that has ended is shown whatever it had.

        Raises:
            PlanError: it is; the message says which time would do.
        """
        # Whatever can be varied, there are no fewer candidates; with more, it is known once the plan is read.
        if is_short(self.hours, self.iterations, self.candidates, most=_LEAST_CANDIDATES):
            refuse_short(self.hours, self.iterations, self.candidates)
