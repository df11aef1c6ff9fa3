"""Glioblastoma at Asan Medical Center: an initial segmentation of eighths of a scan, then a fine one of random crops."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from dataset_fingerprints.fingerprint import DatasetFingerprint
from experiments.recipes.recipe import Figure, Recipe
from planners.choices import Choice, choose
from planners.parts.networks import UNetOptions
from planners.plan import Configuration, Initial, Plan, Preprocessing
from planners.planner import PlanRequest
from planners.presets import PLANNERS

# The numbers of random crops per case, and the one at which the Dice was saturated.
CROPS, BEST = (1, 2, 4, 8, 16, 32), 16
INPUT = (176, 208, 96)
LEVELS = 5
NETWORK = UNetOptions(
    features=(16, 32, 64, 128, 256),
    kernels=((3, 3, 3),) * LEVELS,
    strides=((1, 1, 1), *((2, 2, 2),) * (LEVELS - 1)),
    encoder_blocks=(2,) * LEVELS,
    decoder_blocks=(2,) * (LEVELS - 1),
    deep_supervision=False,
    attention="squeeze_excitation",
    dropout=0.05,
)
STRIPE = Choice(name="white_stripe", options={"peak": "last", "bias_correction": True})
# Rotation, flips and resizing alone.
AUGMENTATION = Choice(
    name="standard",
    options={
        f"{name}_probability": 0.0
        for name in ("noise", "blur", "brightness", "contrast", "low_resolution", "inverted_gamma", "gamma")
    },
)
# 8 boxes per scan in the first phase, a number of crops per scan in the second: 250 steps an epoch, as elsewhere here.
ITERATIONS = {"initial": 25_000, "fine": 25_000}


def make(fingerprint: DatasetFingerprint, request: PlanRequest, crops: int) -> Plan:
    """Return the plan: `initial` on eighths of a scan, `fine` on random crops on the mask from its weights."""
    plan = PLANNERS["default"].plan(fingerprint, request)
    basis = next(entry for entry in plan.configurations if entry.slice_axis < 0)
    initial = _configure(basis, "initial", Choice(name="grid", options={"parts": [2, 2, 2]}))
    fine = _configure(basis, "fine", Choice(name="crops_on_mask", options={"count": crops}))
    fine = replace(fine, initial=Initial(configuration="initial"))
    return replace(plan, configurations=(initial, fine), default_configuration="fine", decisions=())


def _configure(basis: Configuration, name: str, patches: Choice) -> Configuration:
    training = replace(
        basis.training,
        loss=Choice(name="cross_entropy"),
        optimizer=Choice(name="adam", options={"lr": 5e-5, "weight_decay": 1e-6}),
        schedule=Choice(name="poly", options={"exponent": 0.0}),
        weights=Choice(name="last"),
        iterations=ITERATIONS[name],
    )
    return replace(
        basis,
        name=name,
        inputs=(),
        preprocessing=Preprocessing(
            spacing_mm=basis.preprocessing.spacing_mm,
            normalization=(STRIPE,) * len(basis.preprocessing.normalization),
            coarse_axis=basis.preprocessing.coarse_axis,
        ),
        patch_shape=INPUT,
        batch_size=1,
        network=choose("unet", NETWORK),
        sampling=replace(basis.sampling, patches=patches, augmentations=(AUGMENTATION,)),
        training=training,
    )
