"""The commands of the course's page run as they are written there, but those that train, and what follows on these."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from experiments.reference.blocks import list_blocks
from tests.synthetic.commands import run

PAGE = (Path(__file__).parents[1] / "docs" / "pages" / "course.md").read_text(encoding="utf-8")
# They take minutes, or need the network that these train; the data of the course are not here.
LEFT_OUT = ("autoseg train", "autoseg predict", "autoseg benchmark", "python -m", "--probability-maps", "hidden/")


@pytest.mark.slow
def test_the_page_s_quick_commands_run_and_print_the_page_s_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "150")
    said, trained = "", False
    for block in list_blocks(PAGE):
        if block.kind == "text" and said:
            # Figures of masks are those of another method here.
            figures = () if trained else re.findall(r"\S*\d\S*", block.typed)
            assert [figure for figure in figures if figure not in said] == []
        elif block.kind == "python":
            Path("tract.py").write_text(block.typed, encoding="utf-8")
            runpy.run_path("tract.py")
        elif block.kind == "sh" and "train/Brain" not in block.typed:
            said, trained = "", any(word in block.typed for word in ("masks", "-w course-autoseg"))
            for command in block.commands():
                if any(word in command for word in LEFT_OUT):
                    continue
                if command.startswith("autoseg "):
                    assert run(monkeypatch, *shlex.split(command)[1:]) == 0, command
                else:
                    subprocess.run(("sh", "-c", command), check=True)
            said = capsys.readouterr().out
        if Path("classical").is_dir() and not Path("masks").exists():
            shutil.copytree("classical/threshold", "masks")
    written = ("lesions.csv", "lesion-map/count.nii.gz", "comparison.json", "scores.json", "agreement.json")
    assert [name for name in (*written, "lesion-load.csv", "recovery.csv") if not Path(name).is_file()] == []
