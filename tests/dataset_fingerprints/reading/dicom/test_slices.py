"""Files of slices: which are, and which of them are damaged."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_fingerprints.reading.images import is_series
from tests.dataset_fingerprints.reading.dicom.builders import expect_refusal, only, read_stored, write_series
from tests.synthetic.dicom_files import COLOURS, COLUMNS, DIRECTORY, FRAMES, REPORT, ROWS, write_without_pixels


@pytest.mark.parametrize("cut", [0.5, 0.9, 0.999])
@pytest.mark.parametrize("bare", [False, True])
def test_a_slice_that_breaks_off_is_named(tmp_path, cut, bare):
    folder = write_series(tmp_path / "scan", bare=bare)
    content = (folder / "4.dcm").read_bytes()
    (folder / "4.dcm").write_bytes(content[: int(cut * len(content))])
    expect_refusal(folder, r"4\.dcm: is a DICOM file that cannot be read")


def test_an_image_without_rows_is_named(tmp_path):
    message = r"1\.dcm: is a DICOM file that cannot be read: it has no Rows \(0028,0010\)"
    expect_refusal(write_series(tmp_path / "scan", only(1, {ROWS: None})), message)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({ROWS: 4}, r"2\.dcm: its tags declare 4x4x1 pixels, 32 bytes, but it holds 24 bytes"),
        ({ROWS: 2}, r"2\.dcm: its tags declare 4x2x1 pixels, 16 bytes, but it holds 24 bytes"),
        ({ROWS: 65535, COLUMNS: 65535}, r"2\.dcm: its tags declare 65535x65535x1 pixels"),
        ({FRAMES: "1000000000"}, r"2\.dcm: its tags declare 4x3x1000000000 pixels"),
        ({COLOURS: "MONOCHROME1"}, r"2\.dcm is 4x3 pixels in MONOCHROME1 but most slices.*MONOCHROME2"),
    ],
)
def test_a_slice_of_other_pixels_than_its_tags_say_is_named(tmp_path, tags, message):
    expect_refusal(write_series(tmp_path / "scan", only(2, tags)), message)


def test_space_after_the_pixels_is_no_damage(tmp_path):
    expected, _ = read_stored(write_series(tmp_path / "scan"))
    for file in (tmp_path / "scan").iterdir():
        file.write_bytes(file.read_bytes() + b"\xfc\xff\xfc\xffOB\0\0\4\0\0\0\0\0\0\0")
    assert np.array_equal(read_stored(tmp_path / "scan")[0], expected)


def test_other_files_are_no_slices(tmp_path):
    expected, _ = read_stored(write_series(tmp_path / "alone"))
    folder = write_series(tmp_path / "scan")
    write_without_pixels(folder / "DICOMDIR", DIRECTORY)
    write_without_pixels(folder / "report.dcm", REPORT)
    for name, content in {
        "notes": b"x" * 500,
        "a.bin": b"\x08\0hello" * 90,
        "empty": b"",
        ".hidden.dcm": b"DICM",
    }.items():
        (folder / name).write_bytes(content)
    assert np.array_equal(read_stored(folder)[0], expected)
    for file in folder.glob("[0-9].dcm"):
        file.unlink()
    assert not is_series(folder)
    expect_refusal(folder, "without DICOM")
