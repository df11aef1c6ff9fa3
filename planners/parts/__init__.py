"""Parts that a plan chooses by name: one table per kind, with the options of its entries and what they cost.

Nothing here needs torch: `autoseg` holds, per options class, how it is built.
"""

from __future__ import annotations

from planners.choices import PartTable
from planners.parts.augmentations import AUGMENTATIONS
from planners.parts.growth import GROWTHS
from planners.parts.lesion_classifiers import LESION_CLASSIFIERS
from planners.parts.losses import LOSSES
from planners.parts.networks import NETWORKS
from planners.parts.normalizations import NORMALIZATIONS
from planners.parts.optimizers import OPTIMIZERS
from planners.parts.patches import CASES, PATCHES
from planners.parts.postprocessing import POSTPROCESSING
from planners.parts.schedules import SCHEDULES
from planners.parts.weights import WEIGHTS

# By the field of a configuration that chooses from the table; a field may hold one choice or a list of them.
PARTS: dict[str, PartTable[type]] = {
    "network": NETWORKS,
    "preprocessing.normalization": NORMALIZATIONS,
    "sampling.cases": CASES,
    "sampling.patches": PATCHES,
    "sampling.augmentations": AUGMENTATIONS,
    "training.growth": GROWTHS,
    "training.loss": LOSSES,
    "training.optimizer": OPTIMIZERS,
    "training.schedule": SCHEDULES,
    "training.weights": WEIGHTS,
}

__all__ = [
    "AUGMENTATIONS",
    "CASES",
    "GROWTHS",
    "LESION_CLASSIFIERS",
    "LOSSES",
    "NETWORKS",
    "NORMALIZATIONS",
    "OPTIMIZERS",
    "PARTS",
    "PATCHES",
    "POSTPROCESSING",
    "SCHEDULES",
    "WEIGHTS",
]
