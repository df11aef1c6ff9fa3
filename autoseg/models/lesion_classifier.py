"""A trained classifier of lesions: it gives every component of a mask its class.

What is known of it is JSON (lesion_classes.json), its weights are safetensors beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import not_
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from autoseg.models.selection import MeasuredFold
from autoseg.models.tensors import find_broken
from autoseg.postprocessing.component_features import NAMES, measure_components
from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.geometry import TripleFloat
from planners.choices import Choice

SCHEMA_VERSION = 1
# Of a damaged file.
REMEDY = "Give `autoseg lesion-classes` again."
# In the place of a class: what lesions of it become.
BACKGROUND = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """Change of features before the first layer: logarithms of some, then minus the mean, over the deviation.

    Attributes:
        logarithms: names of the features whose logarithm is taken, of 1 more than the value.
        means: per feature.
        deviations: per feature, above 0.
    """

    logarithms: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def apply(self, features: NDArray[np.float64]) -> Tensor:
        """Return (component, feature) scaled, in single precision."""
        values = features.copy()
        chosen = [NAMES.index(name) for name in self.logarithms]
        values[:, chosen] = np.log1p(values[:, chosen])
        return torch.from_numpy(((values - self.means) / self.deviations).astype(np.float32))


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassCount:
    """Components of one class that a classifier was trained on, and how it did on those of folds left out.

    Attributes:
        name: of the class.
        components: trained on.
        cases: that hold them.
        found: of the components, those that a classifier without their fold gave this class; null where none did so.
    """

    name: str
    components: int
    cases: int
    found: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionClasses:
    """File lesion_classes.json: what a classifier of lesions was trained on, and what it tells apart.

    Attributes:
        classes: their names, and the values that masks have of them.
        origin: of the classes: the tasks of cases, or the label values of references.
        removed: whether there is one more class, behind the others, whose components are removed.
        method: from `planners.parts.LESION_CLASSIFIERS`.
        seed: of weights and order.
        scaling: of features.
        weights: hash of the file of its weights.
        configurations: whose mean probability makes the masks.
        thresholds: of the decision that makes them.
        postprocessing: of that decision.
        measured_on: the folds of whose out-of-fold masks the components are.
        folds: the folds that take turns.
        counts: per class.
        untouched: components that touch no lesion of the reference.
        left_out: what could not be used, in sentences.
        simulated: whether the scans are simulated. Not written where they are not.
    """

    classes: tuple[Label, ...]
    origin: str
    removed: bool
    method: Choice
    seed: int
    scaling: Scaling
    weights: str
    configurations: tuple[str, ...]
    thresholds: tuple[float, ...]
    postprocessing: tuple[Choice, ...]
    measured_on: tuple[MeasuredFold, ...]
    folds: tuple[str, ...]
    counts: tuple[ClassCount, ...]
    untouched: int
    left_out: tuple[str, ...] = ()
    simulated: Annotated[bool, Field(exclude_if=not_)] = False
    schema_version: int = SCHEMA_VERSION

    def scheme(self) -> LabelScheme:
        """Return the labels of masks with classes."""
        return LabelScheme(labels=self.classes)

    def describe(self) -> str:
        """Return in a sentence what the masks hold by it, and how well it tells the classes apart."""
        names = ", ".join(f"{label.value} {label.name}" for label in self.classes)
        judged = [one for one in self.counts if one.found is not None]
        total = sum(one.components for one in judged)
        right = sum(one.found or 0 for one in judged)
        how = f"; {right} of {total} components of cases left out of its training got their own" if total else ""
        return f"Every component has a class ({names}), given by a classifier of shape and place{how}."


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LesionClassifier:
    """A classifier that is ready to use.

    Attributes:
        description: of it.
        weights: of its layers: `0.weight` (nodes, inputs), `0.bias` (nodes), and so on.
    """

    description: LesionClasses
    weights: Mapping[str, Tensor]

    def score(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (component, class) the probabilities of (component, feature), as they are measured."""
        with torch.inference_mode():
            logits = run_layers(self.weights, self.description.scaling.apply(features))
            scores: NDArray[np.float64] = logits.double().softmax(dim=1).numpy()
        return scores

    def classify(self, mask: NDArray[np.bool_], spacing_mm: TripleFloat) -> NDArray[np.integer]:
        """Return (x, y, z) values of classes in a mask (x, y, z), 0 outside; every component has one class.

        Args:
            mask: of a whole scan, along canonical axes.
            spacing_mm: voxel size.
        """
        scheme = self.description.scheme()
        indices = np.zeros(mask.shape, dtype=np.uint8)
        found = measure_components(mask, spacing_mm)
        if len(found.values):
            chosen = self.score(found.values).argmax(axis=1) + 1
            # A class behind the others is that of components that are none.
            chosen[chosen > len(scheme.labels)] = BACKGROUND
            table = np.concatenate(([BACKGROUND], chosen)).astype(np.uint8)
            indices[found.box] = table[found.components.numbers]
        return scheme.to_values(indices)

    def refuse_misfit(self, where: str) -> None:
        """Make sure that the weights are those of the features and classes that the description names.

        Raises:
            WorkspaceError: they are not.
        """
        scaling, outputs = self.description.scaling, len(self.description.classes) + self.description.removed
        broken = find_broken(self.weights)
        wrong = _find_misfit(self.weights, outputs) or (f"{broken} holds values that are not finite" if broken else "")
        if {len(scaling.means), len(scaling.deviations)} != {len(NAMES)} or not {*scaling.logarithms} <= {*NAMES}:
            wrong = f"its scaling is not of the {len(NAMES)} features"
        if wrong:
            raise WorkspaceError(f"{where}: is not a classifier of lesions that can be used ({wrong}). {REMEDY}")


def _find_misfit(weights: Mapping[str, Tensor], outputs: int) -> str:
    """Return in what weights are not those of layers one behind the other; empty where they are."""
    nodes = len(NAMES)
    for number in range(len(weights) // 2):
        weight, bias = weights.get(f"{number}.weight"), weights.get(f"{number}.bias")
        if weight is None or bias is None:
            return f"layer {number} is missing"
        if weight.ndim != 2 or weight.shape[1] != nodes or bias.shape != weight.shape[:1]:
            return f"layer {number} is of shape {tuple(weight.shape)}, expected {nodes} inputs"
        nodes = len(weight)
    if not weights or len(weights) % 2 or nodes != outputs:
        return f"it gives {nodes} numbers, expected {outputs}, one for each class"
    return ""


def run_layers(weights: Mapping[str, Tensor], values: Tensor) -> Tensor:
    """Return (component, class) logits of (component, feature): rectified layers, and a last one that is not."""
    last = len(weights) // 2 - 1
    for number in range(last + 1):
        values = torch.nn.functional.linear(values, weights[f"{number}.weight"], weights[f"{number}.bias"])
        values = values if number == last else values.relu()
    return values
