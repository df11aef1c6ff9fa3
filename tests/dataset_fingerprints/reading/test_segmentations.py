from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import canonical_grid, make_grid
from dataset_fingerprints.reading.alignment import move_onto, same_place
from dataset_fingerprints.reading.segmentations import Segment, is_segmentation, read_segmentation, write_segmentation
from tests.synthetic.scans import affine_of

SEGMENTS = (
    Segment(name="artery", value=1, colour=(1.0, 0.0, 0.0)),
    Segment(name="renal vein", value=3, colour=(0.0, 0.25, 1.0)),
    Segment(name="ureter", value=4, colour=(0.0, 1.0, 0.0)),
)
VALUES = {segment.name: segment.value for segment in SEGMENTS}
GRID = make_grid((10, 12, 8), affine_of((0, 2, 1), (-1, 1, 1), (1.0, 2.0, 1.5), 10.0))


def make_labels() -> np.ndarray:
    labels = np.zeros(canonical_grid(GRID).shape, dtype=np.uint8)
    labels[2:4, 1:3, 5:8] = 1
    labels[6, 2, 2] = 3
    return labels


def write(path: Path) -> Path:
    write_segmentation(path, make_labels(), GRID, SEGMENTS)
    return path


def rewrite(path: Path, array: np.ndarray, fields: dict[str, str], *, vector: bool = False) -> None:
    """Write an array with other fields on the grid of a segmentation."""
    old = SimpleITK.ReadImage(str(path))
    image = SimpleITK.GetImageFromArray(array, isVector=vector)
    image.CopyInformation(old)
    for name, text in fields.items():
        image.SetMetaData(name, text)
    SimpleITK.WriteImage(image, str(path))


def test_a_segmentation_comes_back_on_its_grid(tmp_path: Path) -> None:
    image = read_segmentation(write(tmp_path / "a.seg.nrrd"), VALUES)
    assert np.array_equal(image.voxels[0], make_labels())
    assert same_place(image.grid(), canonical_grid(GRID))
    assert is_segmentation(tmp_path / "A.SEG.NRRD")
    assert not is_segmentation(tmp_path / "a.nrrd")


def test_the_header_has_what_3d_slicer_reads(tmp_path: Path) -> None:
    text = write(tmp_path / "a.seg.nrrd").read_bytes().split(b"\n\n")[0].decode()
    lines = dict(line.split(":=", 1) for line in text.splitlines() if ":=" in line)
    assert lines["Segment1_Name"] == "renal vein"
    assert lines["Segment1_LabelValue"] == "3"
    assert lines["Segment1_Color"] == "0 0.25 1"
    assert lines["Segmentation_SourceRepresentation"] == lines["Segmentation_MasterRepresentation"] == "Binary labelmap"
    assert lines["Segment2_Extent"] == "0 -1 0 -1 0 -1"
    stored = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "a.seg.nrrd"))).transpose(2, 1, 0)
    low_high = [int(number) for number in lines["Segment0_Extent"].split()]
    places = np.argwhere(stored == 1)
    assert low_high == [int(end) for low, high in zip(places.min(0), places.max(0), strict=True) for end in (low, high)]


def test_segments_are_known_by_their_names_whatever_their_values(tmp_path: Path) -> None:
    path = write(tmp_path / "a.seg.nrrd")
    array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    swapped = np.where(array == 1, 7, np.where(array == 3, 1, 0)).astype(np.uint8)
    rewrite(
        path,
        swapped,
        {"Segment0_Name": "Renal Vein", "Segment0_LabelValue": "1", "Segment1_Name": "artery"}
        | {"Segment1_LabelValue": "7", "Segment0_ID": "x", "Segment1_ID": "y"},
    )
    assert np.array_equal(read_segmentation(path, VALUES).voxels[0], make_labels())


def test_layers_are_joined_and_an_overlap_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.seg.nrrd")
    array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    fields = {"Segment0_Name": "artery", "Segment0_LabelValue": "1", "Segment0_Layer": "0"}
    fields |= {"Segment1_Name": "renal vein", "Segment1_LabelValue": "1", "Segment1_Layer": "1"}
    rewrite(path, np.stack([array == 1, array == 3], axis=-1).astype(np.uint8), fields, vector=True)
    assert np.array_equal(read_segmentation(path, VALUES).voxels[0], make_labels())
    rewrite(path, np.stack([array == 1, array >= 1], axis=-1).astype(np.uint8), fields, vector=True)
    with pytest.raises(DataError, match="'renal vein' overlaps others in 12 voxels"):
        read_segmentation(path, VALUES)


def test_a_segment_of_no_label_is_refused_only_where_it_holds_voxels(tmp_path: Path) -> None:
    path = write(tmp_path / "a.seg.nrrd")
    array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    fields = {"Segment0_Name": "artery", "Segment0_LabelValue": "1"}
    rewrite(path, (array == 1).astype(np.uint8), fields | {"Segment1_Name": "Segment_2", "Segment1_LabelValue": "2"})
    assert set(np.unique(read_segmentation(path, VALUES).voxels)) == {0, 1}
    rewrite(path, array, fields | {"Segment1_Name": "Segment_3", "Segment1_LabelValue": "3"})
    with pytest.raises(DataError, match=r"segments called Segment_3\. Expected the names of the labels: artery"):
        read_segmentation(path, VALUES)


def test_a_file_without_segments_is_a_label_map(tmp_path: Path) -> None:
    path = write(tmp_path / "a.seg.nrrd")
    rewrite(path, SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))), {})
    assert np.array_equal(read_segmentation(path, VALUES).voxels[0], make_labels())


def test_labels_move_onto_a_larger_grid_of_the_same_voxels_and_onto_no_other() -> None:
    target = canonical_grid(GRID)
    labels = make_labels()
    matrix = target.matrix()
    matrix[:3, 3] += matrix[:3, :3] @ np.array([1, 1, 2])
    part = make_grid((8, 4, 5 + 1), matrix)
    cut = labels[1:9, 1:5, 2:8]
    moved = move_onto(cut, part, target)
    assert moved is not None
    assert np.array_equal(moved, labels)
    matrix[0, 3] += 0.4
    assert move_onto(cut, make_grid(part.shape, matrix), target) is None
    # Further out than the target: what lies outside is cut off.
    around = target.matrix()
    around[:3, 3] -= around[:3, :3] @ np.array([2, 0, 0])
    wide = np.pad(labels, ((2, 3), (0, 0), (0, 0)))
    assert np.array_equal(move_onto(wide, make_grid(wide.shape, around), target), labels)


def test_segments_of_older_slicers_are_each_a_layer_of_ones(tmp_path: Path) -> None:
    path = write(tmp_path / "a.seg.nrrd")
    array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    fields = {"Segment0_ID": "x", "Segment0_Name": "renal vein", "Segment1_ID": "y", "Segment1_Name": "artery"}
    rewrite(path, np.stack([array == 3, array == 1], axis=-1).astype(np.uint8), fields, vector=True)
    assert np.array_equal(read_segmentation(path, VALUES).voxels[0], make_labels())


def test_voxels_of_no_segment_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.seg.nrrd")
    array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    fields = {"Segment0_ID": "x", "Segment0_Name": "artery", "Segment0_LabelValue": "1", "Segment0_Layer": "0"}
    rewrite(path, array, fields)
    with pytest.raises(DataError, match="holds the values 3, which none of its segments has"):
        read_segmentation(path, VALUES)


def test_a_name_with_several_spaces_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.seg.nrrd"
    segments = (*SEGMENTS[:1], Segment(name="renal  vein", value=3, colour=(0.0, 0.25, 1.0)))
    write_segmentation(path, make_labels(), GRID, segments)
    values = {segment.name: segment.value for segment in segments}
    assert np.array_equal(read_segmentation(path, values).voxels[0], make_labels())
