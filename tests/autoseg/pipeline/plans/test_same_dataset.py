"""A workspace belongs to one data set, which may move and change, but is not another one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autoseg.pipeline.faces import face
from autoseg.pipeline.plans.same_dataset import find_data, refuse_other_place
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from tests.synthetic.scans import write_csv
from tests.synthetic.tiny import CONFIGURATION, QUICK, Tiny, write_tiny


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    tiny = write_tiny(tmp_path_factory.mktemp("planned"))
    tiny.plan()
    return tiny


def rows(tiny: Tiny, cases: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"case": case, "image": str(tiny.scan(case)), "label": str(tiny.label(case))} for case in cases]


def plan(dataset: Path, workspace: Path | None = None) -> Path:
    return face.plan_and_preprocess(
        dataset, workspace=workspace, configurations=(CONFIGURATION,), assignments=QUICK
    ).root


def test_two_tables_in_one_folder_have_workspaces_of_their_own(
    planned: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = planned.cases()
    for name, cases in (("first", names[:3]), ("second", names[1:])):
        write_csv(tmp_path / "tables" / f"{name}.csv", rows(planned, cases))
        assert plan(tmp_path / "tables" / f"{name}.csv") == tmp_path / f"{name}-autoseg"
        found = read_json(tmp_path / f"{name}-autoseg" / "dataset.json", Dataset)
        assert tuple(case.name for case in found.cases) == cases
    before = (tmp_path / "first-autoseg" / "dataset.json").read_bytes()
    with pytest.raises(WorkspaceError, match=r"made of another data set, 'first' .*this one is 'second' .*-w"):
        plan(tmp_path / "tables" / "second.csv", tmp_path / "first-autoseg")
    assert (tmp_path / "first-autoseg" / "dataset.json").read_bytes() == before
    tables, first = tmp_path / "tables", Workspace(root=tmp_path / "first-autoseg")
    assert find_data(first) == tables / "first.csv"
    refuse_other_place(first, tables / "first.csv")
    with pytest.raises(WorkspaceError, match=r"made of another data set, 'first' .*this one is 'second' "):
        refuse_other_place(first, tables / "second.csv")
    shutil.copy(tables / "first.csv", tables / "first.tsv")
    with pytest.raises(WorkspaceError, match=r"of which 2 are there\. Expected one: name the table with --data"):
        find_data(first)


def relabel(moved: Tiny) -> None:
    for number, case in enumerate(moved.cases()):
        moved.relabel(case, 40 + number)


def add_and_remove(moved: Tiny) -> None:
    moved.add("case_9", 9)
    moved.remove("case_0")


def copy_anew(moved: Tiny) -> None:
    """Write the same files with other times."""
    for path in (*moved.raw.glob("*/*.nii.gz"),):
        path.write_bytes(path.read_bytes())


@pytest.mark.parametrize("change", [lambda moved: None, relabel, add_and_remove, copy_anew])
def test_a_data_set_that_moved_and_changed_is_the_same(
    planned: Tiny, tmp_path: Path, change: Callable[[Tiny], None]
) -> None:
    shutil.copytree(planned.root, tmp_path / "moved")
    moved = Tiny(root=tmp_path / "moved")
    change(moved)
    moved.plan()
    assert read_json(moved.workspace.dataset, Dataset).root == str(moved.raw)


@pytest.mark.parametrize("shared", [0, 1])
def test_another_data_set_of_the_same_name_is_not(planned: Tiny, tmp_path: Path, shared: int) -> None:
    shutil.copytree(planned.root, tmp_path / "other")
    other = Tiny(root=tmp_path / "other")
    for number, case in enumerate(other.cases()[shared:]):
        other.add(case, 60 + number)
    before = {path: path.read_bytes() for path in other.workspace.root.rglob("*") if path.is_file()}
    with pytest.raises(WorkspaceError, match="was made of another data set"):
        other.plan()
    assert {path: path.read_bytes() for path in other.workspace.root.rglob("*") if path.is_file()} == before


def test_of_a_planning_that_was_killed_the_names_of_cases_tell_a_moved_data_set_from_another(
    planned: Tiny, tmp_path: Path
) -> None:
    for name in ("moved", "other"):
        shutil.copytree(planned.root, tmp_path / name)
    moved, other = (Tiny(root=tmp_path / name) for name in ("moved", "other"))
    for tiny in (moved, other):
        tiny.workspace.fingerprint.unlink()
    for number, case in enumerate(other.cases()):
        other.remove(case)
        other.add(f"new_{number}", 60 + number)
    moved.plan()
    with pytest.raises(WorkspaceError, match="was made of another data set"):
        other.plan()


def test_a_data_set_of_another_name_is_another_one(planned: Tiny, tmp_path: Path) -> None:
    shutil.copytree(planned.root, tmp_path / "copy")
    (tmp_path / "copy" / "raw").rename(tmp_path / "copy" / "different")
    with pytest.raises(WorkspaceError, match="this one is 'different'"):
        plan(tmp_path / "copy" / "different", tmp_path / "copy" / "ws")
