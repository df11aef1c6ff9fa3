from __future__ import annotations

import pytest

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import to_json
from planners.choices import Choice
from planners.editing.explain import explain_plan
from planners.editing.overrides import set_values
from planners.parts.lesion_classifiers import FullyConnectedOptions
from planners.planner import PlanRequest
from planners.presets import make_plan
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.machines import GPU

CASES = [SyntheticCase(body_shape=(60, 70, 60))] * 6
PLAN = make_plan(make_fingerprint(CASES), PlanRequest(machine=GPU, memory_gb=8.0))


def test_the_published_classifier_is_the_default() -> None:
    options = FullyConnectedOptions()
    assert (options.hidden, options.epochs, options.lr, options.weighted) == ((400, 400), 100, 0.1, True)
    assert list(options.find_problems()) == []


def test_options_that_cannot_be_meant_are_named() -> None:
    wrong = FullyConnectedOptions(hidden=(0,), epochs=0, lr=0.0, batch_size=-1)
    found = [problem.split(" is ")[0] for problem in wrong.find_problems()]
    assert found == ["hidden", "epochs", "lr", "batch_size"]


def test_a_plan_names_a_classifier_or_none_which_is_not_written() -> None:
    assert "lesion_classes" not in to_json(PLAN)
    assert not any("classes of lesions" in row for row in explain_plan(PLAN)[0].rows)
    plan = set_values(PLAN, ("lesion_classes=fully_connected",))
    assert plan.lesion_classes == Choice(name="fully_connected")
    assert ("classes of lesions", "fully_connected") in explain_plan(plan)[0].rows
    assert set_values(plan, ("lesion_classes=null",)).lesion_classes is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("fully_conected", "Did you mean 'fully_connected'"),
        ('{"name":"fully_connected","options":{"epochs":0}}', "epochs is 0. Expected 1 or more"),
        ('{"name":"fully_connected","options":{"nodes":3}}', "no option 'nodes'"),
    ],
)
def test_what_is_wrong_with_a_classifier_is_said_when_it_is_planned(value: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        set_values(PLAN, (f"lesion_classes={value}",))
    several = make_plan(make_fingerprint(CASES, labels=2), PlanRequest(machine=GPU, memory_gb=8.0))
    with pytest.raises(PlanError, match=r"tells 2 labels .*--set '3d_fullres.targets=\[\[1,2\]\]'"):
        set_values(several, ("lesion_classes=fully_connected",))
    taken = set_values(several, ("lesion_classes=fully_connected", "3d_fullres.targets=[[1,2]]"))
    assert taken.lesion_classes is not None, "what is advised is accepted"
    assert set_values(taken, ("lesion_classes=null", "3d_fullres.targets=[]")).lesion_classes is None


def test_unknown_labels_are_named_also_where_lesions_are_given_classes() -> None:
    with pytest.raises(PlanError, match=r"targets is \[\[4\]\]\. Expected groups of values of the labels 1"):
        set_values(PLAN, ("lesion_classes=fully_connected", "targets=[[4]]"))
