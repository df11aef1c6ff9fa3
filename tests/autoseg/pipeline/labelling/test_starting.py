from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.labelling.state import Training
from autoseg.pipeline.faces import label_face
from autoseg.pipeline.labelling.copies import find_copies
from autoseg.pipeline.labelling.loop_state import read_loop
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.errors import DataError, PlanError, WorkspaceError
from dataset_fingerprints.layouts.table_text import read_table
from tests.autoseg.pipeline.labelling.loops import AFFINE, NAMES, Made, begin, make_data


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
    label_face.label_start(made.table, workspace=made.loop.root, test=("s04", "s01"))
    assert made.loop.state.read_bytes() == before
    with pytest.raises(WorkspaceError, match="a loop of other cases, other held-out cases or another seed"):
        label_face.label_start(made.table, workspace=made.loop.root, test=("s01",))


def test_held_out_cases_are_drawn_by_the_seed(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    drawn = {
        read_loop(
            label_face.label_start(made.table, workspace=tmp_path / f"loop-{seed}", seed=seed % 3, test_count=2)
        ).test
        for seed in (0, 1, 2, 3)
    }
    assert 1 < len(drawn) <= 3
    assert all(len(test) == 2 for test in drawn)


def test_a_scan_that_is_a_held_out_one_under_another_name_is_left_out(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    shutil.copy(made.scan("s01"), made.scan("s09"))
    label_face.label_start(made.table, workspace=made.loop.root, test=("s01",))
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
        label_face.label_start(made.table, workspace=made.loop.root, **options)  # type: ignore[arg-type]


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    (tmp_path / "loop").mkdir()
    (tmp_path / "loop" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="holds something else than a labelling loop"):
        label_face.label_start(made.table, workspace=made.loop.root)


def test_blocks_are_those_of_a_table_of_scans_to_label(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    blocks = tmp_path / "blocks.csv"
    blocks.write_text("case,block\ns06,2\ns07,10\ns08,2\n", encoding="utf-8")
    label_face.label_start(made.table, workspace=made.loop.root, blocks=blocks)
    assert read_loop(made.loop).blocks == {"s06": "2", "s07": "10", "s08": "2"}
    blocks.write_text("case,block\ns00,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="names s00, which is not among the scans without labels"):
        label_face.label_start(made.table, workspace=tmp_path / "other", blocks=blocks)
    for text, said in (("s06,2\ns06,3", "s06 is in the blocks 2 and 3"), ("s06,", "line 2: s06 has no block")):
        blocks.write_text(f"case,block\n{text}\n", encoding="utf-8")
        with pytest.raises(DataError, match=said):
            label_face.label_start(made.table, workspace=tmp_path / "other", blocks=blocks)


def write_table(made: Made, *lines: str) -> Path:
    """Write a table of some scans of a data set, by its columns case, label, subject and group."""
    rows = [line.split(",") for line in lines]
    table = made.table.with_name("some.csv")
    text = "".join(
        f"{made.scan(case)},{made.truth(case) if label else ''},{case},{subject},{group}\n"
        for case, label, subject, group in rows
    )
    table.write_text(f"image:T1w,label,case,subject,group\n{text}", encoding="utf-8")
    return table


def test_scans_of_a_held_out_group_are_left_out(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    table = write_table(made, "s00,x,a,", "s01,x,b,twins", "s06,,c,twins", "s07,,d,", "s08,,b,")
    label_face.label_start(table, workspace=made.loop.root, test=("s01",))
    assert read_loop(made.loop).unlabelled() == ("s07",)


def test_labelled_cases_that_only_a_scan_without_labels_joins_are_held_out_together(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    table = write_table(made, "s00,x,a,", "s01,x,b,one", "s02,x,c,two", "s06,,b,two", "s07,,d,")
    with pytest.raises(DataError, match="s02: of the same subjects or groups"):
        label_face.label_start(table, workspace=made.loop.root, test=("s01",))


@pytest.mark.parametrize("as_table", [False, True])
def test_scans_apart_are_of_the_subjects_that_their_names_or_a_column_give(tmp_path: Path, as_table: bool) -> None:
    made = make_data(tmp_path)
    table = write_table(made, "s00,x,sub-00,", "s01,x,sub-01,", "s02,x,sub-02,")
    names = {"s06": "sub-01_ses-2", "s07": "sub-07_ses-1", "s08": "sub-07_ses-2"}
    apart = tmp_path / "apart"
    apart.mkdir()
    for scan, name in names.items():
        shutil.copy(made.scan(scan), apart / f"{name}.nii.gz")
    if as_table:
        text = "".join(f"{made.scan(scan)},{name.split('_')[0]}\n" for scan, name in names.items())
        apart = tmp_path / "apart.csv"
        apart.write_text(f"image:T1w,subject\n{text}", encoding="utf-8")
    label_face.label_start(table, unlabelled=apart, workspace=made.loop.root, test=("s01",))
    loop = read_loop(made.loop)
    assert len(loop.unlabelled()) == 2
    assert {loop.case(name).subject for name in loop.unlabelled()} == {"sub-07"}


def test_a_labelled_case_with_the_scan_of_a_held_out_one_is_refused(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    shutil.copy(made.scan("s01"), made.scan("s02"))
    with pytest.raises(DataError, match="s02: the same scans as cases that are held out"):
        label_face.label_start(made.table, workspace=made.loop.root, test=("s01",))


def test_missing_files_of_held_out_cases_are_refused_and_those_of_scans_to_label_wait(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    made.scan("s09").unlink()
    label_face.label_start(made.table, workspace=made.loop.root, test=("s01",))
    assert "s09" in read_loop(made.loop).unlabelled()
    made.truth("s01").unlink()
    with pytest.raises(DataError, match=r"files of held-out cases are not there: .*s01\.nii\.gz"):
        label_face.label_start(made.table, workspace=tmp_path / "other", test=("s01",))


def test_tables_of_a_start_that_was_killed_are_not_taken_for_those_of_other_held_out_cases(tmp_path: Path) -> None:
    made = begin(tmp_path)
    made.loop.state.unlink()
    label_face.label_start(made.table, workspace=made.loop.root, test=("s05",))
    place = made.loop.round(1)
    assert "s05" not in [line.cells["case"] for line in read_table(place.dataset).lines]
    assert [line.cells["case"] for line in read_table(place.test).lines] == ["s05"]


def test_scans_with_all_channels_in_one_file_are_refused_at_the_start(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    rows = [f"{made.scan(name)},{made.scan(name)},{made.truth(name)},{name}\n" for name in ("s00", "s01")]
    table = made.table.with_name("some.csv")
    table.write_text(f"image:T1w,image:T2w,label,case\n{''.join(rows)}", encoding="utf-8")
    both = nibabel.Nifti1Image(np.zeros((20, 24, 16, 2), np.float32), AFFINE)
    (tmp_path / "apart").mkdir()
    nibabel.save(both, tmp_path / "apart" / "both.nii.gz")
    with pytest.raises(DataError, match=r"both\.nii\.gz: one file holds all 2 channels of both"):
        label_face.label_start(table, unlabelled=tmp_path / "apart", workspace=made.loop.root, test=("s01",))


def test_a_seed_below_zero_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="--seed is -1"):
        label_face.label_start(make_data(tmp_path).table, seed=-1)


def test_headers_that_are_alike_make_no_copies(tmp_path: Path) -> None:
    for name, value in (("a", 1), ("b", 2), ("c", 1)):
        image = nibabel.Nifti1Pair(np.full((8, 8, 8), value, np.int16), AFFINE)
        nibabel.save(image, tmp_path / f"{name}.img")
    held_out, other, copy = (
        Case(name=name, images=(str(tmp_path / f"{name}.img"),), label="", subject=name) for name in "abc"
    )
    assert find_copies((other, copy), (held_out,)) == {"c"}


def test_minutes_of_labelling_without_a_network_may_be_given_later(tmp_path: Path) -> None:
    made = begin(tmp_path)
    before = read_loop(made.loop)
    minutes = tmp_path / "minutes.csv"
    minutes.write_text("case,structure,minutes\ns00,core,20\n", encoding="utf-8")
    label_face.label_start(made.table, workspace=made.loop.root, test=("s01", "s04"), minutes=minutes)
    assert read_loop(made.loop) == replace(before, manual_minutes={"s00": {"core": 20.0}})
    # Without them, what is known stays.
    label_face.label_start(made.table, workspace=made.loop.root, test=("s01", "s04"))
    assert read_loop(made.loop).manual_minutes


def test_what_is_said_of_the_trainings_is_kept_and_all_else_is_as_usual(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    autoseg.label_start(
        made.table, workspace=made.loop.root, own_plan=True, fold=0, assignments="batch_size=2", iterations=7
    )
    expected = Training(own_plan=True, fold="0", assignments=("batch_size=2",), iterations=7)
    assert read_loop(made.loop).current().training == expected
    with pytest.raises(PlanError, match=r"`autoseg\.label_train\(\)`"):
        autoseg.label_next(made.loop.root, count=1)
