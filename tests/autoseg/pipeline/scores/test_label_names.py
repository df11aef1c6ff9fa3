"""Names of labels in an evaluation, its file and its table: given, of a data set, or of what lies beside the files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import autoseg
from autoseg.evaluation import read_evaluation
from autoseg.pipeline.scores.case_tables import read_table
from dataset_fingerprints.errors import DataError
from tests.autoseg.evaluation.masks import make_box, write_labels

SHAPE = (8, 8, 8)
NNUNET = {"labels": {"background": 0, "core": 1, "rim": 2}}
MSD = {"labels": {"0": "background", "1": "core", "2": "rim"}, "modality": {"0": "MR"}, "training": []}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    box = make_box(SHAPE, (1, 1, 1), (4, 4, 4)) + make_box(SHAPE, (5, 5, 5), (7, 7, 7), 2)
    for case in ("a", "b"):
        write_labels(tmp_path / "raw" / "labelsTs" / f"{case}.nii.gz", box)
        write_labels(tmp_path / "out" / "masks" / f"{case}.nii.gz", box if case == "a" else (box == 1).astype("uint8"))
    write_labels(tmp_path / "out" / "masks" / "extra.nii.gz", box)
    return tmp_path


@pytest.mark.parametrize("beside", ["raw", "raw/labelsTs", "out/masks", "out"])
@pytest.mark.parametrize("description", [NNUNET, MSD])
def test_names_come_from_a_description_beside_the_files(place: Path, beside: str, description: dict) -> None:
    (place / beside / "dataset.json").write_text(json.dumps(description))
    evaluation = autoseg.evaluate("out/masks", "raw/labelsTs")
    assert [evaluation.name_of(label.label) for label in evaluation.summary] == ["core", "rim"]


def test_given_names_are_in_the_file_and_in_the_table_of_all_cases(place: Path) -> None:
    evaluation = autoseg.evaluate("out/masks", "raw/labelsTs", names=["core=1", "outer rim = 2"], out="x/scores.json")
    assert read_evaluation(place / "x" / "scores.json") == evaluation
    table = read_table(place / "x" / "scores.csv")
    assert table is not None
    assert {"core: Dice", "outer rim: HD95 mm", "core: IoU", "mean Dice"} <= set(table.columns)
    assert [row["case"] for row in table.rows] == ["a", "b", "extra"]
    assert table.rows[1]["warnings"] == "Outer rim: 0.008 ml in the reference, nothing found."
    assert table.rows[2]["warnings"] == "Not scored: no reference."
    autoseg.evaluate("out/masks", "raw/labelsTs", out="x/scores.json")
    assert sorted(path.name for path in (place / "x").iterdir()) == ["scores.csv", "scores.json"]


def test_nobody_elses_table_is_replaced(place: Path) -> None:
    (place / "scores.csv").write_text("case,age,warnings\na,3,\n")
    autoseg.evaluate("out/masks", "raw/labelsTs", out="scores.json")
    assert (place / "scores.csv").read_text(encoding="utf-8") == "case,age,warnings\na,3,\n"
    assert (place / "scores-2.csv").is_file()


@pytest.mark.parametrize("names", [["core"], ["=1"], ["core=x"], ["a=1", "b=1"], ["core=1", "core=2"]])
def test_what_names_no_label_is_refused(place: Path, names: list[str]) -> None:
    with pytest.raises(DataError, match="names"):
        autoseg.evaluate("out/masks", "raw/labelsTs", names=names, out="scores.json")
    assert not (place / "scores.json").exists()


def test_without_names_values_are_shown_as_labels(place: Path) -> None:
    (place / "raw" / "dataset.json").write_text("{")
    evaluation = autoseg.evaluate("out/masks", "raw/labelsTs")
    assert [evaluation.name_of(label.label) for label in evaluation.summary] == ["label 1", "label 2"]
