"""Several data sets as one, through the command line: checked, planned, predicted on and scored by task."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.layouts import list_scans, read_dataset
from dataset_fingerprints.reading.images import read_label_map
from planners.plan import Splits
from tests.synthetic.commands import run
from tests.synthetic.small_networks import SHORT
from tests.synthetic.tasks import write_task_datasets


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return write_task_datasets(tmp_path_factory.mktemp("tasks"), cases=5)


def as_words(places: Mapping[str, Path]) -> list[str]:
    return [f"{name}={place}" for name, place in places.items()]


def test_a_combined_data_set_is_checked_planned_and_scored_by_task(
    places: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, ws = tmp_path / "all", Workspace(root=tmp_path / "ws")
    words = ("--channel", "FLAIR", "--labels", "own", "--map", "wmh:other=ignore", "--task", "ms=MS")
    assert run(monkeypatch, "combine", *as_words(places), "-o", out, *words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "15 cases, tasks MS (5 cases), stroke (5 cases), wmh (5 cases); channels FLAIR." in said
    assert "wmh, task wmh: 1 (WMH) -> wmh, 2 (other) -> ignore." in said
    assert sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) < 30_000, "no voxels are copied"
    assert run(monkeypatch, "check", out) == 0
    assert "MS (5 cases)" in capsys.readouterr().out
    assert run(monkeypatch, "plan_and_preprocess", out, "-w", ws.root, *SHORT) == 0
    fingerprint = read_json(ws.fingerprint, DatasetFingerprint)
    assert [(part.name, part.cases) for part in fingerprint.tasks] == [("MS", 5), ("stroke", 5), ("wmh", 5)]
    held = {label.name: label.volume_mm3.p50 for label in fingerprint.labels}
    assert [*held] == ["MS", "stroke", "wmh"]
    task_of = {case.name: case.task for case in read_json(ws.dataset, Dataset).cases}
    splits = read_json(ws.splits("default"), Splits)
    counts = [Counter(task_of[name] for name in fold.validation) for fold in splits.folds]
    assert all(count[task] == 1 for count in counts for task in ("MS", "stroke", "wmh")), counts
    for case in read_json(ws.dataset, Dataset).cases:
        mask = read_label_map(case.label_path()).voxels[0].astype(np.uint8)
        (tmp_path / "masks").mkdir(exist_ok=True)
        # What is ignored is no label of a mask.
        affine = nibabel.load(case.images[0]).affine
        nibabel.save(nibabel.Nifti1Image(mask * (mask < 4), affine), tmp_path / "masks" / f"{case.name}.nii.gz")
    scored = ("evaluate", tmp_path / "masks", out, "--by", "task", "-o", tmp_path / "scores.json")
    assert run(monkeypatch, *scored) == 0
    assert "by task" in capsys.readouterr().out
    scores = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))["cases"]
    dice = {case["case"]: {name: of["dice"] for name, of in case["labels"].items()} for case in scores}
    assert dice["ms_p0"]["1"] == dice["stroke_p0"]["2"] == dice["wmh_w0"]["3"] == 1.0, "the references are mapped alike"


def test_its_scans_are_listed_to_predict(places: Mapping[str, Path], tmp_path: Path) -> None:
    autoseg.combine(places, tmp_path / "all", channels="FLAIR", labels="union")
    scans = list_scans(tmp_path / "all", ("FLAIR",))
    assert scans is not None
    assert len(scans) == 15
    assert all(image is not None and image.is_file() for scan in scans for image in scan.images)


def test_made_anew_it_is_what_the_data_sets_are_by_then(places: Mapping[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "all"
    autoseg.combine(places, out, channels=["FLAIR"], labels="own")
    assert len([*(out / "mapped_labels").glob("*.json")]) == 10, "those of ms stay 1"
    fewer = {name: places[name] for name in ("ms", "stroke")}
    found = autoseg.combine(fewer, out, channels=["FLAIR"], labels="union")
    assert len(found.cases) == 10
    assert [*(out / "mapped_labels").glob("*.json")] == []


def test_a_combined_data_set_can_be_one_of_others_but_not_its_own(places: Mapping[str, Path], tmp_path: Path) -> None:
    autoseg.combine(
        {"ms": places["ms"], "stroke": places["stroke"]}, tmp_path / "two", channels=["FLAIR"], labels="own"
    )
    both = {"two": tmp_path / "two", "wmh": places["wmh"]}
    with pytest.raises(DataError, match="is the data set two itself"):
        autoseg.combine(both, tmp_path / "two", labels="own")
    found = autoseg.combine(both, tmp_path / "all", labels="own", meanings={"two:ms": "MS", "two:stroke": "infarct"})
    assert found.labels.names() == {1: "MS", 2: "infarct", 3: "wmh"}
    assert {case.task for case in found.cases} == {"ms", "stroke", "wmh"}, "tasks are kept"
    name = next(case for case in found.cases if case.name == "two_stroke_p0")
    # A label map whose values were changed before: 1 became 2.
    assert set(np.unique(read_label_map(name.label_path()).voxels)) == {0, 2}


def test_the_same_data_set_twice_and_tasks_without_a_label_are_told(
    places: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [f"{name}={places['ms']}" for name in ("a", "b", "c")]
    words = ("--map", "a:lesion=ignore", "--map", "b:1=background", "--channel", "FLAIR")
    assert run(monkeypatch, "combine", *given, *words, "-o", tmp_path / "all") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "a, task a: no label is left. What is labelled in its 5 cases is ignored" in said
    assert "b, task b: no label is left. What is labelled in its 5 cases is background" in said
    assert "task c: no label" not in said
    assert "5 scans are in several of the data sets (a_p0 and b_p0 and c_p0;" in said
    subjects = Counter(case.subject for case in read_dataset(tmp_path / "all").cases)
    assert set(subjects.values()) == {3}, "the same scan never lies in two folds"


@pytest.mark.parametrize(("first", "second"), [("ms", "wmh"), ("ms", "stroke")])
def test_subjects_that_are_never_called_alike_are_told(
    first: str,
    second: str,
    places: Mapping[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = as_words({name: places[name] for name in (first, second)})
    words = ("--same-subjects", "--channel", "FLAIR", "--labels", "union")
    assert run(monkeypatch, "combine", *given, *words, "-o", tmp_path / "all") == 0
    assert ("--same-subjects changes nothing" in capsys.readouterr().out) == (second == "wmh")


def test_two_words_on_one_label_are_refused(
    places: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--map", "ms:lesion=ignore", "--map", "ms:1=plaque", "--channel", "FLAIR")
    assert run(monkeypatch, "combine", f"ms={places['ms']}", *words, "-o", tmp_path / "all") == 2
    assert "label 1 (lesion) is to become ignore and plaque" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("ms",), "gives 'ms'. Expected NAME=DATA"),
        (("ms=/nowhere", "wmh=/nor/there"), "2 problems"),
        (("ms=/nowhere", "--task", "x=MS"), "--task x: there is no such data set. Expected ms"),
        (("ms=/nowhere", "--map", "x=MS"), "Expected NAME:LABEL=NEW"),
    ],
)
def test_wrong_words_are_named(
    words: tuple[str, ...],
    found: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, "combine", *words, "-o", tmp_path / "all") == 2
    assert found in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "all").exists()


def test_a_folder_with_other_files_is_left_alone(
    places: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert run(monkeypatch, "combine", *as_words(places), "-o", tmp_path, "--channel", "FLAIR") == 2
    assert "holds other files" in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
