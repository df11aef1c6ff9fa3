from dataclasses import replace

import pytest

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import parse_json, to_json
from planners import PlanRequest, make_plan, set_values
from planners.choices import Choice
from planners.editing.overrides import (
    find_assigned_parts,
    find_named_configurations,
    refuse_unknown_fields,
    refuse_unknown_parts,
)
from planners.plan import Plan
from planners.stage_inputs import MaskOf
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import CPU


@pytest.fixture(scope="module")
def plan() -> Plan:
    fingerprint = make_fingerprint(repeat_case(20, SyntheticCase(body_shape=(35, 50, 36))))
    return make_plan(fingerprint, PlanRequest(machine=CPU, memory_gb=8.0))


def test_a_field_is_set_in_all_configurations(plan: Plan) -> None:
    changed = set_values(plan, ["training.iterations=5000"])
    assert {configuration.training.iterations for configuration in changed.configurations} == {5000}


def test_a_field_is_set_in_one_configuration(plan: Plan) -> None:
    changed = set_values(plan, ["3d_fullres.training.iterations=5000"])
    before = plan.configurations[0].training.iterations
    assert [configuration.training.iterations for configuration in changed.configurations] == [before, 5000]


def test_options_of_parts_and_places_in_lists_are_reached(plan: Plan) -> None:
    changed = set_values(plan, ["training.optimizer.options.lr=0.01", "preprocessing.normalization.0=zscore"])
    configuration = changed.configurations[0]
    assert configuration.training.optimizer == Choice(name="adamw", options={"lr": 0.01, "weight_decay": 0.01})
    assert configuration.preprocessing.normalization == (Choice(name="zscore"),)


def test_clipping_and_bias_correction_are_asked_for_by_name(plan: Plan) -> None:
    options = "preprocessing.normalization.0.options"
    changed = set_values(plan, [f"{options}.bias_correction=true", f"{options}.upper_percentile=99.5"])
    for configuration in changed.configurations:
        (choice,) = configuration.preprocessing.normalization
        assert choice.options == {"bias_correction": True, "upper_percentile": 99.5}


def test_a_part_by_name_takes_its_own_defaults(plan: Plan) -> None:
    changed = set_values(plan, ["training.optimizer=sgd"])
    assert changed.configurations[0].training.optimizer == Choice(name="sgd")


def test_fields_of_the_plan_itself_are_set(plan: Plan) -> None:
    changed = set_values(plan, ["seed=7", "default_configuration=2d"])
    assert (changed.seed, changed.default_configuration) == (7, "2d")


def test_an_ensemble_is_set_and_not_written_where_there_is_none(plan: Plan) -> None:
    changed = set_values(plan, ['ensemble=["2d", "3d_fullres"]'])
    assert (plan.predicting(), changed.predicting()) == ((plan.default_configuration,), ("2d", "3d_fullres"))
    assert '"ensemble"' not in to_json(plan)
    assert parse_json(to_json(changed).encode(), Plan, "plan.json").ensemble == ("2d", "3d_fullres")


def test_the_users_decision_takes_the_planners_place(plan: Plan) -> None:
    changed = set_values(plan, ["training.iterations=5000"])
    decisions = [decision for decision in changed.decisions if decision.field == "training.iterations"]
    assert [(decision.value, decision.rule) for decision in decisions] == [("5000", "Set by the user.")]
    assert "3000" in decisions[0].evidence


def test_batch_size_of_all_replaces_the_decisions_of_each(plan: Plan) -> None:
    changed = set_values(plan, ["batch_size=3"])
    fields = [decision.field for decision in changed.decisions if decision.field.endswith("batch_size")]
    assert fields == ["batch_size"]


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.iteration=5", "no field 'iteration'. Did you mean 'iterations'"),
        ("trainning.iterations=5", "no field 'trainning' to set. Did you mean 'training'"),
        ("3d_fulres.batch_size=5", "Did you mean '3d_fullres'"),
        ("3d_fullres=5", "no field ''"),
        ("name=x", "no field 'name' to set"),
        ("training.iterations=many", 'found "many". Expected a whole number'),
        ("training.iterations=1.5", "found 1.5. Expected a whole number"),
        ("network.options.deep_supervision=1", "Expected true or false"),
        ("training.optimizer.options.lr=fast", "Expected a number"),
        ("training.optimizer.options.lr=[1]", "Expected a number"),
        ("preprocessing.normalization.4=zscore", "Expected 0 to 0"),
        ("batch_size.x=4", "is a single value"),
        ("batch_size=0", "Expected 1 or more"),
        ("training.iterations", "Expected field=value"),
        ("3d_fullres.patch_shape=[50,0,50]", "Expected positive lengths"),
        ("prediction.centre_shape=[0,8,8]", "prediction.centre_shape is 0x8x8. Expected positive lengths"),
        ("prediction.tile_shape=[4096,4096,4096]", "prediction.tile_shape is 4096x4096x4096. Expected positive"),
        ("patch_shape=[56,56,56]", "Put a configuration's name before the field"),
        ("3d_fullres.network.options.features=[16,32]", "lists together"),
        ("default_configuration=3d", "Expected 2d or 3d_fullres"),
        ("sampling.patches.options.foreground_share=2", "Expected 0 to 1"),
        ("preprocessing.normalization.0=zscor", "Did you mean 'zscore'"),
        (
            "preprocessing.normalization.0.options.bias_corection=true",
            "Did you mean 'bias_correction'",
        ),
        ("preprocessing.normalization.0.options.upper_percentile=-1", "Expected 0 <= lower < upper <= 100"),
        (
            "training.optimizer.options.lr=NaN",
            "--set training.optimizer.options.lr: found NaN. Expected a finite number",
        ),
        ("training.optimizer.options.lr=-Infinity", "found -Infinity. Expected a finite number"),
        ("training.optimizer.options.lr=1e999", "found 1e999. Expected a finite number"),
        ("preprocessing.spacing_mm=[1, NaN, 1]", "found [1, NaN, 1]. Expected a finite number"),
        ('training.loss={"name": "dice", "options": {"smooth": NaN}}', "Expected a finite number"),
        (f"batch_size={10**400}", "Expected a finite number"),
        (f"batch_size={'9' * 5000}", "Expected a whole number"),
        (f"batch_size={'[' * 9000}", "Expected a whole number"),
        ("batch_size=null", "found null. Expected a whole number"),
        ("seed=-1", "--set seed is -1. Expected a whole number from 0 to 4294967295"),
        ("seed=4294967296", "Expected a whole number from 0 to 4294967295"),
        ("seed=1.5", "--set seed is 1.5. Expected a whole number"),
        ("network.options.features=16", "found 16. Expected a list"),
        (
            "network.options.features=[16, true, 32]",
            "--set network.options.features: network unet: option 'features.1' is",
        ),
        ("training.loss.options.smooth=much", "loss dice_ce: option 'smooth' is \"much\". Expected a number"),
        (
            'training.loss={"name": "dice", "options": {"smooth": [1]}}',
            "--set training.loss: loss dice: option 'smooth' is [1]. Expected a number",
        ),
        ('training.weights={"name": "averaged", "options": {"decay": "0.9"}}', "weights averaged: option 'decay'"),
        (
            "training.optimizer.options.momentum=1",
            "--set training.optimizer.options.momentum: optimizer adamw has no option",
        ),
        ("training.loss=3", "found 3. Expected the name of a part"),
        ("sampling.augmentations.0.options.scaling_low=0.0", "standard: scaling_low is 0.0. Expected more than 0"),
        ("sampling.augmentations.0.options.blur_sigma_low=0", "blur_sigma_low is 0.0. Expected more than 0"),
        ("sampling.augmentations.0.options.noise_deviation=-1", "noise_deviation is -1.0. Expected 0 or more"),
        (
            'training.optimizer={"name": "sgd", "options": {"momentum": 0}}',
            "nesterov is true, but momentum is 0. Expected nesterov=false",
        ),
        ("sampling.augmentations." + "9" * 5000 + ".name=x", "is not a place in the list. Expected 0 to"),
        ("sampling.augmentations.\N{SUPERSCRIPT TWO}.name=x", "is not a place in the list. Expected 0 to"),
        ("nosuch.batch_size=2", "the plan has no field 'nosuch' to set"),
        ("default_configuration=absent", "default_configuration is 'absent'. Expected 2d or 3d_fullres"),
        ("3d_fullres.inputs=[]", "no field 'inputs' to set"),
        ("ensemble=2d", "--set ensemble: found"),
        ('ensemble=["2d", "absent"]', "ensemble holds 'absent'. Expected some of 2d, 3d_fullres."),
        ('ensemble=["2d", "2d"]', "ensemble is 2d, 2d. Expected each name once."),
        ("3d_fullres.preprocessing.channels=[1]", "Expected null for all, or some of 0 (T1w), each once."),
        ("preprocessing.channels=[]", "2d.preprocessing.channels is []. Expected null for all"),
        ("preprocessing.channels=[0,0]", "channels is [0, 0]. Expected null for all"),
        ("training.loss.options.class_weights=[1,2,3]", "class_weights holds 3 numbers. Expected 2: of background"),
        ("training.loss.options.class_weights=[0,0]", "class_weights is [0.0, 0.0]. Expected 0 or more, one of them"),
        ("training.loss.options.class_weights=[-1,2]", "Expected 0 or more, one of them above 0"),
        ("preprocessing.normalization.0=ct_window", "option 'level' is missing. Give it."),
        (
            'sampling.augmentations=[{"name": "standard", "options": {"mirror_axes": ["left"]}}]',
            "option 'mirror_axes.0' is",
        ),
    ],
)
def test_what_cannot_be_set_says_why(plan: Plan, assignment: str, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        set_values(plan, [assignment])
    assert message in str(caught.value)


@pytest.mark.parametrize("zero", ["validation_rounds", "validation_cases"])
def test_weights_that_validation_chooses_need_some(plan: Plan, zero: str) -> None:
    with pytest.raises(PlanError) as caught:
        set_values(plan, ["training.weights=best", f"training.{zero}=0"])
    message = f"training.weights is best, which validation chooses, but training.{zero} is 0. Expected 1 or more"
    assert f"3d_fullres.{message}" in str(caught.value)
    assert f"2d.{message}" in str(caught.value)
    assert set_values(plan, [f"training.{zero}=0"]).configurations[0].training.weights.name == "averaged"


def test_masks_of_one_configuration_are_taken_once(plan: Plan) -> None:
    first, second = plan.configurations
    twice = replace(second, inputs=(MaskOf(configuration=first.name), MaskOf(configuration=first.name)))
    with pytest.raises(PlanError, match=f"{second.name}.inputs holds the masks of {first.name} 2 times"):
        set_values(replace(plan, configurations=(first, twice)), [])


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.loss=dise", "there is no 'dise'. Did you mean 'dice'"),
        ("3d_fullres.training.loss.name=dise", "Did you mean 'dice'"),
        ('training.loss={"name":"dise"}', "Did you mean 'dice'"),
        ("training.optimizer.options.lrr=1", "no part has an option 'lrr'. Did you mean 'lr'"),
        ("network=unett", "Did you mean 'unet'"),
        ("sampling.augmentations=strng", "Did you mean 'strong'"),
        ("sampling.augmentations.0=strng", "Did you mean 'strong'"),
        ("training.weights=avraged", "Did you mean 'averaged'"),
        ('training.loss={"name":"dice","options":{"smoth":1}}', "Did you mean 'smooth'"),
        ('sampling.augmentations=["standard", {"name":"strng"}]', "Did you mean 'strong'"),
        ("training.schedule.name=polly", "Did you mean 'poly'"),
        ("preprocessing.normalization.0.options.sdd=1", "Did you mean 'sd'"),
        ("training.loss", "Expected field=value"),
    ],
)
def test_parts_that_no_plan_can_have_are_refused_before_there_is_a_plan(assignment: str, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        refuse_unknown_parts([assignment])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "assignment",
    [
        "training.loss=dice",
        "3d_fullres.training.loss.options.smooth=1",
        "network.options.features=[8,16]",
        "sampling.augmentations.0=strong",
        "batch_size=4",
        "seed=3",
    ],
)
def test_parts_that_exist_are_let_through(assignment: str) -> None:
    refuse_unknown_parts([assignment])


def test_parts_are_found_in_assignments_with_the_options_that_they_are_given() -> None:
    assignments = [
        "training.loss.options.smooth=1",
        "3d_fullres.training.loss=dice",
        "3d_fullres.training.loss.options.smooth=2",
        'sampling.augmentations=["standard", {"name": "strong", "options": {"probability_factor": 0.5}}]',
        "sampling.augmentations.0.options.mirror=false",
        "2d.sampling.augmentations.1=none",
        "batch_size=4",
    ]
    assert list(find_assigned_parts(assignments)) == [
        ("training.loss", Choice(name="dice", options={"smooth": 2})),
        ("sampling.augmentations", Choice(name="standard", options={"mirror": False})),
        ("sampling.augmentations", Choice(name="strong", options={"probability_factor": 0.5})),
        ("sampling.augmentations", Choice(name="none")),
    ]


def test_a_list_of_parts_is_set_by_one_name_too(plan: Plan) -> None:
    changed = set_values(plan, ["sampling.augmentations=strong"])
    assert changed.configurations[0].sampling.augmentations == (Choice(name="strong"),)


def test_options_may_be_lists(plan: Plan) -> None:
    before = plan.configurations[1].network.options["features"]
    assert isinstance(before, list)
    halved = [int(str(value)) // 2 for value in before]
    changed = set_values(plan, [f"3d_fullres.network.options.features={halved}"])
    assert changed.configurations[1].network.options["features"] == halved
    assert changed.configurations[0].network == plan.configurations[0].network


@pytest.mark.parametrize("text", ["32,32,32", "32x32x32", "(32, 32, 32)", "32 32 32", " 32;32;32 "])
def test_a_list_without_brackets_is_shown_with_them(plan: Plan, text: str) -> None:
    with pytest.raises(PlanError, match=r"Expected a list in brackets: \[32,32,32\]"):
        set_values(plan, (f"patch_shape={text}",))


@pytest.mark.parametrize("text", ["abc", "1" * 5000 + "!", "32,x,,", "{}"])
def test_what_is_no_list_at_all_is_shown_none(plan: Plan, text: str) -> None:
    with pytest.raises(PlanError, match=r"--set patch_shape.*Expected"):
        set_values(plan, (f"patch_shape={text}",))


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("nope=1", "the plan has no field 'nope' to set"),
        ("3d_fullres.nope=1", "the plan has no field 'nope' to set"),
        ("training.nope=1", "there is no field 'nope'"),
        ("3d_fullres.training.iteration=1", "Did you mean 'iterations'"),
        ("training.iterations=abc", 'found "abc". Expected a whole number'),
        ("3d_fullres.patch_shape=32,32,32", "Expected a list in brackets"),
        ("ensemble=3", "Expected a list"),
        ("seed=-1", "--set seed is -1"),
    ],
)
def test_fields_and_values_that_no_plan_takes_are_refused_before_there_is_one(
    plan: Plan, assignment: str, message: str
) -> None:
    with pytest.raises(PlanError, match=message):
        refuse_unknown_fields([assignment])
    with pytest.raises(PlanError, match=message):
        set_values(plan, [assignment])


@pytest.mark.parametrize(
    "assignment",
    [
        *("training.iterations=5", "3d_fullres.training.loss=dice_ce", "training.loss.options.batch_dice=true"),
        *("halves={}", "lesion_classes=null", 'ensemble=["2d"]', "targets=[]", "sampling.augmentations=standard"),
        *("preprocessing.normalization.0=zscore_body", "seed=3", "2d.prediction.mirror_axes=[0]"),
    ],
)
def test_what_a_plan_takes_passes_before_there_is_one(plan: Plan, assignment: str) -> None:
    refuse_unknown_fields([assignment])
    set_values(plan, [assignment])


def test_the_configurations_that_assignments_are_for_are_named() -> None:
    given = ["2d.batch_size=2", "training.iterations=3", "seed=1", "3d_fulres.patch_shape=[8,8,8]"]
    assert list(find_named_configurations(given)) == ["2d", "3d_fulres"]


def test_a_misspelt_field_is_not_only_taken_for_the_name_of_a_configuration() -> None:
    with pytest.raises(PlanError, match=r"no field 'iterations' to set, nor 'trainning'\. Did you mean 'training'\?"):
        refuse_unknown_fields(["trainning.iterations=5"])
