"""`import-atlas` as a person gives it: what it says, and how it ends."""

from __future__ import annotations

from tests.synthetic.atlas_trees import write_bids, write_r20
from tests.synthetic.commands import run


def test_an_import_says_what_it_found_what_it_left_out_and_what_is_next(tmp_path, monkeypatch, capsys):
    source = write_r20(tmp_path / "ATLAS_2")

    assert run(monkeypatch, "import-atlas", source, "-o", tmp_path / "data") == 0

    said = capsys.readouterr().out
    assert "ATLAS R2.0 (MNI space): 6 sessions of 6 subjects, 4 sites." in said
    assert "5 cases to train on, 1 case held out (imagesTs)." in said
    assert "Left out 1 file, listed in left_out.tsv: MNI152NLin2009aSym.nii.gz" in said
    assert f"Next: `autoseg plan_and_preprocess {tmp_path / 'data'}`." in said
    assert "imported before" not in said

    assert run(monkeypatch, "import-atlas", source, "-o", tmp_path / "data", "--release", "R2.1") == 0

    said = capsys.readouterr().out
    assert "ATLAS R2.1 (MNI space)" in said
    assert "6 of 6 sessions imported before, and kept as before." in said


def test_sessions_that_failed_are_listed_and_the_others_are_there(tmp_path, monkeypatch, capsys):
    scans = write_bids(tmp_path / "src", ("r001s001", "r001s002"))
    scans[0].write_bytes(b"not an image")

    assert run(monkeypatch, "import-atlas", tmp_path / "src", "-o", tmp_path / "data") == 1

    said = capsys.readouterr()
    assert "1 session of 2 could not be imported" in " ".join(said.err.split())
    assert "Traceback" not in said.err
    assert "Left out 1" not in said.out
    assert [path.name for path in (tmp_path / "data" / "labelsTr").iterdir()] == ["sub-r001s002_ses-1.nii.gz"]


def test_an_archive_is_refused(tmp_path, monkeypatch, capsys):
    archive = tmp_path / "ATLAS_R2.0_encrypted.tar.gz"
    archive.write_bytes(b"Salted__x")

    assert run(monkeypatch, "import-atlas", archive, "-o", tmp_path / "data") == 2

    assert "Decrypt it with the password that came with the data-use agreement" in " ".join(
        capsys.readouterr().err.split()
    )
    assert not (tmp_path / "data").exists()


def test_splits_by_site_and_from_a_table_are_options_of_planning(tmp_path, monkeypatch, capsys):
    run(monkeypatch, "import-atlas", write_r20(tmp_path / "ATLAS_2"), "-o", tmp_path / "data")

    assert run(monkeypatch, "plan_and_preprocess", tmp_path / "data", "-w", tmp_path / "ws", "--splits", "by-site") == 0

    text = (tmp_path / "ws" / "plans" / "default" / "splits.json").read_text(encoding="utf-8")
    assert "3 folds that leave sites out, of 3 sites" in text
