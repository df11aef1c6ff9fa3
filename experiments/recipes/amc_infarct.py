"""Acute infarcts at Asan Medical Center: located on ADC and b1000, cropped, and refined slice by slice."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.image_kinds import find_kind
from experiments.recipes.building import AXIAL, find_axial_slices, keep_changes, make_unet, train_by_adam
from experiments.recipes.recipe import Figure, Recipe
from planners.choices import Choice, choose
from planners.parts.networks import UNetOptions
from planners.plan import Configuration, Decision, Plan, Preprocessing
from planners.planner import PlanRequest
from planners.presets import PLANNERS
from planners.stage_inputs import CropTo

NAME, MATRIX, REFINED, STEPS = "amc_infarct", 384, 192, 25_000
UNET = make_unet((32, 64, 128, 256, 512), axes=2)
SE_UNET, DICE = replace(UNET, attention="squeeze_excitation"), Choice(name="dice")
BOUNDARY, FOCAL = Choice(name="boundary", options={"cross_entropy_weight": 0.0}), Choice(name="dice_focal")
AUGMENTATION = keep_changes("rotation", "scaling")
# Table 3.2: rows by what is behind a recipe's name, with network and loss of the second phase, and the DSC by input.
ROWS = {
    "unet": ("U-Net (2D)", UNET, DICE, "0.821±0.045 0.801±0.081 0.811±0.082"),
    "se": ("U-Net with SE (2D)", SE_UNET, DICE, "0.833±0.027 0.823±0.063 0.821±0.071"),
    "boundary": ("DSC + boundary loss", SE_UNET, BOUNDARY, "0.858±0.070 0.844±0.071 0.837±0.069"),
    "focal": ("DSC + focal loss", SE_UNET, FOCAL, "0.860±0.077 0.845±0.068 0.848±0.062"),
}
# Inputs, and spellings of their channels.
INPUTS = {"": ("ADC", "b1000"), "adc": ("ADC",), "b1000": ("b1000",)}
SPELLINGS = {"ADC": ("adc",), "b1000": ("dwi", "trace")}


def make(fingerprint: DatasetFingerprint, request: PlanRequest, row: str, kinds: tuple[str, ...]) -> Plan:
    """Return the plan: `locate` on whole slices, then `refine` in the box around what it found.

    Raises:
        PlanError: slices are not axial, or a channel is not there.
    """
    plan = PLANNERS["default"].plan(fingerprint, request)
    basis = find_axial_slices(plan, fingerprint)
    seen, evidence = find_channels(fingerprint, kinds, request.planner)
    edges = [max(np.multiply(case.shape, case.spacing_mm)[:AXIAL]) for case in fingerprint.cases]
    voxel_mm = round(float(np.median(edges)) / MATRIX, 4)
    preprocessing = Preprocessing(
        spacing_mm=(voxel_mm, voxel_mm, basis.preprocessing.spacing_mm[AXIAL]),
        normalization=(Choice(name="percentile_range"),) * len(plan.channels),
        coarse_axis=AXIAL,
        channels=None if len(seen) == len(plan.channels) else seen,
    )
    basis = replace(basis, preprocessing=preprocessing)
    _, network, loss, _ = ROWS[row]
    locate = _configure(basis, "locate", (MATRIX, 4), UNET, DICE)
    refine = _configure(basis, "refine", (REFINED, 16), network, loss)
    refine = replace(refine, inputs=(CropTo(configuration="locate", margin_mm=10.0),))
    decision = Decision(
        field="preprocessing.channels",
        value=" and ".join(plan.channels[position] for position in seen),
        rule=f"This recipe sees {' and '.join(kinds)} (table 3.2 of the thesis).",
        evidence=evidence,
    )
    return replace(plan, configurations=(locate, refine), default_configuration="refine", decisions=(decision,))


def find_channels(fingerprint: DatasetFingerprint, kinds: tuple[str, ...], name: str) -> tuple[tuple[int, ...], str]:
    """Return the positions of channels of these kinds, and in words how they were found; raises PlanError without."""
    names = [channel.name for channel in fingerprint.channels]
    known, how = {kind: find_kind(names, *spelled) for kind, spelled in SPELLINGS.items()}, "by their names"
    if set(known.values()) == {None} and len(names) <= len(SPELLINGS):
        known, how = {"ADC": 0, "b1000": len(names) - 1}, "by position, for none is called ADC, b1000 or DWI"
    lacking = [kind for kind in kinds if known[kind] is None]
    if lacking:
        alone = [f"take {NAME}_{kind.lower()}, or " for kind, place in known.items() if place is not None]
        raise PlanError(
            f"{fingerprint.name}: {name} sees {' and '.join(kinds)}, but the channels are {', '.join(names)}. Expected "
            f"names such as ADC, b1000 or DWI: {''.join(alone)}rename {' and '.join(lacking)} in the data set."
        )
    return tuple(sorted({known[kind] or 0 for kind in kinds})), f"channels {', '.join(names)}, {how}"


def _configure(
    basis: Configuration, name: str, size: tuple[int, int], network: UNetOptions, loss: Choice
) -> Configuration:
    return replace(
        basis,
        name=name,
        patch_shape=(size[0], size[0], 1),
        batch_size=size[1],
        network=choose("unet", network),
        sampling=replace(basis.sampling, augmentations=(AUGMENTATION,)),
        training=train_by_adam(basis.training, loss, steps=STEPS, lr=1e-4),
        prediction=replace(basis.prediction, mirror_axes=(0, 1)),
    )


def _publish(row: str, suffix: str) -> Recipe:
    title, *_, scores = ROWS[row]
    inputs = " + ".join(INPUTS[suffix])
    own = Figure(of=f"{title}, {inputs}", measure="DSC", value=scores.split()[list(INPUTS).index(suffix)])
    summary = (
        Figure(of="best, in the text", measure="DSC", value="86.6 %"),
        Figure(of="infarcts, in table 4.1", measure="DSC", value="0.86±0.19", n=424),
        Figure(of="SE and focal loss beside neither, in U-Net, nnU-Net, Dense U-Net", measure="DSC", value="higher"),
    )
    name = "_".join(word for word in (NAME, row.removeprefix("focal"), suffix) if word)
    return Recipe(
        name=name,
        title=f"{title} on {inputs}: infarcts are located, cropped, and refined in 2D.",
        citation="Thesis on segmentation by deep learning, Asan Medical Center, 2020 or later, sections 3.2 and 4.1",
        data="Diffusion-weighted MRI of 429 patients with acute stroke, 20 to 45 slices of 3 to 5 mm: ADC and b1000."
        " Table 4.1 has 424 patients, and slices of 3 to 7 mm.",
        make=partial(make, row=row, kinds=INPUTS[suffix]),
        published=(own, *summary) if name == NAME else (own,),
        not_stated=(
            "base loss of rows 1 and 2: DSC, as in table 4.1; weights: 1, of the boundary 0.01; gamma: 2",
            "SE in rows 3 and 4: yes, at the end of every level, with a reduction of 16",
            "network: 32 to 512 features on five levels, the 23 convolutions of chapter 2, strides of 2, instance norm,"
            " leaky ReLU; patch: 192x192",
            "optimiser, batch, steps: Adam at 1e-4; 4 slices, then 16 patches; 25,000 per phase, the last weights",
            "range that the percentiles become: 0 to 1, clipped; margin of the box: 10 mm",
            "boxes of training cases: around the reference; of others: around what the first phase found, or the scan",
            "resampling across slices, split, ranges of augmentation: as the data set's, by folds, nnU-Net's",
            "how a slice is predicted: tiles of the network's input that overlap by half, with flips",
        ),
        deviations=(
            "A U-Net without SE, trained by DSC, in place of Mask R-CNN: one box around all that it found in a scan, in"
            " place of one per infarct.",
            "Percentiles of the body, not of SPM12's brain: bring scans of brains, as the source's brain extraction.",
            "Voxels of which 384 make the longer edge of the median slice, by cubic splines, in place of 384x384 each.",
            "Neither mean and SD nor bias correction, which table 4.1 lists beside section 3.2's percentiles.",
            "Without channels called ADC, b1000 or DWI the first is taken for ADC, the last for b1000, one for both.",
        ),
    )


AMC_INFARCT, ADC, B1000 = (_publish("focal", suffix) for suffix in INPUTS)
BOUNDARY_BOTH, BOUNDARY_ADC, BOUNDARY_B1000 = (_publish("boundary", suffix) for suffix in INPUTS)
SE_BOTH, SE_ADC, SE_B1000 = (_publish("se", suffix) for suffix in INPUTS)
UNET_BOTH, UNET_ADC, UNET_B1000 = (_publish("unet", suffix) for suffix in INPUTS)
