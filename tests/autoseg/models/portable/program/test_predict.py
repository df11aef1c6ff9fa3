"""Masks of the exported program, beside those of autoseg, in a process that has four packages only."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.models import ModelSet
from autoseg.models.portable.program.predict import Model, find_scans, main
from autoseg.models.portable.program.files import RefusedError
from autoseg.pipeline.trained import load_models
from planners.choices import Choice
from planners.plan import CropTo, MaskOf
from tests.autoseg.models.portable.builders import (
    PLAIN,
    configure,
    put_together,
    train,
    write_portable,
    write_scan,
)
from tests.synthetic.heads import region_scheme

# Runs a program where autoseg, torch and all other packages cannot be imported.
ISOLATED = """
import runpy, sys
allowed = {"numpy", "scipy", "nibabel", "onnxruntime"}
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed | set(sys.stdlib_module_names) | set(LOCAL):
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
sys.meta_path.insert(0, Blocker())
program = sys.argv.pop(1)
sys.argv[0] = program
runpy.run_path(program, run_name="__main__")
"""
# What the four import themselves.
LOCAL = ("predict", "packaging", "coloredlogs", "flatbuffers", "google", "sympy", "mpmath", "typing_extensions")


def run_isolated(program: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    code = f"LOCAL = {LOCAL!r}\n{ISOLATED}"
    command = [sys.executable, "-I", "-c", code, str(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def cascade(kind: str) -> ModelSet:
    """Return a coarse model and one that sees its masks, its box, or both."""
    coarse = configure("3d_lowres", preprocessing=configure().preprocessing.__class__(
        spacing_mm=(1.7, 1.9, 2.4), normalization=(Choice(name="zscore_body"),), coarse_axis=-1))
    inputs = {
        "masks": (MaskOf(configuration="3d_lowres"),),
        "box": (CropTo(configuration="3d_lowres", margin_mm=1.5, threshold=0.999),),
    }
    inputs["both"] = (*inputs["masks"], *inputs["box"])
    fine = configure(inputs=inputs[kind])
    return put_together({"3d_lowres": (train([coarse]),), "3d_fullres": (train([coarse, fine]),)})


def ensemble(rule: str) -> ModelSet:
    folds = (train([configure()]), train([configure()], "1", snapshots=2))
    return put_together({"3d_fullres": folds}, rule=rule)  # type: ignore[arg-type]


def configurations() -> ModelSet:
    decision = ((0.4, 0.35), (Choice(name="smallest_volume", options={"volume_mm3": 15.0}), Choice(name="fill_holes")))
    flat = configure("2d", 2)
    return put_together({"3d_fullres": (train([configure()]),)}, {"2d": (train([flat]),)}, decision=decision)


MODELS: dict[str, Callable[[], ModelSet]] = {
    "masks of an earlier stage": lambda: cascade("masks"),
    "box of an earlier stage": lambda: cascade("box"),
    "both": lambda: cascade("both"),
    "mean probabilities": lambda: ensemble("probabilities"),
    "mean logits": lambda: ensemble("logits"),
    "two configurations": configurations,
    "regions": lambda: put_together({"3d_fullres": (train([configure()], scheme=region_scheme()),)}),
    "two channels": lambda: put_together({"3d_fullres": (train([two_channels()], channels=("T1w", "FLAIR")),)}),
}


def two_channels():  # noqa: ANN201
    first = configure().preprocessing
    both = (*first.normalization, Choice(name="rescale"))
    return configure(preprocessing=first.__class__(spacing_mm=first.spacing_mm, normalization=both, coarse_axis=-1))


@pytest.fixture(autouse=True)
def in_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSEG_FLOAT32", "1")


@pytest.mark.parametrize("name", MODELS)
def test_masks_are_those_of_autoseg(name: str, tmp_path: Path) -> None:
    models = MODELS[name]()
    place = write_portable(tmp_path / "model.zip", models)
    files = write_scan(tmp_path / "scan.nii.gz", len(models.channels()))
    expected = load_models(models).predict(list(files)).labels
    assert len(np.unique(expected)) == 3
    for half, most in ((False, 1e-4), (True, 1e-3)):
        assert main([*map(str, files), "-o", str(tmp_path / "out"), "-m", str(place), *(["--half"] if half else [])]) == 0
        mask = nibabel.load(tmp_path / "out" / "scan.nii.gz")
        assert (np.asanyarray(mask.dataobj) != expected).mean() <= most
