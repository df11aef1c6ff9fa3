"""The example of CONTRIBUTING.md, "Add a network", carried out as it stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.synthetic.worked_examples import EXAMPLE, carry_out, run_in, run_tests

pytestmark = pytest.mark.slow

PLANNED = """
from pathlib import Path

import pytest

from dataset_fingerprints.errors import PlanError
from planners import PlanRequest, make_plan, set_values
from tests.autoseg.training.test_planned_steps import train_one_step
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.machines import CPU

scans = [SyntheticCase(body_shape=(40, 48, 40), spacing_mm=(1.0, 1.0, 1.0))] * 5
plan = make_plan(make_fingerprint(scans), PlanRequest(planner="default", machine=CPU, memory_gb=4.0))
with pytest.raises(PlanError, match="of a network in 3D"):
    set_values(plan, ["2d.network=coder"])
short = ["training.iterations=2", "training.validation_rounds=0", "3d_fullres.batch_size=2"]
plan = set_values(plan, ["3d_fullres.network=coder", "3d_fullres.network.options.features=[4,8]", *short])
(configuration,) = (entry for entry in plan.configurations if entry.name == "3d_fullres")
weights = train_one_step(plan, configuration, Path("trained"))
assert weights["encoder.0.conv.weight"].shape == (8, 4, 3, 3, 3)
assert all(weight.isfinite().all() for weight in weights.values())
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network") / "copy"
    touched = carry_out("Add a network", folder)
    assert touched == [
        "planners/parts/networks/coder.py",
        "planners/parts/networks/__init__.py",
        "autoseg/networks/coder.py",
        "autoseg/networks/__init__.py",
    ]
    run_in(folder, "-m", "ruff", "check", "-q", "--ignore", "I001", *touched)
    run_in(folder, "-m", "ruff", "format", "-q", "--check", touched[0], touched[2])
    return folder


@pytest.fixture(scope="module")
def said(copy: Path) -> str:
    """Return what pytest said of the contract tests and of the code above."""
    tests = ("tests/autoseg/networks/test_networks.py", "tests/autoseg/test_builders.py")
    return run_tests(copy, PLANNED, *tests, "-k", "coder or builder or example")


def test_the_contract_tests_run_over_the_new_network(said: str) -> None:
    assert "test_every_parameter_gets_a_gradient[coder-3d] PASSED" in said
    assert "test_its_list_of_layers_has_the_multiplications_that_torch_counts[coder-3d] PASSED" in said


def test_the_new_network_is_planned_where_it_can_be_and_trains(said: str) -> None:
    assert f"::{EXAMPLE} PASSED" in said
