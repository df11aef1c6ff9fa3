from __future__ import annotations

from pathlib import Path

from autoseg.cli.results.written import show_written
from dataset_fingerprints.files.places import shorten_path


def test_paths_are_relative_below_the_current_directory(tmp_path, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a")
    assert shorten_path(tmp_path / "a" / "b") == "b"
    assert shorten_path(Path("b")) == "b"
    assert shorten_path(tmp_path / "c.json") == str(tmp_path / "c.json")
    assert shorten_path(tmp_path / "a") == str(tmp_path / "a")


def test_only_what_is_there_is_shown_a_line_each(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "[a].csv").write_text("")
    (tmp_path / "masks").mkdir()
    show_written(
        (
            ("Table", tmp_path / "[a].csv"),
            ("Pictures", None),
            ("Gone", tmp_path / "no"),
            ("All masks", tmp_path / "masks"),
        )
    )
    assert capsys.readouterr().out == "Table:     [a].csv\nAll masks: masks\n"
