"""A label for each disease's lesions, from a baseline that learnt all of them as one (Llambias 2024)."""

from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.fingerprint import DatasetFingerprint
from experiments.recipes.hetero import BASELINE, HETERO_BASELINE, balance, make_views, take, unite
from experiments.recipes.recipe import Figure
from planners.plan import Initial, Plan
from planners.planner import PlanRequest

MULTICLASS = "multiclass"
MEASURES = (
    *(f"scan classification: {what}" for what in ("precision", "sensitivity", "F1")),
    *(f"lesion detection: {what}" for what in ("precision", "sensitivity", "F1")),
    "Dice",
    "volume similarity",
)
TESTED = {"MS": 43, "stroke": 63, "WMH": 110}
# Table 4.
_TABLE = {
    "MS": "0.827 1.000 0.905 0.690±0.29 0.421±0.20 0.459±0.16 0.451±0.19 0.620±0.23",
    "stroke": "1.000 0.857 0.923 0.433±0.37 0.334±0.31 0.310±0.24 0.320±0.30 0.538±0.36",
    "WMH": "1.000 1.000 1.000 0.825±0.13 0.596±0.18 0.667±0.12 0.709±0.12 0.846±0.14",
}


def plan_multiclass(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan: the baseline, then fine-tuned on scans drawn alike from every task, with all labels apart."""
    plan = make_views(fingerprint, request)
    slices = plan.configurations[0]
    start = Initial(configuration=BASELINE, layers="matching")
    tuned = replace(balance(slices, fingerprint), name=MULTICLASS, initial=start)
    return take(plan, unite(plan, slices), tuned, default=MULTICLASS)


def publish(table: dict[str, str]) -> tuple[Figure, ...]:
    """Return the figures of a table of scans, lesions and voxels, a row per task as the source prints it."""
    return tuple(
        Figure(of=task, measure=measure, value=value, n=TESTED[task])
        for task, row in table.items()
        for measure, value in zip(MEASURES, row.split(), strict=True)
    )


HETERO_MULTICLASS = replace(
    HETERO_BASELINE,
    name="hetero_multiclass",
    title="The baseline fine-tuned with a label for each task's lesions, scans drawn alike from every task.",
    make=plan_multiclass,
    published=publish(_TABLE),
    not_stated=(
        *HETERO_BASELINE.not_stated,
        "the new output layer: starts at random, all other layers as the baseline",
    ),
)
