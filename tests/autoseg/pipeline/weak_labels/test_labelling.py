"""Weak labels of scans whose textures are known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.classical.texture import TextureOptions
from autoseg.pipeline.weak_labels.labelling import label_weakly
from autoseg.pipeline.weak_labels.options import WeakOptions
from autoseg.progress import SilentProgress
from dataset_fingerprints.errors import DataError, PartlyDoneError
from dataset_fingerprints.layouts import read_dataset
from tests.synthetic.dicom import write_series
from tests.synthetic.patches import AIR, FIELD, SIZE, FieldScans, write_field_scans
from tests.synthetic.scans import affine_of, write_nifti

OPTIONS = WeakOptions(textures=TextureOptions(size=SIZE, levels=6), step=3)


class _StoppedTask:
    def __init__(self, left: int) -> None:
        self.left = left

    def advance(self, steps: int = 1) -> None:
        self.left -= steps
        if self.left <= 0:
            raise KeyboardInterrupt

    def resize(self, total: int) -> None: ...

    def state(self, figures: object) -> None: ...


class StopAfter(SilentProgress):
    """Ctrl-C at some step of a piece of work."""

    def __init__(self, title: str, steps: int) -> None:
        self.title, self.steps = title, steps

    @contextmanager
    def task(self, title: str, total: int, done: int = 0) -> Iterator[_StoppedTask]:
        yield _StoppedTask(self.steps if self.title in title else 10**9)


@pytest.fixture
def fields(tmp_path: Path) -> FieldScans:
    return write_field_scans(tmp_path, 3)


def read(path: Path) -> np.ndarray:
    return np.asarray(nibabel.load(path).dataobj)


def share_right(labels: np.ndarray, true: np.ndarray) -> float:
    """Return the share of right voxels in the middles of the fields: near borders windows see two textures."""
    middle = np.zeros(true.shape, dtype=bool)
    for start in (AIR, AIR + FIELD):
        middle[start + 7 : start + FIELD - 7, AIR + 2 : AIR + FIELD - 2] = True
    return float((labels == true)[middle].mean())


def test_every_voxel_inside_gets_the_class_of_its_texture(fields: FieldScans, tmp_path: Path) -> None:
    out = tmp_path / "weak"
    found = label_weakly(fields.patches, [fields.scans], out, replace(OPTIONS, inside=fields.lungs), SilentProgress())
    assert dict(found.values) == {"fine": 1, "striped": 2}
    assert dict(found.counts) == {"fine": 12, "striped": 12}
    assert found.rating.accuracy == 1.0
    assert (found.rating.folds, found.rating.by_scan) == (3, True)
    for name, true in fields.true.items():
        labels = read(out / f"{name}.nii.gz")
        assert np.array_equal(labels > 0, true > 0), "lungs and nothing else"
        assert share_right(labels, true) > 0.95
    record = json.loads((out / "weak-labels.json").read_text(encoding="utf-8"))
    assert record["accuracy"] == 1.0
    assert record["given_by_class"] == {"fine": {"fine": 12, "striped": 0}, "striped": {"fine": 0, "striped": 12}}


def test_the_folder_is_a_data_set_of_the_scans_where_they_lie(fields: FieldScans, tmp_path: Path) -> None:
    out = tmp_path / "weak"
    label_weakly(fields.patches, [fields.scans], out, OPTIONS, SilentProgress())
    dataset = read_dataset(out)
    assert [(label.name, label.value) for label in dataset.labels.labels] == [("fine", 1), ("striped", 2)]
    assert [case.name for case in dataset.cases] == list(fields.true)
    assert {Path(case.images[0]).parent for case in dataset.cases} == {fields.scans}


def test_places_in_mm_boxes_and_turned_files_mean_the_same_patches(fields: FieldScans, tmp_path: Path) -> None:
    affine = affine_of((1, 0, 2), (-1, 1, -1))
    turned = write_field_scans(tmp_path / "turned", 3, affine)
    lines = [line.split(",") for line in fields.patches.read_text(encoding="utf-8").split()[1:]]
    mm, boxes = ["scan,class,x_mm,y_mm,z_mm"], ["scan,class,x,y,z,width,height"]
    for name, kind, *place in lines:
        x, y, z = map(int, place)
        mm.append(",".join((name, kind, *(f"{along:g}" for along in (affine @ (x, y, z, 1))[:3]))))
        boxes.append(f"{fields.scans / name}.nii.gz,{kind},{x - 5},{y - 4},{z},10,8")
    expected = None
    for number, table in enumerate((fields.patches.read_text(encoding="utf-8").split(), mm, boxes)):
        (tmp_path / "table.csv").write_text("\n".join(table) + "\n", encoding="utf-8")
        out = tmp_path / f"weak-{number}"
        label_weakly(tmp_path / "table.csv", [turned.scans], out, OPTIONS, SilentProgress())
        labels = read(out / "scan-1.nii.gz")
        assert share_right(labels, turned.true["scan-1"]) > 0.95
        expected = labels if expected is None else expected
        assert np.array_equal(labels, expected)
    assert np.allclose(nibabel.load(out / "scan-1.nii.gz").affine, affine)


@pytest.mark.parametrize("title", ["Reading patches", "Labelling scans"])
def test_after_ctrl_c_it_goes_on_with_what_is_left(title: str, fields: FieldScans, tmp_path: Path) -> None:
    out, whole = tmp_path / "weak", tmp_path / "whole"
    with pytest.raises(KeyboardInterrupt):
        label_weakly(fields.patches, [fields.scans], out, OPTIONS, StopAfter(title, 1))
    before = {path: path.stat().st_mtime_ns for path in (*out.glob("*.nii.gz"), *out.glob("patches/*.safetensors"))}
    assert len(before) == {"Reading patches": 1, "Labelling scans": 1 + 3}[title]
    found = label_weakly(fields.patches, [fields.scans], out, OPTIONS, SilentProgress())
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (found.scans, found.kept) == (3, {"Reading patches": 0, "Labelling scans": 1}[title])
    label_weakly(fields.patches, [fields.scans], whole, OPTIONS, SilentProgress())
    for name in fields.true:
        assert np.array_equal(read(out / f"{name}.nii.gz"), read(whole / f"{name}.nii.gz"))


def test_label_maps_of_other_settings_are_not_mixed(fields: FieldScans, tmp_path: Path) -> None:
    out, other = tmp_path / "weak", replace(OPTIONS, cost=1.0)
    label_weakly(fields.patches, [fields.scans], out, OPTIONS, SilentProgress())
    with pytest.raises(DataError, match=r"label maps of other patches, settings, scans or masks .*--overwrite"):
        label_weakly(fields.patches, [fields.scans], out, other, SilentProgress())
    found = label_weakly(fields.patches, [fields.scans], out, replace(other, overwrite=True), SilentProgress())
    assert (found.scans, found.kept) == (3, 0)


def copy_scan(fields: FieldScans, folder: Path) -> Path:
    """Copy the first scan to a folder of its own under another name, with its mask, and return it."""
    shutil.copy(fields.lungs / "scan-0.nii.gz", fields.lungs / "other.nii.gz")
    folder.mkdir()
    return Path(shutil.copy(fields.scans / "scan-0.nii.gz", folder / "other.nii.gz"))


def test_label_maps_of_an_earlier_classifier_are_not_taken_for_those_of_a_later_one(
    fields: FieldScans, tmp_path: Path
) -> None:
    out, other = tmp_path / "weak", replace(OPTIONS, cost=1.0)
    label_weakly(fields.patches, [fields.scans], out, OPTIONS, SilentProgress())
    fresh = copy_scan(fields, tmp_path / "fresh")
    options = replace(other, patch_scans=fields.scans)
    found = label_weakly(fields.patches, [fresh.parent], out, options, SilentProgress())
    assert (found.scans, found.kept) == (1, 0)
    with pytest.raises(DataError, match="label maps of other patches"):
        label_weakly(fields.patches, [fields.scans], out, other, SilentProgress())


def test_a_label_map_does_not_stay_when_its_scan_or_its_mask_of_what_counts_is_another(
    fields: FieldScans, tmp_path: Path
) -> None:
    out, fresh = tmp_path / "weak", copy_scan(fields, tmp_path / "fresh")
    options = replace(OPTIONS, inside=fields.lungs, patch_scans=fields.scans)
    kept = [label_weakly(fields.patches, [fresh.parent], out, options, SilentProgress()).kept for _ in range(2)]
    assert kept == [0, 1]
    for changed in (fields.lungs / "other.nii.gz", fresh):
        before = changed.read_bytes()
        voxels = read(changed).copy()
        voxels[: AIR + FIELD] = 0
        write_nifti(changed, voxels)
        with pytest.raises(DataError, match=r"masks of what counts \(other.nii.gz\)"):
            label_weakly(fields.patches, [fresh.parent], out, options, SilentProgress())
        changed.write_bytes(before)
    assert label_weakly(fields.patches, [fresh.parent], out, options, SilentProgress()).kept == 1


def test_a_scan_of_which_nothing_counts_has_no_label_map(fields: FieldScans, tmp_path: Path) -> None:
    fresh = copy_scan(fields, tmp_path / "fresh")
    write_nifti(fields.lungs / "other.nii.gz", np.zeros_like(fields.true["scan-0"]))
    options = replace(OPTIONS, inside=fields.lungs)
    with pytest.raises(PartlyDoneError, match=r"other.nii.gz: holds no voxel to be labelled") as partly:
        label_weakly(fields.patches, [fields.scans, fresh.parent], tmp_path / "weak", options, SilentProgress())
    assert partly.value.result.scans == 3


def test_scans_may_be_dicom_series(fields: FieldScans, tmp_path: Path) -> None:
    affine = affine_of()
    lines = ["scan,class,x_mm,y_mm,z_mm"]
    for line in fields.patches.read_text(encoding="utf-8").split()[1:]:
        name, kind, *place = line.split(",")
        lines.append(",".join((name, kind, *(f"{along:g}" for along in (affine @ (*map(int, place), 1))[:3]))))
    fields.patches.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for number, name in enumerate(fields.true, 1):
        voxels = np.rint(read(fields.scans / f"{name}.nii.gz")).astype(np.int16)
        write_series(tmp_path / "series" / name, voxels, affine, f"1.2.3.{number}")
    out = tmp_path / "weak"
    found = [label_weakly(fields.patches, [tmp_path / "series"], out, OPTIONS, SilentProgress()) for _ in range(2)]
    assert [(one.scans, one.kept) for one in found] == [(3, 0), (3, 3)]
    assert found[0].rating.accuracy == 1.0


def test_patches_may_lie_in_other_scans_than_those_that_are_labelled(fields: FieldScans, tmp_path: Path) -> None:
    more = write_field_scans(tmp_path / "more", 1)
    fresh = tmp_path / "fresh" / "other.nii.gz"
    fresh.parent.mkdir()
    (more.scans / "scan-0.nii.gz").rename(fresh)
    with pytest.raises(
        DataError, match=r"has patches of scan-0, scan-1, scan-2, and there is no such scan, only other"
    ):
        label_weakly(fields.patches, [fresh.parent], tmp_path / "weak", OPTIONS, SilentProgress())
    options = replace(OPTIONS, patch_scans=fields.scans)
    found = label_weakly(fields.patches, [fresh.parent], tmp_path / "weak", options, SilentProgress())
    assert found.scans == 1
    assert share_right(read(tmp_path / "weak" / "other.nii.gz"), more.true["scan-0"]) > 0.95


def test_a_class_called_background_is_0_in_label_maps(fields: FieldScans, tmp_path: Path) -> None:
    text = fields.patches.read_text(encoding="utf-8").replace("fine", "Background")
    fields.patches.write_text(text, encoding="utf-8")
    found = label_weakly(fields.patches, [fields.scans], tmp_path / "weak", OPTIONS, SilentProgress())
    assert dict(found.values) == {"Background": 0, "striped": 1}
    labels = read(tmp_path / "weak" / "scan-0.nii.gz")
    assert share_right(labels, np.where(fields.true["scan-0"] == 2, 1, 0)) > 0.95


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scan,class,x,y\nscan-0,fine,5,5", "has the columns scan, class, x, y. Expected the columns scan, class, and"),
        ("scan,class,x,y,z\nscan-0,fine,5,5,here", "line 2: has no scan, no class, or a place that is not three"),
        (
            "scan,class,x,y,z\nscan-0,fine,9,9,0\nscan-0,striped,900,9,0",
            "line 3 of the patches: 900, 9, 0 does not lie",
        ),
        ("scan,class,x,y,z\nscan-0,fine,9,9,0\nscan-0,fine,19,9,0", "all patches are of the class fine"),
    ],
)
def test_wrong_tables_are_refused_with_what_is_wrong(
    text: str, message: str, fields: FieldScans, tmp_path: Path
) -> None:
    fields.patches.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        label_weakly(fields.patches, [fields.scans], tmp_path / "weak", OPTIONS, SilentProgress())
    assert not list((tmp_path / "weak").glob("*.nii.gz"))


def test_another_data_set_is_not_written_over(fields: FieldScans, tmp_path: Path) -> None:
    out = tmp_path / "weak"
    out.mkdir()
    (out / "dataset.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="holds another data set"):
        label_weakly(fields.patches, [fields.scans], out, OPTIONS, SilentProgress())
    assert (out / "dataset.json").read_text(encoding="utf-8") == "{}"


def test_a_scan_without_a_mask_of_what_counts_is_named(fields: FieldScans, tmp_path: Path) -> None:
    (fields.lungs / "scan-2.nii.gz").unlink()
    with pytest.raises(DataError, match="holds no mask of scan-2"):
        label_weakly(
            fields.patches, [fields.scans], tmp_path / "weak", replace(OPTIONS, inside=fields.lungs), SilentProgress()
        )


def test_the_function_labels_with_the_same_options_and_names_its_arguments(fields: FieldScans, tmp_path: Path) -> None:
    out = tmp_path / "weak"
    found = autoseg.weak_labels(fields.patches, fields.scans, out, inside=fields.lungs, size=SIZE, levels=6, step=3)
    assert (found.scans, found.kept, found.rating.accuracy) == (3, 0, 1.0)
    again = label_weakly(fields.patches, [fields.scans], out, replace(OPTIONS, inside=fields.lungs), SilentProgress())
    assert (again.scans, again.kept) == (3, 3)
    for wrong, said in (({"cost": 0.0}, "^cost is 0"), ({"levels": 1}, "^levels is 1"), ({"step": 99}, "^step is 99")):
        with pytest.raises(DataError, match=said):
            autoseg.weak_labels(fields.patches, fields.scans, out, **wrong)  # type: ignore[arg-type]
