"""Preprocessed arrays are made once per case and parameters, whatever is planned again and however often."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tests.synthetic.commands import run
from tests.synthetic.scans import head, write_nifti, write_nnunet_dataset


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """A data set of five cases, planned and preprocessed into `ws`."""
    write_nnunet_dataset(tmp_path / "raw", 5)
    plan(tmp_path, monkeypatch)
    return tmp_path


def plan(root, monkeypatch, *options):
    assert run(monkeypatch, "plan_and_preprocess", root / "raw", "-w", root / "ws", *options) == 0


def stored(root: Path) -> dict[Path, int]:
    """Return when every file of every preprocessed case was written."""
    folder = root / "ws" / "preprocessed"
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("sub-*"))}


def cases_written(before: dict[Path, int], after: dict[Path, int]) -> set[str]:
    """Return the cases of which any file is new or was written again."""
    return {path.name.partition(".")[0] for path, moment in after.items() if before.get(path) != moment}


def add_cases(root: Path, numbers: range) -> None:
    for number in numbers:
        image, labels = head(number)
        write_nifti(root / "raw" / "imagesTr" / f"sub-{number:03d}_0000.nii.gz", image)
        write_nifti(root / "raw" / "labelsTr" / f"sub-{number:03d}.nii.gz", labels)
    description = root / "raw" / "dataset.json"
    description.write_text(
        json.dumps(json.loads(description.read_text(encoding="utf-8")) | {"numTraining": numbers.stop})
    )


def test_cases_that_are_added_are_the_only_ones_prepared(planned, monkeypatch):
    before = stored(planned)
    add_cases(planned, range(5, 7))
    plan(planned, monkeypatch)
    after = stored(planned)
    assert cases_written(before, after) == {"sub-005", "sub-006"}
    assert set(before) <= set(after)
    assert len({path.parent for path in after}) == 1


def test_a_scan_that_was_replaced_is_prepared_again_and_no_other(planned, monkeypatch):
    before = stored(planned)
    path = planned / "raw" / "imagesTr" / "sub-003_0000.nii.gz"
    voxels = np.asanyarray(nibabel.load(path).dataobj)
    write_nifti(path, np.where(voxels > 0, voxels + 7, 0).astype(np.float32))
    plan(planned, monkeypatch)
    assert cases_written(before, stored(planned)) == {"sub-003"}


def test_a_label_map_that_was_replaced_is_prepared_again_and_no_other(planned, monkeypatch):
    before = stored(planned)
    path = planned / "raw" / "labelsTr" / "sub-001.nii.gz"
    labels = np.asanyarray(nibabel.load(path).dataobj).copy()
    labels[np.nonzero(labels == 1)[0][0]] = 0
    write_nifti(path, labels)
    plan(planned, monkeypatch)
    assert cases_written(before, stored(planned)) == {"sub-001"}


def test_a_file_that_was_only_copied_is_not_prepared_again(planned, monkeypatch):
    before = stored(planned)
    path = planned / "raw" / "imagesTr" / "sub-002_0000.nii.gz"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    plan(planned, monkeypatch)
    assert stored(planned) == before


def test_a_plan_with_the_same_parameters_shares_the_arrays(planned, monkeypatch):
    before = stored(planned)
    plan(planned, monkeypatch, "--plan-name", "long", "--set", "training.iterations=9000", "--seed", "3")
    assert stored(planned) == before


@pytest.mark.parametrize(
    "assignment",
    [
        "preprocessing.spacing_mm=[1.5,1.5,1.5]",
        "preprocessing.normalization.0=rescale",
        "preprocessing.normalization.0.options.upper_percentile=99.5",
    ],
)
def test_a_plan_with_other_parameters_gets_arrays_of_its_own_beside_the_first(planned, monkeypatch, assignment):
    before = stored(planned)
    plan(planned, monkeypatch, "--plan-name", "other", "--set", assignment)
    after = stored(planned)
    assert before.items() <= after.items()
    assert cases_written(before, after) == {f"sub-{number:03d}" for number in range(5)}
    assert len({path.parent for path in after}) == 2


def test_a_case_that_lost_one_array_is_made_whole(planned, monkeypatch):
    before = stored(planned)
    next(path for path in before if path.name == "sub-004.labels.b2nd").unlink()
    plan(planned, monkeypatch)
    assert cases_written(before, stored(planned)) == {"sub-004"}


@pytest.mark.slow
def test_a_plan_for_a_time_keeps_the_speed_that_was_measured_first_on_the_same_machine(planned, monkeypatch):
    path = planned / "ws" / "plans" / "default" / "plan.json"

    def change_machine(**values):
        content = json.loads(path.read_text(encoding="utf-8"))
        del content["checksum"]
        path.write_text(json.dumps(content | {"machine": content["machine"] | values}), encoding="utf-8")

    def plan_and_read_speed():
        plan(planned, monkeypatch, "--max-hours", "0.1")
        return json.loads(path.read_text(encoding="utf-8"))["machine"]["multiplications_per_second"]

    assert plan_and_read_speed() != 1234.0
    first = path.read_bytes()
    plan_and_read_speed()
    assert path.read_bytes() == first
    change_machine(multiplications_per_second=1234.0)
    assert plan_and_read_speed() == 1234.0
    # A plan of another name, such as one with another seed, differs in nothing else.
    plan(planned, monkeypatch, "--max-hours", "0.1", "--plan-name", "seed-1")
    beside = path.parents[1] / "seed-1" / "plan.json"
    assert json.loads(beside.read_text(encoding="utf-8"))["machine"]["multiplications_per_second"] == 1234.0
    beside.unlink()
    change_machine(multiplications_per_second=1234.0, name="another")
    assert plan_and_read_speed() != 1234.0
    path.write_text("{", encoding="utf-8")
    assert plan_and_read_speed() != 1234.0
