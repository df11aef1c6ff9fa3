"""Two checkouts of autoseg are compared by what they compute."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.checkouts import STEPS, TRIALS, compare_checkouts

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_a_checkout_gives_the_same_results_as_itself(tmp_path: Path) -> None:
    (row,) = compare_checkouts(ROOT, ROOT, tmp_path, TRIALS[:1])
    assert row == ("volumes", f"{STEPS} of {STEPS}", "23 of 23", "4 of 4")
