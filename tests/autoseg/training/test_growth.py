"""Trainings whose patches grow: batches, checkpoints, time, compiling."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autoseg.training.budget import Budget
from autoseg.training.pace import StepCosts, share_costs
from autoseg.training.policy import BudgetPolicy
from autoseg.training.position import Position
from autoseg.training.step import Stepper
from autoseg.workspace.fold import FoldFolder
from planners.choices import Choice
from planners.sizing.growth import size_at
from tests.autoseg.training.builders import (
    MEASURING,
    REPORTING,
    SAVING,
    KilledError,
    Listening,
    Ticking,
    equal_weights,
    kill_at,
    lines,
    make_trainer,
    setup,
    train,
)

PROGRESSIVE, FILLED = Choice(name="progressive"), Choice(name="progressive", options={"batch": "filled"})
SIZES = [(8, 4, 4), (8, 8, 4), (8, 8, 8)]
# Of three sizes, the planned one costing as much as all before a training that does not grow.
COSTS = StepCosts(shares=(0.25, 0.5, 1.0))


def watch_shapes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Return a list that the shape of the images of every step is put into."""
    seen: list[tuple[int, ...]] = []
    forward = Stepper._forward

    def watched(stepper: Stepper, network: object, batch: object) -> torch.Tensor:
        seen.append(tuple(batch.images.shape))  # type: ignore[attr-defined]
        return forward(stepper, network, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(Stepper, "_forward", watched)
    return seen


@pytest.mark.parametrize(("growth", "batches"), [(PROGRESSIVE, (2, 2, 2)), (FILLED, (8, 4, 2))])
def test_patches_and_batches_grow_in_equal_parts_of_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, growth: Choice, batches: tuple[int, ...]
) -> None:
    seen = watch_shapes(monkeypatch)
    files, position = train(tmp_path, growth=growth, iterations=9, policy=REPORTING)
    expected = [(batch, 1, *size) for batch, size in zip(batches, SIZES, strict=True)]
    assert seen[-9:] == [shape for shape in expected for _ in range(3)]
    assert position.iteration == 9
    patches = [line.get("patch") for line in lines(files, "train")]
    assert patches == [[8, 4, 4]] * 3 + [[8, 8, 4]] * 3 + [None] * 3


def test_slices_grow_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch_shapes(monkeypatch)
    train(tmp_path, slice_axis=1, growth=PROGRESSIVE, iterations=4, policy=REPORTING)
    assert seen[-4:] == [(2, 1, 8, 4)] * 2 + [(2, 1, 8, 8)] * 2


@pytest.mark.parametrize("killed_at", [3, *(pytest.param(step, marks=pytest.mark.slow) for step in (4, 6))])
def test_a_training_that_was_ended_around_a_step_of_growth_goes_on_as_if_it_had_not_been(
    tmp_path: Path, killed_at: int
) -> None:
    changes = {"growth": FILLED, "iterations": 9, "policy": SAVING}
    whole, _ = train(tmp_path / "whole", **changes)
    made = setup(**changes)
    with pytest.raises(KilledError):
        make_trainer(tmp_path / "killed", made, observers=[kill_at(killed_at)]).run()
    make_trainer(tmp_path / "killed", made).run()
    killed = FoldFolder(root=tmp_path / "killed")
    assert equal_weights(whole, killed)
    losses = [[(line["iteration"], line["loss"]) for line in lines(files, "train")] for files in (whole, killed)]
    assert losses[0] == losses[1]


def test_a_training_that_is_extended_has_grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(tmp_path, growth=PROGRESSIVE, iterations=3)
    seen = watch_shapes(monkeypatch)
    train(tmp_path, growth=PROGRESSIVE, iterations=6)
    assert seen[-3:] == [(2, 1, *SIZES[-1])] * 3


def test_one_that_winds_down_early_ends_with_the_planned_patch() -> None:
    position = Position(iteration=30, iterations=100)
    assert position.size(10) == 3
    assert position.cooled_down().size(10) == 9


def test_the_network_is_compiled_for_the_planned_patch_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def try_compiling(stepper: Stepper, iteration: int) -> None:
        tried.append(iteration)
        raise KilledError

    monkeypatch.setattr(Stepper, "try_compiling", try_compiling)
    policy = replace(REPORTING, compile_seconds_ahead=0.0)
    with pytest.raises(KilledError):
        train(tmp_path, growth=PROGRESSIVE, iterations=9, policy=policy, clock=Ticking())
    assert tried == [6]


def test_the_steps_of_all_sizes_are_expected_at_their_own_cost() -> None:
    position = Position(iterations=30)
    assert COSTS.sum_ahead(position) == pytest.approx(10 * 0.25 + 10 * 0.5 + 10)
    assert COSTS.sum_ahead(replace(position, iteration=15)) == pytest.approx(5 * 0.5 + 10)
    assert COSTS.sum_behind(replace(position, iteration=15), 10) == pytest.approx(5 * 0.25 + 5 * 0.5)
    assert COSTS.sum_ahead(Position(iteration=20, iterations=30, rewarm_from=20)) == 10


def test_costs_between_measured_sizes_lie_on_a_line() -> None:
    assert share_costs(1.0, 4.0, (10, 20, 40)).shares == pytest.approx((0.25, 0.5, 1.0))
    assert share_costs(5.0, 4.0, (10, 20, 40)).shares == pytest.approx((1.0, 1.0, 1.0)), "nothing is gained"
    assert share_costs(4.0, 4.0, (40,)).shares == (1.0,)


@pytest.mark.parametrize("iteration", [0, 7, 100])
@pytest.mark.parametrize("cost", [0.1, 1.0, 33.3, 1000.0])
def test_as_many_steps_fit_as_cost_no_more(iteration: int, cost: float) -> None:
    position = Position(iteration=iteration)
    steps = COSTS.fit(position, cost)
    assert COSTS.sum_ahead(replace(position, iterations=iteration + steps)) <= cost
    assert COSTS.sum_ahead(replace(position, iterations=iteration + steps + 1)) > cost


def budget_of(minutes: float, step_seconds: float) -> Budget:
    budget = Budget(minutes, BudgetPolicy())
    budget.begin(Position(), step_seconds, COSTS)
    return budget


def test_minutes_hold_more_steps_where_the_first_are_small() -> None:
    # A second on average is 0.583 of a planned step.
    steps = budget_of(10.0, 1.0).fit(Position())
    assert steps == pytest.approx(600 / (1.75 / 3), abs=3)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_steps_that_take_as_long_as_their_size_was_said_to_change_nothing(share: float) -> None:
    budget = budget_of(10.0, 1.0)
    steps = budget.fit(Position())
    position = Position(iteration=round(share * steps), iterations=steps)
    seconds = COSTS.sum_behind(position, position.iteration)
    budget.add(position.iteration, seconds, position)
    position = replace(position, seconds=seconds)
    assert budget.fit(position) == steps
    # Everything takes half as long again.
    budget = budget_of(10.0, 1.0)
    budget.add(position.iteration, 1.5 * seconds, position)
    fewer = budget.fit(replace(position, seconds=1.5 * seconds))
    assert fewer < steps
    spent = 1.5 * (seconds + COSTS.sum_ahead(replace(position, iterations=fewer)))
    assert spent == pytest.approx(600, rel=0.01)


class ByVoxels(Ticking):
    """A clock by which a step takes time by the voxels that it looks at, and what is drawn takes none."""

    def __init__(self) -> None:
        super().__init__(0.0)

    def pass_over(self, images: torch.Tensor) -> None:
        self.now += images.numel() / 1000


def test_a_training_of_minutes_ends_on_time_although_its_steps_become_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, forward = ByVoxels(), Stepper._forward

    def slow(stepper: Stepper, network: object, batch: object) -> torch.Tensor:
        clock.pass_over(batch.images)  # type: ignore[attr-defined]
        return forward(stepper, network, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(Stepper, "_forward", slow)
    progress = Listening()
    made = setup(growth=PROGRESSIVE, max_minutes=1.0, validation_rounds=0, policy=MEASURING, clock=clock)
    position = make_trainer(tmp_path, made, progress=progress).run()
    # 256, 512 and 1024 voxels, and what was measured before the first step.
    assert position.seconds == pytest.approx(60, rel=0.05)
    assert position.iteration == pytest.approx(60 / (1.792 / 3), rel=0.1)
    assert position.iterations == position.iteration
    assert [size_at(number, 99, 3) for number in (32, 33, 65, 66)] == [0, 1, 1, 2]
    # Of the minute, 3.84 s have been measured.
    assert progress.expected[0].startswith("Expected here: about 56 s: 56 s for as many steps as fit")


def test_steps_are_measured_for_as_long_as_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch_shapes(monkeypatch)
    made = setup(growth=PROGRESSIVE, iterations=9)
    stepper = Stepper(replace(made, clock=Ticking()), FoldFolder(root=tmp_path))
    brief = stepper.measure_pace(0)
    assert seen == [(2, 1, *SIZES[-1])] * 3 + [(2, 1, *SIZES[0])] * 3
    seen.clear()
    lasting = stepper.measure_pace(0, least_seconds=60.0)
    assert seen.count((2, 1, *SIZES[-1])) > 10 < seen.count((2, 1, *SIZES[0]))
    assert lasting.step_seconds == pytest.approx(brief.step_seconds, rel=0.5)
