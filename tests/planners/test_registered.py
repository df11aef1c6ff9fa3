"""Planners and parts that installed packages register through entry points."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.synthetic.packages import run_with_package, write_package

CODE = '''
"""A planner with one configuration, and a loss."""

from dataclasses import dataclass, replace

from planners.stage_inputs import CropTo
from planners.presets import PLANNERS


class OneSlicePlanner:
    description = "Plans slices only."
    memory_gb = 0.0

    def plan(self, fingerprint, request):
        whole = PLANNERS["default"].plan(fingerprint, request)
        only = tuple(entry for entry in whole.configurations if entry.name == "2d")
        return replace(whole, configurations=only, default_configuration="2d")


planner = OneSlicePlanner()


class Empty(OneSlicePlanner):
    def plan(self, fingerprint, request):
        return None


class Misspelt(OneSlicePlanner):
    def plan(self, fingerprint, request):
        plan = PLANNERS["default"].plan(fingerprint, request)
        first, *others = plan.configurations
        crop = CropTo(configuration=others[0].name, margin_mm=2.0, trained_on="outoffold")
        return replace(plan, configurations=(replace(first, inputs=(crop,)), *others))


empty, misspelt = Empty(), Misspelt()


@dataclass(frozen=True, kw_only=True, slots=True)
class MineOptions:
    power: float = 2.0

    def kept_bytes(self, outputs, *, exclusive):
        return 4.0 * outputs
'''
PLANS = [
    f"{name} = demo_parts:{entry}" for name, entry in (("slices", "planner"), ("empty", "empty"), ("off", "misspelt"))
]
ENTRIES = {"autoseg.planners": PLANS, "autoseg.losses": ["mine = demo_parts:MineOptions"]}
PUBLISHED = "msd_hippocampus"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    write_package(folder, "demo_parts", CODE, ENTRIES)
    return folder


def test_a_registered_planner_plans(package: Path) -> None:
    done = run_with_package(package, "explain", PUBLISHED, "--planner", "slices", "--json")
    assert done.returncode == 0, done.stderr
    assert '"planner": "slices"' in done.stdout
    assert '"3d_fullres"' not in done.stdout.split('"configurations"')[1].split('"decisions"')[0]


def test_an_unknown_planner_is_refused_with_registered_ones_in_mind(package: Path) -> None:
    done = run_with_package(package, "explain", PUBLISHED, "--planner", "slice")
    assert done.returncode == 2
    assert "Did you mean 'slices'" in " ".join(done.stderr.split())


def test_names_of_configurations_are_left_to_a_planner_of_another_package(package: Path) -> None:
    code = (
        "from planners.possible_names import refuse_impossible_names\n"
        "from tests.synthetic.machines import GPU\n"
        "refuse_impossible_names(('small_lesions',), 'slices', GPU, 8.0)\n"
    )
    done = run_with_package(package, code=code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("planner", "message"),
    [
        ("empty", "planner empty: returned None. Expected a planners.plan.Plan."),
        ("off", "planner off: configurations.0.inputs.0.crop_to.trained_on"),
    ],
)
def test_a_plan_that_cannot_be_read_again_is_refused_at_once(package: Path, planner: str, message: str) -> None:
    done = run_with_package(package, "explain", PUBLISHED, "--planner", planner)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split()), done.stderr
    assert "Traceback" not in done.stderr


def test_a_registered_part_is_an_entry_of_its_table(package: Path) -> None:
    code = (
        "from planners.choices import Choice, resolve\n"
        "from planners.parts import LOSSES\n"
        "assert 'mine' in LOSSES and list(LOSSES)[-1] == 'mine' and len(LOSSES) > 8\n"
        "assert resolve(Choice(name='mine', options={'power': 3.0}), LOSSES, 'loss').power == 3.0\n"
        "from planners.editing.overrides import refuse_unknown_parts\n"
        "refuse_unknown_parts(['training.loss=mine', 'training.loss.options.power=1.5'])\n"
    )
    done = run_with_package(package, code=code)
    assert done.returncode == 0, done.stderr


def test_a_part_without_a_builder_says_where_one_is_registered(package: Path) -> None:
    code = (
        "from autoseg.losses import build_objective\n"
        "from planners.choices import Choice\n"
        "from tests.synthetic.heads import plain_heads\n"
        "build_objective(Choice(name='mine'), plain_heads(2))\n"
    )
    done = run_with_package(package, code=code)
    assert "losses.mine: nothing builds it" in done.stderr
    assert "autoseg.builders" in done.stderr
