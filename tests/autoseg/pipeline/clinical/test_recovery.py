from __future__ import annotations

import csv
from pathlib import Path

import pytest

import autoseg
from dataset_fingerprints.errors import DataError


def test_table_of_scores_gets_predicted_and_observed_change(tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"
    scores.write_text("id;FM-UE pre;FM-UE post\nA;8;8\nB;11;65\nC;8;12\nD;20,5;\n")
    result = autoseg.recovery(scores, out=tmp_path / "recovery.csv")
    with (tmp_path / "recovery.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["predicted change"] for row in rows] == ["41.0", "38.9", "41.0", "32.2"]
    assert [row["observed change"] for row in rows] == ["0", "54", "4", ""]
    assert [row["as predicted"] for row in rows] == ["no", "yes", "no", ""]
    assert result.summary is not None
    assert result.summary.persons == 3


def test_columns_can_be_named(tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"
    scores.write_text("who,day 3,day 90\nA,8,8\n")
    result = autoseg.recovery(scores, person="who", initial="day 3", follow_up="day 90")
    assert result.people[0].observed() == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,initial,follow_up\nA,70,8\n", "line 2: initial is '70'. Expected an FMA-UE score of 0 to 66"),
        ("id,initial,follow_up\nA,8,x\n", "follow_up is 'x'"),
        ("id,initial,follow_up\nA,,8\n", "initial is ''"),
        ("id,initial\nA,8\n", "no column that is called followup or alike"),
        ("id,initial,follow_up\nA,8,9\nB,7,9\nA,8,40\n", "has several lines of A"),
        ("id,initial,pre,post\nA,8,8,8\n", "several columns for initial: initial, pre"),
        ("id,first,post\nA,8,8\n", "no column that is called initial"),
    ],
)
def test_table_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, said: str) -> None:
    scores = tmp_path / "scores.csv"
    scores.write_text(text)
    with pytest.raises(DataError, match=said):
        autoseg.recovery(scores)


def test_one_column_for_both_scores_is_refused(tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"
    scores.write_text("id,initial,follow_up\nA,8,9\n")
    with pytest.raises(DataError, match="'initial' is given for the initial score and for follow-up"):
        autoseg.recovery(scores, initial="initial", follow_up="initial")


def test_who_cannot_improve_counts_in_no_figure(tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"
    scores.write_text("id,initial,follow_up\nA,66,66\nB,65,66\n")
    result = autoseg.recovery(scores, fitter_share=1.0, out=tmp_path / "recovery.csv")
    assert [one.is_fitter() for one in result.people] == [None, True]
    assert result.summary is not None
    assert (result.summary.persons, result.summary.fitters) == (1, 1)
    assert "Had the best score from the start" in (tmp_path / "recovery.csv").read_text(encoding="utf-8")
