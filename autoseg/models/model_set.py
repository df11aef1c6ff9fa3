"""Models that predict together, wherever they were read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from autoseg.models.lesion_classifier import LesionClasses, LesionClassifier
from autoseg.models.model import Model
from autoseg.models.predicted_dice import DiceCalibration
from autoseg.models.quality import MeasuredEfforts
from autoseg.models.selection import Selection
from dataset_fingerprints.dataset import LabelScheme, first_of_each
from dataset_fingerprints.geometry import Triple
from dataset_fingerprints.likeness import Traits
from dataset_fingerprints.names import counted
from planners.run import Run, join_learned

# What is averaged: probabilities on the scan's grid, or logits on the preprocessed one, as nnU-Net does (Isensee 2021).
Rule = Literal["probabilities", "logits"]
# The models of a configuration, last, and of those that it needs, by configuration, in order of need.
Stages = Mapping[str, tuple[Model, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSet:
    """Trained models that predict together, all of data of the same labels and channels.

    Attributes:
        stages: for each configuration that is averaged.
        rule: by which the folds of a configuration are averaged; configurations are by their probabilities.
        traits: measurements of the scans that they were trained for, with which new ones are compared; empty where
            nothing is known of them.
        selection: how their mean becomes labels, and why; None for the usual rule.
        predicted_dice: how the Dice of their masks is predicted; None where that was not measured.
        efforts: what flips and overlaps bring, of the configurations of which it was measured.
        lesion_classes: what gives the components of their masks classes; None where they get none.
    """

    stages: tuple[Stages, ...]
    rule: Rule = "probabilities"
    traits: tuple[Traits, ...] = ()
    selection: Selection | None = None
    predicted_dice: DiceCalibration | None = None
    efforts: tuple[MeasuredEfforts, ...] = ()
    lesion_classes: LesionClassifier | None = None

    def take_first(self) -> ModelSet:
        """Return the last network of the first fold of the first configuration, and of each stage that it needs.

        Of configurations that learn different labels it is the first of each kind.
        """
        chosen = (self.stages[place] for place in first_of_each(self.regions()))
        first = tuple({name: (_take_last(group[0]),) for name, group in one.items()} for one in chosen)
        # What is predicted of the mean of several configurations is not of one of them.
        dice = self.predicted_dice if len(self.stages) == 1 else None
        classes = self.lesion_classes if len(self.stages) == 1 else None
        return replace(self, stages=first, predicted_dice=dice, lesion_classes=classes)

    def without_selection(self) -> ModelSet:
        """Return them with the usual rule, without what was measured on masks of another rule."""
        dice, classes = self.predicted_dice, self.lesion_classes
        return replace(
            self,
            selection=None,
            predicted_dice=dice if dice is not None and is_of_usual_rule(dice) else None,
            lesion_classes=classes if classes is not None and is_of_usual_rule(classes.description) else None,
        )

    def averaged(self) -> tuple[Model, ...]:
        """Return the first model of each configuration that is averaged."""
        return tuple([*one.values()][-1][0] for one in self.stages)

    def count_networks(self) -> int:
        """Return how many networks are averaged; those of earlier stages do not count."""
        return sum(len(model.weights) for one in self.stages for model in [*one.values()][-1])

    def can_disagree(self) -> bool:
        """Return whether several networks look for the same labels, so that their disagreement can be measured."""
        return self.count_networks() > 1 and len(first_of_each(self.regions())) == 1

    def run(self) -> Run:
        """Return what the first of them was trained by."""
        return self.averaged()[0].run

    def scheme(self) -> LabelScheme:
        """Return the labels that they predict together."""
        return join_learned([model.run for model in self.averaged()])

    def regions(self) -> tuple[LabelScheme, ...]:
        """Return what each of the averaged configurations predicts, as regions of the data set's labels."""
        return tuple(model.run.regions() for model in self.averaged())

    def channels(self) -> tuple[str, ...]:
        """Return the names of the channels that a scan must have, in their order."""
        return self.run().channels

    def patches(self) -> tuple[Triple, ...]:
        """Return the shapes of the patches that their networks see, each once."""
        return tuple(dict.fromkeys(model.run.own().patch_shape for model in self.averaged()))

    def describe(self) -> str:
        """Return in words what is averaged, and after which stages."""
        if len(self.stages) == 1:
            return _describe_folds(self.stages[0])
        return " and ".join(f"{[*one][-1]} ({_describe_folds(one)})" for one in self.stages)


def is_of_usual_rule(measured: DiceCalibration | LesionClasses) -> bool:
    """Return whether something was measured on masks that the usual rule made, not a selected one."""
    return not measured.thresholds and not measured.postprocessing


def _take_last(model: Model) -> Model:
    return replace(model, weights=model.weights[-1:])


def _describe_folds(models: Stages) -> str:
    *earlier, last = ((name, _count(folds)) for name, folds in models.items())
    after = ", ".join(f"{name} ({averaged})" for name, averaged in earlier)
    return f"{last[1]}, after {after}" if after else last[1]


def _count(folds: tuple[Model, ...]) -> str:
    networks = sum(len(fold.weights) for fold in folds)
    if networks > len(folds):
        return f"{counted(networks, 'snapshot')} of {counted(len(folds), 'fold')} averaged"
    return "1 fold" if networks == 1 else f"{counted(networks, 'fold')} averaged"
