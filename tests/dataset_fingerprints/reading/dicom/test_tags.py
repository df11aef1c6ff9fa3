"""Tags in every way in which files hold them."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_fingerprints.reading.images import is_series
from tests.dataset_fingerprints.reading.dicom.builders import read_stored, write_frames, write_series
from tests.synthetic.dicom_files import INTERCEPT, SLOPE


def test_frames_written_by_pydicom_are_read(tmp_path):
    pydicom = pytest.importorskip("pydicom")
    write_frames(tmp_path / "scan", lambda number: {SLOPE: 0.5 + number, INTERCEPT: -3})
    dataset = pydicom.dcmread(tmp_path / "scan" / "all.dcm")
    expected = read_stored(tmp_path / "scan")
    for undefined in (False, True):
        for sequence in (dataset.SharedFunctionalGroupsSequence, dataset.PerFrameFunctionalGroupsSequence):
            sequence.is_undefined_length = undefined
        for syntax in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"):
            dataset.file_meta.TransferSyntaxUID = syntax
            dataset["SharedFunctionalGroupsSequence"].is_undefined_length = undefined
            dataset["PerFrameFunctionalGroupsSequence"].is_undefined_length = undefined
            dataset.save_as(tmp_path / "scan" / "all.dcm", implicit_vr=syntax.endswith(".2"), little_endian=True)
            for found, known in zip(read_stored(tmp_path / "scan"), expected, strict=True):
                assert np.array_equal(found, known)


def test_slices_without_preamble_are_read(tmp_path):
    expected, affine = read_stored(write_series(tmp_path / "new"))
    assert is_series(write_series(tmp_path / "old", bare=True, name="IM_{}"))
    voxels, same = read_stored(tmp_path / "old")
    assert np.array_equal(voxels, expected)
    assert np.array_equal(affine, same)
