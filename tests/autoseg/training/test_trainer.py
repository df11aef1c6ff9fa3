from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import torch
from torch import nn

from autoseg.networks import build_network
from autoseg.progress import SilentProgress
from autoseg.sampling import make_resident_case
from autoseg.training import trainer as trainer_module
from autoseg.training.checkpoint import load_tensors
from autoseg.training.folder import FoldFolder
from autoseg.training.trainer import Setup, Trainer
from dataset_fingerprints.errors import AutosegError
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.heads import plain_heads
from tests.synthetic.scans import head


class CountingValidator:
    """Remembers what it was asked to validate."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def validate(self, network: nn.Module, cases: Sequence[str]) -> Mapping[str, float]:
        assert not network.training
        self.asked.append(tuple(cases))
        return {"dark": 0.5, "bright": 0.7}


def setup(slice_axis=-1, max_minutes=None, **training):
    cases = []
    for index in range(4):
        image, labels = head(index)
        cases.append(make_resident_case(f"c{index}", (image / 100)[None], labels, plain_heads(3), torch.device("cpu")))
    return Setup(
        configuration=tiny_configuration(slice_axis, **training),
        channels=1,
        heads=plain_heads(3),
        cases=cases,
        validation_cases=("v0", "v1", "v2"),
        seed=(0, 0),
        max_minutes=max_minutes,
        device=torch.device("cpu"),
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
    losses = [line["loss"] for line in files.curve.read() if line["kind"] == "train"]
    untrained, _ = train(tmp_path / "g", slice_axis=slice_axis, iterations=1)
    assert losses[-1] < untrained.curve.read()[0]["loss"]


def test_validation_rounds_take_turns_over_the_cases(tmp_path):
    validator = CountingValidator()
    files, _ = train(tmp_path / "f", validator, iterations=12)
    # Three rounds, the last left to the validation of the whole fold.
    assert validator.asked == [("v0", "v1"), ("v0", "v2")]
    lines = [line for line in files.curve.read() if line["kind"] == "validation"]
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
    iterations = [line["iteration"] for line in files.curve.read()]
    assert iterations == sorted(iterations)


def test_a_time_budget_becomes_a_number_of_iterations(tmp_path, monkeypatch):
    monkeypatch.setattr("autoseg.training.budget.MEASURED_SECONDS", 0.05)
    monkeypatch.setattr(trainer_module, "REPORT_SECONDS", 0.05)
    files, position = train(tmp_path / "f", max_minutes=1.5 / 60)
    assert position.iteration == position.iterations > 3
    planned = [line["iterations"] for line in files.curve.read() if line["kind"] == "train"]
    assert planned[0] is None
    assert planned[-1] == position.iterations
    assert position.seconds > 0


def test_a_loss_that_is_no_number_stops_with_advice(tmp_path):
    made = setup(iterations=5)
    broken = made.cases[0].image.clone().fill_(float("nan"))
    for case in made.cases:
        case.image.copy_(broken[:, : case.image.shape[1], : case.image.shape[2], : case.image.shape[3]])
    files = FoldFolder(root=tmp_path)
    with pytest.raises(AutosegError, match=r"not a number any more.*smaller rate"):
        Trainer(made, files, CountingValidator(), SilentProgress()).run()


def test_the_first_weights_follow_from_the_seed():
    networks = [Trainer(setup(), FoldFolder(root=None), CountingValidator(), SilentProgress()) for _ in range(2)]
    first, second = (np.concatenate([p.detach().ravel() for p in t._parts.network.parameters()]) for t in networks)
    assert np.array_equal(first, second)
