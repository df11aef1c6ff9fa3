from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn

from autoseg.networks import build_network
from autoseg.progress import SilentProgress
from autoseg.sampling import make_resident_case
from autoseg.training import trainer as trainer_module
from autoseg.training.checkpoint import load_tensors
from autoseg.training.curve import Curve
from autoseg.training.setting import Setup
from autoseg.training.trainer import Trainer
from autoseg.training.watch import LabelOutcome, Outcomes
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import AutosegError, StoppedError
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.heads import plain_heads
from tests.synthetic.scans import head


class Listening(SilentProgress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def say(self, message: str) -> None:
        self.told.append(message)


class CountingValidator:
    """Remembers what it was asked to validate, and finds what it is told to find."""

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


def setup(slice_axis=-1, max_minutes=None, patience=0, device="cpu", **training):
    place, cases = torch.device(device), []
    for index in range(4):
        image, labels = head(index)
        cases.append(make_resident_case(f"c{index}", (image / 100)[None], labels, plain_heads(3), place))
    return Setup(
        configuration=tiny_configuration(slice_axis, **training),
        channels=1,
        heads=plain_heads(3),
        cases=cases,
        validation_cases=("v0", "v1", "v2"),
        seed=(0, 0),
        max_minutes=max_minutes,
        patience=patience,
        device=place,
        autocast=torch.float32,
    )


def train(folder, validator=None, **changes):
    folder.mkdir(exist_ok=True)
    files = FoldFolder(root=folder)
    position = Trainer(setup(**changes), files, validator or CountingValidator(), SilentProgress()).run()
    return files, position


@pytest.mark.parametrize("slice_axis", [-1, 2])
def test_training_lowers_the_loss_and_leaves_weights_that_load(tmp_path, slice_axis):
    files, position = train(tmp_path / "f", slice_axis=slice_axis, iterations=60)
    assert position.iteration == 60
    tensors, metadata = load_tensors(files.weights)
    assert metadata["iteration"] == "60"
    network = build_network(tiny_configuration(slice_axis), 1, 3, deep_supervision=False)
    network.load_state_dict(tensors)
    losses = [line["loss"] for line in Curve(path=files.curve).read() if line["kind"] == "train"]
    untrained, _ = train(tmp_path / "g", slice_axis=slice_axis, iterations=1)
    assert losses[-1] < Curve(path=untrained.curve).read()[0]["loss"]


def test_validation_rounds_take_turns_over_the_cases(tmp_path):
    validator = CountingValidator()
    files, _ = train(tmp_path / "f", validator, iterations=12)
    # Three rounds, the last left to the validation of the whole fold.
    assert validator.asked == [("v0", "v1"), ("v0", "v2")]
    lines = [line for line in Curve(path=files.curve).read() if line["kind"] == "validation"]
    assert [line["iteration"] for line in lines] == [4, 8]
    assert lines[0]["dice"] == pytest.approx(0.6)


def test_a_training_stopped_at_a_checkpoint_ends_with_the_same_weights(tmp_path, monkeypatch):
    whole, _ = train(tmp_path / "whole", iterations=10)
    monkeypatch.setattr(trainer_module, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(trainer_module, "CHECKPOINT_SHARE", 1e9)

    class KilledError(Exception):
        pass

    files = FoldFolder(root=tmp_path / "killed")
    files.root.mkdir()
    stopped = Trainer(setup(iterations=10), files, CountingValidator(), SilentProgress())
    original, calls = stopped._step, []

    def step():
        if len(calls) == 6:
            raise KilledError
        calls.append(1)
        original()

    monkeypatch.setattr(stopped, "_step", step)
    with pytest.raises(KilledError):
        stopped.run()
    assert files.checkpoint.is_file()
    resumed = Trainer(setup(iterations=10), files, CountingValidator(), SilentProgress())
    assert resumed.run().iteration == 10
    first, second = load_tensors(whole.weights)[0], load_tensors(files.weights)[0]
    assert all(torch.equal(first[name], second[name]) for name in first)
    iterations = [line["iteration"] for line in Curve(path=files.curve).read()]
    assert iterations == sorted(iterations)


def test_a_time_budget_becomes_a_number_of_iterations(tmp_path, monkeypatch):
    monkeypatch.setattr("autoseg.training.budget.MEASURED_SECONDS", 0.05)
    monkeypatch.setattr(trainer_module, "REPORT_SECONDS", 0.05)
    files, position = train(tmp_path / "f", max_minutes=1.5 / 60)
    assert position.iteration == position.iterations > 3
    planned = [line["iterations"] for line in Curve(path=files.curve).read() if line["kind"] == "train"]
    assert planned[0] is None
    assert planned[-1] == position.iterations
    assert position.seconds > 0


def test_a_time_for_few_steps_is_told_when_it_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr("autoseg.training.budget.MEASURED_SECONDS", 0.05)
    monkeypatch.setattr(trainer_module, "REPORT_SECONDS", 0.05)
    # A time budget leaves at least a second once it is measured, in which a quick machine does hundreds of tiny steps.
    monkeypatch.setattr(trainer_module, "FEW_STEPS", 1_000_000)
    listening = Listening()
    files = FoldFolder(root=tmp_path)
    position = Trainer(setup(max_minutes=0.2 / 60), files, CountingValidator(), listening).run()
    assert position.iterations < trainer_module.FEW_STEPS
    (message,) = listening.told
    assert message.startswith("Only ")
    assert "steps fit into the time" in message


def test_a_loss_that_is_no_number_again_and_again_stops_with_advice(tmp_path):
    made = setup(iterations=5)
    for case in made.cases:
        case.voxels.image.fill_(float("nan"))
    files = FoldFolder(root=tmp_path)
    with pytest.raises(AutosegError, match=r"not a number any more.*going back 3 times.*smaller rate"):
        Trainer(made, files, CountingValidator(), SilentProgress()).run()


def test_a_loss_that_is_no_number_once_goes_back_with_a_smaller_rate(tmp_path, monkeypatch):
    files = FoldFolder(root=tmp_path)
    trainer = Trainer(setup(iterations=10), files, CountingValidator(), SilentProgress())
    original, spoilt = trainer._stepper.run, []

    def run(iteration, rate):
        loss = original(iteration, rate)
        if iteration == 6 and not spoilt:
            spoilt.append(rate)
            with torch.no_grad():
                next(trainer._stepper.parts.network.parameters()).fill_(float("nan"))
            return loss * float("nan")
        return loss

    monkeypatch.setattr(trainer._stepper, "run", run)
    monkeypatch.setattr(trainer_module, "REPORT_SECONDS", 0.0)
    position = trainer.run()
    assert (position.iteration, position.rollbacks, position.rate_factor) == (10, 1, 0.5)
    lines = Curve(path=files.curve).read()
    (back,) = (line for line in lines if line["kind"] == "rollback")
    assert (back["failed_at"], back["rate_factor"]) == (7, 0.5)
    rates = {line["iteration"]: line["learning_rate"] for line in lines if line["kind"] == "train"}
    assert rates[7] == pytest.approx(spoilt[0] / 2)
    assert all(tensor.isfinite().all() for tensor in load_tensors(files.weights)[0].values())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_the_training_and_the_rest_is_as_without_it(tmp_path, monkeypatch, number, code):
    whole, _ = train(tmp_path / "whole", iterations=10)
    files = FoldFolder(root=tmp_path / "signalled")
    files.root.mkdir()
    trainer = Trainer(setup(iterations=10), files, CountingValidator(), SilentProgress())
    original = trainer._stepper.run

    def run(iteration, rate):
        if iteration == 5:
            os.kill(os.getpid(), number)
        return original(iteration, rate)

    monkeypatch.setattr(trainer._stepper, "run", run)
    with pytest.raises(StoppedError, match="at iteration 6, which is saved") as stopped:
        trainer.run()
    assert stopped.value.exit_code == code
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    resumed = Trainer(setup(iterations=10), files, CountingValidator(), SilentProgress())
    assert resumed.run().iteration == 10
    first, second = load_tensors(whole.weights)[0], load_tensors(files.weights)[0]
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_signal_during_validation_does_not_wait_for_its_end(tmp_path):
    class Slow(CountingValidator):
        def validate(self, network, cases):
            os.kill(os.getpid(), signal.SIGTERM)
            raise AssertionError("the signal should have ended this")

    with pytest.raises(StoppedError, match="stopped by SIGTERM at iteration 4"):
        train(tmp_path / "f", Slow(), iterations=12)


def test_a_stop_file_ends_the_training_with_the_schedule_wound_down(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer_module, "REPORT_SECONDS", 0.0)
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "stop").touch()
    files, position = train(tmp_path / "f", iterations=200)
    assert position.iteration == position.iterations == 2
    assert not (tmp_path / "f" / "stop").exists()
    (line,) = (line for line in Curve(path=files.curve).read() if line["kind"] == "cool-down")
    assert line["why"] == "a stop file"


def test_patience_ends_a_training_that_gets_no_better(tmp_path):
    validator = CountingValidator()
    files, position = train(tmp_path / "f", validator, patience=3, iterations=100, validation_rounds=20)
    # Every case has been seen after round 2; the best of then is never beaten, and round 5 is the third after it.
    assert len(validator.asked) == 5
    assert position.iteration == position.iterations == 27
    last = [line for line in Curve(path=files.curve).read() if line["kind"] == "train"][-1]
    assert last["learning_rate"] < 1e-3 * 0.1


def test_a_label_that_is_never_predicted_or_lost_is_told(tmp_path):
    listening = Listening()
    files = FoldFolder(root=tmp_path)
    validator = CountingValidator(bright_voxels=(0, 0, 5, 0, 0, 0))
    Trainer(setup(iterations=60, validation_rounds=10), files, validator, listening).run()
    assert [line["lost"] for line in Curve(path=files.curve).read() if line["kind"] == "warning"] == [False, True]
    assert "No voxel of bright has been predicted so far in 2 rounds" in listening.told[0]
    assert "No voxel of bright is predicted any more in 2 rounds" in listening.told[1]


def test_a_finished_training_goes_on_with_more_steps_and_a_warm_up(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer_module, "REPORT_SECONDS", 0.0)
    files, _ = train(tmp_path / "f", iterations=50)
    longer = Trainer(setup(iterations=250), files, CountingValidator(), SilentProgress())
    assert longer._stepper.learning_rate(0.2) > 0.5e-3
    position = longer.run()
    assert (position.iteration, position.rewarm_from) == (250, 50)
    (line,) = (line for line in Curve(path=files.curve).read() if line["kind"] == "extended")
    assert (line["iteration"], line["iterations"]) == (50, 250)
    # Four steps (2 % of 200) lead back to the schedule.
    rates = {
        line["iteration"]: line["learning_rate"] for line in Curve(path=files.curve).read() if line["kind"] == "train"
    }
    assert rates[51] == pytest.approx(rates[54] / 4, rel=0.02)


def test_the_curve_tells_where_the_time_goes(tmp_path):
    files, _ = train(tmp_path / "f", iterations=10)
    line = [line for line in Curve(path=files.curve).read() if line["kind"] == "train"][-1]
    phases = [line[f"seconds/{phase}"] for phase in ("data", "forward", "backward", "update")]
    assert all(seconds > 0 for seconds in phases)
    assert sum(phases) <= line["seconds_per_iteration"] * 1.05
    assert line["memory_gb"] >= line["memory_now_gb"] > 0.05


def test_the_first_weights_follow_from_the_seed(tmp_path):
    networks = [Trainer(setup(), FoldFolder(root=tmp_path), CountingValidator(), SilentProgress()) for _ in range(2)]
    first, second = (
        np.concatenate([p.detach().ravel() for p in t._stepper.parts.network.parameters()]) for t in networks
    )
    assert np.array_equal(first, second)
