"""Zip files of which nothing is used before it was looked at."""

from __future__ import annotations

import hashlib
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from autoseg.models.archive import LIST, Archive, ListedFile, writing_archive
from dataset_fingerprints.errors import DataError

CONTENT = b"weights of a network"


def write(path: Path, extra: Callable[[zipfile.ZipFile], None] = lambda opened: None) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr(LIST, "{}")
        opened.writestr("2d/0/weights-1.safetensors", CONTENT)
        extra(opened)
    return path


def listed(content: bytes = CONTENT, path: str = "2d/0/weights-1.safetensors") -> ListedFile:
    return ListedFile(path=path, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def add_link(opened: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("weights")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    opened.writestr(entry, "/etc/passwd")


def add_packed(opened: zipfile.ZipFile) -> None:
    opened.writestr("big.safetensors", bytes(10_000_000), compress_type=zipfile.ZIP_DEFLATED)


def add_text_bomb(opened: zipfile.ZipFile) -> None:
    opened.writestr("bomb.json", bytes((1 << 26) + 1), compress_type=zipfile.ZIP_DEFLATED)


def add_many(opened: zipfile.ZipFile) -> None:
    for number in range(5000):
        opened.writestr(f"{number}.json", b"")


def add_twice(opened: zipfile.ZipFile) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        opened.writestr(LIST, "{}")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (lambda opened: opened.writestr("../out.json", "{}"), "leads out of it"),
        (lambda opened: opened.writestr("a/../../out.json", "{}"), "leads out of it"),
        (lambda opened: opened.writestr("/etc/out.json", "{}"), "leads out of it"),
        (lambda opened: opened.writestr("..\\out.json", "{}"), "leads out of it"),
        (lambda opened: opened.writestr("C:out.json", "{}"), "leads out of it"),
        (lambda opened: opened.writestr("folder/", ""), "is a link or a folder"),
        (add_link, "is a link or a folder"),
        (add_packed, "big.safetensors is packed"),
        (add_text_bomb, "bomb.json would unpack to 67108865 bytes"),
        (add_many, "holds 5002 files"),
        (add_twice, f"{LIST} is in it twice"),
    ],
)
def test_what_may_do_harm_is_refused_before_it_is_read(
    tmp_path: Path, extra: Callable[[zipfile.ZipFile], None], message: str
) -> None:
    path = write(tmp_path / "model.zip", extra)
    with pytest.raises(DataError, match=message):
        Archive(path)
    assert sorted(tmp_path.iterdir()) == [path]


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "model.zip")
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    struct.pack_into("<H", content, directory + 8, 1)
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{LIST} is encrypted"):
        Archive(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"PK", "it is not a zip file"),
        (b"no zip file at all", "it is not a zip file"),
        (b"\x93NUMPY" * 100, "it is not a zip file"),
        (b"PK\x03\x04" + bytes(100), "its end is missing: it was cut off"),
    ],
)
def test_what_is_no_zip_file_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "model.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"cannot be read as a model \({reason}\)"):
        Archive(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        Archive(tmp_path / "model.zip")


def test_a_zip_file_of_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("a.json", "{}")
    with pytest.raises(DataError, match=f"holds no {LIST}"):
        Archive(path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "holds what is not listed: 2d/0/weights-1.safetensors"),
        ((listed(), listed(path="2d/1/weights-1.safetensors")), "lacks 2d/1/weights-1.safetensors"),
        ((listed(CONTENT + b"!"),), "has another size of 2d/0/weights-1.safetensors"),
    ],
)
def test_what_differs_from_the_list_is_named(tmp_path: Path, files: tuple[ListedFile, ...], message: str) -> None:
    archive = Archive(write(tmp_path / "model.zip"))
    with pytest.raises(DataError, match=message):
        archive.refuse_unlisted(files)


def test_another_content_than_listed_is_refused(tmp_path: Path) -> None:
    archive = Archive(write(tmp_path / "model.zip"))
    assert archive.read(listed()) == CONTENT
    with pytest.raises(DataError, match="does not have the content that is listed"):
        archive.read(listed(CONTENT[::-1]))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "model.zip"
    with writing_archive(path) as writer:
        writer.write("2d/0/weights-1.safetensors", [CONTENT * 100])
        writer.write_list("{}")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match="cannot be read as a model"):
        Archive(path)


def test_what_was_written_in_pieces_is_listed_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    with writing_archive(path) as writer:
        writer.write("2d/0/weights-1.safetensors", [CONTENT[:4], memoryview(CONTENT)[4:]])
        writer.write_list("{}")
    assert writer.listed == [listed()]
    archive = Archive(path)
    archive.refuse_unlisted(writer.listed)
    assert archive.read(writer.listed[0]) == CONTENT
    assert archive.read_list() == b"{}"
