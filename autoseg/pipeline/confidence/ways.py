"""Ways in which models predict, as a person's `--quality` and `--mirror` ask for, and as was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from autoseg.models import ModelSet
from autoseg.models.quality import QualityName, choose_effort, describe_choice
from planners.plan import Prediction


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """Effort that a person asks for.

    Attributes:
        mirror: whether all of the plan's flips are averaged, or none; None for what the quality says.
    """

    quality: QualityName = "standard"
    mirror: bool | None = None


USUAL_WAY = Way()


@dataclass(frozen=True, kw_only=True, slots=True)
class WayOfModels:
    """The models that predict, and how.

    Attributes:
        predictions: of each configuration, by its name.
        description: for a person.
    """

    models: ModelSet
    predictions: Mapping[str, Prediction]
    description: str


def choose_way(models: ModelSet, way: Way = USUAL_WAY) -> WayOfModels:
    """Return which of the models predict, and how each configuration does.

    `fast` takes the first configuration of several that are averaged, and of each the last network of its first fold.
    """
    if way.quality == "fast":
        models = models.take_first()
    measured = {one.configuration: one for one in models.efforts}
    predictions = {}
    for one in models.stages:
        for name, (first, *_) in one.items():
            planned = first.run.own().prediction
            effort = choose_effort(way.quality, planned, measured.get(name))
            if way.mirror is not None:
                effort = replace(effort, mirror_axes=planned.mirror_axes if way.mirror else ())
            predictions[name] = effort
    averaged = dict.fromkeys(model.run.configuration for model in models.averaged())
    texts = {name: describe_choice(predictions[name], measured.get(name)) for name in averaged}
    same = len(set(texts.values())) == 1
    said = next(iter(texts.values())) if same else "; ".join(f"{name}: {text}" for name, text in texts.items())
    return WayOfModels(models=models, predictions=predictions, description=f"quality {way.quality}, {said}")
