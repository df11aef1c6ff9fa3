"""Made-up components of classes that differ in shape and place, without any mask."""

from __future__ import annotations

import numpy as np

from autoseg.classification import CaseComponents
from autoseg.models.lesion_classifier import LesionClasses, Scaling
from autoseg.postprocessing.component_features import NAMES
from dataset_fingerprints.dataset import Label
from planners.choices import Choice

CLASSES = (Label(name="ms", value=1), Label(name="stroke", value=5))
# Small enough for a training in a moment.
SMALL = Choice(name="fully_connected", options={"hidden": [8], "lr": 0.05})


def make_case(number: int, components: int = 6, unit: str = "", fold: str = "") -> CaseComponents:
    """Return a case of class 0 or 1 by turns: small components to the left, or large ones to the right."""
    rng, place = np.random.default_rng(number), number % 2
    features = rng.normal(0, 1, (components, len(NAMES)))
    features[:, 0] = np.round(rng.uniform(5, 20, components) * 10**place)
    features[:, 1] = 4 * features[:, 0]
    features[:, 2] = rng.normal(40 * (2 * place - 1), 5, components)
    features[:, 8:] = np.sort(rng.uniform(1, 9, (components, 3)))[:, ::-1]
    return CaseComponents(
        case=f"case_{number}",
        unit=unit or f"case_{number}",
        fold=fold or str(number % 4 // 2),
        features=features,
        classes=np.full(components, place, dtype=np.int64),
    )


def describe(scaling: Scaling | None = None, *, removed: bool = False) -> LesionClasses:
    return LesionClasses(
        classes=CLASSES,
        origin="made up",
        removed=removed,
        method=SMALL,
        seed=0,
        scaling=scaling or Scaling(logarithms=(), means=(0.0,) * len(NAMES), deviations=(1.0,) * len(NAMES)),
        weights="",
        configurations=("2d",),
        thresholds=(),
        postprocessing=(),
        measured_on=(),
        folds=("0", "1"),
        counts=(),
        untouched=0,
    )
