"""Masks of DICOM series as DICOM SEG: read back voxel by voxel; what cannot be one is said."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from autoseg.pipeline.predictions import dicom_seg
from autoseg.pipeline.predictions.dicom_seg import SegSource, choose_codes, place_seg, write_seg
from autoseg.pipeline.predictions.extras import Extras
from dataset_fingerprints.dataset import Label
from dataset_fingerprints.geometry import find_reorientation, to_canonical
from dataset_fingerprints.reading.dicom import list_series
from dataset_fingerprints.reading.images import is_series, read_channels, read_grid, write_label_map
from tests.synthetic.dicom import write_series
from tests.synthetic.dicom_files import (
    AXIAL,
    ORIENTATION,
    POSITION,
    SERIES,
    SPACING,
    THICKNESS,
    frame_tags,
    write_slice,
)
from tests.synthetic.scans import affine_of

highdicom = pytest.importorskip("highdicom", reason="the extra `dicom` is not installed: pip install '.[dicom]'")
pydicom = pytest.importorskip("pydicom", reason="the extra `dicom` is not installed: pip install '.[dicom]'")

SHAPE = (12, 10, 8)
LABELS = (Label(name="stroke lesion", value=3), Label(name="hippocampus", value=7))


def draw() -> NDArray[np.uint8]:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[2:5, 3:9, 1:4] = 3
    labels[7:11, 1:4, 3:7] = 7
    return labels


def write_mask(folder: Path, mask: Path, labels: NDArray[np.uint8]) -> Path:
    """Write (i, j, k) labels along the series' columns, rows and slices as `predict` does."""
    read = read_channels(folder)
    write_label_map(mask, to_canonical(labels[None], find_reorientation(read.source_grid))[0], read.source_grid)
    return mask


def source(folder: Path) -> SegSource:
    return SegSource(case="a", folder=folder, series="", labels=LABELS)


def read_back(path: Path, folder: Path) -> NDArray[np.uint8]:
    """Return the labels (column, row, slice) of a SEG at the slices of a series, by what it says that it refers to."""
    slices = [pydicom.dcmread(file) for file in folder.iterdir()]
    directions = np.asarray(slices[0].ImageOrientationPatient, float)
    normal = np.cross(directions[:3], directions[3:])
    slices.sort(key=lambda one: float(np.asarray(one.ImagePositionPatient, float) @ normal))
    frames = highdicom.seg.segread(path).get_pixels_by_source_instance(
        [one.SOPInstanceUID for one in slices], combine_segments=True, assert_missing_frames_are_empty=True
    )
    values = np.array([0, *(label.value for label in LABELS)], dtype=np.uint8)
    return values[frames].transpose(2, 1, 0)


@pytest.mark.parametrize(
    "affine",
    [
        affine_of(flips=(-1, -1, 1), spacing_mm=(1.0, 1.2, 3.0)),
        affine_of((1, 2, 0), (1, -1, -1), (0.9, 0.9, 2.5)),
        affine_of(flips=(-1, -1, 1), rotation_degrees=14.0),
    ],
    ids=["axial", "sagittal", "oblique"],
)
def test_a_segmentation_holds_the_mask_voxel_by_voxel_and_refers_to_its_slices(
    tmp_path: Path, affine: NDArray[np.float64]
) -> None:
    voxels = np.random.default_rng(0).integers(0, 900, SHAPE).astype(np.int16)
    write_series(tmp_path / "series", voxels, affine)
    labels = draw()
    mask = write_mask(tmp_path / "series", tmp_path / "a.nii.gz", labels)
    path = place_seg(mask, "a")
    assert write_seg(path, mask, source(tmp_path / "series"))
    assert path.name == "a.seg.dcm"
    image = nibabel.load(mask)
    # The affine is stored in single precision.
    np.testing.assert_allclose(image.affine, read_grid(tmp_path / "series").matrix(), atol=1e-4)
    stored = np.asarray(image.dataobj)
    np.testing.assert_array_equal(read_back(path, tmp_path / "series"), stored)
    assert np.array_equal(np.unique(stored, return_counts=True), np.unique(labels, return_counts=True))
    seg = pydicom.dcmread(path)
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == "1.2.3.1"
    assert seg.StudyInstanceUID == "1.2.3"
    assert [(one.SegmentLabel, one.SegmentedPropertyTypeCodeSequence[0].CodeValue) for one in seg.SegmentSequence] == [
        ("stroke lesion", "55641003"),
        ("hippocampus", "LABEL7"),
    ]


def test_an_empty_mask_is_one_too(tmp_path: Path) -> None:
    write_series(tmp_path / "series", np.zeros(SHAPE, np.int16), affine_of(flips=(-1, -1, 1)))
    mask = write_mask(tmp_path / "series", tmp_path / "a.nii.gz", np.zeros(SHAPE, np.uint8))
    assert write_seg(tmp_path / "a.seg.dcm", mask, source(tmp_path / "series"))
    assert not pydicom.dcmread(tmp_path / "a.seg.dcm").pixel_array.any()


def test_frames_of_one_file_keep_their_places_whatever_their_order(tmp_path: Path) -> None:
    pixels = np.arange(60, dtype=np.uint16).reshape(3, 4, 5)
    shared = {ORIENTATION: AXIAL, SPACING: (3, 2), THICKNESS: 5}
    tags = frame_tags([{POSITION: (0, 0, 5 * number)} for number in (2, 0, 1)], shared)
    write_slice(tmp_path / "series" / "all.dcm", pixels, tags)
    labels = np.zeros((5, 4, 3), np.uint8)
    labels[1, 2, 0] = labels[3, 0, 2] = 3
    mask = write_mask(tmp_path / "series", tmp_path / "a.nii.gz", labels)
    assert write_seg(tmp_path / "a.seg.dcm", mask, source(tmp_path / "series"))
    volume = highdicom.seg.segread(tmp_path / "a.seg.dcm").get_volume(
        combine_segments=True, allow_missing_positions=True
    )
    assert {tuple(volume.map_indices_to_reference(place[None])[0]) for place in np.argwhere(volume.array)} == {
        (2.0, 6.0, 0.0),
        (6.0, 0.0, 10.0),
    }


def test_a_series_that_no_segmentation_can_refer_to_is_said_and_costs_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        tags = {POSITION: (0, 0, 5 * number), SERIES: None}
        write_slice(tmp_path / "series" / f"{number}.dcm", np.ones((4, 5), np.uint16), tags)
    mask = write_mask(tmp_path / "series", tmp_path / "a.nii.gz", np.ones((5, 4, 3), np.uint8))
    with caplog.at_level(logging.WARNING):
        assert not write_seg(tmp_path / "a.seg.dcm", mask, source(tmp_path / "series"))
    (record,) = caplog.records
    assert record.getMessage() == (
        "case a: no DICOM SEG was written: its files have no SeriesInstanceUID, by which a SEG refers to them. "
        "The mask is there."
    )
    assert not (tmp_path / "a.seg.dcm").exists()


def test_a_segmentation_of_another_program_is_not_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_series(tmp_path / "series", np.zeros(SHAPE, np.int16), affine_of(flips=(-1, -1, 1)))
    mask = write_mask(tmp_path / "series", tmp_path / "a.nii.gz", draw())
    path = tmp_path / "a.seg.dcm"
    for _ in range(2):
        assert write_seg(path, mask, source(tmp_path / "series")), "an own one is"
    theirs = pydicom.dcmread(path)
    theirs.Manufacturer = "Somebody"
    theirs.save_as(path)
    for content in (path.read_bytes(), b"no DICOM file"):
        path.write_bytes(content)
        Extras(seg=path, seg_source=source(tmp_path / "series")).forget("series")
        with caplog.at_level(logging.WARNING):
            assert not write_seg(path, mask, source(tmp_path / "series"))
        assert "is of another program, and is not replaced" in caplog.messages[-1]
        assert path.read_bytes() == content


def test_a_segmentation_beside_its_series_is_no_image_and_no_second_series(tmp_path: Path) -> None:
    write_series(tmp_path / "series", np.zeros(SHAPE, np.int16), affine_of(flips=(-1, -1, 1)))
    mask = write_mask(tmp_path / "series", tmp_path / "out" / "a.nii.gz", draw())
    write_seg(tmp_path / "out" / "a.seg.dcm", mask, source(tmp_path / "series"))
    assert not is_series(tmp_path / "out")
    shutil.copy(tmp_path / "out" / "a.seg.dcm", tmp_path / "series")
    assert len(list_series(tmp_path / "series")) == 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("lesion", "Lesion"),
        ("acute infarct", "Infarct"),
        ("haemorrhage", "Hemorrhage"),
        ("enhancing tumour", "Neoplasm"),
        ("WMH", "Lesion"),
    ],
)
def test_names_of_labels_are_coded_in_snomed_ct(name: str, kind: str) -> None:
    category, found = choose_codes(Label(name=name, value=1))
    assert (category[2], found[1], found[2]) == ("Morphologically Abnormal Structure", "SCT", kind)


def test_what_to_install_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert dicom_seg.can_write()
    monkeypatch.setattr(dicom_seg, "find_spec", lambda name: None)
    assert not dicom_seg.can_write()
    assert dicom_seg.describe_missing().endswith("pip install 'autoseg-lesion[dicom]'.")
