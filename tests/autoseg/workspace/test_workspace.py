from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from autoseg.workspace.fold import FULL, is_fold
from autoseg.workspace.locks import in_turn, locked, shared
from autoseg.workspace.workspace import Workspace, find_workspace, new_workspace
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.names import WrongNameError


def make(root: Path) -> Workspace:
    workspace = Workspace(root=root)
    for path in (workspace.dataset, workspace.plan("default")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return workspace


def train(workspace: Workspace, configuration: str, fold: str) -> Path:
    folder = workspace.fold("default", configuration, fold)
    folder.root.mkdir(parents=True)
    folder.weights.touch()
    return folder.root


def test_a_model_of_all_cases_counts_only_where_no_fold_is_trained(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    assert workspace.trained_folds("default", "2d") == ()
    full = train(workspace, "2d", FULL)
    workspace.fold("default", "2d", "3").root.mkdir()
    assert [folder.root for folder in workspace.trained_folds("default", "2d")] == [full]
    first = train(workspace, "2d", "0")
    assert [folder.root for folder in workspace.trained_folds("default", "2d")] == [first]
    train(workspace, "3d_fullres", "0")
    assert workspace.configuration_names("default") == ("2d", "3d_fullres")
    assert workspace.configuration_names("other") == ()


def test_planning_writes_into_the_workspace_its_plans_and_its_stores(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    store = workspace.store("0123")
    store.root.mkdir(parents=True)
    files = [workspace.dataset, workspace.fingerprint, workspace.check, workspace.splits("default")]
    files += [workspace.unlabelled.dataset, workspace.unlabelled.cases / "a"]
    files += [workspace.cases / "a", store.image("a"), store.labels("a"), store.reference("a"), store.record("a")]
    assert {file.parent for file in files} == set(workspace.planning_folders())
    assert len(set(files)) == len(files)
    assert workspace.plan_names() == ("default",)


def test_the_only_workspace_in_a_directory_is_found_and_several_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkspaceError, match="holds no workspace"):
        find_workspace(None)
    only = make(tmp_path / "a-autoseg")
    assert find_workspace(None) == only
    assert find_workspace(tmp_path / "a-autoseg") == only
    monkeypatch.chdir(only.root)
    assert find_workspace(None) == only
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "b-autoseg")
    with pytest.raises(WorkspaceError, match="holds 2 workspaces \\(a-autoseg, b-autoseg\\)"):
        find_workspace(None)
    with pytest.raises(WorkspaceError, match="is not a workspace"):
        find_workspace(tmp_path)


def test_a_data_set_given_as_a_workspace_is_answered_with_the_way_to_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "D1"
    data.mkdir()
    with pytest.raises(WorkspaceError, match=r"D1: is not a workspace\. Run `autoseg plan_and_preprocess DATASET -w"):
        find_workspace(data)
    (data / "imagesTr").mkdir()
    with pytest.raises(WorkspaceError, match=r"run `autoseg plan_and_preprocess \S*D1` first.*D1-autoseg"):
        find_workspace(data)
    inside = make(data / "D1-autoseg")
    with pytest.raises(WorkspaceError, match=rf"Name the one in it: {inside.root}"):
        find_workspace(data)
    beside = make(tmp_path / "D1-autoseg")
    with pytest.raises(WorkspaceError, match=rf"Name the one that was made of it: {beside.root}"):
        find_workspace(data)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["D1", "D1-autoseg"]


def test_a_folder_that_was_locked_before_is_taken_for_a_workspace_again(tmp_path: Path) -> None:
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "a").touch()
    with pytest.raises(WorkspaceError, match="other content"):
        new_workspace(tmp_path / "raw", tmp_path / "ws")
    with locked(tmp_path / "ws", "a test"):
        assert new_workspace(tmp_path / "raw", tmp_path / "ws").root == tmp_path / "ws"
        with (
            pytest.raises(WorkspaceError, match="another process is at work on a test"),
            locked(tmp_path / "ws", "a test"),
        ):
            pass


def test_another_process_is_kept_out(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from autoseg.workspace.locks import locked\n"
        "with locked(Path(sys.argv[1]), 'a test'): pass"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with locked(tmp_path, "a test"):
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert "another process is at work on a test" in done.stderr
    assert subprocess.run(command, check=False).returncode == 0


def test_readers_share_a_folder_and_keep_out_who_would_change_it(tmp_path: Path) -> None:
    with (
        shared(tmp_path, "a test"),
        shared(tmp_path, "a test"),
        pytest.raises(WorkspaceError, match="another process is at work on reading"),
        locked(tmp_path, "reading"),
    ):
        pass
    with (
        locked(tmp_path, "a test"),
        pytest.raises(WorkspaceError, match="another process is at work on changes"),
        shared(tmp_path, "changes"),
    ):
        pass
    with shared(tmp_path / "not there", "a test"):
        assert not (tmp_path / "not there").exists()


def test_who_writes_in_turn_waits_for_the_others_but_not_for_ever(tmp_path: Path) -> None:
    order: list[str] = []

    def write(name: str, patience: float) -> None:
        with in_turn(tmp_path / "lock", patience):
            order.append(name)

    with in_turn(tmp_path / "lock"):
        write("impatient", 0.0)
        waiting = Thread(target=write, args=("patient", 60.0))
        waiting.start()
        waiting.join(0.2)
        order.append("first")
    waiting.join(60)
    assert order == ["impatient", "first", "patient"]
    with in_turn(tmp_path / "no folder" / "lock"):
        assert not (tmp_path / "no folder").exists()


@pytest.mark.parametrize("name", ["0", "7", "10", "123", FULL])
def test_folds_are_named_by_their_numbers(tmp_path: Path, name: str) -> None:
    assert is_fold(name)
    workspace = make(tmp_path)
    train(workspace, "2d", name)
    assert workspace.folds("default", "2d") == (workspace.fold("default", "2d", name),)


@pytest.mark.parametrize("name", ["00", "01", "+1", "-1", "1.0", "٣", "²", "", " 1", "1 ", "1\n", "1_0", "all", "Full"])
def test_what_only_looks_like_a_number_names_no_fold(tmp_path: Path, name: str) -> None:
    assert not is_fold(name)
    workspace = make(tmp_path)
    with pytest.raises(WrongNameError, match="is not a fold"):
        workspace.fold("default", "2d", name)
    (workspace.configuration("default", "2d") / f"fold_{name}").mkdir(parents=True)
    assert workspace.folds("default", "2d") == ()


def test_a_workspace_is_called_after_a_folder_or_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert new_workspace(tmp_path / "tables" / "first", None).root == tmp_path / "first-autoseg"
