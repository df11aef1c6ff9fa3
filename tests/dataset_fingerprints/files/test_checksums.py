from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from dataset_fingerprints.errors import FileFormatError, PlanError
from dataset_fingerprints.files import checksums, stamps
from dataset_fingerprints.files.checksums import measure_file
from dataset_fingerprints.files.jsonfiles import parse_json, read_json, to_sealed_line, write_json


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    name: str
    lengths: tuple[float, ...] = (1e-7, 2.0, 1e300)
    schema_version: int = 2


def write(path: Path) -> dict[str, object]:
    write_json(path, Thing(name="\u00e9\U0001f600"))
    plain: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return plain


def test_the_last_key_is_the_checksum_and_blanks_and_line_ends_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    plain = write(path)
    assert list(plain)[-1] == "checksum"
    for text in (
        json.dumps(plain),
        path.read_text(encoding="utf-8").replace("\n", "\r\n"),
        "\ufeff" + json.dumps(plain, indent=4),
    ):
        path.write_bytes(text.encode())
        assert read_json(path, Thing).name == "\u00e9\U0001f600"


def test_a_changed_file_is_refused_with_its_remedy_until_its_checksum_is_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    plain = write(path) | {"name": "b"}
    path.write_text(json.dumps(plain))
    with pytest.raises(
        FileFormatError, match=r'does not hold what autoseg wrote.* Do so\. .*remove its line "checksum"'
    ):
        read_json(path, Thing, "Do so.")
    del plain["checksum"]
    path.write_text(json.dumps(plain))
    assert read_json(path, Thing).name == "b"


def test_what_is_wrong_is_named_before_the_checksum_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    plain = write(path)
    for change, message in (({"name": 3}, "name: .*string"), ({"schema_version": 3}, "schema version 3")):
        path.write_text(json.dumps(plain | change))
        with pytest.raises(FileFormatError, match=rf"{message}.*It may be damaged"):
            read_json(path, Thing)

    def check(thing: Thing) -> None:
        raise PlanError(f"{thing.name} is no name.")

    path.write_text(json.dumps(plain | {"name": "b"}))
    with pytest.raises(PlanError, match=r"b is no name\..*It may be damaged"):
        read_json(path, Thing, check=check)


def test_every_flipped_bit_of_a_line_is_noticed() -> None:
    line = to_sealed_line(Thing(name="a"))
    for place in range(len(line) - 1):
        for bit in range(8):
            flipped = bytearray(line)
            flipped[place] ^= 1 << bit
            try:
                found = parse_json(bytes(flipped), Thing, "here")
            except FileFormatError:
                continue
            assert found == Thing(name="a")


def test_pipes_devices_and_folders_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "zero", "folder", "nothing"):
        with pytest.raises(FileFormatError, match=f"{name}: cannot be read"):
            read_json(tmp_path / name, Thing)
        with pytest.raises(OSError, match=r"\w"):
            measure_file(tmp_path / name)


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return a list that grows by each file whose content is read for its checksum."""
    read: list[Path] = []
    read_file = checksums.read_file
    monkeypatch.setattr(checksums, "read_file", lambda path: read.append(path) or read_file(path))
    return read


def test_a_content_is_read_once_until_the_file_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    written, read = measure_file(path), count_reads(monkeypatch)
    # As if the file had been written long ago.
    monkeypatch.setattr(stamps, "SETTLED_NS", -(10**12))
    assert written.fits(path)
    assert written.fits(path)
    assert len(read) == 1
    (tmp_path / "new").write_bytes(b"two")
    (tmp_path / "new").replace(path)
    assert not written.fits(path)
    assert len(read) == 2


def test_a_file_that_changed_just_now_is_read_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    written, read = measure_file(path), count_reads(monkeypatch)
    assert written.fits(path)
    times = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert not written.fits(path)
    assert len(read) == 2
