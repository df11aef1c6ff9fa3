"""The training loop of one fold."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict, replace
from typing import Any, NoReturn

import torch

from autoseg import processes
from autoseg.progress import Progress, Task
from autoseg.training.budget import UNMEASURED_STEPS, Budget
from autoseg.training.checkpoint import load_checkpoint, save_checkpoint, save_tensors
from autoseg.training.compilation import DEVICES, LEAST_SECONDS_AHEAD
from autoseg.training.curve import Curve, Observer
from autoseg.training.interruption import Interruption, SignalledError, listening, take_stop_file
from autoseg.training.position import Position
from autoseg.training.setting import Setup
from autoseg.training.step import Stepper
from autoseg.training.stopwatch import measure_memory
from autoseg.training.watch import (
    Outcomes,
    ValidationWatch,
    Validator,
    mean_by_label,
    outcomes_from_plain,
    outcomes_to_plain,
)
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import AutosegError, StoppedError

# Seconds between reports; each costs one synchronisation with the device.
REPORT_SECONDS = 5.0
# A checkpoint is written at the earliest after this many seconds, and so rarely that it takes 2 % of the time.
CHECKPOINT_SECONDS = 30.0
CHECKPOINT_SHARE = 0.02
# So often at most a training goes back after a loss that is no number.
MAX_ROLLBACKS = 3
# Lesion networks of fewer steps hardly get away from marking everything, or nothing.
FEW_STEPS = 200
# Rounds of validation without a voxel of a label after which people are told.
SILENT_ROUNDS = 2


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
        self._setup, self._folder, self._validator, self._progress = setup, folder, validator, progress
        self._curve = Curve(path=folder.curve)
        self._observers = (self._curve.append, *observers) if processes.leads() else ()
        self._stepper = Stepper(setup)
        self._position = Position(iterations=self._planned_iterations())
        self._watch = ValidationWatch(cases=len(setup.validation_cases), patience=setup.patience)
        self._budget = Budget(setup.max_minutes)
        self._may_compile = processes.count() == 1  # should it fail in one process only, the others would wait
        self._losses: list[torch.Tensor] = []
        self._validation_dice = ""
        self._last_validation_seconds = 0.0

    def run(self) -> Position:
        """Train until the last iteration and write the final weights.

        Raises:
            StoppedError: a signal came; everything is saved.
            AutosegError: the loss is no number any more, and going back did not help.
        """
        with listening() as interruption, closing(self._stepper):
            self._resume()
            self._interval_start = time.perf_counter()
            with self._progress.task("Training", self._position.iterations, self._position.iteration) as task:
                self._train(task, interruption)
        self._finish()
        return self._position

    def _train(self, task: Task, interruption: Interruption) -> None:
        saved, save_interval = self._interval_start, CHECKPOINT_SECONDS
        while not self._position.is_done():
            self._fetch_or_stop(interruption)
            self._step()
            task.advance()
            validate, save, report, number = self._due(interruption, time.perf_counter() - saved > save_interval)
            if not (validate or save or report or number):
                continue
            if not self._agree(self._report(task)):
                self._roll_back(task)
                continue
            self._consider_compiling()
            if processes.led(lambda: take_stop_file(self._folder.stop)):
                self._cool_down(task, "a stop file")
            if number:
                self._stop(number)
            if validate:
                self._validate_or_stop(task, interruption)
            if save:
                save_interval = max(CHECKPOINT_SECONDS, self._save() / CHECKPOINT_SHARE)
                saved = time.perf_counter()
            self._begin_interval()

    def _due(self, interruption: Interruption, save: bool) -> tuple[int, ...]:
        """Return what follows this step in every process: validating, saving, reporting, stopping by a signal."""
        own = (self._validation_due(), save, self._report_due()) if processes.leads() else (0, 0, 0)
        return processes.greatest((*own, interruption.signal))

    def _agree(self, sound: bool) -> bool:
        """Take over the leader's position, with what its clock says, and whether its loss is a number."""
        sound, self._position = processes.led(lambda: (sound, self._position))
        return sound

    def _resume(self) -> None:
        if not processes.led(self._folder.checkpoint.is_file):
            self._save()
            return
        self._position = load_checkpoint(self._folder.checkpoint, self._stepper.parts)
        self._rewind_curve()
        for line in self._curve.read() if processes.leads() else ():
            if line["kind"] == "validation":
                cases: Any = line["cases"]
                self._watch.add(outcomes_from_plain(cases))
        if self._position.is_done():
            self._extend()
        if self._position.iteration:
            self._progress.say(f"Going on from iteration {self._position.iteration}.")
        self._budget.resume(self._position)

    def _extend(self) -> None:
        extended = self._position.extended(self._planned_iterations())
        if extended.is_done():
            return
        self._position = extended
        self._tell({"kind": "extended", "iterations": extended.iterations or None})

    def _planned_iterations(self) -> int:
        """Return the plan's number of steps; 0 where minutes are to become steps."""
        return 0 if self._setup.max_minutes else self._setup.configuration.training.iterations

    def _fetch_or_stop(self, interruption: Interruption) -> None:
        """Wait for the next batch, but no longer than for a signal."""
        try:
            # Several processes stop only where all of them hear of it.
            with interruption.at_once() if processes.count() == 1 else nullcontext():
                self._stepper.fetch(self._position.iteration)
        except SignalledError:
            self._stop(interruption.signal)

    def _step(self) -> None:
        position = self._position
        rate = self._stepper.learning_rate(position.share_done()) * position.scale_rate()
        self._losses.append(self._stepper.run(position.iteration, rate))
        self._position = replace(position, iteration=position.iteration + 1)

    def _report_due(self) -> bool:
        first = not self._position.iterations and self._position.iteration == UNMEASURED_STEPS
        return first or self._position.is_done() or time.perf_counter() - self._interval_start > REPORT_SECONDS

    def _report(self, task: Task) -> bool:
        """Read the losses back, which also brings the device in step, and look at the time.

        Returns:
            Whether the losses are numbers.
        """
        loss = float(torch.stack(self._losses).mean())
        now = time.perf_counter()
        seconds, steps = now - self._interval_start, len(self._losses)
        self._losses.clear()
        phases = self._stepper.stopwatch.read(steps)
        self._position = replace(self._position, seconds=self._position.seconds + seconds)
        self._interval_start = now
        if not math.isfinite(loss):
            return False
        self._budget.add(self._position, steps, seconds)
        self._resize(task, self._budget.fit(self._position))
        self._tell(
            {
                "kind": "train",
                "iterations": self._position.iterations or None,
                "loss": round(loss, 5),
                "learning_rate": float(self._stepper.parts.optimizer.param_groups[0]["lr"]),
                "seconds_per_iteration": round(seconds / steps, 4),
                **{f"seconds/{phase}": round(mean, 4) for phase, mean in phases.items()},
                **measure_memory(self._setup.device),
                "seconds": round(self._position.seconds, 1),
            }
        )
        task.state({"loss": f"{loss:.3f}", "validation Dice": self._validation_dice or "-"})
        return True

    def _consider_compiling(self) -> None:
        """Compile once, as soon as it is known how long the training still takes, if it takes long enough."""
        ahead, allowed = self._budget.seconds_ahead(self._position), self._setup.configuration.training.compiled
        if not self._may_compile or ahead is None:
            return
        self._may_compile = False
        if not allowed or self._setup.device.type not in DEVICES or ahead < LEAST_SECONDS_AHEAD:
            return
        self._progress.say(f"{ahead / 60:.0f} minutes ahead: trying to compile the network.")
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
        if self._position.rollbacks == MAX_ROLLBACKS:
            raise AutosegError(
                f"{self._folder.root}: the loss is not a number any more at iteration {failed}, after going back "
                f"{MAX_ROLLBACKS} times. Train with a smaller rate, for example "
                "--set training.optimizer.options.lr=0.0003, or look for odd intensities with `autoseg check`."
            )
        self._position = self._position.back_at(load_checkpoint(self._folder.checkpoint, self._stepper.parts))
        factor = self._position.rate_factor
        self._rewind_curve()
        self._save()
        self._tell({"kind": "rollback", "failed_at": failed, "rate_factor": factor})
        self._progress.say(
            f"The loss was not a number at iteration {failed}. Back to iteration {self._position.iteration} with "
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
        self._progress.say(f"Ending early because of {why}: {cooled.iterations - cooled.iteration} steps are left.")
        task.resize(cooled.iterations)

    def _stop(self, number: int) -> NoReturn:
        self._save()
        name = signal.Signals(number).name
        raise StoppedError(
            f"{self._folder.root}: stopped by {name} at iteration {self._position.iteration}, which is saved. Give the "
            "same command again to go on.",
            exit_code=128 + number,
        )

    def _begin_interval(self) -> None:
        """Count what was spent since the report, and start to time steps again."""
        now = time.perf_counter()
        self._position = replace(self._position, seconds=self._position.seconds + now - self._interval_start)
        self._interval_start = now

    def _resize(self, task: Task, iterations: int) -> None:
        """Take over a number of steps in all, which minutes have become."""
        before = self._position.iterations
        if iterations == before:
            return
        if not before and iterations < FEW_STEPS:
            self._progress.say(
                f"Only {iterations} steps fit into the time: expect poor masks. Give more time, or let the plan fit "
                "the time: plan_and_preprocess --max-hours."
            )
        self._position = replace(self._position, iterations=iterations)
        task.resize(iterations)

    def _validation_interval(self) -> int:
        rounds = self._setup.configuration.training.validation_rounds
        return max(1, self._position.iterations // max(rounds, 1))

    def _validation_due(self) -> bool:
        """Tell whether a validation round falls on this iteration; the last one is left to the whole fold's."""
        position = self._position
        if not position.iterations or position.is_done() or position.cooling or not self._setup.validation_cases:
            return False
        if position.iteration % self._validation_interval():
            return False
        return self._budget.allows_validation(position, self._last_validation_seconds)

    def _validate_or_stop(self, task: Task, interruption: Interruption) -> None:
        try:
            self._validate(task, interruption)
        except SignalledError:
            (number,) = processes.greatest((interruption.signal,))
            self._stop(number)
        for label, was_seen in self._watch.silent_labels(SILENT_ROUNDS):
            self._warn_of_silence(label, was_seen)
        if processes.led(self._watch.exhausted):
            self._cool_down(task, f"{self._setup.patience} rounds of validation without a new best")

    def _validate(self, task: Task, interruption: Interruption) -> None:
        """Predict whole volumes of some validation cases; the rounds take turns over all of them."""
        start = time.perf_counter()
        cases, count = self._setup.validation_cases, self._setup.configuration.training.validation_cases
        first = (self._position.iteration // self._validation_interval() - 1) * count
        chosen = sorted({cases[(first + offset) % len(cases)] for offset in range(count)})
        outcomes = processes.led(lambda: self._predict(chosen, interruption))
        self._watch.add(outcomes)
        means = mean_by_label(outcomes)
        mean = sum(means.values()) / len(means)
        self._last_validation_seconds = time.perf_counter() - start
        total = self._position.validation_seconds + self._last_validation_seconds
        self._position = replace(self._position, validation_seconds=total)
        self._validation_dice = f"{mean:.3f} ({', '.join(f'{name} {value:.3f}' for name, value in means.items())})"
        figures = {f"dice/{name}": round(value, 4) for name, value in means.items()}
        line = {"kind": "validation", "dice": round(mean, 4), "mean_of_latest": round(self._watch.mean_dice(), 4)}
        self._tell({**line, **figures, "cases": outcomes_to_plain(outcomes)})
        task.state({"validation Dice": self._validation_dice})

    def _predict(self, cases: Sequence[str], interruption: Interruption) -> Outcomes:
        with interruption.at_once():
            return self._validator.validate(self._stepper.parts.average.network, cases)

    def _rewind_curve(self) -> None:
        if processes.leads():
            self._curve.rewind(self._position.iteration)

    def _warn_of_silence(self, label: str, was_seen: bool) -> None:
        done = f"{self._position.share_done():.0%} of the training is done"
        what = "is predicted any more" if was_seen else "has been predicted so far"
        self._tell({"kind": "warning", "label": label, "lost": was_seen})
        self._progress.say(
            f"No voxel of {label} {what} in {SILENT_ROUNDS} rounds of validation ({done}). If it stays so: a larger "
            "share of labelled patches (--set sampling.foreground_share=0.8), a longer training, or another loss."
        )

    def _save(self) -> float:
        """Write a checkpoint of sound weights and return how many seconds that took."""
        start = time.perf_counter()
        if processes.leads() and self._stepper.is_finite():
            save_checkpoint(self._folder.checkpoint, self._stepper.parts, self._position)
        return time.perf_counter() - start

    def _finish(self) -> None:
        """Write the weights to predict with, and the state that a longer training would go on from."""
        if not processes.leads():
            return
        self._save()
        weights = self._stepper.parts.average.network.state_dict()
        save_tensors(self._folder.weights, weights, {"iteration": str(self._position.iteration)})
