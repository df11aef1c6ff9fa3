"""Raw files and measurements that a fold is compared with are read no more often than they have to be."""

from __future__ import annotations

import os
from dataclasses import replace

from autoseg.pipeline.folds import measured, raw_files
from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job
from autoseg.pipeline.folds.measured import read_measured
from dataset_fingerprints.files import stamps
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.measuring import identity
from tests.synthetic.tiny import Tiny


def change_times(tiny: Tiny) -> None:
    for case in tiny.cases():
        for file in (tiny.scan(case), tiny.label(case)):
            os.utime(file, ns=(0, file.stat().st_mtime_ns + 10**9))


def test_files_of_other_times_are_read_once_per_process_which_is_said(tiny, monkeypatch, caplog):
    read, identify = [], identity.identify
    monkeypatch.setattr(identity, "identify", lambda path: read.append(path) or identify(path))
    monkeypatch.setattr(raw_files, "_TODAY", {})
    change_times(tiny)
    for _ in range(3):
        resolve_job(tiny.workspace, "0", TrainingOptions())
    assert len(read) == 2 * len(tiny.cases())
    said = [record.message for record in caplog.records if "other times than when they were measured" in record.message]
    assert len(said) == 1
    assert "until `autoseg plan_and_preprocess` is given once more" in said[0]


def test_planning_again_keeps_the_new_times(tiny, monkeypatch):
    change_times(tiny)
    tiny.plan()
    read, identify = [], identity.identify
    monkeypatch.setattr(identity, "identify", lambda path: read.append(path) or identify(path))
    monkeypatch.setattr(raw_files, "_TODAY", {})
    resolve_job(tiny.workspace, "0", TrainingOptions())
    assert not read


def test_measurements_are_read_once_for_all_folds_and_again_where_they_are_others(tiny, monkeypatch):
    # As if the file had been written long ago.
    monkeypatch.setattr(stamps, "SETTLED_NS", -(10**12))
    read, path = [], tiny.workspace.fingerprint
    monkeypatch.setattr(measured, "read_json", lambda *given: read.append(given[0]) or read_json(*given))
    for fold in ("0", "1"):
        resolve_job(tiny.workspace, fold, TrainingOptions()).make_run(None)
    assert read == [path]
    write_json(path, replace(read_json(path, DatasetFingerprint), name="another"))
    assert read_measured(tiny.workspace).summary.name == "another"
    assert read == [path, path]
