from __future__ import annotations

from dataclasses import dataclass

import pytest

from dataset_fingerprints.atomic import replacing
from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.jsonfiles import read_json, write_json


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    name: str
    length_mm: float | None
    counts: tuple[int, ...] = ()


def test_a_dataclass_comes_back_as_it_was_written(tmp_path):
    thing = Thing(name="a", length_mm=1.5, counts=(1, 2))
    write_json(tmp_path / "a.json", thing)
    assert read_json(tmp_path / "a.json", Thing) == thing


def test_not_a_number_is_written_as_null(tmp_path):
    write_json(tmp_path / "a.json", Thing(name="a", length_mm=float("nan")))
    assert read_json(tmp_path / "a.json", Thing).length_mm is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": "a", "length_mm": 1, "nam": 2}', "unknown field 'nam'. Did you mean 'name'"),
        ('{"name": 3, "length_mm": 1}', "name: .*string.*found '3'"),
        ('{"name": "a"}', "length_mm: .*required"),
        ("{", "JSON"),
    ],
)
def test_a_wrong_file_is_refused_with_the_field_and_what_was_found(tmp_path, text, message):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FileFormatError, match=message):
        read_json(tmp_path / "a.json", Thing)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half" if 1 / 0 else "")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
