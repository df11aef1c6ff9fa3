"""Masks of a BIDS tree as a derivative: names, sidecars, and what the validator of BIDS says of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.pipeline.predictions.bids import Derivative, make_derivative, name_labels
from autoseg.pipeline.predictions.extras import Extras
from autoseg.pipeline.scans.new_scans import NewScan
from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.layouts import list_references
from tests.synthetic.tiny import CONFIGURATION, QUICK
from tests.synthetic.trees import bids, write_tree

VALIDATOR = os.environ.get("AUTOSEG_BIDS_VALIDATOR") or shutil.which("bids-validator-deno")
NO_VALIDATOR = "no BIDS validator: pip install bids-validator-deno, or name one by AUTOSEG_BIDS_VALIDATOR"
LESION = LabelScheme(labels=(Label(name="stroke lesion", value=1),))
SEVERAL = LabelScheme(labels=(Label(name="core", value=1), Label(name="c-ore", value=4)))


def derive(root: Path, *files: str, scheme: LabelScheme = LESION, case: str = "sub-01") -> Derivative:
    paths = []
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(b"")
        paths.append(root / file)
    return make_derivative(root.parent / "out", [(root, NewScan(name=case, images=tuple(paths)))], scheme)


@pytest.mark.parametrize(
    ("file", "mask"),
    [
        ("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_space-orig_label-L_mask.nii.gz"),
        (
            "sub-01/ses-2/anat/sub-01_ses-2_acq-hi_run-1_T1w.nii",
            "sub-01/ses-2/anat/sub-01_ses-2_acq-hi_run-1_space-orig_label-L_mask.nii.gz",
        ),
        ("sub-01/ses-2/dwi/sub-01_dwi.nii.gz", "sub-01/ses-2/dwi/sub-01_ses-2_space-orig_label-L_mask.nii.gz"),
        ("sub-01/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_space-orig_label-L_mask.nii.gz"),
        (
            "Training/R001/sub-01/anat/sub-01_space-MNI152NLin2009aSym_T1w.nii.gz",
            "Training/R001/sub-01/anat/sub-01_space-MNI152NLin2009aSym_label-L_mask.nii.gz",
        ),
        (
            "derivatives/prep/sub-01/anat/sub-01_space-T1w_res-2_desc-preproc_FLAIR.nii.gz",
            "sub-01/anat/sub-01_space-T1w_res-2_label-L_desc-preproc_mask.nii.gz",
        ),
    ],
)
def test_names_keep_the_entities_of_the_scan_in_their_order(tmp_path: Path, file: str, mask: str) -> None:
    derivative = derive(tmp_path / "raw", file)
    assert derivative.mask("sub-01") == tmp_path / "out" / mask


def test_labels_have_one_name_each_without_anything_but_letters_and_digits() -> None:
    assert name_labels(["Stroke Lesion"]) == ("L",)
    assert name_labels(["hippocampus left"]) == ("hippocampusleft",)
    assert name_labels(["core", "c-ore", "WMH", "?"]) == ("core", "core2", "WMH", "label")
    assert name_labels(["core", "core3", "c-ore"]) == ("core", "core3", "core33")


def test_sidecars_say_what_a_mask_is_and_where_it_comes_from(tmp_path: Path) -> None:
    derivative = derive(tmp_path / "raw", "sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_FLAIR.nii.gz")
    derivative.write_sidecars("sub-01", ["stroke lesion"])
    derivative.describe("1.2", "a model")
    sidecar = json.loads((tmp_path / "out/sub-01/anat/sub-01_space-orig_label-L_mask.json").read_text(encoding="utf-8"))
    assert sidecar["Type"] == "Lesion"
    assert sidecar["Sources"] == [f"bids:raw:sub-01/anat/sub-01_{kind}.nii.gz" for kind in ("T1w", "FLAIR")]
    assert sidecar["SpatialReference"] == sidecar["Sources"][0]
    assert "RawSources" not in sidecar
    assert (tmp_path / "out/sub-01/anat/sub-01_space-orig_label-L_probseg.json").is_file()
    described = json.loads((tmp_path / "out/dataset_description.json").read_text(encoding="utf-8"))
    assert described["DatasetType"] == "derivative"
    assert described["GeneratedBy"] == [{"Name": "autoseg", "Version": "1.2", "Description": "a model"}]
    assert described["DatasetLinks"] == {"raw": "../raw"}
    # An own one is no obstacle to the next run.
    derive(tmp_path / "raw", "sub-01/anat/sub-01_T1w.nii.gz")


def test_masks_of_a_second_tree_do_not_change_where_those_of_the_first_come_from(tmp_path: Path) -> None:
    called = []
    for name in ("first", "second", "first"):
        derivative = derive(tmp_path / name, "sub-01/anat/sub-01_T1w.nii.gz")
        derivative.describe("1.2", "a model")
        called.append(derivative.names["sub-01"].sources[0].split(":")[1])
    assert called == ["raw", "raw1", "raw"]
    described = json.loads((tmp_path / "out/dataset_description.json").read_text(encoding="utf-8"))
    assert described["DatasetLinks"] == {"raw": "../first", "raw1": "../second"}


def test_several_labels_have_a_table_of_their_names(tmp_path: Path) -> None:
    derivative = derive(tmp_path / "raw", "sub-01/anat/sub-01_T1w.nii.gz", scheme=SEVERAL)
    derivative.write_sidecars("sub-01")
    assert (tmp_path / "out/sub-01/anat/sub-01_space-orig_dseg.tsv").read_text(
        encoding="utf-8"
    ) == "index\tname\n1\tcore\n4\tc-ore\n"
    assert derivative.probability("sub-01", "c-ore").name == "sub-01_space-orig_label-core2_probseg.nii.gz"


def test_a_mask_that_is_made_again_by_another_model_has_the_names_of_its_labels(tmp_path: Path) -> None:
    before, now = (
        derive(tmp_path / "raw", "sub-01/anat/sub-01_T1w.nii.gz", scheme=scheme)
        for scheme in (SEVERAL, LabelScheme(labels=(Label(name="edema", value=1), Label(name="core", value=4))))
    )
    before.write_sidecars("sub-01")
    extras = Extras(derivative=now)
    extras.forget("sub-01")
    extras.complete("sub-01", now.mask("sub-01"))
    assert (tmp_path / "out/sub-01/anat/sub-01_space-orig_dseg.tsv").read_text(
        encoding="utf-8"
    ) == "index\tname\n1\tedema\n4\tcore\n"
    sidecar = json.loads((tmp_path / "out/sub-01/anat/sub-01_space-orig_dseg.json").read_text(encoding="utf-8"))
    assert sidecar["Description"] == "Predicted by autoseg: edema, core"


def test_uris_begin_at_the_data_set_where_only_a_subject_is_given(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    derivative = derive(raw / "sub-01", "anat/sub-01_T1w.nii.gz")
    assert derivative.names["sub-01"].sources == ("bids:raw:sub-01/anat/sub-01_T1w.nii.gz",)
    assert derivative.mask("sub-01").relative_to(derivative.out).as_posix().startswith("sub-01/anat/sub-01_space-orig")


def test_predicted_masks_in_derivatives_are_no_labels_of_the_tree(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "raw", *bids(["sub-01"], "T1w", "label-L_mask"))
    scan = NewScan(name="sub-01", images=(tree / "sub-01/anat/sub-01_T1w.nii.gz",))
    derivative = make_derivative(tree / "derivatives" / "autoseg", [(tree, scan)], LESION)
    derivative.mask("sub-01").parent.mkdir(parents=True)
    shutil.copy(tree / "sub-01/anat/sub-01_label-L_mask.nii.gz", derivative.mask("sub-01"))
    derivative.describe("1.2", "a model")
    listed = list_references(tree)
    assert listed is not None
    assert [case.label.name for case in listed.cases] == ["sub-01_label-L_mask.nii.gz"]


@pytest.fixture(scope="module")
def predicted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree `new`, and what was predicted of it in `out`, with two networks."""
    root = tmp_path_factory.mktemp("bids")
    subjects = [f"sub-{number:02d}" for number in range(1, 5)]
    write_tree(root / "data", *bids(subjects, "T1w", "label-L_mask"))
    workspace = autoseg.plan_and_preprocess(
        root / "data", workspace=root / "ws", configurations=[CONFIGURATION], assignments=QUICK
    )
    for fold in (0, 1):
        autoseg.train(workspace, fold, configuration=CONFIGURATION)
    write_tree(root / "new", *bids(["sub-21", "sub-22"], "acq-hi_T1w", "label-L_mask", session="ses-1"))
    (root / "new" / "dataset_description.json").write_text('{"Name": "new", "BIDSVersion": "1.10.0"}')
    autoseg.predict(root / "new", root / "out", root / "ws", probabilities=True, uncertainty=True)
    return root


def test_a_tree_is_predicted_as_a_derivative_and_scored_against_the_tree(predicted: Path) -> None:
    stem = "sub-21/ses-1/anat/sub-21_ses-1_acq-hi_space-orig_label-L"
    written = {path.relative_to(predicted / "out").as_posix() for path in (predicted / "out").rglob("*.nii.gz")}
    assert {f"{stem}_mask.nii.gz", f"{stem}_probseg.nii.gz"} < written
    assert len(written) == 4
    maps = sorted(path.name for path in (predicted / "out-report" / "uncertainty").iterdir())
    assert [name.rsplit("_", 1)[1] for name in maps[:2]] == ["disagreement.nii.gz", "entropy.nii.gz"]
    mask, probability = (
        np.asarray(nibabel.load(predicted / "out" / f"{stem}_{kind}.nii.gz").dataobj) for kind in ("mask", "probseg")
    )
    assert np.array_equal(mask == 1, probability > 0.5)
    evaluation = autoseg.evaluate(predicted / "out", predicted / "new")
    assert [case.case for case in evaluation.cases] == ["sub-21_ses-1", "sub-22_ses-1"]
    again = autoseg.predict(predicted / "new", predicted / "out", predicted / "ws", probabilities=True)
    assert len(again.made()) == 0


@pytest.mark.slow
@pytest.mark.skipif(VALIDATOR is None, reason=NO_VALIDATOR)
def test_the_validator_of_bids_finds_no_error(predicted: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(predicted / "out", tmp_path / "out")
    several = derive(tmp_path / "raw", "sub-31/anat/sub-31_T1w.nii.gz", scheme=SEVERAL, case="sub-31")
    mask = copied / several.mask("sub-31").relative_to(several.out)
    mask.parent.mkdir(parents=True)
    shutil.copy(next(copied.rglob("*_mask.nii.gz")), mask)
    several.write_sidecars("sub-31")
    said = subprocess.run([str(VALIDATOR), copied, "--json"], capture_output=True, text=True, check=False)
    found = json.loads(said.stdout[said.stdout.index("{") :])["issues"]["issues"]
    assert [issue for issue in found if issue.get("severity") == "error"] == []
    assert any(path.name.endswith("dseg.tsv") for path in copied.rglob("*"))
    (copied / "sub-21" / "sub-21_wrong.nii.gz").write_bytes(mask.read_bytes())
    wrong = subprocess.run([str(VALIDATOR), copied, "--json"], capture_output=True, text=True, check=False)
    assert "error" in wrong.stdout, "a wrong name is found"
