"""The description that every metric carries, as tables, files and rankings need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from autoseg.evaluation.mask_pair import MaskPair

Direction = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """A metric's description, written beside its scores.

    Attributes:
        title: a short head for a column.
        better: the better direction; `neither` for plain measurements.
        definition: the measure in one phrase.
        unit: empty for ratios and counts.
        perfect: the score of a prediction that equals a reference with voxels; None where it depends on the case.
        symmetric: True if prediction and reference can be exchanged.
        source: author and year of the definition.
    """

    title: str
    better: Direction
    definition: str
    unit: str = ""
    perfect: float | None = None
    symmetric: bool = False
    source: str = ""


class MetricOptions(Protocol):
    """An entry of `METRICS`: a frozen dataclass whose fields are the metric's options."""

    @property
    def about(self) -> About:
        """The metric's description; a class attribute unless it depends on options."""
        ...

    def measure(self, pair: MaskPair) -> float | None:
        """Return the score of one pair of masks; None where it cannot be measured."""
        ...
