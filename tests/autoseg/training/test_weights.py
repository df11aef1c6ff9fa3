"""Contract of every entry of the table of weights, and the behaviour of each."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from autoseg.models.tensors import load_tensors
from autoseg.networks import build_network
from autoseg.training.position import Position
from autoseg.training.weights import AverageKeeper, LastKeeper, SnapshotKeeper, build_keeper
from autoseg.workspace.fold import FoldFolder
from planners.choices import Choice
from planners.parts import WEIGHTS
from tests.autoseg.training.builders import (
    MEASURING,
    REPORTING,
    SAVING,
    CountingValidator,
    KilledError,
    Listening,
    Scripted,
    Ticking,
    WeightReader,
    equal_weights,
    kill_at,
    lines,
    lose_the_loss,
    make_trainer,
    setup,
    train,
)
from tests.synthetic.configurations import tiny_configuration

every_entry = pytest.mark.parametrize("name", WEIGHTS)


def weights(name, **options):
    return {"weights": Choice(name=name, options=options)}


def at(iteration, iterations=0, rewarm_from=0):
    return Position(iteration=iteration, iterations=iterations, rewarm_from=rewarm_from)


def iterations_kept(files):
    return [int(load_tensors(path)[1]["iteration"]) for path in files.weight_files()]


@every_entry
def test_what_is_kept_loads_into_the_network_that_predicts(tmp_path, name):
    files, _ = train(tmp_path, iterations=9, **weights(name))
    assert files.weight_files()
    for path in files.weight_files():
        build_network(tiny_configuration(), 1, 3).load_state_dict(load_tensors(path)[0])


@every_entry
@pytest.mark.parametrize("iteration", [5, *(pytest.param(step, marks=pytest.mark.slow) for step in (3, 8))])
def test_a_training_that_was_killed_keeps_what_it_would_have_kept(tmp_path, name, iteration):
    changes = {"iterations": 12, "validation_rounds": 6, "schedule": Choice(name="cosine_restarts"), **weights(name)}
    whole, _ = train(tmp_path / "whole", WeightReader(), **changes)
    made = setup(**changes, policy=SAVING)
    with pytest.raises(KilledError):
        make_trainer(tmp_path / "killed", made, WeightReader(), observers=[kill_at(iteration)]).run()
    files, _ = train(tmp_path / "killed", WeightReader(), **changes)
    assert equal_weights(whole, files)


@every_entry
def test_validation_looks_at_a_network_in_evaluation_mode_and_training_goes_on_in_its_own(tmp_path, name):
    network = build_network(tiny_configuration(), 1, 3)
    keeper = build_keeper(Choice(name=name), network, FoldFolder(root=tmp_path))
    keeper.update(at(1))
    with keeper.evaluate() as lent:
        assert not any(module.training for module in lent.modules())
        assert [tuple(value.shape) for value in lent(torch.zeros(1, 1, 8, 8, 8))] == [(1, 3, 8, 8, 8)]
    assert all(module.training for module in network.modules())
    assert all(parameter.requires_grad for parameter in network.parameters())


@every_entry
def test_a_network_is_put_back_also_where_validation_is_broken_off(tmp_path, name):
    network = nn.Linear(2, 2)
    keeper = build_keeper(Choice(name=name), network, FoldFolder(root=tmp_path))
    with pytest.raises(KeyboardInterrupt), keeper.evaluate():
        raise KeyboardInterrupt
    assert network.training


@every_entry
def test_as_many_copies_are_held_as_planned(tmp_path, name):
    network = build_network(tiny_configuration(), 1, 3)
    keeper = build_keeper(Choice(name=name), network, FoldFolder(root=tmp_path))
    held = sum(tensor.numel() for tensor in keeper.state().values() if tensor.ndim)
    assert held == WEIGHTS[name]().copies() * sum(parameter.numel() for parameter in network.parameters())


@every_entry
def test_the_losses_do_not_depend_on_what_is_kept(tmp_path, name):
    plain, _ = train(tmp_path / "plain", iterations=9, policy=REPORTING)
    files, _ = train(tmp_path / "f", iterations=9, policy=REPORTING, **weights(name))
    assert [line["loss"] for line in lines(files, "train")] == [line["loss"] for line in lines(plain, "train")]


def test_the_average_follows_quickly_at_first_and_slowly_later(tmp_path):
    network = nn.Linear(1, 1)
    keeper = AverageKeeper(network, FoldFolder(root=tmp_path), decay=0.9)
    nn.init.constant_(network.weight, 1.0)
    nn.init.constant_(keeper.average.weight, 0.0)
    keeper.update(at(1))
    # min(0.9, 1/10) of the old weight is kept.
    assert keeper.average.weight.item() == pytest.approx(0.9)
    nn.init.constant_(keeper.average.weight, 0.0)
    keeper.update(at(10_001))
    assert keeper.average.weight.item() == pytest.approx(0.1)


def test_batch_norm_statistics_are_copied_into_the_average(tmp_path):
    network = nn.BatchNorm1d(2)
    keeper = AverageKeeper(network, FoldFolder(root=tmp_path), decay=0.9)
    network(torch.randn(8, 2) + 5)
    keeper.update(at(1))
    assert torch.equal(keeper.average.running_mean, network.running_mean)


def test_the_last_weights_are_those_of_an_average_that_forgets_at_once(tmp_path):
    last, _ = train(tmp_path / "last", WeightReader(), iterations=12, **weights("last"))
    forgetting, _ = train(tmp_path / "average", WeightReader(), iterations=12, **weights("averaged", decay=0.0))
    assert equal_weights(last, forgetting)
    assert lines(last, "validation") == lines(forgetting, "validation")
    assert len(lines(last, "validation")) == 2


def test_the_last_weights_need_no_second_network(tmp_path):
    network = nn.Linear(2, 2)
    with LastKeeper(network, FoldFolder(root=tmp_path)).evaluate() as lent:
        assert lent is network


def test_the_best_weights_are_those_of_the_best_round_that_has_seen_all_cases(tmp_path):
    # Two of three cases a round: the first one, good as it is, has not seen them all. Means: 0.6, 0.57, 0.63, 0.53.
    validator, listening = Scripted(0.9, 0.3, 0.7, 0.3, 0.4), Listening()
    changes = {"iterations": 12, "validation_rounds": 6}
    make_trainer(tmp_path / "best", setup(**changes, **weights("best")), validator, listening).run()
    best = FoldFolder(root=tmp_path / "best")
    means = [line["mean_of_latest"] for line in lines(best, "validation")]
    assert means[1:] == sorted(means[1:3]) + sorted(means[3:], reverse=True)
    (kept,) = iterations_kept(best)
    assert kept == lines(best, "validation")[1 + means[1:].index(max(means[1:]))]["iteration"]
    assert listening.messages == [
        f"The weights of step {kept} are kept: best mean Dice in validation, {max(means[1:]):.3f}."
    ]
    with pytest.raises(KilledError):
        make_trainer(
            tmp_path / "ended", setup(**changes, policy=SAVING), CountingValidator(), observers=[kill_at(kept + 1)]
        ).run()
    average, _ = load_tensors(tmp_path / "ended" / "checkpoint.safetensors")
    found, _ = load_tensors(best.weights)
    assert all(torch.equal(found[name], average[f"keeper/{name}"]) for name in found)


def test_without_a_round_that_has_seen_all_cases_the_end_is_kept_and_that_is_reported(tmp_path):
    listening = Listening()
    made = setup(iterations=6, validation_rounds=2, **weights("best"))
    make_trainer(tmp_path / "best", made, progress=listening).run()
    files, _ = train(tmp_path / "averaged", iterations=6, validation_rounds=2, **weights("averaged"))
    assert lines(FoldFolder(root=tmp_path / "best"), "validation")
    assert equal_weights(FoldFolder(root=tmp_path / "best"), files)
    assert listening.messages == [
        "No round of validation had seen all cases by then: the weights of the end are kept, not the best."
    ]


@pytest.mark.parametrize(
    ("count", "iterations", "expected"),
    [(3, 9, [3, 6, 9]), (3, 10, [4, 7, 10]), (1, 5, [5]), (4, 2, [1, 2]), (2, 7, [4, 7])],
)
def test_snapshots_are_evenly_spaced_and_the_last_one_is_the_end(tmp_path, count, iterations, expected):
    files, _ = train(tmp_path, iterations=iterations, **weights("snapshots", count=count))
    assert [path.name for path in files.weight_files()] == [
        f"weights-{number}.safetensors" for number in range(1, len(expected) + 1)
    ]
    assert iterations_kept(files) == expected
    checkpoint, _ = load_tensors(files.checkpoint)
    found, _ = load_tensors(files.weight_files()[-1])
    assert all(torch.equal(found[name], checkpoint[f"network/{name}"]) for name in found)


def test_snapshots_lie_at_the_ends_of_equal_cycles(tmp_path):
    options = {"cycles": 3, "growth": 1.0, "final_factor": 0.01}
    schedule = Choice(name="cosine_restarts", options=options)
    files, _ = train(tmp_path, iterations=10, schedule=schedule, policy=REPORTING, **weights("snapshots", count=3))
    found = {line["iteration"]: line["learning_rate"] for line in lines(files, "train")}
    # The step behind a snapshot is the first one of the next cycle.
    assert all(found[iteration] < 0.5e-3 < found[iteration + 1] for iteration in iterations_kept(files)[:-1])


def snapshots_at(keeper, positions):
    """Return the iterations at which a keeper wrote, of those that it was shown."""
    kept = []
    for position in positions:
        before = keeper.state()["written"].item()
        keeper.update(position)
        if keeper.state()["written"].item() != before:
            kept.append(position.iteration)
    return kept


def test_snapshots_follow_a_number_of_steps_that_changes_on_the_way(tmp_path):
    keeper = SnapshotKeeper(nn.Linear(1, 1), FoldFolder(root=tmp_path), 3)
    shown = [at(done, 0 if done < 20 else 300 if done < 150 else 200) for done in range(1, 201)]
    # A hundred steps until the first; then 300 become 200, and the second is half-way to them.
    assert snapshots_at(keeper, shown) == [100, 150, 200]
    keeper = SnapshotKeeper(nn.Linear(1, 1), FoldFolder(root=tmp_path), 3)
    shown = [at(done, 60 if done < 30 else 180) for done in range(1, 181)]
    assert snapshots_at(keeper, shown) == [20, 100, 180]


def test_a_time_budget_ends_with_all_snapshots(tmp_path):
    files, position = train(tmp_path, max_minutes=15.0, policy=MEASURING, clock=Ticking(), **weights("snapshots"))
    kept = iterations_kept(files)
    assert len(kept) == 3
    assert kept[-1] == position.iterations
    # The number of steps is known from step 15 on, and changes little.
    assert kept[0] == pytest.approx(position.iterations / 3, abs=position.iterations / 10)


def test_a_training_that_is_extended_replaces_its_snapshots_over_the_added_steps(tmp_path):
    files, _ = train(tmp_path, iterations=6, **weights("snapshots"))
    assert iterations_kept(files) == [2, 4, 6]
    files, _ = train(tmp_path, iterations=12, **weights("snapshots"))
    assert iterations_kept(files) == [8, 10, 12]


def test_an_extended_training_that_goes_back_to_its_beginning_replaces_them_as_well(tmp_path):
    train(tmp_path, iterations=6, **weights("snapshots"))
    made = setup(iterations=12, policy=REPORTING, **weights("snapshots"))
    make_trainer(tmp_path, made, observers=lose_the_loss(made, 8)).run()
    assert lines(FoldFolder(root=tmp_path), "rollback")[0]["iteration"] == 6
    assert iterations_kept(FoldFolder(root=tmp_path)) == [8, 10, 12]


def test_a_short_extension_leaves_no_snapshot_of_before(tmp_path):
    train(tmp_path, iterations=6, **weights("snapshots"))
    files, _ = train(tmp_path, iterations=8, **weights("snapshots"))
    assert iterations_kept(files) == [7, 8]


def test_a_killed_extension_goes_on_with_its_snapshots(tmp_path):
    train(tmp_path, iterations=6, **weights("snapshots"))
    made = setup(iterations=12, policy=SAVING, **weights("snapshots"))
    with pytest.raises(KilledError):
        make_trainer(tmp_path, made, observers=[kill_at(9)]).run()
    assert iterations_kept(FoldFolder(root=tmp_path)) == [8, 4, 6]
    files, _ = train(tmp_path, iterations=12, **weights("snapshots"))
    assert iterations_kept(files) == [8, 10, 12]


def test_a_training_that_is_given_again_writes_its_last_snapshot_again_and_names_the_others_that_were_deleted(tmp_path):
    files, _ = train(tmp_path, iterations=6, **weights("snapshots"))
    for number in (1, 3):
        files.snapshot(number).unlink()
    listening = Listening()
    make_trainer(tmp_path, setup(iterations=6, **weights("snapshots")), progress=listening).run()
    assert iterations_kept(files) == [4, 6]
    assert "2 of 3 snapshots are kept: weights-1.safetensors was deleted." in listening.messages


def test_weights_that_are_not_finite_are_not_a_snapshot(tmp_path):
    made = setup(iterations=9, policy=REPORTING, **weights("snapshots"))
    make_trainer(tmp_path, made, observers=lose_the_loss(made, 5)).run()
    files = FoldFolder(root=tmp_path)
    assert len(lines(files, "rollback")) == 1
    assert iterations_kept(files) == [3, 6, 9]
    assert all(tensor.isfinite().all() for path in files.weight_files() for tensor in load_tensors(path)[0].values())
