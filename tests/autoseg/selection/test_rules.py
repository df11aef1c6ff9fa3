from __future__ import annotations

from autoseg.selection import PLAIN, Rule, list_rules
from autoseg.selection.rules import join_thresholds
from planners.plan import PostprocessingCandidates

CANDIDATES = PostprocessingCandidates(
    name="lesion",
    min_volumes_mm3=(0.0, 5.0, 30.0),
    largest_only=True,
    thresholds=(0.3, 0.5, 0.6),
    large_volumes_mm3=(100.0,),
    peaks=(0.6, 0.8),
    fill_holes=True,
)


def test_all_combinations_are_tried_each_once_and_the_plain_rule_first() -> None:
    rules = list_rules(CANDIDATES, "lesion", independent=True)
    assert rules[0] == PLAIN
    removals = 1 + 2 + 2 + 1
    assert len(rules) == 2 * 3 * removals
    assert len({rule.describe() for rule in rules}) == len(rules)
    assert [rule.threshold for rule in rules[::removals]] == [None, 0.6, 0.3] * 2


def test_of_equally_good_removals_the_one_that_empties_no_mask_comes_first() -> None:
    removals = [rule.removal.name for rule in list_rules(CANDIDATES, "lesion", independent=False) if rule.removal]
    assert removals[:2] == ["largest_component", "smallest_volume"]


def test_labels_that_compete_keep_the_usual_threshold() -> None:
    assert {rule.threshold for rule in list_rules(CANDIDATES, "lesion", independent=False)} == {None}


def test_of_an_older_plan_its_volumes_are_tried() -> None:
    older = PostprocessingCandidates(name="lesion", min_volumes_mm3=(0.0, 5.0), largest_only=False)
    assert [rule.smallest_volume() for rule in list_rules(older, "lesion", independent=True)] == [0.0, 5.0]


def test_holes_are_filled_before_components_are_taken_out() -> None:
    rule = list_rules(CANDIDATES, "lesion", independent=True)[-1]
    assert [step.name for step in rule.postprocessing("lesion")] == ["fill_holes", "large_or_probable"]
    assert all(step.options["label"] == "lesion" for step in rule.postprocessing("lesion"))


def test_thresholds_are_given_for_all_labels_or_for_none() -> None:
    assert join_thresholds([PLAIN, PLAIN]) == ()
    assert join_thresholds([PLAIN, Rule(threshold=0.3)]) == (0.5, 0.3)


def test_a_rule_says_what_it_does() -> None:
    said = {rule.describe() for rule in list_rules(CANDIDATES, "lesion", independent=True)}
    assert "the usual rule, no post-processing" in said
    assert "threshold 0.3, filled holes, components of at least 100 mm3 or a peak of 0.8" in said
    assert "components of at least 30 mm3" in said
    assert "the largest component alone" in said
