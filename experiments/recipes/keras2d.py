"""Nine 2D runs in Keras on ATLAS: U-Net, SegNet and ResUNet, each with cross-entropy, Dice, and the sum of both."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

from dataset_fingerprints.files.jsonfiles import JsonValue
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.geometry import show_lengths
from experiments.recipes.building import count_training_cases, make_unet, refuse_regions, train_by_adam
from experiments.recipes.recipe import Recipe
from planners.choices import Choice, choose
from planners.parts.augmentations import BatchgeneratorsOptions
from planners.parts.networks import SegNetOptions
from planners.plan import Decision, Plan, PostprocessingCandidates
from planners.planner import PlanRequest
from planners.presets import PLANNERS
from planners.rules.spacing import choose_resolution

EPOCHS, BATCH_SIZE, SCANS, SLICES = 100, 32, 220, 7917
HALVINGS = 32  # what five poolings divide an edge by

_UNET = replace(make_unet((64, 128, 256, 512, 1024), axes=2), norm="batch", downsampling="pool")
_RESUNET = replace(_UNET, block="residual", decoder_block="residual", encoder_blocks=(1,) * 5, decoder_blocks=(1,) * 4)
_SEGNET = SegNetOptions(features=(64, 128, 256, 512, 512), convolutions=(2, 2, 3, 3, 3))
# By the name in a recipe's: title, network, and what is not stated of it.
_NETWORKS = {
    "unet": ("U-Net", choose("unet", _UNET), "five levels of 64 to 1024 filters, as Ronneberger 2015"),
    "segnet": ("SegNet", choose("segnet", _SEGNET), "VGG16's 13 convolutions and their mirror, as Badrinarayanan 2017"),
    "resunet": ("ResUNet", choose("unet", _RESUNET), "as the U-Net, with one residual block per level up and down"),
}
_LOSSES = {
    "cce": ("categorical cross-entropy", Choice(name="cross_entropy")),
    "dice": ("Dice loss", Choice(name="dice", options={"batch_dice": True, "smooth": 1.0})),
    "cce_dice": ("cross-entropy plus Dice", Choice(name="dice_ce", options={"batch_dice": True, "smooth": 1.0})),
}
_TURNED: dict[str, JsonValue] = {"angle_x": [-0.26, 0.26], "scale": [0.85, 1.15], "p_rot_per_sample": 0.5}
_ELASTIC: dict[str, JsonValue] = {"alpha": [0.0, 200.0], "sigma": [9.0, 13.0], "p_el_per_sample": 0.2}
_CUT: dict[str, JsonValue] = {"random_crop": False, "border_mode_data": "nearest", "order_data": 1}
_TRANSFORMS = (
    Choice(name="SpatialTransform", options={**_CUT, **_TURNED, **_ELASTIC, "p_scale_per_sample": 0.5}),
    Choice(name="BrightnessMultiplicativeTransform", options={"multiplier_range": [0.8, 1.2], "p_per_sample": 0.3}),
    Choice(name="ContrastAugmentationTransform", options={"contrast_range": [0.8, 1.2], "p_per_sample": 0.3}),
    Choice(name="MirrorTransform", options={"axes": [0, 1]}),
)
_AUGMENTATION = choose("batchgenerators", BatchgeneratorsOptions(transforms=_TRANSFORMS))
_CITATION = (
    "Segmentation of post-stroke lesion area by Deep Learning approaches: the description of a project in Keras. "
    "Authors, year and address are not stated; it compares with results of December 2020."
)
_DATA = (
    "ATLAS as released in 2018 (Liew, Sci Data 5, 180011): 220 T1w scans in 9 folders of sites, each with a main mask "
    "and a sub-mask, some with a finer mask that is joined to the sub-mask; 7,917 slices of them."
)
_SIZE = "size of a slice: the median scan's, each edge up to the next multiple of 32; smaller scans lie in the middle"
_NOT_STATED = (
    "axis of the slices: the coarsest; z, across which slices are transverse, where all are alike",
    _SIZE,
    "choice of 36 slices per scan: so many of every training scan in each epoch, drawn anew, half of them on a label",
    "normalisation: each scan to mean 0 and deviation 1, as the default planner does",
    "split: five folds, all scans of a subject in one",
    "optimiser and rate: Adam, 0.001 throughout; the gradient's norm is at most 12",
    "weights to predict with: the last; flips when predicting, and post-processing: none",
    "normalisation layers: batch norm; activation: leaky ReLU of slope 0.01",
    "upsampling: learned in U-Net and ResUNet; SegNet's is plain, for pooling indices are not mentioned",
    "smoothing and averaging of Dice: smoothed by 1, of main and sub-mask over the batch, without background",
    "overlap of main and sub-mask: a voxel of both is of the sub-mask",
    "rotation and zoom: by up to 15 degrees, and by 0.85 to 1.15, each in half of the slices",
    "elastic deformation: noise smoothed by 9 to 13 pixels, times up to 200, in a fifth of the slices",
    "brightness and contrast: by 0.8 to 1.2, each in 30 % of the slices; flips: along both axes, each in half",
    "Dice of the results: of slices or of scans, and its value, which only a picture shows",
)
_DEVIATIONS = (
    "Keras: PyTorch trains here, in 16-bit numbers where the device has them",
    "three outputs (background, main, sub): so where folders of patients hold such masks; with one label two outputs",
)


def make_plan(network: Choice, loss: Choice, fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return a plan of one 2D configuration at full size; raises PlanError for regions, which may overlap."""
    refuse_regions(fingerprint)
    plan = PLANNERS["default"].plan(fingerprint, replace(request, max_hours=None))
    basis = next(entry for entry in plan.configurations if entry.name == "2d")
    edges = [math.ceil(length / HALVINGS) * HALVINGS for length in choose_resolution(fingerprint)[0].median_shape]
    edges[basis.slice_axis] = 1
    scans = count_training_cases(fingerprint)
    steps = EPOCHS * math.ceil(scans * SLICES / SCANS / BATCH_SIZE)
    configuration = replace(
        basis,
        patch_shape=(edges[0], edges[1], edges[2]),
        batch_size=BATCH_SIZE,
        network=network,
        sampling=replace(basis.sampling, augmentations=(_AUGMENTATION,)),
        training=train_by_adam(basis.training, loss, steps=steps, lr=1e-3),
        prediction=replace(basis.prediction, mirror_axes=()),
    )
    size, evidence = show_lengths(configuration.network_patch()), f"{scans} training scans per fold"
    length = "100 epochs, as published, of as many slices per training scan as there: 7,917 of 220 scans."
    reasons = (
        Decision(field="2d.patch_shape", value=size, rule=_SIZE, evidence="shapes of the scans"),
        Decision(field="2d.training.iterations", value=f"{steps:,}", rule=length, evidence=evidence),
    )
    kept = tuple(one for one in plan.decisions if one.field.startswith(("machine.", "preprocessing.", "2d.slice")))
    names = (one.name for one in plan.postprocessing)
    untouched = (PostprocessingCandidates(name=name, min_volumes_mm3=(0.0,), largest_only=False) for name in names)
    return replace(
        plan,
        max_hours=request.max_hours,
        configurations=(configuration,),
        default_configuration="2d",
        decisions=(*kept, *reasons),
        postprocessing=tuple(untouched),
    )


def _make_recipe(network: str, loss: str) -> Recipe:
    (title, network_choice, depth), (words, loss_choice) = _NETWORKS[network], _LOSSES[loss]
    return Recipe(
        name=f"keras_{network}_{loss}",
        title=f"{title} on transverse slices, trained with {words}: one of nine 2D runs in Keras.",
        citation=_CITATION,
        data=_DATA,
        make=partial(make_plan, network_choice, loss_choice),
        not_stated=(f"depth and filters: {depth}", *_NOT_STATED),
        deviations=_DEVIATIONS,
    )


UNET_CCE, UNET_DICE, UNET_CCE_DICE = (_make_recipe("unet", loss) for loss in _LOSSES)
SEGNET_CCE, SEGNET_DICE, SEGNET_CCE_DICE = (_make_recipe("segnet", loss) for loss in _LOSSES)
RESUNET_CCE, RESUNET_DICE, RESUNET_CCE_DICE = (_make_recipe("resunet", loss) for loss in _LOSSES)
