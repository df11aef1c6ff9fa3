"""Series: found in folders, chosen among several, and read with their rescaling."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading import dicom
from dataset_fingerprints.reading.dicom import series as series_of_folders
from dataset_fingerprints.reading.dicom.slices import Slice
from dataset_fingerprints.reading.images import read_channels
from tests.dataset_fingerprints.reading.dicom.builders import (
    COUNT,
    expect_refusal,
    pixels_of,
    read_stored,
    tilted,
    write_frames,
    write_series,
)
from tests.synthetic.dicom_files import (
    CHARACTERS,
    DESCRIPTION,
    INTERCEPT,
    MR,
    ORIENTATION,
    PET,
    SCREEN,
    SERIES,
    SLOPE,
    SOP_CLASS,
    STUDY,
)
from tests.synthetic.trees import close_folders


def test_a_series_has_no_noise(tmp_path, capfd):
    read_channels(write_series(tmp_path / "tilted", {ORIENTATION: tilted(15)}))
    read_channels(write_series(tmp_path / "scan"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", [MR, PET, SCREEN, "1.2.840.10008.5.1.4.1.1.2"])
@pytest.mark.parametrize(
    "rescale",
    [
        lambda number: (1.0 if number == 0 else 5e-5, 0.0),
        lambda number: (1.0, -1000.0 if number == 3 else 0.0),
        lambda number: (0.5 + number, -7.25),
        lambda number: (2.0, float(number)),
    ],
)
def test_each_slice_has_its_own_rescaling(tmp_path, kind, rescale):
    def tags(number):
        return {SOP_CLASS: kind, SLOPE: rescale(number)[0], INTERCEPT: rescale(number)[1]}

    voxels, _ = read_stored(write_series(tmp_path / "scan", tags))
    assert voxels.dtype == np.float32
    expected = [pixels_of(number).T * rescale(number)[0] + rescale(number)[1] for number in range(COUNT)]
    assert np.array_equal(voxels, np.stack(expected, axis=-1).astype(np.float32))


@pytest.mark.parametrize(
    ("slope", "intercept", "kind"), [(1, -1024, "i"), (2, 0, "i"), (0.5, 0.25, "f"), (None, None, "i")]
)
def test_one_rescaling_of_all_slices_keeps_the_number_type(tmp_path, slope, intercept, kind):
    voxels, _ = read_stored(write_series(tmp_path / "scan", {SLOPE: slope, INTERCEPT: intercept}))
    assert voxels.dtype.kind == kind
    expected = [pixels_of(number).T * (slope or 1) + (intercept or 0) for number in range(COUNT)]
    assert np.array_equal(voxels, np.stack(expected, axis=-1))


@pytest.mark.parametrize(
    ("frames", "shared", "scale"),
    [
        (lambda number: {}, {SLOPE: 0.5, INTERCEPT: -7}, lambda number: (0.5, -7)),
        (lambda number: {SLOPE: 0.5, INTERCEPT: -7}, {}, lambda number: (0.5, -7)),
        (lambda number: {SLOPE: 0.25 + number, INTERCEPT: 1}, {}, lambda number: (0.25 + number, 1)),
        (lambda number: {SLOPE: 5e-5 if number else 0.3, INTERCEPT: -number}, {}, lambda n: (5e-5 if n else 0.3, -n)),
        (lambda number: {SLOPE: 3 - number / 2, INTERCEPT: 1000.1}, {}, lambda number: (3 - number / 2, 1000.1)),
        (lambda number: {SLOPE: 1, INTERCEPT: -number}, {}, lambda number: (1, -number)),
    ],
)
def test_the_frames_of_one_file_are_rescaled(tmp_path, frames, shared, scale):
    voxels, _ = read_stored(write_frames(tmp_path / "scan", frames, shared))
    expected = [pixels_of(number).T * scale(number)[0] + scale(number)[1] for number in range(COUNT)]
    assert np.array_equal(voxels, np.stack(expected, axis=-1).astype(voxels.dtype))


def write_two(folder, **more):
    write_series(folder, {SERIES: "1.2.5", DESCRIPTION: "T1 MPRAGE", **more}, name="b{}.dcm")
    later = {SERIES: "1.2.6", DESCRIPTION: b"Natif\xe9", CHARACTERS: "ISO_IR 100", SLOPE: 2, **more}
    write_series(folder, later, count=3, name="a{}.dcm")
    return folder


def test_several_series_are_listed_and_one_is_chosen(tmp_path):
    folder = write_two(tmp_path / "scan")
    listed = r"2 DICOM series \('Natifé' \(3 slices, 1\.2\.6\); 'T1 MPRAGE' \(5 slices, 1\.2\.5\)\)"
    expect_refusal(folder, f"{listed}.*--series TEXT")
    for text, count in (("mprage", 5), ("T1", 5), ("1.2.6", 3), ("NATIFÉ", 3)):
        assert read_channels(folder, text).voxels.shape[-1] == count
    for text, found in (("flair", "none of them fits"), ("t", "2 of them fit"), ("1.2", "none")):
        with pytest.raises(DataError, match=f"{listed}, and {found}.*'{text}'"):
            read_channels(folder, text)


def test_a_whole_description_goes_before_a_part_of_another(tmp_path):
    for number, name in enumerate(("T1", "T1 post")):
        write_series(
            tmp_path / "scan", {SERIES: f"1.2.{number}", DESCRIPTION: name}, count=2 + number, name=f"{number}-{{}}"
        )
    assert read_channels(tmp_path / "scan", "t1").voxels.shape[-1] == 2
    assert read_channels(tmp_path / "scan", "post").voxels.shape[-1] == 3


def test_series_of_an_archive_are_found_and_named(tmp_path):
    write_series(tmp_path / "p1" / "st" / "se1")
    write_series(tmp_path / "p2" / "st" / "se1", {SERIES: "1.7", DESCRIPTION: "T1"})
    write_series(tmp_path / "p2" / "st" / "se2", {SERIES: "1.8", DESCRIPTION: "T2"})
    write_series(tmp_path / "p3")
    write_series(tmp_path / ".hidden" / "x")
    (tmp_path / "p4" / "empty").mkdir(parents=True)
    (tmp_path / "p4" / "notes.txt").write_text("no scan")
    named = dicom.name_folders(tmp_path)
    assert list(named) == ["p1", "p2_st_se1", "p2_st_se2", "p3"]
    assert named["p1"] == tmp_path / "p1"
    for folder in named.values():
        assert read_channels(folder).voxels.shape == (1, 4, 3, COUNT)
    found = dicom.find_series(tmp_path / "p2")
    assert [(series.path.name, series.description, len(series.files)) for series in found] == [
        ("se1", "T1", COUNT),
        ("se2", "T2", COUNT),
    ]
    expect_refusal(tmp_path / "p2", r"2 DICOM series \('T1'.*'T2'")


def test_a_folder_of_an_archive_that_cannot_be_listed_is_a_message(tmp_path, monkeypatch):
    write_series(tmp_path / "p1" / "study" / "first", count=2)
    write_series(tmp_path / "p1" / "study" / "second", count=2)
    close_folders(monkeypatch, "second")
    with pytest.raises(DataError, match=r"second: cannot be listed \(Permission denied\)"):
        dicom.find_series(tmp_path / "p1")


def test_names_from_an_archive_are_short_and_unique(tmp_path):
    for study in ("1" * 64, "2" * 64):
        for series in ("3" * 64, "4" * 64):
            write_series(tmp_path / ("9" * 64) / study / series, count=2)
    write_series(tmp_path / "a_b" / "c", count=2)
    write_series(tmp_path / "a_b" / "d", count=2)
    write_series(tmp_path / "a" / "b_c", count=2)
    write_series(tmp_path / "a" / "b_d", count=2)
    named = dicom.name_folders(tmp_path)
    assert len(named) == len(set(named.values())) == 8
    assert all(len(name) < 200 for name in named)
    assert {"a_b_c", "a_b_d", "a_b_c-2", "a_b_d-2"} < set(named)


def test_a_description_chooses_in_an_archive(tmp_path):
    for patient in ("p1", "p2"):
        for kind in ("T1", "T2"):
            tags = {SERIES: f"1.{patient[1]}.{kind[1]}", STUDY: f"1.{patient[1]}", DESCRIPTION: kind}
            write_series(tmp_path / patient / "study" / kind, tags, count=2)
    assert dicom.name_folders(tmp_path, "t1") == {name: tmp_path / name for name in ("p1", "p2")}
    with pytest.raises(DataError, match=r"'T1' .*'T2' .*none of them fits --series 'flair'"):
        dicom.name_folders(tmp_path, "flair")
    # A study that has no such series is not left out without a word.
    write_series(tmp_path / "p3", {SERIES: "1.3.9", STUDY: "1.3", DESCRIPTION: "localizer"})
    with pytest.raises(DataError, match=r"p3.*'localizer' .*none of them fits"):
        dicom.name_folders(tmp_path, "T1")


def test_of_an_archive_the_slices_of_one_patient_at_a_time_are_in_memory(tmp_path, monkeypatch):
    for patient in ("p1", "p2", "p3"):
        for kind in ("T1", "T2"):
            tags = {SERIES: f"1.{patient[1]}.{kind[1]}", STUDY: f"1.{patient[1]}", DESCRIPTION: kind}
            write_series(tmp_path / patient / "study" / kind, tags, count=2)

    def count_slices():
        gc.collect()
        return sum(type(one) is Slice for one in gc.get_objects())

    before, held, read = count_slices(), [], series_of_folders.list_series
    monkeypatch.setattr(series_of_folders, "list_series", lambda folder: held.append(count_slices()) or read(folder))
    assert len(dicom.name_folders(tmp_path, "T1")) == 3
    # When the first and when the second series of each is read.
    assert held == [before, before + 2] * 3
