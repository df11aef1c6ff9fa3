"""Scores of every rule in one case, from its out-of-fold probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from autoseg.postprocessing import CHOOSERS, ComponentFigures, LabelMap, postprocess
from autoseg.prediction import Decision, Probabilities, decide
from autoseg.prediction.deciding import measure_peaks
from autoseg.selection.component_tables import (
    ComponentTable,
    Reference,
    RuleScores,
    describe_reference,
    score_rules,
    tabulate,
)
from autoseg.selection.rules import Rule, join_thresholds
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import Box, canonical_grid
from planners.choices import Choice, resolve
from planners.parts import POSTPROCESSING


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CaseScore:
    """Scores of one label or region in one case by several rules.

    Attributes:
        large: large lesions in the reference.
        small: small ones.
    """

    scores: RuleScores
    large: int
    small: int


def measure_case(
    probabilities: Probabilities, reference: NDArray[np.integer], rules: Sequence[Sequence[Rule]]
) -> tuple[CaseScore, ...]:
    """Return the scores of every label or region by its rules, each as if the others were left as they are.

    Args:
        probabilities: of the case.
        reference: (x, y, z) label indices on the scan's canonical grid.
        rules: per label or region, in the scheme's order.
    """
    masks = Masks(probabilities=probabilities, usual=decide(probabilities))
    found = describe_references(probabilities, reference)
    return tuple(_measure_target(masks, target, found[target], own) for target, own in enumerate(rules))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Masks:
    """Label maps of one case.

    Attributes:
        usual: label indices (x, y, z) by the usual rule.
    """

    probabilities: Probabilities
    usual: NDArray[np.uint8]

    def decide(self, target: int, threshold: float | None) -> NDArray[np.uint8]:
        """Return the label indices where one label or region has a threshold of its own."""
        if threshold is None:
            return self.usual
        count = len(self.probabilities.scheme.heads().targets())
        rules = [Rule(threshold=threshold) if place == target else Rule() for place in range(count)]
        return decide(self.probabilities, Decision(thresholds=join_thresholds(rules)))

    def fill(self, target: int, indices: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the label indices without holes in one label or region."""
        label_map = LabelMap(
            indices=indices,
            scheme=self.probabilities.scheme,
            spacing_mm=canonical_grid(self.probabilities.source_grid).spacing_mm(),
            find_peaks=lambda place, box, components: measure_peaks(self.probabilities, place, box, components),
        )
        return postprocess(label_map, Rule(filled=True).postprocessing(name_targets(label_map.scheme)[target]))


def name_targets(scheme: LabelScheme) -> tuple[str, ...]:
    """Return the names of the labels or regions that are looked for, in the scheme's order."""
    return tuple(entry.name for entry in scheme.regions or scheme.labels)


def describe_references(probabilities: Probabilities, reference: NDArray[np.integer]) -> tuple[Reference, ...]:
    """Return the reference of every label or region."""
    heads = probabilities.scheme.heads()
    ignored = reference == heads.ignored if heads.ignored >= 0 else None
    ignored = ignored if ignored is not None and ignored.any() else None
    voxel_mm3 = math.prod(canonical_grid(probabilities.source_grid).spacing_mm())
    return tuple(describe_reference(np.isin(reference, members), ignored, voxel_mm3) for members in heads.targets())


def _measure_target(masks: Masks, target: int, reference: Reference, rules: Sequence[Rule]) -> CaseScore:
    """Return one label's or region's scores; rules that share a mask share its table."""
    members = masks.probabilities.scheme.heads().targets()[target]

    def find_peaks(box: Box, components: NDArray[np.integer]) -> NDArray[np.float32]:
        return measure_peaks(masks.probabilities, target, box, components)

    tables: dict[tuple[float | None, bool], ComponentTable] = {}

    def find_table(threshold: float | None) -> None:
        indices = masks.decide(target, threshold)
        tables[threshold, False] = tabulate(np.isin(indices, members), reference, find_peaks)
        if any(rule.filled for rule in rules):
            filled = masks.fill(target, indices)
            same = np.array_equal(filled, indices)
            tables[threshold, True] = (
                tables[threshold, False] if same else tabulate(np.isin(filled, members), reference, find_peaks)
            )

    for threshold in dict.fromkeys(rule.threshold for rule in rules):
        find_table(threshold)
    parts = [
        score_rules(tables[key], np.stack([choose_components(rule.removal, tables[key].figures) for rule in group]))
        for key, group in groupby(rules, lambda rule: (rule.threshold, rule.filled))
    ]
    large = int(reference.large.sum())
    return CaseScore(scores=_join(parts), large=large, small=reference.count - large)


def choose_components(removal: Choice | None, figures: ComponentFigures) -> NDArray[np.bool_]:
    """Return the components that stay, by number from 0."""
    if removal is None:
        return np.ones(len(figures.volumes_mm3), dtype=bool)
    options = resolve(removal, POSTPROCESSING, POSTPROCESSING.word)
    return CHOOSERS[type(options)](options, figures)


def _join(parts: Sequence[RuleScores]) -> RuleScores:
    return RuleScores(
        dice=np.concatenate([part.dice for part in parts]),
        lesion_f1=np.concatenate([part.lesion_f1 for part in parts]),
        found_large=np.concatenate([part.found_large for part in parts]),
        found_small=np.concatenate([part.found_small for part in parts]),
    )
