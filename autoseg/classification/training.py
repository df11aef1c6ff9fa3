"""Training of a classifier of lesions on components: builders of the entries of `planners.parts.LESION_CLASSIFIERS`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autoseg.classification.components import UNTOUCHED, CaseComponents
from autoseg.models.lesion_classifier import Scaling, run_layers
from autoseg.postprocessing.component_features import NAMES
from dataset_fingerprints.errors import DataError
from planners.builders import BuilderTable
from planners.choices import Choice
from planners.parts import LESION_CLASSIFIERS
from planners.parts.lesion_classifiers import FullyConnectedOptions

# Features that span orders of magnitude.
_SPANNING = ("voxels", "surface_mm2", "longest_axis_mm", "middle_axis_mm", "shortest_axis_mm")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sample:
    """Components to train on.

    Attributes:
        features: (component, feature).
        classes: (component,) places from 0; every one of `count` has a component.
        count: of classes.
    """

    features: NDArray[np.float64]
    classes: NDArray[np.int64]
    count: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trained:
    """A classifier's weights, and whose components they have seen.

    Attributes:
        units: the subjects, or groups of subjects, of these.
        losses: after every epoch: the mean over all components, weighted as in training.
    """

    weights: dict[str, Tensor]
    scaling: Scaling
    units: frozenset[str]
    losses: tuple[float, ...]


# From options, components and a seed to weights, the scaling of features, and the loss after every epoch.
Builder = Callable[[Any, Sample, int], tuple[dict[str, Tensor], Scaling, tuple[float, ...]]]


def train_classifier(method: Choice, cases: Sequence[CaseComponents], names: Sequence[str], seed: int) -> Trained:
    """Return a classifier trained on the components of some cases; the same of the same cases and seed.

    Args:
        method: from `planners.parts.LESION_CLASSIFIERS`.
        cases: with their components.
        names: of the classes.
        seed: of weights and order.

    Raises:
        DataError: a class has no component, or the loss is never finite.
        PlanError: there is no such method or option.
    """
    options, build = BUILDERS.find(method)
    sample = join_components(cases, names, removed=options.false_components == "removed")
    weights, scaling, losses = build(options, sample, seed)
    return Trained(weights=weights, scaling=scaling, units=frozenset(case.unit for case in cases), losses=losses)


def join_components(cases: Sequence[CaseComponents], names: Sequence[str], *, removed: bool) -> Sample:
    """Return the components of all cases together.

    Args:
        cases: with their components.
        names: of the classes.
        removed: whether components that touch no lesion are a class of their own; they are left out otherwise.

    Raises:
        DataError: a class has no component.
    """
    features = np.concatenate([case.features for case in cases]) if cases else np.zeros((0, len(NAMES)))
    classes = np.concatenate([case.classes for case in cases]) if cases else np.zeros(0, dtype=np.int64)
    lacking = [name for place, name in enumerate(names) if not (classes == place).any()]
    if lacking or len(names) < 2:
        what = f"no component of class {lacking[0]}" if lacking else f"only the class {', '.join(names)}"
        raise DataError(
            f"the out-of-fold masks hold {what}, so that nothing can be told apart. Train longer or more folds, whose "
            "masks then find lesions of every class, or leave that class out of the data set."
        )
    # Where no component is false, there is no class of them either.
    removed = removed and bool((classes == UNTOUCHED).any())
    classes = np.where(classes == UNTOUCHED, len(names), classes) if removed else classes
    known = classes != UNTOUCHED
    return Sample(features=features[known], classes=classes[known], count=len(names) + removed)


def train_fully_connected(
    options: FullyConnectedOptions, sample: Sample, seed: int
) -> tuple[dict[str, Tensor], Scaling, tuple[float, ...]]:
    """Return the weights of fully connected layers after the epoch that leaves the lowest loss.

    Args:
        options: of the layers and of Adam.
        sample: the components.
        seed: of weights and order.

    Raises:
        DataError: the loss is not finite after any epoch.
    """
    random = torch.Generator().manual_seed(seed)
    scaling = measure_scaling(sample.features, _SPANNING if options.logarithms else ())
    inputs, classes = scaling.apply(sample.features), torch.from_numpy(sample.classes)
    weights = _draw_layers((len(NAMES), *options.hidden, sample.count), random)
    optimizer = torch.optim.Adam(weights.values(), lr=options.lr)
    weight = weigh_classes(sample) if options.weighted else None

    def find_loss(places: Tensor) -> Tensor:
        return torch.nn.functional.cross_entropy(run_layers(weights, inputs[places]), classes[places], weight)

    best: dict[str, Tensor] = {}
    losses: list[float] = []
    lowest = math.inf
    for _ in range(options.epochs):
        for places in _deal(len(classes), options.batch_size, random):
            optimizer.zero_grad()
            find_loss(places).backward()
            optimizer.step()
        with torch.no_grad():
            losses.append(float(find_loss(torch.arange(len(classes)))))
        if losses[-1] < lowest:
            best, lowest = {name: tensor.detach().clone() for name, tensor in weights.items()}, losses[-1]
    if not best:
        raise DataError(
            f"the loss of the classifier of lesions is not a finite number after any of {options.epochs} epochs with "
            f"lr {options.lr:g}. Set a smaller lr in `lesion_classes` of the plan."
        )
    return best, scaling, tuple(losses)


def measure_scaling(features: NDArray[np.float64], logarithms: Sequence[str]) -> Scaling:
    """Return the change that gives every feature the mean 0 and the deviation 1; a constant one becomes 0."""
    plain = Scaling(logarithms=tuple(logarithms), means=(0.0,) * len(NAMES), deviations=(1.0,) * len(NAMES))
    values = plain.apply(features).double().numpy()
    deviations = values.std(axis=0)
    deviations = np.where(deviations > 0, deviations, 1.0)
    means = tuple(map(float, values.mean(axis=0)))
    return Scaling(logarithms=plain.logarithms, means=means, deviations=tuple(map(float, deviations)))


def weigh_classes(sample: Sample) -> Tensor:
    """Return (class,) weights by which all classes count the same, on average 1 per component."""
    counts = np.bincount(sample.classes, minlength=sample.count)
    return torch.from_numpy(len(sample.classes) / (sample.count * np.maximum(counts, 1))).float()


def _draw_layers(widths: Sequence[int], random: torch.Generator) -> dict[str, Tensor]:
    """Return weights that are drawn as torch draws those of linear layers: evenly, up to 1 / sqrt(inputs)."""
    weights = {}
    for number, (inputs, nodes) in enumerate(pairwise(widths)):
        limit = 1 / math.sqrt(inputs)
        for name, shape in (("weight", (nodes, inputs)), ("bias", (nodes,))):
            drawn = (2 * torch.rand(shape, generator=random) - 1) * limit
            weights[f"{number}.{name}"] = drawn.requires_grad_()
    return weights


def _deal(count: int, batch_size: int, random: torch.Generator) -> Iterator[Tensor]:
    """Yield the places of the components of each step of an epoch."""
    if not batch_size:
        yield torch.arange(count)
        return
    yield from torch.randperm(count, generator=random).split(batch_size)


BUILDERS: BuilderTable[Builder] = BuilderTable(LESION_CLASSIFIERS, {FullyConnectedOptions: train_fully_connected})
