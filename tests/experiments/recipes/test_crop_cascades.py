"""The recipes amc_kidney_cascade, amc_pancreas_cascade and amc_dental, beside what their source (a thesis) says."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from autoseg.losses import build_objective
from autoseg.networks import build_network
from autoseg.preprocessing.intensities import normalize
from autoseg.sampling import Batch
from dataset_fingerprints.dataset import Region
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.publications import expand, read_published
from experiments.recipes import find_recipe
from planners.choices import resolve
from planners.networks.memory_decisions import predict_configuration
from planners.parts import AUGMENTATIONS, NETWORKS, OPTIMIZERS
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import make_plan
from tests.synthetic.machines import BFLOAT16_CPU, GPU

KIDNEY = ("artery", "vein", "ureter", "parenchyma", "carcinoma")
PANCREAS = ("solid", "pancreas", "cyst")
DENTAL = ("hard tissue", "maxillary sinus", "mandibular canal", "mandible")
ROTATED_FLIPPED_RESIZED = {"rotation_probability", "scaling_probability"}
OF_MASKS = {"mask_change_probability", "mask_drop_probability", "channel_probability"}


def make(name: str, labels: tuple[str, ...], data: str = "ct_3mm_512", **changes: object) -> Plan:
    published = read_published(data)
    published = replace(published, labels=tuple(replace(published.labels[0], name=label) for label in labels))
    request = replace(PlanRequest(machine=GPU, memory_gb=11.0, planner=name), **changes)  # type: ignore[arg-type]
    return make_plan(expand(published), request)


def kidney(**changes: object) -> tuple[Configuration, Configuration]:
    locate, segment = make("amc_kidney_cascade", KIDNEY, **changes).configurations  # type: ignore[arg-type]
    return locate, segment


def changes_of(configuration: Configuration) -> set[str]:
    """Return the changes that the augmentation makes with some probability."""
    (chosen,) = configuration.sampling.augmentations
    options = resolve(chosen, AUGMENTATIONS, "augmentation")
    names = {name for name in options.__dataclass_fields__ if name.endswith("_probability")}
    return {name for name in names if getattr(options, name) > 0} - OF_MASKS


@pytest.mark.parametrize("machine", [GPU, BFLOAT16_CPU])
def test_a_3d_u_net_finds_the_kidney_and_another_one_five_classes_in_its_box(machine: object) -> None:
    """Source: `cuboidal-bounding box around the kidney after the first U-Net module`; `masks for five subclasses`."""
    plan = make("amc_kidney_cascade", KIDNEY, machine=machine)
    locate, segment = plan.configurations
    assert (locate.targets, plan.output_channels(locate)) == (((1, 2, 3, 4, 5),), 2)
    assert (segment.targets, plan.output_channels(segment)) == ((), 6)
    (crop,) = segment.crops()
    assert (crop.configuration, crop.trained_on) == ("locate", "reference")
    assert [one.slice_axis for one in plan.configurations] == [-1, -1]
    assert [len(resolve(one.network, NETWORKS, "network").kernels[0]) for one in plan.configurations] == [3, 3]  # type: ignore[attr-defined]
    assert plan.default_configuration == "segment"


def test_both_networks_halve_by_max_pooling_of_3x3x3() -> None:
    """Source: `implemented through max-pooling (3 x 3 x 3)`."""
    for configuration in kidney():
        with torch.device("meta"):
            network = build_network(configuration, 1, 6)
        pools = [module for module in network.modules() if isinstance(module, nn.MaxPool3d)]
        assert [pool.kernel_size for pool in pools] == [(3, 3, 3)] * 3


def test_the_kidneys_are_trained_by_dice_and_adam_one_at_a_time_for_300_epochs() -> None:
    """Source: `a weight decay of 0.0005`, `batch size of 1`, `required 300`; the rate is 1e-5."""
    for configuration in kidney():
        optimizer = resolve(configuration.training.optimizer, OPTIMIZERS, "optimizer")
        assert configuration.training.optimizer.name == "adam"
        assert (optimizer.lr, optimizer.weight_decay) == (1e-5, 5e-4)  # type: ignore[attr-defined]
        assert (configuration.training.loss.name, configuration.batch_size) == ("dice", 1)
        cases = read_published("ct_3mm_512").cases
        assert configuration.training.iterations == 300 * (cases - cases // 5)


def test_the_dice_loss_of_the_kidney_is_that_of_its_equation_by_hand() -> None:
    """Source: `dice loss`, of the volumes of both masks. Two voxels of one label: 1 - 2 * 0.8 / (1.1 + 1)."""
    locate, _ = kidney()
    plan = make("amc_kidney_cascade", KIDNEY)
    objective = build_objective(locate.training.loss, plan.scheme_of(locate).heads())
    logits = torch.log(torch.tensor([[0.2, 0.7], [0.8, 0.3]])).reshape(1, 2, 2, 1, 1)
    labels = torch.tensor([1, 0], dtype=torch.uint8).reshape(1, 2, 1, 1)
    loss = objective((logits,), Batch(images=torch.zeros(1, 1, 2, 1, 1), labels=labels))
    assert float(loss) == pytest.approx(1 - 2 * 0.8 / 2.1, abs=1e-4)


def test_noise_is_added_to_every_patch_of_the_kidney() -> None:
    """Source: `Gaussian noise was added to each input image`; Table 4.1, `Random rotation, flipping, resizing`."""
    (chosen,) = kidney()[1].sampling.augmentations
    assert resolve(chosen, AUGMENTATIONS, "augmentation").noise_probability == 1.0  # type: ignore[attr-defined]
    assert changes_of(kidney()[1]) == {*ROTATED_FLIPPED_RESIZED, "noise_probability"}


def test_the_kidneys_networks_fit_the_card_that_they_were_trained_on() -> None:
    """Source: `a GPU of NVIDIA GTX 1080 Ti`: 11 GB."""
    plan = make("amc_kidney_cascade", KIDNEY)
    assert find_recipe("amc_kidney_cascade").memory_gb == 11.0
    for configuration in plan.configurations:
        with torch.device("meta"):
            network = build_network(configuration, 1, plan.output_channels(configuration))
        options = resolve(configuration.network, NETWORKS, "network")
        layers = options.layers(1, plan.output_channels(configuration), configuration.network_patch())
        assert layers.parameters() == sum(parameter.numel() for parameter in network.parameters())
        assert 1 < predict_configuration(plan, configuration).total() / 2**30 < 11


def test_a_3d_network_with_squeeze_and_excitation_finds_the_pancreas_and_2d_networks_refine_each_lesion() -> None:
    """Source: `squeeze and excitation blocks`; `2D segmentation network`; `2D U-Net models to each lesion`."""
    plan = make("amc_pancreas_cascade", PANCREAS)
    locate, *refined = plan.configurations
    assert [one.name for one in plan.configurations] == ["locate", "refine_pancreas", "refine_solid", "refine_cyst"]
    with torch.device("meta"):
        located, sliced = build_network(locate, 1, 2), build_network(refined[0], 1, 2)
    assert [type(module).__name__ for module in located.modules()].count("SqueezeExcitation") == 9
    assert not any(type(module).__name__ == "SqueezeExcitation" for module in sliced.modules())
    assert any(isinstance(module, nn.Conv2d) for module in sliced.modules())
    assert not any(isinstance(module, nn.Conv3d) for module in sliced.modules())
    assert [one.slice_axis for one in plan.configurations] == [-1, 2, 2, 2]
    assert [[crop.configuration for crop in one.crops()] for one in refined] == [["locate"]] * 3
    assert [one.targets for one in plan.configurations] == [((2, 1, 3),), ((2, 1, 3),), ((1,),), ((3,),)]
    assert plan.predicting() == tuple(one.name for one in refined)


def test_the_pancreas_is_trained_by_dice_and_focal_loss_on_standardised_scans() -> None:
    """Source: Table 4.1, `DSC, focal`, and its note: mean and standard deviation normalization."""
    for configuration in make("amc_pancreas_cascade", PANCREAS).configurations:
        assert configuration.training.loss.name == "dice_focal"
        assert [choice.name for choice in configuration.preprocessing.normalization] == ["zscore"]
        assert changes_of(configuration) == ROTATED_FLIPPED_RESIZED


def test_thick_slices_stay_as_thick_where_the_pancreas_is_located() -> None:
    """Source: slices are 5 mm apart (`inter-slice spacing`)."""
    thick = replace(read_published("ct_3mm_512"), spacing_mm=(0.7, 0.7, 5.0))
    request = PlanRequest(machine=GPU, memory_gb=11.0, planner="amc_pancreas_cascade")
    locate, *_ = make_plan(expand(thick), request).configurations
    assert locate.preprocessing.spacing_mm == (3.0, 3.0, 5.0)


def test_each_structure_of_the_jaw_has_a_3d_u_net_and_the_canal_lies_in_the_mandibles_box() -> None:
    """Source: `We used 3D U-Net`; the canal is learned `from the segmented mandible image`."""
    plan = make("amc_dental", DENTAL)
    names = ["hard_tissue", "maxillary_sinus", "mandible", "mandibular_canal"]
    assert [one.name for one in plan.configurations] == names
    assert [one.targets for one in plan.configurations] == [((1,),), ((2,),), ((4, 3),), ((3,),)]
    assert [[crop.configuration for crop in one.crops()] for one in plan.configurations] == [[], [], [], ["mandible"]]
    assert {one.slice_axis for one in plan.configurations} == {-1}
    assert plan.predicting() == tuple(names)


def test_the_jaws_window_is_minus_2050_to_2950() -> None:
    """Source: `window level = 450`, `window width = 5000`."""
    plan = make("amc_dental", DENTAL)
    choices = plan.configurations[0].preprocessing.normalization
    voxels = np.array([-3000, -2050, 450, 2950, 4000], dtype=np.float32).reshape(1, 5, 1, 1)
    mapped = normalize(voxels, np.ones((5, 1, 1), dtype=bool), choices)
    assert mapped.ravel().tolist() == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0])


def test_the_jaw_is_flipped_and_rotated_and_trained_by_dice() -> None:
    """Source: `augmented by flip and rotation`; Table 4.1, `DSC`."""
    for configuration in make("amc_dental", DENTAL).configurations:
        (chosen,) = configuration.sampling.augmentations
        assert resolve(chosen, AUGMENTATIONS, "augmentation").mirror  # type: ignore[attr-defined]
        assert changes_of(configuration) == ROTATED_FLIPPED_RESIZED
        assert configuration.training.loss.name == "dice"


def test_what_is_published_of_the_jaw_fits_together_by_jsc_and_dsc() -> None:
    """JSC = DSC / (2 - DSC) tells which of the scrambled figures belong together."""
    recipe = find_recipe("amc_dental")
    for structure in ("hard tissue", "maxillary sinus", "mandible"):
        found = {one.measure: one.value for one in recipe.published if one.of == structure}
        dice, jaccard = (float(re.match(r"[\d.]+", found[name])[0]) / 100 for name in ("DSC", "JSC"))  # type: ignore[index]
        assert jaccard == pytest.approx(dice / (2 - dice), abs=0.002)


def test_scans_without_names_that_say_so_have_a_structure_each_and_the_first_label_for_an_organ() -> None:
    plan = make("amc_dental", ("a/b", "胰腺"))
    assert [one.name for one in plan.configurations] == ["a_b", "label_2"]
    assert not any(one.inputs for one in plan.configurations)
    organs = make("amc_pancreas_cascade", ("dark", "bright"))
    assert [one.targets for one in organs.configurations] == [((1, 2),), ((1, 2),), ((2,),)]


EACH = (("amc_kidney_cascade", KIDNEY), ("amc_pancreas_cascade", PANCREAS), ("amc_dental", DENTAL))


@pytest.mark.parametrize(("name", "labels"), EACH)
def test_networks_and_trainings_are_the_same_whatever_the_machine(name: str, labels: tuple[str, ...]) -> None:
    elsewhere = make(name, labels, machine=BFLOAT16_CPU)
    assert make(name, labels).configurations == elsewhere.configurations


def test_structures_of_like_names_are_told_apart_by_their_values() -> None:
    plan = make("amc_dental", ("a/b", "A b", "tooth"))
    assert [one.name for one in plan.configurations] == ["label_1", "label_2", "tooth"]


def test_the_pancreas_is_the_label_of_the_shortest_name_that_says_so() -> None:
    plan = make("amc_pancreas_cascade", ("pancreas tumour", "pancreas"))
    assert [one.targets for one in plan.configurations] == [((2, 1),), ((2, 1),), ((1,),)]


@pytest.mark.parametrize("name", ["amc_pancreas_cascade", "amc_dental"])
def test_networks_of_single_labels_are_refused_for_regions(name: str) -> None:
    fingerprint = expand(read_published("ct_3mm_512"))
    scheme = replace(fingerprint.scheme, regions=(Region(name="all", values=(1,)),), region_export_order=(1,))
    with pytest.raises(PlanError, match=r"has regions\. Expected labels, of which a voxel has one at most"):
        make_plan(replace(fingerprint, scheme=scheme), PlanRequest(machine=GPU, memory_gb=11.0, planner=name))


@pytest.mark.parametrize("name", ["amc_kidney_cascade", "amc_pancreas_cascade", "amc_dental", "box_cascade"])
def test_slices_are_refused(name: str) -> None:
    published = replace(read_published("isles_2mm"), shape=(200, 200, 1))
    with pytest.raises(PlanError, match=f"isles_2mm: has no volumes, .* and {name} is for volumes"):
        make_plan(expand(published), PlanRequest(machine=GPU, memory_gb=11.0, planner=name))


@pytest.mark.parametrize("max_hours", [None, 2.0])
def test_the_general_cascade_is_the_default_plan_in_the_box_of_a_coarse_network(max_hours: float | None) -> None:
    """Source: section 4.1: a large image with a small target asks for a cascade."""
    request = PlanRequest(machine=GPU, memory_gb=11.0, max_hours=max_hours)
    fingerprint = expand(read_published("atlas_r2_mni"))
    plan = make_plan(fingerprint, replace(request, planner="box_cascade"))
    half = None if max_hours is None else max_hours / 2
    default = make_plan(fingerprint, replace(request, max_hours=half))
    full = next(one for one in default.configurations if one.name == "3d_fullres")
    locate, refine = plan.configurations
    assert replace(refine, name=full.name, inputs=()) == full
    assert locate.targets == ((1,),)
    assert min(locate.preprocessing.spacing_mm) >= 1.5 * max(refine.preprocessing.spacing_mm)
    assert {one.field.partition(".")[0] for one in plan.decisions} & {"2d", "3d_fullres", "3d_lowres"} == set()
    assert plan.planner == "box_cascade"


def test_no_network_of_the_default_plan_is_said_to_be_the_general_cascades_default() -> None:
    machine = replace(BFLOAT16_CPU, multiplications_per_second=2e10)
    request = PlanRequest(machine=machine, memory_gb=8.0, max_hours=2.0, planner="box_cascade")
    plan = make_plan(expand(read_published("atlas_r2_mni")), request)
    assert plan.default_configuration == "refine"
    assert [one.value for one in plan.decisions if one.field == "default_configuration"] == []
