"""Reasons of failures, told once where they are the same."""

from __future__ import annotations

from experiments.experiment.failures import find_same, group_failures, list_failures

FAILURES = {
    "nnunet": "nnunet, fold 0 ended with exit code 2. The end of ws/recipes/nnunet.log:\n    no memory",
    "tomita2020": "raw: has no volumes",
    "nnunet-seed-1": "nnunet-seed-1, fold 0 ended with exit code 2. The end of ws/recipes/nnunet-seed-1.log:\n"
    "    no memory",
    "mednext_s": "mednext_s, fold 0 ended with exit code 1. The end of ws/recipes/mednext_s.log:\n    no memory",
}


def test_reasons_that_differ_in_names_alone_are_one_in_the_words_of_the_first() -> None:
    assert group_failures(FAILURES) == {
        ("nnunet", "nnunet-seed-1"): FAILURES["nnunet"],
        ("tomita2020",): FAILURES["tomita2020"],
        ("mednext_s",): FAILURES["mednext_s"],
    }
    assert [find_same(FAILURES, name) for name in FAILURES] == ["nnunet", "tomita2020", "nnunet", "mednext_s"]
    assert list_failures(FAILURES).count("no memory") == 2
    assert list_failures(FAILURES).startswith("  nnunet, nnunet-seed-1: nnunet, fold 0 ended")
