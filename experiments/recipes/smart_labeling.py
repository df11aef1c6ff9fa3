"""Kidneys labelled in stages at Asan Medical Center: people correct what the network of the stage before has marked.

autoseg label start KIDNEYS --unlabelled SCANS --blocks BLOCKS --test-count 10 --own-plan [--scale 16]
                    --planner smart_labeling_initial
autoseg label train; autoseg label next; (people correct); autoseg label accept
autoseg label train --planner smart_labeling; autoseg label next; ...; autoseg label table
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from dataset_fingerprints.fingerprint import DatasetFingerprint
from experiments.recipes import amc_kidney
from experiments.recipes.recipe import Figure, Recipe
from planners.plan import Plan
from planners.planner import PlanRequest

NAME = "smart_labeling"
# Of stage I, and of the two that follow.
FIRST, LATER = 150, 300
# Saved per kidney by correcting in place of drawing, in minutes and seconds.
SAVED = {"artery": "19:08", "vein": "12:01", "ureter": "19:23", "parenchyma": "8:20", "carcinoma": "17:08"}
PUBLISHED = (
    *(
        Figure(of=f"{structure}, corrected beside drawn", measure="time saved", value=f"{time} min")
        for structure, time in SAVED.items()
    ),
    Figure(of="all five, corrected beside drawn", measure="time saved", value="76:00 min, more than half"),
    Figure(of="stages I to III, mean over structures", measure="DSC", value="higher with each stage", n=10),
    Figure(of="parenchyma; carcinoma, last stage", measure="DSC", value="highest; lowest", n=10),
    Figure(of="last stage beside nnU-Net", measure="DSC", value="higher", n=10),
    Figure(of="Table 4.1, five structures", measure="DSC", value="0.71±0.21", n=10),
    Figure(of="validation against test, last stage", measure="difference of DSC", value="6.17 (%, as it seems)"),
    Figure(of="manual to CNN, manual to corrected", measure="surface points of the RMS", value="17,650"),
    Figure(of="CNN to corrected", measure="surface points of the RMS", value="26,471"),
    Figure(of="prediction", measure="time per case", value="less than 1 s"),
)
NOT_STATED = (
    *amc_kidney.AMC_KIDNEY.not_stated,
    "whether a stage starts from the weights of the one before: it does (--from is what `autoseg label train` gives)",
    "kidneys of stage II (16 of the first 20 and 16 new ones in section 4.2; 40 in section 3.4): all labelled ones",
    "DSC and p-values of the stages: in a table that the text names and does not show",
    "which points of two surfaces correspond: the nearest ones, from the points of the first-named surface; the RMS is"
    " the root of their mean squared distance, where the text names an equation that is of something else",
    "who corrected, and how much: `autoseg label accept` measures the volume that changed",
)
DEVIATIONS = (
    *(text for text in amc_kidney.AMC_KIDNEY.deviations if not text.startswith("300 epochs")),
    "Ten kidneys are held out from the first stage on, and judge all three; the source names them for the last one.",
    "Cases are scans, not kidneys; an epoch is a pass over all labelled cases, which `autoseg label train` makes"
    " one model of.",
    "Masks are corrected in ITK-SNAP or 3D Slicer in place of Mimics, and surfaces are those of voxels in place of"
    " meshes in 3-matic.",
)


def make(fingerprint: DatasetFingerprint, request: PlanRequest, epochs: int) -> Plan:
    """Return the cascade's plan with so many passes over all labelled cases.

    Raises:
        PlanError: scans are single slices.
    """
    plan = amc_kidney.make(fingerprint, request)
    steps = epochs * len(fingerprint.cases)
    configurations = tuple(
        replace(entry, training=replace(entry.training, iterations=steps)) for entry in plan.configurations
    )
    return replace(plan, configurations=configurations)


def _publish(name: str, stage: str, epochs: int) -> Recipe:
    return Recipe(
        name=name,
        title=f"Kidneys labelled in stages by people and a cascade of 3D U-Nets: {stage}, {epochs} epochs.",
        citation=amc_kidney.AMC_KIDNEY.citation,
        data=f"{amc_kidney.AMC_KIDNEY.data} 20 kidneys drawn by hand, then 16 and more corrected; 40 train, 10 test.",
        make=partial(make, epochs=epochs),
        published=PUBLISHED if name == NAME else (),
        not_stated=NOT_STATED,
        deviations=DEVIATIONS,
        memory_gb=amc_kidney.AMC_KIDNEY.memory_gb,
    )


INITIAL = _publish(f"{NAME}_initial", "stage I", FIRST)
SMART_LABELING = _publish(NAME, "stages II and III", LATER)
