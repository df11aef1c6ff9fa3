"""Small trainings shared by the tests of training: what is trained, who validates, how time passes, when it breaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from autoseg.models.tensors import load_tensors
from autoseg.progress import SilentProgress
from autoseg.sampling import make_resident_case
from autoseg.training.curve import Curve, Line, Observer
from autoseg.training.policy import BudgetPolicy, Policy
from autoseg.training.position import Position
from autoseg.training.setting import Setup
from autoseg.training.trainer import Trainer
from autoseg.training.watch import LabelOutcome, Outcomes
from autoseg.workspace.fold import FoldFolder
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.heads import plain_heads
from tests.synthetic.scans import head

# A report after every step, and a checkpoint as well.
REPORTING = Policy(report_seconds=0.0)
SAVING = Policy(report_seconds=0.0, checkpoint_seconds=0.0, checkpoint_share=1e9)
# The number of steps is looked at again as soon as some are measured, by a clock that a test winds.
MEASURING = Policy(report_seconds=0.0, budget=BudgetPolicy(measured_seconds=0.0))
SETUP_FIELDS = (
    *("validation_cases", "validated", "max_minutes", "planned_minutes", "shortens"),
    *("patience", "initial", "policy", "clock"),
)


class Ticking:
    """A clock that goes on by the same time whenever it is read."""

    def __init__(self, seconds: float = 1.0) -> None:
        self.now, self.seconds = 0.0, seconds

    def __call__(self) -> float:
        self.now += self.seconds
        return self.now


class Alarm(Ticking):
    """A clock that does something at a reading, wherever the training then is."""

    def __init__(self, reading: int, action: Callable[[], object]) -> None:
        super().__init__()
        self.reading, self.action = reading, action

    def __call__(self) -> float:
        now = super().__call__()
        if now == self.reading:
            self.action()
        return now


class Listening(SilentProgress):
    """Keeps the messages that it receives; those of the time ahead, and of rounds of validation, by themselves."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.expected: list[str] = []
        self.rounds: list[str] = []

    def say(self, message: str) -> None:
        kinds = {"Expected here": self.expected, "Validation at step": self.rounds}
        kept = next((kept for start, kept in kinds.items() if message.startswith(start)), self.messages)
        kept.append(message)


class Instant:
    """A validator that takes no time, as far as a training plans for it."""

    def predict_seconds(self, cases: Sequence[str], tile_seconds: float) -> float:
        return 0.0

    def predict_final_seconds(self, cases: Sequence[str], tile_seconds: float, allowed: float | None) -> float:
        return 0.0


class CountingValidator(Instant):
    """Remembers what it was asked to validate, and finds what it is asked to find."""

    def __init__(self, bright_voxels: Sequence[int] = (10,)) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.bright_voxels = bright_voxels

    def validate(self, network: nn.Module, cases: Sequence[str]) -> Outcomes:
        assert not network.training
        bright = self.bright_voxels[min(len(self.asked), len(self.bright_voxels) - 1)]
        self.asked.append(tuple(cases))
        outcome = {
            "dark": LabelOutcome(dice=0.5, predicted=10, reference=10),
            "bright": LabelOutcome(dice=0.7, predicted=bright, reference=10),
        }
        return dict.fromkeys(cases, outcome)


class WeightReader(Instant):
    """Finds a Dice that follows from the weights alone, so that equal networks have equal ones."""

    def validate(self, network: nn.Module, cases: Sequence[str]) -> Outcomes:
        assert not network.training
        total = float(sum(parameter.detach().double().sum() for parameter in network.parameters()))
        found = {case: abs(total * (1 + number)) % 1.0 for number, case in enumerate(cases)}
        return {case: {"dark": LabelOutcome(dice=dice, predicted=10, reference=10)} for case, dice in found.items()}


class Scripted(Instant):
    """Finds the mean Dice that it is given for one round after the other."""

    def __init__(self, *dice: float) -> None:
        self.left = list(dice)

    def validate(self, network: nn.Module, cases: Sequence[str]) -> Outcomes:
        dice = self.left.pop(0)
        return {case: {"dark": LabelOutcome(dice=dice, predicted=10, reference=10)} for case in cases}


class KilledError(Exception):
    """Ends a training where it stands: nothing is saved."""


def kill_at(iteration: int) -> Observer:
    """Return an observer that ends a training at the report of an iteration, before that is saved."""

    def observe(line: Line) -> None:
        if line["iteration"] == iteration:
            raise KilledError

    return observe


def once_at(iteration: int, action: Callable[[], object]) -> Observer:
    """Return an observer that does something at the first report of an iteration."""
    done: list[bool] = []

    def observe(line: Line) -> None:
        if line["iteration"] == iteration and not done:
            done.append(True)
            action()

    return observe


def lose_the_loss(made: Setup, iteration: int) -> list[Observer]:
    """Return observers that make the images no numbers after an iteration, until the training has gone back."""
    images = [case.voxels.image for case in made.cases]  # type: ignore[attr-defined]
    kept = [image.clone() for image in images]

    def spoil() -> None:
        for image in images:
            image.fill_(float("nan"))

    def repair(line: Line) -> None:
        if line["kind"] == "rollback":
            for image, before in zip(images, kept, strict=True):
                image.copy_(before)

    return [once_at(iteration, spoil), repair]


def setup(slice_axis: int = -1, device: str = "cpu", **changes: Any) -> Setup:
    """Return a training of a tiny network on four cases, with fields of `Setup` or of the plan's training changed."""
    place, cases = torch.device(device), []
    for index in range(4):
        image, labels = head(index)
        cases.append(make_resident_case(f"c{index}", (image / 100)[None], labels, plain_heads(3), place))
    chosen = {name: changes.pop(name) for name in SETUP_FIELDS if name in changes}
    values: dict[str, Any] = {"validation_cases": ("v0", "v1", "v2"), "max_minutes": None} | chosen
    return Setup(
        configuration=tiny_configuration(slice_axis, **changes),
        channels=1,
        heads=plain_heads(3),
        cases=cases,
        seed=(0, 0),
        device=place,
        autocast=torch.float32,
        **values,
    )


def make_trainer(
    folder: Path, made: Setup, validator: Any = None, progress: Any = None, observers: Sequence[Observer] = ()
) -> Trainer:
    """Return a trainer of a fold in a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return Trainer(
        made, FoldFolder(root=folder), validator or CountingValidator(), progress or SilentProgress(), observers
    )


def train(folder: Path, validator: Any = None, **changes: Any) -> tuple[FoldFolder, Position]:
    """Train in a folder and return its files and where the training ended."""
    position = make_trainer(folder, setup(**changes), validator).run()
    return FoldFolder(root=folder), position


def lines(files: FoldFolder, kind: str) -> list[Line]:
    """Return the lines of one kind in a fold's curve."""
    return [line for line in Curve(path=files.curve).read() if line["kind"] == kind]


def rates(files: FoldFolder) -> dict[int, float]:
    """Return the learning rate of the step that led to each reported iteration."""
    return {int(str(line["iteration"])): float(str(line["learning_rate"])) for line in lines(files, "train")}


def equal_weights(first: FoldFolder, second: FoldFolder) -> bool:
    """Return whether two folds have the same files of weights, bit for bit."""
    ours, theirs = first.weight_files(), second.weight_files()
    assert ours
    if [path.name for path in ours] != [path.name for path in theirs]:
        return False
    pairs = [(load_tensors(one), load_tensors(other)) for one, other in zip(ours, theirs, strict=True)]
    return all(
        metadata == other_metadata and all(torch.equal(tensors[name], others[name]) for name in tensors)
        for (tensors, metadata), (others, other_metadata) in pairs
    )
