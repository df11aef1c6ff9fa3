"""Plans for machines elsewhere."""

from __future__ import annotations

from autoseg.pipeline.costs.costing import _place
from autoseg.pipeline.costs.sites import SITES
from autoseg.pipeline.costs.small_part import ReadingRate
from planners.planner import PlanRequest
from planners.presets import make_plan
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import GPU


def test_a_plan_for_another_machine_has_the_rules_of_the_plan() -> None:
    scans = make_fingerprint(repeat_case(20, SyntheticCase(body_shape=(64, 64, 64))))
    request = PlanRequest(machine=GPU, memory_gb=8.0, switches=("squeeze_excitation=on",))
    plan = make_plan(scans, request)
    place = _place(SITES[0], plan, scans, ReadingRate(seconds_per_voxel=1e-6, cores=2))
    assert place.plan.rules == plan.rules == ("squeeze_excitation",)
