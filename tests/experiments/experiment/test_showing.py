"""A recipe as tables: its source and its plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dataset_fingerprints.errors import DataError, PlanError
from experiments.experiment.showing import describe_plan, describe_recipe, plan_at_full_size
from experiments.recipes import find_recipe
from planners.choices import Choice
from planners.editing.scaling import scale_plan

ATLAS = Path("atlas_r2_mni")


def test_a_recipe_shows_its_source_figures_choices_deviations_and_plan() -> None:
    tables = {table.title: table for table in describe_recipe("nnunet_resenc_l", ATLAS)}
    recipe = find_recipe("nnunet_resenc_l")
    assert f"Source: {recipe.citation}" in tables["nnunet_resenc_l"].remarks
    assert ("ATLAS R2.0", "Dice, %", "63.12", "-") in tables["Published figures, none of them ours"].rows
    assert tables["Not stated: chosen"].remarks == tuple(f"- {sentence}" for sentence in recipe.not_stated)
    assert len(tables["Stated, and otherwise here"].remarks) == len(recipe.deviations)
    plan = tables["Planned for atlas_r2_mni on a GPU elsewhere, 24 GiB"]
    rows = {row[0]: dict(zip(plan.columns[1:], row[1:], strict=True)) for row in plan.rows}
    assert rows["patch"]["3d_fullres"] == "192x224x160 voxels"
    assert rows["layers"]["3d_fullres"] == "72 convolutions"
    assert rows["weights"]["3d_fullres"] == "102.3 million"
    assert plan.remarks == ("Predicts with 3d_fullres.",)


def test_an_ensemble_its_post_processing_and_a_scale_are_said() -> None:
    plan = replace(scale_plan(plan_at_full_size("nnunet", ATLAS), 8), ensemble=("2d", "3d_fullres"))
    filtered = Choice(name="smallest_volume", options={"volume_mm3": 30.0})
    recipe = replace(find_recipe("nnunet"), postprocessing=(filtered,))
    assert describe_plan(plan, recipe).remarks == (
        "Predicts with the mean of 2d and 3d_fullres; then smallest_volume (volume_mm3 30).",
        "Scale: 1/8 of full size: a deviation (--scale).",
    )


def test_another_gpu_and_an_unknown_data_set() -> None:
    assert plan_at_full_size("nnunet", ATLAS, 16.0).memory_gb == 16
    with pytest.raises(PlanError, match="--gpu-memory-gb is 0"):
        plan_at_full_size("nnunet", ATLAS, 0.0)
    with pytest.raises(DataError, match="published data set"):
        plan_at_full_size("nnunet", Path("nothing_such"))


def rows_of(name: str) -> dict[str, tuple[str, ...]]:
    table = describe_plan(plan_at_full_size(name, ATLAS), find_recipe(name))
    return {row[0]: row[1:] for row in table.rows}


def test_parts_are_shown_with_the_rate_and_what_is_not_usual_and_a_constant_rate_is_said() -> None:
    keras = rows_of("keras_unet_cce_dice")
    assert keras["loss"] == ("dice_ce (batch_dice True, smooth 1)",)
    assert keras["optimiser"] == ("adam (lr 0.001)",)
    assert keras["schedule"] == ("poly (exponent 0): a constant rate",)
    assert rows_of("nnunet")["schedule"] == ("poly", "poly")
    assert rows_of("tomita2020")["patch"][1] == "144x172x168 voxels, padded to 144x176x168"


def remarks_of(name: str, data: Path = ATLAS) -> str:
    return "\n".join(describe_plan(plan_at_full_size(name, data), find_recipe(name)).remarks)


def test_networks_of_different_labels_are_not_said_to_be_averaged() -> None:
    assert "Predicts with Anterior and Posterior together." in remarks_of("amc_dental", Path("msd_hippocampus"))


def test_a_recipe_that_trains_on_scans_without_labels_is_planned_with_some_and_says_how_to_name_them() -> None:
    remarks = remarks_of("mapping2022")
    assert "Predicts with the mean of default, dtk10, residual and self_training." in remarks
    assert "which train self_training too: name yours with `--unlabelled`" in remarks
    assert "scans without labels" not in remarks_of("nnunet")


def test_a_memory_over_that_of_the_gpu_is_said() -> None:
    assert "Memory: more than the 8.00 GiB planned for is needed by residual (8.18 GiB)." in remarks_of("mapping2022")
    assert "Memory" not in remarks_of("nnunet")


def test_sizes_that_a_training_grows_through_are_listed_with_their_steps() -> None:
    remarks = remarks_of("patch_growing_nnunet")
    assert "Growth of 3d_fullres (patches of voxels): 9 sizes, about 27,778" in remarks
    assert "27,778 steps each: 2 of 64x32x32, 2 of 64x64x32, 2 of 64x64x64, 2 of 96x64x64" in remarks
    assert "2 of 128x128x128." in remarks


def test_where_patches_grow_a_step_is_one_of_the_optimiser_alone() -> None:
    rows = rows_of("patch_growing_nnunet")
    assert "the last of 9 sizes; the first is 2 patches of 64x32x32" in rows["patch"][-1]
    assert not any("step" in cell for what, cells in rows.items() if what != "steps" for cell in cells)


def test_a_source_without_figures_says_so() -> None:
    titles = [table.title for table in describe_recipe("keras_unet_cce", ATLAS)]
    assert "Published figures: none are stated" in titles
