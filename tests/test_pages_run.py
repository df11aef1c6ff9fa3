"""The commands of the how-to pages are run as they are written, on small simulated data that bear the pages' names."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from experiments.reference.walking import list_blocks
from tests.synthetic.commands import run

PAGES = Path(__file__).parents[1] / "docs" / "pages"
# Commands that are not run here, and why.
NOT_RUN = {
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
    "--planner mapping2022": "trains five configurations; its recipe has a test",
}
STEPS = ("--iterations", "3")
# What a page calls its places, and what there is before its first command.
BEFORE = {
    "few-cases": ("SCANS", "REFERENCES"),
    "fine-tuning": ("model.zip",),
    "labelling": ("LABELLED", "SCANS"),
    "container": ("trained ws", "BIDS"),
    "lesion-load": ("MASKS", "tracts", "TABLE.csv"),
    "small-lesions": ("MASKS", "REFERENCES"),
    "papers": ("masks-a", "masks-b", "references"),
    "data": ("cases.csv",),
    "combining": ("DATASET_A", "DATASET_B"),
    "predicting": ("trained ws", "SCANS"),
    "models": ("trained ws",),
    "scores": ("MASKS", "REFERENCES"),
    "training": ("trained ws",),
}
# Pages none of whose commands are run here.
NOT_HERE = {
    "atlas": "needs a release of ATLAS; tests/autoseg/pipeline/atlas makes them",
    "machines": "needs cards or Slurm; its other commands are the tutorial's with other numbers",
    "recipes": "trains for an hour; tests/experiments/experiment trains for seconds",
    "nnunet-models": "needs a model of nnU-Net's; tests/autoseg/models/nnunet make one",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a data set, a trained workspace and its bundle."""
    root = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        simulate = ("--cases", "8", "--held-out", "3", "--spacing-mm", "8", "--cubic", "--min-lesion-ml", "5")
        assert run(patch, "simulate", "DATASET", *simulate) == 0
        assert run(patch, "plan_and_preprocess", "DATASET", "-w", "ws") == 0
        assert run(patch, "train", "0", "-w", "ws", *STEPS) == 0
        assert run(patch, "export", "ws", "-o", "model.zip") == 0
    return root


def prepare(what: str, made: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put what a page takes for given into its folder."""
    scans, masks = made / "DATASET" / "imagesTs", made / "DATASET" / "labelsTs"
    if what in ("DATASET_A", "DATASET_B", "LABELLED"):
        shutil.copytree(made / "DATASET", place / what)
    elif what == "SCANS":
        shutil.copytree(scans, place / what)
    elif what in ("MASKS", "REFERENCES", "masks-a", "masks-b", "references"):
        shutil.copytree(masks, place / what)
    elif what == "model.zip":
        shutil.copy(made / "model.zip", place)
    elif what == "trained ws":
        shutil.copytree(made / "ws", place / "ws", symlinks=True)
    elif what == "BIDS":
        for number, scan in enumerate(sorted(scans.glob("*.nii.gz")), 1):
            target = place / "BIDS" / f"sub-0{number}" / "anat" / f"sub-0{number}_T1w.nii.gz"
            target.parent.mkdir(parents=True)
            shutil.copy(scan, target)
        (place / "BIDS" / "dataset_description.json").write_text('{"Name": "Made", "BIDSVersion": "1.9.0"}')
    elif what == "tracts":
        mask = next(masks.glob("*.nii.gz"))
        for side in ("left", "right"):
            shutil.copy(mask, place / f"cst_{side}.nii.gz")
    elif what == "TABLE.csv":
        (place / what).write_text("id,initial,follow_up\nA,8,8\nB,11,65\nC,8,12\n")
    elif what == "cases.csv":
        rows = ["image:T1w,label"]
        for scan in sorted((made / "DATASET" / "imagesTr").glob("*.nii.gz")):
            label = made / "DATASET" / "labelsTr" / scan.name.replace("_0000.nii.gz", ".nii.gz")
            rows.append(f"{scan},{label}")
        (place / what).write_text("\n".join(rows) + "\n")
    else:
        raise KeyError(what)


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
    os.symlink(made / "DATASET", "DATASET")
    for what in BEFORE[page]:
        prepare(what, made, tmp_path, monkeypatch)
    ran = 0
    for block in list_blocks((PAGES / "how-to" / f"{page}.md").read_text(encoding="utf-8")):
        for command in filter(None, map(change, block.commands())):
            if command.startswith("autoseg "):
                assert run(monkeypatch, *shlex.split(command)[1:]) == 0, f"{command}\n{capsys.readouterr().err}"
            else:
                subprocess.run(("sh", "-c", command), check=True)
            ran += 1
    assert ran


def test_every_how_to_is_run_or_says_why_not() -> None:
    pages = {page.stem for page in (PAGES / "how-to").glob("*.md")}
    assert set(BEFORE) | set(NOT_HERE) == pages
    assert not set(BEFORE) & set(NOT_HERE)
