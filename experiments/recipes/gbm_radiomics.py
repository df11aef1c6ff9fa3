"""Radiomics of glioblastoma on automatic and on human masks: the 3D network that makes the automatic ones.

What it is judged by are features: `autoseg radiomics MASKS SCANS --normalization white_stripe --bias-correction` for
both kinds of masks, and `autoseg radiomics-compare` for which agree (CCC above 0.80) and for areas under the curve.
Of ADC and nCBV, on the grids of the masks: `autoseg radiomics MASKS MAPS`, and `radiomics-compare --coefficient icc`.
"""

from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.fingerprint import DatasetFingerprint
from experiments.recipes.building import FULL, choose_stripe, find_volumes, make_unet
from experiments.recipes.recipe import Figure, Recipe
from planners.choices import choose
from planners.plan import Decision, Plan
from planners.planner import PlanRequest
from planners.presets import PLANNERS

NAME = "gbm_radiomics"
SPACING_MM = (1.0, 1.0, 1.0)
PATCH, BATCH = (128, 128, 128), 2
NETWORK = replace(make_unet((32, 64, 128, 256, 512), axes=3), attention="squeeze_excitation", deep_supervision=True)
# Features whose concordance is above 0.80, in percent: before and after treatment.
KEPT = {"first-order": ("100", "94.1"), "texture": ("79.0", "69.1"), "wavelet": ("81.8", "74.9")}
FEATURES = {"shape": 7, "first-order": 17, "texture": 162, "wavelet": (17 + 162) * 8}
AREAS = (
    ("internal, first of two that are not named", "0.81 (0.64-0.99)"),
    ("internal, second of two that are not named", "0.81 (0.60-1.00)"),
    ("internal, difference", "P .80"),
    ("external, first of two that are not named", "0.78 (0.61-0.95)"),
    ("external, second of two that are not named", "0.65 (0.46-0.84)"),
    ("external, difference", "P .23"),
)
NOT_STATED = (
    "score of the masks: the DSC is named and not given",
    "features, levels and norm of the network: those of the recipe amc_gbm_initial_fine, of the same thesis, without "
    "dropout, and with losses at every level of the decoder (deep supervision) as the default planner has",
    f"patch and batch: {'x'.join(map(str, PATCH))} voxels of 1 mm, {BATCH}",
    "loss, optimiser, schedule, augmentation: those planned for the data set by default",
    "reduction of squeeze and excitation, and where it is: 16, at the end of every level",
    "settings of bias correction: N4; of WhiteStripe: those of the R package for T1 (last peak, 5 % to either side)",
    "grey levels of textures: 32 over the range of the mask; wavelet: coif1, undecimated, eight sub-bands of one level",
    "between which masks the CCC is: human and automatic ones of the same scans",
    "what the ICC compares: ADC and nCBV of the same two kinds of masks",
    "outcome, classifier and test of the areas: a column of yours; logistic regression with a quadratic penalty, its "
    "strength chosen inside each training part; the paired test of DeLong 1988",
    "which features the classifier sees: those that are kept",
    "whose area stands first, in both validations: left open; the text names automatic masks first, and says that they "
    "did alike (internal) and slightly worse (external)",
    "where the external patients are from: left open; the text has one hospital (SNUH) for them and for training",
)
DEVIATIONS = (
    "Features are mirp's, by the definitions of the IBSI, which the source followed in Matlab: 25 of shape, 18 "
    "first-order, 95 textures, (18+95)x8 wavelet, 1042 in all for 1618; which the 7 and the 162 are is not listed.",
    "The network sees all channels of the data set: the source trains on contrast-enhanced T1 scans alone.",
    "Features are measured of one image at a time: run `autoseg radiomics` on T1 scans, and on ADC and nCBV maps, of "
    "which the source compares histograms.",
    "Scans are not registered, nor are brains extracted for that: bring ADC and nCBV maps on the grid of the T1 scans.",
    "Reference masks are yours; the source's are thresholds and region growing, drawn and looked at by two people.",
    "Cross-validation, where the source trained on 238 scans and tested on others.",
)


def make(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan of one network in 3D.

    Raises:
        PlanError: scans are single slices.
    """
    plan = PLANNERS["default"].plan(fingerprint, request)
    basis = find_volumes(plan)
    stripes = tuple(choose_stripe(channel) for channel in plan.channels)
    preprocessing = replace(basis.preprocessing, normalization=stripes, spacing_mm=SPACING_MM, coarse_axis=-1)
    configuration = replace(
        basis,
        preprocessing=preprocessing,
        patch_shape=PATCH,
        batch_size=BATCH,
        network=choose("unet", NETWORK),
    )
    return replace(plan, configurations=(configuration,), default_configuration=FULL, decisions=_explain(plan.channels))


def _explain(channels: tuple[str, ...]) -> tuple[Decision, ...]:
    source = "thesis, section 4.4"
    return (
        Decision(
            field=f"{FULL}.preprocessing",
            value=f"1 mm, white stripe of {', '.join(channels)}",
            rule="Voxels of 1 mm; bias correction and white stripe.",
            evidence=source,
        ),
        Decision(
            field=f"{FULL}.network",
            value="U-Net with squeeze and excitation",
            rule="A 3D U-Net of blocks with squeeze and excitation.",
            evidence=source,
        ),
    )


GBM_RADIOMICS = Recipe(
    name=NAME,
    title="Glioblastoma segmented by a 3D U-Net with squeeze and excitation; its masks are judged by their radiomics.",
    citation="Thesis on segmentation by deep learning, Asan Medical Center, 2020 or later, section 4.4",
    data="T1-weighted scans with contrast agent of patients with glioblastoma: 238 before treatment to train on; 40 "
    "before and 53 after treatment, and elsewhere 58 and 33, to test on.",
    make=make,
    published=(
        *(
            Figure(of=f"{family} features, {when} treatment", measure="kept by CCC above 0.80, %", value=value)
            for family, values in KEPT.items()
            for when, value in zip(("before", "after"), values, strict=True)
        ),
        Figure(of="ADC and nCBV", measure="ICC, two-way mixed", value="0.82-0.99"),
        *(Figure(of=of, measure="AUC", value=value) for of, value in AREAS),
    ),
    not_stated=NOT_STATED,
    deviations=DEVIATIONS,
)
