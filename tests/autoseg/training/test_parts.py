from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from autoseg.training import OPTIMIZERS, SCHEDULES
from autoseg.training.averaging import WeightAverage
from autoseg.training.checkpoint import Parts, load_checkpoint, save_checkpoint
from autoseg.training.curve import Curve
from autoseg.training.position import Position
from dataset_fingerprints.errors import PlanError, WorkspaceError
from planners.choices import Choice, resolve


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_lowers_a_simple_loss(name):
    parameter = nn.Parameter(torch.tensor([3.0]))
    optimizer = OPTIMIZERS[name]().build([parameter])
    for _ in range(20):
        optimizer.zero_grad()
        (parameter**2).backward()
        optimizer.step()
    assert parameter.item() < 3


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_ends_far_below_its_peak_and_never_below_zero(name):
    factors = [SCHEDULES[name]().factor(step / 100) for step in range(101)]
    assert max(factors) == pytest.approx(1, abs=1e-2)
    assert 0 <= factors[-1] <= 0.02
    assert min(factors) >= 0


@pytest.mark.parametrize("name", ["cosine", "poly"])
def test_a_schedule_without_restarts_only_falls_after_its_peak(name):
    factors = [SCHEDULES[name]().factor(step / 100) for step in range(101)]
    peak = factors.index(max(factors))
    assert all(first >= second for first, second in zip(factors[peak:], factors[peak + 1 :], strict=False))


def test_restarts_come_back_to_the_full_rate_ever_later():
    factors = [SCHEDULES["cosine_restarts"]().factor(step / 1500) for step in range(1501)]
    jumps = [step for step in range(1, 1501) if factors[step] > factors[step - 1]]
    # Cycles of 1, 2, 4 and 8 parts of 15.
    assert jumps == [100, 300, 700]
    assert all(factors[step] == pytest.approx(1.0) for step in jumps)


def test_an_unknown_part_or_option_says_what_was_meant():
    with pytest.raises(PlanError, match="Did you mean 'adamw'"):
        resolve(Choice(name="adamww"), OPTIMIZERS, "optimizer")
    with pytest.raises(PlanError, match=r"no option 'weight_deca'\. Did you mean 'weight_decay'"):
        resolve(Choice(name="sgd", options={"weight_deca": 1.0}), OPTIMIZERS, "optimizer")


def test_the_average_follows_quickly_at_first_and_slowly_later():
    network = nn.Linear(1, 1)
    average = WeightAverage(network, decay=0.9)
    nn.init.constant_(network.weight, 1.0)
    nn.init.constant_(average.network.weight, 0.0)
    average.update(network, 0)
    # min(0.9, 1/10) of the old weight is kept.
    assert average.network.weight.item() == pytest.approx(0.9)
    nn.init.constant_(average.network.weight, 0.0)
    average.update(network, 10_000)
    assert average.network.weight.item() == pytest.approx(0.1)


def test_batch_norm_statistics_are_copied_into_the_average():
    network = nn.BatchNorm1d(2)
    average = WeightAverage(network, decay=0.9)
    network(torch.randn(8, 2) + 5)
    average.update(network, 0)
    assert torch.equal(average.network.running_mean, network.running_mean)


def parts(optimizer="adamw"):
    network = nn.Linear(3, 2)
    return Parts(
        network=network,
        average=WeightAverage(network, 0.9),
        optimizer=OPTIMIZERS[optimizer]().build(network.parameters()),
    )


def step(some: Parts) -> None:
    some.optimizer.zero_grad()
    some.network(torch.ones(1, 3)).sum().backward()
    some.optimizer.step()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_checkpoint_puts_everything_back(tmp_path, optimizer):
    first, second = parts(optimizer), parts(optimizer)
    for _ in range(3):
        step(first)
    first.average.update(first.network, 2)
    position = Position(iteration=3, iterations=10, seconds=1.5)
    save_checkpoint(tmp_path / "c.safetensors", first, position)
    assert load_checkpoint(tmp_path / "c.safetensors", second) == position
    for some in (first, second):
        step(some)
        some.average.update(some.network, 3)
    for before, after in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(before, after)
    for before, after in zip(first.average.network.parameters(), second.average.network.parameters(), strict=True):
        assert torch.equal(before, after)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    save_checkpoint(tmp_path / "c.safetensors", parts(), Position())
    other = nn.Linear(4, 4)
    wrong = Parts(network=other, average=WeightAverage(other, 0.9), optimizer=torch.optim.SGD(other.parameters()))
    with pytest.raises(WorkspaceError, match="does not fit this plan's network"):
        load_checkpoint(tmp_path / "c.safetensors", wrong)


def test_the_curve_forgets_what_came_after_the_checkpoint_and_half_written_lines(tmp_path):
    curve = Curve(path=tmp_path / "metrics.jsonl")
    for iteration in (1, 5, 9):
        curve.append({"iteration": iteration, "loss": float("nan") if iteration == 1 else 0.5})
    with curve.path.open("a") as stream:
        stream.write('{"iteration": 3, "lo')
    curve.rewind(5)
    assert [line["iteration"] for line in curve.read()] == [1, 5]
    assert json.loads(curve.path.read_text().splitlines()[0])["loss"] is None
