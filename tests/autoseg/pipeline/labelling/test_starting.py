from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autoseg.pipeline.faces import label_face
from autoseg.pipeline.labelling.loop_state import read_loop
from dataset_fingerprints.errors import DataError, WorkspaceError
from dataset_fingerprints.layouts.table_text import read_table
from tests.autoseg.pipeline.labelling.loops import NAMES, begin, make_data


def test_a_loop_knows_what_is_labelled_what_is_not_and_what_is_held_out(tmp_path: Path) -> None:
    made = begin(tmp_path)
    loop = read_loop(made.loop)
    assert loop.test == ("s01", "s04")
    assert loop.labelled() == ("s00", "s02", "s03", "s05")
    assert loop.unlabelled() == NAMES[6:]
    place = made.loop.round(1)
    listed = [line.cells["case"] for line in read_table(place.dataset).lines]
    assert listed == ["s00", "s02", "s03", "s05"]
    assert [line.cells["image:T1w"] for line in read_table(place.test).lines] == [
        str(made.scan(name)) for name in loop.test
    ]
    assert not list(made.loop.root.rglob("*.nii.gz"))


def test_a_loop_that_was_begun_with_the_same_is_kept_and_another_one_is_refused(tmp_path: Path) -> None:
    made = begin(tmp_path)
    before = made.loop.state.read_bytes()
    label_face.start(made.table, workspace=made.loop.root, test=("s04", "s01"))
    assert made.loop.state.read_bytes() == before
    with pytest.raises(WorkspaceError, match="a loop of other cases, other held-out cases or another seed"):
        label_face.start(made.table, workspace=made.loop.root, test=("s01",))


def test_held_out_cases_are_drawn_by_the_seed(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    drawn = {
        read_loop(label_face.start(made.table, workspace=tmp_path / f"loop-{seed}", seed=seed % 3, test_count=2)).test
        for seed in (0, 1, 2, 3)
    }
    assert 1 < len(drawn) <= 3
    assert all(len(test) == 2 for test in drawn)


def test_a_scan_that_is_a_held_out_one_under_another_name_is_left_out(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    shutil.copy(made.scan("s01"), made.scan("s09"))
    label_face.start(made.table, workspace=made.loop.root, test=("s01",))
    loop = read_loop(made.loop)
    assert "s09" not in [case.name for case in loop.cases]
    assert "s08" in loop.unlabelled()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"test": ("s99",)}, "--test names s99"),
        ({"test_count": 0}, "--test-count is 0"),
        ({"test_count": 6}, "none is left to train on"),
    ],
)
def test_held_out_cases_that_cannot_be_are_refused(tmp_path: Path, options: dict[str, object], said: str) -> None:
    made = make_data(tmp_path)
    with pytest.raises(DataError, match=said):
        label_face.start(made.table, workspace=made.loop.root, **options)  # type: ignore[arg-type]


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    (tmp_path / "loop").mkdir()
    (tmp_path / "loop" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="holds something else than a labelling loop"):
        label_face.start(made.table, workspace=made.loop.root)


def test_blocks_are_those_of_a_table_of_scans_to_label(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    blocks = tmp_path / "blocks.csv"
    blocks.write_text("case,block\ns06,2\ns07,10\ns08,2\n", encoding="utf-8")
    label_face.start(made.table, workspace=made.loop.root, blocks=blocks)
    assert read_loop(made.loop).blocks == {"s06": "2", "s07": "10", "s08": "2"}
    blocks.write_text("case,block\ns00,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="names s00, which are no scans without labels"):
        label_face.start(made.table, workspace=tmp_path / "other", blocks=blocks)
