"""Files of code stay as short as CONTRIBUTING.md says."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("dataset_fingerprints", "planners", "autoseg", "experiments", "tests")
# Fewer lines than that.
LIMIT = 400


def test_files_of_code_are_short() -> None:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert Path(__file__) in files
    long = [path for path in files if len(path.read_text(encoding="utf-8").splitlines()) >= LIMIT]
    assert [str(path.relative_to(ROOT)) for path in long] == []
