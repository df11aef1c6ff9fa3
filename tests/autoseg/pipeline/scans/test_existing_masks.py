"""Masks that are there: which stay, which of these are doubtful, which are none."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from autoseg.pipeline.scans.existing_masks import Made, Masks, find_kept
from autoseg.pipeline.scans.new_scans import NewScan
from autoseg.progress import SilentProgress
from dataset_fingerprints.errors import DataError
from tests.synthetic.scans import affine_of, head, write_nifti

MODEL = Made(values=(0, 1), weights=[])
BEFORE, THEN, AFTER = (1_700_000_000 + seconds for seconds in (-60, 0, 60))


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener(SilentProgress):
    """Keeps what is said."""

    said: list[str] = field(default_factory=list)

    def say(self, message: str) -> None:
        self.said.append(message)


def date(path: Path, seconds: int) -> Path:
    os.utime(path, (seconds, seconds))
    return path


def moved() -> np.ndarray:
    affine = affine_of()
    affine[:3, 3] += 1
    return affine


# what is wrong -> (shape and affine of the mask, times of scan, mask and weights, what is said)
DOUBTS = {
    "nothing": ((24, 28, 20), affine_of(), (BEFORE, THEN, BEFORE), None),
    "at the same time": ((24, 28, 20), affine_of(), (THEN, THEN, THEN), None),
    "turned": ((28, 24, 20), affine_of((1, 0, 2)), (BEFORE, THEN, BEFORE), None),
    "shape": ((30, 30, 30), affine_of(), (BEFORE, THEN, BEFORE), "lie on another grid than their scans (1): a.nii.gz"),
    "place": ((24, 28, 20), moved(), (BEFORE, THEN, BEFORE), "lie on another grid than their scans (1): a.nii.gz"),
    "newer scan": ((24, 28, 20), affine_of(), (AFTER, THEN, BEFORE), "are older than their scans (1): a.nii.gz"),
    "newer model": ((24, 28, 20), affine_of(), (BEFORE, THEN, AFTER), "are older than the weights of the model (1): a"),
}


@pytest.mark.parametrize("kind", DOUBTS)
def test_a_mask_that_may_not_belong_to_its_scan_stays_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    shape, affine, (scanned, made, trained), message = DOUBTS[kind]
    scan = date(write_nifti(tmp_path / "a.nii.gz", head(1)[0]), scanned)
    mask = date(write_nifti(tmp_path / "out" / "a.nii.gz", np.zeros(shape, np.uint8), affine), made)
    weights = tmp_path / "weights"
    weights.write_bytes(b"")
    date(weights, trained)
    listener = Listener()
    assert find_kept([NewScan(name="a", images=(scan,))], [mask], Made(values=(0, 1), weights=[weights]), listener) == {
        mask
    }
    assert listener.said == ["1 mask is there already and stays as it is. Give --overwrite to predict it again."]
    assert (message in caplog.text) if message else not caplog.text
    assert ("give --overwrite to predict them again" in caplog.text) == bool(message)


def test_a_mask_that_was_made_of_another_scan_of_the_same_name_stays_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (write_nifti(tmp_path / str(seed) / "a.nii.gz", head(seed)[0]) for seed in (1, 2))
    copy = Path(shutil.copy(first, tmp_path / "copy.nii.gz"))
    mask = write_nifti(tmp_path / "out" / "a.nii.gz", head(1)[1])
    made_of = {"itself": first, "a copy": copy, "a file that is gone": tmp_path / "gone.nii.gz", "another": second}
    for what, file in made_of.items():
        caplog.clear()
        model = Made(values=(0, 1, 2), weights=[], made_of=lambda _, file=file: str(file))
        assert find_kept([NewScan(name="a", images=(first,))], [mask], model, Listener()) == {mask}
        doubted = "were made of other scans of the same names (1): a.nii.gz" in caplog.text
        assert doubted == (what == "another"), what


def test_a_scan_that_is_gone_does_not_cost_the_mask_that_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scan = NewScan(name="a", images=(tmp_path / "a.nii.gz",))
    mask = write_nifti(tmp_path / "out" / "a.nii.gz", head(1)[1])
    assert find_kept([scan], [mask], Made(values=(0, 1, 2), weights=[]), Listener()) == {mask}
    assert not caplog.text


@pytest.mark.parametrize("content", [b"", b"text", b"\x1f\x8b", "cut"])
def test_a_file_that_is_no_mask_does_not_count(tmp_path: Path, content: bytes | str) -> None:
    scan = write_nifti(tmp_path / "a.nii.gz", head(1)[0])
    target = write_nifti(tmp_path / "out" / "a.nii.gz", head(1)[1])
    if content == "cut":
        target.write_bytes(target.read_bytes()[:-20])
    elif isinstance(content, bytes):
        target.write_bytes(content)
    listener = Listener()
    assert (
        find_kept([NewScan(name="a", images=(scan,))], [target], Made(values=(0, 1), weights=[]), listener)
        == frozenset()
    )
    assert listener.said == ["1 file in the place of a mask cannot be read as a mask and is replaced: a.nii.gz."]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    "voxels",
    [
        head(1)[0],
        head(1)[0].astype(np.int16),
        np.full((24, 28, 20), 0.5, np.float32),
        np.full((24, 28, 20), np.nan, np.float32),
        np.stack([head(1)[1]] * 2, axis=-1),
        np.full((24, 28, 20), 3e9),
    ],
    ids=["scan", "scan of integers", "halves", "NaN", "two volumes", "beyond 32 bits"],
)
def test_an_image_in_the_place_of_a_mask_is_not_written_over(
    tmp_path: Path, voxels: np.ndarray, overwrite: bool
) -> None:
    scans = [NewScan(name=name, images=(write_nifti(tmp_path / f"{name}.nii.gz", head(1)[0]),)) for name in "ab"]
    targets = [write_nifti(tmp_path / "out" / "a.nii.gz", head(1)[1]), tmp_path / "out" / "b.nii.gz"]
    before = write_nifti(targets[1], voxels).read_bytes()
    with pytest.raises(DataError, match=r"out: 1 file stands in the place of a mask.* model: b\.nii\.gz\."):
        find_kept(scans, targets, MODEL, Listener(), overwrite=overwrite)
    assert targets[1].read_bytes() == before


def test_masks_of_other_labels_stay_with_a_warning_and_none_stays_if_all_are_predicted_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scan = NewScan(name="a", images=(date(write_nifti(tmp_path / "a.nii.gz", head(1)[0]), BEFORE),))
    mask = write_nifti(tmp_path / "out" / "a.nii.gz", head(1)[1].astype(np.float32))
    assert find_kept([scan], [mask], MODEL, Listener()) == {mask}
    assert "hold other values than the labels of the model (1): a.nii.gz" in caplog.text
    assert find_kept([scan], [mask], MODEL, Listener(), overwrite=True) == frozenset()
    caplog.clear()
    assert find_kept([scan], [mask], Made(values=(0, 1, 2), weights=[]), Listener()) == {mask}
    assert not caplog.text


@pytest.mark.parametrize(
    ("made", "kept", "words"),
    [
        (3, 2, "3 masks made, 2 were there and stay"),
        (1, 1, "1 mask made, 1 was there and stays"),
        (0, 2, "0 masks made, 2 were there and stay"),
        (2, 0, "2 masks made"),
    ],
)
def test_masks_that_were_there_are_not_counted_as_made(made: int, kept: int, words: str) -> None:
    paths = tuple(Path(str(number)) for number in range(made + kept))
    masks = Masks(paths=paths, kept=frozenset(paths[made:]))
    assert masks.describe() == words
    assert (tuple(masks), masks.made(), len(masks)) == (paths, paths[:made], made + kept)
