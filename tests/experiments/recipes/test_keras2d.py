"""Nine 2D runs in Keras: what their source states, at full size; and small ones through the command line."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from autoseg.evaluation.records import read_evaluation
from autoseg.losses import build_objective
from autoseg.networks import build_network
from autoseg.networks.blocks import DecoderLevel, ResidualBlock
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Region
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.publications import expand, read_published
from experiments.recipes import keras2d
from experiments.recipes.recipe import Recipe
from planners.choices import resolve
from planners.editing.overrides import set_values
from planners.networks.memory_decisions import predict_configuration
from planners.parts import NETWORKS, OPTIMIZERS, SCHEDULES
from planners.parts.networks import NetworkLayers
from planners.plan import Plan
from planners.planner import PlanRequest
from planners.presets import PLANNERS, make_plan
from tests.synthetic.atlas_trees import scan_of, write_old
from tests.synthetic.batches import measure
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import CPU, GPU
from tests.synthetic.scans import write_nifti
from tests.synthetic.small_networks import as_options

RECIPES = {recipe.name: recipe for recipe in vars(keras2d).values() if isinstance(recipe, Recipe)}
NETWORK_NAMES, LOSS_NAMES = ("unet", "segnet", "resunet"), ("cce", "dice", "cce_dice")
NAMES = [f"keras_{network}_{loss}" for network in NETWORK_NAMES for loss in LOSS_NAMES]
ATLAS = expand(read_published("atlas_r2_mni"))
# Of the source's scans, in MNI space, with a main mask and a sub-mask.
RELEASED = make_fingerprint(repeat_case(220, SyntheticCase(body_shape=(197, 233, 189))), labels=2)
SESSIONS = ("Site1/031768/t01", "Site1/031768/t02", "Site1/031769/t01", "Site2/031877/t01", "Site3/031900/t01")
EXTRA = {SESSIONS[0]: 2, SESSIONS[2]: 1, SESSIONS[3]: 1, SESSIONS[4]: 1}
STEPS = 3
QUICK = as_options(f"training.iterations={STEPS}", "training.validation_rounds=0", "training.compiled=false")


def plan_of(name: str, fingerprint=RELEASED, machine=GPU) -> Plan:
    return make_plan(fingerprint, PlanRequest(planner=name, machine=machine, memory_gb=12.0))


def layers_of(plan: Plan) -> NetworkLayers:
    (configuration,) = plan.configurations
    options = resolve(configuration.network, NETWORKS, "network")
    return options.layers(1, plan.scheme.heads().count(), configuration.network_patch())


def build(plan: Plan) -> nn.Module:
    with torch.device("meta"):
        return build_network(plan.configurations[0], 1, plan.scheme.heads().count())


def count(network: nn.Module, *kinds: type[nn.Module]) -> int:
    return sum(isinstance(part, kinds) for part in network.modules())


class TestWhatIsStated:
    def test_there_are_three_networks_each_with_three_losses(self) -> None:
        assert sorted(RECIPES) == sorted(NAMES)
        assert all(PLANNERS[name] is RECIPES[name] for name in NAMES)

    @pytest.mark.parametrize("name", NAMES)
    def test_no_figure_is_published_and_what_is_left_open_is_listed(self, name: str) -> None:
        recipe, plan = RECIPES[name], plan_of(name)
        assert not recipe.published
        topics = [text.partition(":")[0] for text in recipe.not_stated]
        assert len(set(topics)) == len(topics) > 10
        assert all(text.partition(":")[2] or "results" in text for text in recipe.not_stated)
        training = plan.configurations[0].training
        assert "Adam, 0.001 throughout" in " ".join(recipe.not_stated)
        assert resolve(training.optimizer, OPTIMIZERS, "optimizer").lr == 0.001
        schedule = resolve(training.schedule, SCHEDULES, "schedule")
        assert {schedule.factor(done, []) for done in (0.0, 0.3, 1.0)} == {1.0}

    @pytest.mark.parametrize("name", NAMES)
    def test_slices_go_in_and_background_main_and_sub_mask_come_out(self, name: str) -> None:
        """'generate three output channels for segmenting the background, the main mask, and the submask'."""
        plan = plan_of(name)
        (configuration,) = plan.configurations
        assert (configuration.slice_axis, configuration.patch_shape) == (2, (224, 256, 1))
        assert [head.outputs for head in layers_of(plan).heads] == [3]
        (logits,) = build(plan)(torch.empty(2, 1, 64, 64, device="meta"))
        assert logits.shape == (2, 3, 64, 64)

    @pytest.mark.parametrize("name", NAMES)
    def test_a_batch_is_32_slices_and_100_epochs_are_of_7917_slices_of_220_scans(self, name: str) -> None:
        """'for 100 epochs with a batch size of 32'; 'a total of 7,917 2D images from the scans of 220 patients'."""
        (configuration,) = plan_of(name).configurations
        assert configuration.batch_size == 32
        assert configuration.training.iterations == 100 * math.ceil(7917 * 176 / 220 / 32) == 19_800
        assert plan_of(name, ATLAS).configurations[0].training.iterations == 59_000

    def test_the_augmentation_turns_flips_zooms_deforms_and_changes_brightness_and_contrast(self) -> None:
        """'random rotations', 'horizontal and vertical flips', 'scaling and zooming', 'elastic deformations', ..."""
        (augmentation,) = plan_of("keras_unet_cce").configurations[0].sampling.augmentations
        assert augmentation.name == "batchgenerators"
        transforms = {entry["name"]: entry["options"] for entry in augmentation.options["transforms"]}  # type: ignore
        assert {"angle_x", "scale", "alpha", "sigma"} <= set(transforms["SpatialTransform"])
        assert transforms["MirrorTransform"]["axes"] == [0, 1]
        assert {"BrightnessMultiplicativeTransform", "ContrastAugmentationTransform"} <= set(transforms)


class TestNetworksAtFullSize:
    @pytest.mark.parametrize("network", NETWORK_NAMES)
    def test_the_list_of_layers_is_that_of_the_network_built(self, network: str) -> None:
        plan = plan_of(f"keras_{network}_cce", ATLAS)
        layers, module = layers_of(plan), build(plan)
        assert layers.parameters() == sum(parameter.numel() for parameter in module.parameters())
        convolutions = count(module, nn.Conv2d, nn.ConvTranspose2d)
        assert len(layers.every()) == convolutions == {"unet": 23, "segnet": 27, "resunet": 32}[network]

    @pytest.mark.parametrize(("network", "joined"), [("unet", 4), ("segnet", 0), ("resunet", 4)])
    def test_u_nets_have_skips_and_a_segnet_has_none(self, network: str, joined: int) -> None:
        """'reconstructs it via upsampling, without skip connections'; ResUNet 'while maintaining skip connections'."""
        assert count(build(plan_of(f"keras_{network}_cce")), DecoderLevel) == joined

    def test_every_convolution_of_the_segnet_sees_only_what_the_one_before_it_made(self) -> None:
        layers = layers_of(plan_of("keras_segnet_cce")).every()
        assert all(after.inputs == before.outputs for before, after in pairwise(layers))

    def test_a_segnet_encodes_through_pooling_and_is_lighter_than_the_u_net(self) -> None:
        """'encodes the image through pooling ... making it simpler and lighter than U-Net'."""
        segnet, unet = (layers_of(plan_of(f"keras_{name}_cce")) for name in ("segnet", "unet"))
        assert segnet.parameters() < unet.parameters()
        assert segnet.multiplications() < unet.multiplications()
        built = build(plan_of("keras_segnet_cce"))
        assert count(built, nn.MaxPool2d) == count(built, nn.Upsample) == 1  # used on every level
        assert not count(built, nn.ConvTranspose2d)

    @pytest.mark.parametrize(("network", "blocks"), [("unet", 0), ("segnet", 0), ("resunet", 9)])
    def test_the_res_u_net_has_residual_blocks(self, network: str, blocks: int) -> None:
        """'integrates residual blocks into the U-Net architecture'."""
        assert count(build(plan_of(f"keras_{network}_cce")), ResidualBlock) == blocks

    @pytest.mark.parametrize("name", NAMES)
    def test_a_step_at_full_size_is_predicted_to_fit_a_card_of_12_gb(self, name: str) -> None:
        plan = plan_of(name, ATLAS)
        predicted = predict_configuration(plan, plan.configurations[0])
        # At least what the encoder's and the decoder's finest maps take, in 16 bits: before and behind a norm.
        least = 32 * 224 * 256 * 64 * 2 * 2 * 4
        assert least < predicted.activations < predicted.total() < 12 * 2**30
        assert any(decision.field == "2d.memory" for decision in plan.decisions)

    def test_one_label_has_two_outputs_and_regions_are_refused(self) -> None:
        assert [head.outputs for head in layers_of(plan_of("keras_unet_cce", ATLAS)).heads] == [2]
        scheme = replace(RELEASED.scheme, regions=(Region(name="all", values=(1, 2)),), region_export_order=(1,))
        with pytest.raises(PlanError, match="has regions"):
            plan_of("keras_unet_cce", replace(RELEASED, scheme=scheme))

    def test_pooling_indices_are_an_option_of_the_segnet(self) -> None:
        """The source does not mention them; SegNet as published has them (Badrinarayanan 2017)."""
        plan = set_values(plan_of("keras_segnet_cce"), ["2d.network.options.upsampling=pooling_indices"])
        assert count(build(plan), nn.MaxUnpool2d) == 1
        assert layers_of(plan).parameters() == layers_of(plan_of("keras_segnet_cce")).parameters()

    @pytest.mark.parametrize("shape", [(1, 60, 70), (40, 50, 60), (300, 300, 20)])
    @pytest.mark.parametrize("network", NETWORK_NAMES)
    def test_scans_of_other_shapes_get_slices_that_the_network_can_take(
        self, network: str, shape: tuple[int, int, int]
    ) -> None:
        fingerprint = make_fingerprint(repeat_case(7, SyntheticCase(body_shape=shape)))
        (configuration,) = plan_of(f"keras_{network}_cce", fingerprint).configurations
        assert configuration.patch_shape[configuration.slice_axis] == 1
        edges = zip(configuration.patch_shape, shape, strict=True)
        assert all(edge >= length for edge, length in edges if edge > 1)

    def test_a_cpu_gets_the_same_plan_and_a_time_limit_stays(self) -> None:
        assert plan_of("keras_unet_cce", machine=CPU).configurations[0].patch_shape == (224, 256, 1)
        request = PlanRequest(planner="keras_unet_cce", machine=GPU, memory_gb=12.0, max_hours=2.0)
        plan = make_plan(RELEASED, request)
        assert (plan.max_hours, plan.configurations[0].batch_size) == (2.0, 32)


class TestLosses:
    """Two pixels: background, given 0.5, and main mask, given 0.7; no sub-mask."""

    probabilities = torch.tensor([[0.5, 0.1], [0.25, 0.7], [0.25, 0.2]])
    labels = torch.tensor([[[0, 1]]], dtype=torch.uint8)

    def measure(self, name: str, **options: float) -> float:
        plan = plan_of(f"keras_unet_{name}")
        loss = plan.configurations[0].training.loss
        objective = build_objective(replace(loss, options={**loss.options, **options}), plan.scheme.heads())
        logits: Tensor = self.probabilities.log()[None, :, None]
        return float(measure(objective, logits, self.labels))

    def test_cross_entropy_is_the_mean_over_n_pixels_of_minus_the_sum_over_c_classes(self) -> None:
        assert self.measure("cce") == pytest.approx(-(math.log(0.5) + math.log(0.7)) / 2, rel=1e-6)

    def test_dice_loss_is_one_minus_the_dice_coefficient(self) -> None:
        """'Dice loss = 1 - Dice coefficient', 2 sum(p g) / (sum p + sum g), of main and sub-mask."""
        main = 2 * 0.7 / (0.95 + 1)
        assert self.measure("dice", smooth=0.0) == pytest.approx(1 - (main + 0.0) / 2, rel=1e-6)

    def test_with_the_smoothing_chosen_an_absent_sub_mask_costs_what_is_predicted_of_it(self) -> None:
        main, sub = (2 * 0.7 + 1) / (0.95 + 1 + 1), 1 / (0.45 + 1)
        assert self.measure("dice") == pytest.approx(1 - (main + sub) / 2, rel=1e-6)

    def test_the_third_loss_is_the_sum_without_weights(self) -> None:
        """'Loss=CCE + Dice Loss'."""
        assert self.measure("cce_dice") == pytest.approx(self.measure("cce") + self.measure("dice"), rel=1e-6)

    def test_slices_of_a_batch_count_as_one_image(self) -> None:
        plan = plan_of("keras_unet_dice")
        objective = build_objective(plan.configurations[0].training.loss, plan.scheme.heads())
        logits = self.probabilities.log()[None, :, None]
        apart = torch.cat((logits[..., :1], logits[..., 1:]))
        together = float(measure(objective, logits, self.labels))
        assert float(measure(objective, apart, self.labels[0, 0, :, None, None])) == pytest.approx(together, rel=1e-6)


class TestThroughTheCommandLine:
    @pytest.mark.parametrize(
        "name",
        [
            pytest.param("keras_unet_dice", marks=pytest.mark.slow),
            pytest.param("keras_segnet_cce_dice", marks=pytest.mark.long),
            pytest.param("keras_resunet_cce", marks=pytest.mark.long),
        ],
    )
    def test_sites_with_main_and_sub_masks_train_go_on_after_a_kill_and_are_scored(
        self, name: str, tmp_path: Path
    ) -> None:
        root, workspace = write_old(tmp_path / "ATLAS", SESSIONS, extra=EXTRA), Workspace(root=tmp_path / "ws")

        def do(moment: str, *commands: Sequence[object], code: int = 0) -> None:
            words = [word for command in commands for word in ("then", *command, "-w", workspace.root)]
            run_module("tests.synthetic.ended", signal.SIGKILL.value, moment, *words[1:], code=code)

        plan = ("plan_and_preprocess", root, "--planner", name, "--scale", 16, *QUICK)
        do(f"step::{STEPS - 1}", plan, ("train", 0), code=-signal.SIGKILL)
        scan = write_nifti(tmp_path / "new.nii.gz", scan_of(7))
        do("step::0", ("train", 0), ("predict", scan, "-o", tmp_path / "mask.nii.gz"))

        labels = nibabel.load(tmp_path / "mask.nii.gz")
        assert labels.shape == scan_of(7).shape
        assert set(np.unique(np.asarray(labels.dataobj))) <= {0, 1, 2}
        scored = read_evaluation(workspace.fold("default", "2d", "0").validation.metrics)
        (case,) = scored.cases
        assert [label.label for label in case.labels] == [1, 2], "main mask and sub-masks"
        assert all(0 <= label.number("dice") <= 1 for label in case.labels)


def run_module(module: str, *arguments: object, code: int = 0) -> None:
    command = (sys.executable, "-m", module, *map(str, arguments))
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == code, done.stderr[-3000:]
