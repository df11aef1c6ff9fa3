"""An import's manifest and copies; what interrupted, repeated and refused imports leave; how long a release takes."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.pipeline.atlas import folder as folders
from autoseg.pipeline.atlas import sessions
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import read_dataset
from tests.autoseg.pipeline.atlas.imported import Said, label_of, state_of
from tests.autoseg.workspace.failing_disk import FailingDisk
from tests.synthetic.atlas_trees import (
    lesion_of,
    residue_of,
    write_bids,
    write_old,
    write_r20,
)
from tests.synthetic.scans import write_nifti


def test_the_manifest_holds_the_hashes_of_all_files(tmp_path):
    source = write_old(tmp_path / "src", ("Site1/031768/t01",), extra={"Site1/031768/t01": 1})

    autoseg.import_atlas(source, tmp_path / "data")

    manifest = json.loads((tmp_path / "data" / "atlas.json").read_text(encoding="utf-8"))
    one = manifest["sessions"][0]
    for file in (one["scan"], *one["masks"]):
        content = (Path(manifest["source"]) / file["path"]).read_bytes()
        assert file["identity"]["sha256"] == hashlib.sha256(content).hexdigest()
    label = tmp_path / "data" / "labelsTr" / "031768_t01.nii.gz"
    assert one["label_sha256"] == hashlib.sha256(label.read_bytes()).hexdigest()
    assert len(one["masks"]) == 2


def test_copies_are_made_where_they_are_asked_for_or_links_cannot_be_made(tmp_path, monkeypatch):
    source = write_r20(tmp_path / "src")

    asked = autoseg.import_atlas(source, tmp_path / "asked", copy=True)

    assert not any(one.linked for one in asked.sessions)
    scan = tmp_path / "asked" / "imagesTr" / "sub-r001s001_ses-1_0000.nii.gz"
    assert not scan.is_symlink()
    assert scan.read_bytes() == (source / asked.sessions[0].scan.path).read_bytes()

    def refuse(self, target):
        raise PermissionError(1, "Operation not permitted", str(self))

    monkeypatch.setattr(Path, "symlink_to", refuse)  # as on a disk without links
    said = Said()
    forced = autoseg.import_atlas(source, tmp_path / "forced", progress=said)

    assert not any(one.linked for one in forced.sessions)
    assert any(sessions.NO_LINKS in line for line in said.lines)


def test_an_import_that_was_interrupted_goes_on_where_it_was(tmp_path, monkeypatch):
    source = write_r20(tmp_path / "src")
    real, done = sessions.Importer.run, []

    def stop(self, session):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(session.name)
        return real(self, session)

    with monkeypatch.context() as patched:
        patched.setattr(sessions.Importer, "run", stop)
        with pytest.raises(KeyboardInterrupt):
            autoseg.import_atlas(source, tmp_path / "data")
    assert not (tmp_path / "data" / "dataset.json").exists()
    first = [path.stat().st_mtime_ns for path in sorted((tmp_path / "data" / "labelsTr").iterdir())]

    imported = autoseg.import_atlas(source, tmp_path / "data")

    assert len(imported.sessions) == 6
    again = [path.stat().st_mtime_ns for path in sorted((tmp_path / "data" / "labelsTr").iterdir())]
    assert again[: len(first)] == first
    assert not (tmp_path / "data" / ".import").exists()


def test_a_finished_import_takes_over_what_changed(tmp_path):
    source = write_r20(tmp_path / "src")
    autoseg.import_atlas(source, tmp_path / "data")
    before = state_of(tmp_path / "data" / "labelsTr")
    mask = next(source.rglob("sub-r001s002*_mask.nii.gz"))
    scan = next(source.rglob("sub-r001s002*_T1w.nii.gz"))
    write_nifti(mask, residue_of(lesion_of(5)), nibabel.load(scan).affine)
    write_bids(source, ("r001s009",))

    imported = autoseg.import_atlas(source, tmp_path / "data")

    assert "sub-r001s009_ses-1" in [one.case for one in imported.training()]
    assert np.array_equal(label_of(tmp_path / "data", "sub-r001s002_ses-1"), lesion_of(5))
    after = state_of(tmp_path / "data" / "labelsTr")
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"sub-r001s002_ses-1.nii.gz", "sub-r001s009_ses-1.nii.gz"}


def test_folders_with_anything_else_are_refused_and_left_alone(tmp_path):
    source = write_r20(tmp_path / "src")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    autoseg.import_atlas(source / "Training", tmp_path / "other")

    with pytest.raises(DataError, match=r"is not empty \(thesis.txt\)"):
        autoseg.import_atlas(source, tmp_path / "mine")
    with pytest.raises(DataError, match=r"holds an import of .*Training, not of"):
        autoseg.import_atlas(source, tmp_path / "other")
    with pytest.raises(DataError, match="lies in the source, or around it"):
        autoseg.import_atlas(source, source / "data")
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["thesis.txt"]
    assert folders.Folder(root=source / "data").root.exists() is False


def test_sessions_that_have_vanished_are_not_deleted_behind_ones_back(tmp_path):
    source = write_r20(tmp_path / "src")
    autoseg.import_atlas(source, tmp_path / "data")
    shutil.rmtree(source / "Training" / "R002")

    with pytest.raises(DataError, match="1 case of the earlier import, sub-r002s001_ses-1, is not in"):
        autoseg.import_atlas(source, tmp_path / "data")


@pytest.mark.slow
def test_a_release_of_655_sessions_is_imported(tmp_path, capsys):
    names = [f"r{1 + number // 20:03d}s{1 + number % 20:03d}" for number in range(655)]
    write_bids(tmp_path / "ATLAS_2", names)
    started = time.perf_counter()

    imported = autoseg.import_atlas(tmp_path / "ATLAS_2", tmp_path / "data")

    with capsys.disabled():
        sys.stdout.write(f"655 sessions of tiny files imported in {time.perf_counter() - started:.1f} s\n")
    assert len(imported.training()) == 655
    assert len(read_dataset(tmp_path / "data").cases) == 655


@pytest.mark.parametrize("at", range(5))
def test_a_disk_that_is_full_when_an_import_begins_leaves_no_part_of_its_notes(tmp_path, at):
    folder = folders.Folder(root=tmp_path / "data")
    folder.notes.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch, suppress(OSError):
        FailingDisk(folder.root, at, errno.ENOSPC).install(patch)
        folder.begin(tmp_path / "src")
    folder.begin(tmp_path / "src")
    folder.description.touch()
    folder.refuse_other_content(tmp_path / "src")
