"""`import autoseg`, and its functions as the README shows them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import AutosegError, DataError, WorkspaceError
from tests.synthetic.scans import affine_of, blob, write_description, write_nifti
from tests.synthetic.small_networks import SMALL_NETWORKS

ROOT = Path(__file__).parents[4]
SHAPE = (20, 24, 16)
QUICK = ("training.iterations=3", "training.validation_rounds=0", "batch_size=2", *SMALL_NETWORKS)
# Variables that scikit-learn, blosc2 and torch's compiler set for themselves.
OF_LIBRARIES = {"KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK", "ME_DSL_JIT_LIBTCC_PATH", "TORCHINDUCTOR_CACHE_DIR"}
TURNED = affine_of((1, 2, 0), (-1, 1, 1))


def run_python(code: str, folder: Path) -> str:
    """Run a script without a main guard in a folder, and return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    script = folder / "notebook.py"
    script.write_text(code, encoding="utf-8")
    command = (sys.executable, script)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def read_example() -> str:
    """Return the README's example with a training of three steps in place of minutes."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("## In Python\n")[1]
    match = re.search(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert match is not None
    code = match.group(1)
    assert "max_minutes=15" in code
    quick = f'plan_and_preprocess("DATASET", assignments={QUICK})'
    return code.replace("max_minutes=15", "iterations=3").replace('plan_and_preprocess("DATASET")', quick)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the README's example has run twice in one process."""
    folder = tmp_path_factory.mktemp("face")
    rng = np.random.default_rng(0)
    for index in range(6):
        lesion = blob(SHAPE, tuple(rng.uniform(7, 10, 3)), 4)
        image = (rng.normal(10, 1, SHAPE) + 8 * lesion).astype(np.float32)
        name = f"sub-{index:02d}"
        if index < 5:
            write_nifti(folder / "DATASET" / "imagesTr" / f"{name}_0000.nii.gz", image)
            write_nifti(folder / "DATASET" / "labelsTr" / f"{name}.nii.gz", lesion.astype(np.uint8))
        else:
            write_nifti(folder / "SCANS" / "sub-01.nii.gz", image, TURNED)
            write_nifti(folder / "REFERENCES" / "sub-01.nii.gz", lesion.astype(np.uint8), TURNED)
    write_description(folder / "DATASET", {"background": 0, "lesion": 1}, ("T1w",), 5)
    twice = "\n".join(
        (
            "import os",
            "before = dict(os.environ)",
            "for _ in range(2):",
            textwrap.indent(read_example(), "    "),
            "    assert 0 <= scores.foreground_mean_dice <= 1",
            "    assert len(evaluation.cases) == 1",
            "    assert [path.name for path in masks] == ['sub-01.nii.gz']",
            "changed = {name for name in {*os.environ, *before} if os.environ.get(name) != before.get(name)}",
            f"assert changed <= {OF_LIBRARIES}, changed",
        )
    )
    (folder / "printed.txt").write_text(run_python(twice, folder), encoding="utf-8")
    return folder


def test_the_readmes_example_runs_twice_in_one_process_without_a_main_guard(folder: Path) -> None:
    printed = (folder / "printed.txt").read_text(encoding="utf-8")
    assert [line.startswith(f"{SHAPE} ") for line in printed.splitlines()].count(True) == 2
    assert "3d_fullres" in printed


def test_a_loaded_model_gives_what_predict_writes(folder: Path) -> None:
    found = autoseg.load_model(folder / "DATASET-autoseg").predict(folder / "SCANS" / "sub-01.nii.gz")
    mask = nibabel.load(folder / "MASKS" / "sub-01.nii.gz")
    assert np.array_equal(found.labels, np.asarray(mask.dataobj))
    assert np.allclose(found.affine, mask.affine)
    lesion = found.probability("lesion")
    assert lesion.shape == SHAPE
    assert np.array_equal(lesion > 0.5, found.labels == 1)
    assert np.array_equal(found.probability(1), lesion)
    for unknown in (0, True, None):
        with pytest.raises(ValueError, match="there is no label or region"):
            found.probability(unknown)


def test_a_loaded_model_takes_arrays(folder: Path) -> None:
    model = autoseg.load_model(Workspace(root=folder / "DATASET-autoseg"), mirror=False)
    voxels = np.asarray(nibabel.load(folder / "DATASET" / "imagesTr" / "sub-00_0000.nii.gz").dataobj)
    found = model.predict(voxels, spacing_mm=(1.0, 1.0, 1.0))
    assert found.labels.shape == SHAPE
    with pytest.raises(DataError, match="an array has no voxel size"):
        model.predict(voxels)
    with pytest.raises(DataError, match=r"Expected \(i, j, k\) or \(channel, i, j, k\) with 1 channel \(T1w\)"):
        model.predict(voxels[0], spacing_mm=(1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="Did you mean 'lesion'"):
        found.probability("lesions")


@pytest.mark.parametrize("spacing_mm", [(0, 4, 4), (4, 4, -4), (4, 4), (4, 4, 4, 4), 4, (4, 4, float("nan")), "4"])
def test_voxel_sizes_of_arrays_are_three_lengths(folder: Path, spacing_mm: object) -> None:
    model = autoseg.load_model(folder / "DATASET-autoseg", mirror=False)
    with pytest.raises(DataError, match="Expected three lengths above 0 in mm"):
        model.predict(np.zeros(SHAPE), spacing_mm=spacing_mm)  # type: ignore[arg-type]


def test_a_place_for_the_masks_is_needed(folder: Path) -> None:
    with pytest.raises(AutosegError, match=r"out is None, of type NoneType\. Expected a path"):
        autoseg.predict(folder / "SCANS", None, folder / "DATASET-autoseg")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scan", "message"),
    [
        (np.zeros((0, 4, 4)), r"Expected \(i, j, k\)"),
        (np.zeros(SHAPE, dtype=complex), "values of type complex128"),
        (np.full(SHAPE, 1e300), "NaN, infinite or beyond 3e38"),
        (np.full(SHAPE, np.nan), "NaN, infinite or beyond 3e38"),
        ([[1.0, 2.0]], "the scan is of type list. Expected a file"),
        (None, "the scan is of type NoneType. Expected a file"),
    ],
)
def test_what_is_not_a_scan_is_refused(folder: Path, scan: object, message: str) -> None:
    model = autoseg.load_model(folder / "DATASET-autoseg", mirror=False)
    with pytest.raises(DataError, match=message):
        model.predict(scan, spacing_mm=(1.0, 1.0, 1.0))  # type: ignore[arg-type]


def test_a_single_name_needs_no_list(folder: Path) -> None:
    scan = folder / "SCANS" / "sub-01.nii.gz"
    one = autoseg.load_model(folder / "DATASET-autoseg", configurations="3d_fullres", folds=0, mirror=False)  # type: ignore[arg-type]
    many = autoseg.load_model(folder / "DATASET-autoseg", configurations=["3d_fullres"], folds=["0"], mirror=False)
    assert np.array_equal(one.predict(scan).labels, many.predict(scan).labels)
    evaluation = autoseg.evaluate(folder / "MASKS", folder / "REFERENCES", metrics="lesion_recall")
    assert "lesion_recall" in {score.metric for label in evaluation.cases[0].labels for score in label.scores}


def test_data_are_checked_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "DATASET", tmp_path / "DATASET")
    before = sorted(tmp_path.rglob("*"))
    report = autoseg.check(tmp_path / "DATASET")
    assert (report.cases, [one.kind for one in report.findings if one.grade == "error"]) == (5, [])
    first = min((tmp_path / "DATASET" / "labelsTr").iterdir())
    first.write_bytes(first.read_bytes()[:100])
    damaged = [one for one in autoseg.check(tmp_path / "DATASET").findings if one.grade == "error"]
    assert [one.case for one in damaged] == [first.name.removesuffix(".nii.gz")]
    assert sorted(tmp_path.rglob("*")) == before


def test_labels_to_score_are_whole_numbers_given_once(folder: Path) -> None:
    places = (folder / "MASKS", folder / "REFERENCES")
    for wrong in (["1"], [1.5], [None]):
        with pytest.raises(TypeError, match="integer"):
            autoseg.evaluate(*places, labels=wrong)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="core is given 2 times"):
        autoseg.evaluate(*places, regions=["core=1", "core=2"])


def test_a_workspace_stays_where_it_is_when_the_current_directory_changes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    workspace = autoseg.plan_and_preprocess("DATASET", workspace="DATASET-autoseg", assignments=QUICK)
    monkeypatch.chdir(tmp_path)
    assert workspace.root == folder / "DATASET-autoseg"
    assert autoseg.explain(workspace).plan.name == "default"


def test_one_fold_is_a_model_without_its_workspace(folder: Path, tmp_path: Path) -> None:
    (fold,) = Workspace(root=folder / "DATASET-autoseg").folds("default", "3d_fullres")
    alone = FoldFolder(root=tmp_path / "anywhere")
    alone.root.mkdir()
    for path in (fold.run, *fold.weight_files()):
        (alone.root / path.name).write_bytes(path.read_bytes())
    scan = folder / "SCANS" / "sub-01.nii.gz"
    expected = autoseg.load_model(folder / "DATASET-autoseg").predict(scan)
    assert np.array_equal(autoseg.load_model(alone.root).predict(scan).labels, expected.labels)


def test_a_model_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=re.escape(str(tmp_path))):
        autoseg.load_model(tmp_path)


def test_importing_autoseg_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, autoseg\n"
        "print([name for name in ('torch', 'numpy', 'scipy', 'nibabel', 'typer') if name in sys.modules])\n"
        "print(sorted(set(dir(autoseg)) & set(autoseg.__all__)) == sorted(autoseg.__all__))\n"
    )
    assert run_python(code, tmp_path).split("\n") == ["[]", "True", ""]


def test_numbers_of_cases_are_not_taken_for_channels_where_there_is_one(folder: Path, tmp_path: Path) -> None:
    scan = folder / "SCANS" / "sub-01.nii.gz"
    (tmp_path / "scans").mkdir()
    for name in ("new_0001", "new_0002"):
        (tmp_path / "scans" / f"{name}.nii.gz").write_bytes(scan.read_bytes())
    masks = autoseg.predict(tmp_path / "scans", tmp_path / "masks", folder / "DATASET-autoseg", mirror=False)
    assert [path.name for path in masks] == ["new_0001.nii.gz", "new_0002.nii.gz"]
