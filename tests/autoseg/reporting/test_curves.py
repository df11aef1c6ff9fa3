"""The picture of a training: it is drawn at every moment, with names of any kind, and ends with the result."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from autoseg.reporting import FinalScores, draw_curves

TRAINED = [
    {"kind": "train", "iteration": step, "iterations": 20, "loss": 2 - step / 20, "learning_rate": 0.01,
     "seconds_per_iteration": 0.5, "seconds/forward": 0.2}
    for step in range(0, 20, 5)
]  # fmt: skip
VALIDATED = [
    {"kind": "validation", "iteration": step, "mean_of_latest": 0.5, "dice/core_$x": 0.4, "dice/oedema": 0.6}
    for step in (5, 10)
]
FINAL = FinalScores(mean_dice=0.7123, labels={"core_$x": 0.6, "oedema": 0.8246}, scans=40)


@pytest.mark.parametrize("final", [None, FINAL, FinalScores(mean_dice=0.99, labels={"a": 0.99}, scans=1)])
@pytest.mark.parametrize("lines", [[], TRAINED, [*TRAINED, *VALIDATED]])
def test_a_picture_is_drawn_at_every_moment(tmp_path: Path, lines: list, final: FinalScores | None) -> None:
    draw_curves(lines, tmp_path / "progress.png", "fold 0 of 3d_fullres, $plan_", final)
    with Image.open(tmp_path / "progress.png") as picture:
        assert picture.size == (1100, 860)


def test_the_final_result_is_in_words_with_the_names_of_labels() -> None:
    assert FINAL.describe() == (
        "Final result: mean Dice 0.712 of 40 whole scans that it was not trained on (core_$x 0.600, oedema 0.825)"
    )
    single = FinalScores(mean_dice=0.5, labels={"lesion": 0.5}, scans=1)
    assert single.describe() == "Final result: mean Dice 0.500 of 1 whole scan that it was not trained on"
