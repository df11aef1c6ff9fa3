"""Slices by their own geometry: each where its tags say, or a refusal that names file and tag."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_fingerprints.geometry import skew_degrees
from dataset_fingerprints.reading.images import is_series, read_channels, read_grid
from tests.dataset_fingerprints.reading.dicom.builders import (
    CORONAL,
    COUNT,
    OBLIQUE,
    STACK,
    STEP_MM,
    TURNED,
    expect_refusal,
    only,
    pixels_of,
    read_stored,
    tilted,
    write_frames,
    write_series,
)
from tests.synthetic.dicom_files import (
    AXIAL,
    DISTANCE,
    ENHANCED_MR,
    FRAMES,
    ORIENTATION,
    POSITION,
    SCREEN,
    SLOPE,
    SOP_CLASS,
    SPACING,
    THICKNESS,
    frame_tags,
    write_slice,
)


@pytest.mark.parametrize(
    ("orientation", "step"),
    [
        (AXIAL, (0, 0, STEP_MM)),
        (CORONAL, (0, STEP_MM, 0)),
        (OBLIQUE, STEP_MM * np.cross(OBLIQUE[:3], OBLIQUE[3:])),
        (tilted(15), (0, 0, STEP_MM)),
        (tilted(-15), (0, 0, STEP_MM)),
        (tilted(3), (0, 0, STEP_MM)),
        (AXIAL, (1.5, 0, STEP_MM)),
        (OBLIQUE, (0.5, -1.0, STEP_MM)),
    ],
)
@pytest.mark.parametrize("order", ["as scanned", "backwards", "names shuffled"])
def test_every_pixel_lies_where_its_slice_says(tmp_path, orientation, step, order):
    step = np.array(step, float) * (-1 if order == "backwards" else 1)
    shuffled = np.random.default_rng(3).permutation(COUNT)
    folder = tmp_path / "scan"
    write_series(folder, {ORIENTATION: orientation}, step=step)
    if order == "names shuffled":
        for number, other in enumerate(shuffled):
            (folder / f"{number}.dcm").rename(folder / f"im{other}")
    voxels, affine = read_stored(folder)
    for number in range(COUNT):
        for row, column in ((0, 0), (2, 3), (1, 2)):
            place = np.array((7, -8, 9)) + number * step + 3 * row * np.array(orientation[3:])
            place = place + 2 * column * np.array(orientation[:3])
            i, j, k = np.linalg.solve(affine[:3, :3], place - affine[:3, 3])
            # Directions are stored with eight digits.
            assert np.allclose((i, j, k), np.rint((i, j, k)), atol=1e-4)
            assert voxels[round(i), round(j), round(k)] == pixels_of(number)[row, column]
    tilt = np.degrees(np.arccos(abs(np.cross(orientation[:3], orientation[3:]) @ step) / np.linalg.norm(step)))
    # A shift along both axes of a slice shows in each by its share.
    assert tilt / 1.5 - 1e-3 < skew_degrees(read_grid(folder)) < tilt + 1e-3


def test_positions_and_directions_that_are_rounded_make_right_angles(tmp_path):
    step = 1.3 * np.cross(OBLIQUE[:3], OBLIQUE[3:])
    rounded = {ORIENTATION: np.round(OBLIQUE, 5)}
    write_series(tmp_path / "scan", lambda number: rounded | {POSITION: np.round(number * step, 2)}, count=3)
    grid = read_grid(tmp_path / "scan")
    assert skew_degrees(grid) < 1e-6
    assert grid.spacing_mm() == pytest.approx((2, 3, 1.3), abs=0.01)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (only(2, {POSITION: None}), r"2\.dcm has no ImagePositionPatient \(0020,0032\)"),
        (only(0, {ORIENTATION: None}), r"0\.dcm has no ImageOrientationPatient \(0020,0037\)"),
        (only(4, {SPACING: None}), r"4\.dcm has no PixelSpacing \(0028,0030\)"),
        ({POSITION: None}, r"0\.dcm \(and 4 others\) has no ImagePositionPatient"),
        ({SPACING: ""}, r"0\.dcm \(and 4 others\) has no PixelSpacing"),
        (
            only(3, {POSITION: "a\\b\\c"}),
            r"3\.dcm: ImagePositionPatient \(0020,0032\) is 'a\\\\b\\\\c'. Expected 3 num",
        ),
        (only(3, {POSITION: "1\\2"}), r"3\.dcm: ImagePositionPatient.*Expected 3 numbers"),
        (only(1, {ORIENTATION: "1\\0\\0"}), r"1\.dcm: ImageOrientationPatient.*Expected 6 numbers"),
        (only(1, {SPACING: "1\\nan"}), r"1\.dcm: PixelSpacing.*Expected 2 numbers"),
        (only(1, {SLOPE: "abc"}), r"1\.dcm: RescaleSlope.*Expected 1 numbers"),
        (only(1, {SLOPE: "0"}), r"1\.dcm: RescaleSlope \(0028,1053\) is 0"),
        ({ORIENTATION: (0,) * 6}, r"ImageOrientationPatient.*is 0, 0, 0, 0, 0, 0\. Expected two directions"),
        ({ORIENTATION: (1, 0, 0, 1, 0, 0)}, "Expected two directions of length 1 at right angles"),
        ({ORIENTATION: (2, 0, 0, 0, 2, 0)}, "Expected two directions of length 1"),
        (only(2, {ORIENTATION: (0,) * 6}), r"ImageOrientationPatient \(0020,0037\) of 2\.dcm is 0, 0"),
        (only(2, {ORIENTATION: TURNED}), r"ImageOrientationPatient \(0020,0037\) of 2\.dcm is 0\.99"),
        (only(0, {ORIENTATION: CORONAL}), r"ImageOrientationPatient \(0020,0037\) of 0\.dcm is 1, 0, 0, 0, 0, -1"),
        (only(4, {SPACING: (3, 2.1)}), r"PixelSpacing \(0028,0030\) of 4\.dcm is 3, 2\.1"),
        ({SPACING: (0, 0)}, r"PixelSpacing \(0028,0030\) is 0, 0\. Expected two sizes above 0"),
        ({SPACING: (-1, 1)}, r"PixelSpacing \(0028,0030\) is -1, 1"),
        (only(3, {POSITION: (7, -8, 17)}), r"2\.dcm and 3\.dcm lie at one position.*5 slices at 4 positions"),
        ({POSITION: (7, -8, 9)}, r"0\.dcm and 1\.dcm lie at one position.*5 slices at 1 position"),
        (lambda number: {POSITION: (0, 0, number // 2)}, "5 slices at 3 positions"),
        (only(3, {POSITION: (9, -8, 17)}), r"2\.dcm and 3\.dcm lie at one position"),
        (only(4, {POSITION: (7, -8, 40)}), r"not evenly spaced \(4 to 19 mm, the most between 3\.dcm and 4\.dcm\)"),
        (only(0, {POSITION: (7, -8, 8.8)}), r"not evenly spaced \(4 to 4\.2 mm"),
        (lambda number: {POSITION: (number % 2, 0, 4 * number)}, r"do not lie on a line: \S+ is 1 mm off"),
        (lambda number: {POSITION: (0, 0, 4 * number + 0.02 * number**2)}, "not evenly spaced"),
    ],
)
def test_slices_that_make_no_volume_are_refused_by_name(tmp_path, tags, message):
    expect_refusal(write_series(tmp_path / "scan", tags), message)


def test_a_slice_of_another_size_is_named(tmp_path):
    folder = write_series(tmp_path / "scan")
    write_slice(folder / "2.dcm", np.zeros((4, 4), np.int16), {POSITION: (7, -8, 17)})
    expect_refusal(folder, r"2\.dcm is 4x4 pixels in MONO.* but most slices of the DICOM series are 4x3 pixels")


def test_thin_slices_have_a_tolerance_of_their_own(tmp_path):
    sound = write_series(tmp_path / "sound", step=(0, 0, 0.05))
    assert read_grid(sound).spacing_mm()[2] == pytest.approx(0.05, abs=1e-6)
    expect_refusal(write_series(tmp_path / "a", only(4, {POSITION: (7, -8, 9.25)}), step=(0, 0, 0.05)), "not evenly")


@pytest.mark.parametrize(
    ("tags", "spacing_mm", "assumed"),
    [
        ({}, (2, 3, 5), []),
        ({DISTANCE: 6}, (2, 3, 6), []),
        ({DISTANCE: -6, THICKNESS: None}, (2, 3, 6), []),
        ({THICKNESS: None}, (2, 3, 1), ["SliceThickness (0018,0050)"]),
        ({POSITION: None}, (2, 3, 5), ["ImagePositionPatient (0020,0032)"]),
        ({POSITION: None, ORIENTATION: None}, (2, 3, 5), ["ImagePosition", "ImageOrientation"]),
        ({SOP_CLASS: SCREEN, SPACING: None}, (1, 1, 5), ["PixelSpacing (0028,0030)"]),
        (
            {SOP_CLASS: SCREEN, SPACING: None, THICKNESS: None, POSITION: None, ORIENTATION: None},
            (1, 1, 1),
            ["ImagePosition", "ImageOrientation", "PixelSpacing", "SliceThickness"],
        ),
    ],
)
def test_a_single_slice_has_its_thickness_and_what_it_lacks_is_said(tmp_path, tags, spacing_mm, assumed):
    write_slice(tmp_path / "one" / "a", pixels_of(0), tags)
    header = read_channels(tmp_path / "one").header
    assert header.grid.spacing_mm() == spacing_mm
    assert header.grid.shape == (4, 3, 1)
    assert len(header.assumptions) == len(assumed)
    for text, name in zip(header.assumptions, assumed, strict=True):
        assert f"a single slice without {name}" in text


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({SPACING: None}, r"a has no PixelSpacing"),
        ({ORIENTATION: (0,) * 6}, "Expected two directions"),
        ({DISTANCE: 0}, r"a: SpacingBetweenSlices \(0018,0088\) is 0"),
        ({SPACING: (0, 1)}, "sizes above 0 mm"),
        ({THICKNESS: "thin"}, "SliceThickness.*is 'thin'"),
    ],
)
def test_a_single_slice_that_is_odd_is_refused(tmp_path, tags, message):
    write_slice(tmp_path / "one" / "a", pixels_of(0), tags)
    expect_refusal(tmp_path / "one", message)


@pytest.mark.parametrize("kind", [None, ENHANCED_MR])
@pytest.mark.parametrize(
    ("orientation", "step"),
    [
        (AXIAL, (0, 0, STEP_MM)),
        (AXIAL, (0, 0, -STEP_MM)),
        (CORONAL, (0, -STEP_MM, 0)),
        (tilted(15), (0, 0, STEP_MM)),
        (AXIAL, (0, 1, STEP_MM)),
    ],
)
def test_the_frames_of_one_file_lie_where_each_says(tmp_path, kind, orientation, step):
    write_frames(tmp_path / "scan", shared={ORIENTATION: orientation}, step=step, kind=kind)
    assert is_series(tmp_path / "scan")
    voxels, affine = read_stored(tmp_path / "scan")
    for number in range(COUNT):
        place = number * np.array(step, float) + 3 * np.array(orientation[3:])
        i, j, k = np.linalg.solve(affine[:3, :3], place - affine[:3, 3])
        assert np.allclose((i, j, k), np.rint((i, j, k)), atol=1e-4)
        assert voxels[round(i), round(j), round(k)] == pixels_of(number)[1, 0]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (lambda number: {POSITION: (0, 0, (0, 4, 8, 12, 20)[number])}, "not evenly spaced.*frame 5 of all.dcm"),
        (lambda number: {POSITION: (0, 0, number // 2)}, "frame 1 of all.dcm and frame 2 of all.dcm lie at one"),
        (only(2, {ORIENTATION: TURNED}), "ImageOrientationPatient.*of frame 3 of all.dcm"),
        (only(1, {POSITION: "1\\2"}), "all.dcm, frame 2: ImagePositionPatient"),
    ],
)
def test_frames_that_make_no_volume_are_refused(tmp_path, frames, message):
    expect_refusal(write_frames(tmp_path / "scan", frames), message)


def test_frames_without_places_and_a_second_file_of_frames_are_refused(tmp_path):
    write_slice(tmp_path / "a" / "all.dcm", STACK, {FRAMES: str(COUNT)})
    expect_refusal(tmp_path / "a", r"frame 1 of all.dcm \(and 4 others\) has no ImagePositionPatient")
    for tag, name in ((POSITION, "ImagePositionPatient"), (ORIENTATION, "ImageOrientationPatient")):
        tags = frame_tags([{}] * COUNT, {key: AXIAL for key in (ORIENTATION,) if key != tag} | {SPACING: (3, 2)})
        write_slice(tmp_path / name / "all.dcm", STACK, tags)
        expect_refusal(tmp_path / name, f"all.dcm.*has no.*{name}")
    write_frames(tmp_path / "b")
    write_slice(tmp_path / "b" / "x.dcm", pixels_of(0))
    expect_refusal(tmp_path / "b", "2 files, of which all.dcm holds several slices")
