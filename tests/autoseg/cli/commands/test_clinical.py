from __future__ import annotations

from pathlib import Path

import pytest

from tests.autoseg.pipeline.clinical.files import write_mask
from tests.synthetic.commands import run

BOX, HALF = (slice(6, 10), slice(14, 18), slice(12, 20)), (slice(6, 8), slice(14, 18), slice(12, 20))


def test_commands_about_lesions_say_what_they_found_and_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_mask(tmp_path / "masks" / "1.nii.gz", HALF)
    write_mask(tmp_path / "references" / "1.nii.gz", BOX)
    roi = write_mask(tmp_path / "cst.nii.gz", BOX)
    assert run(monkeypatch, "lesion-load", "masks", "--roi", roi, "--references", "references") == 0
    said = capsys.readouterr().out
    assert "50.00" in said
    assert "Masks against references" in said
    assert "lesion-load-agreement.csv" in said
    assert run(monkeypatch, "lesion-table", "masks") == 0
    said = capsys.readouterr().out
    assert "one, left" in said
    assert "--other gives a region" in said
    assert run(monkeypatch, "lesion-map", "masks") == 0
    assert "at most 1 (100 %)" in capsys.readouterr().out
    (tmp_path / "scores.csv").write_text("id,initial,follow_up\nA,8,8\nB,11,65\n")
    assert run(monkeypatch, "recovery", "scores.csv") == 0
    assert "38.9" in capsys.readouterr().out


def test_failed_case_is_listed_and_the_exit_code_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_mask(tmp_path / "masks" / "1.nii.gz", HALF)
    (tmp_path / "masks" / "2.nii.gz").write_bytes(b"nothing")
    roi = write_mask(tmp_path / "cst.nii.gz", BOX)
    assert run(monkeypatch, "lesion-load", "masks", "--roi", roi) == 1
    assert "case 2:" in capsys.readouterr().err
    assert (tmp_path / "lesion-load.csv").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lesion-load", "masks", "--roi", "nowhere.nii.gz"), "nowhere.nii.gz: does not exist"),
        (("lesion-table", "nowhere"), "nowhere: does not exist"),
        (("lesion-table", "masks", "--connectivity", "8"), "Expected 6, 18 or 26"),
        (("lesion-table", "masks", "--min-mm3", "nan"), "--min-mm3 is nan. Expected 0 or more"),
        (("lesion-table", "masks", "--midline-mm", "inf"), "--midline-mm is inf. Expected a finite number"),
        (("lesion-load", "masks", "--roi", "cst.nii", "--roi-maximum", "0"), "--roi-maximum is 0. Expected more"),
        (("lesion-map", "masks", "-o", "map.nii.gz"), "looks like a file"),
        (("recovery", "nowhere.csv"), "does not exist"),
        (("baselines", "masks", "-o", "out", "--method", "magic"), "no such method"),
        (("baselines", "masks", "-o", "out", "--seed", "1,2"), "Expected three numbers"),
        (("baselines", "masks", "-o", "out", "--seed", "a,b,c"), "Expected three numbers"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_exit_code_two(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_mask(tmp_path / "masks" / "1.nii.gz", HALF)
    assert run(monkeypatch, *words) == 2
    assert said in " ".join(capsys.readouterr().err.split())
