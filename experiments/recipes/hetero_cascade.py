"""The binary model, and a classifier of its lesions' shape and place that tells their diseases (Llambias 2024)."""

from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.fingerprint import DatasetFingerprint
from experiments.recipes.hetero import HETERO_BINARY, plan_binary
from experiments.recipes.hetero_multiclass import publish
from planners.choices import choose
from planners.parts.lesion_classifiers import FullyConnectedOptions
from planners.plan import Decision, Plan
from planners.planner import PlanRequest

# Section 3: two layers of 400 nodes, weighted cross-entropy, Adam with a rate of 0.1, 100 epochs.
CLASSIFIER = choose("fully_connected", FullyConnectedOptions(hidden=(400, 400), epochs=100, lr=0.1, weighted=True))
# Table 3.
_TABLE = {
    "MS": "0.875 0.833 0.854 0.590±0.33 0.474±0.26 0.496±0.25 0.499±0.26 0.671±0.32",
    "stroke": "0.828 0.841 0.835 0.416±0.36 0.386±0.34 0.335±0.26 0.324±0.31 0.551±0.36",
    "WMH": "0.981 0.927 0.953 0.772±0.23 0.671±0.22 0.686±0.21 0.691±0.22 0.823±0.25",
}


def plan_cascade(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan of the binary model, whose lesions get classes where the data set has several."""
    plan = plan_binary(fingerprint, request)
    labels, tasks = len(plan.scheme.labels), len(fingerprint.tasks)
    several = labels > 1 or tasks > 1
    said = Decision(
        field="lesion_classes",
        value=CLASSIFIER.name if several else "left out",
        rule="Llambias 2024: every component gets the class of its task from its shape and place.",
        evidence=f"{labels} labels, {tasks} tasks" if several else "one label, and one task or none named",
        change="" if several else "autoseg combine, with a task for each data set",
    )
    return replace(plan, lesion_classes=CLASSIFIER if several else None, decisions=(*plan.decisions, said))


HETERO_CASCADE = replace(
    HETERO_BINARY,
    name="hetero_cascade",
    title="The binary model, and a network that tells MS, stroke and white matter lesions by shape and place.",
    make=plan_cascade,
    published=publish(_TABLE),
    not_stated=(
        *HETERO_BINARY.not_stated,
        "layers of the classifier: two of 400 nodes with ReLU, and one behind them with a node per class",
        "features: 11 numbers in mm, the place from the middle of the scan; shape by the ellipsoid of equal moments",
        "scaling of features: logarithms of voxels, surface and axes; then mean 0, deviation 1",
        "weights of classes: all count the same; batch: all components; weights kept: of the lowest training loss",
        "whose components teach: those of masks of cases that the fold did not train on",
        "class of a component: that of most of its voxels in lesions; those that touch none teach nothing",
        "scans without a prediction: missed at scan level; ties of volume: the first class; empty masks score 0",
        "class in lesion and voxel scores: a scan's own class, in its own mask; the tables fit no other reading",
        "scans of the MS table: its sensitivity is 35 of 42, and 43 were tested; here all count",
        "which model is better: the tables tell; by figure 2 and the text the cascade in all cases, and Table 4 has "
        "the multi-class model ahead in Dice of WMH",
    ),
    deviations=(
        *HETERO_BINARY.deviations,
        "Classifiers are judged by folds, each without the lesions of its fold; new scans get that of all folds.",
    ),
)
