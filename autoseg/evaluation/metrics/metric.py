"""The description that every metric carries, as tables, files and rankings need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from autoseg.evaluation.lesion_matching import MATCHED
from autoseg.evaluation.mask_pair import MaskPair

Direction = Literal["higher", "lower", "neither"]
# Options of metrics: the scores where both masks are empty, or one is, or a ratio is of nothing.
EMPTY_RULES = ("both_empty", "one_empty", "undefined")
_CASES = ("both masks empty", "one mask empty", "nothing to divide by")


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
        empty: the rule for empty masks in words, where no option says it: counts and volumes are 0 of an empty mask.
        whole_image: True if it counts the voxels outside of both masks, so that it depends on the size of the image.
        order_matters: True if of equally good choices the first in the order of voxels is taken, so that an image with
            exchanged axes may score otherwise.
        needs_probabilities: True if it has a score only where probabilities are known.
    """

    title: str
    better: Direction
    definition: str
    unit: str = ""
    perfect: float | None = None
    symmetric: bool = False
    source: str = ""
    empty: str = ""
    whole_image: bool = False
    order_matters: bool = False
    needs_probabilities: bool = False


class MetricOptions(Protocol):
    """An entry of `METRICS`: a frozen dataclass whose fields are the metric's options."""

    @property
    def about(self) -> About:
        """The metric's description; a class attribute unless it depends on options."""
        ...

    def measure(self, pair: MaskPair) -> float | None:
        """Return the score of one pair of masks; None where it cannot be measured."""
        ...


def describe_empty(metric: Any) -> str:
    """Return a metric's rule for empty masks in words, from its options and its description."""
    rules = zip(EMPTY_RULES, _CASES, strict=True)
    said = [f"{case}: {_show(getattr(metric, rule))}" for rule, case in rules if hasattr(metric, rule)]
    said += [metric.about.empty] if metric.about.empty else []
    return "; ".join(said) or "no rule needed: an empty mask counts 0"


def describe_matching(metric: Any) -> str:
    """Return in words how a metric tells lesions apart and matches them; empty for one that does not."""
    said = []
    if hasattr(metric, "connectivity"):
        said.append(f"lesions of {metric.connectivity}-connected voxels")
    if hasattr(metric, "matching"):
        said.append(f"{metric.matching}: {MATCHED[metric.matching]}")
    return "; ".join(said)


def _show(score: float | None) -> str:
    return "no score" if score is None else f"{score:g}"
