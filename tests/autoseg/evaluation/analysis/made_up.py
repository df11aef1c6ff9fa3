"""Made-up evaluations: scores by case, without any mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autoseg.evaluation import CaseScores, Convention, Evaluation, LabelScores, Score, choose_metrics, summarise
from autoseg.evaluation.traits import CaseTraits

METRICS = ("dice", "volume_difference_ml", "reference_volume_ml", "prediction_volume_ml")


def make_evaluation(
    dice: Sequence[float | None],
    volumes: Sequence[float] = (),
    predicted: Sequence[float] = (),
    names: Sequence[str] = (),
    traits: Mapping[str, CaseTraits] | None = None,
) -> Evaluation:
    """Return scores of one label 1 in cases `c0`, `c1`, ..., with volumes of 1 ml where none are given."""
    true = [*volumes] or [1.0] * len(dice)
    found = [*predicted] or true
    names = names or [f"c{number}" for number in range(len(dice))]
    cases = [
        CaseScores(
            case=name,
            labels=(
                LabelScores(
                    label=1,
                    scores=tuple(
                        Score(metric=metric, value=value)
                        for metric, value in zip(
                            METRICS,
                            (dice[place], abs(found[place] - true[place]), true[place], found[place]),
                            strict=True,
                        )
                    ),
                ),
            ),
        )
        for place, name in enumerate(names)
    ]  # fmt: skip
    convention = Convention(name="made up", metrics=choose_metrics(METRICS))
    return summarise(cases, convention, tuple((traits or {}).values()))
