"""Missing files: each is a finding of its case, in every layout, together with whatever else is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dataset_fingerprints.checking.checks import refuse_errors
from dataset_fingerprints.errors import DataError
from tests.synthetic.passes import pass_over
from tests.synthetic.scans import head, write_csv, write_nifti, write_nnunet_dataset, write_pairs

TWO = ("T1w", "FLAIR")


def find(root):
    found, _ = pass_over(root)
    return [record.case for record in found.records()], found.findings()


def reported(findings):
    return [(finding.case, finding.grade, finding.kind) for finding in findings]


def write_two_channel_pairs(root):
    for index in range(2):
        write_pairs(root / "images", root / "labels", image_suffix=f"_000{index}")
    return root


def write_two_channel_csv(root):
    write_two_channel_pairs(root)
    rows = [
        {"case": name, "image_0": f"images/{name}_0000.nii.gz", "image_1": f"images/{name}_0001.nii.gz"}
        | {"label": f"labels/{name}.nii.gz"}
        for name in (f"sub-{index:03d}" for index in range(4))
    ]
    return write_csv(root / "cases.csv", rows)


def write_listed(root):
    write_two_channel_pairs(root)
    cases = {
        name: {"images": [f"images/{name}_000{index}.nii.gz" for index in range(2)], "label": f"labels/{name}.nii.gz"}
        for name in (f"sub-{index:03d}" for index in range(4))
    }
    description = {"channel_names": {"0": "T1w", "1": "FLAIR"}, "labels": {"lesion": 1, "other": 2}, "dataset": cases}
    (root / "dataset.json").write_text(json.dumps(description))
    return root


def write_plain(root):
    return write_nnunet_dataset(root, 4, channels=TWO)


@pytest.mark.parametrize(
    ("write", "images", "labels"),
    [
        (write_plain, "imagesTr", "labelsTr"),
        (write_listed, "images", "labels"),
        (write_two_channel_pairs, "images", "labels"),
        (write_two_channel_csv, "images", "labels"),
    ],
)
def test_every_layout_tells_what_each_case_lacks_and_measures_the_others(tmp_path, write, images, labels):
    place = write(tmp_path)
    (tmp_path / "dataset.json").exists() or (tmp_path / "dataset.json").write_text('{"labels": {"a": 1, "b": 2}}')
    (tmp_path / images / "sub-000_0001.nii.gz").unlink()
    (tmp_path / labels / "sub-001.nii.gz").unlink()
    for channel in range(2):
        (tmp_path / images / f"sub-002_000{channel}.nii.gz").unlink()
    measured, findings = find(place)
    assert measured == ["sub-003"]
    assert reported(findings) == [
        ("sub-000", "error", "missing-channel"),
        ("sub-001", "error", "missing-label"),
        ("sub-002", "error", "missing-image"),
    ]
    expected = ("sub-000_0001.nii.gz", "sub-001.nii.gz", "sub-002_0000.nii.gz")
    for finding, name in zip(findings, expected, strict=True):
        assert name in finding.message


def test_an_msd_scan_that_is_not_there_is_reported(tmp_path):
    write_pairs(tmp_path / "imagesTr", tmp_path / "labelsTr", 3)
    training = [
        {"image": f"imagesTr/sub-{index:03d}.nii.gz", "label": f"labelsTr/sub-{index:03d}.nii.gz"} for index in range(4)
    ]
    description = {"modality": {"0": "T1w"}, "labels": {"0": "background", "1": "a", "2": "b"}, "training": training}
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    measured, findings = find(tmp_path)
    assert len(measured) == 3
    assert reported(findings) == [("sub-003", "error", "missing-image"), ("sub-003", "error", "missing-label")]


def test_a_missing_label_map_does_not_hide_what_is_wrong_with_the_scan(tmp_path):
    write_nnunet_dataset(tmp_path, 2, channels=TWO)
    (tmp_path / "labelsTr" / "sub-000.nii.gz").unlink()
    (tmp_path / "imagesTr" / "sub-000_0000.nii.gz").unlink()
    write_nifti(tmp_path / "imagesTr" / "sub-000_0001.nii.gz", np.full((24, 28, 20), np.nan))
    _, findings = find(tmp_path)
    assert [finding.kind for finding in findings] == ["missing-channel", "not-finite", "missing-label"]
    assert "channel FLAIR" in findings[1].message
    with pytest.raises(DataError, match=r"(?s)3 errors.*case sub-000: channel T1w is missing"):
        refuse_errors("root", findings)


def test_a_damaged_scan_does_not_hide_what_is_wrong_with_the_label_map(tmp_path):
    write_nnunet_dataset(tmp_path, 1)
    (tmp_path / "imagesTr" / "sub-000_0000.nii.gz").write_bytes(b"damaged")
    write_nifti(tmp_path / "labelsTr" / "sub-000.nii.gz", np.full((24, 28, 20), 9, np.uint8))
    _, findings = find(tmp_path)
    assert [finding.kind for finding in findings] == ["unreadable", "unexpected-label"]


def test_one_fault_does_not_hide_another_in_the_same_case(tmp_path):
    write_nnunet_dataset(tmp_path, 1, channels=TWO)
    write_nifti(tmp_path / "imagesTr" / "sub-000_0000.nii.gz", np.full((24, 28, 20), np.nan))
    write_nifti(tmp_path / "imagesTr" / "sub-000_0001.nii.gz", np.full((24, 28, 20), 3.0))
    write_nifti(tmp_path / "labelsTr" / "sub-000.nii.gz", np.full((24, 28, 19), 0.5))
    _, findings = find(tmp_path)
    assert [finding.kind for finding in findings] == ["not-finite", "constant", "shape", "fractional-label"]


def test_a_file_listed_for_two_channels_is_used_for_both(tmp_path):
    write_two_channel_pairs(tmp_path)
    (tmp_path / "dataset.json").write_text('{"labels": {"a": 1, "b": 2}}')
    twice = "images/sub-000_0000.nii.gz"
    rows = [{"case": "a", "image_0": twice, "image_1": twice, "label": "labels/sub-000.nii.gz"}]
    names, findings = find(write_csv(tmp_path / "cases.csv", rows))
    assert (names, [finding.kind for finding in findings]) == (["a"], ["no-folds"])


def test_a_channel_that_is_not_declared_is_reported_and_not_left_out(tmp_path):
    write_nnunet_dataset(tmp_path, 3)
    write_nifti(tmp_path / "imagesTr" / "sub-001_0001.nii.gz", head(1)[0])
    _, findings = find(tmp_path)
    assert reported(findings) == [("sub-001", "error", "extra-channel")]


def test_a_label_map_of_another_format_counts_among_the_label_maps(tmp_path):
    write_nnunet_dataset(tmp_path, 3)
    packed = tmp_path / "labelsTr" / "sub-001.nii.gz"
    packed.unlink()
    write_nifti(tmp_path / "labelsTr" / "sub-001.nii", head(1)[1])
    assert find(tmp_path)[0] == ["sub-000", "sub-001", "sub-002"]


@pytest.mark.parametrize(
    ("extra", "kinds"),
    [("sub-001_0001.nii.gz", ["extra-channel"]), ("sub-001_0002.nii.gz", ["extra-channel"])],
)
def test_one_scan_too_many_in_a_pair_is_reported_of_its_case_only(tmp_path, extra, kinds):
    images, _ = write_pairs(tmp_path / "image", tmp_path / "label", image_suffix="_0000")
    (tmp_path / "dataset.json").write_text('{"labels": {"a": 1, "b": 2}}')
    write_nifti(images / extra, head(1)[0])
    _, findings = find(tmp_path)
    assert reported(findings) == [("sub-001", "error", kind) for kind in kinds]


def test_a_scan_without_partner_is_its_own_case_though_its_name_ends_like_a_channel(tmp_path):
    for number in range(4):
        write_nifti(tmp_path / "image" / f"scan_{number:04d}.nii.gz", head(0)[0])
        if number != 2:
            write_nifti(tmp_path / "label" / f"scan_{number:04d}.nii.gz", head(0)[1])
    (tmp_path / "dataset.json").write_text('{"labels": {"a": 1, "b": 2}}')
    _, findings = find(tmp_path)
    assert ("scan_0002", "error", "missing-label") in reported(findings)
    assert sum(finding.grade == "error" for finding in findings) == 1


def test_volumes_missing_in_one_4d_file_are_reported_of_its_case(tmp_path):
    write_pairs(tmp_path / "image", tmp_path / "label")
    for index in range(4):
        volumes = 1 if index == 0 else 2
        write_nifti(tmp_path / "image" / f"sub-{index:03d}.nii.gz", np.stack([head(index)[0]] * volumes, axis=-1))
    (tmp_path / "dataset.json").write_text('{"labels": {"a": 1, "b": 2}}')
    _, findings = find(tmp_path)
    assert reported(findings) == [("sub-000", "error", "missing-channel")]
    assert "1 channel in 1 file. Expected 2" in findings[0].message


def test_an_empty_cell_and_a_link_to_nothing_are_reported_as_what_they_are(tmp_path):
    write_pairs(tmp_path / "scans", tmp_path / "masks", 2)
    (tmp_path / "dataset.json").write_text('{"labels": {"a": 1, "b": 2}}')
    (tmp_path / "scans" / "linked.nii.gz").symlink_to(tmp_path / "gone.nii.gz")
    names = [("scans/sub-000.nii.gz", ""), ("scans/linked.nii.gz", "masks/sub-001.nii.gz")]
    _, findings = find(write_csv(tmp_path / "a.csv", [{"image": scan, "label": mask} for scan, mask in names]))
    assert reported(findings) == [("sub-000", "error", "missing-label"), ("linked", "error", "missing-image")]
    assert "no path is given" in findings[0].message
    assert "is a link to nothing" in findings[1].message
