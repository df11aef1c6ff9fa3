from __future__ import annotations

import os
import re
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

from autoseg.models.tensors import load_tensors
from autoseg.networks import build_network
from autoseg.training.curve import Curve
from autoseg.training.interruption import SignalledError
from autoseg.training.policy import Policy
from autoseg.training.step import Stepper
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import AutosegError, StoppedError, WorkspaceError
from planners.choices import choose
from tests.autoseg.training.builders import (
    MEASURING,
    REPORTING,
    SAVING,
    Alarm,
    CountingValidator,
    KilledError,
    Listening,
    Ticking,
    equal_weights,
    kill_at,
    lines,
    lose_the_loss,
    make_trainer,
    rates,
    setup,
    train,
)
from tests.synthetic.configurations import tiny_configuration, tiny_network


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Ten steps that nothing interrupted."""
    return train(tmp_path_factory.mktemp("whole"), iterations=10)[0]


@pytest.mark.parametrize("slice_axis", [-1, 2])
def test_training_lowers_the_loss_and_leaves_weights_that_load(tmp_path, slice_axis):
    files, position = train(tmp_path / "f", slice_axis=slice_axis, iterations=60)
    assert position.iteration == 60
    tensors, metadata = load_tensors(files.weights)
    assert metadata["iteration"] == "60"
    network = build_network(tiny_configuration(slice_axis), 1, 3)
    network.load_state_dict(tensors)
    losses = [line["loss"] for line in lines(files, "train")]
    untrained, _ = train(tmp_path / "g", slice_axis=slice_axis, iterations=1)
    assert losses[-1] < lines(untrained, "train")[0]["loss"]


def test_validation_rounds_take_turns_over_the_cases(tmp_path):
    validator = CountingValidator()
    files, _ = train(tmp_path / "f", validator, iterations=12)
    # Three rounds, the last left to the validation of the whole fold.
    assert validator.asked == [("v0", "v1"), ("v0", "v2")]
    found = lines(files, "validation")
    assert [line["iteration"] for line in found] == [4, 8]
    assert found[0]["dice"] == pytest.approx(0.6)


@pytest.mark.parametrize("none", [{"validation_cases": ()}, {"validation_rounds": 0}], ids=["cases", "rounds"])
def test_nothing_is_validated_where_there_are_no_cases_or_no_rounds(tmp_path, none):
    validator = CountingValidator()
    files, position = train(tmp_path / "f", validator, iterations=6, **none)
    assert position.iteration == 6
    assert not validator.asked
    assert not lines(files, "validation")


def test_a_training_stopped_at_a_checkpoint_ends_with_the_same_weights(tmp_path, whole):
    with pytest.raises(KilledError):
        make_trainer(tmp_path / "killed", setup(iterations=10, policy=SAVING), observers=[kill_at(6)]).run()
    killed = FoldFolder(root=tmp_path / "killed")
    assert killed.checkpoint.is_file()
    assert not killed.weights.is_file()
    files, position = train(tmp_path / "killed", iterations=10)
    assert position.iteration == 10
    assert equal_weights(whole, files)
    iterations = [line["iteration"] for line in Curve(path=files.curve).read()]
    assert iterations == sorted(iterations)


def test_a_time_budget_becomes_a_number_of_iterations(tmp_path):
    files, position = train(tmp_path / "f", max_minutes=10.0, policy=MEASURING, clock=Ticking())
    assert position.iteration == position.iterations > 3
    assert position.minutes == 10.0
    planned = [line["iterations"] for line in lines(files, "train")]
    # Known from the first step on, so that the learning rate is warmed up over a share of what there will be.
    assert planned[0] > 3
    assert planned[-1] == position.iterations
    # The number of steps is left as it is while it misses the minutes by less than a twentieth of them.
    assert position.seconds == pytest.approx(600, rel=0.1)


def test_a_plan_whose_planner_does_not_shorten_is_given_more_time_or_a_scale(tmp_path):
    listening = Listening()
    made = setup(max_minutes=2.0, shortens=False, policy=MEASURING, clock=Ticking())
    make_trainer(tmp_path, made, progress=listening).run()
    (message,) = listening.messages
    assert re.search(r"Give about \d+ times as many minutes, or make the plan smaller with a larger `--scale`", message)
    assert "plan_and_preprocess" not in message


@pytest.mark.parametrize(
    ("planned", "cure"),
    [
        (None, r"or plan for this time, .*plan_and_preprocess DATASET --plan-name short --max-minutes 2`"),
        (60.0, r"or plan for this time"),
        (2.0, r"`--max-minutes \d+`; the plan was made for short trainings"),
    ],
)
def test_a_time_for_few_steps_is_reported_when_it_is_known(tmp_path, planned, cure):
    listening = Listening()
    made = setup(max_minutes=2.0, planned_minutes=planned, policy=MEASURING, clock=Ticking())
    position = make_trainer(tmp_path, made, progress=listening).run()
    assert position.iterations < Policy().few_steps
    (message,), (expected,) = listening.messages, listening.expected
    assert message.startswith("Only ")
    assert "steps fit into the time" in message
    assert re.search(cure, message)
    assert re.match(
        r"Expected here: about 2 min: .* for as many steps as fit, \d+ at first, .* for 3 validation cases at the end",
        expected,
    )


class HalfMinute(CountingValidator):
    """A validator that expects to take half a minute at the end."""

    def predict_final_seconds(self, cases, tile_seconds, allowed):
        return 30.0


def test_a_training_that_is_not_validated_at_the_end_has_the_time_for_more_steps(tmp_path):
    steps = {}
    for validated in (True, False):
        listening = Listening()
        made = setup(max_minutes=2.0, validated=validated, policy=MEASURING, clock=Ticking())
        make_trainer(tmp_path / str(validated), made, HalfMinute(), listening).run()
        (expected,) = listening.expected
        assert ("30 s for 3 validation cases at the end" in expected) is validated
        steps[validated] = int(re.search(r"fit, (\d+) at first", expected).group(1))
    assert steps[False] > steps[True]


def test_a_loss_that_is_not_a_number_again_and_again_stops_with_advice(tmp_path):
    made = setup(iterations=5)
    for case in made.cases:
        case.voxels.image.fill_(float("nan"))
    with pytest.raises(AutosegError, match=r"not a number any more.*going back 3 times.*smaller rate"):
        make_trainer(tmp_path, made).run()


def test_a_loss_that_is_not_a_number_once_goes_back_with_a_smaller_rate(tmp_path):
    sound, _ = train(tmp_path / "sound", iterations=10, policy=REPORTING)
    made = setup(iterations=10, policy=REPORTING)
    position = make_trainer(tmp_path / "f", made, observers=lose_the_loss(made, 6)).run()
    assert (position.iteration, position.rollbacks, position.rate_factor) == (10, 1, 0.5)
    files = FoldFolder(root=tmp_path / "f")
    (back,) = lines(files, "rollback")
    assert (back["failed_at"], back["rate_factor"]) == (7, 0.5)
    assert rates(files)[7] == pytest.approx(rates(sound)[7] / 2)
    assert all(tensor.isfinite().all() for tensor in load_tensors(files.weights)[0].values())


# At every reading of the clock from one step to the next, and so in every phase of a step.
@pytest.mark.parametrize(
    ("number", "code", "reading"),
    [*((signal.SIGTERM, 143, reading) for reading in range(60, 69)), (signal.SIGINT, 130, 64)],
)
def test_a_signal_saves_the_training_and_the_rest_is_as_without_it(tmp_path, whole, number, code, reading):
    alarm = Alarm(reading, lambda: os.kill(os.getpid(), number))
    with pytest.raises(StoppedError, match=r"at step [56], which is saved") as stopped:
        train(tmp_path / "f", iterations=10, clock=alarm, policy=Policy(report_seconds=1e9, checkpoint_seconds=1e9))
    assert stopped.value.exit_code == code
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    files, position = train(tmp_path / "f", iterations=10)
    assert position.iteration == 10
    assert equal_weights(whole, files)


def test_a_signal_does_not_wait_until_the_network_is_compiled(tmp_path, monkeypatch):
    run = Stepper.run

    def signalled(stepper, position, rate):
        os.kill(os.getpid(), signal.SIGTERM)
        return run(stepper, position, rate)

    monkeypatch.setattr(Stepper, "run", signalled)
    monkeypatch.setattr(Stepper, "try_compiling", lambda stepper, iteration: pytest.fail("it was compiled"))
    with pytest.raises(StoppedError, match="stopped by SIGTERM at step 1"):
        train(tmp_path, iterations=9, policy=replace(REPORTING, compile_seconds_ahead=0.0))


class Signalling(CountingValidator):
    """Is stopped by a signal in its first round."""

    def validate(self, network, cases):
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("the signal should have ended this")


def test_a_signal_during_validation_does_not_wait_for_its_end(tmp_path):
    with pytest.raises(StoppedError, match="stopped by SIGTERM at step 4"):
        train(tmp_path / "f", Signalling(), iterations=12)


def test_a_round_that_a_signal_stopped_is_the_first_thing_that_is_done_again(tmp_path):
    with pytest.raises(StoppedError):
        train(tmp_path / "f", Signalling(), iterations=12)
    validator = CountingValidator()
    files, _ = train(tmp_path / "f", validator, iterations=12)
    assert validator.asked == [("v0", "v1"), ("v0", "v2")]
    assert [line["iteration"] for line in lines(files, "validation")] == [4, 8]


def test_a_stop_file_ends_the_training_with_the_schedule_wound_down(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "stop").touch()
    files, position = train(tmp_path / "f", iterations=200, policy=REPORTING)
    assert position.iteration == position.iterations == 2
    assert not (tmp_path / "f" / "stop").exists()
    (line,) = lines(files, "cool-down")
    assert line["why"] == "a stop file"


def test_a_stop_file_is_obeyed_also_where_the_training_is_killed_behind_it(tmp_path):
    (tmp_path / "stop").touch()
    with pytest.raises(KilledError):
        make_trainer(tmp_path, setup(iterations=200, policy=REPORTING), observers=[kill_at(2)]).run()
    assert not (tmp_path / "stop").exists()
    _, position = train(tmp_path, iterations=200)
    assert position.iteration == position.iterations == 2


def test_patience_ends_a_training_that_gets_no_better(tmp_path):
    validator = CountingValidator()
    files, position = train(tmp_path / "f", validator, patience=3, iterations=100, validation_rounds=20)
    # Every case has been seen after round 2; the best of then is never beaten, and round 5 is the third after it.
    assert len(validator.asked) == 5
    assert position.iteration == position.iterations == 27
    last = lines(files, "train")[-1]
    assert last["learning_rate"] < 1e-3 * 0.1


def test_a_label_that_is_never_predicted_or_lost_is_reported(tmp_path):
    listening, validator = Listening(), CountingValidator(bright_voxels=(0, 0, 5, 0, 0, 0))
    make_trainer(tmp_path, setup(iterations=60, validation_rounds=10), validator, listening).run()
    assert [line["lost"] for line in lines(FoldFolder(root=tmp_path), "warning")] == [False, True]
    assert "No voxel of bright has been predicted so far in 2 rounds" in listening.messages[0]
    assert "No voxel of bright is predicted any more in 2 rounds" in listening.messages[1]


def test_a_finished_training_goes_on_with_more_steps_and_a_warm_up(tmp_path):
    train(tmp_path / "f", iterations=10)
    files, position = train(tmp_path / "f", iterations=110, policy=REPORTING)
    assert (position.iteration, position.rewarm_from) == (110, 10)
    (line,) = lines(files, "extended")
    assert (line["iteration"], line["iterations"]) == (10, 110)
    # Two steps (2 % of 100) lead back to the schedule.
    assert rates(files)[11] == pytest.approx(rates(files)[12] / 2, rel=0.02)
    assert rates(files)[13] > 0.5e-3


def test_a_training_that_was_killed_goes_on_to_more_steps_where_these_are_asked_for(tmp_path):
    with pytest.raises(KilledError):
        make_trainer(tmp_path / "f", setup(iterations=10, policy=SAVING), observers=[kill_at(6)]).run()
    files, position = train(tmp_path / "f", iterations=20)
    assert (position.iteration, position.rewarm_from) == (20, 0)
    assert [line["iterations"] for line in lines(files, "extended")] == [20]


def test_a_training_that_patience_ended_has_all_of_it_again_when_it_is_extended(tmp_path):
    changes = {"patience": 3, "validation_rounds": 20}
    _, ended = train(tmp_path / "f", iterations=100, **changes)
    assert (ended.iterations, ended.cooling) == (27, True)
    validator = CountingValidator()
    _, position = train(tmp_path / "f", validator, iterations=200, **changes)
    # Rounds at 30, 40 and 50, none of which is better than those before.
    assert len(validator.asked) == 3
    assert position.iteration == position.iterations == 53


def test_going_back_to_the_beginning_of_an_extension_leaves_it_its_patience(tmp_path):
    changes = {"patience": 3, "validation_rounds": 20}
    _, ended = train(tmp_path, iterations=100, **changes)
    assert ended.iterations == 27
    validator, made = CountingValidator(), setup(iterations=200, policy=REPORTING, **changes)
    position = make_trainer(tmp_path, made, validator, observers=lose_the_loss(made, 28)).run()
    assert position.rollbacks == 1
    assert len(validator.asked) == 3
    assert position.iterations == 53


def test_weights_that_are_no_numbers_after_the_last_step_are_not_kept(tmp_path, monkeypatch):
    run, spoilt = Stepper.run, []

    def spoil(stepper, position, rate):
        loss = run(stepper, position, rate)
        if position.iteration == 9 and not spoilt:
            spoilt.append(True)
            next(stepper.state.network.parameters()).detach().fill_(float("nan"))
        return loss

    monkeypatch.setattr(Stepper, "run", spoil)
    files, position = train(tmp_path / "f", iterations=10)
    assert (position.iteration, position.rollbacks) == (10, 1)
    assert load_tensors(files.checkpoint)[1]["position"].startswith('{"iteration": 10,')


def test_measuring_that_a_signal_ends_leaves_the_statistics_of_norms_as_they_were(tmp_path, monkeypatch):
    made = setup()
    norm = choose("unet", tiny_network(3, norm="batch"))
    stepper = Stepper(replace(made, configuration=replace(made.configuration, network=norm)), FoldFolder(root=tmp_path))
    before = [buffer.clone() for buffer in stepper.state.network.buffers()]
    forward, passes = Stepper._forward, []

    def interrupted(stepper, network, batch):
        passes.append(forward(stepper, network, batch))
        if len(passes) == 2:
            raise SignalledError
        return passes[-1]

    monkeypatch.setattr(Stepper, "_forward", interrupted)
    with pytest.raises(SignalledError):
        stepper.measure_pace(0)
    after = list(stepper.state.network.buffers())
    assert before
    assert all(torch.equal(mine, other) for mine, other in zip(before, after, strict=True))


def test_a_round_that_cannot_be_read_is_reported(tmp_path):
    files, _ = train(tmp_path, iterations=12)
    with files.curve.open("a") as stream:
        stream.write('{"iteration": 4, "kind": "validation", "cases": {"v0": {"dark": [0.5, 1e999, 10]}}}\n')
    with pytest.raises(WorkspaceError, match=r"metrics\.jsonl: holds a round of validation that cannot be read"):
        train(tmp_path, iterations=20)


def test_the_curve_tells_where_the_time_goes(tmp_path):
    files, _ = train(tmp_path / "f", iterations=10, policy=REPORTING, clock=Ticking(0.25))
    line = lines(files, "train")[-1]
    assert [line[f"seconds/{phase}"] for phase in ("reading", "data", "forward", "backward", "update")] == [0.25] * 5
    assert line["seconds_per_iteration"] > 5 * 0.25
    assert line["memory_gb"] >= line["memory_now_gb"] > 0.05


def test_the_first_weights_follow_from_the_seed(tmp_path):
    made = (setup(), setup(), replace(setup(), seed=(1, 0)))
    steppers = [Stepper(one, FoldFolder(root=tmp_path)) for one in made]
    first, second, other = (
        np.concatenate([p.detach().ravel() for p in stepper.state.network.parameters()]) for stepper in steppers
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
