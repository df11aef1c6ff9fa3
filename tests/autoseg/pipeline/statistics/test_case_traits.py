"""What is known of cases: from a table, a workspace or the data set of the references, under the usual names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoseg.evaluation.traits import CaseTraits
from autoseg.pipeline.statistics.case_traits import choose_traits, find_traits, workspace_traits
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Case, Dataset, Label, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import write_json
from tests.synthetic.scans import write_nifti

CASES = ["sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1"]


def find(tmp_path: Path, table: str, name: str = "table.csv", cases: list[str] | None = None) -> dict[str, CaseTraits]:
    path = tmp_path / name
    path.write_text(table, encoding="utf-8")
    return {one.case: one for one in find_traits(cases or CASES, tmp_path / "refs", table=path)}


@pytest.mark.parametrize("column", ["case", "Case ID", "scan_id"])
def test_a_table_by_case_is_read(tmp_path: Path, column: str) -> None:
    found = find(tmp_path, f"{column},Centre\nsub-01_ses-1,A\nsub-02_ses-1,B\n")
    assert {case: one.known["site"] for case, one in found.items()} == {"sub-01_ses-1": "A", "sub-02_ses-1": "B"}


@pytest.mark.parametrize("subject", ["sub-01", "01"])
def test_a_table_by_subject_holds_for_all_of_its_sessions(tmp_path: Path, subject: str) -> None:
    found = find(tmp_path, f"participant_id\tsite\n{subject}\tA\n", "participants.tsv")
    assert [*found] == ["sub-01_ses-1", "sub-01_ses-2"]
    assert found["sub-01_ses-2"].known["site"] == "A"
    assert found["sub-01_ses-2"].subject == subject


def test_a_table_by_subject_and_session_holds_for_that_session(tmp_path: Path) -> None:
    found = find(tmp_path, "subject,session,site\nsub-01,ses-1,A\nsub-01,2,B\n")
    assert {case: one.known["site"] for case, one in found.items()} == {"sub-01_ses-1": "A", "sub-01_ses-2": "B"}


def test_what_lines_of_one_case_contradict_each_other_in_is_unknown_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = find(tmp_path, "case,site,scanner\nsub-01_ses-1,Rome,x\nsub-01_ses-1,Paris,x\nsub-02_ses-1,Oslo,y\n")
    assert {case: one.known for case, one in found.items()} == {
        "sub-01_ses-1": {"scanner": "x"},
        "sub-02_ses-1": {"site": "Oslo", "scanner": "y"},
    }
    assert "several lines name sub-01_ses-1 and differ in site" in caplog.text


@pytest.mark.parametrize(
    ("days", "chronicity", "expected"),
    [
        ("180", "", "chronic"),
        ("179.5", "", "early"),
        ("", "1", "chronic"),
        ("", "subacute", "subacute"),
        ("0", "", None),
        ("-4", "", None),
        ("n/a", "NaN", None),
        ("20", "chronic", "early"),
    ],
)
def test_chronicity_follows_from_the_days(tmp_path: Path, days: str, chronicity: str, expected: str | None) -> None:
    table = f"case,DAYS_POST_STROKE,CHRONICITY,site\nsub-01_ses-1,{days},{chronicity},A\n"
    known = find(tmp_path, table)["sub-01_ses-1"].known
    assert known.get("chronicity") == expected
    assert ("days_post_stroke" in known) == (days not in ("", "0", "-4", "n/a"))


def test_a_table_of_other_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="names none of the cases"):
        find(tmp_path, "case,site\nx,A\n")
    with pytest.raises(DataError, match=r"has the columns site, age. Expected one called 'case' or 'subject'"):
        find(tmp_path, "site,age\nA,3\n")


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t.csv: does not exist. Expected a table"):
        find_traits(CASES, tmp_path, table=tmp_path / "t.csv")


def make_case(name: str, subject: str, site: str = "", **others: str) -> Case:
    return Case(name=name, images=("/x.nii",), label="/y.nii", subject=subject, site=site, others=others)


def make_workspace(root: Path, *cases: Case) -> Workspace:
    workspace = Workspace(root=root)
    root.mkdir()
    labels = LabelScheme(labels=(Label(name="lesion", value=1),))
    write_json(
        workspace.dataset, Dataset(name="d", layout="csv", root="/d", channels=("T1w",), labels=labels, cases=cases)
    )
    return workspace


def test_a_workspace_knows_subjects_and_sites(tmp_path: Path) -> None:
    workspace = make_workspace(
        tmp_path / "ws", make_case("p1", "p1", "A"), make_case("p1b", "p1", "A"), make_case("p2", "p2", chronicity="1")
    )
    first, second, third = workspace_traits(workspace)
    # p2 has a single case: that it is called like its subject says nothing.
    assert (first.subject, second.subject, third.subject) == ("p1", "p1", "")
    assert (first.known, third.known) == ({"site": "A"}, {"chronicity": "chronic"})


def test_a_table_counts_before_the_workspace(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", make_case("a", "s", "old", scanner="x"), make_case("b", "s", "old"))
    table = tmp_path / "t.csv"
    table.write_text("case,site\na,new\n", encoding="utf-8")
    found = {one.case: one for one in find_traits(["a", "b"], tmp_path, workspace=workspace, table=table)}
    assert (found["a"].known, found["b"].known) == ({"site": "new", "scanner": "x"}, {"site": "old"})
    assert found["a"].subject == found["b"].subject == "s"


def test_the_table_of_cases_in_a_data_set_is_read_last(tmp_path: Path) -> None:
    root = tmp_path / "raw"
    description = {"channel_names": {"0": "T1w"}, "labels": {"background": 0, "lesion": 1}, "file_ending": ".nii.gz"}
    write_json(root / "dataset.json", description)
    lines = ["image,label,case,subject,site,ward"]
    for name in ("a", "b"):
        lines.append(f"imagesTr/{name}_0000.nii.gz,labelsTr/{name}.nii.gz,{name},{name},site_{name},w")
        for file in lines[-1].split(",")[:2]:
            write_nifti(root / file, np.zeros((4, 4, 4), dtype=np.uint8))
    assert find_traits(["a", "b"], root) == ()
    (root / "cases.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = tmp_path / "t.csv"
    table.write_text("case,site\nb,new\n", encoding="utf-8")
    first, second = find_traits(["a", "b"], root, table=table)
    assert (first.subject, first.known, second.known["site"]) == ("", {"site": "site_a", "ward": "w"}, "new")
    # A file of scores that has the same name is none.
    (root / "cases.csv").write_text("case,dice\na,0.5\n", encoding="utf-8")
    assert find_traits(["a", "b"], root) == ()


def test_only_what_is_usual_or_asked_for_is_kept() -> None:
    traits = (CaseTraits(case="a", known={"site": "A", "age": "40", "Scanner Model": "x"}),)
    names, kept = choose_traits(["size,SITE", "scanner_model"], traits)
    assert names == ("size", "site", "Scanner Model")
    assert kept[0].known == {"site": "A", "Scanner Model": "x"}


def test_what_is_unknown_is_refused_before_anything_is_scored() -> None:
    with pytest.raises(DataError, match="--by age: is known of no case"):
        choose_traits(["age"], ())
