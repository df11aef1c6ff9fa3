"""What a command waits for before it starts."""

from __future__ import annotations

import subprocess
import sys

# Each of these is read by one step of planning, or where components of a mask are counted, and takes long to import.
HEAVY = ("sklearn", "scipy.stats", "skimage", "pandas")


def test_training_and_predicting_start_without_what_only_other_steps_need() -> None:
    code = f"import sys, autoseg.pipeline.folds.one_fold; print(*(name for name in {HEAVY} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert found.stdout.split() == []
