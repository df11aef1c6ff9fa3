"""The mark of simulated scans on everything that is made of them, from the plan to the exported model."""

from __future__ import annotations

import csv
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from autoseg.cli.results.deciding import show_explanation
from autoseg.cli.results.scores import show_scores
from autoseg.pipeline.faces import face, model_face
from tests.synthetic.once import make_once
from tests.synthetic.tiny import CONFIGURATION, Tiny, write_tiny


def make_marked(root: Path) -> None:
    tiny = write_tiny(root, 5)
    mark(tiny)
    tiny.plan()
    tiny.train(0)


def mark(tiny: Tiny) -> None:
    path = tiny.raw / "dataset.json"
    path.write_text(json.dumps(read(path) | {"simulated": True}), encoding="utf-8")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return Tiny(root=make_once(tmp_path_factory, "marked", make_marked))


def test_the_files_of_a_workspace_are_marked(marked: Tiny) -> None:
    workspace, fold = marked.workspace, marked.fold()
    files = (workspace.dataset, workspace.fingerprint, workspace.plan("default"), fold.validation.metrics)
    assert all(read(path)["simulated"] is True for path in files)
    assert read(fold.run)["summary"]["simulated"] is True
    with fold.table.open(encoding="utf-8-sig", newline="") as stream:
        assert {row["simulated"] for row in csv.DictReader(stream)} == {"yes"}


def test_files_of_other_scans_are_as_ever(finished: Tiny) -> None:
    workspace, fold = finished.workspace, finished.fold()
    files = (workspace.dataset, workspace.fingerprint, workspace.plan("default"), fold.validation.metrics, fold.run)
    assert not any('"simulated":' in path.read_text(encoding="utf-8") for path in files)


def test_titles_of_tables_begin_with_the_mark(marked: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    evaluation = marked.train(0)
    show_scores("Fold 0", evaluation)  # type: ignore[arg-type]
    assert "SIMULATED: Fold 0" in capsys.readouterr().out
    explained = face.explain(marked.workspace)
    show_explanation(explained, everything=False)
    assert "SIMULATED: Plan default" in capsys.readouterr().out
    assert "SIMULATED: Plan default" in str(explained)


def test_an_exported_model_says_so_in_its_list_and_on_its_card(marked: Tiny, tmp_path: Path) -> None:
    path = model_face.export(marked.workspace, out=tmp_path / "model.zip", configurations=(CONFIGURATION,))
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("model.json"))["simulated"] is True
        card = archive.read("README.md").decode()
    assert "**SIMULATED scans: this model was trained on scans that a program made" in card
    assert f"| SIMULATED: {CONFIGURATION}" in card


def test_masks_of_simulated_scans_and_their_scores_are_marked(marked: Tiny, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    model_face.predict(marked.raw / "imagesTr", masks, marked.workspace)
    record = read(tmp_path / "masks-report" / "prediction.json")
    assert record["simulated"] is True
    assert record["model"]["simulated"] is True
    assert all(case["simulated"] is True for case in record["cases"])
    for name in ("predictions.csv", "lesions.csv"):
        with (tmp_path / "masks-report" / name).open(encoding="utf-8-sig", newline="") as stream:
            assert {row["simulated"] for row in csv.DictReader(stream)} == {"yes"}
    # Tables with the mark are known for earlier ones.
    model_face.predict(marked.raw / "imagesTr", masks, marked.workspace)
    assert not list((tmp_path / "masks-report").glob("*-2.*"))
    assert face.evaluate(masks, marked.raw / "labelsTr").simulated
    # Also where the references lie elsewhere, without a description.
    references = tmp_path / "references"
    shutil.copytree(marked.raw / "labelsTr", references)
    scores = tmp_path / "scores" / "metrics.json"
    assert face.evaluate(masks, references, out=scores).simulated
    assert read(scores)["simulated"] is True
    with (tmp_path / "scores" / "metrics.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert {row["simulated"] for row in csv.DictReader(stream)} == {"yes"}


def test_a_single_mask_of_a_simulated_scan_and_its_scores_are_marked(marked: Tiny, tmp_path: Path) -> None:
    case, mask, reference = marked.cases()[0], tmp_path / "masks" / "a.nii.gz", tmp_path / "references" / "a.nii.gz"
    model_face.predict(marked.scan(case), mask, marked.workspace)
    reference.parent.mkdir()
    shutil.copy(marked.label(case), reference)
    assert read(tmp_path / "masks" / "a-prediction.json")["simulated"] is True
    assert face.evaluate(mask, reference).simulated
    assert face.evaluate(mask.parent, reference.parent).simulated


def test_scans_of_patients_stay_unmarked_with_a_model_of_simulated_ones(marked: Tiny, tmp_path: Path) -> None:
    scans, references = tmp_path / "scans", tmp_path / "references"
    case = marked.cases()[0]
    for source, folder in ((marked.scan(case), scans), (marked.label(case), references)):
        folder.mkdir()
        shutil.copy(source, folder / f"{case}.nii.gz")
    model_face.predict(scans, tmp_path / "masks", marked.workspace)
    record = read(tmp_path / "masks-report" / "prediction.json")
    assert record["model"]["simulated"] is True
    assert "simulated" not in record
    assert "simulated" not in (tmp_path / "masks-report" / "predictions.csv").read_text(encoding="utf-8")
    assert not face.evaluate(tmp_path / "masks", references).simulated
