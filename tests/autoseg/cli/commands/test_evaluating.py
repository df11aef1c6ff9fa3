"""Files that `evaluate` writes: where they lie, and what becomes of those of an earlier run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.synthetic.commands import run
from tests.synthetic.scans import write_nifti

CASES = 4


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with masks and references of two labels and a table of sites."""
    monkeypatch.chdir(tmp_path)
    for number in range(CASES):
        labels = np.zeros((12, 12, 6), dtype=np.uint8)
        labels[2 : 5 + number, 2:6, 1:4], labels[8:11, 8:11, 2:5] = 1, 2
        write_nifti(Path("references") / f"c{number}.nii.gz", labels)
        write_nifti(Path("masks") / f"c{number}.nii.gz", np.roll(labels, 1, axis=0))
        write_nifti(Path("others") / f"c{number}.nii.gz", np.roll(labels, 1, axis=1))
    rows = [f"c{number}\t{'north' if number % 2 else 'south'}" for number in range(CASES)]
    Path("sites.tsv").write_text("\n".join(["case\tsite", *rows]) + "\n")
    return tmp_path


def evaluate(monkeypatch: pytest.MonkeyPatch, masks: str, *options: str) -> set[str]:
    """Return the names of the files that there are after `evaluate`."""
    assert run(monkeypatch, "evaluate", masks, "references", "--traits", "sites.tsv", *options) == 0
    return {path.name for path in Path().iterdir() if path.is_file() and path.name != "sites.tsv"}


def test_tables_of_other_masks_do_not_stay_beside_new_figures(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    beside = {"metrics-groups.csv", "metrics-volumes.png", "metrics-levels.csv"}
    assert evaluate(monkeypatch, "masks", "--by", "site,size", "--levels") >= beside
    assert not caplog.messages
    assert evaluate(monkeypatch, "others") == {"metrics.json", "metrics.csv"}
    (said,) = caplog.messages
    assert said.startswith("metrics.json: removed 3 files of an earlier run")
    assert all(name in said for name in beside)


def test_tables_of_the_same_figures_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = evaluate(monkeypatch, "masks", "--by", "site")
    assert evaluate(monkeypatch, "masks") == before == {"metrics.json", "metrics.csv", "metrics-groups.csv"}


def test_a_picture_is_not_left_beside_groups_without_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "metrics-volumes.png" in evaluate(monkeypatch, "masks", "--by", "size")
    assert evaluate(monkeypatch, "others", "--by", "site") == {"metrics.json", "metrics.csv", "metrics-groups.csv"}


def test_a_picture_of_the_same_figures_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "metrics-volumes.png" in evaluate(monkeypatch, "masks", "--by", "size")
    assert {"metrics-volumes.png", "metrics-groups.csv"} <= evaluate(monkeypatch, "masks", "--by", "site")


def test_a_picture_of_another_command_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate(monkeypatch, "masks", "--by", "size")
    Path("metrics-groups.csv").unlink()  # `lesion-table -o metrics.csv` draws a picture of this name, and no groups
    assert "metrics-volumes.png" in evaluate(monkeypatch, "others")
    assert "metrics-volumes.png" in evaluate(monkeypatch, "masks", "--by", "site")


def test_files_of_somebody_else_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("metrics-groups.csv").write_text("my,own\n")
    assert "metrics-groups-2.csv" in evaluate(monkeypatch, "masks", "--by", "site")
    assert evaluate(monkeypatch, "others") == {"metrics.json", "metrics.csv", "metrics-groups.csv"}
    assert Path("metrics-groups.csv").read_text() == "my,own\n"


def test_replaced_scores_are_told_where_nobody_named_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "held other scores, and was replaced"
    for masks, options, is_told in (
        ("masks", (), False),
        ("masks", (), False),
        ("others", (), True),
        ("masks", ("-o", "metrics.json"), False),
    ):
        evaluate(monkeypatch, masks, *options)
        assert (told in capsys.readouterr().out) == is_told, (masks, options)


def test_groups_show_what_was_asked_for_and_name_where_nothing_was_hit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missed = np.zeros((12, 12, 6), dtype=np.uint8)
    missed[11, 11, 5], missed[0, 0, 5] = 1, 2
    write_nifti(Path("masks") / "c1.nii.gz", missed)
    evaluate(monkeypatch, "masks", "--by", "site", "--metric", "lesion_recall,lesion_precision")
    said = capsys.readouterr().out
    table = said.partition("by site: means")[2]
    assert table.index("Lesion") < table.index("Dice")
    assert "Dice is 0: 1 of 2 in north." in said
