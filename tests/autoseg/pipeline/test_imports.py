"""What a command waits for before it starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.synthetic.scans import affine_of, head, write_nifti

# Each of these is read by one step of planning, or where components of a mask are counted, and takes long to import.
HEAVY = ("sklearn", "scipy.stats", "skimage", "pandas")


def test_training_and_predicting_start_without_what_only_other_steps_need() -> None:
    code = f"import sys, autoseg.pipeline.folds.one_fold; print(*(name for name in {HEAVY} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert found.stdout.split() == []


# Libraries of tens of MiB each that a mask of a NIfTI file needs nothing of; torch's compiler among them.
NOT_FOR_A_MASK = ("SimpleITK", "matplotlib", "blosc2", "acvl_utils", "pandas", "sklearn", "sympy", "torch._dynamo")


def test_masks_of_nifti_files_are_made_without_libraries_for_other_things(trained: Path, tmp_path: Path) -> None:
    for channel in (0, 1):
        write_nifti(tmp_path / "new" / f"new_{channel:04d}.nii.gz", head(50)[0], affine_of(flips=(-1, 1, 1)))
    folders = [str(folder) for folder in (tmp_path / "new", tmp_path / "masks", trained / "ws")]
    # What is loaded when all masks are there, and before anything is drawn.
    code = f"""
import sys, autoseg
from autoseg.pipeline.predictions.prediction_report import PredictionReport
conclude = PredictionReport.conclude
def look(self, *given, **named):
    print("LOADED", *(name for name in {NOT_FOR_A_MASK} if name in sys.modules))
    return conclude(self, *given, **named)
PredictionReport.conclude = look
autoseg.predict(*{folders}, mirror=False)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert (tmp_path / "masks" / "new.nii.gz").is_file()
    (line,) = (line for line in found.stdout.splitlines() if line.startswith("LOADED"))
    assert line.split()[1:] == []
