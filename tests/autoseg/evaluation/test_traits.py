"""Traits of cases: subjects that are known or read from names, and what a file of scores keeps of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoseg.evaluation import read_evaluation, write_evaluation
from autoseg.evaluation.traits import CaseTraits, find_subjects, find_trait, read_session, read_subject
from dataset_fingerprints.files.jsonfiles import read_plain_json
from tests.autoseg.evaluation.analysis.made_up import make_evaluation


@pytest.mark.parametrize(
    ("case", "subject", "session"),
    [
        ("sub-01_ses-2", "sub-01", "ses-2"),
        ("sub-r001s001_ses-1_space-orig_mask", "sub-r001s001", "ses-1"),
        ("sub-01", "sub-01", ""),
        ("sub-01_T1w", "sub-01", ""),
        ("subject-01", "", ""),
        ("case_0001", "", ""),
    ],
)
def test_subjects_and_sessions_are_read_from_names_in_bids(case: str, subject: str, session: str) -> None:
    assert (read_subject(case), read_session(case)) == (subject, session)


def test_cases_that_are_all_of_other_subjects_need_none() -> None:
    assert find_subjects(["a", "b"], ()) is None
    assert find_subjects(["sub-1_ses-1", "sub-2_ses-1"], ()) is None
    assert find_subjects(["a", "b"], (CaseTraits(case="a", subject="x"), CaseTraits(case="b", subject="y"))) is None


def test_a_case_is_not_the_subject_that_another_case_has() -> None:
    traits = (CaseTraits(case="b", subject="a"), CaseTraits(case="c", subject="a"))
    first, second, third = find_subjects(["a", "b", "c"], traits) or ()
    assert second == third != first


def test_a_subject_stays_known_where_other_scores_do_not_know_it() -> None:
    traits = (CaseTraits(case="a", subject="p"), CaseTraits(case="b", subject="p"), CaseTraits(case="b"))
    assert find_subjects(["a", "b"], traits) == ("p", "p")


def test_what_is_not_known_is_called_so() -> None:
    traits = (CaseTraits(case="a", known={"site": "x"}), CaseTraits(case="b"))
    assert find_trait("site", ["a", "b", "c"], traits) == ("x", "unknown", "unknown")


def test_traits_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    traits = {
        "c0": CaseTraits(case="c0", subject="p", known={"site": "A", "chronicity": "early"}),
        "c1": CaseTraits(case="c1", subject="p"),
    }
    evaluation = make_evaluation([0.5, 0.6, 0.7], traits=traits)
    write_evaluation(tmp_path / "m.json", evaluation)
    assert read_evaluation(tmp_path / "m.json") == evaluation
    cases = read_plain_json(tmp_path / "m.json")["cases"]
    assert cases[0]["traits"] == {"subject": "p", "site": "A", "chronicity": "early"}
    assert "traits" not in cases[2]
