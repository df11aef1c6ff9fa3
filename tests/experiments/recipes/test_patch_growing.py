"""Patches that grow on planners' plans (Fischer 2024 and 2025)."""

from __future__ import annotations

import json
import shutil
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.training.curve import Line
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.publications import expand, list_published, read_published
from experiments.recipes.patch_growing import PATCH_GROWING, PATCH_GROWING_FILLED, PATCH_GROWING_NNUNET
from experiments.recipes.recipe import Recipe
from planners import PlanRequest, make_plan
from planners.defaults import NO_GROWTH
from planners.networks.memory_decisions import predict_configuration
from planners.plan import Plan
from planners.sizing.growth import list_sizes
from tests.synthetic.machines import BFLOAT16_CPU, GPU
from tests.synthetic.packages import do_in_turn
from tests.synthetic.scans import head, write_description, write_nifti
from tests.synthetic.small_networks import as_options

RECIPES = (PATCH_GROWING, PATCH_GROWING_FILLED, PATCH_GROWING_NNUNET)
each = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)


def plan_by(recipe: Recipe, data: str = "atlas_r2_mni", **changes: object) -> Plan:
    values: dict[str, object] = {"machine": GPU, "memory_gb": 8.0}
    request = PlanRequest(planner=recipe.name, **(values | changes))  # type: ignore[arg-type]
    return make_plan(expand(read_published(data)), request)


@each
@pytest.mark.parametrize("data", list_published())
def test_all_of_a_planners_configurations_grow_to_what_it_plans(recipe: Recipe, data: str) -> None:
    base = "nnunet" if recipe is PATCH_GROWING_NNUNET else "default"
    plan, planned = plan_by(recipe, data), plan_by(replace(recipe, name=base), data)
    assert plan.planner == recipe.name
    for ours, theirs in zip(plan.configurations, planned.configurations, strict=True):
        assert ours.training.growth != NO_GROWTH
        assert replace(ours.training, growth=NO_GROWTH) == theirs.training
        assert (ours.patch_shape, ours.batch_size, ours.network) == (
            theirs.patch_shape,
            theirs.batch_size,
            theirs.network,
        )
        before, after = predict_configuration(planned, theirs).total(), predict_configuration(plan, ours).total()
        assert after == pytest.approx(before, rel=0.01)


@each
def test_half_of_the_patches_hold_foreground_as_in_their_trainer(recipe: Recipe) -> None:
    # oversample_foreground_percent = 0.5
    for configuration in plan_by(recipe).configurations:
        assert configuration.sampling.patches.options["foreground_share"] == 0.5


def test_nnunets_brains_grow_through_nine_sizes() -> None:
    # 2 ** (pools + 1) along the first axis, 2 ** pools along the others, of 128x128x128 with five pools.
    sizes = list_sizes(plan_by(PATCH_GROWING_NNUNET).configurations[-1])
    assert [size.patch_shape for size in sizes][:2] == [(64, 32, 32), (64, 64, 32)]
    assert (len(sizes), sizes[-1].patch_shape) == (9, (128, 128, 128))
    assert {size.batch_size for size in sizes} == {2}


def test_the_performance_mode_fills_batches() -> None:
    sizes = list_sizes(plan_by(PATCH_GROWING_FILLED).configurations[-1])
    assert sizes[0].batch_size > 10 * sizes[-1].batch_size


def test_a_time_holds_more_of_the_cheaper_steps() -> None:
    machine = replace(BFLOAT16_CPU, multiplications_per_second=2e10)
    recipes = (replace(PATCH_GROWING, name="default"), PATCH_GROWING)
    plans = [plan_by(recipe, machine=machine, max_hours=1.0) for recipe in recipes]
    plain, grown = (plan.configurations[-1].training.iterations for plan in plans)
    assert 1.5 * plain < grown < 6 * plain
    # The reason that is given is of the number planned.
    assert [f"{grown:,} steps" in entry.evidence for entry in plans[1].decisions if entry.field == "training.growth"]
    assert not [entry for entry in plans[1].decisions if entry.field.endswith("training.iterations")]


def read_lines(workspace: Workspace, kind: str) -> list[Line]:
    curve = workspace.fold("default", "3d_fullres", "0").curve.read_text(encoding="utf-8")
    return [line for line in map(json.loads, curve.splitlines()) if line["kind"] == kind]


@pytest.mark.long
def test_a_growing_training_that_was_killed_goes_on_as_if_it_had_not_been_and_predicts(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    for index in range(5):
        image, labels = head(index, (20, 24, 16))
        write_nifti(raw / "imagesTr" / f"sub-{index}_0000.nii.gz", image)
        write_nifti(raw / "labelsTr" / f"sub-{index}.nii.gz", labels)
    write_description(raw, {"background": 0, "dark": 1, "bright": 2}, ("T1w",), 5)

    do = partial(do_in_turn, tmp_path)

    # Four sizes of three steps each; the kill is at the first step of the third.
    values = as_options(
        "training.iterations=12",
        "training.validation_rounds=4",
        "training.compiled=false",
        "prediction.step_share=1.0",
        "prediction.mirror_axes=[]",
        "3d_fullres.patch_shape=[16,24,16]",
        "3d_fullres.batch_size=2",
        "3d_fullres.network.options.features=[4,8]",
        "3d_fullres.network.options.kernels=[[3,3,3],[3,3,3]]",
        "3d_fullres.network.options.strides=[[1,1,1],[8,8,8]]",
        "3d_fullres.network.options.encoder_blocks=[1,1]",
        "3d_fullres.network.options.decoder_blocks=[1]",
    )
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    do("step::0", ("plan_and_preprocess", raw, "--planner", PATCH_GROWING.name, *values), place=("-w", whole))
    shutil.copytree(whole, killed)
    training = ("train", "0", "-c", "3d_fullres")
    do("step::0", training, place=("-w", whole))
    do("step::7", training, place=("-w", killed), code=-signal.SIGKILL)
    scan = write_nifti(tmp_path / "new.nii.gz", head(9, (20, 24, 16))[0])
    do("step::0", training, ("predict", scan, "-o", tmp_path / "mask.nii.gz", "-c", "3d_fullres"), place=("-w", killed))
    rounds = [
        [(line["iteration"], line["dice"]) for line in read_lines(Workspace(root=root), "validation")]
        for root in (whole, killed)
    ]
    assert [iteration for iteration, _ in rounds[0]] == [3, 6, 9]
    assert rounds[0] == rounds[1]
    weights = [Workspace(root=root).fold("default", "3d_fullres", "0").weight_files()[0] for root in (whole, killed)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    mask = np.asarray(nibabel.load(tmp_path / "mask.nii.gz").dataobj)
    assert mask.shape == (20, 24, 16)
    assert set(np.unique(mask)) <= {0, 1, 2}
