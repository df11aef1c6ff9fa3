"""Tomita 2020 against what its paper states; passages are quoted in the names or beside what is asserted."""

from __future__ import annotations

import math
import re
import signal
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from torch import nn

from autoseg.losses import build_objective
from autoseg.models.tensors import load_tensors
from autoseg.networks import UNet, build_network
from autoseg.networks.blocks import DecoderLevel, ResidualBlock
from autoseg.training.position import Position
from autoseg.training.weights import build_keeper
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.publications import expand, read_published
from dataset_fingerprints.sizes import GIB
from experiments.recipes.tomita2020 import TOMITA2020, TOMITA2020_SNAPSHOTS, TOMITA2020_ZOOM_IN
from planners import PlanRequest, make_plan
from planners.choices import resolve
from planners.networks.memory_decisions import predict_configuration
from planners.parts import NETWORKS, OPTIMIZERS, SCHEDULES
from planners.plan import Configuration, Plan
from planners.stage_inputs import Initial
from tests.synthetic.batches import measure
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.heads import plain_heads
from tests.synthetic.machines import GPU
from tests.synthetic.packages import do_in_turn
from tests.synthetic.scans import head, write_description, write_nifti

MNI = (197, 233, 189)
TRAINING_SCANS = 524  # four fifths of 655


@cache
def plan_of(name: str) -> Plan:
    return make_plan(expand(read_published("atlas_r2_mni")), PlanRequest(planner=name, machine=GPU, memory_gb=24.0))


def stage(name: str, recipe: str = "tomita2020") -> Configuration:
    return next(entry for entry in plan_of(recipe).configurations if entry.name == name)


@cache
def network() -> UNet:
    with torch.device("meta"):
        built = build_network(stage("zoom_out"), 1, 2)
    assert isinstance(built, UNet)
    return built


def count(kind: type[nn.Module] | tuple[type[nn.Module], ...]) -> int:
    return sum(isinstance(part, kind) for part in network().modules())


def test_the_stages_are_those_of_table_1() -> None:
    """Zoom-in: 128x128x128, 1200 epochs, 1e-3; zoom-out: 144x172x168, 150 epochs, 1e-4; Adam."""
    plan = plan_of("tomita2020")
    assert [entry.name for entry in plan.configurations] == ["zoom_in", "zoom_out"]
    assert plan.default_configuration == "zoom_out"
    expected = {"zoom_in": ((128, 128, 128), 1200, 1e-3), "zoom_out": ((144, 172, 168), 150, 1e-4)}
    for name, (patch, epochs, rate) in expected.items():
        assert stage(name).patch_shape == patch
        assert stage(name).training.iterations == epochs * TRAINING_SCANS
        assert stage(name).training.optimizer.name == "adam"
        assert resolve(stage(name).training.optimizer, OPTIMIZERS, "optimizer").lr == rate
        assert stage(name).preprocessing.spacing_mm == (1.0, 1.0, 1.0)  # "the canonical size of a voxel is 1 mm3"
    assert stage("zoom_out").initial == Initial(configuration="zoom_in")  # "first train them on small volumes"


def test_the_patches_are_24_and_48_percent_sub_volumes() -> None:
    shares = [math.prod(stage(name).patch_shape) / math.prod(MNI) for name in ("zoom_in", "zoom_out")]
    assert [round(share, 2) for share in shares] == [0.24, 0.48]


def test_the_model_has_52_layers() -> None:
    """Counted: convolutions, down-samplings, sums of residual blocks, and concatenations of up-sampling blocks."""
    convolutions = count((nn.Conv3d, nn.ConvTranspose3d))
    layers = resolve(stage("zoom_out").network, NETWORKS, "network").layers(1, 2, (144, 176, 168))
    assert convolutions == len(layers.every()) == 32
    assert (count(nn.AvgPool3d), count(ResidualBlock), count(DecoderLevel)) == (3, 14, 3)
    assert convolutions + count(nn.AvgPool3d) + count(ResidualBlock) + count(DecoderLevel) == 52
    assert layers.parameters() == sum(parameter.numel() for parameter in network().parameters())


def test_only_five_convolutional_layers_operate_on_the_original_scale_excluding_the_downsampled_path() -> None:
    found = []
    for name, part in network().named_modules():
        if isinstance(part, nn.Conv3d):
            part.register_forward_hook(
                lambda module, inputs, output, name=name: found.append((name, inputs[0].shape[2:], output.shape[2:]))
            )
    network()(torch.empty(1, 1, 16, 16, 16, device="meta"))
    original = [name for name, before, after in found if before == after == (16, 16, 16)]
    assert len(original) == 5


def test_a_group_normalization_layer_follows_in_every_residual_block() -> None:
    """Figure 1: "Our 3D residual block uses a group-normalization (gn) layer"."""
    assert count(nn.GroupNorm) == 2 * count(ResidualBlock)


@pytest.mark.parametrize(("name", "card_gb"), [("zoom_in", 12), ("zoom_out", 24)])
def test_a_stage_fits_into_the_card_of_table_1(name: str, card_gb: int) -> None:
    """Titan Xp with 12 GB, Titan RTX with 24 GB."""
    memory = predict_configuration(plan_of("tomita2020"), stage(name))
    assert 0.5 * card_gb < memory.total() / GIB < card_gb


def test_172_voxels_cost_the_memory_of_176() -> None:
    uneven = stage("zoom_out")
    memory, even = (
        predict_configuration(plan_of("tomita2020"), replace(uneven, patch_shape=patch))
        for patch in ((144, 172, 168), (144, 176, 168))
    )
    assert memory.passing == even.passing
    assert memory.activations < even.activations  # of the loss, which sees the real voxels only
    assert memory.activations > 0.99 * even.activations


@pytest.mark.parametrize(
    ("name", "epoch", "factor"),
    [
        ("zoom_in", 0, 1.0),
        ("zoom_in", 25, 0.5),
        ("zoom_in", 50, 1.0),
        ("zoom_in", 1200, 0.0),
        ("zoom_out", 0, 1.0),
        ("zoom_out", 25, 0.5),
        ("zoom_out", 49.999, 0.0),
        ("zoom_out", 50, 1.0),
        ("zoom_out", 75, 0.5),
        ("zoom_out", 100, 1.0),
        ("zoom_out", 112.5, 0.5 * (1 + math.cos(math.pi / 4))),
        ("zoom_out", 150, 0.0),
    ],
)
def test_cosine_annealing_with_warm_restart_scheduler(name: str, epoch: float, factor: float) -> None:
    """Of SGDR; restarts every 50 epochs, for the models "at the 50th, 100th, and 150th epoch" are ends of cycles."""
    epochs = {"zoom_in": 1200, "zoom_out": 150}[name]
    schedule = resolve(stage(name).training.schedule, SCHEDULES, "schedule")
    assert schedule.factor(epoch / epochs, ()) == pytest.approx(factor, abs=1e-6)


def test_snapshots_are_models_at_the_50th_100th_and_150th_epoch(tmp_path: Path) -> None:
    weights = stage("zoom_out", "tomita2020_snapshots").training.weights
    folder = FoldFolder(root=tmp_path)
    keeper = build_keeper(weights, nn.Linear(1, 1), folder)
    for epoch in range(1, 151):
        keeper.update(Position(iteration=epoch, iterations=150))
    keeper.write(Position(iteration=150, iterations=150))
    assert [load_tensors(path)[1]["iteration"] for path in folder.weight_files()] == ["50", "100", "150"]
    assert stage("zoom_in", "tomita2020_snapshots") == stage("zoom_in")


def test_the_final_model_is_that_of_the_150th_epoch_of_finetuning() -> None:
    assert stage("zoom_out").training.weights.name == "last"


def test_the_objective_is_an_affine_combination_of_bce_and_dice_loss() -> None:
    """Four voxels of which one is lesion, with probabilities 0.8, 0.3, 0.1 and 0.2."""
    probabilities = torch.tensor([0.8, 0.3, 0.1, 0.2], dtype=torch.float64)
    logits = torch.stack([torch.zeros(4, dtype=torch.float64), torch.log(probabilities / (1 - probabilities))])
    labels = torch.tensor([1, 0, 0, 0], dtype=torch.uint8)
    bce = -(math.log(0.8) + math.log(0.7) + math.log(0.9) + math.log(0.8)) / 4
    dice = 1 - 2 * 0.8 / (1.4 + 1)
    found = measure(build_objective(stage("zoom_in").training.loss, plain_heads(2)), logits[None], labels[None])
    # 1e-5 above and below the fraction of Dice moves it by less.
    assert found.item() == pytest.approx(0.1 * bce + 0.9 * dice, abs=1e-5)
    options = stage("zoom_in").training.loss.options
    assert options["dice_weight"] + options["cross_entropy_weight"] == 1  # affine


def test_a_center_144x172x168_volume_is_fed_to_the_network() -> None:
    for name in ("tomita2020", "tomita2020_snapshots", "tomita2020_zoom_in"):
        for entry in plan_of(name).configurations:
            assert entry.prediction.centre_shape == entry.tile_shape() == (144, 172, 168)
            assert entry.prediction.mirror_axes == ()


def test_f_denotes_the_model_without_the_finetuning_step() -> None:
    assert plan_of("tomita2020_zoom_in").configurations == (stage("zoom_in"),)


def test_all_published_figures_are_there() -> None:
    numbers = {"3D-ResU-Net": 9, "3D-ResU-Net-E": 6, "3D-ResU-Net-F": 6, "Q1": 5, "Q2": 5, "Q3": 5, "Q4": 5}
    figures = [figure for one in (TOMITA2020, TOMITA2020_SNAPSHOTS, TOMITA2020_ZOOM_IN) for figure in one.published]
    assert {name: sum(figure.of == name for figure in figures) for name in numbers} == numbers
    assert len(figures) == sum(numbers.values())
    dice = {figure.of: figure.value for figure in figures if figure.measure == "DSC"}
    assert dice["3D-ResU-Net"] == "0.64 (.51-.76)"
    # The quarters' mean is that of all.
    assert np.mean([float(dice[f"Q{number}"][:4]) for number in (1, 2, 3, 4)]) == pytest.approx(0.64, abs=0.005)


def test_scans_of_a_single_slice_are_refused() -> None:
    flat = make_fingerprint(repeat_case(5, SyntheticCase(body_shape=(100, 100, 1), spacing_mm=(1.0, 1.0, 5.0))))
    with pytest.raises(PlanError, match="is for volumes"):
        make_plan(flat, PlanRequest(planner="tomita2020", machine=GPU, memory_gb=24.0))


SHAPE, CENTRE = (26, 30, 22), (18, 22, 20)
SMALL = {
    "network.options.features": [4, 4, 8, 8],
    "network.options.groups": 2,
    "network.options.encoder_blocks": [1, 1, 1, 1],
    "network.options.decoder_blocks": [1, 1, 1],
    "prediction.centre_shape": list(CENTRE),
    "prediction.tile_shape": list(CENTRE),
    "training.validation_rounds": 1,
    "training.compiled": "false",
    "training.iterations": 3,
}


@pytest.mark.slow
def test_it_zooms_in_is_killed_zooms_out_and_predicts_with_snapshots_of_a_patch_that_strides_do_not_divide(
    tmp_path: Path,
) -> None:
    raw, workspace = tmp_path / "raw", Workspace(root=tmp_path / "ws")
    for index in range(5):
        image, labels = head(index, SHAPE)
        write_nifti(raw / "imagesTr" / f"sub-{index}_0000.nii.gz", image)
        write_nifti(raw / "labelsTr" / f"sub-{index}.nii.gz", (labels > 0).astype(np.uint8))
    write_description(raw, {"background": 0, "lesion": 1}, ("T1w",), 5)
    values = [f"{name}.{field}={value}" for name in ("zoom_in", "zoom_out") for field, value in SMALL.items()]
    values += ["zoom_in.patch_shape=[16,16,16]", f"zoom_out.patch_shape={list(CENTRE)}"]
    options = [word for value in values for word in ("--set", value)]

    do = partial(do_in_turn, tmp_path)

    where = ("-w", workspace.root)
    # The fifth step is the second one of zooming out.
    plan = ("plan_and_preprocess", raw, "--planner", "tomita2020_snapshots", *options, *where)
    train = ("train", "0", *where)
    do("step::5", plan, (*train, "-c", "zoom_in"), train, code=-signal.SIGKILL)
    assert not workspace.fold("default", "zoom_out", "0").validation.metrics.is_file()
    image, labels = head(9, SHAPE)
    scan = write_nifti(tmp_path / "new.nii.gz", image)
    reference = write_nifti(tmp_path / "reference.nii.gz", (labels > 0).astype(np.uint8))
    predict = ("predict", scan, "-o", tmp_path / "mask.nii.gz", *where)
    scores = tmp_path / "scores" / "metrics.json"
    as_he = ("--convention", "tomita2020", "--by", "quartile", "-o", scores)
    do("step::0", train, predict, ("evaluate", tmp_path / "mask.nii.gz", reference, *as_he))
    assert {"micro_dice", "maximal_dice"} <= {*re.findall(r"\w+", scores.read_text(encoding="utf-8"))}
    assert "quartile" in scores.with_name("metrics-groups.csv").read_text(encoding="utf-8")
    fold = workspace.fold("default", "zoom_out", "0")
    assert [load_tensors(path)[1]["iteration"] for path in fold.weight_files()] == ["1", "2", "3"]
    assert fold.validation.metrics.is_file()
    mask = np.asarray(nibabel.load(tmp_path / "mask.nii.gz").dataobj)
    assert mask.shape == SHAPE
    assert mask.any()
    outside = np.ones(SHAPE, dtype=bool)
    outside[4:22, 4:26, 1:21] = False
    # "All the voxels outside of the cropping window are automatically classified as negative."
    assert not mask[outside].any()
