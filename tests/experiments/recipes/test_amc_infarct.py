"""The recipe amc_infarct and its family, beside what the source says (section 3.2 of the thesis)."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
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
from autoseg.preprocessing.intensities import normalize
from autoseg.sampling import Batch
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.publications import expand, read_published
from experiments.experiment.comparing import Contest
from experiments.experiment.planning import open_setting
from experiments.recipes import list_recipes
from experiments.recipes.amc_infarct import INPUTS, NAME, ROWS
from planners.choices import resolve
from planners.editing.explain import explain_plan
from planners.networks.training_memory import Shape, describe_execution, predict_memory
from planners.parts import AUGMENTATIONS, LOSSES, NETWORKS
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import make_plan
from planners.stage_inputs import CropTo
from tests.synthetic.heads import plain_heads
from tests.synthetic.machines import BFLOAT16_CPU, GPU
from tests.synthetic.packages import do_in_turn
from tests.synthetic.scans import affine_of, head, write_description, write_nifti
from tests.synthetic.small_networks import as_options

FAMILY = {
    (row, kinds): "_".join(word for word in (NAME, row.removeprefix("focal"), suffix) if word)
    for row in ROWS
    for suffix, kinds in INPUTS.items()
}
BOTH = ("ADC", "b1000")


def make(name: str = NAME, channels: Sequence[str] = BOTH, **changes: object) -> Plan:
    """Return a plan for scans as section 3.2 describes them: 32 slices of 5 mm, 235 mm wide."""
    published = replace(
        read_published("isles_2mm"),
        cases=429,
        channels=tuple(channels),
        shape=(256, 256, 32),
        spacing_mm=(0.92, 0.92, 5.0),
    )
    request = replace(PlanRequest(machine=GPU, memory_gb=12.0, planner=name), **changes)  # type: ignore[arg-type]
    return make_plan(expand(published), request)


def phases(plan: Plan) -> tuple[Configuration, Configuration]:
    locate, refine = plan.configurations
    return locate, refine


def test_the_family_is_the_four_rows_by_three_inputs_of_table_3_2_and_one_experiment(tmp_path: Path) -> None:
    """Source: table 3.2, `ADC + B1000 ADC B1000`, of `U-Net (2D)` to `DSC + Focal loss`."""
    assert len(FAMILY) == 12
    assert {name for name in list_recipes() if name.startswith(NAME)} == set(FAMILY.values())
    Contest(names=tuple(FAMILY.values()), setting=open_setting(tmp_path, None, 8.0), minutes=5.0, seeds=1).check()


def test_what_was_published_is_table_3_2() -> None:
    recipes = list_recipes()
    values = {key: recipes[name].published[0].value for key, name in FAMILY.items()}
    assert [values[row, BOTH] for row in ROWS] == ["0.821±0.045", "0.833±0.027", "0.858±0.070", "0.860±0.077"]
    assert [values[row, ("ADC",)] for row in ROWS] == ["0.801±0.081", "0.823±0.063", "0.844±0.071", "0.845±0.068"]
    assert [values[row, ("b1000",)] for row in ROWS] == ["0.811±0.082", "0.821±0.071", "0.837±0.069", "0.848±0.062"]
    assert "86.6 %" in recipes[NAME].published[1].value, "the text differs from the table"


@pytest.mark.parametrize("machine", [GPU, BFLOAT16_CPU])
def test_it_locates_on_axial_slices_of_384_and_refines_in_the_box_whatever_the_machine(machine) -> None:
    """Source: `initial localization and fine segmentation`; `uniform matrix size of 384 x 384 in the axial slice`."""
    locate, refine = phases(make(machine=machine))
    assert (locate.patch_shape, refine.patch_shape) == ((384, 384, 1), (192, 192, 1))
    assert locate.slice_axis == refine.slice_axis == 2
    assert refine.inputs == (CropTo(configuration="locate", margin_mm=10.0),)
    assert locate.inputs == ()
    # 256 voxels of 0.92 mm.
    assert locate.preprocessing.spacing_mm == (0.6133, 0.6133, 5.0)
    assert locate.preprocessing == refine.preprocessing, "one store for both"


def test_percentiles_from_a_half_to_99_and_a_half_are_mapped_linearly() -> None:
    """Source: `linear transformation to a certain percentile (i.e., 0.005` to 0.995)."""
    (choice, _) = phases(make())[0].preprocessing.normalization
    voxels = np.linspace(-3, 5, 2001, dtype=np.float32).reshape(1, -1, 1, 1)
    image = normalize(voxels, np.ones(voxels.shape[1:], dtype=bool), (choice,)).ravel()
    # Of evenly spread intensities, 0.5 % are the ten lowest of 2001.
    assert image[10] == pytest.approx(0, abs=1e-5)
    assert image[1990] == pytest.approx(1, abs=1e-5)
    assert image[1000] == pytest.approx(0.5, abs=1e-5)
    assert (image.min(), image.max()) == pytest.approx((0, 1), abs=1e-6)


def test_every_row_but_the_first_refines_with_squeeze_and_excitation() -> None:
    """Source: `Phase 2: Fine segmentation - Semantic segmentation using U-Net with SE block`."""
    for row in ROWS:
        locate, refine = phases(make(FAMILY[row, BOTH]))
        with torch.device("meta"):
            kinds = [[type(part).__name__ for part in build_network(one, 2, 2).modules()] for one in (locate, refine)]
        # One at the end of each of five levels of the encoder and four of the decoder.
        assert [names.count("SqueezeExcitation") for names in kinds] == [0, 0 if row == "unet" else 9]


def test_squeeze_and_excitation_averages_reduces_and_scales_channels() -> None:
    """Source: `average pooling`; `fully connected layer followed by the ReLU`; `S-shaped activation`."""
    _, refine = phases(make())
    block = next(part for part in build_network(refine, 2, 2).modules() if type(part).__name__ == "SqueezeExcitation")
    maps = torch.rand(1, 32, 6, 6, generator=torch.Generator().manual_seed(0))
    scaled = block(maps) / maps
    assert torch.allclose(scaled, scaled[:, :, :1, :1].expand_as(scaled), atol=1e-5), "one factor per channel"
    assert bool(((scaled > 0) & (scaled < 1)).all())


def test_layers_are_those_of_the_networks_built_and_fit_a_card_of_12_gib() -> None:
    """Source: chapter 2, a U-Net of `23 convolutional layers`, with those that go up."""
    for name in (NAME, FAMILY["unet", ("ADC",)]):
        plan = make(name)
        channels = 2 if name == NAME else 1
        for phase in plan.configurations:
            assert plan.input_channels(phase) == channels
            with torch.device("meta"):
                network = build_network(phase, channels, 2)
            options = resolve(phase.network, NETWORKS, "network")
            layers = options.layers(channels, 2, phase.network_patch())
            assert layers.parameters() == sum(parameter.numel() for parameter in network.parameters())
            convolutions = sum(isinstance(part, nn.Conv2d | nn.ConvTranspose2d) for part in network.modules())
            assert convolutions == layers.count_convolutions() == 23
            shape = Shape(channels=channels, outputs=2, patch=phase.network_patch(), batch_size=phase.batch_size)
            execution = describe_execution(phase.training, GPU, exclusive=True)
            assert 1 < predict_memory(options, shape, execution).total() / 2**30 < 12


def loss_of(row: str, probability: float) -> float:
    """Return the loss of the second phase for 20 voxels, three of them a lesion, and one false voxel beside it."""
    _, refine = phases(make(FAMILY[row, BOTH]))
    labels = torch.zeros(1, 20, 1, dtype=torch.uint8)
    labels[:, 2:5] = 1
    said = torch.where(labels.bool(), torch.tensor(1 - 1e-9, dtype=torch.float64), 1e-9)
    said[:, 5] = probability
    logits = torch.stack((torch.zeros_like(said), torch.logit(said)), dim=1)
    objective = build_objective(refine.training.loss, plain_heads(2))
    return float(objective((logits,), Batch(images=torch.zeros(1, 2, 20, 1), labels=labels)))


def test_losses_are_dsc_alone_with_the_boundary_loss_and_with_focal_loss_worked_out_by_hand() -> None:
    """Source: table 3.2, `DSC + Boundary loss`, `DSC + Focal loss`; no row has cross-entropy."""
    probability = 0.25
    dice = 1 - 2 * 3 / (3 + 3.25)
    # The false voxel lies half a voxel from the border; the boundary loss has weight 0.01.
    boundary = 0.01 * 0.25 * 0.5 / 20
    focal = -np.log(1 - probability) * probability**2 / 20
    assert loss_of("unet", probability) == pytest.approx(dice, abs=1e-5)
    assert loss_of("se", probability) == pytest.approx(dice, abs=1e-5)
    assert loss_of("boundary", probability) == pytest.approx(dice + boundary, abs=1e-6)
    assert loss_of("focal", probability) == pytest.approx(dice + focal, abs=1e-5)
    options = resolve(phases(make(FAMILY["boundary", BOTH]))[1].training.loss, LOSSES, "loss")
    assert options.cross_entropy_weight == 0  # type: ignore[attr-defined]


def test_only_rotation_flips_and_resizing_are_left_of_the_augmentations() -> None:
    """Source: table 4.1, infarct: `Random rotation, flipping, resizing, etc.`."""
    (augmentation,) = phases(make())[1].sampling.augmentations
    options = resolve(augmentation, AUGMENTATIONS, "augmentation")
    chances = {name: getattr(options, name) for name in options.__dataclass_fields__ if name.endswith("_probability")}
    masks = {"mask_change_probability", "mask_drop_probability", "channel_probability"}
    assert {name for name, chance in chances.items() if chance > 0} - masks == {
        "rotation_probability",
        "scaling_probability",
    }
    assert options.mirror  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("channels", "seen"),
    [
        (("ADC", "b1000"), {NAME: None, f"{NAME}_adc": (0,), f"{NAME}_b1000": (1,)}),
        (("DWI", "adc_map"), {NAME: None, f"{NAME}_adc": (1,), f"{NAME}_b1000": (0,)}),
        (("T1w", "dwi_b1000", "FLAIR", "ADC"), {NAME: (1, 3), f"{NAME}_adc": (3,), f"{NAME}_b1000": (1,)}),
        (("first", "second"), {NAME: None, f"{NAME}_adc": (0,), f"{NAME}_b1000": (1,)}),
        (("T1w",), {NAME: None, f"{NAME}_adc": None, f"{NAME}_b1000": None}),
    ],
)
def test_channels_are_found_by_name_and_without_any_such_name_by_position(
    channels: tuple[str, ...], seen: dict[str, tuple[int, ...] | None]
) -> None:
    for name, expected in seen.items():
        plan = make(name, channels)
        assert [entry.preprocessing.channels for entry in plan.configurations] == [expected] * 2
        (found,) = (entry for entry in plan.decisions if entry.field == "preprocessing.channels")
        assert ("by position" in found.evidence) == (channels in (("first", "second"), ("T1w",)))


@pytest.mark.parametrize(
    ("name", "channels", "message"),
    [
        (NAME, ("ADC",), "sees ADC and b1000, but the channels are ADC. .* take amc_infarct_adc, or rename b1000"),
        (f"{NAME}_adc", ("DWI", "other"), "take amc_infarct_b1000, or rename ADC"),
        (NAME, ("T1w", "T2w", "FLAIR"), "the channels are T1w, T2w, FLAIR. Expected names such as ADC, b1000 or DWI"),
    ],
)
def test_a_data_set_without_the_channels_is_refused_with_what_to_do(
    name: str, channels: tuple[str, ...], message: str
) -> None:
    with pytest.raises(PlanError, match=message):
        make(name, channels)


def test_slices_across_another_axis_are_refused_and_axial_ones_are_taken() -> None:
    request = PlanRequest(machine=GPU, memory_gb=12.0, planner=NAME)
    coronal, axial = (
        expand(replace(read_published("isles_2mm"), channels=BOTH, shape=shape))
        for shape in ((200, 1, 200), (200, 200, 1))
    )
    with pytest.raises(PlanError, match="amc_infarct is for axial ones"):
        make_plan(coronal, request)
    assert [entry.slice_axis for entry in make_plan(axial, request).configurations] == [2, 2]


def test_the_plan_says_which_channels_its_networks_see() -> None:
    _, configurations, _ = explain_plan(make(f"{NAME}_adc", ("T1w", "ADC", "DWI")))
    (sees,) = (row for row in configurations.rows if row[0] == "sees")
    assert sees[1:] == ("ADC of the scan", "ADC of the scan, the box of locate and 10 mm around it")


STEPS = 3
SMALL = (
    f"training.iterations={STEPS}",
    "training.validation_rounds=0",
    "training.compiled=false",
    "preprocessing.spacing_mm=[1,1,2]",
    "patch_shape=[16,16,1]",
    "batch_size=2",
    "network.options.features=[4,8]",
    "network.options.kernels=[[3,3],[3,3]]",
    "network.options.strides=[[1,1],[2,2]]",
    "network.options.encoder_blocks=[1,1]",
    "network.options.decoder_blocks=[1]",
    "prediction.step_share=1.0",
    "prediction.mirror_axes=[0]",
)
SHAPE, RECIPE = (22, 24, 16), f"{NAME}_boundary_adc"


def write_scans(folder: Path, name: str, seed: int, dwi: float = 1.0) -> tuple[Path, np.ndarray]:
    """Write both channels of a head, and return the first file and the labels."""
    image, labels = head(seed, SHAPE)
    affine = affine_of((1, 0, 2), (-1, 1, 1)) if name == "new" else affine_of((0, 1, 2), (1, 1, 1))
    write_nifti(folder / f"{name}_0001.nii.gz", np.sqrt(image) * dwi, affine)
    return write_nifti(folder / f"{name}_0000.nii.gz", image, affine), (labels > 0).astype(np.uint8)


@pytest.mark.long
def test_a_small_one_sees_one_of_two_channels_is_killed_goes_on_predicts_and_is_scored(tmp_path: Path) -> None:
    raw, workspace = tmp_path / "raw", Workspace(root=tmp_path / "ws")
    for index in range(5):
        _, labels = write_scans(raw / "imagesTr", f"sub-{index}", index)
        write_nifti(raw / "labelsTr" / f"sub-{index}.nii.gz", labels, affine_of((0, 1, 2), (1, 1, 1)))
    write_description(raw, {"background": 0, "infarct": 1}, BOTH, 5)
    for folder, dwi in (("one", 1.0), ("other", 3.0)):
        write_scans(tmp_path / folder, "new", 9, dwi)

    do = partial(do_in_turn, tmp_path, place=("-w", workspace.root))

    plan = ("plan_and_preprocess", raw, "--planner", RECIPE, *as_options(*SMALL), "-c", "locate", "-c", "refine")
    train = ("train", "0", "-c", "refine", "--with-previous")
    predict = [
        ("predict", tmp_path / folder, "-o", tmp_path / "masks" / folder, "--no-mirror", "-c", "refine")
        for folder in ("one", "other")
    ]
    folds = [workspace.fold("default", name, "0") for name in ("locate", "refine")]
    do(f"step::{STEPS - 1}", plan, train, code=-signal.SIGKILL)
    assert [bool(fold.weight_files()) for fold in folds] == [True, False]
    do("step::0", train, *predict, ("report",))
    for fold in folds:
        (scored,) = json.loads(fold.validation.metrics.read_text(encoding="utf-8"))["cases"]
        assert 0 <= scored["labels"]["1"]["dice"] <= 1
    masks = [nibabel.load(tmp_path / "masks" / folder / "new.nii.gz") for folder in ("one", "other")]
    assert [mask.shape for mask in masks] == [SHAPE] * 2
    first, second = (np.asarray(mask.dataobj) for mask in masks)
    assert np.array_equal(first, second), "another b1000 changes nothing of what sees ADC"
    assert set(np.unique(first)) <= {0, 1}
