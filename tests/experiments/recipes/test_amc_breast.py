"""The recipe amc_breast, beside what its source says (section 3.3 of the thesis, where no other is named)."""

from __future__ import annotations

import csv
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from autoseg.models import read_settings
from autoseg.preprocessing import Record, divide_case, whole
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.geometry import make_box, make_grid
from dataset_fingerprints.publications import expand, read_published
from experiments.recipes.amc_breast import (
    AMC_BREAST,
    AMC_BREAST_3D,
    AMC_BREAST_NNUNET_2D,
    AMC_BREAST_NNUNET_3D,
    NAME,
    TISSUES,
)
from experiments.recipes.recipe import Recipe
from planners.choices import resolve
from planners.networks.memory_decisions import predict_configuration
from planners.parts import AUGMENTATIONS, NETWORKS
from planners.parts.augmentations import StandardOptions
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import make_plan
from planners.stage_inputs import Initial
from planners.subsets import CasesWhere
from tests.synthetic.configurations import unet_of
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import BFLOAT16_CPU, GPU
from tests.synthetic.packages import do_in_turn
from tests.synthetic.scans import head, write_description, write_nifti
from tests.synthetic.small_networks import as_options

FAMILY = (AMC_BREAST, AMC_BREAST_3D, AMC_BREAST_NNUNET_2D, AMC_BREAST_NNUNET_3D)
# As the source's scans: 512x512 pixels, at two voxel sizes, of which the median is 0.82 mm.
SCANS = [
    *repeat_case(29, SyntheticCase(body_shape=(512, 512, 180), spacing_mm=(0.9, 0.9, 0.9))),
    *repeat_case(29, SyntheticCase(body_shape=(512, 512, 160), spacing_mm=(0.742, 0.742, 1.0))),
]
CHESTS = make_fingerprint(SCANS, labels=4, name="Breasts")

every_one = pytest.mark.parametrize("recipe", FAMILY, ids=lambda recipe: recipe.name)


def make(recipe: Recipe, **changes: object) -> Plan:
    request = replace(PlanRequest(machine=GPU, memory_gb=24.0, planner=recipe.name), **changes)  # type: ignore[arg-type]
    return make_plan(CHESTS, request)


def regimes(plan: Plan) -> dict[str, Configuration]:
    return {entry.name: entry for entry in plan.configurations}


@every_one
def test_four_regimes_are_trained_prone_supine_one_after_the_other_and_pooled(recipe: Recipe) -> None:
    """Source: `supine, prone, transferred from prone to supine and pooled`."""
    found = regimes(make(recipe))
    assert list(found) == ["prone", "supine", "prone_to_supine", "pooled"]
    assert {name: entry.only_cases for name, entry in found.items()} == {
        "prone": CasesWhere(column="posture", value="prone"),
        "supine": CasesWhere(column="posture", value="supine"),
        "prone_to_supine": CasesWhere(column="posture", value="supine"),
        "pooled": None,
    }
    assert found["prone_to_supine"].initial == Initial(configuration="prone")
    assert [found[name].initial for name in ("prone", "supine", "pooled")] == [None] * 3
    # In nothing else do they differ.
    plain = [replace(entry, name="one", only_cases=None, initial=None) for entry in found.values()]
    assert all(entry == plain[0] for entry in plain)


@every_one
def test_scans_are_cut_in_half_and_the_left_breast_is_mirrored_to_the_right(recipe: Recipe) -> None:
    """Source: `cutting in half around the x-axis`, `All breasts (N = 116) ... were flipped into the right breast`."""
    plan = make(recipe)
    halves = plan.configurations[0].halves
    assert halves is not None
    assert all(entry.halves == halves for entry in plan.configurations)
    # Canonical axes run from the patient's left to the right.
    shape = (512, 512, 160)
    done = Record(box=make_box((0, 0, 0), shape), shape=shape, source_grid=make_grid(shape, np.eye(4)))
    left, right = divide_case(whole(done), halves, done)
    assert (left.mirrored, right.mirrored) == (0, -1)
    assert left.box.shape() == right.box.shape() == (256, 512, 160)


def test_the_2d_unet_sees_slices_of_256_by_512() -> None:
    """Source: `converted from 512 x 512 to 256 x 512`; the U-Net of chapter 2 has 23 convolutions."""
    plan = make(AMC_BREAST)
    prone = regimes(plan)["prone"]
    assert (prone.patch_shape, prone.slice_axis) == ((256, 512, 1), 2)
    network = resolve(prone.network, NETWORKS, "network")
    layers = network.layers(plan.input_channels(prone), plan.scheme.heads().count(), prone.network_patch())
    assert layers.count_convolutions() == 23
    assert unet_of(prone).downsampling == "pool"
    assert plan.scheme.heads().count() == 5, "four tissues and background"


@every_one
def test_all_of_them_fit_into_24_gib(recipe: Recipe) -> None:
    plan = make(recipe)
    assert all(predict_configuration(plan, entry).total() / 2**30 < 24 * 1.05 for entry in plan.configurations)


def test_the_unets_normalise_each_image_by_its_mean_and_deviation_and_learn_by_dice() -> None:
    """Source: `subtracting the average image intensity ... and dividing the pixel by the standard deviation`.

    Table 4.1: loss DSC; augmentation by random rotation, flipping, resizing, etc.; the section adds Gaussian noise.
    """
    for recipe in (AMC_BREAST, AMC_BREAST_3D):
        for entry in make(recipe).configurations:
            assert [choice.name for choice in entry.preprocessing.normalization] == ["zscore"]
            assert entry.training.loss.name == "dice"
            (augmentation,) = entry.sampling.augmentations
            options = resolve(augmentation, AUGMENTATIONS, "augmentation")
            assert isinstance(options, StandardOptions)
            drawn = {name for name in StandardOptions.__slots__ if name.endswith("_probability")}
            # Of each channel where a sample is blurred, and of masks of other configurations, of which there are none.
            drawn -= {"channel_probability", "mask_change_probability", "mask_drop_probability"}
            used = {name for name in drawn if getattr(options, name)}
            assert used == {"rotation_probability", "scaling_probability", "noise_probability"}
            assert options.mirror


def test_nnunets_patches_are_planned_for_halves() -> None:
    flat, volume = (make(recipe).configurations[0] for recipe in (AMC_BREAST_NNUNET_2D, AMC_BREAST_NNUNET_3D))
    assert flat.slice_axis >= 0
    assert volume.slice_axis == -1
    # 512 pixels of 0.82 mm on the median grid; half of them, rounded up to what the network can halve.
    for entry in (flat, volume):
        assert entry.patch_shape[0] <= 320
        assert entry.training.loss.name == "dice_ce"


def test_patients_stay_in_one_fold_with_both_scans() -> None:
    assert all(make(recipe).folds == "by_subject" for recipe in FAMILY)


def test_published_figures_are_those_of_the_section_and_of_table_4_1() -> None:
    figures = {figure.of: figure.value for figure in AMC_BREAST.published}
    assert TISSUES == {
        "lungs and heart": "0.987±0.003",
        "muscles and bones": "0.966±0.011",
        "parenchyma with cancer": "0.870±0.085",
        "skin and fat": "0.956±0.016",
    }
    assert figures["2D against 3D U-Net"] == "1.1"
    assert figures["Table 4.1, all tissues"] == "0.95±0.08"


def test_scans_of_one_slice_are_refused_in_3d() -> None:
    flat = make_fingerprint(repeat_case(6, SyntheticCase(body_shape=(64, 64, 1))))
    with pytest.raises(PlanError, match=f"has no volumes.*{NAME}"):
        make_plan(flat, PlanRequest(machine=GPU, memory_gb=24.0, planner=AMC_BREAST_3D.name))


@every_one
def test_it_is_the_same_on_any_machine_and_for_a_published_data_set(recipe: Recipe) -> None:
    request = PlanRequest(machine=BFLOAT16_CPU, memory_gb=24.0, planner=recipe.name)
    plan = make_plan(expand(read_published("atlas_r2_mni")), request)
    assert plan.default_configuration == "prone"
    assert plan.planner == recipe.name


STEPS = 3
QUICK = (
    f"training.iterations={STEPS}",
    "training.validation_rounds=0",
    "training.compiled=false",
    "prediction.step_share=1.0",
    "prediction.mirror_axes=[]",
)
SHAPE = (20, 24, 16)


@pytest.mark.long
def test_scaled_it_goes_from_prone_to_supine_after_a_kill_and_both_postures_are_scored(tmp_path: Path) -> None:
    raw, workspace = tmp_path / "raw", Workspace(root=tmp_path / "ws")
    lines = ["case\tsubject\tposture"]
    for patient in range(4):
        for number, posture in enumerate(("prone", "supine")):
            name = f"p{patient}-{posture}"
            image, labels = head(2 * patient + number, SHAPE)
            write_nifti(raw / "imagesTr" / f"{name}_0000.nii.gz", image)
            write_nifti(raw / "labelsTr" / f"{name}.nii.gz", labels)
            lines.append(f"{name}\tp{patient}\t{posture}")
    write_description(raw, {"background": 0, "dark": 1, "bright": 2}, ("T1w",), 8)
    (raw / "cases.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    do = partial(do_in_turn, tmp_path)

    place = ("-w", workspace.root)
    named = ("--planner", NAME, "--plan-name", NAME, "--scale", 1024, "--splits", "by-subject")
    plan = ("plan_and_preprocess", raw, *named, *as_options(*QUICK), *place)
    go = ("experiment", "run", NAME, "0", "-c", "prone_to_supine", *place)
    # In the second training, of the weights of the first.
    do(f"step::{2 * STEPS - 1}", plan, go, code=-signal.SIGKILL)
    models = (f"{workspace.root}/models/{NAME}/{name}" for name in ("prone", "prone_to_supine"))
    matrix = ("experiment", "matrix", *models, "--data", f"mri={raw}")
    do("step::0", go, (*matrix, "--by", "posture", "-o", tmp_path / "matrix"))
    transferred, prone = (workspace.fold(NAME, name, "0") for name in ("prone_to_supine", "prone"))
    runs = [read_settings(folder) for folder in (transferred, prone)]
    assert [{case.split("-")[1] for case in run.train_cases} for run in runs] == [{"supine"}, {"prone"}]
    assert [{case.split("-")[1] for case in run.validation_cases} for run in runs] == [{"prone", "supine"}] * 2
    # Whom the first was trained on, the second knows of.
    assert set(runs[1].has_seen().scans) < set(runs[0].has_seen().scans)
    with (tmp_path / "matrix" / "matrix.csv").open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["group"] for row in rows} == {"prone", "supine"}
    # Of the four patients, one is left to fold 0; of the others, a scan in one posture or both has been seen.
    assert [row["model"] for row in rows if row["label"] == "dark" and row["metric"] == "dice"] == [
        *(2 * [f"{NAME}-prone"]),
        *(2 * [f"{NAME}-prone_to_supine"]),
    ]
    assert {(row["seen"], row["all seen"]) for row in rows} == {("3", "no")}
    assert all(0 <= float(row["mean"]) <= 1 for row in rows if row["mean"])
