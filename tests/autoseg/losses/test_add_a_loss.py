"""The example of CONTRIBUTING.md, "Add a loss", carried out as it stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.synthetic.worked_examples import EXAMPLE, carry_out, run_in, run_tests

pytestmark = pytest.mark.slow

PLANNED = """
import math
from pathlib import Path

import pytest
import torch

from autoseg.losses import build_objective
from dataset_fingerprints.errors import PlanError
from planners import PlanRequest, make_plan, set_values
from planners.choices import Choice
from tests.autoseg.training.builders import lines, train
from tests.synthetic.batches import measure
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.heads import plain_heads
from tests.synthetic.machines import CPU

scans = [SyntheticCase(body_shape=(40, 48, 40), spacing_mm=(1.0, 1.0, 1.0))] * 5
plan = make_plan(make_fingerprint(scans), PlanRequest(planner="default", machine=CPU, memory_gb=4.0))
plan = set_values(plan, ["training.loss=log_dice", "training.loss.options.batch_dice=true"])
with pytest.raises(PlanError, match="smooth is 0"):
    set_values(plan, ["training.loss.options.smooth=0.0"])
chosen = plan.configurations[0].training.loss

labels = torch.tensor([[1, 1, 0, 0]])
loss = measure(build_objective(chosen, plain_heads(2)), torch.zeros(1, 2, 4), labels)
# Of four voxels with a probability of a half, half are right: a Dice of 2 * 1 / (2 + 2).
assert math.isclose(float(loss), math.log(2), rel_tol=1e-4)

files, _ = train(Path("trained"), loss=chosen, iterations=40)
untrained, _ = train(Path("untrained"), loss=chosen, iterations=1)
assert lines(files, "train")[-1]["loss"] < lines(untrained, "train")[0]["loss"]
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loss") / "copy"
    touched = carry_out("Add a loss", folder)
    assert touched == ["planners/parts/losses.py", "autoseg/losses/log_dice.py", "autoseg/losses/__init__.py"]
    run_in(folder, "-m", "ruff", "check", "-q", "--ignore", "I001", *touched)
    run_in(folder, "-m", "ruff", "format", "-q", "--check", touched[1])
    return folder


@pytest.fixture(scope="module")
def said(copy: Path) -> str:
    """Return what pytest said of the contract tests and of the code above."""
    tests = ("losses/test_losses.py", "networks/test_costs.py", "test_builders.py")
    return run_tests(
        copy, PLANNED, *(f"tests/autoseg/{test}" for test in tests), "-k", "log_dice or builder or example"
    )


def test_the_contract_tests_run_over_the_new_loss(said: str) -> None:
    assert "test_loss_and_gradient_are_finite_on_empty_and_full_masks[2-unsure-empty-log_dice] PASSED" in said
    assert "test_what_a_loss_keeps_for_the_backward_pass_is_predicted[log_dice-regions] PASSED" in said


def test_the_new_loss_is_planned_has_its_value_and_trains(said: str) -> None:
    assert f"::{EXAMPLE} PASSED" in said
