"""The training loop of one fold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict, replace
from typing import NoReturn

import torch

from autoseg import processes
from autoseg.progress import Progress, Task
from autoseg.training.budget import Budget
from autoseg.training.checkpoint import load_checkpoint, save_checkpoint
from autoseg.training.compilation import DEVICES, leaving_no_empty_cache
from autoseg.training.curve import Curve, Line, Observer
from autoseg.training.expectation import Expectation
from autoseg.training.interruption import Interruption, SignalledError, listening, stopped_by, take_stop_file
from autoseg.training.position import Position
from autoseg.training.rounds import KIND, Rounds
from autoseg.training.setting import Setup
from autoseg.training.step import Stepper
from autoseg.training.stopwatch import measure_memory
from autoseg.training.watch import Validator
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import AutosegError, WorkspaceError
from dataset_fingerprints.names import counted


class Trainer:
    """Trains one fold, from the start or from its checkpoint, to the end.

    What it reports goes to `metrics.jsonl` and to all observers, a line at a time.
    """

    def __init__(
        self,
        setup: Setup,
        folder: FoldFolder,
        validator: Validator,
        progress: Progress,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._setup, self._folder, self._progress = setup, folder, progress
        self._policy, self._clock = setup.policy, setup.clock
        self._curve = Curve(path=folder.curve)
        self._observers = (self._curve.append, *observers) if processes.leads() else ()
        self._begun = processes.led(folder.checkpoint.is_file)
        self._stepper = Stepper(replace(setup, initial=None) if self._begun else setup, folder)
        self._validator, self._rounds = validator, Rounds(setup, validator)
        self.tile_seconds = 0.0
        self._position = Position(iterations=self._planned_iterations())
        self._budget = Budget(setup.max_minutes, setup.policy.budget)
        self._may_compile = processes.count() == 1  # should it fail in one process only, the others would wait
        self._losses: list[torch.Tensor] = []

    def final_allowed(self) -> float | None:
        """Return the seconds that the validation of the whole fold should take at most; None without minutes."""
        return self._budget.final_allowed(self._position)

    def run(self) -> Position:
        """Train until the last iteration and write the final weights.

        Raises:
            StoppedError: a signal came; everything is saved.
            AutosegError: the loss is not a number any more, and going back did not help.
        """
        with listening() as interruption, leaving_no_empty_cache(), closing(self._stepper):
            self._resume()
            self._interval_start = self._clock()
            if not self._position.is_done():
                self._set_out(interruption)
            with self._progress.task("Training", self._position.iterations, self._position.iteration) as task:
                self._train(task, interruption)
        self._finish()
        return self._position

    def _train(self, task: Task, interruption: Interruption) -> None:
        saved, save_interval = self._interval_start, self._policy.checkpoint_seconds
        if processes.led(lambda: self._rounds.is_outstanding(self._position, self._budget)):
            self._validate_or_stop(task, interruption)
            self._begin_interval()
        while not self._position.is_done():
            self._fetch_or_stop(interruption)
            self._step()
            task.advance()
            validate, save, report, number = self._due(interruption, self._clock() - saved > save_interval)
            if not (validate or save or report or number):
                continue
            if not self._agree(self._report(task)):
                self._roll_back(task)
                continue
            if number:
                self._stop(number)
            self._consider_compiling()
            if processes.led(lambda: take_stop_file(self._folder.stop)):
                self._cool_down(task, "a stop file")
            if validate:
                self._validate_or_stop(task, interruption)
            if save:
                save_interval = max(self._policy.checkpoint_seconds, self._save() / self._policy.checkpoint_share)
                saved = self._clock()
            self._begin_interval()

    def _due(self, interruption: Interruption, save: bool) -> tuple[int, ...]:
        """Return what follows this step in every process: validating, saving, reporting, stopping by a signal."""
        due = self._rounds.is_due(self._position, self._budget)
        own = (due, save, self._report_due()) if processes.leads() else (0, 0, 0)
        return processes.greatest((*own, interruption.signal))

    def _agree(self, sound: bool) -> bool:
        """Take over the leader's position, with what its clock says, and whether its loss is a number."""
        sound, self._position = processes.led(lambda: (sound, self._position))
        return sound

    def _resume(self) -> None:
        if not self._begun:
            self._begin()
            return
        self._go_back_to_checkpoint()
        self._extend()
        if self._position.iteration:
            self._progress.say(f"Going on from step {self._position.iteration}.")

    def _begin(self) -> None:
        """Report what the training starts from, and save it."""
        self._rewind_curve(-1)
        match = self._stepper.match
        if match is not None:
            self._tell({"kind": "initial", **asdict(match)})
            self._progress.say(match.describe())
        self._save()

    def _go_back_to_checkpoint(self, rewarm_from: int = 0) -> None:
        """Load the saved state and forget what came after it, but not an extension at `rewarm_from` or its patience."""
        self._position = load_checkpoint(self._folder.checkpoint, self._stepper.state)
        if not (self._position.iterations or self._setup.max_minutes):
            raise WorkspaceError(
                f"{self._folder.checkpoint}: is of a training of some minutes that were not counted in iterations yet. "
                "Give the minutes again with --max-minutes, or delete it to start over."
            )
        self._rewind_curve(self._position.iteration)
        try:
            self._rounds.read_back(processes.led(self._read_rounds), rewarm_from or self._position.rewarm_from)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise WorkspaceError(
                f"{self._folder.curve}: holds a round of validation that cannot be read ({error!r}). Take its line out."
            ) from error

    def _read_rounds(self) -> list[Line]:
        return [line for line in self._curve.read() if line.get("kind") == KIND]

    def _extend(self) -> None:
        extended = self._position.extended(self._planned_iterations())
        if extended == self._position:
            return
        if self._position.is_done():
            self._rounds.watch.renew_patience()
        self._position = extended
        self._tell({"kind": "extended", "iterations": extended.iterations or None})

    def _set_out(self, interruption: Interruption) -> None:
        """Measure how long steps take, divide the time among training and validation, and say what to expect."""
        setup = self._setup
        try:
            # Several processes stop only where all of them hear of it.
            with interruption.at_once() if processes.count() == 1 else nullcontext():
                pace = self._stepper.measure_pace(self._position.iteration)
        except SignalledError:
            self._stop(interruption.signal)
        pace = processes.led(lambda: pace)
        self._begin_interval()
        self._budget.begin(self._position, pace.step_seconds, pace.costs)
        rounds_seconds = self._rounds.fit(pace.tile_seconds, self._budget.validation_allowed())
        self._budget.expect_rounds(rounds_seconds)
        final_seconds = self._set_final_apart(pace.tile_seconds)
        before = self._position.iterations
        fitted = replace(self._position, iterations=self._budget.fit(self._position), minutes=setup.max_minutes or 0.0)
        self._position = processes.led(lambda: fitted)  # by one clock
        self._warn_of_few_steps(before)
        steps = self._position.iterations - self._position.iteration
        ahead = Expectation(
            steps=steps,
            step_seconds=pace.step_seconds * pace.costs.sum_ahead(self._position) / steps,
            rounds_seconds=rounds_seconds * steps / self._position.iterations,  # the others are behind it
            final_seconds=final_seconds,
            final_cases=len(setup.final_cases()),
            minutes=setup.max_minutes,
        )
        self._progress.say(ahead.describe())

    def _set_final_apart(self, tile_seconds: float) -> float:
        """Return how long the validation at the end takes with tiles of so many seconds, for which time is kept."""
        allowed, cases = self._budget.final_allowed(self._position), self._setup.final_cases()
        self.tile_seconds = tile_seconds
        seconds = self._validator.predict_final_seconds(cases, tile_seconds, allowed) if cases else 0.0
        self._budget.expect_final(seconds)
        return seconds

    def _planned_iterations(self) -> int:
        """Return the plan's number of steps; 0 where minutes are to become steps."""
        return 0 if self._setup.max_minutes else self._setup.configuration.training.iterations

    def _fetch_or_stop(self, interruption: Interruption) -> None:
        """Wait for the next batch, but no longer than for a signal."""
        try:
            # Several processes stop only where all of them hear of it.
            with interruption.at_once() if processes.count() == 1 else nullcontext():
                self._stepper.fetch(self._position)
        except SignalledError:
            self._stop(interruption.signal)

    def _step(self) -> None:
        position = self._position
        rate = self._stepper.learning_rate(position.share_done(), self._rounds.watch.means()) * position.scale_rate()
        self._losses.append(self._stepper.run(position, rate))
        self._position = position.stepped()

    def _report_due(self) -> bool:
        if self._position.is_done():
            return True
        return self._clock() - self._interval_start > self._policy.report_seconds

    def _report(self, task: Task) -> bool:
        """Read the losses back, which also brings the device in step, and look at the time.

        Returns:
            Whether the losses are numbers, and at the end the weights too.
        """
        loss = float(torch.stack(self._losses).mean())
        now = self._clock()
        seconds, steps = now - self._interval_start, len(self._losses)
        self._losses.clear()
        phases = self._stepper.stopwatch.read(steps)
        self._position = replace(self._position, seconds=self._position.seconds + seconds)
        self._interval_start = now
        if not math.isfinite(loss) or (self._position.is_done() and not self._stepper.is_finite()):
            return False
        self._budget.add(steps, seconds, self._position)
        first = replace(self._position, iteration=self._position.iteration - steps)
        grown = self._stepper.is_grown(first)
        if self._setup.max_minutes and grown:
            self._set_final_apart(phases["forward"] / self._stepper.patches)
        self._resize(task, self._budget.fit(self._position))
        self._tell(
            {
                "kind": "train",
                "iterations": self._position.iterations or None,
                "loss": round(loss, 5),
                "learning_rate": float(self._stepper.state.optimizer.param_groups[0]["lr"]),
                "seconds_per_iteration": round(seconds / steps, 4),
                **{f"seconds/{phase}": round(mean, 4) for phase, mean in phases.items()},
                **({} if grown else {"patch": list(self._stepper.patch(first))}),
                **measure_memory(self._setup.device),
                "seconds": round(self._position.seconds, 1),
            }
        )
        task.state({"loss": f"{loss:.3f}"})
        return True

    def _consider_compiling(self) -> None:
        """Compile once, as soon as it is known how long the training still takes, if it takes long enough."""
        ahead, allowed = self._budget.seconds_ahead(self._position), self._setup.configuration.training.compiled
        # Compiled for one size, the network would be compiled again for each that comes.
        if not self._may_compile or ahead is None or not self._stepper.is_grown(self._position):
            return
        self._may_compile = False
        if not allowed or self._setup.device.type not in DEVICES or ahead < self._policy.compile_seconds_ahead:
            return
        self._progress.say(f"{counted(round(ahead / 60), 'minute')} ahead: trying to compile the network.")
        trial = self._stepper.try_compiling(self._position.iteration)
        self._progress.say(trial.describe())
        self._tell({"kind": "compiled", "kept": trial.pays(), **asdict(trial)})
        self._budget.forget()

    def _tell(self, line: Mapping[str, object]) -> None:
        for observer in self._observers:
            observer({"iteration": self._position.iteration, **line})

    def _roll_back(self, task: Task) -> None:
        """Go back to the last saved state with a smaller learning rate."""
        failed = self._position.iteration
        most = self._policy.max_rollbacks
        if self._position.rollbacks == most:
            raise AutosegError(
                f"{self._folder.root}: the loss is not a number any more at step {failed}, after going back "
                f"{most} times. Train with a smaller rate, for example "
                "--set training.optimizer.options.lr=0.0003, or look for odd intensities with `autoseg check`."
            )
        before = self._position
        self._go_back_to_checkpoint(before.rewarm_from)
        self._position = before.back_at(self._position)
        factor = self._position.rate_factor
        self._save()
        self._tell({"kind": "rollback", "failed_at": failed, "rate_factor": factor})
        self._progress.say(
            f"The loss was not a number at step {failed}. Back to step {self._position.iteration} with "
            f"{factor:g} times the learning rate."
        )
        task.advance(self._position.iteration - failed)
        self._begin_interval()

    def _cool_down(self, task: Task, why: str) -> None:
        """Skip to the end of the schedule, so that a training that ends early still ends annealed."""
        cooled = self._position.cooled_down()
        if cooled == self._position:
            return
        self._position = cooled
        self._tell({"kind": "cool-down", "why": why, "iterations": cooled.iterations})
        self._progress.say(
            f"Ending early because of {why}, after {counted(cooled.iterations - cooled.iteration, 'more step')}."
        )
        task.resize(cooled.iterations)
        self._save()  # a stop file is gone, and what it asked for must not be

    def _stop(self, number: int) -> NoReturn:
        self._save()
        rest = f" at step {self._position.iteration}, which is saved. Give the same command again to go on."
        raise stopped_by(number, self._folder.root, rest)

    def _begin_interval(self) -> None:
        """Count what was spent since the report, and start to time steps again."""
        now = self._clock()
        self._position = replace(self._position, seconds=self._position.seconds + now - self._interval_start)
        self._interval_start = now

    def _resize(self, task: Task, iterations: int) -> None:
        """Take over a number of steps in all, which minutes have become."""
        if iterations == self._position.iterations:
            return
        self._position = replace(self._position, iterations=iterations)
        task.resize(iterations)

    def _warn_of_few_steps(self, before: int) -> None:
        steps, minutes = self._position.iterations, self._setup.max_minutes
        if not before and minutes and steps < self._policy.few_steps:
            planned = self._setup.planned_minutes
            if planned is not None and planned <= minutes:
                enough = math.ceil(1.2 * minutes * self._policy.few_steps / steps)
                cure = f"Give more time, for example `--max-minutes {enough}`; the plan was made for short trainings."
            elif not self._setup.shortens:
                times = math.ceil(1.2 * self._policy.few_steps / steps)
                cure = f"Give about {times} times as many minutes, or make the plan smaller with a larger `--scale`."
            else:
                cure = (
                    "Give more time, or plan for this time, with smaller steps: `autoseg plan_and_preprocess DATASET "
                    f"--plan-name short --max-minutes {float(f'{minutes:.2g}'):g}`, then train with `--plan short`."
                )
            self._progress.say(
                f"Only {counted(steps, 'step fits', 'steps fit')} into the time: expect poor masks. {cure}"
            )

    def _validate_or_stop(self, task: Task, interruption: Interruption) -> None:
        try:
            found = self._rounds.run(self._position, self._stepper.keeper, interruption)
        except SignalledError:
            (number,) = processes.greatest((interruption.signal,))
            self._stop(number)
        total = self._position.validation_seconds + found.seconds
        self._position = replace(self._position, validation_seconds=total)
        self._tell(found.line)
        self._progress.say(f"Validation at step {self._position.iteration:,}: {found.dice}.")
        task.state({"validation": f"at step {self._position.iteration:,}: {found.mean}"})
        for label, was_seen in self._rounds.watch.silent_labels(self._policy.silent_rounds):
            self._warn_of_silence(label, was_seen)
        if processes.led(self._rounds.watch.exhausted):
            self._cool_down(task, f"{counted(self._setup.patience, 'round')} of validation without a new best")

    def _rewind_curve(self, iteration: int) -> None:
        if processes.leads():
            self._curve.rewind(iteration)

    def _warn_of_silence(self, label: str, was_seen: bool) -> None:
        done = f"{self._position.share_done():.0%} of the training is done"
        what = "is predicted any more" if was_seen else "has been predicted so far"
        self._tell({"kind": "warning", "label": label, "lost": was_seen})
        self._progress.say(
            f"No voxel of {label} {what} in {counted(self._policy.silent_rounds, 'round')} of validation ({done}). "
            "If it stays so: a larger share of labelled patches "
            "(--set sampling.patches.options.foreground_share=0.8), a longer training, or another loss."
        )

    def _save(self) -> float:
        """Write a checkpoint of sound weights and return how many seconds that took."""
        start = self._clock()
        if processes.leads() and self._stepper.is_finite():
            save_checkpoint(self._folder.checkpoint, self._stepper.state, self._position)
        return self._clock() - start

    def _finish(self) -> None:
        """Write the weights to predict with, and the state that a longer training would go on from."""
        if not processes.leads():
            return
        self._save()
        kept = self._stepper.keeper.write(self._position)
        if kept:
            self._progress.say(kept)
