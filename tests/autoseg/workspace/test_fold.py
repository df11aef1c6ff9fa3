from __future__ import annotations

from pathlib import Path

from autoseg.workspace.fold import FoldFolder, fold_folder, list_folds


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_folds_weights_are_the_final_ones_and_snapshots_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = FoldFolder(root=tmp_path)
    assert folder.weight_files() == ()
    snapshots = tuple(touch(folder.snapshot(number)) for number in (1, 2, 10))
    touch(tmp_path / "weights-best.txt")
    assert folder.weight_files() == snapshots
    assert folder.snapshots() == (1, 2, 10)
    touch(folder.weights)
    assert folder.weight_files() == (folder.weights, *snapshots)


def test_folds_are_listed_by_number_and_the_model_of_all_cases_last(tmp_path: Path) -> None:
    assert list_folds(tmp_path / "2d") == ()
    folders = [fold_folder(tmp_path / "2d", fold) for fold in ("full", "10", "9")]
    for folder in folders:
        folder.root.mkdir(parents=True)
    (tmp_path / "2d" / "fold_old").mkdir()
    assert list_folds(tmp_path / "2d") == (folders[2], folders[1], folders[0])
    assert [folder.title() for folder in folders] == ["2d, full", "2d, fold 10", "2d, fold 9"]


def test_the_folders_of_a_fold_hold_every_one_of_its_files(tmp_path: Path) -> None:
    folder = FoldFolder(root=tmp_path)
    validation = folder.validation
    files = [folder.run, folder.record, folder.job, folder.checkpoint, folder.weights, folder.snapshot(3), folder.curve]
    files += [folder.picture, folder.log, folder.stop, validation.metrics]
    files += [validation.mask("a"), validation.case_record("a"), validation.probabilities("a")]
    files += [folder.pseudo_labels.mask("a"), folder.pseudo_labels.case_record("a")]
    assert {file.parent for file in files} == set(folder.folders())
    assert len(set(files)) == len(files)
