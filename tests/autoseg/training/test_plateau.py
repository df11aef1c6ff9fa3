"""A schedule that follows what validation finds: on the way, after a kill, and after going back."""

from __future__ import annotations

import pytest

from autoseg.workspace.fold import FoldFolder
from planners.choices import Choice
from tests.autoseg.training.builders import (
    REPORTING,
    SAVING,
    KilledError,
    Scripted,
    WeightReader,
    equal_weights,
    kill_at,
    lines,
    lose_the_loss,
    make_trainer,
    rates,
    setup,
    train,
)

PLATEAU = Choice(name="plateau", options={"patience": 2, "reduction": 0.5})


def test_a_schedule_sees_every_round_that_has_looked_at_all_cases(tmp_path):
    # Two of three cases a round: from the second one on, all have been seen. The best is that of round 3.
    validator = Scripted(0.9, 0.2, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4)
    files, _ = train(tmp_path / "f", validator, iterations=20, validation_rounds=10, schedule=PLATEAU, policy=REPORTING)
    means = [line["mean_of_latest"] for line in lines(files, "validation")]
    # v0 and v1, v0 and v2, v1 and v2 take turns.
    assert means == [0.9, round((0.2 + 0.9 + 0.2) / 3, 4), round((0.2 + 0.4 + 0.4) / 3, 4), *[0.4] * 6]
    factors = {iteration: rate / 1e-3 for iteration, rate in rates(files).items()}
    # The first mean that counts (0.43) is the best: after the rounds at 8, 12 and 16 two more have not beaten it.
    assert factors == pytest.approx(
        {step: 1.0 if step <= 8 else 0.5 if step <= 12 else 0.25 if step <= 16 else 0.125 for step in range(1, 21)}
    )


def test_a_plateau_after_a_kill_is_the_plateau_without_it(tmp_path):
    changes = {"iterations": 20, "validation_rounds": 10, "schedule": PLATEAU}
    whole, _ = train(tmp_path / "whole", WeightReader(), **changes, policy=REPORTING)
    assert len(set(rates(whole).values())) > 1
    for iteration in (8, 9, 13):
        folder, made = tmp_path / str(iteration), setup(**changes, policy=SAVING)
        with pytest.raises(KilledError):
            make_trainer(folder, made, WeightReader(), observers=[kill_at(iteration)]).run()
        files, _ = train(folder, WeightReader(), **changes, policy=REPORTING)
        assert rates(files) == rates(whole)
        assert equal_weights(files, whole)


def test_going_back_forgets_the_validation_behind(tmp_path):
    changes = {"iterations": 20, "validation_rounds": 10, "schedule": PLATEAU}
    made = setup(**changes, policy=REPORTING)
    # Back to the start from iteration 15: the rate, which had fallen twice, is the schedule's first again, halved.
    make_trainer(tmp_path / "f", made, observers=lose_the_loss(made, 14)).run()
    found = rates(FoldFolder(root=tmp_path / "f"))
    assert lines(FoldFolder(root=tmp_path / "f"), "rollback")[0]["failed_at"] == 15
    assert found[1] == pytest.approx(0.5e-3)
    assert found[20] == pytest.approx(0.5e-3 * 0.5**3)
