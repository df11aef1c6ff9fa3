"""Brain lesions of several diseases as one label (Llambias 2024): a baseline, fine-tuned in balance, or alone."""

from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.fingerprint import DatasetFingerprint
from experiments.recipes.building import merge_labels, refuse_regions
from experiments.recipes.recipe import Figure, Recipe
from planners.choices import Choice
from planners.plan import Configuration, Decision, Plan, PostprocessingCandidates, Sampling
from planners.planner import PlanRequest
from planners.presets import PLANNERS
from planners.stage_inputs import Initial

BASELINE, BESIDE, VOLUMES, BINARY, SPECIFIC = "baseline", "baseline_2_5d", "baseline_3d", "binary", "specific"
# Section 3: 1000 iterations of 250 batches of 64 slices, at a rate of 0.001 that falls as a cosine.
STEPS, SLICES, RATE, NEIGHBOURS, MEMORY_GB = 1000 * 250, 64, 1e-3, 1, 40.0
# Rotation, elastic deformation, noise, bias field, motion; nothing else of the part.
_CHANCES = {"rotation": 0.2, "elastic": 0.2, "noise": 0.1, "bias": 0.3, "ghosts": 0.2} | dict.fromkeys(
    ("scaling", "blur", "brightness", "contrast", "low_resolution", "inverted_gamma", "gamma"), 0.0
)
AUGMENTATION = Choice(
    name="standard", options={"mirror": False, **{f"{name}_probability": share for name, share in _CHANCES.items()}}
)
BALANCED = Choice(name="balanced", options={"over": "task"})


def plan_baseline(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan of the baseline: all lesions as one label; and the same in 2.5D and 3D, to compare with."""
    plan = make_views(fingerprint, request)
    union, *volumes = (unite(plan, one) for one in plan.configurations)
    return take(plan, union, replace(union, name=BESIDE, neighbours=NEIGHBOURS), *volumes, default=BASELINE)


def plan_binary(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan of the binary model: the baseline, then fine-tuned on scans drawn alike from every task."""
    plan = make_views(fingerprint, request)
    union = unite(plan, plan.configurations[0])
    tuned = replace(balance(union, fingerprint), name=BINARY, initial=Initial(configuration=BASELINE))
    return take(plan, union, tuned, default=BINARY)


def plan_specific(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan of a model of one data set alone; raises PlanError for several tasks."""
    if len(fingerprint.tasks) > 1:
        named = ", ".join(part.name for part in fingerprint.tasks)
        raise PlanError(f"{fingerprint.name}: has the tasks {named}. Expected one: plan each data set for itself.")
    plan = make_views(fingerprint, request)
    return take(plan, replace(unite(plan, plan.configurations[0]), name=SPECIFIC), default=SPECIFIC)


def make_views(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return a plan of two networks, of slices and of volumes, that learn the labels as they are; the latter if any."""
    refuse_regions(fingerprint)
    plan = PLANNERS["nnunet"].plan(fingerprint, replace(request, max_hours=None))
    views = {one.name: one for one in plan.configurations}
    slices = replace(_train(views["2d"], BASELINE), batch_size=SLICES)
    volumes = [_train(views["3d_fullres"], VOLUMES)] if "3d_fullres" in views else []
    tasks = ", ".join(f"{part.name} ({part.cases})" for part in fingerprint.tasks) or "none named"
    rule = "Llambias 2024: scans are drawn alike from every task, in fine-tuning only."
    several = "alike from every task in fine-tuning" if len(fingerprint.tasks) > 1 else "every scan alike"
    kept = (one for one in plan.decisions if one.field.startswith(("machine.", "preprocessing.")))
    return replace(
        plan,
        max_hours=request.max_hours,
        configurations=(slices, *volumes),
        decisions=(*kept, Decision(field="sampling.cases", value=several, rule=rule, evidence=f"tasks: {tasks}")),
        postprocessing=tuple(
            PostprocessingCandidates(name=one.name, min_volumes_mm3=(0.0,), largest_only=False)
            for one in plan.postprocessing
        ),
    )


def _train(planned: Configuration, name: str) -> Configuration:
    training = replace(
        planned.training,
        optimizer=Choice(name="sgd", options={"lr": RATE}),
        schedule=Choice(name="cosine", options={"warmup_share": 0.0, "final_factor": 0.0}),
        iterations=STEPS,
    )
    every = Sampling(cases=Choice(name="uniform"), patches=planned.sampling.patches, augmentations=(AUGMENTATION,))
    seen = replace(planned.prediction, mirror_axes=())
    return replace(planned, name=name, sampling=every, training=training, prediction=seen)


def unite(plan: Plan, own: Configuration) -> Configuration:
    """Return a configuration that learns all labels as one."""
    return replace(own, targets=merge_labels(plan)) if len(plan.scheme.labels) > 1 else own


def balance(own: Configuration, fingerprint: DatasetFingerprint) -> Configuration:
    """Return a configuration that draws scans alike from every task, where there are several."""
    return replace(own, sampling=replace(own.sampling, cases=BALANCED)) if len(fingerprint.tasks) > 1 else own


def take(plan: Plan, *configurations: Configuration, default: str) -> Plan:
    """Return a plan of these configurations."""
    return replace(plan, configurations=configurations, default_configuration=default)


NOT_STATED = (
    "voxel size, normalisation, size of a slice, network: nnU-Net's for 40 GB",
    "momentum, weight decay: 0.99 with Nesterov, 3e-5, as nnU-Net; gradients clipped at 12",
    "fine-tuning: as many steps and the same rate as the baseline; a third of the slices hold a lesion, as nnU-Net",
    "ranges and chances of the augmentation: elastic, bias field and ghosts as elsewhere here; no flips",
    "slices of a 2.5D network: one on either side; patch and batch in 3D: nnU-Net's",
    "data sets without a task named: every scan alike",
)
DEVIATIONS = (
    "Slices lie across the coarsest axis, z where all are alike: the source's are axial.",
    "Slices turn about their own axis: the source lists rotation in 3D.",
    "Folds over all scans by subject, balanced over tasks: the source has a test set per data set, a quarter of two.",
)
HETERO_BASELINE = Recipe(
    name="hetero_baseline",
    title="MS, stroke and white matter lesions as one label in slices of FLAIR, every scan drawn alike.",
    citation="Llambias SN, Nielsen M, Mehdipour Ghazi M. Heterogeneous Learning for Brain Lesion Segmentation, "
    "Detection, and Classification. Northern Lights Deep Learning Conference 2024, PMLR 233:138-144.",
    data="FLAIR, training and test scans: MSSEG-1 15 and 38, MS08 14 and 5, ISLES22 187 and 63, WMH 60 and 110; slices "
    "of 0.5 to 5 mm, 128x128x25 to 512x512x512 voxels. In this order 40, 22, 9 and 61 lesions per scan, of 848, 1617, "
    "365 and 98 mm3 on average (per lesion, as it seems); two scans of ISLES22 have none.",
    make=plan_baseline,
    published=(Figure(of="2D beside 2.5D and 3D", measure="Dice", value="higher"),),
    not_stated=NOT_STATED,
    deviations=DEVIATIONS,
    memory_gb=MEMORY_GB,
)
_SETS = {"MSSEG-1": 38, "MS08": 5, "ISLES22": 63, "WMH": 110}
# Table 5: Dice and volume similarity.
_BINARY = "0.590±0.17 0.809±0.15 0.363±0.17 0.623±0.22 0.336±0.30 0.554±0.33 0.743±0.11 0.888±0.09"
_SPECIFIC = "0.635±0.20 0.819±0.20 0.347±0.16 0.742±0.28 0.310±0.30 0.514±0.35 0.772±0.10 0.918±0.09"
_ROWS = [(name, measure, count) for name, count in _SETS.items() for measure in ("Dice", "volume similarity")]
_SCORES = [
    tuple(
        Figure(of=of, measure=what, value=value, n=n) for (of, what, n), value in zip(_ROWS, row.split(), strict=True)
    )
    for row in (_BINARY, _SPECIFIC)
]
_TUNED = "The baseline fine-tuned with scans drawn alike from every task, still with one label."
_ELSEWHERE = Figure(of="other data sets, but for WMH on MS", measure="Dice", value="below 0.1")
_ALONE = "The same network for one data set alone: one run per data set, compared over all of them."
HETERO_BINARY = replace(HETERO_BASELINE, name="hetero_binary", title=_TUNED, make=plan_binary, published=_SCORES[0])
HETERO_SPECIFIC = replace(
    HETERO_BASELINE, name="hetero_specific", title=_ALONE, make=plan_specific, published=(*_SCORES[1], _ELSEWHERE)
)
