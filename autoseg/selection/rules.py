"""Rules that turn the probabilities of one label or region into its mask, as candidates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from planners.choices import Choice, choose
from planners.parts.postprocessing import (
    FillHolesOptions,
    LargeOrProbableOptions,
    LargestComponentOptions,
    SmallestVolumeOptions,
)
from planners.plan import PostprocessingCandidates

# Of the usual rule, where labels do not compete with each other.
USUAL_THRESHOLD = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A threshold and post-processing of one label or region.

    Attributes:
        threshold: None for the usual rule.
        filled: whether holes are filled, before components are taken out.
        removal: of components, from `planners.parts.POSTPROCESSING`; None for none.
    """

    threshold: float | None = None
    filled: bool = False
    removal: Choice | None = None

    def postprocessing(self, label: str) -> tuple[Choice, ...]:
        """Return the steps in their order."""
        filling = (choose("fill_holes", FillHolesOptions(label=label)),) if self.filled else ()
        return (*filling, *((self.removal,) if self.removal else ()))

    def describe(self) -> str:
        """Return the rule in words."""
        said = [] if self.threshold is None else [f"threshold {self.threshold:g}"]
        said += ["filled holes"] if self.filled else []
        said += [self.describe_removal()] if self.removal else []
        return ", ".join(said) or "the usual rule, no post-processing"

    def describe_removal(self) -> str:
        """Return which components stay, in words; empty where all do."""
        if self.removal is None:
            return ""
        options = self.removal.options
        if self.removal.name == "largest_component":
            return "the largest component alone"
        size = f"components of at least {options['volume_mm3']:g} mm3"
        return size + (f" or a peak of {options['probability']:g}" if "probability" in options else "")

    def smallest_volume(self) -> float | None:
        """Return the smallest volume of a component that stays, 0 where all do; None of rules of another kind."""
        if self.removal is None:
            return 0.0
        volume = self.removal.options.get("volume_mm3")
        return float(volume) if self.removal.name == "smallest_volume" and isinstance(volume, int | float) else None


PLAIN = Rule()


def list_rules(candidates: PostprocessingCandidates, label: str, *, independent: bool) -> tuple[Rule, ...]:
    """Return all combinations of a planner's candidates, the plain rule first, those that change little before others.

    Args:
        candidates: of the label or region.
        label: its name in post-processing.
        independent: whether no other label competes for its voxels, so that it has a threshold of its own.
    """
    others = [value for value in candidates.thresholds if value != USUAL_THRESHOLD] if independent else []
    thresholds = (None, *sorted(others, key=lambda value: (abs(value - USUAL_THRESHOLD), value)))
    fillings = (False, True) if candidates.fill_holes else (False,)
    removals = (None, *_list_removals(candidates, label))
    return tuple(
        Rule(threshold=threshold, filled=filled, removal=removal)
        for filled, threshold, removal in product(fillings, thresholds, removals)
    )


def _list_removals(candidates: PostprocessingCandidates, label: str) -> Iterator[Choice]:
    """Yield the removals; of equally good ones the first is taken, and the largest component alone empties no mask."""
    if candidates.largest_only:
        yield choose("largest_component", LargestComponentOptions(label=label))
    for volume in candidates.min_volumes_mm3:
        if volume > 0:
            yield choose("smallest_volume", SmallestVolumeOptions(volume_mm3=volume, label=label))
    for volume, peak in product(candidates.large_volumes_mm3, candidates.peaks):
        yield choose("large_or_probable", LargeOrProbableOptions(volume_mm3=volume, probability=peak, label=label))


def join_thresholds(rules: Sequence[Rule]) -> tuple[float, ...]:
    """Return the thresholds of all labels or regions as a decision holds them: empty where all are the usual rule's."""
    if all(rule.threshold is None for rule in rules):
        return ()
    return tuple(USUAL_THRESHOLD if rule.threshold is None else rule.threshold for rule in rules)
