"""Hashes of files: each content is read once, and again when it is another."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dataset_fingerprints.files.hashes import hash_file, hash_files


def test_a_file_is_known_by_its_contents(tmp_path: Path) -> None:
    first, second = (tmp_path / name for name in "ab")
    first.write_bytes(b"one")
    second.write_bytes(b"two")
    assert hash_file(first) == hashlib.sha256(b"one").hexdigest()
    each = hashlib.sha256(b"one").digest() + hashlib.sha256(b"two").digest()
    assert hash_files([first, second]) == hashlib.sha256(each).hexdigest()
    assert hash_files([second, first]) != hash_files([first, second])


def test_a_file_is_read_again_only_when_it_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, digest = [], hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *given: read.append(1) or digest(*given))
    path = tmp_path / "a"
    path.write_bytes(b"one")
    assert hash_file(path) == hash_file(path)
    assert len(read) == 1
    (tmp_path / "new").write_bytes(b"two")
    (tmp_path / "new").replace(path)
    assert hash_file(path) == hashlib.sha256(b"two").hexdigest()
    assert len(read) == 2
