from __future__ import annotations

import json

from autoseg.training.watch import LabelOutcome, ValidationWatch, outcomes_from_plain, outcomes_to_plain


def outcomes(**dice):
    return {case: {"lesion": LabelOutcome(dice=value, predicted=1, reference=1)} for case, value in dice.items()}


def test_only_means_over_all_cases_are_compared():
    watch = ValidationWatch(cases=3, patience=2)
    for found in (outcomes(a=0.9), outcomes(b=0.3), outcomes(c=0.3), outcomes(a=0.6), outcomes(b=0.1)):
        watch.add(found)
    assert watch.means() == (0.5, (0.6 + 0.3 + 0.3) / 3, (0.6 + 0.1 + 0.3) / 3)
    assert watch.exhausted()


def test_what_comes_back_from_a_file_is_what_was_found():
    found = outcomes(a=1 / 3, b=2 / 7)
    assert outcomes_from_plain(json.loads(json.dumps(outcomes_to_plain(found)))) == found
