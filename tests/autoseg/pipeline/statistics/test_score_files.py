"""Files of scores and folders of masks: where they are found, and how they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoseg.evaluation import write_evaluation
from autoseg.pipeline.statistics.score_files import find_scores, name_raters, name_systems, read_systems
from dataset_fingerprints.errors import DataError
from tests.autoseg.evaluation.analysis.made_up import make_evaluation


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_evaluation(path, make_evaluation([0.5, 0.6]))
    return path


@pytest.mark.parametrize("name", ["metrics.json", "validation/metrics.json", "cross_validation.json"])
def test_a_folder_stands_for_the_scores_in_it(tmp_path: Path, name: str) -> None:
    assert find_scores(write(tmp_path / name)) == find_scores(tmp_path) == tmp_path / name


def test_a_folder_without_scores_says_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no scores. Expected metrics.json or .* as `autoseg evaluate`"):
        find_scores(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        find_scores(tmp_path / "x.json")


def test_a_table_leads_to_the_scores_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("case,dice\n")
    with pytest.raises(DataError, match=r"a.csv: is a table. Expected .*give the .json that was written with it"):
        find_scores(tmp_path / "a.csv")
    write(tmp_path / "a.json")
    with pytest.raises(DataError, match=r"give .*a.json, which lies beside it"):
        find_scores(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["a/metrics.json", "b/metrics.json"], ["a", "b"]),
        (["x/a.json", "x/b.json"], ["a", "b"]),
        (["a/3d/cross_validation.json", "b/3d/cross_validation.json"], ["a/3d", "b/3d"]),
        (["m/fold_0/validation/metrics.json", "m/fold_1/validation/metrics.json"], ["fold_0", "fold_1"]),
    ],
)
def test_systems_are_called_by_what_differs_in_their_paths(tmp_path: Path, files: list[str], names: list[str]) -> None:
    assert name_systems([tmp_path / file for file in files]) == names


def test_names_can_be_given_one_for_each(tmp_path: Path) -> None:
    files = [write(tmp_path / "a/metrics.json"), write(tmp_path / "b/metrics.json")]
    assert [*read_systems(files, ["ours", "theirs"])] == ["ours", "theirs"]
    assert [*read_systems(files)] == ["a", "b"]
    with pytest.raises(DataError, match="--name is given 1 time for 2 systems"):
        read_systems(files, ["ours"])
    with pytest.raises(DataError, match="--name x: is given 2 times"):
        read_systems(files, ["x", "x"])
    with pytest.raises(DataError, match="is given twice"):
        read_systems([files[0], tmp_path / "a"])


def test_raters_are_called_by_their_folders_and_a_model_so(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("masks", "anna", "ben")]
    assert name_raters(places, model=True) == ("model", "anna", "ben")
    assert name_raters(places[1:], model=False) == ("anna", "ben")
    assert name_raters(places, ["net", "A", "B"], model=True) == ("net", "A", "B")
    with pytest.raises(DataError, match=r"1 folder of masks to compare. Expected at least two"):
        name_raters(places[:1], model=False)
    with pytest.raises(DataError, match="is given twice"):
        name_raters([places[0], places[0]], model=True)
