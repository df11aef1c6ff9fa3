from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

from autoseg.labelling.state import Choice, Chosen, Loop
from autoseg.pipeline.faces import label_face
from autoseg.pipeline.labelling.loop_state import OpenLoop, read_loop
from dataset_fingerprints.errors import DataError, PartlyDoneError
from dataset_fingerprints.layouts.table_text import read_table
from dataset_fingerprints.reading.images import read_image, read_label_map, write_label_map
from tests.autoseg.pipeline.labelling.loops import Made, begin, choose


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return choose(tmp_path)


def edit(made: Made) -> Path:
    return made.loop.round(1).to_correct


def correct(made: Made, *names: str) -> None:
    for name in names:
        shutil.copy(made.truth(name), edit(made) / f"{name}.nii.gz")


def taken(made: Made, name: str) -> np.ndarray:
    return read_label_map(made.loop.masks / read_loop(made.loop).latest()[name].file).voxels[0]


def true(made: Made, name: str) -> np.ndarray:
    return read_label_map(made.truth(name)).voxels[0]


def test_masks_for_people_lie_on_their_scans_grid_for_both_programs(made: Made) -> None:
    scan, mask = (nibabel.load(path) for path in (made.scan("s06"), edit(made) / "s06.nii.gz"))
    assert mask.shape == scan.shape
    assert np.allclose(mask.affine, scan.affine)
    reader = SimpleITK.ReadImage(str(edit(made) / "s06.seg.nrrd"))
    assert [reader.GetMetaData(f"Segment{number}_Name") for number in (0, 1)] == ["core", "rim"]
    assert np.array_equal(SimpleITK.GetArrayFromImage(reader).transpose(2, 1, 0), np.asanyarray(mask.dataobj))
    assert '"rim"' in made.loop.round(1).labels.read_text(encoding="utf-8")
    assert len(read_table(made.loop.round(1).minutes).lines) == 6


def test_a_corrected_mask_is_taken_in_and_is_in_the_next_rounds_table(made: Made) -> None:
    correct(made, "s06", "s08")
    with pytest.raises(PartlyDoneError, match=r"case s07: is the mask of the model.*--allow unchanged"):
        label_face.label_accept(None, made.loop.root)
    loop = read_loop(made.loop)
    assert np.array_equal(taken(made, "s06"), true(made, "s06"))
    assert loop.awaited() == ("s07",)
    assert loop.news() == ("s06", "s08")
    listed = {line.cells["case"]: line.cells["label"] for line in read_table(made.loop.round(2).dataset).lines}
    assert set(listed) == {"s00", "s02", "s03", "s05", "s06", "s08"}
    assert Path(listed["s06"]).is_file()
    assert {line.cells["case"] for line in read_table(made.loop.round(2).unlabelled).lines} == {
        *("s07", "s09", "s10", "s11")
    }


def test_what_changed_is_measured_label_by_label(made: Made) -> None:
    correct(made, "s06")
    with pytest.raises(PartlyDoneError):
        label_face.label_accept(None, made.loop.root)
    changes = {one.structure: one for one in read_loop(made.loop).latest()["s06"].changes}
    before, after = read_label_map(made.loop.round(1).presegmentation("s06")).voxels[0], true(made, "s06")
    for name, value in (("core", 1), ("rim", 3)):
        assert changes[name].changed_ml == pytest.approx(2 * np.sum((before == value) != (after == value)) / 1000)
    rms = changes["core"].rms_mm
    assert rms is not None
    assert 0 < rms <= 1.0


def test_a_corrected_segmentation_of_slicer_is_taken_in_cropped_turned_and_renumbered(made: Made) -> None:
    path = edit(made) / "s07.seg.nrrd"
    truth = SimpleITK.ReadImage(str(made.truth("s07")))
    swapped = SimpleITK.ChangeLabel(truth, {1: 3, 3: 1})
    turned = SimpleITK.DICOMOrient(swapped, "PIR")
    array = SimpleITK.GetArrayFromImage(turned)
    low, high = np.argwhere(array).min(0)[::-1], np.argwhere(array).max(0)[::-1] + 1
    cropped = turned[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))]
    for number, (name, value) in enumerate((("RIM", 1), ("Core", 3))):
        cropped.SetMetaData(f"Segment{number}_Name", name)
        cropped.SetMetaData(f"Segment{number}_LabelValue", str(value))
    SimpleITK.WriteImage(cropped, str(path), useCompression=True)
    with pytest.raises(PartlyDoneError):
        label_face.label_accept(None, made.loop.root)
    assert np.array_equal(taken(made, "s07"), true(made, "s07"))


def test_masks_of_another_folder_format_and_orientation_are_taken_in(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "corrected"
    folder.mkdir()
    image = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(made.truth("s06"))), "LSA")
    SimpleITK.WriteImage(image, str(folder / "s06.mha"))
    # One that nobody chose counts as well.
    shutil.copy(made.truth("s10"), folder / "s10.nii.gz")
    result = label_face.label_accept(folder, made.loop.root)
    assert [one.case for one in result.taken] == ["s06", "s10"]
    assert np.array_equal(taken(made, "s06"), true(made, "s06"))
    assert read_loop(made.loop).latest()["s10"].changes == ()


def test_what_is_taken_in_twice_is_said_and_a_new_version_leaves_the_old_one(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "corrected"
    folder.mkdir()
    shutil.copy(made.truth("s06"), folder / "s06.nii.gz")
    label_face.label_accept(folder, made.loop.root)
    first = made.loop.masks / read_loop(made.loop).latest()["s06"].file
    content = first.read_bytes()
    assert label_face.label_accept(folder, made.loop.root).known == ["s06"]
    shutil.copy(made.truth("s09"), folder / "s06.nii.gz")
    label_face.label_accept(folder, made.loop.root)
    assert first.read_bytes() == content
    assert np.array_equal(taken(made, "s06"), true(made, "s09"))
    assert read_loop(made.loop).versions("s06") == 2


def correct_twice(made: Made, tmp_path: Path) -> Path:
    """Take in masks, of s06 with its minutes, and return a folder with another mask of it."""
    correct(made, "s06", "s07", "s08")
    made.loop.round(1).minutes.write_text("case,structure,minutes\ns06,core,3\n", encoding="utf-8")
    label_face.label_accept(None, made.loop.root)
    folder = tmp_path / "corrected"
    folder.mkdir()
    shutil.copy(made.truth("s09"), folder / "s06.nii.gz")
    return folder


def write_like(made: Made, name: str, path: Path, change: object) -> None:
    image = nibabel.load(made.truth(name))
    voxels, affine = change(np.asanyarray(image.dataobj).copy(), image.affine.copy())  # type: ignore[operator]
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)


def shifted(voxels: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    affine[:3, 3] += 0.4
    return voxels, affine


REFUSED = {
    "have other sizes or places than the scan.s": shifted,
    "save the mask on the grid of the scan": lambda voxels, affine: (voxels[1:], affine),
    "holds the values 9": lambda voxels, affine: (np.where(voxels == 1, 9, voxels).astype(np.uint8), affine),
    "voxels that are not integers": lambda voxels, affine: (voxels.astype(np.float32) * 0.5, affine),
    "--allow empty": lambda voxels, affine: (np.zeros_like(voxels), affine),
}


@pytest.mark.parametrize("said", REFUSED)
def test_a_mask_that_cannot_be_meant_is_refused_and_stays_as_it_was(made: Made, tmp_path: Path, said: str) -> None:
    folder = tmp_path / "corrected"
    folder.mkdir()
    path = folder / "s06.nii.gz"
    write_like(made, "s06", path, REFUSED[said])
    before, state = path.read_bytes(), made.loop.state.read_bytes()
    with pytest.raises(DataError, match=said):
        label_face.label_accept(folder, made.loop.root)
    assert path.read_bytes() == before
    assert made.loop.state.read_bytes() == state
    assert not made.loop.masks.exists()


def test_a_mask_with_a_name_of_no_scan_is_not_passed_over(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "corrected"
    folder.mkdir()
    shutil.copy(made.truth("s06"), folder / "s06_corrected.nii.gz")
    (folder / "minutes.csv").write_text("case,structure,minutes\ns06,core,3\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"called after a scan of the loop \(s06_corrected\.nii\.gz\)"):
        label_face.label_accept(folder, made.loop.root)
    shutil.move(folder / "s06_corrected.nii.gz", folder / "s6.nii.gz")
    with pytest.raises(DataError, match=r"s6\.nii\.gz: did you mean 's06'\?"):
        label_face.label_accept(folder, made.loop.root)


def test_an_empty_mask_and_an_unchanged_one_are_taken_in_where_they_are_meant(made: Made, tmp_path: Path) -> None:
    write_like(made, "s06", edit(made) / "s06.nii.gz", REFUSED["--allow empty"])
    (edit(made) / "s06.seg.nrrd").unlink()
    result = label_face.label_accept(None, made.loop.root, allow=("empty", "unchanged"))
    assert {one.case for one in result.taken} == {"s06", "s07", "s08"}
    assert all(change.changed_ml == 0 for one in result.taken[1:] for change in one.changes)
    with pytest.raises(DataError, match=r"--allow unchaged.*Did you mean 'unchanged'"):
        label_face.label_accept(None, made.loop.root, allow=("unchaged",))


def test_two_different_corrections_of_one_scan_are_refused(made: Made) -> None:
    correct(made, "s06")
    SimpleITK.WriteImage(SimpleITK.ReadImage(str(made.truth("s09"))), str(edit(made) / "s06.seg.nrrd"))
    with pytest.raises(DataError, match=r"s06\.nii\.gz and s06\.seg\.nrrd hold different masks"):
        label_face.label_accept(None, made.loop.root)


def test_a_held_out_case_is_never_taken_in(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "corrected"
    folder.mkdir()
    shutil.copy(made.truth("s01"), folder / "s01.nii.gz")
    shutil.copy(made.truth("s01"), folder / "strange.nii.gz")
    with pytest.raises(DataError, match="case s01: is held out"):
        label_face.label_accept(folder, made.loop.root)


def test_minutes_are_noted_also_later_and_wrong_ones_stop_everything_before_it_begins(made: Made) -> None:
    correct(made, "s06", "s07", "s08")
    made.loop.round(1).minutes.write_text("case,structure,minutes\ns06,core,3\ns99,core,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="names s99"):
        label_face.label_accept(None, made.loop.root)
    assert read_loop(made.loop).accepted == ()
    made.loop.round(1).minutes.write_text("case,structure,minutes\ns06,core,3:30\n", encoding="utf-8")
    assert label_face.label_accept(None, made.loop.root).timed == ["s06"]
    made.loop.round(1).minutes.write_text("case,structure,minutes\ns06,core,3:30\ns07,rim,2\n", encoding="utf-8")
    assert label_face.label_accept(None, made.loop.root).timed == ["s07"]
    assert {name: dict(one.minutes) for name, one in read_loop(made.loop).latest().items()} == {
        "s06": {"core": 3.5},
        "s07": {"rim": 2.0},
        "s08": {},
    }


def begin_second_round(made: Made, choice: Choice | None = None) -> None:
    with made.open() as found:
        loop = found.loop
        own = replace(loop.current(), number=2, cases=loop.labelled(), scores=(), choice=choice)
        found.keep(loop.with_round(own))


def test_masks_that_were_corrected_while_the_next_round_is_trained_are_still_found(made: Made) -> None:
    correct(made, "s06", "s07", "s08")
    begin_second_round(made)
    result = label_face.label_accept(None, made.loop.root)
    names = ("s06", "s07", "s08")
    assert [(one.case, one.round, one.during) for one in result.taken] == [(name, 1, 2) for name in names]


def test_before_anything_was_chosen_the_next_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no scan was chosen yet.*`autoseg label next"):
        label_face.label_accept(None, begin(tmp_path).loop.root)


def test_what_was_taken_in_is_known_also_where_nobody_says_again_that_it_is_meant(made: Made) -> None:
    write_like(made, "s06", edit(made) / "s06.nii.gz", REFUSED["--allow empty"])
    label_face.label_accept(None, made.loop.root, allow=("empty", "unchanged"))
    state = made.loop.state.read_bytes()
    assert label_face.label_accept(None, made.loop.root).known == ["s06", "s07", "s08"]
    assert made.loop.state.read_bytes() == state


def test_an_untouched_mask_of_an_earlier_round_is_not_taken_for_a_correction_of_a_later_one(made: Made) -> None:
    begin_second_round(made, Choice(way="random", scans=(Chosen(case="s06"),)))
    truth = read_image([made.truth("s06")])
    other = made.loop.round(2).presegmentation("s06")
    write_label_map(other, truth.voxels[0].astype(np.uint8), truth.source_grid, truth.header)
    with pytest.raises(DataError, match="case s06: is the mask of the model"):
        label_face.label_accept(edit(made), made.loop.root)


def test_a_file_that_is_still_in_its_folder_does_not_replace_a_later_mask_unless_it_is_meant(
    made: Made, tmp_path: Path
) -> None:
    correct(made, "s06", "s07", "s08")
    label_face.label_accept(None, made.loop.root)
    folder = tmp_path / "corrected"
    folder.mkdir()
    shutil.copy(made.truth("s09"), folder / "s06.nii.gz")
    label_face.label_accept(folder, made.loop.root)
    again = label_face.label_accept(None, made.loop.root)
    assert (again.taken, again.replaced, again.known) == ([], ["s06"], ["s07", "s08"])
    assert np.array_equal(taken(made, "s06"), true(made, "s09"))
    label_face.label_accept(None, made.loop.root, allow=("earlier",))
    assert np.array_equal(taken(made, "s06"), true(made, "s06"))


def test_minutes_of_a_replaced_mask_are_not_those_of_the_one_that_counts(made: Made, tmp_path: Path) -> None:
    folder = correct_twice(made, tmp_path)
    (folder / "minutes.csv").write_text("case,structure,minutes\ns06,core,9\n", encoding="utf-8")
    label_face.label_accept(folder, made.loop.root)
    again = label_face.label_accept(None, made.loop.root)
    assert (again.replaced, again.timed) == (["s06"], [])
    assert dict(read_loop(made.loop).latest()["s06"].minutes) == {"core": 9.0}
    # Nor are those of a mask that cannot be taken in.
    write_like(made, "s06", folder / "s06.nii.gz", REFUSED["--allow empty"])
    (folder / "minutes.csv").write_text("case,structure,minutes\ns06,core,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="--allow empty"):
        label_face.label_accept(folder, made.loop.root)
    assert dict(read_loop(made.loop).latest()["s06"].minutes) == {"core": 9.0}


def test_a_mask_is_kept_with_its_minutes_in_one_step(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    correct(made, "s06", "s07", "s08")
    made.loop.round(1).minutes.write_text("case,structure,minutes\ns06,core,3\ns07,rim,2\n", encoding="utf-8")
    states: list[Loop] = []
    keep = OpenLoop.keep

    def note(self: OpenLoop, loop: Loop) -> None:
        keep(self, loop)
        states.append(loop)

    monkeypatch.setattr(OpenLoop, "keep", note)
    assert label_face.label_accept(None, made.loop.root).timed == ["s06", "s07"]
    # A kill leaves one of these.
    assert len(states) == 3
    assert all(dict(loop.latest()["s06"].minutes) == {"core": 3.0} for loop in states)


def test_the_label_map_that_a_case_came_with_is_no_new_mask(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "corrected"
    folder.mkdir()
    for name in ("s00", "s06"):
        shutil.copy(made.truth(name), folder / f"{name}.nii.gz")
    result = label_face.label_accept(folder, made.loop.root)
    assert ([one.case for one in result.taken], result.known) == (["s06"], ["s00"])
    assert read_loop(made.loop).news() == ("s06",)
    # A correction of it is one, and the old map does not replace that by itself.
    shutil.copy(made.truth("s09"), folder / "s00.nii.gz")
    label_face.label_accept(folder, made.loop.root)
    shutil.copy(made.truth("s00"), folder / "s00.nii.gz")
    assert label_face.label_accept(folder, made.loop.root).replaced == ["s00"]
    assert np.array_equal(taken(made, "s00"), true(made, "s09"))


def test_a_mask_is_taken_in_place_of_a_label_map_that_is_damaged(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "corrected"
    folder.mkdir()
    shutil.copy(made.truth("s00"), folder / "s00.nii.gz")
    write_like(made, "s00", made.truth("s00"), REFUSED["voxels that are not integers"])
    assert [one.case for one in label_face.label_accept(folder, made.loop.root).taken] == ["s00"]


def test_a_second_mask_without_minutes_keeps_those_of_the_first(made: Made, tmp_path: Path) -> None:
    folder = correct_twice(made, tmp_path)
    assert label_face.label_accept(folder, made.loop.root).timed == []
    assert dict(read_loop(made.loop).latest()["s06"].minutes) == {"core": 3.0}
    # Where the table names the scan, it holds the whole time.
    shutil.copy(made.truth("s10"), folder / "s06.nii.gz")
    (folder / "minutes.csv").write_text("case,structure,minutes\ns06,rim,5\n", encoding="utf-8")
    assert label_face.label_accept(folder, made.loop.root).timed == ["s06"]
    assert dict(read_loop(made.loop).latest()["s06"].minutes) == {"rim": 5.0}


@pytest.mark.parametrize(
    ("strange", "said"),
    [
        (("x1",), "names x1, which is not a scan of the loop"),
        (("x1", "x2"), "names x1, x2, which are not scans of the"),
    ],
)
def test_minutes_of_scans_that_are_not_in_the_loop_are_refused(made: Made, strange: tuple[str, ...], said: str) -> None:
    lines = "".join(f"{name},core,3\n" for name in strange)
    made.loop.round(1).minutes.write_text(f"case,structure,minutes\n{lines}", encoding="utf-8")
    with pytest.raises(DataError, match=said):
        label_face.label_accept(None, made.loop.root)
