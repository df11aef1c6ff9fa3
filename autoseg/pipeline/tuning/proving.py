"""Proof of a search's best candidate: trained beside the plan as it is, judged on cases that the search never saw."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoseg.models.selection import Trial
from autoseg.pipeline.tuning.records import AS_PLANNED, Candidate, Outcome
from autoseg.pipeline.tuning.schedule import FEW_STEPS, LEAST_PAIRS, Length, Schedule
from autoseg.pipeline.tuning.trainings import Bench, describe_failure
from autoseg.selection.cross_fitting import MOST_DICE_LOST, CrossFitted, Deal, judge
from autoseg.selection.figures import Figures, stack
from autoseg.selection.trainings import find_interval_of_trainings
from autoseg.training.record import read_record
from autoseg.workspace.tuning import TuningFolder
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.names import counted
from planners.editing.option_checks import MOST_SEED
from planners.plan import Plan

PLANNED, TUNED = "planned", "tuned"


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A comparison on the fold's own validation cases.

    Attributes:
        candidates: how many were tried.
        comparisons: on the same cases so far, this one with them.
    """

    bench: Bench
    folder: TuningFolder
    schedule: Schedule
    candidates: int
    comparisons: int

    def run(self, best: Candidate, plan: Plan) -> Outcome:
        """Train both sides with several seeds, or what is left of that, and compare them.

        Args:
            best: that is compared with the plan as it is.
            plan: with its values.

        Raises:
            StoppedError: a signal came; everything is saved.
        """
        length = self.schedule.proof
        assert length is not None
        plans = {PLANNED: self.bench.plan, TUNED: plan}
        pairs, begun = 0, self.bench.spent.seconds()
        while pairs < self.schedule.pairs and (self._is_trained(pairs) or self._may_begin(pairs, begun)):
            for side, own in plans.items():
                try:
                    self._train(side, replace(own, seed=(own.seed + pairs) % (MOST_SEED + 1)), pairs, length)
                except AutosegError as error:
                    why = describe_failure(error)
                    if side == PLANNED:
                        raise
                    reason = f"the best candidate ({best.describe()}) could not be trained in the proof: {why}"
                    return Outcome(best=best.number, assignments=best.assignments, reason=reason)
            pairs += 1
        return self._compare(best, pairs, length)

    def _train(self, side: str, plan: Plan, number: int, length: Length) -> None:
        bench = self.bench
        title = f"Proof, training {number + 1} of the {'plan as it is' if side == PLANNED else 'best candidate'}"
        bench.train(plan, bench.job.cases, self.folder.proof(side, number), length, title)
        left = self.schedule.describe_left(bench.spent.seconds())
        bench.progress.say(f"{title}: trained for {length.describe()}.{left}")

    def _is_trained(self, number: int) -> bool:
        """Return whether an earlier start has finished a training by each side."""
        records = [read_record(self.folder.proof(side, number)) for side in (PLANNED, TUNED)]
        return all(record is not None and record.status == "finished" for record in records)

    def _may_begin(self, pairs: int, begun: float) -> bool:
        """Return whether the time holds one more training by each side; a proof needs `LEAST_PAIRS` of each."""
        if pairs < LEAST_PAIRS or self.schedule.seconds is None:
            return True
        spent, length = self.bench.spent.seconds(), self.schedule.proof
        planned = 120 * (length.minutes or 0.0) if length is not None else 0.0
        return spent + max((spent - begun) / pairs, planned) <= self.schedule.seconds

    def _count_steps(self, pairs: int) -> int:
        """Return the median steps of a side's trainings, of the side that had fewer."""
        sides: dict[str, list[int]] = {PLANNED: [], TUNED: []}
        for side, number in _list(pairs):
            record = read_record(self.folder.proof(side, number))
            assert record is not None
            sides[side].append(record.iterations)
        return min(int(np.median(steps)) for steps in sides.values())

    def _compare(self, best: Candidate, pairs: int, length: Length) -> Outcome:
        """Return the outcome of both sides' scores on the fold's validation cases."""
        bench, cases = self.bench, self.bench.job.cases.validation
        folders = {f"{side} {number}": self.folder.proof(side, number) for side, number in _list(pairs)}
        figures = bench.measure(cases, folders, "Proof")
        before, after = ([figures[f"{side} {number}"] for number in range(pairs)] for side in (PLANNED, TUNED))
        units = np.unique([bench.units.get(case, case) for case in cases], return_inverse=True)[1].astype(np.int64)
        gain = find_interval_of_trainings(
            np.stack([one.score(bench.score)[:, 0] for one in before]),
            np.stack([one.score(bench.score)[:, 0] for one in after]),
            units,
            self.comparisons,
        )
        deal = Deal(folds=np.zeros_like(units), units=units)
        both = stack([_pool(before), _pool(after)])
        found = judge(both, bench.score, deal, np.ones_like(units), best=1)
        found = replace(found, change=replace(found.change, gain=gain))
        subjects = len(np.unique(units))
        taken, reason = _decide(found, self._count_steps(pairs))
        trial = Trial(
            subject="",
            before=AS_PLANNED,
            best=best.describe(),
            taken=taken,
            reason=reason,
            candidates=self.candidates,
            agreeing=sum(_mean(one, bench) < _mean(other, bench) for one, other in zip(before, after, strict=True)),
            change=found.change,
        )
        return Outcome(
            best=best.number,
            assignments=best.assignments,
            trial=trial,
            length=length,
            pairs=pairs,
            comparisons=self.comparisons,
            subjects=subjects,
        )


def _decide(found: CrossFitted, steps: int) -> tuple[bool, str]:
    """Return whether a candidate is taken, and why; not after few steps, whatever its interval is.

    Lesions that are lost do not stand in its way, unlike in a selection: a plan whose networks mark next to everything
    finds all of them. They count in lesion F1, and are reported.
    """
    if steps < FEW_STEPS:
        return False, (
            f"the trainings of the proof had only {counted(steps, 'step')}, and below {FEW_STEPS} plans differ by "
            "chance more than by their values, so that the figures say nothing"
        )
    if found.change.gain.low <= 0:
        return False, "its gain may be chance: the interval reaches 0"
    if found.loses_dice():
        return False, f"Dice falls by {-found.change.dice:.4f}, more than {MOST_DICE_LOST:g}"
    return True, "its gain is more than chance, and no Dice is lost"


def _list(pairs: int) -> list[tuple[str, int]]:
    return [(side, number) for side in (PLANNED, TUNED) for number in range(pairs)]


def _mean(figures: Figures, bench: Bench) -> float:
    return float(figures.score(bench.score).mean())


def _pool(trainings: list[Figures]) -> Figures:
    """Return the figures of several trainings as those of one candidate: mean scores, and sums of lesions."""
    first = trainings[0]
    return Figures(
        dice=np.mean([one.dice for one in trainings], axis=0),
        lesion_f1=np.mean([one.lesion_f1 for one in trainings], axis=0),
        found_large=np.sum([one.found_large for one in trainings], axis=0),
        found_small=np.sum([one.found_small for one in trainings], axis=0),
        large=first.large * len(trainings),
        small=first.small * len(trainings),
    )
