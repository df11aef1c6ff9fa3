"""Scans without labels beside a data set: read and measured apart, refused where they are labelled cases."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autoseg.pipeline.plans.reading import read_plan
from autoseg.preprocessing import Store
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import DataError, PlanError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from tests.autoseg.training.builders import Listening
from tests.synthetic.commands import run
from tests.synthetic.scans import head, write_nifti
from tests.synthetic.self_training import ASSIGNMENTS, SCANS, SECOND, plan_both, train_second, write_scans
from tests.synthetic.small_networks import as_options
from tests.synthetic.tiny import CONFIGURATION, SHAPE, Tiny, write_tiny


@pytest.fixture
def raw(tmp_path: Path) -> Tiny:
    """Five labelled cases and two scans without labels; nothing is planned."""
    tiny = write_tiny(tmp_path, 5)
    write_scans(tiny)
    return tiny


def test_figures_of_scans_without_labels_enter_neither_fingerprint_nor_plan(raw: Tiny) -> None:
    workspace = plan_both(raw, unlabelled=None, configurations=(CONFIGURATION,))
    alone = workspace.fingerprint.read_bytes(), workspace.plan("default").read_bytes(), workspace.check.read_bytes()
    write_nifti(raw.root / "more" / "large.nii.gz", head(7, (16, 20, 24))[0] * 100)
    plan_both(raw)
    with_them = workspace.fingerprint.read_bytes(), workspace.plan("default").read_bytes(), workspace.check.read_bytes()
    assert with_them == alone
    measured = read_json(workspace.unlabelled.fingerprint, DatasetFingerprint)
    assert {case.case: case.shape for case in measured.cases} == {
        "large": (16, 20, 24),
        **dict.fromkeys(SCANS, SHAPE),
    }
    assert measured.labels == ()
    _, splits = read_plan(workspace, "default")
    assert splits.unlabelled == ("large", *SCANS)
    assert splits.cases() == raw.cases(), "no fold trains on them or is judged on them"


def test_a_plan_without_them_is_written_as_it_always_was(raw: Tiny) -> None:
    workspace = raw.plan()
    written = workspace.splits("default").read_text(encoding="utf-8") + workspace.plan("default").read_text(
        encoding="utf-8"
    )
    assert "unlabelled" not in written
    assert "pseudo_labels" not in written
    assert not workspace.unlabelled.root.exists()


def test_they_are_preprocessed_for_whoever_marks_them_and_whoever_trains_on_them(raw: Tiny) -> None:
    workspace = plan_both(raw)
    stores = [Store(folder=workspace.store(path.name)) for path in (workspace.root / "preprocessed").iterdir()]
    assert len(stores) == 2
    for store in stores:
        assert all(store.is_whole(name) for name in (*SCANS, *raw.cases()))
        assert not store.folder.labels(SCANS[0]).exists()


def test_a_planning_that_was_ended_reads_only_what_is_missing(raw: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    plan_both(raw)
    before = {path: path.stat().st_mtime_ns for path in (raw.workspace.root / "preprocessed").rglob("new-*")}
    write_scans(raw, ("new-9",), 50)
    plan_both(raw)
    assert len(before) == 8, "image and record in both stores"
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_scan_of_a_labelled_case_is_refused_whatever_its_name(raw: Tiny) -> None:
    shutil.copy(raw.scan("case_3"), raw.root / "more" / "somebody.nii.gz")
    with pytest.raises(DataError, match=r"scans of labelled cases, by their content \(somebody is case_3\)"):
        plan_both(raw)
    assert not raw.workspace.plan("default").exists()


def test_names_of_labelled_cases_and_names_that_fall_together_are_refused(raw: Tiny) -> None:
    write_nifti(raw.root / "more" / "case_1.nii.gz", head(40, SHAPE)[0])
    write_nifti(raw.root / "more" / "a_b.nii.gz", head(41, SHAPE)[0])
    write_nifti(raw.root / "more" / "a" / "b.nii.gz", head(42, SHAPE)[0])
    with pytest.raises(DataError, match=r"called as labelled cases, or as each other: a_b, case_1\."):
        plan_both(raw)


def test_scans_of_subjects_of_labelled_cases_are_named(raw: Tiny) -> None:
    for names, said in (((), 0), (("case_1_later", "case_10"), 1)):
        write_scans(raw, names, 60)
        listening = Listening()
        plan_both(raw, progress=listening)
        remarks = [message for message in listening.messages if "of a subject of labelled cases" in message]
        assert len(remarks) == said
    assert remarks[0].startswith("1 scan without labels has the name of a subject of labelled cases (case_1_later):")


def test_a_folder_without_scans_is_refused(raw: Tiny) -> None:
    shutil.rmtree(raw.root / "more")
    (raw.root / "more").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        plan_both(raw)


def test_a_scan_that_cannot_be_read_is_named_and_nothing_is_planned(raw: Tiny) -> None:
    (raw.root / "more" / "new-0.nii.gz").write_bytes(b"no image")
    with pytest.raises(DataError, match="new-0"):
        plan_both(raw)
    assert not raw.workspace.plan("default").exists()


def test_a_table_names_them_as_well(raw: Tiny) -> None:
    table = raw.root / "more.csv"
    lines = [f"{name},{raw.root / 'more' / name}.nii.gz" for name in reversed(SCANS)]
    table.write_text("\n".join(("case,image", *lines)))
    plan_both(raw, unlabelled=table)
    found = read_json(raw.workspace.unlabelled.dataset, Dataset)
    assert {case.name for case in found.cases} == set(SCANS)


def test_a_configuration_that_needs_them_is_not_planned_or_trained_without(raw: Tiny) -> None:
    with pytest.raises(PlanError, match=r"2d trains on scans without labels as well, and none are named\. Add --unl"):
        plan_both(raw, unlabelled=None)
    plan_both(raw, unlabelled=None, configurations=(CONFIGURATION,))
    with pytest.raises(WorkspaceError, match=r"plan default was made without any\. Plan again with --unlabelled"):
        train_second(raw, with_previous=True)
    assert not raw.fold(0).root.exists(), "nothing is trained in vain"


def test_what_nobody_uses_is_said(
    raw: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = ("plan_and_preprocess", raw.raw, "-w", raw.workspace.root, "--unlabelled", raw.root / "more")
    assert run(monkeypatch, *plan, "-c", CONFIGURATION, *as_options(*ASSIGNMENTS)) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "2 scans without labels: voxels of 1x1x1 mm, 10x10x10 voxels (medians)." in shown
    assert f"The scans without labels are for {SECOND}: add -c {SECOND} to preprocess them." in shown
    assert run(monkeypatch, *plan) == 0
    assert "trains on scans without labels (pseudo_labels): they are not used" in capsys.readouterr().out


def test_other_scans_are_refused_once_a_fold_has_begun_with_these(raw: Tiny) -> None:
    plan_both(raw)
    raw.train(0)
    train_second(raw)
    write_scans(raw, ("new-2",), 40)
    with pytest.raises(WorkspaceError, match="fold 0 was begun without new-2"):
        plan_both(raw)
    (raw.root / "more" / "new-2.nii.gz").unlink()
    plan_both(raw)
    write_scans(raw, ("new-0",), 45)
    plan_both(raw)
    with pytest.raises(WorkspaceError, match=r"begun with another content of new-0 \(in new-0: scan\)"):
        train_second(raw, iterations=4)
