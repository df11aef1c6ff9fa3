from __future__ import annotations

from dataclasses import replace

import pytest

from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.fingerprint import drop_cases
from planners import Plan, PlanRequest, make_plan
from planners.choices import Choice
from planners.editing.explain import explain_plan
from planners.editing.following import RATE_SHARE, Followed, follow
from planners.editing.overrides import set_values
from planners.pseudo_labels import PseudoLabels
from planners.run import CaseContent, Run, make_run
from planners.stage_inputs import CropTo, Initial, MaskOf
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.machines import CPU, GPU

OWN = make_fingerprint([SyntheticCase(body_shape=(60, 70, 60))] * 6, channels=("FLAIR", "T1w"), labels=3)
THEIRS = make_fingerprint(
    [SyntheticCase(body_shape=(30, 50, 40), spacing_mm=(2.0, 2.0, 2.5))] * 6, channels=("t1w",), labels=1
)
LABELS = ("label1",)


def plan_own() -> Plan:
    return make_plan(OWN, PlanRequest(machine=CPU, memory_gb=4.0))


def make_model(*assignments: str, change: str = "") -> Run:
    plan = set_values(make_plan(THEIRS, PlanRequest(machine=GPU, memory_gb=8.0)), assignments)
    first = next(entry for entry in plan.configurations if entry.name == "3d_fullres")
    name = first.name
    if change:
        name = "second"
        added = {
            "masks": replace(first, name=name, inputs=(MaskOf(configuration=first.name),)),
            "start": replace(first, name=name, initial=Initial(configuration=first.name)),
            "box": replace(first, name=name, inputs=(CropTo(configuration=first.name, margin_mm=2.0, labels=LABELS),)),
            "pseudo": replace(first, name=name, pseudo_labels=PseudoLabels(configurations=(first.name,))),
        }[change]
        plan = replace(plan, configurations=(*plan.configurations, added))
    content = (CaseContent(case="case0", sha256=("a", "b")),)
    return make_run(plan, name, "0", content, (), drop_cases(THEIRS))


def test_a_plan_takes_network_patch_and_voxels_of_a_model_and_keeps_its_own_labels_and_channels() -> None:
    run = make_model("3d_fullres.preprocessing.normalization=zscore_body")
    followed = follow(plan_own(), Followed(name="model.zip", run=run))
    (made,) = followed.configurations
    theirs = run.own()
    assert followed.default_configuration == made.name == theirs.name
    assert (made.network, made.patch_shape, made.batch_size) == (theirs.network, theirs.patch_shape, theirs.batch_size)
    assert made.preprocessing.spacing_mm == theirs.preprocessing.spacing_mm == (2.0, 2.0, 2.5)
    assert made.prediction == theirs.prediction
    assert (followed.scheme, followed.channels) == (OWN.scheme, ("FLAIR", "T1w"))


def test_known_channels_are_normalised_as_in_the_model_and_others_as_planned() -> None:
    run = make_model('preprocessing.normalization=[{"name": "zscore", "options": {}}]')
    plan = plan_own()
    base = next(entry for entry in plan.configurations if entry.name == "3d_fullres").preprocessing.normalization
    (made,) = follow(plan, Followed(name="model.zip", run=run)).configurations
    assert made.preprocessing.normalization == (base[0], run.own().preprocessing.normalization[0])


def test_the_learning_rate_is_a_tenth_of_the_planned_one_after_a_warm_up() -> None:
    plan = plan_own()
    planned = next(entry for entry in plan.configurations if entry.name == "3d_fullres").training
    (made,) = follow(plan, Followed(name="model.zip", run=make_model())).configurations
    rate, before = (training.optimizer.options["lr"] for training in (made.training, planned))
    assert rate == pytest.approx(RATE_SHARE * float(str(before)))
    assert made.training.schedule.name == "cosine"
    assert made.training.iterations == planned.iterations


def test_each_value_that_was_taken_is_explained_with_what_the_plan_would_have_been() -> None:
    plan = plan_own()
    followed = follow(plan, Followed(name="model.zip", run=make_model()))
    reasons = {entry.field: entry for entry in followed.decisions}
    for field in ("patch_shape", "batch_size", "network", "preprocessing.spacing_mm"):
        reason = reasons[f"3d_fullres.{field}"]
        assert "model.zip" in reason.rule
        assert reason.evidence.startswith("the data set's own plan would have ")
    assert reasons["3d_fullres.preprocessing.spacing_mm"].value == "2x2x2.5 mm"
    assert "1x1x1 mm" in reasons["3d_fullres.preprocessing.spacing_mm"].evidence
    assert "does not know" in reasons["3d_fullres.preprocessing.normalization.FLAIR"].rule
    assert "3d_fullres.memory" in reasons
    # Nothing is explained of configurations and values that are not there any more.
    assert not [field for field in reasons if field.startswith(("2d.", "preprocessing."))]
    assert len(reasons) == len(followed.decisions)
    assert explain_plan(followed)


def test_configurations_whose_masks_the_model_uses_are_taken_and_its_start_is_not() -> None:
    masks = follow(plan_own(), Followed(name="model.zip", run=make_model(change="masks")))
    assert [entry.name for entry in masks.configurations] == ["3d_fullres", "second"]
    start = follow(plan_own(), Followed(name="model.zip", run=make_model(change="start")))
    assert [(entry.name, entry.initial) for entry in start.configurations] == [("second", None)]


def test_a_plan_that_follows_predicts_with_the_one_network_that_it_follows() -> None:
    own = plan_own()
    ensemble = replace(own, ensemble=tuple(entry.name for entry in own.configurations))
    followed = follow(ensemble, Followed(name="model.zip", run=make_model()))
    assert followed.predicting() == (followed.default_configuration,)


def test_a_box_around_labels_that_the_data_set_does_not_have_lies_around_all_that_it_has() -> None:
    run = make_model(change="box")
    first, second = run.configurations
    elsewhere = replace(second, inputs=(replace(second.crops()[0], labels=("core",)),))
    for model, labels in ((run, LABELS), (replace(run, configurations=(first, elsewhere)), ())):
        made = follow(plan_own(), Followed(name="model.zip", run=model)).configurations[-1]
        assert [crop.labels for crop in made.crops()] == [labels]


def test_a_model_that_trained_on_scans_without_labels_is_followed_without_them() -> None:
    (made,) = follow(plan_own(), Followed(name="model.zip", run=make_model(change="pseudo"))).configurations
    assert (made.name, made.pseudo_labels) == ("second", None)


def test_a_channel_that_is_known_by_its_place_is_said_to_be_the_models() -> None:
    fingerprint = make_fingerprint([SyntheticCase(body_shape=(60, 70, 60))] * 6, channels=("FLAIR",))
    plan = make_plan(fingerprint, PlanRequest(machine=CPU, memory_gb=4.0))
    run = make_model("preprocessing.normalization.0=zscore_body")
    followed = follow(plan, Followed(name="model.zip", run=run))
    (reason,) = (one for one in followed.decisions if one.field == "3d_fullres.preprocessing.normalization.FLAIR")
    assert "model.zip" in reason.rule


def test_a_rate_that_the_plan_leaves_to_the_optimizer_is_divided_all_the_same() -> None:
    plan = set_values(plan_own(), ["training.optimizer=sgd"])
    followed = follow(plan, Followed(name="model.zip", run=make_model()))
    options = followed.configurations[0].training.optimizer.options
    assert list(options) == ["lr"]
    assert options["lr"] == pytest.approx(RATE_SHARE * 1e-2)
    (reason,) = (one for one in followed.decisions if one.field.endswith("options.lr"))
    assert (reason.value, reason.evidence) == ("0.001", "the plan's own would be 0.01")


def test_a_plan_that_follows_takes_values_of_a_person_afterwards() -> None:
    followed = follow(plan_own(), Followed(name="model.zip", run=make_model()))
    changed = set_values(followed, ("batch_size=1", "training.optimizer.options.lr=0.5"))
    (made,) = changed.configurations
    assert (made.batch_size, made.training.optimizer.options["lr"]) == (1, 0.5)


def test_labels_of_the_model_do_not_matter_to_the_plan() -> None:
    run = make_model()
    other = replace(run, scheme=LabelScheme(labels=(Label(name="core", value=9),)))
    plans = [follow(plan_own(), Followed(name="model.zip", run=one)) for one in (run, other)]
    assert plans[0] == plans[1]


def test_a_plan_follows_a_model_that_saw_some_of_its_channels_by_their_names() -> None:
    run = make_model()
    (own,) = run.configurations
    choices = (*own.preprocessing.normalization, Choice(name="rescale"))
    seen = replace(own, preprocessing=replace(own.preprocessing, normalization=choices, channels=(1,)))
    model = replace(run, channels=("ADC", "t1w"), configurations=(seen,))
    (made,) = follow(plan_own(), Followed(name="model.zip", run=model)).configurations
    assert made.preprocessing.channels == (1,), "T1w, of FLAIR and T1w"
    assert made.preprocessing.normalization[1] == Choice(name="rescale")
    strange = replace(model, channels=("t1w", "ADC"))
    (made,) = follow(plan_own(), Followed(name="model.zip", run=strange)).configurations
    assert made.preprocessing.channels is None, "no channel of the model is known: all are seen"
