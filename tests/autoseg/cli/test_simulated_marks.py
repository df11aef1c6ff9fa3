"""The mark of simulated scans on what commands about lesions, and comparisons, show and write."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.autoseg.pipeline.clinical.files import write_mark, write_mask
from tests.autoseg.pipeline.test_baselines import write_scan
from tests.synthetic.commands import run

BOX, HALF = (slice(6, 10), slice(14, 18), slice(12, 20)), (slice(6, 8), slice(14, 18), slice(12, 20))


def marks_of(path: Path) -> set[str | None]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return {row.get("simulated") for row in csv.DictReader(stream)}


@pytest.fixture
def marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """References that are marked, and masks of two systems elsewhere."""
    monkeypatch.chdir(tmp_path)
    write_mark(tmp_path / "references")
    for case in ("1", "2", "3"):
        for folder, box in (("references", BOX), ("ours", HALF), ("theirs", BOX)):
            write_mask(tmp_path / folder / f"{case}.nii.gz", box)
    write_mask(tmp_path / "cst.nii.gz", BOX)
    return tmp_path


def test_loads_tables_and_maps_say_it(
    marked: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "lesion-load", "ours", "--roi", "cst.nii.gz", "-r", "references") == 0
    said = capsys.readouterr().out
    assert "SIMULATED: Lesion load" in said
    assert "SIMULATED: Masks against references" in said
    for name in ("lesion-load.csv", "lesion-load-slices.csv", "lesion-load-agreement.csv"):
        assert marks_of(marked / name) == {"yes"}
    assert run(monkeypatch, "lesion-table", "references") == 0
    # Titles of narrow tables are broken.
    said = " ".join(capsys.readouterr().out.split())
    assert "SIMULATED: Lesions of 3 cases" in said
    assert "SIMULATED: Lesion volumes" in said
    assert marks_of(marked / "lesions.csv") == {"yes"}
    # A table with the mark is known for an earlier one.
    assert run(monkeypatch, "lesion-table", "ours") == 0
    assert "SIMULATED" not in capsys.readouterr().out
    assert marks_of(marked / "lesions.csv") == {None}
    assert run(monkeypatch, "lesion-map", "references") == 0
    assert "SIMULATED: 3 cases" in capsys.readouterr().out


def test_titles_of_pictures_say_it(marked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    titles = []

    def write_text(figure: object, text: str, *where: object, **style: object) -> None:
        titles.append(text)

    for module in ("lesion_map", "volume_distribution"):
        monkeypatch.setattr(f"autoseg.reporting.{module}.write_text", write_text)
    monkeypatch.setattr(
        "autoseg.pipeline.statistics.pictures.draw_volumes", lambda panels, path: titles.extend(p.title for p in panels)
    )
    assert run(monkeypatch, "lesion-map", "references") == 0
    assert run(monkeypatch, "lesion-table", "references") == 0
    assert run(monkeypatch, "agreement", "ours", "--reader", "references") == 0
    assert sum(title.startswith("SIMULATED: ") for title in titles) == 3


def test_comparisons_and_readers_say_it(
    marked: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ours", "theirs"):
        assert run(monkeypatch, "evaluate", name, "references", "-o", f"{name}.json", "--by", "size") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("SIMULATED: label 1 by size") == 2
    assert marks_of(marked / "ours-groups.csv") == {"yes"}
    assert run(monkeypatch, "compare", "ours.json", "theirs.json") == 0
    assert capsys.readouterr().out.count("SIMULATED: ") == 2
    assert run(monkeypatch, "agreement", "ours", "--reader", "references", "--reader", "theirs") == 0
    assert "SIMULATED: Masks of 3 cases" in capsys.readouterr().out
    for name in ("comparison", "agreement"):
        assert '"simulated": true' in (marked / f"{name}.json").read_text(encoding="utf-8")
        assert "# SIMULATED: " in (marked / f"{name}.md").read_text(encoding="utf-8")
        assert marks_of(marked / f"{name}.csv") == {"yes"}
    # Nothing of it where no file is marked.
    assert run(monkeypatch, "agreement", "ours", "--reader", "theirs") == 0
    assert "SIMULATED" not in capsys.readouterr().out
    assert "imulated" not in (marked / "agreement.json").read_text(encoding="utf-8")
    assert marks_of(marked / "agreement.csv") == {None}


def test_masks_of_classical_methods_carry_it_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_scan(write_mark(tmp_path / "scans") / "1.nii.gz")
    command = ("baselines", "scans", "-o", "classical", "--method", "threshold")
    assert run(monkeypatch, *command) == 0
    assert "SIMULATED: Masks of 1 scan" in capsys.readouterr().out
    assert run(monkeypatch, "lesion-table", "classical/threshold") == 0
    assert "SIMULATED: " in capsys.readouterr().out
    assert run(monkeypatch, *command) == 0
