"""The same scan in several data sets."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dataset_fingerprints.combining.combining import Combined, combine
from dataset_fingerprints.combining.copies import keep_together
from dataset_fingerprints.combining.part import Part
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.units import find_units
from tests.synthetic.tasks import write_task_datasets


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_task_datasets(tmp_path, cases=2, shape=(8, 8, 6))["wmh"]


def join(*places: Path) -> Combined:
    parts = [Part(name=name, dataset=read_dataset(place)) for name, place in zip("abc", places, strict=False)]
    return combine(parts, ["FLAIR"], "union")


def subjects_of(combined: Combined) -> dict[str, str]:
    return {one.case.name: one.case.subject for one in combined.cases}


@pytest.mark.parametrize("copy", [shutil.copy2, os.symlink, os.link])
def test_the_same_scans_elsewhere_stay_in_one_fold(data: Path, copy: Callable[[str, str], object]) -> None:
    other = shutil.copytree(data, data.with_name("other"), copy_function=copy)
    together, copies = keep_together(join(data, other))
    units = find_units(one.case for one in together.cases)
    assert units["a_w0"] == units["b_w0"] != units["a_w1"] == units["b_w1"]
    assert copies.groups == copies.twice == (("a_w0", "b_w0"), ("a_w1", "b_w1"))
    said = " ".join(copies.describe())
    assert "2 scans are in several of the data sets (a_w0 and b_w0; a_w1 and b_w1)" in said
    assert "2 of these have the same label map there, too" in said


def test_the_same_data_set_twice_stays_in_one_fold(data: Path) -> None:
    together, copies = keep_together(join(data, data))
    assert subjects_of(together) == {"a_w0": "a_w0", "a_w1": "a_w1", "b_w0": "a_w0", "b_w1": "a_w1"}
    assert len(copies.twice) == 2


def test_another_readers_label_maps_count_for_themselves(data: Path) -> None:
    other = shutil.copytree(data, data.with_name("other"))
    first, second = (other / "labelsTr" / f"w{number}.nii.gz" for number in (0, 1))
    shutil.copy2(second, first)
    copies = keep_together(join(data, other))[1]
    assert copies.groups == (("a_w0", "b_w0"), ("a_w1", "b_w1"))
    assert copies.twice == (("a_w1", "b_w1"),)
    assert "1 of these has the same label map" in " ".join(copies.describe())


def test_the_other_scans_of_a_subject_come_along(data: Path) -> None:
    """A subject of two cases, of which one is a copy: the other one would be left in another fold."""
    other = shutil.copytree(data, data.with_name("other"))
    third = shutil.copytree(data, data.with_name("third"))
    (other / "cases.tsv").write_text("case\tsubject\nw0\tone\nw1\tone\n")
    shutil.copy2(data / "imagesTr" / "w1_0000.nii.gz", third / "imagesTr" / "w0_0000.nii.gz")
    together, _ = keep_together(join(data, other, third))
    assert len(set(subjects_of(together).values())) == 1, "w0 and w1 of a are one person, as b says"


def test_scans_that_only_look_alike_stay_apart(data: Path) -> None:
    """Files of one size with the same bytes in their middle."""
    other = shutil.copytree(data, data.with_name("other"))
    for place, last in ((data, b"1"), (other, b"2")):
        for scan in (place / "imagesTr").iterdir():
            scan.write_bytes(scan.name.encode() + b"0" * 300_000 + last)
    together, copies = keep_together(join(data, other))
    assert not copies.groups
    assert not [*copies.describe()]
    assert len(set(subjects_of(together).values())) == 4


def test_a_file_that_is_not_there_is_left_to_the_check(data: Path) -> None:
    other = shutil.copytree(data, data.with_name("other"))
    combined = join(data, other)
    gone: list[Case] = [one.case for one in combined.cases if one.case.name == "b_w0"]
    Path(gone[0].images[0]).unlink()
    assert keep_together(combined)[1].groups == (("a_w1", "b_w1"),)


def with_images(combined: Combined, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Combined:
    cases = (replace(one, case=replace(one.case, images=change(one.case.images))) for one in combined.cases)
    return replace(combined, cases=tuple(cases))


def test_a_channel_that_is_not_named_is_not_a_scan_that_cases_share(data: Path) -> None:
    combined = with_images(join(data, shutil.copytree(data, data.with_name("other"))), lambda images: ("",))
    assert not keep_together(combined)[1].groups


def test_an_atlas_as_a_channel_makes_no_subject_of_all(data: Path) -> None:
    copy, other = (shutil.copytree(data, data.with_name(name)) for name in ("copy", "other"))
    for scan in (other / "imagesTr").iterdir():
        scan.write_bytes(scan.read_bytes() + b"0")
    atlas = data.with_name("atlas.nii.gz")
    atlas.write_bytes(b"atlas")
    combined = with_images(join(data, copy, other), lambda images: (*images, str(atlas)))
    together, copies = keep_together(combined)
    assert copies.groups == (("a_w0", "b_w0"), ("a_w1", "b_w1")), "scans beside it are still told"
    assert len(set(subjects_of(together).values())) == 4


def test_a_scan_that_a_data_set_holds_twice_is_still_told(data: Path) -> None:
    other = shutil.copytree(data, data.with_name("other"))
    for place in (data, other):
        shutil.copy2(place / "imagesTr" / "w0_0000.nii.gz", place / "imagesTr" / "w1_0000.nii.gz")
    assert keep_together(join(data, other))[1].groups == (("a_w0", "a_w1", "b_w0", "b_w1"),)


def test_files_with_a_size_of_their_own_are_not_opened(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = shutil.copytree(data, data.with_name("other"))
    for number, scan in enumerate((*(data / "imagesTr").iterdir(), *(other / "imagesTr").iterdir())):
        scan.write_bytes(b"0" * (1000 + number))
    monkeypatch.setattr("dataset_fingerprints.combining.copies._glance_at", pytest.fail)
    assert not keep_together(join(data, other))[1].groups
