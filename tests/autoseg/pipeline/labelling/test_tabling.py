from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.pipeline.faces import label_face
from autoseg.reporting.canvas import is_drawn
from dataset_fingerprints.errors import PartlyDoneError, PlanError
from tests.autoseg.pipeline.labelling.loops import begin, choose
from tests.synthetic.commands import run


def test_the_table_is_written_as_text_figures_and_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = choose(tmp_path)
    with made.open() as found:
        found.keep(replace(found.loop, manual_minutes={"s00": {"core": 20.0, "rim": 10.0}}))
    shutil.copy(made.truth("s06"), made.loop.round(1).to_correct / "s06.nii.gz")
    made.loop.round(1).minutes.write_text("case,structure,minutes\ns06,core,3\ns06,rim,4.5\n", encoding="utf-8")
    with pytest.raises(PartlyDoneError):
        label_face.label_accept(None, made.loop.root)
    manual = tmp_path / "manual"
    manual.mkdir()
    shutil.copy(made.truth("s06"), manual / "s06.nii.gz")
    assert run(monkeypatch, "label", "table", "-w", made.loop.root, "--manual", manual) == 0
    text, figures, picture = made.loop.table
    assert "| 1 | all | 4 | 0.550 |" in text.read_text(encoding="utf-8")
    saved = "Minutes per scan without a network: 30.0; saved in round 1: 22.5 (core 17.0, rim 5.5)."
    assert saved in text.read_text(encoding="utf-8")
    assert is_drawn(picture)
    with figures.open(encoding="utf-8") as stream:
        rows = {row["label"]: row for row in csv.DictReader(stream)}
    assert set(rows) == {"all", "core", "rim"}
    assert float(rows["all"]["minutes"]) == 7.5
    # The manual mask is the corrected one.
    assert float(rows["core"]["rms_manual_corrected_mm"]) == 0.0
    assert float(rows["core"]["rms_cnn_corrected_mm"]) > 0
    assert float(rows["core"]["rms_manual_cnn_of_corrected_mm"]) > 0
    assert int(rows["core"]["points_manual_corrected"]) > 0
    assert "7.5" in capsys.readouterr().out


def test_a_loop_that_is_not_trained_has_no_table_and_says_what_is_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = begin(tmp_path)
    with pytest.raises(PlanError, match="no round is trained yet"):
        label_face.label_table(made.loop.root)
    assert run(monkeypatch, "label", "status", "-w", made.loop.root) == 0
    assert "`autoseg label train` trains round 1" in capsys.readouterr().out
    assert run(monkeypatch, "label", "next", "--count", "2", "-w", made.loop.root) == 2
    assert run(monkeypatch, "label", "status", "-w", tmp_path) == 2


def test_where_not_all_labels_were_timed_the_table_says_of_which_its_minutes_are(tmp_path: Path) -> None:
    made = choose(tmp_path)
    with made.open() as found:
        loop = replace(found.loop, manual_minutes={"s00": {"core": 20.0, "rim": 10.0}}, given_up=("s09",))
        found.keep(loop)
    shutil.copy(made.truth("s06"), made.loop.round(1).to_correct / "s06.nii.gz")
    made.loop.round(1).minutes.write_text("case,structure,minutes\ns06,core,3\n", encoding="utf-8")
    with pytest.raises(PartlyDoneError):
        label_face.label_accept(None, made.loop.root)
    said = " ".join(label_face.label_table(made.loop.root).remarks)
    assert "add up those that were noted, of 1 scan corrected: core of 1, rim of 0." in said
    assert "saved in round 1: core 17.0 (not all labels were timed)." in said
    assert "Given up, and in no round: s09." in said
    assert "95 %: - where fewer than 5 held-out cases were scored" in said
