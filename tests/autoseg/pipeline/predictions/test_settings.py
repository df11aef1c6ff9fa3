"""Masks of another model or other settings stay, and are named in words, in the record and in the table."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import autoseg
from autoseg.pipeline.predictions.settings import MadeBy, RecordedSettings
from autoseg.pipeline.scans.existing_masks import Masks
from tests.synthetic.scans import head, write_nifti
from tests.synthetic.tiny import SHAPE, Tiny

SETTINGS = RecordedSettings(
    networks="1 fold", flips_and_tiles="no flips, tiles overlap by 50%", decision="the usual rule", version="1.0"
)
MADE = MadeBy(weights="a" * 64, settings=SETTINGS)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (MADE, ""),
        (replace(MADE, weights="b" * 64), "were made with other weights (aaaaaaaa, now bbbbbbbb)"),
        (
            replace(MADE, settings=replace(SETTINGS, networks="5 folds averaged")),
            "were made with 1 fold (now 5 folds averaged)",
        ),
        (replace(MADE, settings=replace(SETTINGS, version="2.0")), "were made with autoseg 1.0 (now 2.0)"),
        (
            MadeBy(weights="b" * 64, settings=replace(SETTINGS, decision="selected: thresholds 0.4")),
            "were made with other weights (aaaaaaaa, now bbbbbbbb); the usual rule (now selected: thresholds 0.4)",
        ),
        (MadeBy(weights="a" * 64, settings=None), ""),
    ],
)
def test_a_difference_is_said_with_what_was_and_what_is(now: MadeBy, said: str) -> None:
    assert MADE.describe_difference(now) == said


def read(masks: Masks) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the kinds of warnings in the record, and the results in the table."""
    assert masks.record is not None
    assert masks.table is not None
    cases = json.loads(masks.record.read_text(encoding="utf-8"))["cases"]
    kinds = {case["case"]: [warning["kind"] for warning in case["warnings"]] for case in cases}
    with masks.table.open(newline="") as stream:
        return kinds, {row["case"]: row["result"] for row in csv.DictReader(stream)}


def test_masks_of_other_settings_and_of_unknown_models_are_named(
    tiny: Tiny, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number, name in enumerate("abc"):
        write_nifti(tmp_path / "scans" / f"{name}.nii.gz", head(number, SHAPE)[0])
    scans, out = tmp_path / "scans", tmp_path / "out"
    autoseg.predict(scans / "a.nii.gz", out, tiny.workspace)
    same = autoseg.predict(scans / "a.nii.gz", out, tiny.workspace)
    assert (caplog.text, read(same)) == ("", ({"a": []}, {"a": "kept"}))
    write_nifti(out / "b.nii.gz", (head(1, SHAPE)[1] == 1).astype(np.uint8))
    kept = {path.name: path.read_bytes() for path in out.iterdir()}
    other = autoseg.predict(scans, out, tiny.workspace, quality="best")
    assert {name: (out / name).read_bytes() for name in kept} == kept
    assert "Masks that stay but were made with no flips, tiles overlap by 0% (now no flips, tiles" in caplog.text
    assert "Masks that stay but are in no record, so that nothing says which model made them (1): b" in caplog.text
    assert "give --overwrite to predict them again, or another folder with -o" in caplog.text
    kinds, results = read(other)
    assert {name: kinds[name][:1] for name in "ab"} == {"a": ["other-model"], "b": ["unknown-model"]}
    assert results["a"] == "kept, of another model or settings"
    assert (results["b"], results["c"]) == ("kept, of an unknown model", "predicted")
    # The settings of then stay in the record; where they are asked for again, there is no doubt about that mask.
    kinds, results = read(autoseg.predict(scans, out, tiny.workspace))
    assert "other-model" not in kinds["a"]
    assert (results["a"], results["c"]) == ("kept", "kept, of another model or settings")
