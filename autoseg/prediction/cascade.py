"""Stages that need each other, run in order: masks and boxes of earlier ones go into later ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from autoseg.models import Model, Rule
from autoseg.prediction.ensemble import Ensemble
from autoseg.prediction.inputs import SharedInputs, predict_with
from autoseg.prediction.members import Member, make_members
from autoseg.prediction.probabilities import Predictor, Probabilities
from dataset_fingerprints.measuring.scans import Scan
from planners.plan import Prediction


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage of a cascade.

    Attributes:
        configuration: the name that later stages' inputs call it by.
    """

    configuration: str
    predictor: Predictor


@dataclass(frozen=True, kw_only=True, slots=True)
class Cascade:
    """Stages in order of need; the last one's probabilities are the cascade's.

    Attributes:
        stages: at least one, each behind those that it needs.
    """

    stages: tuple[Stage, ...]

    def predict(self, scan: Scan) -> Probabilities:
        """Return the last stage's probabilities.

        Raises:
            ValueError: a stage needs another one that does not come before it.
        """
        return self.predict_shared(SharedInputs(scan))

    def predict_shared(self, inputs: SharedInputs) -> Probabilities:
        """Return the same, sharing the preprocessed scan with other predictors."""
        own = inputs.branch()
        for stage in self.stages:
            result = predict_with(stage.predictor, own)
            own.add_result(stage.configuration, result)
        return result


def is_single_network(predictor: Predictor) -> bool:
    """Return whether a predictor is one network that looks at a scan once."""
    if isinstance(predictor, Cascade) and len(predictor.stages) == 1:
        return is_single_network(predictor.stages[0].predictor)
    if isinstance(predictor, Ensemble) and len(predictor.members) == 1:
        return is_single_network(predictor.members[0])
    return isinstance(predictor, Member)


def build_cascade(
    stages: Mapping[str, Sequence[Model]],
    device: torch.device,
    *,
    mirror: bool,
    rule: Rule = "probabilities",
    predictions: Mapping[str, Prediction] | None = None,
) -> Cascade:
    """Build the cascade of trained models; of a configuration without inputs its one stage.

    Args:
        stages: the models that are averaged, by configuration, in order of need; a model with snapshots is several
            members.
        device: to predict on.
        mirror: whether flips are averaged.
        rule: by which the models of a stage are averaged.
        predictions: how each configuration predicts; those that are not named as their plan says.

    Raises:
        WorkspaceError: weights do not fit their configuration.
    """
    ways = predictions or {}
    return Cascade(
        stages=tuple(
            Stage(
                configuration=name,
                predictor=Ensemble(
                    members=tuple(
                        member
                        for model in models
                        for member in make_members(model, device, mirror=mirror, prediction=ways.get(name))
                    ),
                    rule=rule,
                ),
            )
            for name, models in stages.items()
        )
    )
