"""Outputs are never inputs, by whatever path: each refusal is one message, and no byte is lost."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import autoseg
from autoseg.evaluation import evaluate_files, label_targets, write_evaluation
from autoseg.pipeline.outputs import (
    refuse_findings_place,
    refuse_no_place,
    refuse_scores_place,
)
from autoseg.pipeline.plans.inspecting import CheckReport
from autoseg.pipeline.predictions.inputs import Input, Inputs
from autoseg.pipeline.predictions.targets import choose_targets
from autoseg.pipeline.scans.new_scans import NewScan
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.layouts import read_dataset
from tests.autoseg.pipeline.places import Place
from tests.synthetic.commands import run
from tests.synthetic.scans import head, write_csv, write_nifti, write_pairs

# scans, -o, what the message says
NO_MASKS = [
    ("scans", "scans", "holds the scans"),
    ("scans", "link", "holds the scans"),
    ("link", "scans", "holds the scans"),
    ("scans", "masks/../scans", "holds the scans"),
    ("scans/a.nii.gz", "scans", "holds the scans"),
    ("scans", "hard", r"b\.nii\.gz: is one of the scans by another name"),
    ("scans/a.nii.gz", "scans/a.nii.gz", r"a\.nii\.gz: is one of the scans, which"),
    ("scans/a.nii.gz", "link/a.nii.gz", "is one of the scans"),
    ("link/a.nii.gz", "scans/a.nii.gz", "is one of the scans"),
    ("scans/a.nii.gz", "hard.nii.gz", "is one of the scans by another name"),
    ("scans/a.nii.gz", "soft.nii.gz", "is one of the scans by another name"),
    ("soft.nii.gz", "scans/a.nii.gz", "is one of the scans by another name"),
    ("hard.nii.gz", "soft.nii.gz", "is one of the scans by another name"),
    ("scans", "raw/imagesTr", "belongs to a raw data set"),
    ("scans", "raw-link/labelsTr", "belongs to a raw data set"),
    ("scans", "raw/labelsTr/new/deep", "belongs to a raw data set"),
    ("scans/a.nii.gz", "raw/labelsTr/new.nii.gz", "belongs to a raw data set"),
    ("scans", "raw/imagesTs", "belongs to a raw data set"),
    ("scans", "ws", "is a workspace"),
    ("scans", "ws/models/new", "where a workspace keeps its own files"),
    ("scans", "ws/preprocessed", "where a workspace keeps its own files"),
    ("scans/a.nii.gz", "ws/plans/a.nii.gz", "where a workspace keeps its own files"),
    ("scans", "m8.txt", r"m8\.txt: looks like a file, but \.txt is no format of images"),
    ("scans/a.nii.gz", "m8.csv", "looks like a file"),
    ("scans", "new/masks.ZIP", "looks like a file"),
    ("scans", "all.nii.gz", "looks like a file, but there are 2 results"),
    ("scans/a.nii.gz", "a.mhd", "is one of two files"),
    ("scans/a.nii.gz", "a.HDR", "is one of two files"),
    ("scans", "notes.json", "is a file. Give a folder"),
    ("scans", "notes.json/new", r"notes\.json: is a file"),
    ("scans", "/dev/null", "is neither a file nor a folder"),
    ("scans", "new/" + "x" * 300 + "/new", "no file can be called x+: the name has 300 bytes"),
]


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize(("scans", "out", "message"), NO_MASKS)
def test_masks_do_not_go_there(place: Place, scans: str, out: str, message: str, absolute: bool) -> None:
    before = place.contents()
    where = place.root / out if absolute else Path(out)
    with pytest.raises(DataError, match=message):
        choose_targets(place.find(scans), where, place.workspace)
    assert place.contents() == before


@pytest.mark.parametrize(
    ("scans", "out", "targets"),
    [
        ("scans", "new", ["new/a.nii.gz", "new/b.nii.gz"]),
        ("scans", "scans/masks", ["scans/masks/a.nii.gz", "scans/masks/b.nii.gz"]),
        ("scans", "masks_1.5mm", ["masks_1.5mm/a.nii.gz", "masks_1.5mm/b.nii.gz"]),
        ("scans", "model.v2", ["model.v2/a.nii.gz", "model.v2/b.nii.gz"]),
        ("scans", "raw/masks", ["raw/masks/a.nii.gz", "raw/masks/b.nii.gz"]),
        ("scans", "ws/masks", ["ws/masks/a.nii.gz", "ws/masks/b.nii.gz"]),
        ("scans/a.nii.gz", "scans/a_mask.nii.gz", ["scans/a_mask.nii.gz"]),
        ("scans/a.nii.gz", "new/A.NII.GZ", ["new/A.NII.GZ"]),
        ("scans/a.nii.gz", "a.mha", ["a.mha"]),
    ],
)
def test_masks_go_there(place: Place, scans: str, out: str, targets: list[str]) -> None:
    found = choose_targets(place.find(scans), place.root / out, place.workspace).paths
    assert [str(path.relative_to(place.root)) for path in found] == targets


def test_a_folder_that_exists_may_be_called_like_a_file(place: Place) -> None:
    for name in ("m8.txt", "all.nii.gz"):
        (place.root / name).mkdir()
        targets = choose_targets(place.find("scans"), place.root / name, place.workspace)
        assert targets.paths[0] == place.root / name / "a.nii.gz"


def test_a_folder_in_the_place_of_a_mask_and_names_that_cannot_be_are_refused(place: Place) -> None:
    (place.root / "out" / "a.nii.gz").mkdir(parents=True)
    with pytest.raises(DataError, match=r"a\.nii\.gz: is a folder where a mask belongs"):
        choose_targets(place.find("scans"), place.root / "out", place.workspace)
    scan = NewScan(name="x" * 250, images=(place.root / "scans" / "a.nii.gz",))
    long = Inputs(all=(Input(place=place.root / "scans", layout="", scans=(scan, scan)),))
    with pytest.raises(DataError, match=r"no file can be called x+\.nii\.gz: the name has 257 bytes. Expected at most"):
        choose_targets(long, place.root / "new", place.workspace)


NO_SCORES = [
    ("references/a.nii.gz", "has the suffix of an image"),
    ("new.nii.gz", "has the suffix of an image"),
    ("reference.json", "is one of the masks by another name"),
    ("masks", "is a folder. Name a file for the scores with out="),
    ("notes.json", "exists and is not an evaluation. It would be replaced: name another file"),
    ("listed.json", "exists and is not an evaluation"),
    ("raw/dataset.json", "exists and is not an evaluation"),
    ("description.json", "exists and is not an evaluation"),
    ("findings.json", "exists and is not an evaluation"),
    ("notes.json/new.json", r"notes\.json: is a file"),
    ("ws/models/new.json", "where a workspace keeps its own files"),
    ("/dev/null", "is neither a file nor a folder"),
]


@pytest.mark.parametrize("pair", [("masks", "references"), ("masks/a.nii.gz", "references/a.nii.gz")])
@pytest.mark.parametrize(("out", "message"), NO_SCORES)
def test_scores_do_not_go_there(place: Place, out: str, message: str, pair: tuple[str, str]) -> None:
    write_json(place.root / "findings.json", CheckReport(dataset="a", cases=1, findings=()))
    before = place.contents()
    for where in (place.root / out, Path(out)):
        with pytest.raises(DataError, match=message):
            autoseg.evaluate(*pair, out=where)
    assert place.contents() == before


def test_a_place_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"o\\xfct: its name is not valid UTF-8"):
        refuse_no_place(tmp_path / os.fsdecode(b"o\xfct"))


def test_scores_replace_scores(place: Place) -> None:
    evaluation = evaluate_files(place.root / "masks", place.root / "references", label_targets((1,)))
    for name in ("metrics.json", "masks/metrics.json", "new/scores.json", "empty.json"):
        (place.root / "empty.json").write_bytes(b"")
        for _ in range(2):
            refuse_scores_place(place.root / "masks", place.root / "references", place.root / name)
            write_evaluation(place.root / name, evaluation)
    for name in ("scores.json", "others.json"):
        (place.root / f".partial-abcdefgh-{name}").write_bytes(b"half")
    autoseg.evaluate("masks", "references", out="scores.json")
    assert [path.name for path in place.root.glob(".partial-*")] == [".partial-abcdefgh-others.json"]


def test_the_scores_of_a_fold_are_not_replaced(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    validation = place.workspace.fold("default", "2d", "0").validation
    autoseg.evaluate("masks", "references", out=place.root / "scores.json")
    validation.root.mkdir(parents=True)
    (place.root / "scores.json").rename(validation.metrics)
    before = place.contents()
    monkeypatch.chdir(validation.root)
    assert run(monkeypatch, "evaluate", place.root / "masks", place.root / "references") == 2
    assert place.contents() == before


NO_FINDINGS = [
    ("raw/dataset.json", "is a file of the data set"),
    ("raw-link/dataset.json", "is a file of the data set"),
    ("description.json", "is a file of the data set by another name"),
    ("raw/imagesTr/new.nii.gz", "has the suffix of an image"),
    ("raw", "is a folder"),
    ("notes.json", "exists and is not the findings of a check"),
    ("ws/cases/new.json", "where a workspace keeps its own files"),
]


@pytest.mark.parametrize(("out", "message"), NO_FINDINGS)
def test_findings_do_not_go_there(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], out: str, message: str
) -> None:

    before = place.contents()
    assert run(monkeypatch, "check", place.root / "raw", "-o", out) == 2
    assert re.search(message, " ".join(capsys.readouterr().err.split()))
    assert place.contents() == before


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        ("raw/imagesTr", "belongs to a raw data set"),
        ("raw-link/labelsTr/new", "belongs to a raw data set"),
        ("ws/models", "where a workspace keeps its own files"),
        ("ws", "is a workspace"),
        ("notes.json", "is a file"),
        ("new.png", "looks like a file"),
    ],
)
def test_pictures_do_not_go_there(place: Place, pictures: str, message: str) -> None:
    for where in (place.root / pictures, Path(pictures)):
        with pytest.raises(DataError, match=message):
            refuse_findings_place(place.root / "raw", place.dataset, None, where)


def test_a_description_that_is_not_there_is_not_made_by_findings(place: Place) -> None:
    write_pairs(place.root / "pair" / "images", place.root / "pair" / "labels", 2)
    dataset = read_dataset(place.root / "pair")
    with pytest.raises(DataError, match="would be read as the description of the data set"):
        refuse_findings_place(place.root / "pair", dataset, place.root / "pair" / "dataset.json", None)
    rows = [{"image": "images/sub-000.nii.gz", "label": "labels/sub-000.nii.gz"}]
    listed = write_csv(place.root / "pair" / "cases.csv", rows)
    with pytest.raises(DataError, match="is a file of the data set"):
        refuse_findings_place(listed, read_dataset(listed), listed, None)


def test_findings_replace_findings(place: Place) -> None:
    for name in ("findings.json", "raw/findings.json", "ws/check.json"):
        for _ in range(2):
            refuse_findings_place(place.root / "raw", place.dataset, place.root / name, place.root / "pictures")
            write_json(place.root / name, CheckReport(dataset="raw", cases=2, findings=()))


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_predicting_onto_scans_stops_before_any_work(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], overwrite
) -> None:
    for channel in range(2):
        write_nifti(tmp_path / "scans" / f"a_{channel:04d}.nii.gz", head(1)[0])
    os.link(tmp_path / "scans" / "a_0001.nii.gz", tmp_path / "a.nii.gz")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for out in (tmp_path / "scans", tmp_path, tmp_path / "scans" / "a_0001.nii.gz", trained / "raw" / "labelsTr"):
        assert run(monkeypatch, "predict", tmp_path / "scans", "-o", out, "-w", trained / "ws", *overwrite) == 2
        error = capsys.readouterr().err
        assert error.count("autoseg:") == 1
        assert "Traceback" not in error
        with pytest.raises(DataError):
            autoseg.predict(tmp_path / "scans", out, trained / "ws", overwrite=bool(overwrite))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("command", ["evaluate", "check", "predict"])
def test_a_folder_without_the_rights_to_write_is_refused_before_the_work(place: Place, command: str) -> None:
    # Nobody may write there, not even root.
    out = Path("/proc/self/none/out.json")
    before = place.contents()
    refuse: dict[str, Callable[[], object]] = {
        "evaluate": lambda: refuse_scores_place(place.root / "masks", place.root / "references", out),
        "check": lambda: refuse_findings_place(place.root, place.dataset, out, None),
        "predict": lambda: choose_targets(place.find("scans"), out.parent, place.workspace),
    }
    with pytest.raises(DataError, match=r"/proc/\S+: cannot be written to: the rights are missing"):
        refuse[command]()
    assert place.contents() == before
