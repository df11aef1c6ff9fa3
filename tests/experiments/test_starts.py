from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.simulate import SimulationOptions
from dataset_fingerprints.errors import PlanError
from experiments.starts import COLUMNS, SIDES, Conditions, compare_starts

QUICK = ("batch_size=2", "training.validation_rounds=0", "prediction.mirror_axes=[]", "training.compiled=false")


@pytest.mark.long
def test_each_way_to_start_is_trained_for_the_same_steps_and_scored(tmp_path: Path) -> None:
    scans = SimulationOptions(cases=5, held_out_cases=0, spacing_mm=6.0, seed=3)
    conditions = Conditions(model_steps=2, steps=(1,), assignments=QUICK, source=scans, target=scans, labelled=3)
    with pytest.raises(PlanError, match="was trained on"):
        # The same scans: a model that has seen them is refused.
        list(compare_starts(tmp_path / "same", conditions))
    others = SimulationOptions(cases=5, held_out_cases=0, spacing_mm=6.0, seed=4, flair=True)
    rows = list(compare_starts(tmp_path / "other", replace(conditions, target=others)))
    assert [row[:3] for row in rows] == [("1", side.name, side.rate) for side in SIDES]
    assert all(len(row) == len(COLUMNS) for row in rows)
