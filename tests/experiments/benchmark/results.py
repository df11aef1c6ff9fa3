"""Results with known figures, as files that `autoseg evaluate` writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from autoseg.evaluation import (
    DEFAULT_CONVENTION,
    CaseScores,
    Evaluation,
    LabelScores,
    Score,
    summarise,
    write_evaluation,
)

DEFAULTS = {"lesion_f1": 0.5, "volume_difference_ml": 6.0, "lesion_count_difference": 2.0}


def make_evaluation(dice: Sequence[float], *, simulated: bool = False) -> Evaluation:
    """Return an evaluation of one label whose cases have these Dice."""
    names = [entry.name for entry in DEFAULT_CONVENTION.metrics]
    cases = [
        CaseScores(
            case=f"case-{number}",
            labels=(
                LabelScores(
                    label=1,
                    scores=tuple(
                        Score(metric=name, value=({"dice": value} | DEFAULTS).get(name, 0.7)) for name in names
                    ),
                ),
            ),
        )
        for number, value in enumerate(dice)
    ]
    return replace(summarise(cases), simulated=simulated)


def write_result(folder: Path, dice: Sequence[float], *, simulated: bool = False) -> Path:
    """Write such an evaluation, and return the path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_evaluation(folder / "metrics.json", make_evaluation(dice, simulated=simulated))
    return folder / "metrics.json"


def spread(mean: float, n: int = 60) -> list[float]:
    """Return Dice values around a mean."""
    return list(np.clip(mean + np.linspace(-0.25, 0.25, n), 0.0, 1.0))
