from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dataset_fingerprints.errors import AutosegError
from experiments.peers.race import NAME, SPLITS_FILE, Race, minutes_to, show_times
from experiments.peers.race import race as hold_race
from tests.synthetic.scans import write_nnunet_dataset


def test_both_sides_are_compared_case_by_case_for_every_label_and_their_mean() -> None:
    ours = np.array([[0.9, 0.7], [0.8, 0.6], [0.7, 0.5]])
    race = Race(minutes=20.0, labels=("front", "back"), autoseg=ours, nnunet=ours - [0.1, 0.3])
    assert race.rows() == [
        ("front", "0.8000", "0.7000", "+0.1000 (+0.1000 to +0.1000)"),
        ("back", "0.6000", "0.3000", "+0.3000 (+0.3000 to +0.3000)"),
        ("mean", "0.7000", "0.5000", "+0.2000 (+0.2000 to +0.2000)"),
    ]


@pytest.mark.parametrize(
    ("dice", "expected"), [(0.4, "at most 5"), (0.5, "at most 5"), (0.6, "7.5"), (0.7, "10.0"), (0.75, "more than 20")]
)
def test_the_minutes_to_a_dice_lie_between_the_budgets_that_reach_it_and_not(dice: float, expected: str) -> None:
    assert minutes_to(dice, (5.0, 10.0, 20.0), (0.5, 0.7, 0.7)) == expected


def test_times_are_reported_for_every_dice_that_nnunet_reached() -> None:
    races = [
        Race(minutes=minutes, labels=("a",), autoseg=np.full((2, 1), ours), nnunet=np.full((2, 1), theirs))
        for minutes, ours, theirs in ((5.0, 0.6, 0.2), (10.0, 0.8, 0.7))
    ]
    assert show_times(races) == [("0.2000", "at most 5", "at most 5"), ("0.7000", "7.5", "10.0")]


def test_a_folder_of_a_race_with_other_folds_is_refused(tmp_path: Path) -> None:
    kept, installed = tmp_path / "work" / "preprocessed" / NAME, tmp_path / "env" / "bin"
    kept.mkdir(parents=True)
    (kept / SPLITS_FILE).write_text("[]", encoding="utf-8")
    installed.mkdir(parents=True)
    (installed / "nnUNetv2_plan_and_preprocess").touch()
    data = write_nnunet_dataset(tmp_path / "data", 6)
    with pytest.raises(AutosegError, match="holds other folds than those of the data set now"):
        hold_race(data, tmp_path / "work", tmp_path / "env", 1.0)
