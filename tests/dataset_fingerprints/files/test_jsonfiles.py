from __future__ import annotations

import gc
from dataclasses import dataclass

import pytest

from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.files import jsonfiles
from dataset_fingerprints.files.atomic import replacing
from dataset_fingerprints.files.jsonfiles import read_json, refuse_newer, write_json


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
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


@dataclass(frozen=True, kw_only=True, slots=True)
class Versioned:
    name: str
    schema_version: int = 2


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        ('{"name": "a", "schema_version": 3}', "Update autoseg"),
        ('{"title": "a", "schema_version": 3}', "Update autoseg"),
        ('{"name": "a", "schema_version": 1}', "It was made by an older version: run `autoseg plan_and_preprocess"),
    ],
)
def test_a_file_of_another_schema_is_refused_by_its_version(tmp_path, content, advice):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(FileFormatError, match=rf"schema version \d, but this version of autoseg knows 2. {advice}"):
        read_json(tmp_path / "a.json", Versioned)


def test_only_what_a_newer_version_wrote_may_not_be_replaced(tmp_path):
    path = tmp_path / "a.json"
    refuse_newer(path, Versioned)
    for content in ("{", "[]", '{"schema_version": 1}', '{"schema_version": 2}'):
        path.write_text(content)
        refuse_newer(path, Versioned)
    path.write_text('{"schema_version": 3}')
    with pytest.raises(FileFormatError, match="Update autoseg"):
        refuse_newer(path, Versioned)


def test_plain_values_are_gone_when_dataclasses_are_built(tmp_path, monkeypatch):
    write_json(tmp_path / "a.json", Thing(name="told apart by this", length_mm=1.5, counts=(1, 2)))
    validate, held = jsonfiles._validate, []

    def look_around(kind, text):
        plain = (one.get("name") for one in gc.get_objects() if type(one) is dict)
        held.extend(name for name in plain if isinstance(name, str) and name == "told apart by this")
        return validate(kind, text)

    monkeypatch.setattr(jsonfiles, "_validate", look_around)
    assert read_json(tmp_path / "a.json", Thing).counts == (1, 2)
    assert not held
