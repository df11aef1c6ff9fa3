from __future__ import annotations

import math
from dataclasses import replace

import pytest

from dataset_fingerprints.errors import PlanError
from planners import PlanRequest, make_plan
from planners.editing.alternatives import OPEN, check_open, list_alternatives, vary
from planners.editing.overrides import set_values
from planners.networks.memory_decisions import predict_configuration
from planners.order import find_configuration
from planners.plan import Configuration, Plan
from tests.synthetic.configurations import unet_of
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import GPU

NAME = "3d_fullres"


@pytest.fixture(scope="module")
def plan() -> Plan:
    cases = repeat_case(20, SyntheticCase(body_shape=(64, 80, 64)))
    return make_plan(make_fingerprint(cases), PlanRequest(machine=GPU, memory_gb=GPU.memory_gb))


def own(plan: Plan) -> Configuration:
    return find_configuration(plan.configurations, NAME, "the plan")


def test_every_open_value_has_alternatives_that_change_the_plan_and_fit_together(plan: Plan) -> None:
    listed = list_alternatives(own(plan), tuple(OPEN))
    assert tuple(listed) == tuple(OPEN)
    for found in listed.values():
        assert len({alternative.name for alternative in found}) == len(found) >= 2
        for alternative in found:
            changed, given = vary(plan, NAME, alternative.assignments)
            assert own(changed) != own(plan)
            assert set_values(plan, given).configurations == changed.configurations


def test_others_of_the_plan_stay_as_they_are(plan: Plan) -> None:
    for found in list_alternatives(own(plan), tuple(OPEN)).values():
        changed, _ = vary(plan, NAME, found[0].assignments)
        others = [[entry for entry in one.configurations if entry.name != NAME] for one in (plan, changed)]
        assert others[0] == others[1]


def test_rates_are_multiples_of_the_plans_own(plan: Plan) -> None:
    halved = set_values(plan, [f"{NAME}.training.optimizer=adamw", f"{NAME}.training.optimizer.options.lr=0.0006"])
    rates = [alternative.assignments[0] for alternative in list_alternatives(own(halved), ["rate"])["rate"]]
    assert rates == [f"{NAME}.training.optimizer.options.lr={value}" for value in ("0.0018", "0.0002", "0.006")]


def test_what_the_plan_has_already_is_no_alternative(plan: Plan) -> None:
    before = {one.name for one in list_alternatives(own(plan), ["loss"])["loss"]}
    changed = set_values(plan, [f"{NAME}.training.loss=dice_focal"])
    after = {one.name for one in list_alternatives(own(changed), ["loss"])["loss"]}
    assert "dice_focal" in before - after


def test_what_takes_more_memory_is_made_to_fit_and_a_patch_that_is_asked_for_stays(plan: Plan) -> None:
    larger = next(one for one in list_alternatives(own(plan), ["patch"])["patch"] if one.name == "larger")
    roomy, given = vary(plan, NAME, larger.assignments)
    assert (own(roomy).batch_size, given) == (own(plan).batch_size, larger.assignments)
    # A plan may take what it takes as it is, whatever memory it says.
    full = replace(set_values(plan, [f"{NAME}.batch_size=5"]), memory_gb=0.1)
    tight, given = vary(full, NAME, list_alternatives(own(full), ["patch"])["patch"][0].assignments)
    assert own(tight).patch_shape == own(roomy).patch_shape
    assert own(tight).training.recomputed
    assert predict_configuration(tight, own(tight)).total() <= predict_configuration(full, own(full)).total()
    assert set_values(full, given).configurations == tight.configurations


def test_a_wider_network_gets_a_smaller_patch_where_nothing_else_makes_it_fit(plan: Plan) -> None:
    small = replace(set_values(plan, [f"{NAME}.batch_size=2", f"{NAME}.training.recomputed=true"]), memory_gb=0.1)
    wider = [f"{NAME}.network.options.features={[round(1.2 * count) for count in unet_of(own(plan)).features]}"]
    changed, given = vary(small, NAME, wider)
    assert math.prod(own(changed).patch_shape) < math.prod(own(plan).patch_shape)
    assert predict_configuration(changed, own(changed)).total() <= predict_configuration(small, own(small)).total()
    assert set_values(small, given).configurations == changed.configurations


def test_no_patch_becomes_larger_than_the_scans(plan: Plan) -> None:
    x, y, z = own(plan).patch_shape
    larger = list_alternatives(own(plan), ["patch"], (x, 2 * y, z))["patch"][0]
    changed = own(set_values(plan, larger.assignments)).patch_shape
    assert (changed[0], changed[2]) == (x, z)
    assert changed[1] > y
    assert [one.name for one in list_alternatives(own(plan), ["patch"], (x, y, z))["patch"]] == ["smaller"]


def test_a_patch_that_does_not_fit_with_the_smallest_batch_is_refused(plan: Plan) -> None:
    with pytest.raises(PlanError, match=r"patches of 320x320x320 do not fit into the memory \(.* allowed\)"):
        vary(plan, NAME, [f"{NAME}.patch_shape=[320,320,320]"])


def test_a_smaller_patch_gets_more_of_them(plan: Plan) -> None:
    smaller = next(one for one in list_alternatives(own(plan), ["patch"])["patch"] if one.name == "smaller")
    changed = own(set_values(plan, smaller.assignments))
    assert math.prod(changed.patch_shape) < math.prod(own(plan).patch_shape)
    assert changed.batch_size > own(plan).batch_size


def test_slices_keep_their_axis_when_patches_change(plan: Plan) -> None:
    slices = find_configuration(plan.configurations, "2d", "the plan")
    for alternative in list_alternatives(slices, ["patch"])["patch"]:
        changed = find_configuration(set_values(plan, alternative.assignments).configurations, "2d", "the plan")
        assert changed.patch_shape[slices.slice_axis] == 1


def test_an_unknown_value_is_named_with_its_nearest() -> None:
    with pytest.raises(PlanError, match=r"--over rates: nothing of that name is searched\. Did you mean 'rate'"):
        check_open(["rates"])
    assert check_open(()) == tuple(OPEN)
    assert check_open(["patch", "rate"]) == ("rate", "patch")
