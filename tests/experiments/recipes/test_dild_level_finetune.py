"""The recipe of two levels of labels, beside section 4.3 of its source."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from autoseg.losses import build_objective
from autoseg.models import read_settings
from autoseg.networks import build_network
from autoseg.sampling import Batch
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.publications import expand, read_published
from experiments.recipes import list_recipes
from experiments.recipes.dild_level_finetune import METHODS, NAME, PATTERNS, RATIOS
from planners.choices import resolve
from planners.networks.training_memory import Shape, describe_execution, predict_memory
from planners.parts import AUGMENTATIONS, NETWORKS, OPTIMIZERS, PATCHES, SCHEDULES
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import make_plan
from planners.stage_inputs import Initial
from planners.subsets import CasesWhere
from tests.synthetic.heads import plain_heads
from tests.synthetic.machines import BFLOAT16_CPU, GPU
from tests.synthetic.packages import do_in_turn
from tests.synthetic.patches import SIZE, FieldScans, write_field_scans
from tests.synthetic.scans import write_csv, write_nifti
from tests.synthetic.small_networks import as_options


def make(**changes: object) -> Plan:
    """Return a plan for scans as section 4.3 describes them: slices of 512x512, 5 to 10 mm apart."""
    published = replace(
        read_published("isles_2mm"), cases=1292, channels=("CT",), shape=(512, 512, 40), spacing_mm=(0.7, 0.7, 7.0)
    )
    request = replace(PlanRequest(machine=GPU, memory_gb=24.0, planner=NAME), **changes)  # type: ignore[arg-type]
    return make_plan(expand(published), request)


def stages(plan: Plan) -> tuple[Configuration, Configuration]:
    weak, fine = plan.configurations
    return weak, fine


@pytest.mark.parametrize("machine", [GPU, BFLOAT16_CPU])
def test_weak_labels_come_first_and_fine_ones_go_on_from_their_weights(machine) -> None:
    """Source: `trained based on the classification results of the SVM`; `fine-tuned the U-Net-based semantic`."""
    plan = make(machine=machine)
    weak, fine = stages(plan)
    assert (weak.initial, fine.initial) == (None, Initial(configuration="weak"))
    assert weak.only_cases == CasesWhere(column="data_set", value="weak")
    assert fine.only_cases == CasesWhere(column="data_set", value="fine")
    assert plan.default_configuration == fine.name
    assert weak.preprocessing == fine.preprocessing, "one store for both"


def test_images_of_one_patient_lie_in_one_fold() -> None:
    """Source: `Images from the same patient were not used in both the training set and test set`."""
    assert make().folds == "by_subject"


def test_slices_are_axial_and_whole() -> None:
    """Source: `randomly selected axial images`; `stacking adjacent 2D results`."""
    for stage in make().configurations:
        assert (stage.slice_axis, stage.patch_shape) == (2, (512, 512, 1))


def test_augmentation_is_noise_rotation_zoom_and_a_horizontal_flip() -> None:
    """Source: `Gaussian noise with an SD of 0.1`; `-10° to +10°, zooming it by 0`, `flipping it horizontally`."""
    for stage in make().configurations:
        (augmentation,) = stage.sampling.augmentations
        options = resolve(augmentation, AUGMENTATIONS, "augmentation")
        chances = {name: getattr(options, name) for name in options.__dataclass_fields__ if "_probability" in name}
        # Masks of other configurations, of which it sees none, and the channels of a blur that never is.
        left = {name for name, chance in chances.items() if chance > 0 and "mask" not in name and "channel" not in name}
        assert left == {"noise_probability", "rotation_probability", "scaling_probability"}
        assert options.noise_deviation == 0.1
        assert options.in_plane_rotation_deg == options.elongated_rotation_deg == 10
        assert [1 / options.scaling_high, 1 / options.scaling_low] == pytest.approx([1.0, 1.2])
        assert [options.mirrors(axis) for axis in range(3)] == [True, False, False]
        assert stage.prediction.mirror_axes == ()


def test_adam_at_a_hundred_thousandth_throughout() -> None:
    """Source: `Adam optimizer`; `learning rates of 10`, to the power of -5."""
    for stage in make().configurations:
        optimizer = resolve(stage.training.optimizer, OPTIMIZERS, "optimizer")
        schedule = resolve(stage.training.schedule, SCHEDULES, "schedule")
        assert stage.training.optimizer.name == "adam"
        assert [optimizer.lr * schedule.factor(share, ()) for share in (0.0, 0.99)] == [1e-5, 1e-5]


def test_dice_is_that_of_the_whole_mini_batch_worked_out_by_hand() -> None:
    """Source: `The DSC was used as a loss function and was calculated in mini-batch units`."""
    labels = torch.tensor([[[1, 1], [0, 0]], [[0, 0], [0, 0]]], dtype=torch.uint8)
    # All of the first slice is found, and of the second, without lung, a quarter is taken for it.
    said = torch.tensor([[[1, 1], [0, 0]], [[1, 0], [0, 0]]], dtype=torch.float64).clamp(1e-9, 1 - 1e-9)
    logits = torch.stack((torch.zeros_like(said), torch.logit(said)), dim=1)
    objective = build_objective(stages(make())[0].training.loss, plain_heads(2))
    loss = float(objective((logits,), Batch(images=torch.zeros(2, 1, 2, 2), labels=labels)))
    assert loss == pytest.approx(1 - 2 * 2 / (3 + 2), abs=1e-4)


def test_every_mini_batch_holds_a_slice_with_lung() -> None:
    """Source: `mini-batch units with at least one sample containing lungs`."""
    for stage in make().configurations:
        options = resolve(stage.sampling.patches, PATCHES, "patches")
        assert options.foreground_share * stage.batch_size == 1  # type: ignore[attr-defined]


def test_layers_are_those_of_the_networks_built_and_fit_a_card_of_24_gib() -> None:
    """Source: chapter 2, a U-Net of `23 convolutional layers`, with those that go up."""
    plan = make()
    for stage in plan.configurations:
        outputs = plan.output_channels(stage)
        with torch.device("meta"):
            network = build_network(stage, 1, outputs)
        options = resolve(stage.network, NETWORKS, "network")
        layers = options.layers(1, outputs, stage.network_patch())
        assert layers.parameters() == sum(parameter.numel() for parameter in network.parameters())
        convolutions = sum(isinstance(part, nn.Conv2d | nn.ConvTranspose2d) for part in network.modules())
        assert convolutions == layers.count_convolutions() == 23
        shape = Shape(channels=1, outputs=outputs, patch=stage.network_patch(), batch_size=stage.batch_size)
        execution = describe_execution(stage.training, GPU, exclusive=True)
        assert 1 < predict_memory(options, shape, execution).total() / 2**30 < 24


def test_what_was_published_stands_as_printed_with_what_contradicts_it() -> None:
    """Source: `0.59 and 0.62`, `0.57 and 0.54`, `0.66 and 0.72` in the text; Table 4.3."""
    published = {figure.of: figure.value for figure in list_recipes()[NAME].published if figure.measure == "DSC"}
    assert [published[f"{method} and reader {reader}, text"] for reader in (1, 2) for method in METHODS] == [
        *("0.59", "0.57", "0.66"),
        *("0.62", "0.54", "0.72"),
    ]
    assert published["U-Net on weak labels and reader 2, Table 4.3"] == "0.664±0.185"
    assert published["reader 1 and reader 2"] == "0.71"


def test_ratios_of_six_patterns_add_up_to_one() -> None:
    """Source: Tables 4.2 and 4.4."""
    for row in RATIOS.values():
        ratios = [float(cell.partition("(")[0]) for cell in row.split()]
        assert len(ratios) == len(PATTERNS.split()) == 6
        assert np.sum(ratios) == pytest.approx(1, abs=0.0015)


def test_slices_across_another_axis_are_refused() -> None:
    coronal = expand(replace(read_published("isles_2mm"), channels=("CT",), shape=(200, 1, 200)))
    with pytest.raises(PlanError, match=f"{NAME} is for axial ones"):
        make_plan(coronal, PlanRequest(machine=GPU, memory_gb=24.0, planner=NAME))


STEPS = 3
QUICK = (
    f"training.iterations={STEPS}",
    "training.validation_rounds=0",
    "training.compiled=false",
    "prediction.step_share=1.0",
)


def write_readers(folder: Path, fields: FieldScans) -> None:
    """Write two data sets of the same scans: the second reader takes a tenth of all voxels for the first class."""
    rng = np.random.default_rng(0)
    for reader in (1, 2):
        place, rows = folder / f"reader-{reader}", []
        for name, true in fields.true.items():
            other = (true > 0) & (rng.random(true.shape) < 0.1) & (reader == 2)
            label = write_nifti(place / "masks" / f"{name}.nii.gz", np.where(other, 1, true).astype(np.uint8))
            image = fields.scans / f"{name}.nii.gz"
            rows.append({"case": name, "image": str(image), "label": str(label), "subject": name})
        write_csv(place / "cases.csv", rows)
        labels = {"background": 0, "fine": 1, "striped": 2}
        (place / "dataset.json").write_text(json.dumps({"labels": labels}), encoding="utf-8")


@pytest.mark.long
def test_from_patches_over_weak_labels_to_both_readers_with_a_kill_in_between(tmp_path: Path) -> None:
    scans = write_field_scans(tmp_path / "many", 4)
    fields = write_field_scans(tmp_path / "few", 4)
    write_readers(tmp_path, fields)
    workspace, weak, readers = Workspace(root=tmp_path / "ws"), tmp_path / "weak", tmp_path / "readers"

    do = partial(do_in_turn, tmp_path)

    drawn = [f"reader{number}={tmp_path}/reader-{number}/cases.csv" for number in (1, 2)]
    prepare = (
        ("weak-labels", scans.patches, scans.scans, "-o", weak, "--inside", scans.lungs, "--size", SIZE, "--step", 5),
        ("combine", *drawn, "-o", readers, "--same-subjects"),
        ("combine", f"weak={weak}", f"fine={readers}", "-o", tmp_path / "both"),
    )
    named = ("--planner", NAME, "--plan-name", NAME, "--scale", 1024, "--splits", "by-subject")
    plan = ("plan_and_preprocess", tmp_path / "both", *named, *as_options(*QUICK), "-w", workspace.root)
    go = ("experiment", "run", NAME, "0", "-w", workspace.root)
    # In the second training, of the weights of the first.
    do(f"step::{2 * STEPS - 1}", *prepare, plan, go, code=-signal.SIGKILL)
    masks, model = tmp_path / "masks", ("--plan", NAME, "-c", "fine", "-w", workspace.root)
    rated = [word for number in (1, 2) for word in ("--reader", tmp_path / f"reader-{number}" / "masks")]
    do(
        "step::0",
        go,
        ("predict", fields.scans, "-o", masks, "--no-mirror", *model),
        ("agreement", masks, *rated, "-o", tmp_path / "agreement.json"),
    )
    first, second = (read_settings(workspace.fold(NAME, name, "0")) for name in ("weak", "fine"))
    assert {case.split("_")[0] for case in first.train_cases} == {"weak"}
    seen = sorted(case.removeprefix("fine_") for case in second.train_cases)
    patients = sorted({case.split("_")[1] for case in seen})
    assert seen == sorted(f"reader{number}_{patient}" for number in (1, 2) for patient in patients)
    assert not set(second.train_cases) & set(second.validation_cases)
    found = json.loads((tmp_path / "agreement.json").read_text(encoding="utf-8"))
    pairs = {(one["first"], one["second"]) for one in found["voxels"]}
    assert len(pairs) == 3, "readers, and the model with each of them"
    kappas = {one["second"]: one["statistics"]["mean"] for one in found["voxels"] if one["measure"] == "kappa"}
    assert 0.85 < max(kappas.values()) < 1, "of the readers, who agree on nine of ten voxels"
