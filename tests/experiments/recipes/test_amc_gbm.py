"""The recipe amc_gbm_initial_fine, beside what its source says (section 3.1 of the thesis, where no other is named)."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from torch import nn

from autoseg.losses import build_objective
from autoseg.networks import build_network
from autoseg.sampling import Batch
from autoseg.training.curve import Curve
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.publications import expand, read_published
from experiments.recipes import amc_gbm
from experiments.recipes.amc_gbm import AMC_GBM, NAME, TABLE
from planners.choices import resolve
from planners.networks.training_memory import Shape, describe_execution, predict_memory
from planners.parts import AUGMENTATIONS, NETWORKS, OPTIMIZERS, SCHEDULES
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import find_planner, make_plan
from tests.synthetic.heads import plain_heads
from tests.synthetic.machines import BFLOAT16_CPU, GPU
from tests.synthetic.packages import do_in_turn
from tests.synthetic.scans import affine_of, head, write_description, write_nifti
from tests.synthetic.small_networks import as_options

FAMILY = {16: AMC_GBM, **{count: find_planner(f"{NAME}_{count}") for count in TABLE if count != 16}}


def make(data: str = "atlas_r2_mni", **changes: object) -> Plan:
    request = replace(PlanRequest(machine=GPU, memory_gb=12.0, planner=NAME), **changes)  # type: ignore[arg-type]
    return make_plan(expand(read_published(data)), request)


def phases(plan: Plan) -> tuple[Configuration, Configuration]:
    initial, fine = plan.configurations
    return initial, fine


@pytest.mark.parametrize("machine", [GPU, BFLOAT16_CPU])
def test_both_phases_see_boxes_of_176_208_96_whatever_the_machine(machine) -> None:
    """Source: `All of the network's input size (176 x 208 x 96)`."""
    plan = make(machine=machine)
    assert [(entry.name, entry.patch_shape) for entry in plan.configurations] == [
        ("initial", (176, 208, 96)),
        ("fine", (176, 208, 96)),
    ]
    assert plan.default_configuration == "fine"


def test_the_initial_phase_trains_on_eight_exclusive_sub_volumes_and_the_fine_one_on_crops_from_its_weights() -> None:
    """Source: `cropped into exclusive 8 subvolumes`; `we used the pre-trained model from the initial segmentation`."""
    initial, fine = phases(make())
    assert initial.sampling.patches.name == "grid"
    assert np.prod(initial.sampling.patches.options["parts"]) == 8
    assert initial.initial is None
    assert fine.sampling.patches.name == "crops_on_mask"
    assert fine.initial is not None
    assert (fine.initial.configuration, fine.initial.layers) == ("initial", "all")


def test_the_family_crops_as_often_as_the_rows_of_table_3_1() -> None:
    """Source: `The number of random cropping was expanded to 32 on a log scale`."""
    assert list(TABLE) == [1, 2, 4, 8, 16, 32]
    for count, recipe in FAMILY.items():
        _, fine = phases(make(planner=recipe.name))
        assert fine.sampling.patches.options["count"] == count


def test_the_optimizer_is_adam_at_a_constant_rate() -> None:
    """Source: `Adam optimizer`, with a rate of 5e-5 and a weight decay of 1e-6."""
    for phase in make().configurations:
        optimizer = resolve(phase.training.optimizer, OPTIMIZERS, "optimizer")
        assert phase.training.optimizer.name == "adam"
        assert (optimizer.lr, optimizer.weight_decay) == (5e-5, 1e-6)  # type: ignore[attr-defined]
        schedule = resolve(phase.training.schedule, SCHEDULES, "schedule")
        assert {schedule.factor(share, ()) for share in (0.0, 0.3, 0.999, 1.0)} == {1.0}


def test_the_loss_is_cross_entropy() -> None:
    """Source: `we used the cross-entropy loss`. Two voxels of three labels, worked out by hand."""
    (_, fine) = phases(make())
    objective = build_objective(fine.training.loss, plain_heads(3))
    logits = torch.log(torch.tensor([[0.7, 0.2], [0.2, 0.2], [0.1, 0.6]])).reshape(1, 3, 2, 1, 1)
    labels = torch.tensor([0, 1], dtype=torch.uint8).reshape(1, 2, 1, 1)
    loss = objective((logits,), Batch(images=torch.zeros(1, 1, 2, 1, 1), labels=labels))
    assert float(loss) == pytest.approx(-(np.log(0.7) + np.log(0.2)) / 2, rel=1e-6)


def test_the_network_is_a_3d_u_net_with_squeeze_and_excitation_and_dropout_of_whole_channels() -> None:
    """Source: Table 4.1, `3D U-Net with SE`; `spatial dropout probability of 0.05`."""
    initial, fine = phases(make())
    assert initial.network == fine.network
    with torch.device("meta"):
        network = build_network(fine, 1, 3)
    kinds = [type(module).__name__ for module in network.modules()]
    # One at the end of each of five levels of the encoder and four of the decoder.
    assert (kinds.count("SqueezeExcitation"), kinds.count("SpatialDropout")) == (9, 9)
    dropouts = [module for module in network.modules() if type(module).__name__ == "SpatialDropout"]
    assert {module.probability for module in dropouts} == {0.05}
    # Chapter 2 of the thesis: a U-Net of `23 convolutional layers`, with those that go up.
    convolutions = sum(isinstance(module, nn.Conv3d | nn.ConvTranspose3d) for module in network.modules())
    layers = resolve(fine.network, NETWORKS, "network").layers(1, 3, fine.network_patch())
    assert convolutions == layers.count_convolutions() == 23


def test_its_layers_are_those_of_the_network_built_and_fit_a_card_of_12_gib() -> None:
    plan = make()
    for phase in plan.configurations:
        with torch.device("meta"):
            network = build_network(phase, 1, 3)
        options = resolve(phase.network, NETWORKS, "network")
        layers = options.layers(1, 3, phase.network_patch())
        assert layers.parameters() == sum(parameter.numel() for parameter in network.parameters())
        shape = Shape(channels=1, outputs=3, patch=phase.network_patch(), batch_size=phase.batch_size)
        execution = describe_execution(phase.training, GPU, exclusive=True)
        assert 5 < predict_memory(options, shape, execution).total() / 2**30 < 8


def test_only_rotation_flips_and_resizing_are_left_of_the_augmentations() -> None:
    """Source: Table 4.1, `Random rotation, flipping, resizing, etc.`."""
    (_, fine) = phases(make())
    (augmentation,) = fine.sampling.augmentations
    options = resolve(augmentation, AUGMENTATIONS, "augmentation")
    chances = {name: getattr(options, name) for name in options.__dataclass_fields__ if name.endswith("_probability")}
    happening = {name for name, chance in chances.items() if chance > 0}
    masks = {"mask_change_probability", "mask_drop_probability", "channel_probability"}
    assert happening - masks == {"rotation_probability", "scaling_probability"}
    assert options.mirror  # type: ignore[attr-defined]


def test_t1_scans_are_normalised_by_the_last_peak_and_flair_scans_by_the_largest() -> None:
    """Source: `intensity normalized using white stipe package in r`; Table 4.1, `Biasfield correction`."""
    fingerprint = expand(read_published("atlas_r2_mni"))
    (channel,) = fingerprint.channels
    both = replace(fingerprint, channels=(replace(channel, name="T1CE"), replace(channel, name="FLAIR")))
    plan = AMC_GBM.plan(both, PlanRequest(machine=GPU, memory_gb=12.0, planner=NAME))
    choices = plan.configurations[0].preprocessing.normalization
    assert [choice.name for choice in choices] == ["white_stripe"] * 2
    assert [choice.options["peak"] for choice in choices] == ["last", "largest"]
    assert all(choice.options["bias_correction"] for choice in choices)


def test_slices_are_refused() -> None:
    published = replace(read_published("isles_2mm"), shape=(200, 200, 1))
    with pytest.raises(PlanError, match="Expected scans in 3D"):
        make_plan(expand(published), PlanRequest(machine=GPU, memory_gb=12.0, planner=NAME))


def test_what_was_published_is_table_3_1() -> None:
    values = {(figure.of, figure.measure): figure.value for figure in AMC_GBM.published}
    assert values["enhancing tumour, 16 crops", "DSC"] == "0.844±0.092"
    assert values["tumour core, 16 crops", "HD mm"] == "15.870±5.105"
    assert FAMILY[1].published[0].of == "enhancing tumour, 1 crop"  # type: ignore[attr-defined]
    assert all(len(recipe.published) == 8 for count, recipe in FAMILY.items() if count != 16)
    assert all(recipe.not_stated and recipe.deviations for recipe in FAMILY.values())


def test_the_recipe_is_no_longer_than_150_lines() -> None:
    assert len(Path(amc_gbm.__file__).read_text(encoding="utf-8").splitlines()) <= 150


STEPS = 3
SMALL = (
    f"training.iterations={STEPS}",
    "training.validation_rounds=0",
    "training.compiled=false",
    "patch_shape=[12,12,8]",
    "network.options.features=[4,8]",
    "network.options.kernels=[[3,3,3],[3,3,3]]",
    "network.options.strides=[[1,1,1],[2,2,2]]",
    "network.options.encoder_blocks=[1,1]",
    "network.options.decoder_blocks=[1]",
    "prediction.step_share=1.0",
    "prediction.mirror_axes=[0]",
)
SHAPE = (22, 24, 16)


def write_data_set(raw: Path) -> None:
    for index in range(5):
        image, labels = head(index, SHAPE)
        write_nifti(raw / "imagesTr" / f"sub-{index}_0000.nii.gz", image)
        write_nifti(raw / "labelsTr" / f"sub-{index}.nii.gz", labels)
    write_description(raw, {"background": 0, "core": 1, "enhancing": 2}, ("T1w",), 5)


@pytest.mark.long
def test_a_small_one_is_killed_in_its_second_phase_goes_on_predicts_and_is_scored(tmp_path: Path) -> None:
    raw, workspace = tmp_path / "raw", Workspace(root=tmp_path / "ws")
    write_data_set(raw)
    scan = write_nifti(tmp_path / "new.nii.gz", head(9, SHAPE)[0], affine_of((1, 2, 0), (-1, 1, 1)))

    do = partial(do_in_turn, tmp_path, place=("-w", workspace.root))

    plan = ("plan_and_preprocess", raw, "--planner", NAME, *as_options(*SMALL), "-c", "initial", "-c", "fine")
    train = ("train", "0", "-c", "fine", "--with-previous")
    folds = [workspace.fold("default", name, "0") for name in ("initial", "fine")]
    # The first phase runs in a process of its own.
    do(f"step::{STEPS - 1}", plan, train, code=-signal.SIGKILL)
    assert [bool(fold.weight_files()) for fold in folds] == [True, False]
    do("step::0", train, ("predict", scan, "-o", tmp_path / "mask.nii.gz", "--no-mirror", "-c", "fine"))
    assert folds[1].weight_files()
    begun = [line for line in Curve(path=folds[1].curve).read() if line["kind"] == "initial"]
    assert [line["share"] for line in begun] == [1.0]
    for fold in folds:
        scores = json.loads(fold.validation.metrics.read_text(encoding="utf-8"))
        (scored,) = scores["cases"]
        assert all(0 <= scored["labels"][label]["dice"] <= 1 for label in ("1", "2"))
    mask = nibabel.load(tmp_path / "mask.nii.gz")
    assert mask.shape == SHAPE
    assert set(np.unique(np.asarray(mask.dataobj))) <= {0, 1, 2}
