"""Models of nnU-Net in one file, which predicts without the folder that they come from."""

from __future__ import annotations

import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.models import Bundle
from autoseg.models.nnunet import read_nnunet
from autoseg.pipeline.models.trained import load_models
from dataset_fingerprints.errors import DataError
from tests.autoseg.models.nnunet.builders import TinyModel, TinyNetwork
from tests.synthetic.commands import run
from tests.synthetic.scans import head, write_nifti

FULL = "3d_fullres"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = TinyNetwork()
    tiny = TinyModel(root=tmp_path_factory.mktemp("results") / "Dataset007_Tiny").add(FULL, network)
    return tiny.write(FULL, {str(fold): network.make_weights(fold) for fold in range(2)})


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "new.nii.gz"
    write_nifti(path, head(77, (20, 24, 18))[0])
    return path


def test_an_imported_model_predicts_from_its_file_what_it_does_from_its_folder(
    folder: Path, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "import-nnunet", folder, "-o", "model.zip", "--licence", "CC-BY-4.0") == 0
    assert run(monkeypatch, "predict", scan, "-o", "masks", "-m", "model.zip") == 0
    expected = load_models(read_nnunet(folder).models).predict(scan)
    made = nibabel.load(tmp_path / "masks" / "new.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(made.dataobj), expected.labels)
    np.testing.assert_allclose(made.affine, expected.affine)


def test_the_card_says_that_the_cases_are_not_known(folder: Path, tmp_path: Path) -> None:
    path = autoseg.import_nnunet(folder, tmp_path / "model.zip", folds=[1], name="Lesions")
    with zipfile.ZipFile(path) as archive:
        card = archive.read("README.md").decode()
    assert card.startswith("# Lesions")
    assert "Unknown: another program trained it" in card
    bundle = Bundle(path)
    assert bundle.description.rule == "logits"
    assert [fold.fold for fold in bundle.description.folds] == ["1"]
    assert not bundle.run().cases_known


def test_what_cannot_be_imported_is_said_in_a_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "model.zip"
    assert run(monkeypatch, "import-nnunet", folder.parent, "-c", "2d", "-o", out) == 2
    assert "holds no configuration 2d" in capsys.readouterr().err.replace("\n", " ")
    assert run(monkeypatch, "import-nnunet", folder, "--best", "-o", out) == 2
    assert "checkpoint_best.pth" in capsys.readouterr().err.replace("\n", " ")
    assert not out.exists()


def test_an_existing_file_of_another_kind_stays(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "thesis.zip"
    out.write_bytes(b"years of work")
    with pytest.raises(DataError, match="is not an exported model"):
        autoseg.import_nnunet(folder, out)
    assert out.read_bytes() == b"years of work"
