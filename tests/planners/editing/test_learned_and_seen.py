"""Values of a configuration that choose its labels and the slices it sees: set, checked, left out where not used."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import parse_json, to_json
from planners import PlanRequest, make_plan
from planners.editing.explain import explain_plan
from planners.editing.overrides import set_values
from planners.networks.memory_decisions import predict_configuration
from planners.plan import Configuration, Plan
from planners.stage_inputs import CropTo
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.machines import GPU

PLAN = make_plan(
    make_fingerprint([SyntheticCase(body_shape=(60, 70, 60))] * 6, channels=("T1w", "FLAIR"), labels=3),
    PlanRequest(machine=GPU, memory_gb=8.0),
)


def flat(plan: Plan) -> Configuration:
    return next(one for one in plan.configurations if one.name == "2d")


def test_plans_without_them_are_written_as_before() -> None:
    for configuration in json.loads(to_json(PLAN))["configurations"]:
        assert not {"targets", "neighbours"} & configuration.keys()
    assert parse_json(to_json(PLAN).encode(), Plan, "plan") == PLAN


def test_neighbouring_slices_are_channels_of_each_and_take_memory() -> None:
    changed = set_values(PLAN, ["2d.neighbours=2"])
    assert changed.input_channels(flat(changed)) == 10
    assert parse_json(to_json(changed).encode(), Plan, "plan") == changed
    less, more = (predict_configuration(plan, flat(plan)).total() for plan in (PLAN, changed))
    assert more > less
    told = {row[0]: row[1:] for section in explain_plan(changed) for row in section.rows if row}
    assert any("seen with 2 slices on either side" in cell for cell in told["patch"])


def test_merged_labels_are_one_output_and_take_less_memory() -> None:
    changed = set_values(PLAN, ["2d.targets=[[1,2,3]]"])
    assert (PLAN.output_channels(flat(PLAN)), changed.output_channels(flat(changed))) == (4, 2)
    assert changed.scheme == PLAN.scheme, "the data set's labels stay"
    less, more = (predict_configuration(plan, flat(plan)).total() for plan in (changed, PLAN))
    assert less < more
    told = {row[0]: row[1:] for section in explain_plan(changed) for row in section.rows if row}
    assert any("label1+label2+label3" in cell for cell in told["learns"])


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("3d_fullres.neighbours=1", "3d_fullres.neighbours is 1, of a 3D configuration. Expected 0"),
        ("2d.neighbours=-1", "2d.neighbours is -1. Expected 0 to 64"),
        ("2d.neighbours=65", "2d.neighbours is 65. Expected 0 to 64"),
        ("2d.neighbours=1.5", "Expected a whole number"),
        ("2d.targets=[[4]]", "Expected groups of values of the labels 1 (label1)"),
        ("2d.targets=[[1],[1,2]]", "names a label twice"),
        ("2d.targets=1", "Expected a list"),
    ],
)
def test_values_that_cannot_be_meant_are_named(assignment: str, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        set_values(PLAN, [assignment])
    assert message in str(caught.value), caught.value


def test_unknown_labels_are_named_also_where_another_configuration_looks_at_the_box_around_them() -> None:
    whole = next(one for one in PLAN.configurations if one.name == "3d_fullres")
    fine = replace(whole, name="fine", inputs=(CropTo(configuration=whole.name, margin_mm=1.0),))
    plan = replace(PLAN, configurations=(*PLAN.configurations, fine))
    with pytest.raises(PlanError, match=r"3d_fullres\.targets is \[\[4\]\]\. Expected groups of values"):
        set_values(plan, ["3d_fullres.targets=[[4]]"])
