"""DICOM series by their own geometry: every slice where its tags say, or a refusal that names file and tag."""

from __future__ import annotations

import re
from math import cos, radians, sin

import numpy as np
import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import skew_degrees
from dataset_fingerprints.reading import dicom
from dataset_fingerprints.reading.images import (
    is_series,
    read_channel_count,
    read_channels,
    read_grid,
    read_label_map,
)
from tests.synthetic.dicom_files import (
    AXIAL,
    CHARACTERS,
    COLOURS,
    COLUMNS,
    DESCRIPTION,
    DIRECTORY,
    DISTANCE,
    ENHANCED_MR,
    FRAMES,
    INTERCEPT,
    MR,
    ORIENTATION,
    PET,
    POSITION,
    REPORT,
    ROWS,
    SCREEN,
    SERIES,
    SLOPE,
    SOP_CLASS,
    SPACING,
    STUDY,
    THICKNESS,
    frame_tags,
    write_slice,
    write_without_pixels,
)

COUNT = 5
STEP_MM = 4.0
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
CORONAL = (1, 0, 0, 0, 0, -1)
OBLIQUE = (cos(0.3), sin(0.3), 0, -sin(0.3) * cos(0.2), cos(0.3) * cos(0.2), sin(0.2))


def pixels_of(number):
    return (np.arange(12).reshape(3, 4) + 100 * number).astype(np.int16)


def tilted(degrees):
    """Directions of slices that are turned about x while the table goes along z."""
    return (1, 0, 0, 0, cos(radians(degrees)), -sin(radians(degrees)))


def write_series(folder, tags=None, count=COUNT, step=(0, 0, STEP_MM), name="{}.dcm", **options):
    """Write slices from 7, -8, 9 on; `tags` are the same for all, or a function of the number."""
    for number in range(count):
        own = tags(number) if callable(tags) else tags or {}
        place = {POSITION: np.array((7, -8, 9)) + number * np.array(step, float)}
        write_slice(folder / name.format(number), pixels_of(number), {**place, **own}, **options)
    return folder


def read_stored(folder, series=""):
    """Read the voxels along the axes of the files, as (i, j, k), and the affine from there to LPS mm."""
    stored = dicom.read_voxels(folder, None, series)
    affine = stored.header.grid.matrix()
    affine[:3] = LPS_TO_RAS @ affine[:3]
    assert stored.header == dicom.read_header(folder, series)
    return stored.voxels[0], affine


def expect_refusal(folder, message):
    before = sorted(folder.rglob("*"))
    for read in (read_channels, read_grid, read_channel_count, read_label_map):
        with pytest.raises(DataError, match=re.compile(message, re.DOTALL)):
            read(folder)
    assert sorted(folder.rglob("*")) == before


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


def only(number, tags):
    return lambda slice_number: tags if slice_number == number else {}


TURNED = (cos(0.05), sin(0.05), 0, -sin(0.05), cos(0.05), 0)


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


STACK = np.stack([pixels_of(number) for number in range(COUNT)])


def write_frames(folder, frames=lambda number: {}, shared=None, kind=None, step=(0, 0, STEP_MM)):
    own = [{POSITION: number * np.array(step, float)} | frames(number) for number in range(COUNT)]
    tags = frame_tags(own, {ORIENTATION: AXIAL, SPACING: (3, 2), THICKNESS: 5, **(shared or {})})
    write_slice(folder / "all.dcm", STACK, tags | ({SOP_CLASS: kind} if kind else {}))
    return folder


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
