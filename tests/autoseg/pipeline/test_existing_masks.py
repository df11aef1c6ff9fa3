"""Masks that are there: which stay, which of these are doubtful, which are none."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from autoseg.pipeline.existing_masks import Masks, find_kept
from autoseg.pipeline.new_scans import NewScan
from autoseg.progress import SilentProgress
from tests.synthetic.scans import affine_of, head, write_nifti

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
    assert find_kept([NewScan(name="a", images=(scan,))], [mask], [weights], listener) == {mask}
    assert listener.said == ["1 mask is there already and stays as it is. Give --overwrite to predict it again."]
    assert (message in caplog.text) if message else not caplog.text
    assert ("give --overwrite to predict them again" in caplog.text) == bool(message)


@pytest.mark.parametrize("content", [b"", b"text", b"\x1f\x8b", "cut", "two volumes"])
def test_a_file_that_is_no_mask_does_not_count(tmp_path: Path, content: bytes | str) -> None:
    scan = write_nifti(tmp_path / "a.nii.gz", head(1)[0])
    target = write_nifti(tmp_path / "out" / "a.nii.gz", np.stack([head(1)[1]] * 2, axis=-1))
    if content == "cut":
        write_nifti(target, head(1)[1])
        target.write_bytes(target.read_bytes()[:-20])
    elif isinstance(content, bytes):
        target.write_bytes(content)
    listener = Listener()
    assert find_kept([NewScan(name="a", images=(scan,))], [target], [], listener) == frozenset()
    assert listener.said == ["1 file in the place of a mask cannot be read as a mask and is replaced: a.nii.gz."]


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
