from __future__ import annotations

import numpy as np
import pytest

from autoseg.models.predicted_dice import DiceCalibration
from autoseg.reporting import is_drawn
from experiments.confidence import COLUMNS, SAID, Held, Study, draw_study


def held(group: str, dice: float, value: float) -> Held:
    return Held(
        group=group,
        case="a",
        dice=dice,
        value=value,
        low=value - 0.1,
        high=value + 0.1,
        agreement=value,
        confidence=dice / 2,
        networks=dice,
        network_dice=dice,
    )


def test_a_study_says_how_far_off_each_way_is_and_leaves_out_empty_masks(tmp_path):
    calibration = DiceCalibration(
        configurations=("c",), thresholds=(), postprocessing=(), measured_on=(), targets=(), scan=None
    )
    rng = np.random.default_rng(0)
    cases = [held("alike", dice, dice + 0.05) for dice in rng.uniform(0.2, 0.8, 8)]
    cases += [held("harder", dice, dice + 0.2) for dice in rng.uniform(0.2, 0.8, 6)]
    study = Study(calibration=calibration, held=(*cases, held("harder", 0.0, np.nan)))
    rows = {row[:2]: dict(zip(COLUMNS, row, strict=True)) for row in study.rows()}
    assert float(rows["alike", SAID]["error"]) == pytest.approx(0.05)
    assert (rows["alike", SAID]["90 % interval holds"], rows["harder", SAID]["90 % interval holds"]) == ("100%", "0%")
    assert (rows["harder", SAID]["n"], rows["all", SAID]["n"]) == ("6", "14")
    assert float(rows["alike", SAID]["r"]) == 1
    assert float(rows["harder", SAID]["bias"]) == pytest.approx(0.2)
    draw_study(study, tmp_path / "study.png")
    assert is_drawn(tmp_path / "study.png")
