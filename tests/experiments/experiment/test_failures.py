"""Reasons of failures, told once where they are the same."""

from __future__ import annotations

from experiments.experiment.failures import find_same, group_failures, list_failures


def end(name: str, code: int = 2) -> str:
    return f"{name}, fold 0 ended with exit code {code}. The end of ws/recipes/{name}.log:\n    no memory"


FAILURES = {
    "nnunet": end("nnunet"),
    "tomita2020": "raw: has no volumes",
    "nnunet-seed-1": end("nnunet-seed-1"),
    "mednext_s": end("mednext_s", 1),
}


def test_reasons_that_differ_in_names_alone_are_one_in_the_words_of_the_first() -> None:
    assert group_failures(FAILURES) == {
        ("nnunet", "nnunet-seed-1"): end("nnunet"),
        ("tomita2020",): "raw: has no volumes",
        ("mednext_s",): end("mednext_s", 1),
    }
    assert [find_same(FAILURES, name) for name in FAILURES] == ["nnunet", "tomita2020", "nnunet", "mednext_s"]
    assert list_failures(FAILURES).count("no memory") == 2
    assert list_failures(FAILURES).startswith("  nnunet, nnunet-seed-1: nnunet, fold 0 ended")
