"""The commands of the how-to pages are run as they are written, on small simulated data that bear the pages' names."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from autoseg.workspace.loop import LoopFolder
from experiments.reference.blocks import list_blocks
from tests.synthetic.commands import run
from tests.synthetic.dicom import write_series

PAGES = Path(__file__).parents[1] / "docs" / "pages"
# Commands that are not run here, and why.
NOT_RUN = {
    "curl": "asks the server, which is not running",
    "autoseg serve": "serves until it is ended; its test asks it twenty times",
    "experiments rivals": "trains for half an hour",
    "experiment compare": "trains for hours; its test trains for seconds",
    "train all": "trains five folds; the tutorial does",
    "autoseg tune": "searches for an hour; its tests search for seconds",
    "weak-labels": "needs places that somebody marked; its tests mark some",
    "radiomics": "needs an extra package of 1.5 GB; its tests run where it is installed",
    "label-shares": "needs label maps of several sources; its tests make some",
    "agreement": "needs two readers; its tests make two",
    "lesion-classes": "needs two trained folds and two tasks; its tests train them",
    "--planner mapping2022": "plans four networks for 8 GB; its recipe has a test",
}
STEPS = ("--iterations", "3")
# What a page calls its places, and what there is before its first command.
BEFORE = {
    "few-cases": ("SCANS", "REFERENCES"),
    "fine-tuning": ("model.zip",),
    "labelling": ("LABELLED", "SCANS"),
    "container": ("ws", "BIDS", "scan.nii.gz"),
    "lesion-load": ("MASKS", "cst_left.nii.gz", "cst_right.nii.gz", "TABLE.csv"),
    "small-lesions": ("MASKS", "REFERENCES"),
    "papers": ("masks-a", "masks-b", "references"),
    "data": ("cases.csv",),
    "bids": ("TREE", "BIDS"),
    "dicom": ("DICOM", "model.zip", "SCANNER", "OUTLINES"),
    "combining": ("DATASET_A", "DATASET_B"),
    "predicting": ("ws", "SCANS"),
    "models": ("ws",),
    "scores": ("MASKS", "REFERENCES"),
    "training": ("ws",),
}
# A file that a page names, and that its commands make.
MADE = {
    "bids": "sub-01_space-orig_label-L_mask.nii.gz",
    "predicting": "contact_sheet.png",
}
# Pages none of whose commands are run here.
NOT_HERE = {
    "atlas": "needs a release of ATLAS; tests/autoseg/pipeline/atlas makes them",
    "machines": "needs cards or Slurm; tests/autoseg/cli/test_explain.py has its other commands",
    "recipes": "trains for an hour; tests/experiments/experiment trains for seconds",
    "nnunet-models": "needs a model of nnU-Net's; tests/autoseg/models/nnunet make one",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a data set, a trained workspace and its bundle."""
    root = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        simulate = ("--cases", "8", "--held-out", "3", "--spacing-mm", "6", "--cubic", "--min-lesion-ml", "5")
        assert run(patch, "simulate", "DATASET", *simulate) == 0
        assert run(patch, "plan_and_preprocess", "DATASET", "-w", "ws") == 0
        assert run(patch, "train", "0", "-w", "ws", *STEPS) == 0
        assert run(patch, "export", "ws", "-o", "model.zip") == 0
    return root


def _copy_scans(name: str, made: Path) -> None:
    shutil.copytree(made / "DATASET" / "imagesTs", name)


def _copy_masks(name: str, made: Path) -> None:
    shutil.copytree(made / "DATASET" / "labelsTs", name)


def _copy_data(name: str, made: Path) -> None:
    shutil.copytree(made / "DATASET", name)


def _copy_scan(name: str, made: Path) -> None:
    shutil.copy(next((made / "DATASET" / "imagesTs").glob("*.nii.gz")), name)


def _copy_model(name: str, made: Path) -> None:
    shutil.copy(made / name, name)


def _copy_workspace(name: str, made: Path) -> None:
    shutil.copytree(made / name, name, symlinks=True)


def _write_bids(name: str, made: Path, of: str = "Ts") -> None:
    for number, (scan, mask) in enumerate(_list_pairs(made, of), 1):
        folder = Path(name) / f"sub-0{number}" / "anat"
        folder.mkdir(parents=True)
        shutil.copy(scan, folder / f"sub-0{number}_T1w.nii.gz")
        if of == "Tr":
            shutil.copy(mask, folder / f"sub-0{number}_label-L_mask.nii.gz")
    Path(name, "dataset_description.json").write_text('{"Name": "Made", "BIDSVersion": "1.9.0"}', encoding="utf-8")


def _write_tree(name: str, made: Path) -> None:
    _write_bids(name, made, "Tr")


def _list_pairs(made: Path, of: str) -> list[tuple[Path, Path]]:
    scans = sorted((made / "DATASET" / f"images{of}").glob("*.nii.gz"))
    return [(scan, made / "DATASET" / f"labels{of}" / scan.name.replace("_0000.nii.gz", ".nii.gz")) for scan in scans]


def _write_dicom(name: str, made: Path) -> None:
    for number, (scan, _) in enumerate(_list_pairs(made, "Tr"), 1):
        image = nib.load(scan)
        voxels = np.asarray(image.dataobj)
        scaled = (voxels / voxels.max() * 1000).astype(np.int16)
        write_series(Path(name) / f"P{number:02}" / "T1", scaled, image.affine, uid=f"1.2.3.{number}")


def _write_outlines(name: str, made: Path) -> None:
    Path(name).mkdir()
    for number, (_, mask) in enumerate(_list_pairs(made, "Tr"), 1):
        shutil.copy(mask, Path(name) / f"P{number:02}.nii.gz")


def _copy_mask(name: str, made: Path) -> None:
    shutil.copy(next((made / "DATASET" / "labelsTs").glob("*.nii.gz")), name)


def _write_people(name: str, _: Path) -> None:
    Path(name).write_text("id,initial,follow_up\nA,8,8\nB,11,65\nC,8,12\n", encoding="utf-8")


def _write_table(name: str, made: Path) -> None:
    rows = ["image:T1w,label"]
    for scan in sorted((made / "DATASET" / "imagesTr").glob("*.nii.gz")):
        label = made / "DATASET" / "labelsTr" / scan.name.replace("_0000.nii.gz", ".nii.gz")
        rows.append(f"{scan},{label}")
    Path(name).write_text("\n".join(rows) + "\n", encoding="utf-8")


# What each name on a page stands for.
MAKE = {
    **dict.fromkeys(("DATASET", "DATASET_A", "DATASET_B", "LABELLED"), _copy_data),
    **dict.fromkeys(("MASKS", "REFERENCES", "masks-a", "masks-b", "references"), _copy_masks),
    **dict.fromkeys(("cst_left.nii.gz", "cst_right.nii.gz"), _copy_mask),
    "BIDS": _write_bids,
    "TREE": _write_tree,
    **dict.fromkeys(("DICOM", "SCANNER"), _write_dicom),
    "OUTLINES": _write_outlines,
    "SCANS": _copy_scans,
    "TABLE.csv": _write_people,
    "cases.csv": _write_table,
    "model.zip": _copy_model,
    "scan.nii.gz": _copy_scan,
    "ws": _copy_workspace,
}


def _correct(made: Path) -> None:
    """Write the references over the masks that people are to correct."""
    folder = LoopFolder(root=Path("LABELLED-labelling")).round(1).to_correct
    masks = list(folder.glob("*.nii.gz"))
    assert masks
    for mask in masks:
        shutil.copy(made / "DATASET" / "labelsTs" / mask.name, mask)


# What people do before a command, with other programs.
PEOPLE = {"autoseg label accept": _correct}


def change(command: str) -> str | None:
    """Return a command with a short training in the place of a long one; None where it is not run here."""
    if any(words in command for words in NOT_RUN):
        return None
    if command.startswith("autoseg train") or command.startswith("autoseg label train"):
        return f"{command} {shlex.join(STEPS)}"
    return command


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(BEFORE))
def test_the_commands_of_a_page_run(
    page: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DATASET", *BEFORE[page]):
        MAKE[name](name, made)
    ran = 0
    text = (PAGES / "how-to" / f"{page}.md").read_text(encoding="utf-8")
    for block in list_blocks(text):
        for command in filter(None, map(change, block.commands())):
            if command in PEOPLE:
                PEOPLE[command](made)
            if command.startswith("autoseg "):
                assert run(monkeypatch, *shlex.split(command)[1:]) == 0, f"{command}\n{capsys.readouterr().err}"
            else:
                subprocess.run(("sh", "-c", command), check=True)
            ran += 1
    assert ran
    if page in MADE:
        assert MADE[page] in text
        assert list(tmp_path.rglob(MADE[page]))


def test_every_how_to_is_run_or_says_why_not() -> None:
    pages = {page.stem for page in (PAGES / "how-to").glob("*.md")}
    assert set(BEFORE) | set(NOT_HERE) == pages
    assert not set(BEFORE) & set(NOT_HERE)
    text = "".join(page.read_text(encoding="utf-8") for page in (PAGES / "how-to").glob("*.md"))
    assert [words for words in NOT_RUN if words not in text] == []
