"""Costs on the machine at hand, and plans for machines elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoseg.pipeline.costs import costing
from autoseg.pipeline.costs.costing import CostTable, _place, _train_here, _try_pace, describe_machine, is_planned_here
from autoseg.pipeline.costs.sites import SITES
from autoseg.pipeline.costs.small_part import ReadingRate
from autoseg.pipeline.plans.explanation import Explanation
from planners.editing.brief import Known
from planners.halves import Halves
from planners.networks.memory_decisions import predict_configuration
from planners.plan import Plan
from planners.planner import PlanRequest
from planners.presets import make_plan
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import CPU, GPU

SCANS = make_fingerprint(repeat_case(20, SyntheticCase(body_shape=(64, 64, 64))))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(SCANS, PlanRequest(machine=GPU, memory_gb=8.0, switches=("squeeze_excitation=on",)))


def test_a_plan_for_another_machine_has_the_rules_of_the_plan(plan: Plan) -> None:
    place = _place(SITES[0], plan, SCANS, ReadingRate(seconds_per_voxel=1e-6, cores=2))
    assert place.plan.rules == plan.rules == ("squeeze_excitation",)


def test_a_plan_of_halves_is_one_elsewhere_too() -> None:
    halved = make_plan(SCANS, PlanRequest(machine=GPU, memory_gb=8.0, halves=Halves()))
    place = _place(SITES[0], halved, SCANS, ReadingRate(seconds_per_voxel=1e-6, cores=2))
    assert {one.halves for one in place.plan.configurations} == {Halves()}


def test_folds_that_were_trained_elsewhere_say_nothing_of_this_machine(plan: Plan) -> None:
    assert is_planned_here(plan, replace(GPU, multiplications_per_second=1e12))
    assert not is_planned_here(plan, replace(CPU, multiplications_per_second=1e10))


def test_memory_here_is_that_of_the_number_type_in_which_this_machine_trains(plan: Plan) -> None:
    configuration = plan.configurations[0]
    there, here = (predict_configuration(one, configuration) for one in (plan, _train_here(plan, CPU)))
    assert here.activations > 1.5 * there.activations


def test_all_cards_of_a_machine_are_counted() -> None:
    assert describe_machine(GPU, 2) == "2 x Test GPU, 8 cores, 8.00 GiB"
    assert describe_machine(CPU, 1).startswith("CPU, 2 cores, ")


@pytest.mark.parametrize("message", ["CUDA error: out of memory", "something else"])
def test_memory_that_others_hold_leaves_a_pace_unmeasured(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(message)

    monkeypatch.setattr(costing, "measure_pace", fail)
    if "memory" in message:
        assert _try_pace(plan, plan.configurations[0]) is None
    else:
        with pytest.raises(RuntimeError, match=message):
            _try_pace(plan, plan.configurations[0])


def test_an_explanation_with_costs_says_them_as_text(plan: Plan) -> None:
    costs = CostTable(cases=20, costs=(), measured=True)
    said = str(Explanation(plan=plan, known=Known(), costs=costs))
    assert "Expected costs of 20 cases" in said
    assert "Not measured: the cards." in said
    assert "Expected costs" not in str(Explanation(plan=plan, known=Known()))
    assert "SIMULATED" in replace(costs, simulated=True).section().title
