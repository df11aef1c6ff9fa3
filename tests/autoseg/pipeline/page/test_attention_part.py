"""What is to be looked at first: missed labels, wrong volumes, low scores, findings, low predicted Dice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoseg.evaluation import (
    CONVENTIONS,
    DEFAULT_CONVENTION,
    CaseScores,
    Convention,
    label_targets,
    score_case,
    summarise,
)
from autoseg.pipeline.page.attention_part import describe_doubts, find_doubts
from autoseg.pipeline.page.cases_part import choose_ranked
from autoseg.pipeline.page.gathering import Gathered, gather
from autoseg.pipeline.plans.inspecting import CheckReport
from dataset_fingerprints.checking.checks import Finding
from dataset_fingerprints.errors import DataError
from tests.synthetic.tiny import Tiny


def scored(name: str, reference: int, prediction: int, convention: Convention = DEFAULT_CONVENTION) -> CaseScores:
    """Return the scores of masks of so many voxels of 0.1 ml, one in the other."""
    maps = np.zeros((2, 100, 2, 2), dtype=np.uint8)
    maps[0, :reference, 0, 0] = 1
    maps[1, :prediction, 0, 0] = 1
    return score_case(maps[1], maps[0], label_targets((1,)), (10.0, 10.0, 1.0), name, convention)


@pytest.fixture
def found(finished: Tiny) -> Gathered:
    cases = [scored(f"good{n}", 20, 20 + n) for n in range(14)]
    cases += [scored("missed", 10, 0), scored("large", 10, 80), scored("small", 80, 8)]
    plain = gather(finished.workspace, "default", None)
    finding = Finding(case="good3", grade="warning", kind="shift", message="lies elsewhere.")
    fixed = Finding(case="good4", grade="fixed", kind="turn", message="was turned.")
    report = CheckReport(dataset="a", cases=17, findings=(finding, fixed))
    return replace(plain, evaluation=summarise(cases), report=report, folds={})


def test_each_case_is_named_with_its_reasons(found: Gathered) -> None:
    doubts = {case: [one.reason for one in reasons] for case, reasons in find_doubts(found).items()}
    assert doubts["missed"] == ["the lowest Dice of 17.", "dark: 1 ml in the reference, nothing found."]
    assert "dark: predicted 8 times as large as in the reference (1 ml)." in doubts["large"]
    assert "dark: predicted at 10 % of the reference's 8 ml." in doubts["small"]
    assert doubts["good3"] == ["check: lies elsewhere."]
    assert "good4" not in doubts
    assert "good0" not in doubts


def test_the_most_doubtful_cases_come_first(found: Gathered) -> None:
    section = describe_doubts(found, None)
    assert section is not None
    (table,) = section.blocks
    assert [row[0] for row in table.rows][:3] == ["missed", "small", "large"]
    assert table.rows[0][:2] == ("missed", "0.000")


def test_scans_of_low_predicted_dice_are_listed(found: Gathered, tmp_path: Path) -> None:
    folder = tmp_path / "masks-report"
    folder.mkdir()
    rows = ["case,predicted Dice,warnings", "a,0.900,", "b,0.200,", "c,,Blank scan.", "d,,"]
    (folder / "predictions.csv").write_text("\n".join(rows), encoding="utf-8")
    section = describe_doubts(found, tmp_path / "masks")
    assert section is not None
    assert [tuple(row) for row in section.blocks[-1].rows] == [
        ("c", "-", "Blank scan."),
        ("b", "0.200", ""),
        ("a", "0.900", ""),
    ]


def test_a_folder_without_a_table_of_predictions_is_refused(found: Gathered, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"predictions.csv: is not there.*--predictions"):
        describe_doubts(found, tmp_path / "masks")


def test_nothing_remarkable_has_no_part(found: Gathered) -> None:
    assert describe_doubts(replace(found, evaluation=None, report=None), None) is None


def test_a_case_that_a_convention_does_not_score_has_no_low_dice(found: Gathered) -> None:
    nnunet = CONVENTIONS["nnunet"]
    cases = [scored(f"good{n}", 20, 20 + n, nnunet) for n in range(4)] + [scored("empty", 0, 0, nnunet)]
    evaluation = summarise(cases, nnunet)
    doubts = find_doubts(replace(found, evaluation=evaluation, report=None))
    assert [one.reason for one in doubts["good3"]] == ["the lowest Dice of 4."]
    assert "empty" not in doubts
    ranked = choose_ranked(replace(found, evaluation=evaluation))
    assert [(rank, case.case) for rank, case in ranked] == [
        *(("Worst", "good3"), ("Worst", "good2")),
        *(("Middle", "good1"), ("Best", "good0")),
    ]
