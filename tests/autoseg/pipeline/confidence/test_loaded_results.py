"""The result of a loaded model holds what the command writes: maps of uncertainty, and the predicted Dice."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.pipeline.confidence.predicted_dice import measure_predicted_dice
from autoseg.prediction import Decision
from autoseg.progress import SilentProgress
from tests.synthetic.scans import affine_of, head, write_nifti
from tests.synthetic.tiny import CONFIGURATION, SHAPE, Tiny


def test_uncertainty_and_predicted_dice_are_those_of_the_command(own: Tiny, tmp_path: Path) -> None:
    measure_predicted_dice(own.workspace, "default", (CONFIGURATION,), Decision(), SilentProgress())
    scan = write_nifti(tmp_path / "scans" / "a.nii.gz", head(70, SHAPE)[0], affine_of(flips=(-1, 1, 1)))
    masks = autoseg.predict(
        scan, tmp_path / "out", own.workspace.root, configurations=[CONFIGURATION], uncertainty=True
    )
    result = autoseg.load_model(own.workspace, configurations=[CONFIGURATION]).predict(scan)
    maps = {path.name.removesuffix(".nii.gz"): np.asarray(nibabel.load(path).dataobj) for path in masks.maps}
    assert np.array_equal(result.uncertainty.entropy, maps["a_entropy"])
    assert result.uncertainty.disagreement is not None
    assert np.array_equal(result.uncertainty.disagreement, maps["a_disagreement"])
    assert result.uncertainty.entropy.any()
    assert masks.record is not None
    (case,) = json.loads(masks.record.read_text(encoding="utf-8"))["cases"]
    dice = result.predicted_dice
    assert dice is not None
    # The record has four digits.
    assert [dice.value, dice.low, dice.high] == pytest.approx(
        [case["predicted_dice"][name] for name in ("value", "low", "high")], abs=1e-4
    )
    assert result.predicted_dice is dice, "computed once"


def test_of_one_network_there_is_no_disagreement_and_of_an_unmeasured_model_no_dice(judged: Tiny) -> None:
    result = autoseg.load_model(judged.fold(0).root).predict(judged.scan(judged.cases()[0]))
    assert result.uncertainty.disagreement is None
    assert result.uncertainty.entropy.shape == result.labels.shape
    assert result.predicted_dice is None
