from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoseg.models.nnunet import read_nnunet
from dataset_fingerprints.errors import AutosegError, DataError
from planners.choices import Choice
from planners.editing.plan_checks import check_run
from planners.nnunet_rules import NnunetRules
from planners.stage_inputs import MaskOf
from tests.autoseg.models.nnunet.builders import LABELS, REGIONS, TinyModel, TinyNetwork, resampling
from tests.synthetic.configurations import unet_of

NETWORK = TinyNetwork()
WEIGHTS = NETWORK.make_weights()
FULL = "3d_fullres"


@pytest.fixture
def tiny(tmp_path: Path) -> TinyModel:
    return TinyModel(root=tmp_path / "Dataset007_Tiny").add(FULL, NETWORK)


def test_what_it_was_trained_by_is_a_run_that_predicts(tiny: TinyModel) -> None:
    models = read_nnunet(tiny.write(FULL, {"0": WEIGHTS})).models
    run = models.run()
    check_run(run)
    own = run.own()
    assert models.rule == "logits"
    assert (own.patch_shape, own.slice_axis) == ((16, 12, 8), -1)
    assert own.preprocessing.spacing_mm == (1.0, 1.0, 1.2)
    assert own.preprocessing.nnunet == NnunetRules(axes="stored")
    assert (own.prediction.tile_weights, own.prediction.mirror_axes) == ("nnunet", (0, 1, 2))
    assert unet_of(own).strides == ((1, 1, 1), (2, 2, 1), (2, 2, 2))
    assert (run.contents, run.cases_known, run.summary.case_count) == ((), False, 8)


def test_a_2d_network_keeps_the_distance_of_slices(tiny: TinyModel) -> None:
    flat = TinyNetwork(dimensions=2)
    own = read_nnunet(tiny.add("2d", flat).write("2d", {"0": flat.make_weights()}, (1,))).models.run().own()
    assert (own.slice_axis, own.patch_shape) == (2, (16, 12, 1))
    assert own.preprocessing.nnunet == NnunetRules(axes="stored", kept_axis=2)
    assert own.prediction.mirror_axes == (0,)


def test_numbered_folds_are_averaged_and_the_one_of_all_cases_only_where_it_is_alone(tiny: TinyModel) -> None:
    folder = tiny.write(FULL, {"all": WEIGHTS})
    assert [model.run.fold for model in read_nnunet(folder).models.stages[0][FULL]] == ["full"]
    tiny.write(FULL, {"0": WEIGHTS, "1": WEIGHTS, "10": WEIGHTS})
    assert [model.run.fold for model in read_nnunet(folder).models.stages[0][FULL]] == ["0", "1", "10"]
    assert [model.run.fold for model in read_nnunet(folder, folds=("all", "1")).models.stages[0][FULL]] == ["full", "1"]
    with pytest.raises(DataError, match=r"has no fold 3 with a checkpoint_final\.pth in it"):
        read_nnunet(folder, folds=("3",))
    with pytest.raises(DataError, match=r"has no fold with a checkpoint_best\.pth"):
        read_nnunet(folder, checkpoint="checkpoint_best.pth")


def test_of_a_data_set_with_several_configurations_one_is_named(tiny: TinyModel) -> None:
    tiny.write(FULL, {"0": WEIGHTS})
    assert read_nnunet(tiny.root).models.run().configuration == FULL
    flat = TinyNetwork(dimensions=2)
    tiny.add("2d", flat).write("2d", {"0": flat.make_weights()})
    with pytest.raises(DataError, match="holds several models"):
        read_nnunet(tiny.root)
    assert read_nnunet(tiny.root, "2d").models.run().configuration == "2d"
    with pytest.raises(DataError, match="no configuration 3d_lowres"):
        read_nnunet(tiny.root, "3d_lowres")
    with pytest.raises(DataError, match="holds no model of nnU-Net"):
        read_nnunet(tiny.root.parent)


def test_a_cascade_has_its_first_stage_beside_it(tiny: TinyModel) -> None:
    second = TinyNetwork(inputs=1 + len(LABELS) - 1)
    tiny.add("3d_lowres", NETWORK, spacing=[2.4, 2.0, 2.0], next_stage="3d_cascade_fullres")
    tiny.configurations["3d_cascade_fullres"] = {"inherits_from": FULL, "previous_stage": "3d_lowres"}
    folder = tiny.write("3d_cascade_fullres", {"0": second.make_weights()})
    with pytest.raises(DataError, match="needs masks of 3d_lowres"):
        read_nnunet(folder)
    tiny.write("3d_lowres", {"0": WEIGHTS, "1": WEIGHTS})
    (stages,) = read_nnunet(folder).models.stages
    assert {name: len(models) for name, models in stages.items()} == {"3d_lowres": 2, "3d_cascade_fullres": 1}
    run = stages["3d_cascade_fullres"][0].run
    check_run(run)
    assert run.own().inputs == (MaskOf(configuration="3d_lowres"),)
    assert run.own().preprocessing.spacing_mm == (1.0, 1.0, 1.2)  # inherited


def test_configurations_that_inherit_from_themselves_are_refused(tiny: TinyModel) -> None:
    tiny.configurations[FULL]["inherits_from"] = "other"
    tiny.configurations["other"] = {"inherits_from": FULL}
    with pytest.raises(DataError, match="inherits from"):
        read_nnunet(tiny.write(FULL, {"0": WEIGHTS}))


@pytest.mark.parametrize("residual", [False, True])
def test_older_plans_describe_the_same_network(residual: bool, tmp_path: Path) -> None:
    network = TinyNetwork(features=(4, 8, 8), residual=residual)
    found = []
    for name in ("now", "older"):
        tiny = TinyModel(root=tmp_path / name).add(FULL, network)
        if name == "older":
            del tiny.configurations[FULL]["architecture"]
            tiny.configurations[FULL] |= network.describe_older()
        found.append(read_nnunet(tiny.write(FULL, {"0": network.make_weights()})).models.run().own().network)
    assert found[0] == found[1]


def test_regions_are_written_in_their_order(tiny: TinyModel) -> None:
    tiny.labels, tiny.order = dict(REGIONS), (1, 2)
    network = TinyNetwork(outputs=2)
    scheme = read_nnunet(tiny.add(FULL, network).write(FULL, {"0": network.make_weights()})).models.scheme()
    assert [region.name for region in scheme.regions] == ["whole", "core"]
    assert (scheme.heads().exclusive, scheme.heads().written) == (False, (1, 2))


def test_an_ignore_label_has_no_head(tiny: TinyModel) -> None:
    tiny.labels = LABELS | {"ignore": 3}
    scheme = read_nnunet(tiny.write(FULL, {"0": WEIGHTS})).models.scheme()
    assert (scheme.ignore_value, scheme.heads().count()) == (3, 3)


def test_labels_that_leave_numbers_out_are_refused(tiny: TinyModel) -> None:
    tiny.labels = {"background": 0, "a": 1, "b": 3}
    with pytest.raises(DataError, match=r"labels \[1, 3\]. Expected 1 to 2"):
        read_nnunet(tiny.write(FULL, {"0": WEIGHTS}))


@pytest.mark.parametrize(
    ("scheme", "masked", "expected"),
    [
        ("ZScoreNormalization", False, Choice(name="zscore")),
        ("ZScoreNormalization", True, Choice(name="zscore_body")),
        ("RescaleTo01Normalization", False, Choice(name="rescale")),
        ("NoNormalization", False, Choice(name="none")),
        ("RGBTo01Normalization", False, Choice(name="scale", options={"factor": 1 / 255})),
        (
            "CTNormalization",
            False,
            Choice(name="ct", options={"lower": 10.0, "upper": 200.0, "mean": 100.0, "sd": 40.0}),
        ),
    ],
)
def test_normalisations_are_those_of_the_plans(scheme: str, masked: bool, expected: Choice, tiny: TinyModel) -> None:
    tiny.configurations[FULL] |= {"normalization_schemes": [scheme], "use_mask_for_norm": [masked]}
    run = read_nnunet(tiny.write(FULL, {"0": WEIGHTS})).models.run()
    assert run.own().preprocessing.normalization == (expected,)


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("resample_data_or_seg_to_shape", "spline"),
        ("resample_torch_fornnunet", "linear"),
        ("no_resampling_hack", "none"),
    ],
)
def test_resampling_is_that_of_the_plans(name: str, images: str, tiny: TinyModel) -> None:
    tiny.configurations[FULL] |= resampling(name)
    rules = read_nnunet(tiny.write(FULL, {"0": WEIGHTS})).models.run().own().preprocessing.nnunet
    assert rules is not None
    assert (rules.images, rules.coarse) == (images, "auto")


def change_plan(**values: Any) -> Callable[[TinyModel], object]:
    return lambda tiny: tiny.configurations[FULL].update(values)


def change_network(**values: Any) -> Callable[[TinyModel], object]:
    return lambda tiny: tiny.configurations[FULL]["architecture"]["arch_kwargs"].update(values)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (change_plan(preprocessor_name="MyPreprocessor"), "preprocessor_name is MyPreprocessor"),
        (change_plan(normalization_schemes=["MyNorm"]), "normalization_schemes is MyNorm"),
        (change_plan(resampling_fn_data="my_resampling"), "my_resampling"),
        (change_plan(resampling_fn_data_kwargs={"order": 0}), "order 3 or 1"),
        (change_plan(patch_size=[8, 8]), "patch_size"),
        (change_plan(patch_size=[8, 12, 15]), "multiples of 4x4x2"),
        (change_network(kernel_sizes=[[2, 2, 2], [3, 3, 3], [3, 3, 3]]), "odd numbers"),
        (change_plan(spacing="near"), "spacing"),
        (change_plan(architecture={"network_class_name": "my.Mamba", "arch_kwargs": {}}), "my.Mamba"),
        (change_network(norm_op="torch.nn.modules.normalization.LayerNorm"), "LayerNorm"),
        (change_network(norm_op=None), "norm_op is None"),
        (change_network(nonlin="torch.nn.ReLU"), "torch.nn.ReLU"),
        (change_network(nonlin_kwargs={"negative_slope": 0.2}), "negative_slope is 0.2"),
        (change_network(norm_op_kwargs={"eps": 1e-3}), "eps is 0.001"),
        (change_network(nonlin_first=True), "nonlin_first"),
        (change_network(conv_op="torch.nn.modules.conv.Conv1d"), "Conv1d"),
        (change_network(kernel_sizes=[[3, 3, 3]]), "one per stage"),
        (change_network(n_stages="three"), "n_stages"),
        (lambda tiny: setattr(tiny, "reader", "MyReader"), "image_reader_writer is MyReader"),
        (lambda tiny: setattr(tiny, "transpose", (0, 0, 1)), "transpose_forward"),
    ],
)
def test_what_is_not_known_is_named_and_refused(
    change: Callable[[TinyModel], object], named: str, tiny: TinyModel
) -> None:
    change(tiny)
    with pytest.raises(AutosegError) as refused:
        read_nnunet(tiny.write(FULL, {"0": WEIGHTS}))
    assert named in str(refused.value)


def test_dropout_changes_nothing(tiny: TinyModel) -> None:
    change_network(dropout_op="torch.nn.modules.dropout.Dropout3d", dropout_op_kwargs={"p": 0.5})(tiny)
    assert read_nnunet(tiny.write(FULL, {"0": WEIGHTS})).models.run().configuration == FULL


@pytest.mark.parametrize(
    ("trainer", "doubted"),
    [("nnUNetTrainer", False), ("nnUNetTrainer_250epochs", False), ("nnUNetTrainerDA5", False), ("MyTrainer", True)],
)
def test_trainers_that_do_not_come_with_nnunet_are_named(trainer: str, doubted: bool, tiny: TinyModel) -> None:
    tiny.trainer = trainer
    remarks = read_nnunet(tiny.write(FULL, {"0": WEIGHTS})).remarks
    assert [f"trained by {trainer}" in remark for remark in remarks] == ([True] if doubted else [])


def test_a_trainer_that_puts_batch_norms_into_its_network_is_known(tiny: TinyModel) -> None:
    tiny.trainer = "nnUNetTrainerBN"
    weights = TinyNetwork(batch_norm=True).make_weights()
    assert unet_of(read_nnunet(tiny.write(FULL, {"0": weights})).models.run().own()).norm == "batch"


STEP = "remove_all_but_largest_component_from_segmentation"


@pytest.mark.parametrize("place", [".", "crossval_results_folds_0_1_2_3_4"])
def test_post_processing_comes_from_a_readable_file(place: str, tiny: TinyModel) -> None:
    folder = tiny.write(FULL, {"0": WEIGHTS})
    (folder / place).mkdir(exist_ok=True)
    steps = {
        "postprocessing_fns": [STEP] * 2,
        "postprocessing_kwargs": [{"labels_or_regions": of} for of in ([1, 2], 2)],
    }
    (folder / place / "postprocessing.json").write_text(json.dumps({"input_folder": {}, **steps}))
    read = read_nnunet(folder)
    assert read.models.selection is not None
    chosen = read.models.selection.postprocessing
    assert [choice.options["values"] for choice in chosen] == [[1, 2], [2]]
    assert any("Post-processing" in remark for remark in read.remarks)


def test_post_processing_in_a_pickle_is_left_unopened(tiny: TinyModel) -> None:
    folder = tiny.write(FULL, {"0": WEIGHTS})
    (folder / "postprocessing.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    read = read_nnunet(folder)
    assert read.models.selection is None
    assert any("not opened" in remark for remark in read.remarks)


@pytest.mark.parametrize(
    ("name", "of", "named"),
    [("my_function", [1], "my_function"), (STEP, [7], "labels_or_regions"), (STEP, None, "None")],
)
def test_other_post_processing_is_refused(name: str, of: Any, named: str, tiny: TinyModel) -> None:
    folder = tiny.write(FULL, {"0": WEIGHTS})
    steps = {"postprocessing_fns": [name], "postprocessing_kwargs": [{"labels_or_regions": of}]}
    (folder / "postprocessing.json").write_text(json.dumps(steps))
    with pytest.raises(DataError, match=named):
        read_nnunet(folder)
