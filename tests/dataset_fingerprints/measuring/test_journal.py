"""Measurements outlive the process that made them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from autoseg.pipeline.plans.inspecting import WaitingScans, inspect_dataset
from autoseg.progress import SilentProgress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.measuring.journal import journal_path, open_journal, read_journal, write_journal
from tests.synthetic.passes import kept, pass_over
from tests.synthetic.scans import affine_of, blob, head, write_nifti, write_nnunet_dataset

INSPECT = """
import sys
from pathlib import Path
from autoseg.pipeline.plans.inspecting import WaitingScans, inspect_dataset
from autoseg.progress import SilentProgress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.layouts import read_dataset
raw, workspace = map(Path, sys.argv[1:])
inspect_dataset(read_dataset(raw), Workspace(root=workspace), WaitingScans(limit_bytes=0), SilentProgress())
"""
# On two cores, so that few cases are in work at once.
KILLED = """
import os
from tests.synthetic.ended import end_at
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
end_at({number}, "open:raw/images/:{opened}")
"""


def inspect(raw, workspace):
    """Return the fingerprint, and the names of the cases that were read for it."""
    dataset, waiting = read_dataset(raw), WaitingScans()
    fingerprint = inspect_dataset(dataset, Workspace(root=workspace), waiting, SilentProgress())
    return fingerprint, [case.name for case in dataset.cases if waiting.take(case.name) is not None]


def write_journal_of(root, cases=3):
    dataset = read_dataset(write_nnunet_dataset(root / "raw", cases))
    found, _ = pass_over(dataset)
    journal = open_journal(root / "cases", dataset)
    with journal.stream:
        for known in found.sound:
            journal.append(known)
    return dataset, kept(found)


def test_a_journal_comes_back_as_it_was_written(tmp_path):
    dataset, known = write_journal_of(tmp_path)
    assert read_journal(tmp_path / "cases", dataset) == known
    write_journal(tmp_path / "again", dataset, list(known.values()))
    assert read_journal(tmp_path / "again", dataset) == known


@pytest.mark.parametrize("lost_bytes", [1, 40, 700])
def test_a_torn_last_line_does_not_count_and_is_written_over(tmp_path, lost_bytes):
    dataset, known = write_journal_of(tmp_path)
    path = journal_path(tmp_path / "cases", dataset)
    whole = path.read_bytes()
    path.write_bytes(whole[:-lost_bytes])
    assert sorted(read_journal(path.parent, dataset)) == ["sub-000", "sub-001"]
    journal = open_journal(path.parent, dataset)
    with journal.stream:
        journal.append(known["sub-002"])
    assert read_journal(path.parent, dataset) == known
    assert path.read_bytes() == whole


def test_a_journal_of_other_labels_begins_anew_and_keeps_the_old_one_until_a_pass_succeeds(tmp_path):
    dataset, known = write_journal_of(tmp_path)
    other = read_dataset(write_nnunet_dataset(tmp_path / "other", 1, {"background": 0, "lesion": 1}))
    assert read_journal(tmp_path / "cases", other) == {}
    open_journal(tmp_path / "cases", other).stream.close()
    assert read_journal(tmp_path / "cases", dataset) == known
    write_journal(tmp_path / "cases", other, ())
    assert read_journal(tmp_path / "cases", dataset) == {}


@pytest.mark.parametrize("first_line", ['{"schema_version": 0}', "", "damaged"])
def test_a_journal_that_does_not_begin_as_it_should_is_not_read(tmp_path, first_line):
    dataset, _ = write_journal_of(tmp_path)
    path = journal_path(tmp_path / "cases", dataset)
    heading, *lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([first_line, *lines]) + "\n", encoding="utf-8")
    assert read_journal(path.parent, dataset) == {}
    open_journal(path.parent, dataset).stream.close()
    assert path.read_text(encoding="utf-8") == heading + "\n"


def test_a_pass_that_was_killed_reads_only_the_rest(tmp_path):
    cases = 40
    rng = np.random.default_rng(0)
    for index in range(cases):
        voxels = rng.normal(100, 10, (64, 64, 48))
        write_nifti(tmp_path / "raw" / "images" / f"{index:03d}.nii.gz", voxels)
        write_nifti(
            tmp_path / "raw" / "labels" / f"{index:03d}.nii.gz", blob((64, 64, 48), (30, 30, 20), 9).astype(np.uint8)
        )
    # Each image is opened for its header, and later for its voxels: of half of them, a few at a time.
    code = KILLED.format(number=int(signal.SIGKILL), opened=cases + cases // 2) + INSPECT
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "raw"), str(tmp_path / "ws")], check=False)
    assert done.returncode == -signal.SIGKILL
    journal = journal_path(tmp_path / "ws" / "cases", read_dataset(tmp_path / "raw"))
    kept_cases = read_journal(journal.parent, read_dataset(tmp_path / "raw"))
    assert not (tmp_path / "ws" / "fingerprint.json").exists()
    assert 5 <= len(kept_cases) < cases
    fingerprint, read = inspect(tmp_path / "raw", tmp_path / "ws")
    assert len(read) == cases - len(kept_cases)
    assert set(read).isdisjoint(kept_cases)
    once, _ = inspect(tmp_path / "raw", tmp_path / "once")
    assert fingerprint == once


def test_new_cases_cost_only_themselves_and_a_changed_one_is_read_again(tmp_path):
    raw = write_nnunet_dataset(tmp_path / "raw", 4)
    assert inspect(raw, tmp_path / "ws")[1] == [f"sub-{index:03d}" for index in range(4)]
    write_nnunet_dataset(tmp_path / "more", 7)
    for file in (tmp_path / "more").rglob("sub-00[456]*"):
        shutil.copy(file, raw / file.parent.name)
    touched, changed = raw / "imagesTr" / "sub-000_0000.nii.gz", raw / "labelsTr" / "sub-001.nii.gz"
    os.utime(touched)
    write_nifti(changed, np.roll(head(1)[1], 1, axis=2))
    fingerprint, read = inspect(raw, tmp_path / "ws")
    assert read == ["sub-001", "sub-004", "sub-005", "sub-006"]
    assert len(fingerprint.cases) == 7
    assert inspect(raw, tmp_path / "ws")[1] == []
    assert read_json(tmp_path / "ws" / "fingerprint.json", DatasetFingerprint) == fingerprint


def test_mending_a_refused_case_costs_that_case_and_forgets_its_error(tmp_path):
    raw = write_nnunet_dataset(tmp_path / "raw", 4)
    inspect(raw, tmp_path / "ws")
    label = raw / "labelsTr" / "sub-002.nii.gz"
    sound, times = label.read_bytes(), label.stat()
    label.write_bytes(b"damaged")
    with pytest.raises(DataError, match="case sub-002"):
        inspect(raw, tmp_path / "ws")
    label.write_bytes(sound)
    os.utime(label, ns=(times.st_atime_ns, times.st_mtime_ns))
    fingerprint, read = inspect(raw, tmp_path / "ws")
    assert read == []
    assert len(fingerprint.cases) == 4
    assert json.loads((tmp_path / "ws" / "check.json").read_text(encoding="utf-8"))["findings"] == []


def test_a_removed_case_leaves_the_fingerprint_and_the_journal(tmp_path):
    raw = write_nnunet_dataset(tmp_path / "raw", 4, affine=affine_of(flips=(-1, 1, 1)))
    inspect(raw, tmp_path / "ws")
    for file in raw.rglob("sub-003*"):
        file.unlink()
    assert len(inspect(raw, tmp_path / "ws")[0].cases) == 3
    assert len(read_journal(tmp_path / "ws" / "cases", read_dataset(raw))) == 3
