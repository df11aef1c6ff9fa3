"""What a score means to its reader; the definitions themselves are in `overlap`, `surface` and `lesions`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One measure of agreement, as tables, plots and rankings need to know it.

    Attributes:
        title: a short head for a column.
        better: which way is better; `neither` for plain measurements.
        unit: empty for ratios.
    """

    title: str
    better: Direction
    unit: str = ""

    def perfect(self) -> float | None:
        """Return the score of a prediction that equals its reference; None where that depends on the case."""
        return {"higher": 1.0, "lower": 0.0, "neither": None}[self.better]
