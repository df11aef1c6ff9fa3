"""Contract: what follows from tables of components is what `autoseg.evaluation` says of the masks themselves."""

from __future__ import annotations

import numpy as np
import pytest

from autoseg.evaluation import Convention, choose_metrics, scheme_targets, score_case
from autoseg.prediction import Decision, Probabilities, decide
from autoseg.selection import PLAIN, Rule, list_rules, measure_case, name_targets
from autoseg.selection.rules import join_thresholds
from dataset_fingerprints.dataset import LabelScheme
from planners.plan import PostprocessingCandidates
from tests.autoseg.selection.cases import SPACING_MM, make_probabilities, make_reference
from tests.synthetic.heads import plain_scheme, region_scheme

METRICS = Convention(name="selected", metrics=choose_metrics(("dice", "lesion_f1", "found_lesions")))
SCHEMES = {
    "one label": plain_scheme(1),
    "labels that compete": plain_scheme(3),
    "ignored voxels": plain_scheme(2, ignore_value=9),
    "regions": region_scheme(),
    "regions and ignored voxels": region_scheme(ignore_value=9),
}


def candidates(scheme: LabelScheme) -> tuple[tuple[Rule, ...], ...]:
    independent = bool(scheme.regions) or len(scheme.labels) == 1
    return tuple(
        list_rules(
            PostprocessingCandidates(
                name=name,
                min_volumes_mm3=(0.0, 20.0, 100.0),
                largest_only=True,
                thresholds=(0.3, 0.5, 0.7),
                large_volumes_mm3=(30.0, 100.0),
                peaks=(0.6, 0.9),
                fill_holes=True,
            ),
            name,
            independent=independent,
        )
        for name in name_targets(scheme)
    )


def mask_by(probabilities: Probabilities, target: int, rule: Rule) -> np.ndarray:
    """Return the label values that prediction gives by a rule for one label or region."""
    names = name_targets(probabilities.scheme)
    rules = [rule if place == target else PLAIN for place in range(len(names))]
    decision = Decision(thresholds=join_thresholds(rules), postprocessing=rule.postprocessing(names[target]))
    return probabilities.scheme.to_values(decide(probabilities, decision))


@pytest.mark.parametrize("name", SCHEMES)
def test_scores_are_those_of_the_masks_that_prediction_gives(name: str) -> None:
    scheme = SCHEMES[name]
    rules = candidates(scheme)
    for seed, smoothing in ((0, 1.0), (1, 0.6)):
        probabilities, reference = make_probabilities(scheme, seed, smoothing), make_reference(scheme, seed + 10)
        measured = measure_case(probabilities, reference, rules)
        for target, own in enumerate(rules):
            found = measured[target].scores
            for place, rule in enumerate(own):
                scores = score_case(
                    mask_by(probabilities, target, rule),
                    scheme.to_values(reference),
                    scheme_targets(scheme),
                    SPACING_MM,
                    "a",
                    METRICS,
                ).labels[target]
                assert found.dice[place] == pytest.approx(scores.number("dice"), abs=1e-12), rule.describe()
                assert found.lesion_f1[place] == pytest.approx(scores.number("lesion_f1"), abs=1e-12), rule.describe()
                lesions = found.found_large[place] + found.found_small[place]
                assert lesions == scores.number("found_lesions"), rule.describe()


def test_the_rules_differ_on_these_cases() -> None:
    scheme = plain_scheme(1)
    probabilities, reference = make_probabilities(scheme, 0, 0.6), make_reference(scheme, 10)
    dice = measure_case(probabilities, reference, candidates(scheme))[0].scores.dice
    assert len(np.unique(dice.round(9))) > 8


@pytest.mark.parametrize(("predicted", "there", "expected"), [(0, 0, 1.0), (0, 1, 0.0), (1, 0, 0.0), (1, 1, 1.0)])
def test_empty_masks_score_as_in_evaluation(predicted: int, there: int, expected: float) -> None:
    scheme = plain_scheme(1)
    probabilities, reference = make_probabilities(scheme, 0), np.zeros((14, 13, 12), dtype=np.uint8)
    (values := probabilities.layers.read(0, 11)).zero_()
    values[0] = 1
    if predicted:
        values[:, 4:6, 4:6, 4:6] = values[:, 4:6, 4:6, 4:6].flip(0)
    if there:
        reference[6:8, 4:6, 5:7] = 1
    (found,) = measure_case(probabilities, reference, candidates(scheme))
    assert set(found.scores.dice[[0, 1]]) == {expected}
    assert set(found.scores.lesion_f1[[0, 1]]) == {expected}
    assert (found.large, found.small) == (0, there)


def test_lesions_of_100_mm3_are_large_ones() -> None:
    scheme = plain_scheme(1)
    reference = np.zeros((14, 13, 12), dtype=np.uint8)
    reference[1:3, 1:4, 1:3] = 1  # 12 voxels of 9 mm3
    reference[6:8, 6:8, 6:8] = 1  # 8 voxels
    (found,) = measure_case(make_probabilities(scheme, 0), reference, ((PLAIN,),))
    assert (found.large, found.small) == (1, 1)
