"""Successive halving: many candidates for a short time, the best of them for a longer one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoseg.pipeline.folds.jobs import Job
from autoseg.pipeline.folds.restarting import remove
from autoseg.pipeline.tuning.drawing import Drawn, draw
from autoseg.pipeline.tuning.records import REMEDY, Candidate, RungResult, TrialRecord
from autoseg.pipeline.tuning.schedule import FEW_STEPS, Rung, Schedule
from autoseg.pipeline.tuning.trainings import Bench, describe_failure
from autoseg.training.record import read_record
from autoseg.workspace.tuning import TuningFolder
from dataset_fingerprints.errors import AutosegError, PlanError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.names import counted
from planners.editing.alternatives import Alternatives, list_alternatives, vary
from planners.plan import Plan


def read_trials(folder: TuningFolder) -> tuple[TrialRecord, ...]:
    """Return the records of all trials so far, by their numbers.

    Raises:
        FileFormatError: a file is damaged.
    """
    return tuple(read_json(path, TrialRecord, REMEDY) for path in folder.trial_records())


def find_space(job: Job, over: Sequence[str]) -> Alternatives:
    """Return the alternatives to a plan's values; no patch gets larger than the scans that are trained on.

    Args:
        job: the fold's own training, resolved.
        over: what is varied.

    Raises:
        PlanError: there are none.
    """
    shapes = [job.inputs.store.read_record(case).shape for case in job.cases.train]
    space = list_alternatives(job.configuration, over, tuple(np.median(shapes, axis=0).tolist()))
    if not space:
        raise PlanError(
            f"{job.name} has no alternative of what is to be varied ({', '.join(over)}). Name something else with "
            "--over, or leave that out for all."
        )
    return space


def rank(trials: tuple[TrialRecord, ...], rung: int) -> list[TrialRecord]:
    """Return the trials that have a score of a rung, the best first; of equal ones that with the lower number."""
    left = (trial for trial in trials if not trial.candidate.refused)
    scored = [(trial, result) for trial in left if (result := trial.result(rung)) is not None]
    return [trial for trial, _ in sorted(scored, key=lambda pair: (-pair[1].score, pair[0].candidate.number))]


def find_best(trials: tuple[TrialRecord, ...]) -> Candidate | None:
    """Return the candidate that is best in the longest rung that was reached; None without any score."""
    left = [trial for trial in trials if not trial.candidate.refused]
    last = max((result.rung for trial in left for result in trial.results), default=-1)
    ranked = rank(trials, last)
    return ranked[0].candidate if ranked else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """A search on a fold's own training cases.

    Attributes:
        space: alternatives to the plan's values, by what is varied.
        seed: of what is drawn.
    """

    bench: Bench
    folder: TuningFolder
    schedule: Schedule
    space: Alternatives
    seed: int

    def run(self) -> tuple[TrialRecord, ...]:
        """Train all rungs, or what is left of them, and return all trials.

        A rung whose time is over ends with the candidates that it has; the first two of each are trained in any case.

        Raises:
            StoppedError: a signal came; everything is saved.
        """
        self._draw_and_train(self.schedule.rungs[0])
        for number in range(1, len(self.schedule.rungs)):
            while (trial := self._find_next(number)) is not None:
                self._train(trial, number)
        return read_trials(self.folder)

    def _find_next(self, number: int) -> TrialRecord | None:
        """Return the next candidate that goes on to a rung; None where all have, or the time is over."""
        rung = self.schedule.rungs[number]
        chosen = rank(read_trials(self.folder), number - 1)[: rung.candidates]
        missing = [trial for trial in chosen if trial.result(number) is None]
        if not missing or not self._may_begin(len(chosen) - len(missing), rung, number):
            return None
        return missing[0]

    def _draw_and_train(self, rung: Rung) -> None:
        """Draw the candidates of the first rung one after the other, each with the scores of those before known."""
        while True:
            trials = read_trials(self.folder)
            unfinished = next((one for one in trials if not one.candidate.refused and one.result(0) is None), None)
            trained = sum(trial.result(0) is not None for trial in trials)
            if unfinished is None:
                if trained >= rung.candidates or not self._may_begin(trained, rung, 0):
                    return
                unfinished = self._draw(trials)
                if unfinished is None:
                    return
            if not unfinished.candidate.refused:
                self._train(unfinished, 0)

    def _draw(self, trials: tuple[TrialRecord, ...]) -> TrialRecord | None:
        """Return the next candidate, written down; None where there is no other."""
        drawn = [
            Drawn(changes=trial.candidate.changes, score=result.score if (result := trial.result(0)) else None)
            for trial in trials
        ]
        changes = draw(self.space, drawn, self.seed)
        if changes is None:
            return None
        asked = [
            assignment
            for what, name in changes.items()
            for alternative in self.space[what]
            if alternative.name == name
            for assignment in alternative.assignments
        ]
        candidate = Candidate(number=len(trials), changes=changes, assignments=tuple(asked))
        try:
            _, given = vary(self.bench.plan, self.bench.job.name, candidate.assignments)
            candidate = replace(candidate, assignments=given)
        except PlanError as error:
            candidate = replace(candidate, refused=str(error))
            self._say_left_out(candidate)
        record = TrialRecord(candidate=candidate)
        write_json(self.folder.trial_record(candidate.number), record)
        return record

    def _train(self, trial: TrialRecord, number: int) -> None:
        """Train a candidate as long as a rung asks for, score it, and write the score down."""
        bench, candidate, rung = self.bench, trial.candidate, self.schedule.rungs[number]
        folder = self.folder.trial(candidate.number)
        title = f"Candidate {candidate.number}"
        try:
            bench.train(self.plan_of(candidate), bench.inner, folder, rung.length, title)
        except AutosegError as error:
            self._leave_out(trial, error)
            return
        figures = bench.measure(bench.inner.validation, {title: folder}, title)[title]
        training = read_record(folder)
        assert training is not None
        result = RungResult(
            rung=number,
            iterations=training.iterations,
            seconds=training.seconds,
            score=float(figures.score(bench.score).mean()),
            dice=float(figures.dice.mean()),
            lesion_f1=float(figures.lesion_f1.mean()),
        )
        write_json(self.folder.trial_record(candidate.number), replace(trial, results=(*trial.results, result)))
        # Of dozens of candidates masks and probabilities would fill a disk; a longer training makes others.
        remove(folder.validation.root)
        bench.spent.write()
        self._report(candidate, result, rung)

    def plan_of(self, candidate: Candidate) -> Plan:
        """Return the plan with a candidate's values."""
        return vary(self.bench.plan, self.bench.job.name, candidate.assignments)[0]

    def _leave_out(self, trial: TrialRecord, error: AutosegError) -> None:
        """Leave out a candidate that cannot be trained.

        Raises:
            AutosegError: it is the plan as it is, or the error has nothing to do with the candidate's values.
        """
        why = describe_failure(error)
        if trial.candidate.number == 0:
            raise error
        candidate = replace(trial.candidate, refused=why)
        write_json(self.folder.trial_record(candidate.number), replace(trial, candidate=candidate))
        self._say_left_out(candidate)

    def _say_left_out(self, candidate: Candidate) -> None:
        why = candidate.refused.rstrip(".")
        self.bench.progress.say(f"Candidate {candidate.number} ({candidate.describe()}): left out, {why}.")

    def _may_begin(self, place: int, rung: Rung, number: int) -> bool:
        """Return whether the search's time holds one more training of a rung."""
        if place < 2 or self.schedule.search_seconds is None:
            return True
        done = self.schedule.rungs[number - 1].length.minutes or 0.0 if number else 0.0
        ahead = 60 * ((rung.length.minutes or 0.0) - done)
        return self.bench.spent.seconds() + ahead <= self.schedule.search_seconds

    def _report(self, candidate: Candidate, result: RungResult, rung: Rung) -> None:
        left = self.schedule.describe_left(self.bench.spent.seconds())
        steps = "" if rung.length.minutes is None else f" ({counted(result.iterations, 'step')})"
        self.bench.progress.say(
            f"Candidate {candidate.number} ({candidate.describe()}): score {result.score:.3f} after "
            f"{rung.length.describe()}{steps}.{left}"
        )
        if self._is_first_with_few_steps(candidate, result):
            more = "steps (--iterations)" if rung.length.minutes is None else "time"
            self.bench.progress.say(
                f"Only {counted(result.iterations, 'step')}: after so few, candidates differ by chance more than by "
                f"their values. Give more {more}, or plan for short trainings (plan_and_preprocess --max-minutes)."
            )

    def _is_first_with_few_steps(self, candidate: Candidate, result: RungResult) -> bool:
        """Return whether a training had few steps, and none of its rung before it, so that it is said once."""
        if result.iterations >= FEW_STEPS:
            return False
        scored = (
            (trial.candidate.number, own)
            for trial in read_trials(self.folder)
            if not trial.candidate.refused and (own := trial.result(result.rung)) is not None
        )
        return {number for number, own in scored if own.iterations < FEW_STEPS} == {candidate.number}
